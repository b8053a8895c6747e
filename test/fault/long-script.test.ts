/** A server that runs a script says BUSY to everybody else: it is alive, and whoever waits for the script is right to wait. */
import { describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";

const THRESHOLD_MS = 300;
const SUSPECT_MS = 300;
const SCRIPT_MS = 2500;

const SCRIPT = "local n = 0 for i = 1, tonumber(ARGV[1]) do n = (n + i) % 7 end return 'done'";

/** Turns of the loop that take about so long: a script sees no clock that runs, on every server. */
async function turnsFor(server: ServerNode, ms: number): Promise<number> {
	for (let turns = 1_000_000; ; turns *= 2) {
		const began = performance.now();
		await server.raw("EVAL", SCRIPT, 0, turns);
		const took = performance.now() - began;
		if (took >= 100) return Math.round((turns * ms) / took);
	}
}

describe("a script that outlasts busy-reply-threshold and suspectMs", () => {
	test.concurrent.each([2, 3] as const)("C31 C33 its result arrives, and the connection stays, RESP%i", async (protocol) => {
		await using server = await startStandalone();
		// The name that every version knows.
		await server.raw("CONFIG", "SET", "lua-time-limit", THRESHOLD_MS);
		const turns = await turnsFor(server, SCRIPT_MS);
		await using client = await createClient({
			url: server.url,
			protocol,
			timeouts: { suspectMs: SUSPECT_MS, commandMs: 20_000 },
		});
		const id = await client.command("CLIENT", "ID");
		const began = performance.now();
		expect(await client.command("EVAL", SCRIPT, "0", turns)).toBe("done");
		// Otherwise nothing was shown.
		expect(performance.now() - began).toBeGreaterThan(THRESHOLD_MS + 2 * SUSPECT_MS);
		expect(await client.command("CLIENT", "ID")).toBe(id);
		expect(client.stats()).toMatchObject({ reconnects: 0, inFlight: 0 });
	});
});
