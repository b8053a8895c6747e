/** A source that has a value no more: nobody is given the old one once that is known. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import {
	Cache,
	type CacheOptions,
	type FactoryContext,
	type Leases,
	RedisBackend,
	TieredBackend,
} from "../../src/cache/index.js";
import { leaseKey } from "../../src/cache/side-keys.js";
import { type OpenStore, type ServerStore, serverStores, stores } from "../support/cache-stores.js";
import { Gate } from "../support/gate.js";
import { viewOf } from "../support/view-of.js";

const HOUR = 3_600_000;
const none = (): undefined => undefined;
const skipped = (context: FactoryContext): undefined => void context.skip();

describe.each(stores)("%s", (_, open) => {
	let store: OpenStore;
	beforeAll(async () => {
		store = await open();
	});
	afterAll(() => store?.[Symbol.asyncDispose]());

	let caches = 0;
	/** With keys of its own, and what it told. */
	const cacheWith = (options: Partial<CacheOptions> = {}): { cache: Cache; told: unknown[] } => {
		const cache = new Cache({ backend: store.backend, namespace: `n${++caches}`, ...options });
		const told: unknown[] = [];
		cache.on("delete", ({ key }) => told.push(["delete", key.slice(key.indexOf(":") + 1)]));
		cache.on("error", ({ operation }) => told.push(["error", operation]));
		return { cache, told };
	};
	const old = async (cache: Cache, keys: string[], lifetime: { swr?: number; grace?: number }): Promise<void> => {
		await cache.setMany(
			keys.map((key) => [key, "old"] as const),
			{ ttl: 1, ...lifetime },
		);
		await waitUntil("they are old", async () => (await cache.getMany(keys)).size === 0 || "fresh");
	};
	/** Of the last of these caches, whatever it is worth. */
	const stored = async (): Promise<string[]> => {
		const prefix = `n${caches}:`;
		return (await store.backend.keys({ prefix })).map((key) => key.slice(prefix.length)).sort();
	};

	describe.each(["cluster", "process"] as const)('singleFlight: "%s"', (singleFlight) => {
		test("S2.2 S2.7 what a refresh behind its readers does not find any more is removed", async () => {
			const { cache, told } = cacheWith({ singleFlight, swr: HOUR });
			await old(cache, ["k"], { swr: HOUR });
			expect(await cache.getOrSet("k", none)).toBe("old");
			await waitUntil("it is removed", async () => (await stored()).length === 0 || "it is there");
			await waitUntil("it was told", () => told.length === 1 || "not yet");
			expect(told).toEqual([["delete", "k"]]);
			expect(cache.stats()).toMatchObject({ deletes: 1, refreshes: 1, lostWrites: 0 });
			expect(await cache.getOrSet("k", () => "new")).toBe("new");
			await cache.close();
		});

		test("S2.2 S2.8 what a fetch does not find any more stands in for nothing, however long its grace", async () => {
			const { cache, told } = cacheWith({ singleFlight, grace: HOUR });
			await old(cache, ["k"], { grace: HOUR });
			expect(await cache.getOrSet("k", none)).toBeUndefined();
			expect(await stored()).toEqual([]);
			expect(told).toEqual([["delete", "k"]]);
			await expect(cache.getOrSet("k", () => Promise.reject(new Error("down")))).rejects.toThrow("down");
			expect(cache.stats()).toMatchObject({ deletes: 1, stale: 0 });
			await cache.close();
		});

		test.each<[what: string, options: object]>([
			["with forceFresh", { forceFresh: true }],
			["for one whose validate() refuses the old one", { validate: () => false }],
		])("S2.2 a fresh value that the source does not have is removed %s", async (__, options) => {
			const { cache } = cacheWith({ singleFlight });
			await cache.set("k", "old");
			expect(await cache.getOrSet("k", none, options)).toBeUndefined();
			expect(await stored()).toEqual([]);
			expect(cache.stats()).toMatchObject({ deletes: 1 });
			await cache.set("k", "old");
			expect(await cache.getOrSetMany(["k"], () => [undefined], options)).toEqual(new Map());
			expect(await stored()).toEqual([]);
			expect(cache.stats()).toMatchObject({ deletes: 2 });
			await cache.close();
		});

		test("S2.2 S2.7 a call that skips, or is told to stop, leaves the old value; nothing is written where there was none", async () => {
			const { cache, told } = cacheWith({ singleFlight, grace: HOUR });
			const keys = ["skips", "skips, of many", "stops", "stops, of many"];
			await old(cache, keys, { grace: HOUR });
			expect(await cache.getOrSet("skips", skipped)).toBeUndefined();
			expect(await cache.getOrSetMany(["skips, of many"], (___, context) => [skipped(context)])).toEqual(new Map());
			const abort = new AbortController();
			const [one, many, gate] = [new Gate(), new Gate(), new Gate()];
			const stops = async ({ signal }: FactoryContext, begun: Gate): Promise<undefined> => {
				begun.open();
				await gate.opened;
				expect(signal.aborted).toBe(true);
			};
			const { signal } = abort;
			const given = [
				cache.getOrSet("stops", (context) => stops(context, one), { signal }),
				cache.getOrSetMany(["stops, of many"], async (___, context) => [await stops(context, many)], { signal }),
			];
			await Promise.all([one.opened, many.opened]);
			abort.abort();
			expect((await Promise.allSettled(given)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
			gate.open();
			await cache.getOrSet("never there", none);
			await cache.getOrSetMany(["never there"], () => [undefined]);
			await cache.close();
			expect(await stored()).toEqual([...keys].sort());
			expect(told).toEqual([]);
			expect(cache.stats()).toMatchObject({ deletes: 0 });
		});

		test("S2.9 what this process sets while its factory finds nothing stays, by one key and by many", async () => {
			const { cache, told } = cacheWith({ singleFlight, grace: HOUR });
			await old(cache, ["one", "many"], { grace: HOUR });
			expect(await cache.getOrSet("one", async () => void (await cache.set("one", "newer")))).toBeUndefined();
			const made = await cache.getOrSetMany(["many"], async () => {
				await cache.set("many", "newer");
				return [undefined];
			});
			expect(made).toEqual(new Map());
			expect(await cache.getMany(["one", "many"])).toEqual(new Map([["one", "newer"], ["many", "newer"]])); // biome-ignore format: one line
			expect(told).toEqual([]);
			await cache.close();
		});
	});

	test("S2.2 S4.4 many at once: what the source has is stored, what it has no more is removed, at once and behind their readers", async () => {
		const { cache, told } = cacheWith();
		const half = (keys: string[]) => keys.map((key, i) => (i % 2 === 0 ? `new ${key}` : undefined));
		await old(cache, ["a", "b", "c", "d"], { grace: HOUR });
		expect([...(await cache.getOrSetMany(["a", "b", "c", "d", "e", "f"], half)).keys()]).toEqual(["a", "c", "e"]);
		expect(await stored()).toEqual(["a", "c", "e"]);
		expect(told).toEqual([["delete", "b"], ["delete", "d"]]); // biome-ignore format: one line
		expect(cache.stats()).toMatchObject({ deletes: 2, sets: 7 });
		await old(cache, ["a", "c"], { swr: HOUR });
		expect((await cache.getOrSetMany(["a", "c"], half, { swr: HOUR })).size).toBe(2);
		await waitUntil("it is removed", async () => (await stored()).join() === "a,e" || "it is there");
		await waitUntil("the other is stored", async () => (await cache.get("a")) === "new a" || "not yet");
		await cache.close();
	});

	test("S2.2 with negativeTtl that there is none takes the old value's place", async () => {
		const { cache, told } = cacheWith({ negativeTtl: "1h", grace: HOUR });
		await old(cache, ["a", "b"], { grace: HOUR });
		expect(await cache.getOrSet("a", none)).toBeUndefined();
		expect(await cache.getOrSetMany(["b"], () => [undefined])).toEqual(new Map());
		expect(await stored()).toEqual(["a", "b"]);
		expect(await cache.getOrSet("a", () => expect.unreachable())).toBeUndefined();
		expect(told).toEqual([]);
		await cache.close();
	});
});

