import { expect, test } from "vitest";
import { backendOf, type Subject, textOf } from "./subject.js";

export function manyKeysContract(subject: Subject): void {
	test("S3.4 S4.4 getMany gives values in the order of the keys, null for misses, duplicates at each place", async () => {
		await using backend = backendOf(subject);
		const keys = Array.from({ length: 300 }, (_, i) => `k:${(i * 7919) % 1000}`);
		const items = keys.filter((_, i) => i % 3 !== 0).map((key) => ({ key, value: `of ${key}` }));
		const stored = new Set(items.map(({ key }) => key));
		expect(await backend.setMany(items)).toBe(items.length);
		const asked = [...keys, ...keys.slice(50, 100), "none", "none"];
		const expected = asked.map((key) => (stored.has(key) ? Buffer.from(`of ${key}`) : null));
		for (const options of [
			undefined,
			{},
			{ chunkSize: 7 },
			{ batchSize: 1000 },
			{ chunkSize: 1, expectedValueBytes: 1_000_000 },
		]) {
			expect(await backend.getMany(asked, options)).toEqual(expected);
		}
		await backend.clear();
	});

	test("S3.4 C8 getManyMap has what there is, by its key", async () => {
		await using backend = backendOf(subject);
		await backend.setMany([
			{ key: "a", value: "1" },
			{ key: "b", value: "" },
		]);
		const found = await backend.getManyMap(["b", "none", "a", "b"], { chunkSize: 2 });
		expect(found).toEqual(
			new Map([
				["b", Buffer.alloc(0)],
				["a", Buffer.from("1")],
			]),
		);
		expect(await backend.getManyMap(["none"])).toEqual(new Map());
	});

	test("S3.4 C8 setMany takes any iterable and counts what it stored; of one key twice the last stays", async () => {
		await using backend = backendOf(subject);
		const items = new Map([
			["a", "1"],
			["b", "2"],
		]);
		function* generated() {
			for (const [key, value] of items) yield { key, value };
			yield { key: "a", value: "3" };
		}
		expect(await backend.setMany(generated())).toBe(3);
		expect(await backend.getMany(["a", "b"])).toEqual([Buffer.from("3"), Buffer.from("2")]);
		expect(await backend.setMany(new Set([{ key: "c", value: "4" }]), { chunkSize: 1, maxChunkBytes: 1 })).toBe(1);
		expect(await textOf(backend, "c")).toBe("4");
	});

	test("S3.4 deleteMany counts what there was", async () => {
		await using backend = backendOf(subject);
		await backend.setMany(["a", "b", "c", "d"].map((key) => ({ key, value: key })));
		expect(await backend.deleteMany(["a", "none", "c", "a"], { chunkSize: 2, timeoutMs: 10_000 })).toBe(2);
		expect((await backend.keys()).sort()).toEqual(["b", "d"]);
	});

	test("S3.4 empty lists are nothing to do", async () => {
		await using backend = backendOf(subject);
		await backend.connect();
		const before = backend.stats();
		expect(await backend.getMany([])).toEqual([]);
		expect(await backend.getManyMap([])).toEqual(new Map());
		expect(await backend.setMany([])).toBe(0);
		expect(await backend.setMany([], { atomic: true, ttl: "5m" })).toBe(0);
		expect(await backend.deleteMany([])).toBe(0);
		expect(backend.stats()).toEqual(before);
	});

	test("S4.4 C10 an atomic setMany stores all of it, in order", async () => {
		await using backend = backendOf(subject);
		await backend.set("{one}b", "old", { metadata: { a: 1 }, ttl: "1h" });
		const items = [
			{ key: "{one}a", value: Buffer.from([0, 255]) },
			{ key: "{one}b", value: "b", ttl: null },
			{ key: "{one}c", value: "", ttl: "2h" as const },
			{ key: "{one}a", value: "last" },
		];
		expect(await backend.setMany(items, { atomic: true, ttl: "1m" })).toBe(4);
		expect(await textOf(backend, "{one}a")).toBe("last");
		expect((await backend.getEntry("{one}a"))?.ttlMs).toBeLessThanOrEqual(60_000);
		expect(await backend.getEntry("{one}b")).toEqual({ value: Buffer.from("b"), metadata: null, ttlMs: null });
		expect((await backend.getEntry("{one}c"))?.ttlMs).toBeGreaterThan(60_000);
	});

	test("S4.4 C10 of an atomic setMany with one bad item nothing is stored, nor of any other", async () => {
		await using backend = backendOf(subject);
		const good = Array.from({ length: 20 }, (_, i) => ({ key: `{one}${i}`, value: "v" }));
		for (const atomic of [true, false]) {
			for (const bad of [{ key: "", value: "v" }, { key: "{one}x", value: 5 }, { key: "{one}x", value: "v", ttl: -1 }, null]) {
				await expect(backend.setMany([...good, bad] as typeof good, { atomic })).rejects.toMatchObject({
					code: expect.stringMatching(/^INVALID_/),
				});
			}
			function* breaking() {
				yield* good;
				throw new RangeError("the caller's own");
			}
			await expect(backend.setMany(breaking(), { atomic })).rejects.toThrow();
		}
		expect(await backend.count()).toBe(0);
	});

	test("S4.4 a batch that is aborted before it begins does nothing", async () => {
		await using backend = backendOf(subject);
		await backend.set("a", "v");
		const signal = AbortSignal.abort();
		const aborted = { code: "ABORTED" };
		await expect(backend.getMany(["a"], { signal })).rejects.toMatchObject(aborted);
		await expect(backend.getManyMap(["a"], { signal })).rejects.toMatchObject(aborted);
		await expect(backend.setMany([{ key: "b", value: "v" }], { signal })).rejects.toMatchObject(aborted);
		await expect(backend.setMany([{ key: "b", value: "v" }], { signal, atomic: true })).rejects.toMatchObject(aborted);
		await expect(backend.deleteMany(["a"], { signal })).rejects.toMatchObject(aborted);
		expect(await backend.keys()).toEqual(["a"]);
		const running = new AbortController().signal;
		expect(await backend.getMany(["a"], { signal: running, timeoutMs: 0 })).toEqual([Buffer.from("v")]);
		expect(await backend.setMany([{ key: "b", value: "v" }], { signal: running, timeoutMs: 10_000 })).toBe(1);
		expect(await backend.deleteMany(["a", "b"], { signal: running })).toBe(2);
	});

	test("S4.4 2000 keys of many slots come back in order", async () => {
		await using backend = backendOf(subject);
		const keys = Array.from({ length: 2000 }, (_, i) => `many:${i}`);
		expect(
			await backend.setMany(
				keys.map((key, i) => ({ key, value: `${i}` })),
				{ ttl: "5m" },
			),
		).toBe(2000);
		expect((await backend.getMany(keys)).findIndex((value, i) => String(value) !== `${i}`)).toBe(-1);
		expect(await backend.count({ namespace: "many" })).toBe(2000);
		expect(await backend.deleteMany(keys)).toBe(2000);
		expect(await backend.count()).toBe(0);
	});
}
