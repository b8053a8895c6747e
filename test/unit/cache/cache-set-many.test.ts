/** What a cache takes as many entries at once. */
import { expect, test } from "vitest";
import { Cache, MemoryBackend } from "../../../src/cache/index.js";
import { rejectionOf } from "../../support/secrets.js";

const made = () => {
	const backend = new MemoryBackend();
	return { backend, cache: new Cache({ backend, ttl: "1h" }) };
};
const minutes = async (backend: MemoryBackend, key: string): Promise<number> =>
	Math.round(((await backend.getEntry(key))?.ttlMs ?? 0) / 60_000);

test("S3.4 setMany of a cache takes a Map, pairs, and items as backends take them, each with a time to live of its own", async () => {
	const { backend, cache } = made();
	expect(await cache.setMany(new Map([["a", 1]]))).toBe(1);
	expect(await cache.setMany([["b", 2]], { ttl: "2m" })).toBe(1);
	const items = [
		{ key: "c", value: null },
		{ key: "d", value: 4, ttl: "5m" as const },
	];
	expect(await cache.setMany(items, { ttl: "2m" })).toBe(2);
	expect(await cache.getMany(["a", "b", "c", "d"])).toEqual(
		new Map<string, number | null>([
			["a", 1],
			["b", 2],
			["c", null],
			["d", 4],
		]),
	);
	expect(await Promise.all(["a", "b", "c", "d"].map((key) => minutes(backend, key)))).toEqual([60, 2, 2, 5]);
});

test.each([
	["no list", null, 0],
	["text", "ab", 0],
	["an object", { a: 1 }, 0],
	["an entry that is none", [["a", 1], null], 1],
	[
		"a key that is none",
		[
			["a", 1],
			[5, 1],
		],
		1,
	],
	["no value", [["a", 1], ["b", 2], ["c"]], 2],
	["a value that is no JSON", [["a", 1], ["b", 2], { key: "c", value: 3n }], 2],
])("S3.6 setMany of a cache refuses %s by its place, and stores nothing", async (_, entries, index) => {
	const { backend, cache } = made();
	expect(await rejectionOf(cache.setMany(entries as never))).toMatchObject({ code: "INVALID_ARGUMENT", index });
	expect(await backend.count()).toBe(0);
});

test("S3.6 set of a cache names the value, and not the key, when it is none", async () => {
	const { cache } = made();
	for (const value of [undefined, 3n]) {
		expect(await rejectionOf(cache.set("a", value))).toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
	}
	expect(await rejectionOf(cache.setMany([{ key: "a", value: 1, ttl: 0 }]))).toMatchObject({
		code: "INVALID_OPTION",
		field: "ttl",
	});
});

test("S2.6 the source gets nothing under a key that the cache, or its backend, refuses", async () => {
	const { cache } = made();
	const written: string[] = [];
	const queue = cache.writeBehind<number>({ write: (batch) => written.push(...batch.map(([key]) => key)) });
	for (const key of ["~tag:a", "a:meta", ""]) {
		expect(await rejectionOf(queue.set(key, 1))).toMatchObject({ code: "INVALID_ARGUMENT", index: 0 });
		expect(await rejectionOf(queue.delete(key))).toMatchObject({ code: "INVALID_ARGUMENT", index: 0 });
	}
	await queue.set("a", 1);
	await cache.close();
	expect(written).toEqual(["a"]);
});
