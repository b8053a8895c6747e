/** Transactions whose slot is elsewhere, or on its way: all of it goes there, and is executed once. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	finishMigration,
	handOver,
	migrateKeys,
	moveSlot,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";

const SLOT = 5061; // of "{bar}…"

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());

const otherThan = (node: ClusterNode): ClusterNode => cluster.primaries.find((other) => other !== node)!;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D46 a slot that moved: MOVED while it is queued sends the whole transaction to the new owner, once", async () => {
		const source = await nodeOfSlot(cluster, SLOT);
		await using taps = await ClusterTaps.start(cluster.nodes);
		await using client = await createClient({ url: taps.url, protocol, cluster: { natMap: taps.natMap } });
		await client.set("{bar}n", "0");
		const target = otherThan(source);
		await moveSlot(cluster, SLOT, target);
		taps.clear();
		expect(await client.multi().incr("{bar}n").get("{bar}n").exec()).toEqual([1, "1"]);
		expect(client.stats().redirections).toBe(1);
		const sent = (node: ClusterNode) =>
			taps
				.commands(node)
				.flat()
				.map(([name]) => name);
		expect(sent(source)).toEqual(["MULTI", "INCR", "GET", "EXEC"]);
		expect(sent(target)).toEqual(["MULTI", "INCR", "GET", "EXEC"]);
	});

	test("D18 D46 a slot half moved: ASKING goes before MULTI, nothing between", async () => {
		const source = await nodeOfSlot(cluster, SLOT);
		const target = otherThan(source);
		await source.raw("MSET", "{bar}gone1", "a", "{bar}gone2", "b", "{bar}here", "c");
		await beginMigration(source, target, SLOT);
		await migrateKeys(source, target, ["{bar}gone1", "{bar}gone2"]);
		await using taps = await ClusterTaps.start(cluster.nodes);
		await using client = await createClient({ url: taps.url, protocol, cluster: { natMap: taps.natMap } });
		const [results, here] = await Promise.all([
			client.multi().get("{bar}gone1").set("{bar}gone2", "B", { get: true }).exec(),
			client.multi().get("{bar}here").exec(),
			...Array.from({ length: 50 }, (_, i) => client.set(`{bar}here`, `c${i}`)),
		]);
		expect(results).toEqual(["a", "b"]);
		expect(here).toEqual(["c"]);
		const asked = taps.commands(target).flatMap((commands) => commands.map(([name]) => name).join(" "));
		expect(asked.join()).toContain("ASKING MULTI GET SET EXEC");
		await finishMigration(cluster, source, target, SLOT);
		expect(await client.get("{bar}gone2")).toBe("B");
	});

	test("D46 keys on both sides: TRYAGAIN until the slot has moved, then it is executed once", async () => {
		const source = await nodeOfSlot(cluster, SLOT);
		const target = otherThan(source);
		await source.raw("MSET", "{bar}one", "1", "{bar}two", "2");
		await beginMigration(source, target, SLOT);
		await migrateKeys(source, target, ["{bar}one"]);
		await using client = await createClient({ url: cluster.url, protocol, timeouts: { commandMs: 20_000 } });
		let settled = false;
		const results = client.multi().incr("{bar}one").incr("{bar}two").exec();
		void results.finally(() => {
			settled = true;
		});
		await client.get("{bar}one");
		expect(settled).toBe(false);
		await handOver(cluster, source, target, SLOT);
		expect(await results).toEqual([2, 3]);
		await finishMigration(cluster, source, target, SLOT);
	});

	test("D46 transactions while the slot moves to and fro: each is executed once, in the order of the calls", async () => {
		await using client = await createClient({ url: cluster.url, protocol, timeouts: { commandMs: 20_000 } });
		await client.delMany(["{bar}log", "{bar}count"]);
		let moving = true;
		const moves = (async () => {
			for (let i = 0; i < 4; i++) await moveSlot(cluster, SLOT, otherThan(await nodeOfSlot(cluster, SLOT)));
			moving = false;
		})();
		let calls = 0;
		const counts: unknown[] = [];
		while (moving) {
			const some = Array.from({ length: 20 }, () =>
				client.multi().incr("{bar}count").command("RPUSH", "{bar}log", calls++).exec(),
			);
			counts.push(...(await Promise.all(some)).map(([count]) => count));
		}
		await moves;
		expect(counts).toEqual(Array.from({ length: calls }, (_, i) => i + 1));
		expect(await client.command("LRANGE", "{bar}log", 0, -1)).toEqual(Array.from({ length: calls }, (_, i) => String(i)));
	});

	test("D46 watch: a slot that moves between WATCH and EXEC takes the watch with it, which is said or done again", async () => {
		await using client = await createClient({ url: cluster.url, protocol, timeouts: { commandMs: 20_000 } });
		await client.set("{bar}w", "1");
		let tries = 0;
		const results = await client.watch("{bar}w", async (connection) => {
			const value = Number(await connection.get("{bar}w"));
			if (++tries === 1) await moveSlot(cluster, SLOT, otherThan(await nodeOfSlot(cluster, SLOT)));
			return connection
				.multi()
				.set("{bar}w", String(value + 1))
				.get("{bar}w");
		});
		expect(tries).toBeGreaterThan(1);
		expect(results).toEqual(["OK", "2"]);

		await client.withConnection({ key: "{bar}w" }, async (connection) => {
			await connection.command("WATCH", "{bar}w");
			await moveSlot(cluster, SLOT, otherThan(await nodeOfSlot(cluster, SLOT)));
			await expect(connection.multi().set("{bar}w", "lost").exec()).rejects.toMatchObject({
				code: "WATCH",
				maybeExecuted: false,
			});
		});
		expect(await client.get("{bar}w")).toBe("2");
	});
});

test("D46 watch: a key that is not there yet, in a slot on its way, waits for the end of the migration", async () => {
	const source = await nodeOfSlot(cluster, SLOT);
	const target = otherThan(source);
	await beginMigration(source, target, SLOT);
	await using client = await createClient({
		url: cluster.url,
		timeouts: { commandMs: 25_000 },
		retry: { baseMs: 1, maxMs: 20, maxAttempts: 3 },
	});
	await client.del("{bar}new");
	const leased = client.stats().commands;
	const results = client.watch("{bar}new", (connection) => connection.multi().set("{bar}new", "v"));
	await waitUntil("it was tried more often than three times", () => client.stats().commands > leased + 6 || "not yet");
	await finishMigration(cluster, source, target, SLOT);
	expect(await results).toEqual(["OK"]);
});

/** What only a script can make a server say at EXEC. */
describe.each([
	["MOVED", (port: number) => `-MOVED ${SLOT} 127.0.0.1:${port}\r\n`],
	["ASK", (port: number) => `-ASK ${SLOT} 127.0.0.1:${port}\r\n`],
])("EXEC itself answers %s", (name, refusal) => {
	test("D46 the whole transaction is sent to the other node", async () => {
		await using one = await startFakeClusterNode();
		await using two = await startFakeClusterNode();
		const slots = slotsOf([one, 0, 8000], [two, 8001, 16_383]);
		one.always(["CLUSTER", "SLOTS"], slots);
		two.always(["CLUSTER", "SLOTS"], slots);
		one.expect(["MULTI"]).reply("+OK\r\n");
		one.expect(["SET", "{bar}k", "v"]).reply("+QUEUED\r\n");
		one.expect(["EXEC"]).reply(refusal(two.port));
		if (name === "ASK") two.expect(["ASKING"]).reply("+OK\r\n");
		two.expect(["MULTI"]).reply("+OK\r\n");
		two.expect(["SET", "{bar}k", "v"]).reply("+QUEUED\r\n");
		two.expect(["EXEC"]).reply("*1\r\n+OK\r\n");
		await using client = await createClient({ url: `redis-cluster://127.0.0.1:${one.port}`, cluster: { refreshMs: 0 } });
		expect(await client.multi().set("{bar}k", "v").exec()).toEqual(["OK"]);
		expect(client.stats().redirections).toBe(1);
	});
});

