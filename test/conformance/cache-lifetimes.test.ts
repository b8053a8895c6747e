/** How long values are fresh, and what is given out when they are not. What is fresh is judged by the clock of the process, which stands here. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { CachePair } from "../support/cache-pair.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

const NOW = Date.now();
/** So many milliseconds after the beginning of the test. */
const at = (ms: number): unknown => vi.setSystemTime(NOW + ms);

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());
	beforeEach(() => {
		vi.useFakeTimers({ toFake: ["Date"], now: NOW });
	});
	afterEach(() => {
		vi.useRealTimers();
	});

	test("S2.10 ttl: the cache's, the call's, the factory's; to the millisecond, and on the server as well", async () => {
		const { cache, other, client, keyPrefix } = pair.caches({ ttl: 20_000 });
		let calls = 0;
		const factory = (): number => ++calls;
		await cache.getOrSet("a", factory);
		await cache.getOrSet("b", factory, { ttl: "40s" });
		await cache.getOrSet("c", (context) => context.setTtl(60_000) ?? ++calls, { ttl: "1s" });
		await cache.set("d", 0, { ttl: "80s" });
		await cache.getOrSetMany(["e"], () => [++calls], { ttl: "100s" });
		for (const [key, ttl] of Object.entries({ a: 20_000, b: 40_000, c: 60_000, d: 80_000, e: 100_000 })) {
			at(ttl - 1);
			expect([key, await other.has(key)]).toEqual([key, true]);
			at(ttl);
			expect([key, await other.has(key), await other.get(key)]).toEqual([key, false, undefined]);
			const left = await client.pttl(keyPrefix + key);
			expect(left).toBeLessThanOrEqual(ttl);
			expect(left).toBeGreaterThan(ttl - 15_000);
		}
		expect(calls).toBe(4);
		expect(other.stats()).toMatchObject({ misses: 5, hits: 0 });
	});

	test("S2.10 ttl null: for ever, and `setTtl(null)` too", async () => {
		const { cache, other, client, keyPrefix } = pair.caches({ ttl: null, earlyRefresh: true, ttlJitter: 1, swr: "1m" });
		await cache.set("a", 1);
		await cache.getOrSet("b", (context) => context.setTtl(null) ?? 2, { ttl: 1000 });
		at(50 * 365 * 86_400_000);
		const never = (): number => expect.unreachable();
		expect([await other.getOrSet("a", never), await other.getOrSet("b", never)]).toEqual([1, 2]);
		expect([await client.pttl(`${keyPrefix}a`), await client.pttl(`${keyPrefix}b`)]).toEqual([-1, -1]);
	});

	test("S1.6 the server forgets it by itself", async () => {
		const { cache, client, keyPrefix } = pair.caches({ ttl: 30 });
		await cache.set("a", 1);
		await waitUntil("it is gone", async () => (await client.exists(`${keyPrefix}a`)) === 0 || "it is there");
		expect(await cache.get("a")).toBeUndefined();
	});

	test("S2.8 grace: when the factory fails the old value, until grace is over", async () => {
		const { cache, other } = pair.caches({ ttl: "10s", grace: "1m" });
		const told: unknown[] = [];
		other.on("stale", (event) => told.push(event));
		other.on("error", ({ operation }) => told.push(operation));
		const fails = (): never => {
			throw new Error("the source is down");
		};
		await cache.set("a", { v: 1 });
		at(69_999);
		expect(await other.getOrSet("a", fails)).toEqual({ v: 1 });
		expect(told).toEqual(["factory", { key: "a", reason: "factory-failed" }]);
		expect(await other.getOrSetMany(["a"], fails)).toEqual(new Map([["a", { v: 1 }]]));
		// Without grace of its own a call has none.
		expect(await other.get("a")).toBeUndefined();
		at(70_000);
		expect(await rejectionOf(other.getOrSet("a", fails))).toMatchObject({ message: "the source is down" });
		expect(await rejectionOf(other.getOrSetMany(["a"], fails))).toMatchObject({ message: "the source is down" });
		expect(other.stats()).toMatchObject({ stale: 2, factoryCalls: 4, factoryErrors: 4 });
		// Nothing is poisoned.
		expect(await other.getOrSet("a", () => 2)).toBe(2);
		expect(await cache.get("a")).toBe(2);
	});

	test("S2.8 a batch without an old value for each of its keys rejects", async () => {
		const { cache, other } = pair.caches({ ttl: "10s", grace: "1m" });
		await cache.set("a", 1);
		at(20_000);
		const failure = rejectionOf(
			other.getOrSetMany(["a", "b"], () => {
				throw new Error("down");
			}),
		);
		expect(await failure).toMatchObject({ message: "down" });
	});

	test("S2.9 expire(): old at once, for every process; grace has it still; a new value is fresh", async () => {
		const { cache, other, client, keyPrefix } = pair.caches({ ttl: "10s", grace: "1m", swr: "1m" });
		await cache.set("a", 1);
		const before = await client.pttl(`${keyPrefix}a`);
		expect([await other.expire("a"), await other.expire("none")]).toEqual([true, false]);
		expect(await client.pttl(`${keyPrefix}a`)).toBeLessThanOrEqual(before);
		expect(await client.pttl(`${keyPrefix}a`)).toBeGreaterThan(before - 15_000);
		expect([await cache.get("a"), await cache.has("a")]).toEqual([undefined, false]);
		const failing = cache.getOrSet("a", () => {
			throw new Error("down");
		});
		expect(await failing).toBe(1);
		// Not even within swr: it was said to be old.
		expect(await cache.getOrSet("a", () => 2)).toBe(2);
		expect(await other.get("a")).toBe(2);
	});

	test("S2.9 expire() leaves an entry that never ends without an end", async () => {
		const { cache, client, keyPrefix } = pair.caches({ ttl: null });
		await cache.set("a", 1);
		await cache.expire("a");
		expect(await client.pttl(`${keyPrefix}a`)).toBe(-1);
		expect(await cache.get("a")).toBeUndefined();
	});

	test("S2.6 forceFresh: made anew whatever is stored, and stored", async () => {
		const { cache, other } = pair.caches();
		await cache.set("a", 1);
		expect(await cache.getOrSet("a", () => 2, { forceFresh: true })).toBe(2);
		expect(await other.getOrSetMany(["a", "b"], () => [3, 4], { forceFresh: true })).toEqual(
			new Map(Object.entries({ a: 3, b: 4 })),
		);
		expect(await cache.getOrSet("a", () => 5)).toBe(3);
	});

	test("S2.6 validate: what it refuses is a counted miss, made anew; one that throws refuses", async () => {
		const { cache, other } = pair.caches({ grace: "1m" });
		for (const validate of [
			(value: unknown): value is string => typeof value === "string",
			(value: unknown): value is string => (value as string).startsWith("a"),
		]) {
			await cache.set("a", 1);
			const before = other.stats();
			expect(await other.get("a", { validate })).toBeUndefined();
			expect(await other.getOrSet<string>("a", () => "abc", { validate })).toBe("abc");
			expect(await other.getOrSet<string>("a", () => "new", { validate })).toBe("abc");
			const { broken, misses, hits } = other.stats();
			expect([broken - before.broken, misses - before.misses, hits - before.hits]).toEqual([2, 2, 1]);
		}
	});

	test("S2.6 timeout: an old value rather than a slow factory, which goes on; without an old value it waits", async () => {
		const { cache, other } = pair.caches({ ttl: "10s", grace: "1m", timeout: 20 });
		const gate = new Gate();
		const slow = async (): Promise<number> => {
			await gate.opened;
			return 2;
		};
		await cache.set("a", 1);
		at(20_000);
		const told: string[] = [];
		other.on("stale", ({ reason }) => told.push(reason));
		const waiting = other.getOrSet("b", slow);
		expect(await Promise.all([other.getOrSet("a", slow), other.getOrSet("a", slow)])).toEqual([1, 1]);
		expect(told).toEqual(["slow", "slow"]);
		gate.open();
		expect(await waiting).toBe(2);
		await waitUntil("it is stored", async () => (await cache.get("a")) === 2 || "not yet");
		expect(other.stats().factoryCalls).toBe(2);
	});

	test("S2.6 hardTimeout: TIMEOUT for who waits no longer; what is made is stored all the same", async () => {
		const { cache, other } = pair.caches({ hardTimeout: 20 });
		const gate = new Gate();
		const slow = async (): Promise<number> => {
			await gate.opened;
			return 2;
		};
		const calls = [other.getOrSet("a", slow), other.getOrSet("a", slow), other.getOrSetMany(["b"], async () => [await slow()])];
		const patient = other.getOrSet("a", slow, { hardTimeout: "60d" });
		for (const error of await Promise.all(calls.map((call) => rejectionOf(call)))) {
			expect(error).toMatchObject({ name: "CacheTimeoutError", code: "TIMEOUT" });
		}
		gate.open();
		expect(await patient).toBe(2);
		await waitUntil("they are stored", async () => (await cache.getMany(["a", "b"])).size === 2 || "not yet");
		expect(other.stats()).toMatchObject({ factoryCalls: 2, joined: 2 });
	});
});
