/** What is the memory backend's own: its bounds, its clock, its options. What it shares with others is in `memory-backend-contract.test.ts`. */
import { expect, test } from "vitest";
import { MemoryBackend, type MemoryBackendOptions } from "../../../src/cache/memory-backend.js";

function backend(options: MemoryBackendOptions = {}) {
	const clock = { ms: 0 };
	return { clock, memory: new MemoryBackend({ now: () => clock.ms, ...options }) };
}

test("S3.1 by default it holds 10,000 entries; reading one is a use, looking whether it is there is none", async () => {
	const { memory } = backend();
	const keys = Array.from({ length: 10_000 }, (_, i) => `${i}`);
	await memory.setMany(keys.map((key) => ({ key, value: "v" })));
	expect(await memory.count()).toBe(10_000);
	await memory.get("0");
	await memory.getMany(["1", "2"]);
	await memory.getEntry("3");
	await memory.exists("4");
	await memory.set("4", "refused", { nx: true });
	for await (const _ of memory.entries()) break;
	await memory.setMany(["a", "b", "c"].map((key) => ({ key, value: "v" })));
	expect(await memory.getManyMap(["0", "1", "2", "3", "4", "5", "6", "7"])).toEqual(
		new Map(["0", "1", "2", "3", "7"].map((key) => [key, Buffer.from("v")])),
	);
	expect(await memory.getStats()).toMatchObject({ keys: 10_000, evictedKeys: 3, expiredKeys: 0 });
});

test("S3.1 bytes are those of the key, the value and the metadata as JSON, in UTF-8", async () => {
	const { memory } = backend();
	const used = async () => (await memory.getStats()).usedMemoryBytes;
	await memory.set("schlüssel", "größe");
	expect(await used()).toBe(10 + 7);
	await memory.set("schlüssel", Buffer.alloc(100), { metadata: { ä: 1 } });
	expect(await used()).toBe(10 + 100 + Buffer.byteLength('{"ä":1}'));
	await memory.set("k", "");
	expect(await used()).toBe(10 + 100 + 8 + 1);
	await memory.deleteMany(["schlüssel", "k"]);
	expect(await used()).toBe(0);
});

test("S3.1 maxBytes holds, whatever is stored", async () => {
	const { memory } = backend({ maxBytes: 10_000 });
	for (let i = 0; i < 500; i++) {
		await memory.set(`k${i}`, Buffer.alloc((i * 37) % 900), i % 3 === 0 ? { metadata: { i } } : {});
		expect((await memory.getStats()).usedMemoryBytes).toBeLessThanOrEqual(10_000);
	}
	expect(await memory.exists("k499")).toBe(true);
	const { evictedKeys, keys } = await memory.getStats();
	expect((evictedKeys ?? 0) + (keys ?? 0)).toBe(500);
});

test("S3.1 a value larger than everything is not stored, the one before it is gone, and both are told", async () => {
	const { memory } = backend({ maxBytes: 100 });
	await memory.set("k", "small");
	await memory.set("other", "v");
	expect(await memory.set("k", Buffer.alloc(100))).toBe(false);
	expect(await memory.get("k")).toBe(null);
	expect(
		await memory.setMany([
			{ key: "a", value: "v" },
			{ key: "b", value: Buffer.alloc(200) },
		]),
	).toBe(1);
	expect((await memory.keys()).sort()).toEqual(["a", "other"]);
	expect(await memory.getStats()).toMatchObject({ evictedKeys: 2, sets: 3 });
	// A condition that does not hold leaves everything as it is.
	expect(await memory.set("other", Buffer.alloc(200), { nx: true })).toBe(false);
	expect(await memory.exists("other")).toBe(true);
});

test("C10 S4.4 of an atomic setMany that has no room as a whole nothing is stored, and nothing goes for it", async () => {
	const { memory } = backend({ maxBytes: 100, maxEntries: 4 });
	await memory.setMany([
		{ key: "a", value: "old" },
		{ key: "b", value: "old" },
	]);
	const item = (key: string, size: number) => ({ key, value: Buffer.alloc(size) });
	expect(await memory.setMany([item("a", 60), item("c", 60)], { atomic: true })).toBe(0);
	expect(await memory.setMany([item("a", 1), item("c", 200)], { atomic: true })).toBe(0);
	expect(
		await memory.setMany(
			["c", "d", "e", "f", "g"].map((key) => item(key, 1)),
			{ atomic: true },
		),
	).toBe(0);
	expect(await memory.getMany(["a", "b"])).toEqual([Buffer.from("old"), Buffer.from("old")]);
	expect(await memory.getStats()).toMatchObject({ keys: 2, evictedKeys: 0, sets: 2 });
	// The last of one key twice is what has to fit.
	expect(await memory.setMany([item("d", 60), item("c", 90), item("c", 20)], { atomic: true })).toBe(3);
	expect((await memory.getMany(["d", "c"])).map((value) => value?.length)).toEqual([60, 20]);
	expect(memory.stats().sets).toBe(5);
});

