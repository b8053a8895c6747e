import fc from "fast-check";
import { expect, test } from "vitest";
import { Lru } from "../../../src/cache/lru.js";

const NEVER = Number.POSITIVE_INFINITY;

function lru({ maxEntries = NEVER, maxBytes = NEVER }: { maxEntries?: number; maxBytes?: number }) {
	const clock = { ms: 1000 };
	return { clock, map: new Lru<string>({ maxEntries, maxBytes, now: () => clock.ms }) };
}

test("what was not used for longest goes first, by entries", () => {
	const { map } = lru({ maxEntries: 3 });
	for (const key of ["a", "b", "c"]) map.set(key, key, 1, NEVER);
	expect(map.get("a")?.value).toBe("a");
	expect(map.peek("b")?.value).toBe("b");
	map.set("d", "d", 1, NEVER);
	expect(map.keys()).toEqual(["c", "a", "d"]);
	map.set("c", "new", 1, NEVER);
	map.set("e", "e", 1, NEVER);
	expect(map.keys()).toEqual(["d", "c", "e"]);
	expect([map.evicted, map.expired]).toEqual([2, 0]);
});

test("by bytes as many go as it takes, and no more", () => {
	const { map } = lru({ maxBytes: 100 });
	for (const key of ["a", "b", "c", "d"]) map.set(key, key, 25, NEVER);
	expect(map.bytes).toBe(100);
	map.set("e", "e", 30, NEVER);
	expect(map.keys()).toEqual(["c", "d", "e"]);
	expect(map.bytes).toBe(80);
	map.set("c", "larger", 45, NEVER);
	expect(map.keys()).toEqual(["d", "e", "c"]);
	map.set("whole", "all of it", 100, NEVER);
	expect(map.keys()).toEqual(["whole"]);
	expect(map.evicted).toBe(5);
});

test("what is larger than everything is not stored, and the value before it is gone", () => {
	const { map } = lru({ maxBytes: 10 });
	map.set("a", "small", 5, NEVER);
	map.set("b", "small", 5, NEVER);
	expect(map.set("a", "large", 11, NEVER)).toBe(false);
	expect(map.keys()).toEqual(["b"]);
	expect([map.evicted, map.bytes]).toEqual([1, 5]);
});

test("what has expired is gone to the millisecond, and counted once", () => {
	const { map, clock } = lru({});
	map.set("a", "v", 1, 1010);
	map.set("b", "v", 1, 1010);
	clock.ms = 1009;
	expect(map.get("a")?.expiresAt).toBe(1010);
	clock.ms = 1010;
	expect(map.get("a")).toBeUndefined();
	expect(map.peek("a")).toBeUndefined();
	expect(map.delete("b")).toBe(false);
	expect([map.size, map.bytes, map.expired, map.evicted]).toEqual([0, 0, 2, 0]);
});

test("what has expired holds no room against what is alive, used or not", () => {
	const { map, clock } = lru({ maxEntries: 3, maxBytes: 30 });
	map.set("alive", "v", 10, NEVER);
	map.set("brief", "v", 10, 1005);
	map.set("brief too", "v", 10, 1006);
	clock.ms = 1006;
	map.set("new", "v", 10, NEVER);
	map.set("newer", "v", 10, NEVER);
	expect(map.keys()).toEqual(["alive", "new", "newer"]);
	expect([map.expired, map.evicted]).toEqual([2, 0]);
});

test("expired entries are not counted, whoever asks first", () => {
	for (const figure of ["size", "bytes"] as const) {
		const { map, clock } = lru({});
		map.set("a", "v", 1, 1005);
		clock.ms = 1005;
		expect([figure, map[figure], map.expired]).toEqual([figure, 0, 1]);
	}
});

