/** The whole server stands still: nothing is known to be dead, so nothing is ended before its time. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C18 N3 while no command is overdue every connection stays, and all is answered when it goes on", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({
			url: proxy.url,
			protocol,
			timeouts: { suspectMs: 200, connectMs: 300, commandMs: 20_000 },
		});
		await client.set("k", "v");
		await server.pause();
		const calls = Promise.all([client.get("k"), client.incr("n"), client.mget(["k", "none"])]);
		// Suspected again and again: one probe after the other finds that nobody is answered.
		await proxy.accepted(4);
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 1, inFlight: 3 });
		await server.resume();
		expect(await calls).toEqual(["v", 1, ["v", null]]);
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 1, inFlight: 0 });
		expect(await client.incr("n")).toBe(2);
	});

	test("C18 N3 C12 commands end by their own deadline, then the connection; it works again when the server goes on", async () => {
		await using server = await startStandalone();
		await using client = await createClient({
			url: server.url,
			protocol,
			timeouts: { suspectMs: 200, connectMs: 300, commandMs: 1500, closeMs: 500 },
			retry: { maxMs: 100 },
		});
		await client.set("k", "v");
		await server.pause();
		const read = rejectionOf(client.get("k"));
		const patient = client.with({ timeoutMs: 20_000 });
		const later = patient.get("k");
		const write = rejectionOf(patient.incr("n"));
		expect(client.stats().reconnects).toBe(0);
		expect(await read).toMatchObject({ code: "TIMEOUT", maybeExecuted: true });
		// Overdue and silent: the others' replies are not waited for either.
		expect(await write).toMatchObject({
			code: "CONNECTION",
			maybeExecuted: true,
			message: expect.stringContaining("silent and a command is overdue"),
		});
		expect(client.stats().reconnects).toBe(1);
		await server.resume();
		expect(await later).toBe("v");
		await waitUntil("the late write", async () => (await client.get("n")) === "1" || "not executed");
		expect(await client.incr("n")).toBe(2);
	});
});

test("C18 by default a GET from a stopped server settles within five seconds and a half", async () => {
	await using server = await startStandalone();
	await using client = await createClient({ url: server.url, timeouts: { closeMs: 100 } });
	await server.pause();
	const began = performance.now();
	expect(await rejectionOf(client.get("k"))).toMatchObject({ code: "TIMEOUT" });
	const took = performance.now() - began;
	expect(took).toBeGreaterThanOrEqual(5000);
	expect(took).toBeLessThan(5500);
	await server.resume();
	expect(await client.set("k", "v")).toBe("OK");
});
