/** Namespaces, and the ways of writing and wrapping. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import type { Cache } from "../../src/cache/index.js";
import { CachePair } from "../support/cache-pair.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());

	test("S1.17 namespaces keep their keys apart, and clear their own", async () => {
		const { cache, other, backend } = pair.caches({ namespace: "app" });
		const tools = ["a", "b", "a*", "a:b"].map((name) => cache.namespace(name));
		await cache.set("k", "app");
		for (const [i, tool] of tools.entries()) await tool.set("k", i);
		expect((await backend.keys()).sort()).toEqual(["app:a*:k", "app:a:b:k", "app:a:k", "app:b:k", "app:k"]);
		for (const [i, tool] of tools.entries()) expect(await tool.get("k")).toBe(i);
		// A namespace within it is of it.
		expect(await cache.namespace("a").namespace("b").get("k")).toBe(3);
		expect(await other.namespace("a").clear()).toBe(2);
		expect(await Promise.all(tools.map((tool) => tool.get("k")))).toEqual([undefined, 1, 2, undefined]);
		expect(await tools[2]?.clear()).toBe(1);
		expect(await cache.get("k")).toBe("app");
		expect(await cache.clear()).toBe(2);
		expect(await backend.keys()).toEqual([]);
	});

	test("S1.17 a namespace has the options of its cache but for its own; its events and figures are the cache's", async () => {
		const { cache, client, keyPrefix } = pair.caches({ ttl: "1h", negativeTtl: "1h" });
		const part = cache.namespace("part", { ttl: "10m", serializer: "bytes" });
		const told: string[] = [];
		cache.on("set", ({ key }) => told.push(key));
		await part.set("a", Buffer.from([1, 2]));
		await part.namespace("of it").set("b", Buffer.from([3]));
		expect(told).toEqual(["part:a", "part:of it:b"]);
		expect(await part.get("a")).toEqual(Buffer.from([1, 2]));
		for (const key of ["part:a", "part:of it:b"]) {
			expect(await client.pttl(keyPrefix + key)).toBeLessThanOrEqual(600_000);
			expect(await client.pttl(keyPrefix + key)).toBeGreaterThan(500_000);
		}
		expect(await part.getOrSet("none", () => undefined)).toBeUndefined();
		expect(await part.getOrSet("none", () => expect.unreachable())).toBeUndefined();
		expect(cache.stats()).toMatchObject({ sets: 3, hits: 2 });
	});

	test("S2.7 the same namespace made twice shares what is being made", async () => {
		const { cache } = pair.caches({ singleFlight: "process" });
		const gate = new Gate();
		let calls = 0;
		const reads = Array.from({ length: 10 }, () =>
			cache.namespace("n").getOrSet("a", async () => {
				calls += 1;
				await gate.opened;
				return calls;
			}),
		);
		gate.open();
		expect(new Set(await Promise.all(reads))).toEqual(new Set([1]));
	});

	test("S2.2 wrap: the function with a cache before it; what it throws is its caller's", async () => {
		const { cache, other } = pair.caches();
		const calls: unknown[] = [];
		const price = async (item: string, currency: string): Promise<string> => {
			calls.push([item, currency]);
			if (item === "none") throw new Error(`no ${item}`);
			return `${item} in ${currency}`;
		};
		const key = (item: string, currency: string): string => `price:${item}:${currency}`;
		const [one, two] = [cache, other].map((each: Cache) => each.wrap(price, { key, ttl: "1m", tags: ["prices"] })) as [
			typeof price,
			typeof price,
		];
		expect(await Promise.all([one("tea", "EUR"), one("tea", "EUR"), two("tea", "EUR")])).toEqual(new Array(3).fill("tea in EUR"));
		expect(await two("tea", "GBP")).toBe("tea in GBP");
		expect(calls).toHaveLength(2);
		await other.invalidateTags("prices");
		expect(await one("tea", "EUR")).toBe("tea in EUR");
		expect(calls).toHaveLength(3);
		for (let i = 0; i < 2; i++) expect(await rejectionOf(one("none", "EUR"))).toMatchObject({ message: "no none" });
		const odd = cache.wrap(price, {
			key: () => {
				throw new Error("no key");
			},
		});
		expect(await rejectionOf(odd("a", "b"))).toMatchObject({ message: "no key" });
	});

	test("S2.6 write-through: the source first, then the cache", async () => {
		const { cache, other } = pair.caches();
		const source: unknown[] = [];
		await cache.writeThrough("a", { v: 1 }, async (value) => {
			expect(await other.get("a")).toBeUndefined();
			source.push(value);
		}, { ttl: "1m", tags: ["x"] }); // biome-ignore format: one line
		expect(source).toEqual([{ v: 1 }]);
		expect(await other.get("a")).toEqual({ v: 1 });
		await other.invalidateTags("x");
		expect(await cache.get("a")).toBeUndefined();
	});

	test("S2.6 write-through: a write that fails deletes the value, which may be out of date", async () => {
		const { cache, other } = pair.caches();
		for (const write of [
			() => Promise.reject(new Error("down")),
			() => {
				throw new Error("down");
			},
		]) {
			// biome-ignore format: one line
			await cache.set("a", 1);
			expect(await rejectionOf(cache.writeThrough("a", 2, write))).toMatchObject({ message: "down" });
			expect(await other.get("a")).toBeUndefined();
		}
	});

	test("S2.6 write-through: what a factory read before is not stored behind it", async () => {
		const { cache, other } = pair.caches();
		for (const writer of [cache, other]) {
			let source = 1;
			const [begun, gate] = [new Gate(), new Gate()];
			const made = cache.getOrSet("a", async () => {
				const read = source;
				begun.open();
				await gate.opened;
				return read;
			});
			await begun.opened;
			await writer.writeThrough("a", 2, (value) => {
				source = value;
			});
			gate.open();
			expect(await made).toBe(1);
			expect([await cache.get("a"), await other.get("a")]).toEqual([2, 2]);
			await cache.delete("a");
		}
	});

	test("S2.6 write-behind: every reader has it at once, the source in batches; close() of the cache waits for it", async () => {
		const { cache, other } = pair.caches();
		const source = new Map<string, unknown>();
		const batches: number[] = [];
		const part = cache.namespace("part");
		const queue = part.writeBehind<number>({
			delay: "1h",
			maxBatch: 40,
			write: async (batch) => {
				batches.push(batch.length);
				await new Promise((resolve) => setImmediate(resolve));
				for (const [key, value] of batch) source.set(key, value);
			},
		});
		await Promise.all(Array.from({ length: 100 }, (_, i) => queue.set(`k${i % 90}`, i, { tags: ["x"], ttl: "1m" })));
		await queue.delete("k0");
		const read = await other.namespace("part").getMany(Array.from({ length: 90 }, (_, i) => `k${i}`));
		expect(read.size).toBe(89);
		expect([read.get("k1"), read.get("k9"), read.get("k10"), read.get("k89")]).toEqual([91, 99, 10, 89]);
		expect(source.size).toBe(0);
		await cache.close();
		expect(batches).toEqual([40, 40, 10]);
		expect(source.get("k0")).toBeUndefined();
		expect([source.get("k1"), source.get("k9"), source.get("k89")]).toEqual([91, 99, 89]);
		expect(await rejectionOf(queue.set("a", 1))).toMatchObject({ code: "CLOSED" });
	});

	test("S2.9 events: each once, in the order in which it happened, with its reason", async () => {
		const { cache, other } = pair.caches({ negativeTtl: "1m", grace: "1m" });
		const told: unknown[] = [];
		for (const name of ["hit", "miss", "stale", "set", "delete", "refresh", "invalidate", "error"] as const) {
			cache.on(name, (event) => {
				const { error, ...rest } = event as { error?: unknown };
				told.push([name, rest]);
			});
		}
		const next = async (call: () => Promise<unknown>): Promise<unknown[]> => {
			await call().catch(() => {});
			return told.splice(0);
		};
		const fails = (): never => {
			throw new Error("down");
		};
		expect(await next(() => cache.getOrSet("a", () => 1, { tags: ["x"] }))).toEqual([
			["miss", { key: "a", reason: "none" }],
			["set", { key: "a" }],
		]);
		expect(await next(() => cache.getOrSet("a", fails))).toEqual([["hit", { key: "a", absent: false }]]);
		expect(await next(() => cache.getOrSet("b", () => undefined))).toEqual([
			["miss", { key: "b", reason: "none" }],
			["set", { key: "b" }],
		]);
		expect(await next(() => cache.get("b"))).toEqual([["hit", { key: "b", absent: true }]]);
		expect(await next(() => cache.getOrSet("b", () => 2, { forceFresh: true }))).toEqual([
			["miss", { key: "b", reason: "forced" }],
			["set", { key: "b" }],
		]);
		expect(await next(() => cache.invalidateTags("x", "x"))).toEqual([["invalidate", { tags: ["x"] }]]);
		expect(await next(() => cache.getMany(["a", "b"]))).toEqual([
			["miss", { key: "a", reason: "invalidated" }],
			["hit", { key: "b", absent: false }],
		]);
		expect(await next(() => cache.setMany([["c", 1], ["d", 1]]))).toEqual([["set", { key: "c" }], ["set", { key: "d" }]]); // biome-ignore format: one line
		expect(await next(() => cache.deleteMany(["c", "d"]))).toEqual([["delete", { key: "c" }], ["delete", { key: "d" }]]); // biome-ignore format: one line
		expect(await next(() => cache.expire("b"))).toEqual([]);
		expect(await next(() => cache.getOrSet("b", fails))).toEqual([
			["miss", { key: "b", reason: "invalidated" }],
			["error", { key: "b", operation: "factory" }],
			["stale", { key: "b", reason: "factory-failed" }],
		]);
		expect(await next(() => cache.getOrSet("none", fails))).toEqual([["miss", { key: "none", reason: "none" }]]);
		// What another process does is not told here.
		expect(await next(() => other.set("e", 1))).toEqual([]);
		expect(cache.stats()).toEqual({
			hits: 3,
			misses: 6,
			stale: 1,
			sets: 5,
			deletes: 2,
			refreshes: 0,
			factoryCalls: 5,
			factoryErrors: 2,
			joined: 0,
			broken: 0,
			storeErrors: 0,
			lostWrites: 0,
		});
	});

	test("S2.9 what a listener throws harms nobody", async () => {
		const { cache } = pair.caches();
		for (const name of ["miss", "set", "hit", "delete"] as const) {
			cache.on(name, () => {
				throw new Error("mine");
			});
			cache.on(name, () => Promise.reject(new Error("mine")));
		}
		expect(await cache.getOrSet("a", () => 1)).toBe(1);
		expect(await cache.get("a")).toBe(1);
		expect(await cache.delete("a")).toBe(true);
	});

	test("a factory that never ends holds close() up no longer than it is told", async () => {
		const { cache } = pair.caches();
		void cache.getOrSet("for ever", () => new Promise<never>(() => {}));
		expect(await rejectionOf(cache.close({ timeout: "never" as never }))).toMatchObject({
			code: "INVALID_OPTION",
			field: "timeout",
		});
		await cache.close({ timeout: 50 });
		expect(await rejectionOf(cache.get("k"))).toMatchObject({ code: "CLOSED" });
	});

	test("S2.6 close() waits for what is being made, and for its value to be stored", async () => {
		const { cache, other } = pair.caches();
		const gate = new Gate();
		const made = cache.namespace("part").getOrSet("a", () => gate.opened.then(() => 1));
		await waitUntil("it is being made", () => cache.stats().factoryCalls === 1 || "not yet");
		let closed = false;
		const closing = cache.close().then(() => {
			closed = true;
		});
		await other.get("a");
		expect(closed).toBe(false);
		gate.open();
		await closing;
		expect(await made).toBe(1);
		expect(await other.namespace("part").get("a")).toBe(1);
	});
});
