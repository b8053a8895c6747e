/** What there is not, and what is nothing much. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CachePair } from "../support/cache-pair.js";

const NOW = Date.now();

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());
	afterEach(() => {
		vi.useRealTimers();
	});

	test.each([null, 0, "", false, [], {}])("S2.2 %o is a value: a hit for everybody", async (value) => {
		const { cache, other } = pair.caches();
		let calls = 0;
		const factory = (): unknown => {
			calls += 1;
			return value;
		};
		expect(await cache.getOrSet("a", factory)).toEqual(value);
		expect(await other.getOrSet("a", factory)).toEqual(value);
		expect(await other.get("a")).toEqual(value);
		expect(await other.has("a")).toBe(true);
		expect(await other.getMany(["a", "b"])).toEqual(new Map([["a", value]]));
		expect(await other.getOrSetMany(["a"], () => expect.unreachable())).toEqual(new Map([["a", value]]));
		expect(calls).toBe(1);
		expect(other.stats()).toMatchObject({ hits: 4, misses: 1 });
	});

	test("S2.2 undefined is no value: it is asked each time, and nothing is stored", async () => {
		const { cache, backend } = pair.caches();
		let calls = 0;
		const nothing = (): undefined => {
			calls += 1;
		};
		expect(await cache.getOrSet("a", nothing)).toBeUndefined();
		expect(await cache.getOrSet("a", nothing)).toBeUndefined();
		expect(await cache.getOrSetMany(["a", "b"], () => [undefined, undefined])).toEqual(new Map());
		expect(await cache.getOrSetMany(["a", "b"], () => new Map())).toEqual(new Map());
		expect(calls).toBe(2);
		expect(await backend.keys()).toEqual([]);
		expect(await cache.getOrSet("a", () => 1)).toBe(1);
	});

	test("S2.2 with negativeTtl it is known that there is no such thing, for so long", async () => {
		vi.useFakeTimers({ toFake: ["Date"], now: NOW });
		const { cache, other } = pair.caches({ negativeTtl: "10s", ttl: "1h" });
		let calls = 0;
		const nothing = (): undefined => {
			calls += 1;
		};
		const hits: unknown[] = [];
		other.on("hit", (event) => hits.push(event));
		expect(await cache.getOrSet("a", nothing)).toBeUndefined();
		expect(await other.getOrSet("a", nothing)).toBeUndefined();
		expect(await other.get("a")).toBeUndefined();
		expect(await other.has("a")).toBe(false);
		expect(await other.getMany(["a"])).toEqual(new Map());
		expect(await other.getOrSetMany(["a"], () => expect.unreachable())).toEqual(new Map());
		expect(calls).toBe(1);
		expect(hits).toEqual(new Array(4).fill({ key: "a", absent: true }));
		vi.setSystemTime(NOW + 10_000);
		expect(await other.getOrSet("a", nothing)).toBeUndefined();
		expect(calls).toBe(2);
	});

	test("S2.2 a batch knows what there is not as well, each key for itself", async () => {
		const { cache, other } = pair.caches({ negativeTtl: "10s" });
		expect(await cache.getOrSetMany(["a", "b", "c"], () => [undefined, null, 3])).toEqual(
			new Map<string, unknown>([["b", null], ["c", 3]]), // biome-ignore format: one line
		);
		expect(await other.getOrSetMany(["a", "b", "c", "d"], (keys) => keys.map((key) => key))).toEqual(
			new Map<string, unknown>([["b", null], ["c", 3], ["d", "d"]]), // biome-ignore format: one line
		);
	});

	test("S2.2 a call may say so for itself; a value that is set takes its place", async () => {
		const { cache, other } = pair.caches();
		expect(await cache.getOrSet("a", () => undefined, { negativeTtl: "1m" })).toBeUndefined();
		expect(await other.getOrSet("a", () => expect.unreachable())).toBeUndefined();
		await other.set("a", 1);
		expect(await cache.get("a")).toBe(1);
	});
});
