/** The slot of a command that blocks goes to another node: by a failover, by a migration. It goes on waiting there. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	failOver,
	finishMigration,
	isCopyOf,
	moveSlot,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { areBlocked, sendTyped } from "../support/blocked.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { rejectionOf } from "../support/secrets.js";

let cluster: ServerCluster;
let clients: Client[];
beforeAll(async () => {
	cluster = await startCluster({ primaries: 3, replicas: 3 });
	clients = await Promise.all([2, 3].map((protocol) => createClient({ url: cluster.url, protocol: protocol as 2 | 3 })));
});
afterAll(async () => {
	await Promise.all((clients ?? []).map((client) => client.close()));
	await cluster?.stop();
});

/** Another primary than the one that serves the slot. */
async function anotherThan(owner: ClusterNode): Promise<ClusterNode> {
	const owners = await Promise.all([0, 8000, 16_383].map((slot) => nodeOfSlot(cluster, slot)));
	return owners.find((node) => node !== owner)!;
}

test("C34 D29 a primary becomes a replica: what it blocked waits at its successor, and gets what is pushed there", async () => {
	const key = "block:failover";
	const slot = keySlot(key);
	const before = clients.map((client) => client.stats());
	const primary = await nodeOfSlot(cluster, slot);
	const replica = cluster.nodes.find((node) => node.replicaOf === primary)!;
	await primary.raw("XADD", `{${key}}s`, "1-1", "f", "v");
	const calls = clients.flatMap((client) => [
		client.blpop(key, 0),
		client.blpop(key, 60),
		client.bzpopmin(`{${key}}z`, 60),
		sendTyped(client, "XREAD", "BLOCK", 60_000, "STREAMS", `{${key}}s`, "1-1"),
	]);
	await areBlocked(primary, 8);
	await failOver(cluster, replica);
	await areBlocked(replica, 8);
	for (let i = 1; i <= 4; i++) await replica.raw("RPUSH", key, i);
	for (let i = 1; i <= 2; i++) await replica.raw("ZADD", `{${key}}z`, i, `m${i}`);
	await replica.raw("XADD", `{${key}}s`, "2-1", "f", "new");
	const got = (await Promise.all(calls)) as (string[] | null)[];
	expect([got[0], got[1], got[4], got[5]].map((popped) => popped?.[1]).sort()).toEqual(["1", "2", "3", "4"]);
	expect([got[2], got[6]].map((popped) => popped?.[2]).sort()).toEqual([1, 2]);
	for (const read of [got[3], got[7]])
		expect(JSON.stringify(read instanceof Map ? [...read] : read)).toContain('"2-1",["f","new"]');
	for (const [i, client] of clients.entries()) {
		expect(client.stats().retries).toBeGreaterThan(before[i]!.retries);
		expect(client.stats()).toMatchObject({ inFlight: 0 });
	}
	await isCopyOf(primary, replica);
}, 60_000);

test("D47 a slot moves away: what blocked for it waits at its new owner, and by that word alone the map has learned of it", async () => {
	const learning = await Promise.all(
		([2, 3] as const).map((protocol) =>
			createClient({ url: cluster.url, protocol, cluster: { refreshMs: 0, minRefreshMs: 100_000 } }),
		),
	);
	const key = "block:moved";
	const slot = keySlot(key);
	const source = await nodeOfSlot(cluster, slot);
	const target = await anotherThan(source);
	const calls = learning.flatMap((client) => [client.brpop(key, 0), client.blmpop(key, "left", 60)]);
	await areBlocked(source, 4);
	await moveSlot(cluster, slot, target);
	await areBlocked(target, 4);
	const redirected = learning.map((client) => client.stats().redirections);
	for (const count of redirected) expect(count).toBeGreaterThanOrEqual(1);
	// Nobody else is redirected for it.
	for (const client of learning) for (let i = 1; i <= 2; i++) await client.command("RPUSH", key, i);
	expect(learning.map((client) => client.stats().redirections)).toEqual(redirected);
	const got = (await Promise.all(calls)).map((popped) => String(popped?.[1])).sort();
	expect(got).toEqual(["1", "1", "2", "2"]);

	// The same for a caller's own connection: he is told, and the next one leads where the slot is.
	await moveSlot(cluster, slot, source);
	for (const client of learning) {
		const read = () => client.withConnection({ key }, (own) => own.get(key));
		await expect(read()).rejects.toMatchObject({ code: "MOVED" });
		expect(await read()).toBeNull();
		await client.close();
	}
}, 60_000);

