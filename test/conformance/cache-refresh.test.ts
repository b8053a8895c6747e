/** Values that are made anew behind their readers. What is old is judged by the clock of the process, which stands here. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { CachePair } from "../support/cache-pair.js";
import { Gate } from "../support/gate.js";

const NOW = Date.now();
const at = (ms: number): unknown => vi.setSystemTime(NOW + ms);

/**
 * A factory that takes ten seconds, for whoever reads the time next: nobody but its caller can, before anything else has its turn. The clock of
 * the clients' deadlines must not see them: what is under way would be late.
 */
const slow = (value: string) => (): string => {
	vi.spyOn(performance, "now").mockReturnValueOnce(performance.now() + 10_000);
	return value;
};

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
		vi.restoreAllMocks();
	});

	test.each([
		"process",
		"cluster",
	] as const)("S2.7 swr, agreed on within a %s: a thousand readers have the old value at once, and it is made anew once", async (singleFlight) => {
		const { cache } = pair.caches({ ttl: "10s", swr: "1m", singleFlight });
		const gate = new Gate();
		let calls = 0;
		const factory = async (): Promise<string> => {
			calls += 1;
			await gate.opened;
			return "new";
		};
		const told: string[] = [];
		for (const name of ["stale", "refresh", "set"] as const) cache.on(name, () => told.push(name));
		await cache.set("a", "old");
		at(10_000);
		for (let round = 0; round < 10; round++) {
			const read = await Promise.all(Array.from({ length: 100 }, () => cache.getOrSet("a", factory)));
			expect(new Set(read)).toEqual(new Set(["old"]));
		}
		await waitUntil("it is being made", () => calls === 1 || "not yet");
		gate.open();
		await waitUntil("it is new", async () => (await cache.get("a")) === "new" || "not yet");
		await waitUntil("it was told", () => told.includes("refresh") || "not yet");
		expect(calls).toBe(1);
		expect(cache.stats()).toMatchObject({ refreshes: 1, factoryCalls: 1 });
		expect(told.filter((name) => name === "refresh")).toHaveLength(1);
		expect(told.filter((name) => name === "set")).toHaveLength(2);
		expect(await cache.getOrSet("a", factory)).toBe("new");
	});

	test("S2.7 swr in two processes: one of them makes it anew, and both have it", async () => {
		const { cache, other } = pair.caches({ ttl: "10s", swr: "1m" });
		for (let round = 0; round < 20; round++) {
			const key = `k${round}`;
			await cache.set(key, "old");
			at(10_000);
			let calls = 0;
			const factory = (): string => `new ${++calls}`;
			const both = await Promise.all([cache.getOrSet(key, factory), other.getOrSet(key, factory)]);
			// Who reads behind the other one's write has the new value.
			expect(both).toContain("old");
			await waitUntil("it is new", async () => (await cache.get(key)) === "new 1" || "not yet");
			await Promise.all([cache.getOrSet(key, factory), other.getOrSet(key, factory)]);
			expect(calls).toBe(1);
			at(0);
		}
	});

	test("S2.7 many keys: the old ones at once, each made anew once behind them, the missing ones in one call", async () => {
		const { cache, other } = pair.caches({ ttl: "10s", swr: "1m" });
		await cache.setMany([
			["a", 1],
			["b", 1],
		]);
		at(10_000);
		const asked: string[] = [];
		const factory = (keys: string[]): number[] => {
			asked.push(keys.join());
			return keys.map(() => 2);
		};
		const found = await other.getOrSetMany(["a", "b", "c"], factory);
		expect(found).toEqual(new Map(Object.entries({ a: 1, b: 1, c: 2 })));
		await waitUntil("they are new", async () => {
			const values = await cache.getMany(["a", "b", "c"]);
			return [...values.values()].join() === "2,2,2" || "not yet";
		});
		await other.close();
		const keys = asked.flatMap((each) => each.split(",")).sort();
		expect(keys).toEqual(["a", "b", "c"]);
		expect(asked).toContain("c");
	});

	test("S2.7 swr is over: readers wait for the new value", async () => {
		const { cache } = pair.caches({ ttl: "10s", swr: "1m" });
		await cache.set("a", "old");
		at(70_000);
		expect(await cache.getOrSet("a", () => "new")).toBe("new");
		expect(cache.stats().stale).toBe(0);
	});

	test("S2.8 a refresh that fails is told to `error` alone, and the next reader tries again", async () => {
		const { cache } = pair.caches({ ttl: "10s", swr: "1m" });
		const errors: unknown[] = [];
		cache.on("error", ({ key, operation, error }) => errors.push([key, operation, (error as Error).message]));
		await cache.set("a", "old");
		at(10_000);
		const failing = (): never => {
			throw new Error("down");
		};
		for (let i = 1; i <= 2; i++) {
			expect(await cache.getOrSet("a", failing)).toBe("old");
			await waitUntil("it failed", () => errors.length === i || "not yet");
		}
		expect(errors).toEqual(new Array(2).fill(["a", "refresh", "down"]));
		expect(await cache.getOrSet("a", () => "new")).toBe("old");
		await waitUntil("it is new", async () => (await cache.get("a")) === "new" || "not yet");
	});

	test("S2.9 a value that is written while it is made anew is the newer one", async () => {
		const { cache, other } = pair.caches({ ttl: "10s", swr: "1m" });
		for (const writer of [cache, other]) {
			at(0);
			await cache.set("a", "old");
			at(10_000);
			const [begun, gate] = [new Gate(), new Gate()];
			await cache.getOrSet("a", async () => {
				begun.open();
				await gate.opened;
				return "late";
			});
			await begun.opened;
			await writer.set("a", "written");
			gate.open();
			await waitUntil("the refresh is over", () => cache.stats().refreshes === cache.stats().factoryCalls || "not yet");
			// Whoever reads next waits behind whatever the refresh sent.
			expect(await cache.getOrSet("a", () => "never")).toBe("written");
			expect(await other.get("a")).toBe("written");
		}
	});

	test("S2.7 XFetch: due when now - Δ·β·ln(random) reaches the end; never for what has none, never when it took no time", async () => {
		const { cache } = pair.caches({ ttl: "100s", earlyRefresh: true });
		const factory = (): string => "made";
		await cache.getOrSet("a", slow("made"));
		await cache.getOrSet("forever", slow("made"), { ttl: null });
		await cache.set("quick", "made");
		const random = vi.spyOn(Math, "random");
		/** What XFetch is to draw; the draw itself is one minus it, so that it is never 0. */
		const draws = async (drawn: number, key: string, beta = 1): Promise<boolean> => {
			random.mockReturnValue(1 - drawn);
			const before = cache.stats().refreshes;
			expect(await cache.getOrSet(key, factory, { earlyRefresh: { beta } })).toBe("made");
			// Whether there is a refresh is known once it was answered about its lease, which it asked for before these.
			for (let flights = 0; flights < 3; flights++) await cache.has(key);
			return cache.stats().refreshes > before;
		};
		// At 80 s twenty are left: -10·ln(x) ≥ 20 from x = e⁻² = 0.135 down.
		at(80_000);
		expect(await draws(0.14, "a")).toBe(false);
		expect(await draws(1, "a")).toBe(false);
		expect(await draws(2 ** -53, "forever")).toBe(false);
		expect(await draws(2 ** -53, "quick")).toBe(false);
		// β = 0.5: from e⁻⁴ = 0.018 down.
		expect(await draws(0.02, "a", 0.5)).toBe(false);
		expect(await draws(0.13, "a")).toBe(true);
	});

	test("S2.7 XFetch: one of all readers of both processes makes it anew, and the others have the value that is there", async () => {
		const { cache, other } = pair.caches({ ttl: "100s", earlyRefresh: { beta: 2 } });
		await cache.getOrSet("a", slow("old"));
		at(99_000);
		vi.spyOn(Math, "random").mockReturnValue(0.99);
		let calls = 0;
		const factory = (): string => `new ${++calls}`;
		const reads = await Promise.all([cache, other, cache, other].map((each) => each.getOrSet("a", factory)));
		// Who reads behind the other one's write has the new value.
		expect(["new 1", "old"]).toEqual(expect.arrayContaining(reads));
		expect(reads).toContain("old");
		await waitUntil("it is new", async () => (await other.get("a")) === "new 1" || "not yet");
		expect(cache.stats().stale + other.stats().stale).toBe(0);
		await Promise.all([cache.close(), other.close()]);
		expect(calls).toBe(1);
	});
});