describe.each(serverStores)("%s", (_, open) => {
	let store: ServerStore;
	beforeAll(async () => {
		store = await open();
	});
	afterAll(() => store?.[Symbol.asyncDispose]());

	test("S2.9 what another process stores while the source is asked stays: the lease is lost to it", async () => {
		const [cache, other] = [new Cache({ backend: store.backend }), new Cache({ backend: store.backend })];
		await cache.set("k", "old", { ttl: 1, grace: HOUR });
		await waitUntil("the value is old", async () => (await cache.get("k")) === undefined || "it is fresh");
		const made = await cache.getOrSet("k", async () => void (await other.set("k", "newer")), { grace: HOUR });
		expect(made).toBeUndefined();
		expect(await other.get("k")).toBe("newer");
		expect(cache.stats()).toMatchObject({ deletes: 0, lostWrites: 0, storeErrors: 0 });
	});

	test("S2.7 what was stored since it was looked for, and is old by now, is removed as well", async () => {
		const { backend } = store;
		const leases = backend.leases as Leases;
		await using other = new Cache({ backend });
		const late = viewOf(leases, {
			acquire: async (...args) => {
				await other.set("since", "old", { ttl: 1, grace: HOUR });
				await waitUntil("the value is old", async () => (await other.get("since")) === undefined || "it is fresh");
				return await leases.acquire(...args);
			},
		});
		await using cache = new Cache({ backend: viewOf(backend, { leases: late }) });
		expect(await cache.getOrSet("since", none)).toBeUndefined();
		expect(await backend.exists("since")).toBe(false);
	});

	test("S3.3 first levels of other processes drop what was removed, and what was made old", async () => {
		const keeps = new TieredBackend({ backend: new RedisBackend({ client: store.client, keyPrefix: store.name("") }) });
		const removes = new TieredBackend({ backend: new RedisBackend({ client: store.client, keyPrefix: store.name("") }) });
		await keeps.connect();
		await using cache = new Cache({ backend: removes });
		await cache.set("kept", "old", { ttl: 1, grace: HOUR });
		await cache.set("fresh", "old", { grace: HOUR });
		for (const key of ["kept", "fresh"]) {
			const { hits } = keeps.firstLevel;
			await waitUntil("it is kept", async () => {
				await keeps.get(key);
				return keeps.firstLevel.hits > hits || "not yet";
			});
		}
		await using reader = new Cache({ backend: keeps });
		expect(await reader.get("fresh")).toBe("old");
		expect(await cache.expire("fresh")).toBe(true);
		await waitUntil("it is old", async () => (await reader.get("fresh")) === undefined || "it is fresh");
		expect(await cache.getOrSet("kept", none, { grace: HOUR })).toBeUndefined();
		await waitUntil("it is dropped", async () => (await keeps.get("kept")) === null || "it is there");
		await Promise.all([keeps.disconnect(), removes.disconnect()]);
	});

	test("S2.7 who waits for the lease is woken by the removal, and asks the source itself", async () => {
		const { client } = store;
		// Nobody looks again by himself.
		const waiting = new RedisBackend({ client, keyPrefix: store.name("") });
		const wait = waiting.leases.wait.bind(waiting.leases);
		let waited = 0;
		waiting.leases.wait = (key, since, _ms, signal) => {
			waited += 1;
			return wait(key, since, HOUR, signal);
		};
		const [cache, other] = [new Cache({ backend: store.backend }), new Cache({ backend: waiting })];
		await cache.set("w", "old", { ttl: 1, grace: HOUR });
		await waitUntil("the value is old", async () => (await cache.get("w")) === undefined || "it is fresh");
		const [begun, gate] = [new Gate(), new Gate()];
		const made = cache.getOrSet("w", async () => {
			begun.open();
			await gate.opened;
		});
		await begun.opened;
		const waits = other.getOrSet("w", () => "there again");
		// It is woken once when it has subscribed.
		await waitUntil("it waits", () => waited === 2 || "not yet");
		gate.open();
		expect(await made).toBeUndefined();
		expect(await waits).toBe("there again");
		await waiting.disconnect();
		expect(await client.exists(leaseKey(store.name("w"), client.mode === "cluster"))).toBe(0);
	});
});
