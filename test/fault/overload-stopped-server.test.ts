/** A server that stands still, and callers that do not: the bounds by default. */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";

const CALLS = 60_000;
const VALUE = "v".repeat(1024);
const BOUND = 32 * 1024 * 1024;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C22 what exceeds 32 MiB is refused at once, what was accepted is executed after all, and there is room again", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, timeouts: { commandMs: 20_000 } });
		await server.pause();
		const outcomes = new Outcomes(Array.from({ length: CALLS }, (_, i) => client.set(`c22:${i}`, VALUE)));
		await turn();
		const refused = outcomes.errors.length;
		expect(outcomes.values).toEqual([]);
		expect(refused).toBeGreaterThan(0);
		const accepted = CALLS - refused;
		expect(client.stats().inFlight).toBe(accepted);
		// What the client keeps beside the arguments counts as well, so that the bound is one of memory.
		expect(accepted * VALUE.length).toBeLessThanOrEqual(BOUND);
		expect(accepted * VALUE.length).toBeGreaterThan(BOUND / 2);
		for (const error of new Set(outcomes.errors)) {
			expect(error).toMatchObject({
				code: "OVERLOADED",
				message: expect.stringMatching(/pool\.maxQueuedCommands.*pool\.maxQueuedBytes/),
			});
			expect(error.message).toContain(addressOf(server));
			expect(error.maybeExecuted ?? false).toBe(false);
		}
		const target = Buffer.alloc(8);
		for (const call of [
			client.get("c22:0"),
			client.buffers.get("c22:0"),
			client.command("GET", "c22:0"),
			client.command("PING"),
			client.with({ timeoutMs: 10 }).incr("c22:n"),
			client.buffers.getInto("c22:0", target),
		]) {
			expect(await rejectionOf(call)).toMatchObject({ code: "OVERLOADED" });
		}
		await server.resume();
		await outcomes.all;
		expect(outcomes.values).toHaveLength(accepted);
		expect(await client.command("DBSIZE")).toBe(accepted);
		expect(await client.set("c22:again", VALUE)).toBe("OK");
		expect(await client.buffers.getInto("c22:again", Buffer.alloc(1024))).toBe(1024);
		expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
	});
});
