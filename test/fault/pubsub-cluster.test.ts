/** Subscriptions on a cluster that changes under them: slots move, primaries die, replicas take over. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	failOver,
	finishMigration,
	isPromoted,
	isWhole,
	moveSlot,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, createClient, type Gap, type Subscription } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { commandStats } from "../support/command-stats.js";
import { drain, take } from "../support/news.js";

let cluster: ServerCluster;
let clients: Client[];
beforeAll(async () => {
	cluster = await startCluster({
		primaries: 3,
		replicas: 3,
		nodeTimeoutMs: 1000,
		args: ["--cluster-require-full-coverage", "no"],
	});
	const connect = (protocol: 2 | 3) =>
		createClient({
			url: cluster.url,
			protocol,
			name: `pubsub${protocol}`,
			cluster: { refreshMs: 250, minRefreshMs: 50 },
			timeouts: { commandMs: 15_000 },
		});
	clients = await Promise.all([connect(2), connect(3)]);
});
afterAll(async () => {
	await Promise.all((clients ?? []).map((client) => client.close()));
	await cluster?.stop();
});

/** Subscribers of a name at a node; "dead" when it does not answer. */
async function at(node: ClusterNode, name: string, kind: "NUMSUB" | "SHARDNUMSUB"): Promise<number | "dead"> {
	const reply = (await node.raw("PUBSUB", kind, name).catch(() => null)) as [string, number] | null;
	return reply === null ? "dead" : reply[1];
}

/** Where a name is subscribed, and how often. */
async function homes(name: string, kind: "NUMSUB" | "SHARDNUMSUB"): Promise<Map<ClusterNode, number>> {
	const counts = await Promise.all(cluster.nodes.map(async (node) => [node, await at(node, name, kind)] as const));
	return new Map(counts.filter((entry): entry is [ClusterNode, number] => entry[1] !== "dead" && entry[1] > 0));
}

async function subscribedAt(node: ClusterNode, name: string, kind: "NUMSUB" | "SHARDNUMSUB", count: number): Promise<void> {
	await waitUntil(
		`${count} subscribers at ${node.port} alone`,
		async () => {
			const found = await homes(name, kind);
			return (found.get(node) === count && found.size === 1) || [...found].map(([{ port }, n]) => `${port}: ${n}`).join();
		},
		{ timeoutMs: 20_000 },
	);
}

/** A subscription of each client, and the gaps that it was told of. */
async function ofEach(subscribe: (client: Client, onGap: (gap: Gap) => void) => Promise<Subscription>) {
	return await Promise.all(
		clients.map(async (client) => {
			const gaps: Gap[] = [];
			return { client, gaps, news: await subscribe(client, (gap) => gaps.push(gap)) };
		}),
	);
}

test("D49 C40 a slot moves: served by its old owner to the end, then subscribed at the new one, once, and the gap is told", async () => {
	const [stays, moves, alike] = ["stays", "{moves}1", "{moves}2"] as const;
	const slot = keySlot(moves);
	const source = await nodeOfSlot(cluster, slot);
	const target = cluster.primaries.find((node) => node !== source)!;
	// Of another slot, at the same node.
	const neighbour = await channelOf(source);
	const each = await ofEach((client, onGap) => client.ssubscribe([stays, moves, alike, neighbour], { onGap }));
	await subscribedAt(source, moves, "SHARDNUMSUB", 2);
	// One slot in each command: nothing was refused.
	for (const node of cluster.primaries) expect(await commandStats(node, "ssubscribe")).toMatchObject({ rejected: 0 });

	await beginMigration(source, target, slot);
	for (const { client } of each) expect(await client.spublish(moves, "while it moves")).toBe(2);
	for (const { news, gaps } of each) {
		expect(await take(news, 2)).toEqual(new Array(2).fill({ channel: moves, message: "while it moves" }));
		expect(gaps).toEqual([]);
	}

	await finishMigration(cluster, source, target, slot);
	await subscribedAt(target, moves, "SHARDNUMSUB", 2);
	await subscribedAt(target, alike, "SHARDNUMSUB", 2);
	const [{ client }] = each as [(typeof each)[0]];
	expect(await client.spublish(moves, "1")).toBe(2);
	expect(await client.spublish(moves, "2")).toBe(2);
	expect(await client.spublish(alike, "3")).toBe(2);
	expect(await client.spublish(stays, "4")).toBe(2);
	for (const { news, gaps, client: own } of each) {
		const messages = await take(news, 4);
		expect(messages.filter(({ channel }) => channel !== stays)).toEqual([
			{ channel: moves, message: "1", gap: true },
			{ channel: moves, message: "2" },
			{ channel: alike, message: "3", gap: true },
		]);
		expect(messages.filter(({ channel }) => channel === stays)).toStrictEqual([{ channel: stays, message: "4" }]);
		expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(["slot-moved"]));
		expect(gaps.flatMap(({ names }) => names).sort()).toEqual([moves, alike]);
		expect(own.stats().reconnects).toBe(0);
		await news.unsubscribe();
	}
	expect((await homes(moves, "SHARDNUMSUB")).size).toBe(0);
	await moveSlot(cluster, slot, source);
});

