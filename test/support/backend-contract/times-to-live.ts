import { expect, test } from "vitest";
import { waitUntil } from "../../../src/cli/servers/wait-until.js";
import { collect } from "../collect.js";
import { backendOf, type Subject, textOf } from "./subject.js";

export function timesToLiveContract(subject: Subject): void {
	test("S1.6 C6 ttl in milliseconds or with a unit, null: none", async () => {
		await using backend = backendOf(subject);
		const cases = [
			[5_000, 5_000],
			[59_900, 59_900],
			["250s", 250_000],
			["5m", 300_000],
			["1.5h", 5_400_000],
			["7d", 604_800_000],
			[null, null],
			[undefined, null],
		] as const;
		for (const [ttl, ms] of cases) {
			await backend.set("single", "v", ttl === undefined ? {} : { ttl });
			await backend.setMany([
				{ key: "item", value: "v", ...(ttl === undefined ? {} : { ttl }) },
				{ key: "other", value: "v", ttl: "2d" },
			]);
			await backend.setMany([{ key: "call", value: "v" }], ttl === undefined ? {} : { ttl });
			for (const key of ["single", "item", "call"]) expect([key, ttl, await left(key)]).toEqual([key, ttl, about(ms)]);
			expect(await left("other")).toEqual(about(172_800_000));
		}
		async function left(key: string): Promise<number | null | undefined> {
			return (await backend.getEntry(key))?.ttlMs;
		}
	});

	test("S1.6 the backend's default, the call's, the item's, and null over each of them", async () => {
		await using backend = backendOf(subject, { defaultTtl: "10m" });
		const left = async (key: string) => (await backend.getEntry(key))?.ttlMs;
		await backend.set("default", "v");
		await backend.set("own", "v", { ttl: "1m" });
		await backend.set("none", "v", { ttl: null });
		expect([await left("default"), await left("own"), await left("none")]).toEqual([about(600_000), about(60_000), null]);
		await backend.setMany([
			{ key: "a", value: "v" },
			{ key: "b", value: "v", ttl: "2m" },
			{ key: "c", value: "v", ttl: null },
		]);
		expect([await left("a"), await left("b"), await left("c")]).toEqual([about(600_000), about(120_000), null]);
		const items = [
			{ key: "a", value: "v" },
			{ key: "b", value: "v", ttl: 30_000 },
			{ key: "c", value: "v", ttl: null },
		];
		await backend.setMany(items, { ttl: "1m" });
		expect([await left("a"), await left("b"), await left("c")]).toEqual([about(60_000), about(30_000), null]);
		await backend.setMany(items, { ttl: null });
		expect([await left("a"), await left("b"), await left("c")]).toEqual([null, about(30_000), null]);
	});

	test("S1.6 S1.18 what has expired is nowhere", async () => {
		await using backend = backendOf(subject);
		await backend.set("ns:soon", "v", { ttl: 40, metadata: { a: 1 } });
		await backend.setMany(
			[
				{ key: "ns:call", value: "v" },
				{ key: "ns:item", value: "v", ttl: 45 },
			],
			{ ttl: "50ms" },
		);
		await backend.set("ns:later", "v", { ttl: "1h" });
		for (const key of ["ns:soon", "ns:call", "ns:item"]) {
			await waitUntil(`the end of ${key}`, async () => (await backend.get(key)) === null || "it lives", { everyMs: 5 });
			expect(await backend.getEntry(key)).toBe(null);
			expect(await backend.exists(key)).toBe(false);
			expect(await backend.delete(key)).toBe(false);
			expect(await backend.set(key, "v", { xx: true })).toBe(false);
		}
		expect(await backend.getMany(["ns:soon", "ns:call", "ns:item"])).toEqual([null, null, null]);
		expect(await backend.keys()).toEqual(["ns:later"]);
		expect(await collect(backend.scan())).toEqual(["ns:later"]);
		expect(await collect(backend.entries())).toEqual([["ns:later", Buffer.from("v")]]);
		expect(await backend.count({ namespace: "ns" })).toBe(1);
		expect(await backend.clear({ namespace: "ns" })).toBe(1);
		expect(await backend.set("ns:soon", "new", { nx: true })).toBe(true);
		expect(await backend.getEntry("ns:soon")).toEqual({ value: Buffer.from("new"), metadata: null, ttlMs: null });
	});

	test("S1.6 a set without ttl ends an earlier one's", async () => {
		await using backend = backendOf(subject);
		await backend.set("k", "one", { ttl: "1h" });
		await backend.set("k", "two");
		expect((await backend.getEntry("k"))?.ttlMs).toBe(null);
		await backend.set("k", "three", { ttl: "1h" });
		await backend.setMany([{ key: "k", value: "four" }]);
		expect((await backend.getEntry("k"))?.ttlMs).toBe(null);
		expect(await textOf(backend, "k")).toBe("four");
	});
}

/** Not more than was given, and not less than a slow machine leaves of it. */
function about(ms: number | null): unknown {
	return ms === null ? null : expect.toSatisfy((left: unknown) => typeof left === "number" && left <= ms && left > ms - 5_000);
}
