/** What a batch costs, counted twice: by `stats()` and by the servers themselves. The cluster is this file's own, so nobody else counts in it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClusterNode, type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster({ primaries: 3 });
});
afterAll(() => cluster?.stop());

const untagged = Array.from({ length: 512 }, (_, index) => `untagged:${index * index}`);
const slotsUsed = new Set(untagged.map(keySlot)).size;
const tagged = Array.from({ length: 512 }, (_, index) => `{tag}:${index}`);

interface Served {
	calls: Record<string, number>;
	hits: number;
	misses: number;
}

async function served(node: ClusterNode): Promise<Served> {
	const commands = String(await node.raw("INFO", "commandstats"));
	const stats = String(await node.raw("INFO", "stats"));
	const calls: Record<string, number> = {};
	for (const [, name, count] of commands.matchAll(/^cmdstat_(mget|get|set|del|exists):calls=(\d+)/gm))
		calls[name!] = Number(count);
	const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(stats)?.[1]);
	return { calls, hits: field("keyspace_hits"), misses: field("keyspace_misses") };
}

/** What `work` cost: by the client's own count, and summed over the servers. */
async function costOf(client: Client, work: () => Promise<unknown>) {
	const sum = async (): Promise<{
		mget: number;
		get: number;
		set: number;
		del: number;
		exists: number;
		hits: number;
		misses: number;
	}> => {
		const all = await Promise.all(cluster.primaries.map(served));
		const total = { mget: 0, get: 0, set: 0, del: 0, exists: 0, hits: 0, misses: 0 };
		for (const { calls, hits, misses } of all) {
			for (const name of ["mget", "get", "set", "del", "exists"] as const) total[name] += calls[name] ?? 0;
			total.hits += hits;
			total.misses += misses;
		}
		return total;
	};
	const [before, stats] = [await sum(), client.stats()];
	await work();
	const [after, now] = [await sum(), client.stats()];
	const onServers = Object.fromEntries(
		Object.entries(after).map(([name, value]) => [name, value - before[name as keyof typeof before]]),
	);
	return { flights: now.flights - stats.flights, commands: now.commands - stats.commands, ...onServers } as Record<
		"flights" | "commands" | keyof typeof after,
		number
	>;
}

/** A client whose three connections are open. */
async function connected(protocol: 2 | 3): Promise<Client> {
	const client = await createClient({ url: cluster.url, protocol });
	await client.mget(untagged);
	return client;
}

test.each([2, 3] as const)("E05 E01 512 untagged keys on three primaries take 3 flights (RESP%i)", async (protocol) => {
	await using client = await connected(protocol);
	await client.delMany(untagged);
	const entries = untagged.map((key, index) => [key, `value ${index}`] as const);
	const write = await costOf(client, () => client.setMany(entries, { ex: 60 }));
	expect(write).toMatchObject({ flights: 3, commands: 512, set: 512 });

	let values: unknown;
	const read = await costOf(client, async () => {
		values = await client.mget(untagged);
	});
	expect(values).toEqual(entries.map(([, value]) => value));
	expect(read).toMatchObject({ flights: 3, get: 0, hits: 512, misses: 0 });
	// One MGET for each slot, and keys that share a slot share it.
	expect(slotsUsed).toBeLessThan(512);
	expect(read).toMatchObject({ commands: slotsUsed, mget: slotsUsed });

	const count = await costOf(client, () => client.existsMany(untagged));
	expect(count).toMatchObject({ flights: 3, commands: slotsUsed, exists: slotsUsed });
	const removal = await costOf(client, () => client.delMany(untagged));
	expect(removal).toMatchObject({ flights: 3, commands: slotsUsed, del: slotsUsed });
	expect((await costOf(client, () => client.mget(untagged))).misses).toBe(512);
});

