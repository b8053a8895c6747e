/** What a caller sends on a connection of its own counts as well. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { Outcomes } from "../support/outcomes.js";

const BOUND = 100;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C22 C38 commands on a leased connection are bounded, and there is room again once they were answered", async () => {
		await using server = await startStandalone();
		await using client = await createClient({
			url: server.url,
			protocol,
			pool: { maxQueuedCommands: BOUND },
			timeouts: { suspectMs: 0, commandMs: 20_000 },
		});
		await client.set("k", "v");
		await client.withConnection({}, async (own) => {
			await server.pause();
			const calls = Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? own.get("k") : own.command("GET", "k")));
			const outcomes = new Outcomes(calls);
			await waitUntil("the rest is refused", () => outcomes.errors.length >= 5000 - BOUND || `${outcomes.errors.length}`);
			expect(outcomes.codes).toEqual(new Set(["OVERLOADED"]));
			expect(client.stats().inFlight).toBe(BOUND);
			await server.resume();
			await outcomes.all;
			expect(outcomes.values).toEqual(Array.from({ length: BOUND }, () => "v"));
			expect(await own.get("k")).toBe("v");
		});
		expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
	});
});
