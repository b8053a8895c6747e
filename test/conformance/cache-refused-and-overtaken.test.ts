/** What a cache does not do: give out what was invalidated before it was asked for, and hand on to a source what it refuses itself. */
import { expect, inject, test, vi } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { Cache, RedisBackend, type WriteBehind } from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";
import { stores } from "../support/cache-stores.js";
import { Gate } from "../support/gate.js";
import { viewOf } from "../support/view-of.js";

/** A cache of its own keys, which are gone at the end. */
async function withCache(name: string, use: (cache: Cache, client: Client) => Promise<void>): Promise<void> {
	await using client = await createClient(inject("standaloneUrl"));
	await using cache = new Cache({ backend: new RedisBackend({ client, keyPrefix: `cache-refused:${name}:` }) });
	try {
		await use(cache, client);
	} finally {
		await cache.clear();
	}
}

test("S2.9 who asks after an invalidation does not join what was begun before it, by one key, by many, or with tags of the factory", async () => {
	await withCache("tags", async (cache) => {
		let price = 1;
		const gate = new Gate();
		const begun = [new Gate(), new Gate(), new Gate()];
		/** What is read before the gate opens is old by then. */
		const read = async (i: number): Promise<number> => {
			const found = price;
			begun[i]?.open();
			await gate.opened;
			return found;
		};
		const options = { tags: ["prices"] };
		const before = [
			cache.getOrSet("one", () => read(0), options),
			cache.getOrSetMany(["many"], async () => [await read(1)], options).then((found) => found.get("many")),
			cache.getOrSet("own", async (context) => {
				context.setTags(["prices"]);
				return await read(2);
			}),
		];
		await Promise.all(begun.map((each) => each.opened));
		price = 2;
		await cache.invalidateTags("prices");
		const now = () => price;
		const after = [
			cache.getOrSet("one", now, options),
			cache.getOrSetMany(["many"], async () => [now()], options).then((found) => found.get("many")),
			cache.getOrSet("own", now, options),
		];
		gate.open();
		expect(await Promise.all(before)).toEqual([1, 1, 1]);
		expect(await Promise.all(after)).toEqual([2, 2, 2]);
		expect(await Promise.all(["one", "many", "own"].map((key) => cache.getOrSet(key, now, options)))).toEqual([2, 2, 2]);
	});
});

test("S2.9 what depends on another tag is still joined", async () => {
	await withCache("other", async (cache) => {
		const gate = new Gate();
		const begun = new Gate();
		const first = cache.getOrSet(
			"k",
			async () => {
				begun.open();
				await gate.opened;
				return "once";
			},
			{ tags: ["a"] },
		);
		await begun.opened;
		await cache.invalidateTags("b");
		const second = cache.getOrSet("k", () => "twice", { tags: ["a"] });
		gate.open();
		expect(await Promise.all([first, second])).toEqual(["once", "once"]);
	});
});

