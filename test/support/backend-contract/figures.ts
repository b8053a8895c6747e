import { expect, test } from "vitest";
import type { CacheBackend } from "../../../src/cache/backend.js";
import { waitUntil } from "../../../src/cli/servers/wait-until.js";
import { collect } from "../collect.js";
import { backendOf, type Subject } from "./subject.js";

const COUNTED = ["hits", "misses", "sets", "deletes", "errors"] as const;
type Counted = Partial<Record<(typeof COUNTED)[number], number>>;

export function figuresContract(subject: Subject): void {
	test("S3.9 stats() counts values read, stored and deleted, by each operation", async () => {
		await using backend = backendOf(subject);
		const steps: [what: string, call: (backend: CacheBackend) => Promise<unknown>, counted: Counted][] = [
			["get of nothing", (b) => b.get("a"), { misses: 1 }],
			["set", (b) => b.set("a", "v"), { sets: 1 }],
			["set with metadata", (b) => b.set("a", "v", { metadata: { a: 1 } }), { sets: 1 }],
			["get", (b) => b.get("a"), { hits: 1 }],
			["getEntry", (b) => b.getEntry("a"), { hits: 1 }],
			["getEntry of nothing", (b) => b.getEntry("b"), { misses: 1 }],
			["exists", (b) => b.exists("a"), {}],
			["refused by nx", (b) => b.set("a", "v", { nx: true }), {}],
			["refused by xx", (b) => b.set("b", "v", { xx: true }), {}],
			["stored by nx", (b) => b.set("b", "v", { nx: true }), { sets: 1 }],
			["stored by xx", (b) => b.set("b", "v", { xx: true, metadata: {} }), { sets: 1 }],
			["setMany", (b) => b.setMany(["c", "d", "e"].map((key) => ({ key, value: "v" }))), { sets: 3 }],
			[
				"atomic setMany",
				(b) =>
					b.setMany(
						["{c}1", "{c}2"].map((key) => ({ key, value: "v" })),
						{ atomic: true },
					),
				{ sets: 2 },
			],
			["getMany", (b) => b.getMany(["a", "none", "c", "a"]), { hits: 3, misses: 1 }],
			["getManyMap", (b) => b.getManyMap(["none", "c", "never"]), { hits: 1, misses: 2 }],
			["keys", (b) => b.keys(), {}],
			["scan", (b) => collect(b.scan()), {}],
			["count", (b) => b.count(), {}],
			["delete", (b) => b.delete("a"), { deletes: 1 }],
			["delete of nothing", (b) => b.delete("a"), {}],
			["deleteMany", (b) => b.deleteMany(["b", "none", "c"]), { deletes: 2 }],
			["clear", (b) => b.clear(), { deletes: 4 }],
			["bad input", (b) => b.get("").catch(() => null), {}],
		];
		for (const [what, call, counted] of steps) {
			const before = backend.stats();
			await call(backend);
			const after = backend.stats();
			const difference = Object.fromEntries(COUNTED.map((field) => [field, after[field] - before[field]]));
			expect.soft(difference, what).toEqual({ hits: 0, misses: 0, sets: 0, deletes: 0, errors: 0, ...counted });
		}
	});

	test("S3.9 hitRate is of all reads, null before the first", async () => {
		await using backend = backendOf(subject);
		expect(backend.stats().hitRate).toBe(null);
		await backend.set("a", "v");
		expect(backend.stats().hitRate).toBe(null);
		await backend.getMany(["a", "b", "a", "a"]);
		expect(backend.stats().hitRate).toBe(0.75);
	});

	test("S3.9 stats() and getStats() are written as JSON under the names of the design", async () => {
		await using backend = backendOf(subject);
		await backend.set("a", "v");
		await backend.get("a");
		const own = JSON.parse(JSON.stringify(backend.stats()));
		expect(own).toMatchObject({ hits: 1, misses: 0, hit_rate: 1, sets: 1, deletes: 0, errors: 0, connected: true });
		expect(Object.keys(own).sort()).toEqual(
			["hits", "misses", "hit_rate", "sets", "deletes", "errors", "commands", "flights", "connected"].sort(),
		);
		const all = await backend.getStats();
		expect(Object.keys(JSON.parse(JSON.stringify(all))).sort()).toEqual(
			[...Object.keys(own), "keys", "used_memory_bytes", "evicted_keys", "expired_keys", "uptime_s"].sort(),
		);
		expect(all).toMatchObject({ hits: 1, sets: 1, hitRate: 1 });
	});

	test("S3.9 getStats() adds what the store says of itself", async () => {
		await using backend = backendOf(subject);
		await backend.setMany([
			{ key: "a", value: "v".repeat(1000) },
			{ key: "b", value: "v" },
		]);
		const { keys, usedMemoryBytes, evictedKeys, expiredKeys, uptimeS } = await backend.getStats();
		expect(keys).toBeGreaterThanOrEqual(2);
		expect(usedMemoryBytes).toBeGreaterThan(1000);
		expect(evictedKeys).toBe(0);
		expect(expiredKeys).toBeGreaterThanOrEqual(0);
		expect(uptimeS).toBeGreaterThanOrEqual(0);
		await backend.set("a", "short", { ttl: 20 });
		await waitUntil("the end of it", async () => !(await backend.exists("a")) || "it lives", { everyMs: 5 });
		expect((await backend.getStats()).expiredKeys).toBeGreaterThan(expiredKeys ?? Number.NaN);
	});
}