test("D47 D17 a slot is half moved: ASK is followed, for this command alone", async () => {
	const key = "block:asked";
	const slot = keySlot(key);
	const source = await nodeOfSlot(cluster, slot);
	const target = await anotherThan(source);
	await beginMigration(source, target, slot);
	const before = clients.map((client) => client.stats().redirections);
	const calls = clients.map((client) => client.blpop(key, 0));
	await areBlocked(target, 2);
	expect(clients.map((client, i) => client.stats().redirections - before[i]!)).toEqual([1, 1]);
	// Writes go the same way: the source has no such key.
	for (const client of clients) expect(await client.command("RPUSH", key, "asked")).toBe(1);
	for (const call of calls) expect(await call).toEqual([key, "asked"]);
	const later = clients.map((client) => client.blpop(key, 0));
	await areBlocked(target, 2);
	await finishMigration(cluster, source, target, slot);
	for (const client of clients) await client.command("RPUSH", key, "moved");
	for (const call of later) expect(await call).toEqual([key, "moved"]);
	await moveSlot(cluster, slot, source);
}, 60_000);

test("C34 D47 it asks for the block time that is left, and that is never for ever", async () => {
	await using taps = await ClusterTaps.start(cluster.nodes);
	await using client = await createClient({ url: taps.url, cluster: { natMap: taps.natMap } });
	const key = "block:rest";
	const slot = keySlot(key);
	const source = await nodeOfSlot(cluster, slot);
	const target = await anotherThan(source);
	const began = performance.now();
	const call = client.blpop(key, 20.5);
	const forEver = client.blmove(key, `{${key}}x`, "left", "left", 0);
	await areBlocked(source, 2);
	await moveSlot(cluster, slot, target);
	await areBlocked(target, 2);
	const elapsed = (performance.now() - began) / 1000;
	const timeouts = (node: ClusterNode, name: string) =>
		taps
			.commands(node)
			.flat()
			.filter((words) => words[0] === name)
			.map((words) => words.at(-1));
	expect(timeouts(source, "BLPOP")).toEqual(["20.5"]);
	expect([timeouts(source, "BLMOVE"), timeouts(target, "BLMOVE")]).toEqual([["0"], ["0"]]);
	const [rest] = timeouts(target, "BLPOP").map(Number) as [number];
	expect(rest).toBeGreaterThanOrEqual(20.5 - elapsed);
	expect(rest).toBeLessThan(20.5);
	for (const element of ["one", "two"]) await client.command("RPUSH", key, element);
	expect([(await call)?.[1], await forEver].sort()).toEqual(["one", "two"]);
	await moveSlot(cluster, slot, source);
}, 60_000);

test("C34 C18 a demoted primary's word is lost on a path that is broken: whoever blocks there is told, and not left waiting for ever", async () => {
	await using taps = await ClusterTaps.start(cluster.nodes);
	const options = {
		url: taps.url,
		timeouts: { suspectMs: 300, closeMs: 0 },
		cluster: { natMap: taps.natMap, refreshMs: 200, minRefreshMs: 50 },
	};
	const broken = await Promise.all(([2, 3] as const).map((protocol) => createClient({ ...options, protocol })));
	// Of a shard that did not fail over lately.
	const owners = await Promise.all([0, 8000, 16_383].map((slot) => nodeOfSlot(cluster, slot)));
	const replica = cluster.nodes.find((node) => node.replicaOf !== undefined && owners.includes(node.replicaOf))!;
	const primary = replica.replicaOf!;
	const keys = Array.from({ length: 30 }, (_, i) => `block:broken:${i}`);
	const served = await Promise.all(keys.map((name) => nodeOfSlot(cluster, keySlot(name))));
	const key = keys[served.indexOf(primary)]!;
	const proxy = taps.proxy(primary);
	const known = proxy.connections.length;
	const calls = broken.map((client) => rejectionOf(client.blpop(key, 0)));
	await areBlocked(primary, 2);
	const leased = proxy.connections.slice(known);
	expect(leased).toHaveLength(2);
	for (const connection of leased) connection.halfOpen();
	await areBlocked(primary, 0);
	await failOver(cluster, replica);
	for (const call of calls) expect(await call).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	await Promise.all(broken.map((client) => client.close()));
	await isCopyOf(primary, replica);
});