test("D46 EXEC finds that writes are refused: it is sent again after a pause", async () => {
	await using node = await startFakeClusterNode();
	node.always(["CLUSTER", "SLOTS"], slotsOf([node, 0, 16_383]));
	for (const answer of [
		"-EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.\r\n",
		"*1\r\n:1\r\n",
	]) {
		node.expect(["MULTI"]).reply("+OK\r\n");
		node.expect(["INCR", "k"]).reply("+QUEUED\r\n");
		node.expect(["EXEC"]).reply(answer);
	}
	await using client = await createClient({ url: `redis-cluster://127.0.0.1:${node.port}`, cluster: { refreshMs: 0 } });
	expect(await client.multi().incr("k").exec()).toEqual([1]);
	expect(client.stats().retries).toBe(1);
});

test("A20 recipe N2: a transaction whose reply a push stands in", async () => {
	await using node = await startFakeClusterNode();
	node.always(["CLUSTER", "SLOTS"], slotsOf([node, 0, 16_383]));
	node.expect(["MULTI"]).reply("+OK\r\n");
	node.expect(["PUBLISH", "ch", "hi"]).reply("+QUEUED\r\n");
	node.expect(["GET", "k"]).reply("+QUEUED\r\n");
	node.expect(["EXEC"]).reply(`*2\r\n>3\r\n${bulk("message")}${bulk("ch")}${bulk("hi")}:1\r\n_\r\n`);
	await using client = await createClient({ url: `redis-cluster://127.0.0.1:${node.port}`, cluster: { refreshMs: 0 } });
	expect(await client.multi().command("PUBLISH", "ch", "hi").get("k").exec()).toEqual([1, null]);
});
