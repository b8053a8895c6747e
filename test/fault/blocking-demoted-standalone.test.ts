/** A standalone server becomes a replica while commands block at it, and a primary again. */
import { expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { areBlocked } from "../support/blocked.js";
import { rejectionOf } from "../support/secrets.js";

test("C34 it is let go of with UNBLOCKED, refused with READONLY, and waits on when the server is a primary again (RESP2, RESP3)", async () => {
	await using server = await startStandalone();
	const clients = await Promise.all(
		([2, 3] as const).map((protocol) => createClient({ url: server.url, protocol, retry: { maxMs: 50, maxAttempts: 1000 } })),
	);
	const calls = clients.flatMap((client) => [
		client.blpop("demoted:k", 0),
		client.blmove("demoted:k", "demoted:l", "left", "left", 60),
	]);
	const short = clients.map((client) => rejectionOf(client.with({ timeoutMs: 200 }).brpop("demoted:k", 0)));
	await areBlocked(server, 6);
	// The time that they block is not that of a search.
	const began = performance.now();
	await waitUntil("more than the deadline of a search", () => performance.now() - began > 300 || "wait");
	await server.raw("REPLICAOF", "127.0.0.1", 1);
	await areBlocked(server, 0);
	// Its last block ended with UNBLOCKED: since then it looks for a server that takes it.
	for (const error of await Promise.all(short)) {
		expect(error).toMatchObject({ code: "TIMEOUT", maybeExecuted: false, cause: { code: "READONLY" } });
	}
	await server.raw("REPLICAOF", "NO", "ONE");
	await areBlocked(server, 4);
	for (let i = 1; i <= 4; i++) await server.raw("RPUSH", "demoted:k", i);
	const got = await Promise.all(calls);
	expect(got.map((popped) => (Array.isArray(popped) ? popped[1] : popped)).sort()).toEqual(["1", "2", "3", "4"]);
	for (const client of clients) {
		expect(client.stats().retries).toBeGreaterThan(2);
		await waitUntil("nothing owed", () => client.stats().inFlight === 0 || "owed");
		await client.close();
	}
});

test("C34 a server that stays a replica: after retry.maxAttempts its word is the answer", async () => {
	await using server = await startStandalone();
	await using client = await createClient({ url: server.url, retry: { maxAttempts: 3, maxMs: 10 } });
	const popped = rejectionOf(client.blpop("demoted:k", 0));
	await areBlocked(server, 1);
	await server.raw("REPLICAOF", "127.0.0.1", 1);
	expect(await popped).toMatchObject({ code: "READONLY", maybeExecuted: false });
	expect(client.stats().retries).toBe(3);
});
