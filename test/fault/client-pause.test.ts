/** The server holds its clients for a while, as before a manual failover. */
import { expect, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";

const PAUSE_MS = 3000;

test.concurrent.each([
	["ALL", 2],
	["ALL", 3],
	["WRITE", 2],
	["WRITE", 3],
] as const)("C31 CLIENT PAUSE 3000 %s: every connection stays, and what was sent succeeds when it ends (RESP%i)", async (mode, protocol) => {
	await using server = await startStandalone();
	await using proxy = await TcpProxy.start(server);
	await using client = await createClient({
		url: proxy.url,
		protocol,
		pool: { pingMs: 500 },
		timeouts: { suspectMs: 300, commandMs: 20_000 },
	});
	await client.set("k", "v");
	const id = await client.command("CLIENT", "ID");
	await client.withConnection({}, async (own) => {
		const ownId = await own.command("CLIENT", "ID");
		await server.raw("CLIENT", "PAUSE", PAUSE_MS, mode);
		const began = performance.now();
		// In this order, so that with WRITE the reads wait behind a write.
		const calls = Promise.all([client.incr("n"), client.get("k"), client.mget(["k", "none"]), own.incr("n")]);
		expect(await calls).toEqual([1, "v", ["v", null], 2]);
		expect(performance.now() - began).toBeGreaterThan(PAUSE_MS / 2);
		expect(await own.command("CLIENT", "ID")).toBe(ownId);
	});
	expect(await client.command("CLIENT", "ID")).toBe(id);
	expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0, inFlight: 0, connections: 2 });
	// They were suspected: probes came, on connections of their own.
	expect(proxy.connections.length).toBeGreaterThan(2);
});