test("S1.6 times to live are those of its clock", async () => {
	const { memory, clock } = backend({ defaultTtl: "10s" });
	clock.ms = 500;
	await memory.set("default", "v");
	await memory.set("own", "v", { ttl: 100 });
	await memory.set("never", "v", { ttl: null });
	clock.ms = 599.4;
	expect((await memory.getEntry("own"))?.ttlMs).toBe(1);
	clock.ms = 600;
	expect(await memory.get("own")).toBe(null);
	clock.ms = 10_499;
	expect((await memory.getEntry("default"))?.ttlMs).toBe(1);
	clock.ms = 10_500;
	expect(await memory.keys()).toEqual(["never"]);
	clock.ms = Number.MAX_SAFE_INTEGER;
	expect((await memory.getEntry("never"))?.ttlMs).toBe(null);
	expect((await memory.getStats()).expiredKeys).toBe(2);
});

test("S3.9 uptime is counted by its clock, in seconds", async () => {
	const { memory, clock } = backend();
	expect((await memory.getStats()).uptimeS).toBe(0);
	clock.ms = 61_500;
	expect((await memory.getStats()).uptimeS).toBe(61);
	expect(memory.stats()).toMatchObject({ commands: 0, flights: 0 });
});

test("S3.7 no process waits for it, and no other one fills its keys", async () => {
	const { memory } = backend();
	expect((memory as { leases?: unknown }).leases).toBeUndefined();
	const { memory: other } = backend({ keyPrefix: "same:" });
	const { memory: third } = backend({ keyPrefix: "same:" });
	await other.set("k", "v");
	expect(await third.get("k")).toBe(null);
});

test("S3.5 without metadata keys may have any end, and metadata is refused", async () => {
	const { memory } = backend({ metadata: false });
	await memory.set("user:meta", "v");
	expect(await memory.keys()).toEqual(["user:meta"]);
	await expect(memory.set("k", "v", { metadata: { a: 1 } })).rejects.toMatchObject({ code: "INVALID_OPTION", field: "metadata" });
	expect(await memory.exists("k")).toBe(false);
	expect(await memory.set("k", "v", { metadata: false })).toBe(true);
});

test("S3.3 no large value keeps another one's memory, and a small one no shared slab", async () => {
	const { memory } = backend();
	const source = Buffer.alloc(1024 * 1024, "x");
	await memory.set("part", source.subarray(10, 20));
	source.fill("y");
	const read = await memory.get("part");
	expect(read?.toString()).toBe("xxxxxxxxxx");
	expect(read?.buffer).not.toBe(source.buffer);
});

test.each([
	["maxEntries", 0],
	["maxEntries", 1.5],
	["maxEntries", "10"],
	["maxBytes", -1],
	["maxBytes", null],
	["maxBytes", Number.NaN],
	["defaultTtl", 0],
	["defaultTtl", "5 minutes"],
	["keyPrefix", 5],
	["metadata", true],
	["now", 1000],
	["maxSize", 5],
])("S3.1 the option %s is refused when it is %j", (field, value) => {
	expect(() => new MemoryBackend({ [field]: value })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
});

test("S3.1 options are an object, and undefined is as good as none", async () => {
	expect(() => new MemoryBackend(null as never)).toThrow(expect.objectContaining({ field: "options" }));
	expect(() => new MemoryBackend(5 as never)).toThrow(expect.objectContaining({ field: "options" }));
	const memory = new MemoryBackend({ maxEntries: undefined, defaultTtl: undefined, now: undefined } as object);
	await memory.set("k", "v");
	expect((await memory.getEntry("k"))?.ttlMs).toBe(null);
	const unbounded = new MemoryBackend({
		maxEntries: Number.POSITIVE_INFINITY,
		maxBytes: Number.POSITIVE_INFINITY,
		defaultTtl: null,
	});
	expect(await unbounded.set("k", "v")).toBe(true);
});
