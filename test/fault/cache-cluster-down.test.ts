/** A cache on a cluster that one of its primaries has left: its keys come from the source, those of the others from where they are. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClusterNode, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import {
	Cache,
	CacheBatchError,
	CacheConnectionError,
	type CacheEvents,
	CacheTimeoutError,
	RedisBackend,
	TieredBackend,
} from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { rejectionOf } from "../support/secrets.js";

/** Long enough for those that answer, on a machine that is busy. */
const COMMAND_MS = 800;
/** Of some deadlines in a row: nothing hangs. How many there are the errors tell. */
const ENDED_MS = 6000;
const PREFIX = "down:";
const VALUE = "stored";

let cluster: ServerCluster;
let clients: Client[] = [];
/** The one that leaves, and its slots. */
let gone: ClusterNode;
let [first, last] = [0, 5460];
const timeouts = { commandMs: COMMAND_MS, connectMs: 500, startMs: 5000, closeMs: 1000 };
beforeAll(async () => {
	const args = ["--appendonly", "yes", "--appendfsync", "always", "--cluster-require-full-coverage", "no"];
	cluster = await startCluster({ args, nodeTimeoutMs: 15_000 });
	await choose(() => true);
	const open = (protocol: 2 | 3) => createClient({ url: cluster.url, protocol, timeouts, retry: { baseMs: 5, maxMs: 50 } });
	clients = await Promise.all([open(2), open(3)]);
});
afterAll(async () => {
	for (const client of clients) client.destroy();
	await cluster?.stop();
});

/** Which node leaves. A cluster of three gives each a third of the slots, in order. */
async function choose(suits: (node: ClusterNode) => Promise<boolean> | boolean): Promise<void> {
	for ([first, last] of [
		[0, 5460],
		[5461, 10_922],
		[10_923, 16_383],
	] as const) {
		// biome-ignore format: one line
		gone = await nodeOfSlot(cluster, first);
		if (await suits(gone)) return;
	}
	expect.unreachable();
}

function isGone(name: string): boolean {
	const slot = keySlot(name);
	return slot >= first && slot <= last;
}

/** Keys whose node leaves, and keys of the two others. */
function keysOf(namespace: string, count: number): { lost: string[]; kept: string[]; all: string[] } {
	const all = Array.from({ length: count }, (_, i) => `${namespace}:${i}`);
	return { lost: all.filter((key) => isGone(PREFIX + key)), kept: all.filter((key) => !isGone(PREFIX + key)), all };
}

/** A tag whose version is on the node that leaves, or on another one. */
function tagOf(lost: boolean): string {
	return Array.from({ length: 50 }, (_, i) => `tag${i}`).find((tag) => isGone(`${PREFIX}~tag:${tag}`) === lost)!;
}

let runs = 0;

/** A cache of each client with keys that nobody else has, and what it tells of failures. */
function runsOf(count: number) {
	return clients.map((client) => {
		const cache = new Cache({ backend: new RedisBackend({ client, keyPrefix: PREFIX }) });
		const errors: CacheEvents["error"][] = [];
		cache.on("error", (event) => errors.push(event));
		runs += 1;
		return { client, cache, errors, ...keysOf(`k${runs}`, count), fresh: keysOf(`new${runs}`, count) };
	});
}

function pairsOf(keys: readonly string[]): [key: string, value: string][] {
	return keys.map((key) => [key, VALUE]);
}

async function stored(cache: Cache, keys: readonly string[]): Promise<void> {
	const all = () => cache.setMany(pairsOf(keys), { ttl: "1h" });
	await waitUntil("all is stored", async () => (await all()) === keys.length || "not yet");
}

/** The store could not be asked, or not all of it. */
function isOfStore(error: unknown): boolean {
	const { results } = error as { results?: readonly unknown[] };
	return error instanceof CacheConnectionError || (error instanceof CacheBatchError && results!.some(isOfStore));
}

/** Ways for a node to be away, and to come back. */
const outages: Record<string, [away: () => Promise<void>, back: () => Promise<void>]> = {
	"was killed": [() => gone.kill(), () => gone.restart()],
	"stands still": [() => gone.pause(), () => gone.resume()],
};

async function during(what: string, act: () => Promise<unknown>): Promise<void> {
	const [away, back] = outages[what]!;
	await away();
	try {
		await act();
	} finally {
		await back();
	}
}