test("S2.6 what the cache refuses, its source does not get by write-behind either", async () => {
	await withCache("behind", async (cache) => {
		const written: unknown[] = [];
		await using queue: WriteBehind<unknown> = cache.writeBehind({ write: (batch) => void written.push(...batch) });
		await expect(queue.set("function", () => {})).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
		await expect(queue.set("ttl", 1, { ttl: -1 })).rejects.toMatchObject({ code: "INVALID_OPTION", field: "ttl" });
		await expect(queue.set("", 1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
		await expect(queue.delete("")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
		expect(queue.pending).toBe(0);
		await queue.set("good", 1);
		await queue.flush();
		expect(written).toEqual([["good", 1]]);
	});
});

test.each(stores)("S2.9 expire() leaves a value alone that is stored while it looks (%s)", async (_, open) => {
	await using store = await open();
	const { backend } = store;
	const cache = new Cache({ backend });
	const late = viewOf(backend, {
		getEntry: async (key) => {
			const entry = await backend.getEntry(key);
			await cache.set(key, "newer");
			return entry;
		},
	});
	await cache.set("k", "old");
	expect(await new Cache({ backend: late }).expire("k")).toBe(false);
	expect(await cache.get("k")).toBe("newer");
	await cache.delete("k");
	// A backend that cannot do it in place writes the whole value.
	const plain = new Cache({ backend: viewOf(backend, { replaceHead: undefined as never }) });
	await plain.set("k", "old", { grace: "1h" });
	expect(await plain.expire("k")).toBe(true);
	expect(await plain.get("k")).toBeUndefined();
	expect(await plain.getOrSet("k", () => Promise.reject(new Error("down")), { grace: "1h" })).toBe("old");
	await cache.delete("k");
});

test("S2.7 what is fresh for ever and was invalidated is made anew by one process", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const caches = ["one", "other"].map(
		() => new Cache({ backend: new RedisBackend({ client, keyPrefix: "cache-for-ever:" }), ttl: null }),
	);
	const [one, other] = caches as [Cache, Cache];
	const options = { tags: ["t"] };
	await one.getOrSet("k", () => 0, options);
	await other.invalidateTags("t");
	const gate = new Gate();
	const begun = new Gate();
	let calls = 0;
	const make = async () => {
		begun.open();
		await gate.opened;
		return ++calls;
	};
	const first = one.getOrSet("k", make, options);
	await begun.opened;
	const second = other.getOrSet("k", make, options);
	gate.open();
	expect(await Promise.all([first, second])).toEqual([1, 1]);
	await one.clear();
	for (const cache of caches) await cache.close();
});

test("S2.9 what getOrSetMany makes anew because it is asked to is newer than what another process is making", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const caches = ["one", "other"].map(() => new Cache({ backend: new RedisBackend({ client, keyPrefix: "cache-anew:" }) }));
	const [one, other] = caches as [Cache, Cache];
	const gate = new Gate();
	const begun = new Gate();
	const older = one.getOrSet("k", async () => {
		begun.open();
		await gate.opened;
		return "older";
	});
	await begun.opened;
	expect(await other.getOrSetMany(["k"], () => ["newer"], { forceFresh: true })).toEqual(new Map([["k", "newer"]]));
	gate.open();
	expect([await older, await other.get("k")]).toEqual(["older", "newer"]);
	await one.clear();
	for (const cache of caches) await cache.close();
});

test("S2.9 what getOrSetMany finds to be gone because it is asked to look anew is not made up by another process", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const caches = ["one", "other"].map(
		() => new Cache({ backend: new RedisBackend({ client, keyPrefix: "cache-gone:" }), swr: "1h" }),
	);
	const [one, other] = caches as [Cache, Cache];
	await one.set("k", "stored", { ttl: 1 });
	await waitUntil("it is old", async () => (await one.get("k")) === undefined || "it is fresh");
	const gate = new Gate();
	const begun = new Gate();
	await one.getOrSet("k", async () => {
		begun.open();
		await gate.opened;
		return "older";
	});
	await begun.opened;
	expect(await other.getOrSetMany(["k"], () => [undefined], { forceFresh: true })).toEqual(new Map());
	gate.open();
	await one.close();
	expect(await other.has("k")).toBe(false);
	for (const cache of caches) await cache.close();
});

test.each([null, 60_000])("S2.9 expire leaves a value of the same time alone that was stored in between, ttl %o", async (ttl) => {
	await withCache("expire", async (_cache, client) => {
		const backend = new RedisBackend({ client, keyPrefix: "cache-refused:expire:" });
		const now = Date.now();
		vi.spyOn(Date, "now").mockReturnValue(now);
		try {
			const cache = new Cache({ backend, ttl });
			await cache.set("k", "first");
			const late = viewOf(backend, {
				async getEntry(key: string) {
					const entry = await backend.getEntry(key);
					await cache.set("k", "other");
					return entry;
				},
			});
			expect(await new Cache({ backend: late, ttl }).expire("k")).toBe(false);
			expect(await cache.get("k")).toBe("other");
			expect(await cache.expire("k")).toBe(true);
			expect(await cache.get("k")).toBeUndefined();
		} finally {
			vi.restoreAllMocks();
		}
	});
});

test("S1.7 what becomes of the caller's list while it is read changes nothing", async () => {
	await withCache("list", async (cache, client) => {
		await cache.setMany([["a", 1], ["b", 2]]); // biome-ignore format: one line
		const keys = ["a", "b"];
		const read = [cache.getMany(keys), cache.getOrSetMany(keys, () => [])];
		const backend = new RedisBackend({ client, keyPrefix: "cache-refused:list:" });
		const map = backend.getManyMap(keys);
		keys.reverse().pop();
		for (const found of await Promise.all(read)) expect(found).toEqual(new Map([["a", 1], ["b", 2]])); // biome-ignore format: one line
		expect([...(await map)].map(([key, value]) => [key, String(value).at(-1)])).toEqual([
			["a", "1"],
			["b", "2"],
		]);
	});
});
