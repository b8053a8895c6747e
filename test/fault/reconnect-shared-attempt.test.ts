/** A server that is down for a while, and many callers who wait for it. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { Outcomes } from "../support/outcomes.js";
import { TcpProxy } from "../support/proxy.js";

const WINDOW_MS = 2000;
const CALLERS = 500;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C26 all callers share one attempt at a time, with pauses between, and all get their answer from the first that succeeds", async () => {
		await using server = await startStandalone();
		await server.raw("SET", "k", "v");
		await server.raw("SAVE");
		await using proxy = await TcpProxy.start(server);
		let mostOpen = 0;
		// As the client counts them: the proxy may hear of a new one before it hears of the last one's end.
		let open = (): number => 1;
		proxy.onConnection(() => {
			mostOpen = Math.max(mostOpen, open());
		});
		await using client = await createClient({
			url: proxy.url,
			protocol,
			timeouts: { commandMs: 20_000 },
			retry: { baseMs: 20, maxMs: 200 },
		});
		open = () => client.stats().connections;
		await server.kill();
		await waitUntil("a lost connection", () => client.stats().reconnects === 1 || "not noticed");
		const before = proxy.connections.length;
		const began = performance.now();
		const calls: Promise<unknown>[] = [];
		await waitUntil("the end of the window", () => {
			for (let i = 0; i < 5; i++) calls.push(client.get("k"));
			return (calls.length >= CALLERS && performance.now() - began > WINDOW_MS) || "it lasts";
		});
		const dials = proxy.connections.length - before;
		// Pauses of 100 ms on average, 20 of them; one dial for each caller would be 500.
		expect(dials).toBeGreaterThan(3);
		expect(dials).toBeLessThan(60);
		expect(mostOpen).toBe(1);
		const outcomes = new Outcomes(calls);
		await server.restart();
		await outcomes.all;
		expect(outcomes.errors).toEqual([]);
		expect(new Set(outcomes.values)).toEqual(new Set(["v"]));
		expect(mostOpen).toBe(1);
		expect(client.stats()).toMatchObject({ reconnects: 1, connections: 1, inFlight: 0 });
	});
});