describe.each(Object.keys(outages))("a primary that %s", (what) => {
	test("S2.8 S1.17 one key: of its keys the source is asked, once for all callers; the others' are hits; then there are hits again", async () => {
		const runs = runsOf(12);
		for (const { cache, all } of runs) await stored(cache, all);
		await during(what, () =>
			Promise.all(
				runs.map(async ({ client, cache, errors, lost, kept }) => {
					const strict = new Cache({ backend: new RedisBackend({ client, keyPrefix: PREFIX }), failOpen: false });
					errors.length = 0;
					const before = cache.stats();
					let calls = 0;
					const factory = (): string => `made ${++calls}`;
					const began = performance.now();
					const key = lost[0]!;
					const reads = Array.from({ length: 100 }, () => cache.getOrSet(key, factory));
					const others = kept.map((each) => cache.getOrSet(each, () => expect.unreachable()));
					const refusals = [strict.getOrSet(lost[1]!, factory), strict.get(key), strict.getMany([...kept, key])].map(rejectionOf);
					expect(await Promise.all(others)).toEqual(kept.map(() => VALUE));
					expect(await strict.get(kept[0]!)).toBe(VALUE);
					expect(new Set(await Promise.all(reads))).toEqual(new Set(["made 1"]));
					for (const error of await Promise.all(refusals)) expect(error).toSatisfy(isOfStore);
					expect(performance.now() - began).toBeLessThan(ENDED_MS);
					expect(calls).toBe(1);
					expect(cache.stats().lostWrites - before.lostWrites).toBe(1);
					expect(cache.stats().hits - before.hits).toBe(kept.length);
					// One deadline: what could not be read is not written.
					expect(errors).toEqual([{ key, operation: "read", error: expect.any(CacheConnectionError) }]);
				}),
			),
		);
		for (const { cache, lost } of runs) {
			for (const key of lost) await waitUntil("it is there", async () => (await cache.get(key)) === VALUE || "not yet");
			expect(await cache.getOrSet(lost[0]!, () => expect.unreachable())).toBe(VALUE);
		}
	});

	test("S2.8 S2.11 many keys: the others' are hits, the rest is made by one call, and stored where it can be", async () => {
		const runs = runsOf(60);
		for (const { cache, all } of runs) await stored(cache, all);
		await during(what, () =>
			Promise.all(
				runs.map(async ({ cache, errors, lost, kept, all, fresh }) => {
					errors.length = 0;
					const before = cache.stats();
					const asked: string[][] = [];
					const factory = async (missing: string[]): Promise<string[]> => {
						asked.push(missing);
						return missing.map((key) => `made ${key}`);
					};
					const keys = [...all, ...fresh.all];
					const began = performance.now();
					for (const found of await Promise.all(Array.from({ length: 5 }, () => cache.getOrSetMany(keys, factory)))) {
						expect(found).toEqual(new Map(keys.map((key) => [key, kept.includes(key) ? VALUE : `made ${key}`])));
					}
					expect(performance.now() - began).toBeLessThan(ENDED_MS);
					expect(asked).toEqual([keys.filter((key) => !kept.includes(key))]);
					const { hits, lostWrites, sets } = cache.stats();
					expect(hits - before.hits).toBe(kept.length);
					expect(lostWrites - before.lostWrites).toBe(lost.length + fresh.lost.length);
					expect(sets - before.sets).toBe(fresh.kept.length);
					expect(errors).toEqual([{ operation: "read", error: expect.toSatisfy(isOfStore) }]);
					expect([...(await cache.getMany(keys)).keys()]).toEqual([...kept, ...fresh.kept]);
				}),
			),
		);
		for (const { cache, all, fresh } of runs) {
			await waitUntil("all are there", async () => (await cache.getMany(all)).size === all.length || "not yet");
			const asked: string[] = [];
			const factory = (missing: string[]): string[] => {
				asked.push(...missing);
				return missing;
			};
			for (let i = 0; i < 2; i++) await cache.getOrSetMany(fresh.all, factory);
			expect(asked).toEqual(fresh.lost);
		}
	});

	test("S2.8 every call ends: what the others stored and deleted is said, what was not is counted", async () => {
		const runs = runsOf(30);
		for (const { cache, all } of runs) await stored(cache, all);
		await during(what, async () => {
			await Promise.all(
				runs.map(async ({ cache, errors, lost, kept, fresh }) => {
					errors.length = 0;
					const before = cache.stats();
					const written: unknown[] = [];
					const through = (key: string) => cache.writeThrough(key, key, (value) => written.push(value));
					const began = performance.now();
					const calls = {
						get: cache.get(lost[0]!),
						has: cache.has(lost[0]!),
						"set, lost": cache.set(lost[0]!, VALUE),
						"set, kept": cache.set(kept[0]!, VALUE),
						setMany: cache.setMany(pairsOf(fresh.all)),
						"delete, lost": cache.delete(lost[1]!),
						"delete, kept": cache.delete(kept[1]!),
						expire: cache.expire(lost[2]!),
						"expire, kept": cache.expire(kept[2]!),
						"invalidateTags, lost": cache.invalidateTags(tagOf(true)),
						"invalidateTags, kept": cache.invalidateTags(tagOf(false)),
						"writeThrough, lost": through(lost[3]!),
						"writeThrough, kept": through(kept[3]!),
						clear: cache.namespace("nobody").clear(),
					};
					const given = await Promise.all(Object.entries(calls).map(async ([name, call]) => [name, await call] as const));
					expect(performance.now() - began).toBeLessThan(ENDED_MS);
					expect(Object.fromEntries(given)).toEqual({
						get: undefined,
						has: false,
						"set, lost": false,
						"set, kept": true,
						setMany: fresh.kept.length,
						"delete, lost": false,
						"delete, kept": true,
						expire: false,
						"expire, kept": true,
						"invalidateTags, lost": false,
						"invalidateTags, kept": true,
						"writeThrough, lost": undefined,
						"writeThrough, kept": undefined,
						clear: 0,
					});
					expect(written.toSorted()).toEqual([kept[3], lost[3]].toSorted());
					const { lostWrites, sets } = cache.stats();
					// set, delete, expire, invalidateTags; writeThrough sets, and deletes what it could not set.
					expect(lostWrites - before.lostWrites).toBe(fresh.lost.length + 6);
					expect(sets - before.sets).toBe(fresh.kept.length + 2);
					// Those, and get, has and clear, which looks for leases and then for keys.
					expect(errors).toHaveLength(11);
					for (const { error } of errors) expect(error).toSatisfy(isOfStore);
					const deleted = await cache.deleteMany([...fresh.kept, lost[4]!]);
					expect(deleted).toBe(0);
					expect(cache.stats().lostWrites - lostWrites).toBe(1);
					expect(await cache.getMany(fresh.kept)).toEqual(new Map());
				}),
			);
		});
	});
});

