/** Many keys at once: one read, one call of the factory for what is missing, one write; shared with whoever asks for some of them meanwhile. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, type CacheOptions, RedisBackend } from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";
import { type OpenStore, stores } from "../support/cache-stores.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

const HOUR = 3_600_000;

describe.each(stores)("%s", (topology, open) => {
	let store: OpenStore;
	let nodes: number;
	beforeAll(async () => {
		store = await open();
		nodes = store.client?.mode === "cluster" ? 3 : 1;
		await store.client?.mget(Array.from({ length: 64 }, (_, i) => `warm:${i}`));
	});
	afterAll(() => store?.[Symbol.asyncDispose]());

	let caches = 0;
	/** With keys of its own. */
	const cacheWith = (options: Partial<CacheOptions> = {}): Cache =>
		new Cache({ backend: store.backend, namespace: `n${++caches}`, ...options });
	const keysOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${i}`);
	const upper = (keys: string[]) => keys.map((key) => key.toUpperCase());
	const old = async (cache: Cache, keys: string[], lifetime: { swr?: number; grace?: number }): Promise<void> => {
		await cache.setMany(
			keys.map((key) => [key, `old ${key}`] as const),
			{ ttl: 1, ...lifetime },
		);
		await waitUntil("they are old", async () => (await cache.getMany(keys)).size === 0 || "fresh");
	};

	test("S4.4 S2.11 128 keys: one flight to each node for the read, one call with the missing keys in order, one flight for the write", async () => {
		await using cache = cacheWith();
		const keys = keysOf(128);
		const asked: string[][] = [];
		const factory = (missing: string[]) => {
			asked.push(missing);
			return upper(missing);
		};
		const stats = () => store.client?.stats() ?? { flights: 0, commands: 0 };
		const empty = stats();
		const made = await cache.getOrSetMany(keys, factory);
		const full = stats();
		const found = await cache.getOrSetMany(keys, factory);
		const read = stats();
		expect([...made]).toEqual(keys.map((key) => [key, key.toUpperCase()]));
		expect([...found]).toEqual([...made]);
		expect(asked).toEqual([keys]);
		if (store.client !== null) {
			expect(full.flights - empty.flights).toBe(2 * nodes);
			expect(read.flights - full.flights).toBe(nodes);
			// A SET for each; what reads is an MGET for each slot, on a cluster.
			const mgets = read.commands - full.commands;
			expect(full.commands - empty.commands).toBe(mgets + 128);
			if (nodes === 1) expect(mgets).toBe(1);
		}
		expect(cache.stats()).toMatchObject({ factoryCalls: 1, hits: 128, misses: 128, sets: 128 });

		await cache.deleteMany(["k3", "k1", "k100"]);
		await cache.getOrSetMany([...keys].reverse(), factory);
		expect(asked[1]).toEqual(["k100", "k3", "k1"]);
	});

	test("S4.4 callers that overlap ask for each missing key once, alone or among others", async () => {
		await using cache = cacheWith();
		const slow = new Gate();
		const asked: string[] = [];
		const factory = async (missing: string[]) => {
			asked.push(...missing);
			await slow.opened;
			return new Map(missing.map((key) => [key, `made of ${asked.length}`]));
		};
		const one = async () => {
			asked.push("k9");
			return "alone";
		};
		const many = [
			["k0", "k1", "k2"],
			["k1", "k2", "k3"],
			["k3", "k9", "k0"],
		].map((keys, i) =>
			i === 2 ? Promise.all([cache.getOrSet("k9", one), cache.getOrSetMany(keys, factory)]) : cache.getOrSetMany(keys, factory),
		);
		const single = cache.getOrSet("k2", () => expect.unreachable());
		slow.open();
		await Promise.all([...many, single]);
		expect([...asked].sort()).toEqual(["k0", "k1", "k2", "k3", "k9"]);
		expect((await cache.getMany(["k0", "k1", "k2", "k3", "k9"])).size).toBe(5);
		expect(cache.stats()).toMatchObject({ factoryCalls: 3, joined: 6 });
	});

	test("S4.4 what a factory does to its list of keys leaves the values where they belong", async () => {
		await using cache = cacheWith();
		const made = await cache.getOrSetMany(["c", "b", "a"], (missing) => {
			missing.sort().splice(2);
			return new Map(["a", "b", "c"].map((key) => [key, key.toUpperCase()]));
		});
		expect(Object.fromEntries(made)).toEqual({ a: "A", b: "B", c: "C" });
		expect(Object.fromEntries(await cache.getMany(["a", "b", "c"]))).toEqual({ a: "A", b: "B", c: "C" });
	});

	test("S4.4 duplicates are asked for once, no keys cost nothing, what a Map or a list leaves out is not there", async () => {
		await using cache = cacheWith({ negativeTtl: HOUR });
		const asked: string[][] = [];
		const found = await cache.getOrSetMany(["a", "b", "a", "c"], (missing) => {
			asked.push(missing);
			return new Map(Object.entries({ a: 1, strange: 2 }));
		});
		expect([...found]).toEqual([["a", 1]]);
		expect(asked).toEqual([["a", "b", "c"]]);
		// With negativeTtl that is known from then on.
		expect((await cache.getOrSetMany(["a", "b", "c"], () => expect.unreachable())).size).toBe(1);
		expect([...(await cache.getOrSetMany(["d", "e"], () => [undefined, null]))]).toEqual([["e", null]]);
		const before = store.client?.stats().commands;
		expect((await cache.getOrSetMany([], () => expect.unreachable())).size).toBe(0);
		expect(store.client?.stats().commands).toBe(before);
		await using plain = cacheWith();
		await plain.getOrSetMany(["a"], () => new Map());
		expect(plain.stats().sets).toBe(0);
	});

	test.each([
		["an object", () => ({ a: 1, b: 2 })],
		["nothing", () => undefined],
		["a shorter list", () => [1]],
		["a longer list", () => [1, 2, 3]],
		["a text", () => "ab"],
	])("S4.4 a factory that gives %s is refused, and nothing is stored", async (_, factory) => {
		await using cache = cacheWith();
		const call = cache.getOrSetMany(["a", "b"], factory as never);
		expect(await rejectionOf(call)).toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
		expect(await cache.getOrSetMany(["a", "b"], upper)).toEqual(new Map([["a", "A"], ["b", "B"]])); // biome-ignore format: pairs
		expect(cache.stats()).toMatchObject({ factoryCalls: 2, factoryErrors: 1, sets: 2 });
	});

	test("S4.4 keys that are none are refused by their place, before anything is sent", async () => {
		await using cache = cacheWith();
		const before = store.client?.stats().commands;
		for (const [keys, index] of [
			[["a", "a", ""], 2],
			[["a", 1], 1],
			["ab", 0],
			[null, 0],
			[new Set(["a"]), 0],
		] as const) {
			const call = cache.getOrSetMany(keys as never, () => expect.unreachable());
			expect(await rejectionOf(call)).toMatchObject({ code: "INVALID_ARGUMENT", index });
		}
		expect(store.client?.stats().commands).toBe(before);
	});

	test("S2.8 broken entries and values that cannot be written do their neighbours no harm", async () => {
		await using cache = cacheWith();
		await cache.setMany(keysOf(5).map((key) => [key, key]));
		const { backend, client } = store;
		const name = (key: string) => `n${caches}:${key}`;
		await backend.set(name("k1"), '{"truncated":');
		await backend.set(name("k2"), (await backend.get(name("k0")))?.subarray(0, 18) as Buffer);
		await backend.delete(name("k3"));
		await client?.hset(store.name(name("k3")), { a: "hash" });
		const told: string[] = [];
		cache.on("error", ({ key, operation }) => told.push(`${operation} ${key}`));
		const found = await cache.getOrSetMany(keysOf(5), (missing) => missing.map((key) => (key === "k2" ? 10n : "made")));
		expect([...found.values()]).toEqual(["k0", "made", 10n, "made", "k4"]);
		expect(told).toEqual([`write n${caches}:k2`]);
		expect(Object.fromEntries(await cache.getMany(keysOf(5)))).toEqual({ k0: "k0", k1: "made", k3: "made", k4: "k4" });
		expect(cache.stats()).toMatchObject({ lostWrites: 1, storeErrors: 0 });
	});

	test("S2.8 when the factory throws, old values within grace stand in, and without one for each the call rejects; all can be asked for again", async () => {
		await using cache = cacheWith({ grace: HOUR });
		await old(cache, ["a", "b"], { grace: HOUR });
		await cache.set("fresh", "fresh");
		const told: string[] = [];
		cache.on("error", ({ operation }) => told.push(operation));
		const fail = () => Promise.reject(new Error("no database"));
		const served = await cache.getOrSetMany(["a", "fresh", "b"], fail);
		expect([...served]).toEqual([["a", "old a"], ["fresh", "fresh"], ["b", "old b"]]); // biome-ignore format: pairs
		expect(told).toEqual(["factory"]);
		expect(cache.stats().stale).toBe(2);
		const joined = rejectionOf(cache.getOrSetMany(["a", "none"], fail));
		// Whoever shares a key that has an old value gets that.
		expect(await cache.getOrSet("a", () => expect.unreachable())).toBe("old a");
		expect(await joined).toMatchObject({ message: "no database" });
		expect([...(await cache.getOrSetMany(["a", "none", "b"], upper)).values()]).toEqual(["A", "NONE", "B"]);
	});

	test("S2.7 old values within swr are given out, and made anew behind it by one call for all of them", async () => {
		await using cache = cacheWith({ swr: HOUR });
		await old(cache, keysOf(50), { swr: HOUR });
		await cache.set("fresh", "fresh");
		const asked: string[][] = [];
		const factory = (missing: string[]) => {
			asked.push(missing);
			return upper(missing);
		};
		const served = await cache.getOrSetMany([...keysOf(50), "fresh"], factory);
		expect([...served.values()]).toEqual([...keysOf(50).map((key) => `old ${key}`), "fresh"]);
		await waitUntil("they are new", async () => (await cache.getMany(keysOf(50))).get("k49") === "K49" || "old");
		expect(asked).toEqual([keysOf(50)]);
		expect(cache.stats()).toMatchObject({ refreshes: 50, factoryCalls: 1, stale: 50 });
	});

	test("S2.7 after timeout old values do, after hardTimeout the call is given up; an aborted call tells the factory", async () => {
		await using cache = cacheWith();
		await old(cache, ["a", "b"], { grace: HOUR });
		const slow = new Gate();
		const factory = async (missing: string[]) => {
			await slow.opened;
			return upper(missing);
		};
		const served = await cache.getOrSetMany(["a", "b"], factory, { timeout: 20, grace: HOUR });
		expect([...served.values()]).toEqual(["old a", "old b"]);
		expect(await rejectionOf(cache.getOrSetMany(["c"], factory, { hardTimeout: 20 }))).toMatchObject({ code: "TIMEOUT" });
		slow.open();
		await waitUntil("all is stored", async () => (await cache.getMany(["a", "b", "c"])).size === 3 || "not yet");

		const [begun, controller] = [new Gate(), new AbortController()];
		const heard: unknown[] = [];
		const call = cache.getOrSetMany(
			["d", "e"],
			async (_, context) => {
				const { signal } = context;
				heard.push(signal === context.signal);
				begun.open();
				await new Promise((resolve) => signal.addEventListener("abort", resolve));
				heard.push("aborted");
				return [];
			},
			{ signal: controller.signal },
		);
		await begun.opened;
		controller.abort();
		expect(await rejectionOf(call)).toMatchObject({ code: "ABORTED" });
		expect([...(await cache.getOrSetMany(["d", "e"], upper)).values()]).toEqual(["D", "E"]);
		expect(heard).toEqual([true, "aborted"]);
	});

	test("S2.9 keys that are deleted while they are made are not stored, their neighbours are", async () => {
		await using cache = cacheWith();
		const [begun, slow] = [new Gate(), new Gate()];
		const call = cache.getOrSetMany(["a", "b", "c"], async (missing) => {
			begun.open();
			await slow.opened;
			return upper(missing);
		});
		await begun.opened;
		await cache.delete("b");
		slow.open();
		expect([...(await call).values()]).toEqual(["A", "B", "C"]);
		expect([...(await cache.getMany(["a", "b", "c"])).keys()]).toEqual(["a", "c"]);
	});

	test(`S2.11 entries with tags are read with their tags, in one flight to each node (${topology})`, async () => {
		await using cache = cacheWith({ ttl: HOUR });
		const keys = keysOf(32);
		await cache.getOrSetMany(keys, upper, { tags: ["all"] });
		const before = store.client?.stats().flights ?? 0;
		expect((await cache.getOrSetMany(keys, () => expect.unreachable(), { tags: ["all"] })).size).toBe(32);
		if (store.client !== null) expect(store.client.stats().flights - before).toBe(nodes);
		await cache.invalidateTags("all");
		const again = await cache.getOrSetMany(keys, (missing) => missing.map(() => "again"), { tags: ["all"] });
		expect(new Set(again.values())).toEqual(new Set(["again"]));
	});
});

test("S2.8 while the store is down everything is asked of the factory, and writes are counted as lost", async () => {
	await using server = await startStandalone();
	const timeouts = { connectMs: 300, commandMs: 300, startMs: 2000 };
	await using client: Client = await createClient({ url: server.url, timeouts });
	await using cache = new Cache({ backend: new RedisBackend({ client }) });
	await cache.getOrSetMany(["a"], () => ["A"]);
	await server.kill();
	expect([...(await cache.getOrSetMany(["a", "b"], (missing) => missing.map(() => "source"))).values()]).toEqual([
		"source",
		"source",
	]);
	expect(await cache.getOrSet("c", () => "source")).toBe("source");
	expect(cache.stats()).toMatchObject({ lostWrites: 3, storeErrors: 2, factoryCalls: 3 });
	await using strict = new Cache({ backend: new RedisBackend({ client }), failOpen: false });
	expect(await rejectionOf(strict.getOrSetMany(["a"], () => expect.unreachable()))).toMatchObject({
		name: expect.stringMatching(/^Cache(Connection|Timeout)Error$/),
	});
});

test("S2.8 a store that goes while the factory runs costs its callers one deadline, not two", async () => {
	await using server = await startStandalone();
	const errors: string[] = [];
	await using client = await createClient({ url: server.url, timeouts: { commandMs: 400, connectMs: 200, suspectMs: 0 } });
	await using cache = new Cache({ backend: new RedisBackend({ client }) });
	cache.on("error", ({ operation }) => errors.push(operation));
	const value = await cache.getOrSet("k", async () => {
		await server.kill();
		return "made";
	});
	expect(value).toBe("made");
	// The lease is left to end by itself: no second call is made that could only fail as well.
	expect(errors).toEqual(["write"]);
	expect(cache.stats()).toMatchObject({ lostWrites: 1, storeErrors: 1 });
});
