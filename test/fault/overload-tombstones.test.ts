/** Commands that nobody waits for any more, while the server still owes their replies. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each(["a deadline", "an abort"])("C22 C19 commands ended by %s count until their replies came", async (how) => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, pool: { maxQueuedCommands: 10 } });
		await server.pause();
		const abort = new AbortController();
		const view = client.with(how === "a deadline" ? { timeoutMs: 60 } : { signal: abort.signal });
		const given = new Outcomes(Array.from({ length: 10 }, () => view.incr("n")));
		// On the wire before the abort.
		await new Promise((resolve) => setImmediate(resolve));
		abort.abort();
		await given.all;
		expect(given.codes).toEqual(new Set([how === "a deadline" ? "TIMEOUT" : "ABORTED"]));
		expect(new Set(given.errors.map((error) => error.maybeExecuted))).toEqual(new Set([true]));
		expect(client.stats().inFlight).toBe(10);
		expect(await rejectionOf(client.get("n"))).toMatchObject({ code: "OVERLOADED" });
		await server.resume();
		await waitUntil("the late replies", () => client.stats().inFlight === 0 || `${client.stats().inFlight} are owed`);
		expect(await client.get("n")).toBe("10");
		expect(client.stats().reconnects).toBe(0);
	});
});