test("S2.6 S2.9 the node of a tag: what depends on it is made, and not stored; the rest is found", async () => {
	const runs = runsOf(12);
	const tag = tagOf(true);
	for (const { cache, all, kept } of runs) {
		await stored(cache, all);
		await waitUntil("it is stored", async () => (await cache.set(kept[0]!, VALUE, { tags: [tag] })) || "not yet");
	}
	await during("stands still", () =>
		Promise.all(
			runs.map(async ({ client, all, kept }) => {
				const fine = kept.slice(1);
				const rest = all.filter((key) => !fine.includes(key));
				// They know of no tags yet.
				const [cache, reader] = [1, 2].map(() => new Cache({ backend: new RedisBackend({ client, keyPrefix: PREFIX }) }));
				const reading = reader!.getMany(all);
				const asked: string[] = [];
				const factory = (missing: string[]): string[] => {
					asked.push(...missing);
					return missing.map(() => "made");
				};
				const began = performance.now();
				const found = await cache!.getOrSetMany(all, factory, { tags: [tag] });
				expect([...(await reading).keys()]).toEqual(fine);
				expect(performance.now() - began).toBeLessThan(ENDED_MS);
				expect(found).toEqual(new Map(all.map((key) => [key, fine.includes(key) ? VALUE : "made"])));
				expect(asked).toEqual(rest);
				expect(cache!.stats()).toMatchObject({ sets: 0, lostWrites: rest.length });
			}),
		),
	);
	for (const { cache, all } of runs) {
		await waitUntil("all are there", async () => (await cache.getMany(all)).size === all.length || "not yet");
	}
});