test.each([
	[256, 2],
	[512, 1],
	[1000, 1],
	[7, 74],
	[1, 512],
])("E05 512 tagged keys in chunks of %i take %i flights, of one MGET each", async (chunkSize, chunks) => {
	await using client = await connected(3);
	await client.setMany(tagged.map((key) => [key, "v"] as const));
	// With maxInflight 1 a chunk waits for the one before: no two share a write.
	const read = await costOf(client, () => client.mget(tagged, { chunkSize, maxInflight: 1 }));
	expect(read).toMatchObject({ flights: chunks, commands: chunks, mget: chunks, hits: 512, misses: 0 });
});

test("E05 chunks that may be unanswered together leave in one write", async () => {
	await using client = await connected(3);
	const read = await costOf(client, () => client.mget(tagged, { chunkSize: 256, maxInflight: 2 }));
	expect(read).toMatchObject({ flights: 1, commands: 2, mget: 2 });
});

test("E05 512 tagged writes are one flight for each chunk", async () => {
	await using client = await connected(3);
	const entries = tagged.map((key) => [key, "v"] as const);
	expect(await costOf(client, () => client.setMany(entries, { ex: 60, maxInflight: 1 }))).toMatchObject({
		flights: 2,
		commands: 512,
		set: 512,
	});
	expect(await costOf(client, () => client.delMany(tagged, { chunkSize: 512 }))).toMatchObject({
		flights: 1,
		commands: 1,
		del: 1,
	});
});

test("E05 writes are cut by bytes as well as by count", async () => {
	await using client = await connected(3);
	const entries = tagged.slice(0, 64).map((key) => [key, "x".repeat(1000)] as const);
	const cost = await costOf(client, () => client.setMany(entries, { maxChunkBytes: 8 * 1020, maxInflight: 1 }));
	expect(cost).toMatchObject({ flights: 8, set: 64 });
});

test("E04 empty lists cost nothing", async () => {
	await using client = await connected(3);
	const before = client.stats();
	expect(await client.mget([])).toEqual([]);
	expect(await client.setMany([], { ex: 5 })).toEqual([]);
	expect(await client.delMany([])).toBe(0);
	expect(await client.existsMany([])).toBe(0);
	expect(await client.pipeline().exec()).toEqual([]);
	expect(client.stats()).toEqual(before);
});

test("E04 a single key is an MGET like many, and null where a GET would fail", async () => {
	await using client = await connected(3);
	await client.command("DEL", "single");
	await client.command("HSET", "single", "f", "v");
	const cost = await costOf(client, async () => expect(await client.mget(["single"])).toEqual([null]));
	expect(cost).toMatchObject({ flights: 1, commands: 1, mget: 1, get: 0 });
});

test("E02 duplicates are answered at each of their places, and the last of several writes wins", async () => {
	await using client = await connected(3);
	const names = ["dup:a", "dup:b", "{dup}c", "{dup}d"];
	const order = Array.from({ length: 400 }, (_, index) => names[(index * 7) % 4]!);
	const last = new Map(order.map((key, index) => [key, `value ${index}`]));
	await client.setMany(
		order.map((key, index) => [key, `value ${index}`] as const),
		{ chunkSize: 9, ex: 60 },
	);
	const values = await client.mget(order, { chunkSize: 9 });
	expect(values).toEqual(order.map((key) => last.get(key)));
	expect(await client.existsMany(order)).toBe(400);
	expect(await client.delMany(order)).toBe(4);
});

test("E05 20000 keys of many slots come back in order, over windows and chunks", async () => {
	await using client = await connected(3);
	const keys = Array.from({ length: 20_000 }, (_, index) => `w:${index}`);
	await client.setMany(
		keys.map((key, index) => [key, index] as const),
		{ ex: 60, timeoutMs: 0 },
	);
	const values = await client.mget(keys, { timeoutMs: 0 });
	expect(values.findIndex((value, index) => value !== String(index))).toBe(-1);
	expect(await client.delMany(keys, { timeoutMs: 0 })).toBe(20_000);
});
