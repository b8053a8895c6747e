/** The client ends while commands block, or wait for a connection to block on. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { areBlocked } from "../support/blocked.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server.stop());

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		"close",
		"destroy",
	] as const)("C37 C38 %s() ends commands that block at once: nobody knows whether anything will come", async (how) => {
		const client = await createClient({ url: server.url, protocol, pool: { maxBlocked: 2 }, timeouts: { closeMs: 25_000 } });
		const blocked = [client.blpop("close:k", 0), client.blmove("close:k", "close:l", "left", "left", 60)].map(rejectionOf);
		await areBlocked(server, 2);
		const waiting = rejectionOf(client.blpop("close:k", 0));
		const began = performance.now();
		await client[how]();
		for (const error of await Promise.all(blocked)) expect(error).toMatchObject({ code: "CLOSED", maybeExecuted: true });
		expect(await waiting).toMatchObject({ code: "CLOSED" });
		expect(await waiting).not.toHaveProperty("maybeExecuted");
		expect(performance.now() - began).toBeLessThan(15_000);
		expect(await rejectionOf(client.blpop("close:k", 0))).toMatchObject({ code: "CLOSED" });
		expect(client.stats()).toMatchObject({ connections: 0, inFlight: 0 });
		await areBlocked(server, 0);
		await server.raw("RPUSH", "close:k", "kept");
		expect(await server.raw("LPOP", "close:k")).toBe("kept");
	});

	test.each(["close", "destroy", "abort"] as const)("C37 C38 %s() ends one that pauses before it is sent again", async (how) => {
		const endless = { baseMs: 2_000_000_000, maxMs: 2_000_000_000 };
		const client = await createClient({ url: server.url, protocol, retry: endless });
		const abort = new AbortController();
		await server.raw("REPLICAOF", "127.0.0.1", 1);
		const popped = rejectionOf(client.with({ signal: abort.signal, timeoutMs: 0 }).blpop("close:k", 0));
		await waitUntil("a refusal", () => client.stats().retries === 1 || "none");
		await server.raw("REPLICAOF", "NO", "ONE");
		if (how === "abort") abort.abort();
		else await client[how]();
		expect(await popped).toMatchObject({ code: how === "abort" ? "ABORTED" : "CLOSED", maybeExecuted: false });
		await client.close();
	});

	test("C37 close() still waits for what does not block", async () => {
		await using proxy = await TcpProxy.start(server);
		const client = await createClient({ url: proxy.url, protocol });
		const popped = rejectionOf(client.blpop("close:k", 0));
		await areBlocked(server, 1);
		proxy.connections[0]!.toClient.stall();
		const read = client.get("close:none");
		const closed = client.close();
		expect(await popped).toMatchObject({ code: "CLOSED" });
		proxy.connections[0]!.toClient.resume();
		expect(await read).toBeNull();
		await closed;
	});
});