test("C40 the server's own sunsubscribe never passes for the answer to SUNSUBSCRIBE: every reply behind finds its command", async () => {
	await using taps = await ClusterTaps.start(cluster.nodes);
	const channels = ["{pairs}1", "{pairs}2", "{pairs}3"];
	const slot = keySlot("{pairs}");
	const source = await nodeOfSlot(cluster, slot);
	const target = cluster.primaries.find((node) => node !== source)!;
	const key = Array.from({ length: 1000 }, (_, i) => `pairs:${i}`);
	for (const protocol of [2, 3] as const) {
		await using client = await createClient({ url: taps.url, protocol, cluster: { natMap: taps.natMap, refreshMs: 0 } });
		const news = await client.ssubscribe(channels);
		// A key of the same node but of another slot: its replies come on the connection of the messages.
		const ranges = (await source.raw("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
		const own = (each: number) => ranges.some(([first, last, [, , id]]) => first <= each && each <= last && id === source.id);
		const neighbour = key.find((name) => own(keySlot(name)) && keySlot(name) !== slot)!;
		await client.set(neighbour, "value");
		const links = taps.proxy(source).connections.filter(({ closed }) => !closed);
		for (const { toClient } of links) toClient.stall();
		await moveSlot(cluster, slot, target);
		// The server's word for each channel is on its way, and so are these.
		const calls = [news.remove(channels[0]!), client.get(neighbour), news.remove(channels[2]!), client.get(neighbour)];
		await waitUntil("what was asked to be answered", async () => {
			const said = taps.commands(source).flat();
			return said.filter(([name]) => name === "SUNSUBSCRIBE").length >= 1 || "not yet";
		});
		for (const { toClient } of links) toClient.resume();
		expect(await Promise.all(calls)).toEqual([undefined, "value", undefined, "value"]);
		await subscribedAt(target, channels[1]!, "SHARDNUMSUB", 1);
		expect([await at(target, channels[0]!, "SHARDNUMSUB"), await at(target, channels[2]!, "SHARDNUMSUB")]).toEqual([0, 0]);
		expect(await client.spublish(channels[1]!, "m")).toBe(1);
		expect(await take(news, 1)).toEqual([{ channel: channels[1], message: "m", gap: true }]);
		expect(client.stats().reconnects).toBe(0);

		// The same on a leased connection: the error comes under the client's own PING.
		await moveSlot(cluster, slot, source);
		await client.withConnection({ key: channels[0]! }, async (leased) => {
			await leased.command("SSUBSCRIBE", channels[0]!);
			const flows = taps.proxy(source).connections.filter(({ closed }) => !closed);
			for (const { toClient } of flows) toClient.stall();
			await moveSlot(cluster, slot, target);
			const replies = Promise.all([leased.command("SUNSUBSCRIBE", channels[0]!), leased.get(neighbour)]);
			for (const { toClient } of flows) toClient.resume();
			const [left, value] = await replies;
			expect(left).toEqual(["sunsubscribe", channels[0], 0]);
			expect(value).toBe("value");
		});
		await news.unsubscribe();
		await moveSlot(cluster, slot, source);
	}
});

test("D48 the node that channels live at is killed: they live at another one, and the gap is told", async () => {
	const name = "killed";
	const each = await ofEach((client, onGap) => client.subscribe([name, "other"], { onGap }));
	const patterns = await ofEach((client, onGap) => client.psubscribe("kill*", { onGap }));
	const [home] = [...(await homes(name, "NUMSUB")).keys()] as [ClusterNode];
	const victims = (await Promise.all(each.map(async (_, i) => ((await isHomeOf(home, i)) ? i : -1)))).filter((i) => i >= 0);
	// Until then no replica takes over: it is for the client to go elsewhere.
	const heir = cluster.replicas.find(({ replicaOf }) => replicaOf === home)!;
	await heir.raw("CONFIG", "SET", "cluster-replica-no-failover", "yes");
	await home.kill();
	const alive = cluster.primaries.find((node) => node !== home)!;
	await waitUntil("all subscribed at nodes that live", async () => {
		const found = [...(await homes(name, "NUMSUB")).values()].reduce((sum, count) => sum + count, 0);
		return found === 2 || `${found}`;
	});
	await alive.raw("PUBLISH", name, "m1");
	await alive.raw("PUBLISH", name, "m2");
	expect(victims.length).toBeGreaterThan(0);
	for (const [i, { news, gaps }] of each.entries()) {
		const hit = victims.includes(i);
		expect(await take(news, 2)).toEqual([
			{ channel: name, message: "m1", ...(hit ? { gap: true } : {}) },
			{ channel: name, message: "m2" },
		]);
		expect(gaps).toEqual(hit ? [{ reason: "connection-lost", names: [name, "other"] }] : []);
		expect((await take(patterns[i]!.news, 1))[0]).toMatchObject({ message: "m1", pattern: "kill*" });
		expect(patterns[i]!.gaps.length).toBe(hit ? 1 : 0);
	}
	for (const { news } of [...each, ...patterns]) await news.unsubscribe();
	await heir.raw("CONFIG", "SET", "cluster-replica-no-failover", "no");
	await isPromoted(cluster, heir);
	await home.restart();
	await isWhole(cluster);
});

/** Whether a client's subscriber connection is at this node. */
async function isHomeOf(node: ClusterNode, index: number): Promise<boolean> {
	const list = String(await node.raw("CLIENT", "LIST"));
	return list.split("\n").some((line) => line.includes(` name=pubsub${index + 2} `) && !/ sub=0 /.test(line));
}

test("D48 D49 replicas take over, by hand and after a crash: every subscription follows, with a gap", async () => {
	const classic = await ofEach((client, onGap) => client.subscribe("follow", { onGap }));
	// A client may not have heard yet that the node of the test before came back as a replica; it leaves it then, with a gap.
	await waitUntil("homes at primaries", async () => {
		const found = await homes("follow", "NUMSUB");
		const roles = await Promise.all([...found.keys()].map((node) => node.raw("ROLE")));
		const subscribers = [...found.values()].reduce((sum, count) => sum + count, 0);
		return (subscribers === 2 && roles.every((role) => (role as string[])[0] === "master")) || String(roles);
	});
	for (const { gaps } of classic) gaps.length = 0;
	const [primary] = [...(await homes("follow", "NUMSUB")).keys()] as [ClusterNode];
	const hit = await Promise.all(clients.map((_, i) => isHomeOf(primary, i)));
	const channel = await channelOf(primary);
	const sharded = await ofEach((client, onGap) => client.ssubscribe(channel, { onGap }));
	await subscribedAt(primary, channel, "SHARDNUMSUB", 2);
	const replica = await replicaOf(primary);

	await failOver(cluster, replica);
	await subscribedAt(replica, channel, "SHARDNUMSUB", 2);
	for (const { gaps } of sharded) {
		await waitUntil("a gap", () => gaps.length > 0 || "none");
		for (const gap of gaps)
			expect(gap).toEqual({ reason: expect.stringMatching(/^(node-left|slot-moved|connection-lost)$/), names: [channel] });
	}
	expect(await clients[0]!.spublish(channel, "by hand")).toBe(2);
	for (const { news } of sharded) expect(await take(news, 1)).toEqual([{ channel, message: "by hand", gap: true }]);
	// Nobody lives at a replica.
	await waitUntil("channels at primaries alone", async () => (await at(primary, "follow", "NUMSUB")) === 0 || "not yet");
	for (const [i, { gaps }] of classic.entries()) {
		expect(gaps).toEqual(hit[i] ? [{ reason: "node-left", names: ["follow"] }] : []);
	}
	await isWhole(cluster);

	await replica.kill();
	await isPromoted(cluster, primary);
	await subscribedAt(primary, channel, "SHARDNUMSUB", 2);
	expect(await clients[1]!.spublish(channel, "after a crash")).toBe(2);
	for (const { news } of sharded) expect(await take(news, 1)).toEqual([{ channel, message: "after a crash", gap: true }]);
	await waitUntil("channels somewhere", async () => {
		const found = [...(await homes("follow", "NUMSUB")).values()].reduce((sum, count) => sum + count, 0);
		return found === 2 || `${found}`;
	});
	await primary.raw("PUBLISH", "follow", "still here");
	for (const { news } of classic) {
		expect((await take(news, 1))[0]).toMatchObject({ message: "still here" });
		await news.unsubscribe();
		expect(await drain(news)).toEqual([]);
	}
	for (const { news } of sharded) await news.unsubscribe();
	await replica.restart();
	await isWhole(cluster);
}, 90_000);

/** A sharded channel that lives at this node. */
async function channelOf(node: ClusterNode): Promise<string> {
	for (let i = 0; ; i++) if ((await nodeOfSlot(cluster, keySlot(`follow:${i}`))) === node) return `follow:${i}`;
}

async function replicaOf(primary: ClusterNode): Promise<ClusterNode> {
	const view = String(await primary.raw("CLUSTER", "NODES"));
	const id = view
		.split("\n")
		.map((line) => line.split(" "))
		.find(([, , , of]) => of === primary.id)?.[0];
	const node = cluster.nodes.find((each) => each.id === id);
	if (node === undefined) throw new Error(`${addressOf(primary)} has no replica`);
	return node;
}

test("C18 D48 D49 a node that is stopped is left when its slots are given away, though nothing is asked of it", async () => {
	const channel = "{stopped}";
	const primary = await nodeOfSlot(cluster, keySlot(channel));
	const replica = await replicaOf(primary);
	for (const protocol of [2, 3] as const) {
		await using quiet = await createClient({
			url: cluster.url,
			protocol,
			pool: { pingMs: 100 },
			cluster: { refreshMs: 0, minRefreshMs: 50 },
			timeouts: { suspectMs: 300 },
		});
		const gaps: Gap[] = [];
		await using news = await quiet.ssubscribe(channel, { onGap: (gap) => gaps.push(gap) });
		const [stopped, successor] = protocol === 2 ? [primary, replica] : [replica, primary];
		await stopped.pause();
		try {
			await isPromoted(cluster, successor);
			await waitUntil(
				"a subscriber at its successor",
				async () => (await at(successor, channel, "SHARDNUMSUB")) === 1 || "none",
				{
					timeoutMs: 20_000,
				},
			);
		} finally {
			await stopped.resume();
		}
		expect(gaps.length).toBeGreaterThan(0);
		await successor.raw("SPUBLISH", channel, "m");
		expect(await take(news, 1)).toEqual([{ channel, message: "m", gap: true }]);
		await isWhole(cluster);
	}
});