test("S2.8 S2.11 a node leaves while the factory runs: all of it is given, stored where it can be, and else counted", async () => {
	const { cache, errors, lost, kept, all } = runsOf(30)[1]!;
	const factory = async (missing: string[]): Promise<string[]> => {
		await gone.pause();
		return missing;
	};
	try {
		expect(await cache.getOrSetMany(all, factory)).toEqual(new Map(all.map((key) => [key, key])));
		expect(cache.stats()).toMatchObject({ factoryCalls: 1, sets: kept.length, lostWrites: lost.length });
		expect(errors).toEqual([{ operation: "write", error: expect.any(CacheBatchError) }]);
		expect(errors[0]!.error).toSatisfy(isOfStore);
	} finally {
		await gone.resume();
	}
	await waitUntil("those that were stored are found", async () => {
		return (await cache.getMany(kept)).size === kept.length || "not yet";
	});
});

test("S2.8 S2.9 two levels: what the first one has is found, wherever it came from; of the rest as without it", async () => {
	const client = clients[0]!;
	await using backend = new TieredBackend({ backend: new RedisBackend({ client, keyPrefix: PREFIX }) });
	await backend.connect();
	// Its messages come from a node that stays: with the other one the first level is gone too.
	const channel = `slotwire:changed:${PREFIX}`;
	await choose(async (node) => ((await node.raw("PUBSUB", "NUMSUB", channel)) as unknown[])[1] === 0);
	const cache = new Cache({ backend });
	runs += 1;
	const [read, unread] = [keysOf(`read${runs}`, 20), keysOf(`unread${runs}`, 20)];
	await stored(cache, [...read.all, ...unread.all]);
	await waitUntil("the first level to have them", async () => {
		await cache.getMany(read.all);
		return backend.firstLevel.entries === read.all.length || `${backend.firstLevel.entries}`;
	});
	await during("was killed", async () => {
		const keys = [...unread.all, ...read.all];
		const before = cache.stats();
		const asked: string[] = [];
		const factory = (missing: string[]): string[] => {
			asked.push(...missing);
			return missing.map(() => "made");
		};
		expect(await cache.getOrSet(read.lost[0]!, () => expect.unreachable())).toBe(VALUE);
		const found = await cache.getOrSetMany(keys, factory);
		expect(found).toEqual(new Map(keys.map((key) => [key, unread.lost.includes(key) ? "made" : VALUE])));
		expect(asked).toEqual(unread.lost);
		expect(cache.stats().lostWrites - before.lostWrites).toBe(unread.lost.length);
		// None of the others is asked for.
		const few = [read.all[0]!, unread.lost[0]!];
		expect(await cache.getMany(few)).toEqual(new Map([[read.all[0], VALUE]]));
		const refused = (await rejectionOf(backend.getMany(few))) as CacheBatchError;
		expect(refused.results).toEqual([expect.any(Buffer), expect.any(CacheConnectionError)]);
	});
	const all = [...read.all, ...unread.all];
	await waitUntil("all are there", async () => (await cache.getMany(all)).size === all.length || "not yet");
});

test("S2.7 S2.8 a lease that cannot be asked for: it is made without one, once, and that it could not be stored is counted", async () => {
	await using taps = await ClusterTaps.start(cluster.primaries);
	const client = await createClient({
		url: taps.url,
		cluster: { natMap: taps.natMap, refreshMs: 0 },
		// Another connection would not be held.
		timeouts: { ...timeouts, commandMs: 400, suspectMs: 60_000 },
	});
	try {
		await using cache = new Cache({ backend: new RedisBackend({ client, keyPrefix: PREFIX }) });
		const told: unknown[] = [];
		cache.on("error", ({ operation, error }) => told.push([operation, error]));
		// Between the look and the lease.
		cache.on("miss", () => {
			for (const { toServer } of taps.proxy(gone).connections) toServer.stall();
		});
		let calls = 0;
		const key = keysOf("lease", 20).lost[0]!;
		const reads = Array.from({ length: 100 }, () => cache.getOrSet(key, () => `made ${++calls}`));
		expect(new Set(await Promise.all(reads))).toEqual(new Set(["made 1"]));
		expect(told).toEqual(["lease", "write"].map((operation) => [operation, expect.any(CacheTimeoutError)]));
		expect(cache.stats()).toMatchObject({ factoryCalls: 1, lostWrites: 1, sets: 0, storeErrors: 2 });
	} finally {
		client.destroy();
	}
});
