/** Tags: what ends together. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CachePair } from "../support/cache-pair.js";
import { Gate } from "../support/gate.js";

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());

	test("S2.9 an invalidation ends the entries of every process, and those alone", async () => {
		const { cache, other } = pair.caches();
		await cache.getOrSet("a", () => 1, { tags: ["x", "y"] });
		await other.set("b", 2, { tags: ["y"] });
		await cache.getOrSetMany(["c", "d"], () => [3, 4], { tags: ["z"] });
		await cache.set("e", 5);
		const all = ["a", "b", "c", "d", "e"];
		const both = async (): Promise<unknown[]> => {
			const [one, two] = await Promise.all([cache.getMany(all), other.getMany(all)]);
			expect(one).toEqual(two);
			return [...one.values()];
		};
		expect(await both()).toEqual([1, 2, 3, 4, 5]);
		expect(await other.invalidateTags("y")).toBe(true);
		expect(await both()).toEqual([3, 4, 5]);
		await cache.invalidateTags("z", "x");
		expect(await both()).toEqual([5]);
		// Made anew with the same tags they are valid again.
		expect(await other.getOrSet("a", () => 6, { tags: ["x", "y"] })).toBe(6);
		expect(await cache.getOrSet("a", () => expect.unreachable(), { tags: ["x", "y"] })).toBe(6);
		const { misses } = cache.stats();
		expect(await cache.get("b")).toBeUndefined();
		expect(cache.stats().misses).toBe(misses + 1);
	});

	test("S2.9 an invalidation while the factory runs ends what it makes; its caller has it", async () => {
		const { cache, other } = pair.caches();
		const old = async (gate: Gate, begun: Gate): Promise<string> => {
			begun.open();
			await gate.opened;
			return "old";
		};
		const tags = ["x"];
		const kinds = {
			one: (gate: Gate, begun: Gate) => cache.getOrSet("one", () => old(gate, begun), { tags }),
			many: async (gate: Gate, begun: Gate) =>
				(await cache.getOrSetMany(["many"], async () => [await old(gate, begun)], { tags })).get("many"),
		};
		for (const [key, call] of Object.entries(kinds)) {
			for (const invalidator of [cache, other]) {
				const [gate, begun] = [new Gate(), new Gate()];
				const made = call(gate, begun);
				await begun.opened;
				await invalidator.invalidateTags("x");
				gate.open();
				expect(await made).toBe("old");
				expect([key, await other.get(key)]).toEqual([key, undefined]);
				expect([key, await cache.get(key, { tags: ["x"] })]).toEqual([key, undefined]);
			}
		}
	});

	test("S2.9 tags that the factory finds: they end it like others, together with those of the call", async () => {
		const { cache, other } = pair.caches();
		const make = (): Promise<string> =>
			cache.getOrSet(
				"a",
				(context) => {
					context.setTags(["user:1", "call"]);
					context.setTags(["user:2"]);
					return "made";
				},
				{ tags: ["call"] },
			);
		for (const tag of ["user:1", "user:2", "call"]) {
			await make();
			expect(await other.get("a")).toBe("made");
			await other.invalidateTags(tag);
			expect([tag, await cache.get("a"), await other.get("a")]).toEqual([tag, undefined, undefined]);
		}
		await cache.getOrSetMany(["b", "c"], (keys, context) => {
			context.setTags(["batch"]);
			return keys;
		});
		expect((await other.getMany(["b", "c"])).size).toBe(2);
		await other.invalidateTags("batch");
		expect((await cache.getMany(["b", "c"])).size).toBe(0);
	});

	test("S2.9 bad tags of a factory are its own error", async () => {
		const { cache } = pair.caches();
		const call = cache.getOrSet("a", (context) => context.setTags([""]));
		await expect(call).rejects.toMatchObject({ code: "INVALID_OPTION", field: "tags" });
	});

	test("S3.8 named tags cost no round trip; others one more, once for each process", async () => {
		const { cache, other, keyPrefix } = pair.caches();
		// Keys and tags of one slot: what is asked at once is one flight.
		const [key, ...tags] = ["{s}a", "{s}x", "{s}y"];
		await cache.set(key as string, 1, { tags });
		const [, client] = pair.clients;
		const flights = async (call: () => Promise<unknown>): Promise<number> => {
			const before = client.stats().flights;
			expect(await call()).toBe(1);
			return client.stats().flights - before;
		};
		const never = (): never => expect.unreachable();
		expect(await flights(() => other.getOrSet(key as string, never, { tags }))).toBe(1);
		const { other: stranger } = pair.caches({}, { keyPrefix });
		expect(await flights(() => stranger.getOrSet(key as string, never))).toBe(2);
		expect(await flights(() => stranger.getOrSet(key as string, never))).toBe(1);
		expect(await flights(() => stranger.get(key as string))).toBe(1);
		const { other: third } = pair.caches({}, { keyPrefix });
		expect(await flights(async () => (await third.getMany([key as string])).size)).toBe(2);
		expect(await flights(async () => (await third.getMany([key as string])).size)).toBe(1);
	});

	test("S2.9 a tag that was evicted, or deleted, ends its entries, and they never come back", async () => {
		const { cache, other, client, keyPrefix } = pair.caches();
		await cache.set("a", 1, { tags: ["x"] });
		expect(await client.unlink([`${keyPrefix}~tag:x`])).toBe(1);
		expect([await cache.get("a"), await other.get("a")]).toEqual([undefined, undefined]);
		// The tag is used again: with another version.
		await cache.set("b", 2, { tags: ["x"] });
		expect(await other.getMany(["a", "b"])).toEqual(new Map([["b", 2]]));
		expect(await other.getOrSet("a", () => 3, { tags: ["x"] })).toBe(3);
		expect(await cache.get("a")).toBe(3);
	});

	test("S2.9 what is no version of ours under a tag's name ends the entries, and the next one mends it", async () => {
		const { cache, other, client, keyPrefix } = pair.caches();
		const name = `${keyPrefix}~tag:x`;
		const spoil = [
			() => client.set(name, "v".repeat(300)),
			() => client.set(name, Buffer.from([0xff, 0xfe, 0])),
			() => client.set(name, ""),
			async () => {
				await client.unlink([name]);
				await client.hset(name, { a: "b" });
			},
		];
		for (const [i, make] of [
			() => cache.set("a", 1, { tags: ["x"] }),
			() => cache.getOrSet("a", () => 1, { tags: ["x"] }),
			() =>
				cache.getOrSet("a", async (context) => {
					await context.setTags(["x"]);
					return 1;
				}),
			() => cache.getOrSetMany(["a"], () => [1], { tags: ["x"] }),
		].entries()) {
			for (const [j, spoiled] of spoil.entries()) {
				await cache.set("a", 1, { tags: ["x"] });
				await spoiled();
				expect([i, j, await other.get("a")]).toEqual([i, j, undefined]);
				await make();
				expect([i, j, await other.get("a")]).toEqual([i, j, 1]);
			}
		}
		expect(cache.stats()).toMatchObject({ lostWrites: 0, storeErrors: 0 });
	});

	test("S2.9 the first to use a tag in two processes at once: one factory, and both have its value", async () => {
		const { cache, other } = pair.caches();
		for (let round = 0; round < 10; round++) {
			let calls = 0;
			const factory = (): number => ++calls;
			const tags = [`t${round}`];
			const both = await Promise.all([cache, other].map((each) => each.getOrSet(`k${round}`, factory, { tags })));
			expect(both).toEqual([1, 1]);
			await cache.invalidateTags(...tags);
			const again = await Promise.all([cache, other].map((each) => each.getOrSet(`k${round}`, factory, { tags })));
			expect(again).toEqual([2, 2]);
		}
	});

	test("S2.9 as many tags as there may be", async () => {
		const { cache, other } = pair.caches();
		const tags = Array.from({ length: 255 }, (_, i) => `tag ${i} ✓`);
		await cache.getOrSet("a", () => 1, { tags });
		expect(await other.get("a")).toBe(1);
		await other.invalidateTags("tag 254 ✓");
		expect(await cache.getOrSet("a", () => 2, { tags })).toBe(2);
		expect(await other.get("a")).toBe(2);
	});

	test("S2.9 tags of namespaces are their own", async () => {
		const { cache, other } = pair.caches();
		const [a, b] = [cache.namespace("a"), cache.namespace("b")];
		for (const each of [cache, a, b]) await each.set("k", 1, { tags: ["x"] });
		await other.namespace("a").invalidateTags("x");
		expect([await cache.get("k"), await a.get("k"), await b.get("k")]).toEqual([1, undefined, 1]);
		await other.invalidateTags("x");
		expect([await cache.get("k"), await b.get("k")]).toEqual([undefined, 1]);
	});

	test("S2.9 a value without tags follows one that had some", async () => {
		const { cache, other } = pair.caches();
		await cache.set("a", 1, { tags: ["x"] });
		await other.get("a");
		await cache.set("a", 2);
		await cache.invalidateTags("x");
		expect([await cache.get("a"), await other.get("a")]).toEqual([2, 2]);
	});
});