test("after clear() nothing is left, ends included", () => {
	const { map, clock } = lru({});
	map.set("a", "v", 1, 1005);
	map.clear();
	expect([map.size, map.bytes]).toEqual([0, 0]);
	map.set("a", "new", 1, NEVER);
	clock.ms = 1005;
	expect(map.keys()).toEqual(["a"]);
	expect([map.expired, map.evicted]).toEqual([0, 0]);
});

test("a key that is stored anew has its new end, and no old one", () => {
	const { map, clock } = lru({});
	map.set("a", "v", 1, 1005);
	map.set("a", "v", 1, NEVER);
	map.set("b", "v", 1, 1005);
	map.set("b", "v", 1, 2000);
	map.set("c", "v", 1, 2000);
	map.set("c", "v", 1, 1005);
	clock.ms = 1005;
	expect(map.keys()).toEqual(["a", "b"]);
	clock.ms = 2000;
	expect(map.keys()).toEqual(["a"]);
	expect(map.expired).toBe(2);
});

/** The same by hand, slowly. */
class Model {
	entries: { key: string; bytes: number; expiresAt: number }[] = [];
	readonly maxEntries: number;
	readonly maxBytes: number;

	constructor(maxEntries: number, maxBytes: number) {
		this.maxEntries = maxEntries;
		this.maxBytes = maxBytes;
	}

	at(now: number): this {
		this.entries = this.entries.filter(({ expiresAt }) => expiresAt > now);
		return this;
	}

	use(key: string): boolean {
		const entry = this.entries.find((one) => one.key === key);
		if (entry !== undefined) this.entries = [...this.entries.filter((one) => one !== entry), entry];
		return entry !== undefined;
	}

	drop(key: string): boolean {
		const { length } = this.entries;
		this.entries = this.entries.filter((one) => one.key !== key);
		return this.entries.length < length;
	}

	set(key: string, bytes: number, expiresAt: number): boolean {
		this.drop(key);
		if (bytes > this.maxBytes) return false;
		this.entries.push({ key, bytes, expiresAt });
		while (this.entries.length > this.maxEntries || this.bytes > this.maxBytes) this.entries.shift();
		return true;
	}

	get bytes(): number {
		return this.entries.reduce((sum, { bytes }) => sum + bytes, 0);
	}
}

test("whatever is done with it, it holds what a list that is gone through each time holds", () => {
	const keys = fc.constantFrom(..."abcdefghij");
	const steps = fc.array(
		fc.oneof(
			fc.record({
				do: fc.constant("set" as const),
				key: keys,
				bytes: fc.nat(14),
				ttl: fc.option(fc.integer({ min: 1, max: 30 })),
			}),
			fc.record({ do: fc.constantFrom("get" as const, "peek" as const, "delete" as const), key: keys }),
			fc.record({ do: fc.constant("wait" as const), ms: fc.nat(12) }),
		),
		{ minLength: 20, maxLength: 120 },
	);
	fc.assert(
		fc.property(steps, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 5, max: 40 }), (all, maxEntries, maxBytes) => {
			const { map, clock } = lru({ maxEntries, maxBytes });
			const model = new Model(maxEntries, maxBytes);
			for (const step of all) {
				model.at(clock.ms);
				if (step.do === "wait") clock.ms += step.ms;
				else if (step.do === "set") {
					const expiresAt = step.ttl === null ? NEVER : clock.ms + step.ttl;
					expect(map.set(step.key, step.key, step.bytes, expiresAt)).toBe(model.set(step.key, step.bytes, expiresAt));
				} else if (step.do === "get") expect(map.get(step.key) !== undefined).toBe(model.use(step.key));
				else if (step.do === "delete") expect(map.delete(step.key)).toBe(model.drop(step.key));
				else expect(map.peek(step.key)?.value ?? null).toBe(model.entries.some(({ key }) => key === step.key) ? step.key : null);
			}
			model.at(clock.ms);
			expect(map.keys()).toEqual(model.entries.map(({ key }) => key));
			expect([map.size, map.bytes]).toEqual([model.entries.length, model.bytes]);
		}),
		{ numRuns: 300 },
	);
});
