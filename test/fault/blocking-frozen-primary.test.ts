/** A primary stands still while commands block at it, and another takes its place: nobody waits for it for ever. */
import { expect, test } from "vitest";
import { isPromoted, startCluster } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { areBlocked } from "../support/blocked.js";
import { rejectionOf } from "../support/secrets.js";

test("C34 D27 a stopped primary lost its slots: what blocks there ends, unknown, and the next waits at its successor (RESP2, RESP3)", async () => {
	await using cluster = await startCluster({ primaries: 3, replicas: 1, nodeTimeoutMs: 1500 });
	const replica = cluster.nodes.find((node) => node.replicaOf !== undefined)!;
	const primary = replica.replicaOf!;
	const index = Array.from({ length: 1000 }, (_, i) => `frozen:${i}`);
	const owned = ((await primary.raw("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][]).find(
		([, , [, , id]]) => id === primary.id,
	)!;
	const key = index.find((name) => keySlot(name) >= owned[0] && keySlot(name) <= owned[1])!;
	const elsewhere = index.find((name) => keySlot(name) < owned[0] || keySlot(name) > owned[1])!;
	const timeouts = { suspectMs: 500 };
	const clients = await Promise.all(
		([2, 3] as const).map((protocol) => createClient({ url: cluster.url, protocol, timeouts, cluster: { refreshMs: 500 } })),
	);
	const calls = clients.map((client) => rejectionOf(client.blpop(key, 0)));
	const others = clients.map((client) => client.blpop(elsewhere, 0));
	await areBlocked(primary, 2);
	await primary.pause();
	await isPromoted(cluster, replica);
	for (const call of calls) expect(await call).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	const next = clients.map((client) => client.blpop(key, 0));
	await areBlocked(replica, 2);
	for (const client of clients) {
		await client.command("RPUSH", key, "successor");
		await client.command("RPUSH", elsewhere, "still");
	}
	for (const call of next) expect(await call).toEqual([key, "successor"]);
	for (const call of others) expect(await call).toEqual([elsewhere, "still"]);
	await Promise.all(clients.map((client) => client.close()));
	await primary.resume();
}, 60_000);
