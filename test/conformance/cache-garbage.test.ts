/** What others left under our keys, and values of odd kinds. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolveFormat } from "../../src/cache/entry-format.js";
import { seal } from "../../src/cache/envelope.js";
import type { Serializer } from "../../src/cache/index.js";
import { CachePair } from "../support/cache-pair.js";
import { rejectionOf } from "../support/secrets.js";

/** JSON again, but by a serializer of the caller's: its entries are envelopes of bytes. */
const own: Serializer = { encode: (value) => JSON.stringify(value), decode: (bytes) => JSON.parse(bytes.toString()) };

const about = { absent: false, freshUntil: Number.POSITIVE_INFINITY, madeInMs: 0, tags: [] };
const tagged = seal({ ...about, tags: [["tag", "version"]] }, '"v"');
const foreign: readonly (readonly [string, Buffer])[] = [
	["nothing", Buffer.alloc(0)],
	["text", Buffer.from("hello")],
	["JSON of others", Buffer.from('{"value":1,"expires":null}')],
	["no JSON, and no UTF-8", Buffer.from([0xff, 0, 0xfe])],
];
const bytes: typeof foreign = [
	...foreign,
	["an entry of text", Buffer.from("sw1v - 0\n1")],
	["truncated JSON", seal(about, '{"a": [1, 2')],
	["no JSON at all", seal(about, Buffer.from([0xff, 0, 0xfe]))],
	["an entry without a value", seal(about, "")],
	["an unknown version", Buffer.concat([Buffer.from([0xc5, 0x57, 2]), seal(about, "1").subarray(3)])],
	["unknown flags", Buffer.concat([Buffer.from([0xc5, 0x57, 1, 0x80]), seal(about, "1").subarray(4)])],
	["a truncated head", seal(about, "1").subarray(0, 15)],
	["truncated tags", tagged.subarray(0, 20)],
	["a tag whose length lies", Buffer.concat([tagged.subarray(0, 17), Buffer.from([0xff, 0xff]), tagged.subarray(19)])],
];
const text: typeof foreign = [
	...foreign,
	["an entry of bytes", seal(about, "1")],
	...(
		[
			["truncated JSON", 'sw1v - 0\n{"a": [1, 2'],
			["two entries", "sw1v - 0\n1sw1v - 0\n2"],
			["an unknown version", "sw2v - 0\n1"],
			["another kind", "sw1x - 0\n1"],
			["a truncated head", "sw1v - 0"],
			["a head alone", "sw1v - 0\n"],
			["a value where there is none", "sw1n - 0\n1"],
			["no time", "sw1v soon 0\n1"],
			["a time before all times", "sw1v -1 0\n1"],
			["no duration", "sw1v -\n1"],
			["tags that are no JSON", "sw1v - 0 [tag]\n1"],
			["tags of another kind", 'sw1v - 0 {"tag":"version"}\n1'],
			["a tag without a version", 'sw1v - 0 [["tag"]]\n1'],
			["tags without an end", 'sw1v - 0 [["tag","version"]]'],
		] as const
	).map(([what, stored]): [string, Buffer] => [what, Buffer.from(stored)]),
];
const formats = [
	{ format: "text", serializer: "json", garbage: text },
	{ format: "bytes", serializer: own, garbage: bytes },
] as const;
const cases = formats.flatMap(({ format, serializer, garbage }) =>
	garbage.map(([what, stored]) => ({ format, serializer, what, stored })),
);

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());

	test.each(cases)("S1.8 where entries are $format, $what: a counted miss, which the next fill mends", async ({
		serializer,
		stored,
	}) => {
		const { cache, client, keyPrefix } = pair.caches({ grace: "1h", swr: "1h", serializer });
		const name = `${keyPrefix}a`;
		const told: unknown[] = [];
		cache.on("miss", ({ reason }) => told.push(reason));
		await client.set(name, stored);
		expect([await cache.get("a"), await cache.has("a"), await cache.expire("a")]).toEqual([
			undefined,
			false,
			// Of an envelope only the head is looked at.
			resolveFormat(serializer).purgedHead(stored) !== null,
		]);
		await client.set(name, stored);
		const before = cache.stats().broken;
		expect(await cache.getOrSet("a", () => "made")).toBe("made");
		expect(cache.stats()).toMatchObject({ broken: before + 1, storeErrors: 0, lostWrites: 0 });
		expect(new Set(told)).toEqual(new Set(["broken"]));
		expect(await cache.get("a")).toBe("made");
	});

	test("S1.8 a key of another type: a miss, which the next fill mends", async () => {
		const { cache, client, keyPrefix } = pair.caches();
		for (const fill of [
			() => cache.getOrSet("a", () => 1),
			() => cache.set("a", 1),
			() => cache.getOrSetMany(["a"], () => [1]),
		]) {
			await client.unlink([`${keyPrefix}a`]);
			await client.hset(`${keyPrefix}a`, { field: "value" });
			expect([await cache.get("a"), await cache.expire("a")]).toEqual([undefined, false]);
			await fill();
			expect(await cache.get("a")).toBe(1);
		}
		expect(cache.stats()).toMatchObject({ lostWrites: 0, storeErrors: 0 });
	});

	test.each(formats)("S1.8 a broken entry never breaks its neighbours, entries of $format", async ({ serializer, garbage }) => {
		const { cache, client, keyPrefix } = pair.caches({ serializer });
		const broken = garbage.map((_, i) => `broken${i}`);
		const sound = garbage.map((_, i) => `sound${i}`);
		await cache.setMany(sound.map((key) => [key, key]));
		await client.setMany(garbage.map(([, bytes], i) => [`${keyPrefix}broken${i}`, bytes] as const));
		await client.hset(`${keyPrefix}hash`, { a: "b" });
		const keys = [...broken, "hash", ...sound].sort();
		const found = await cache.getMany(keys);
		expect([...found.keys()].sort()).toEqual([...sound].sort());
		const asked: string[] = [];
		const all = await cache.getOrSetMany(keys, (missing) => {
			asked.push(...missing);
			return missing.map((key) => `made ${key}`);
		});
		expect(asked.sort()).toEqual([...broken, "hash"].sort());
		expect(all.size).toBe(keys.length);
		expect((await cache.getMany(keys)).size).toBe(keys.length);
	});

	test.each(formats)("S1.8 any bytes under our keys: a value or a miss, never an error, entries of $format", async ({
		serializer,
	}) => {
		const { cache, client, keyPrefix } = pair.caches({ serializer });
		const damaged = fc.tuple(fc.jsonValue(), fc.nat(60), fc.nat(255), fc.nat(80)).map(([value, where, byte, end]) => {
			const bytes = Buffer.from(resolveFormat(serializer).seal({ ...about, tags: [["t", "v"]] }, JSON.stringify(value)));
			if (where < bytes.length) bytes[where] = byte;
			return bytes.subarray(0, end);
		});
		const some = fc.sample(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), 500);
		const keys = some.map((_, i) => `k${i}`);
		await client.setMany(some.map((bytes, i) => [`${keyPrefix}k${i}`, bytes] as const));
		const found = await cache.getOrSetMany(keys, (missing) => missing.map(() => "made"));
		for (const key of keys) expect(found.has(key) || (await cache.get(key)) === undefined).toBe(true);
		expect(cache.stats().storeErrors).toBe(0);
	});

	test("S2.6 a serializer that fails to decode is a miss; to encode it is the caller's error, or a value that is not stored", async () => {
		let fails = false;
		const serializer = {
			encode: (value: unknown) => {
				if (fails) throw new RangeError("cannot encode");
				return JSON.stringify(value);
			},
			decode: (bytes: Buffer) => {
				if (fails) throw new RangeError("cannot decode");
				return JSON.parse(bytes.toString());
			},
		};
		const { cache } = pair.caches({ serializer });
		await cache.set("a", 1);
		fails = true;
		expect(await cache.get("a")).toBeUndefined();
		expect(await rejectionOf(cache.set("b", 2))).toMatchObject({ message: "cannot encode" });
		expect(await cache.getOrSet("a", () => 3)).toBe(3);
		expect(await cache.getOrSetMany(["a", "b"], () => [4, 5])).toEqual(new Map(Object.entries({ a: 4, b: 5 })));
		expect(cache.stats()).toMatchObject({ lostWrites: 3, storeErrors: 0 });
		fails = false;
		// Nothing was stored, and no lease stands in the way of the next one.
		expect(await cache.getOrSet("a", () => 6)).toBe(1);
		expect(await cache.getOrSet("b", () => 7)).toBe(7);
	});

	test("S2.6 what JSON cannot say: refused where it is set, given and not stored where it is made, alone in its batch", async () => {
		const { cache } = pair.caches();
		const cycle: Record<string, unknown> = {};
		cycle.self = cycle;
		for (const value of [cycle, 1n, () => {}, Symbol("s")]) {
			expect(await rejectionOf(cache.set("a", value))).toMatchObject({ code: "INVALID_ARGUMENT" });
			expect(await cache.getOrSet("a", () => value)).toBe(value);
			expect((await cache.getOrSetMany(["b", "c"], () => [value, 1], { forceFresh: true })).get("b")).toBe(value);
			expect(await cache.getMany(["a", "b", "c"])).toEqual(new Map([["c", 1]]));
		}
	});

	test("S1.17 large data: values of 8 MiB, alone and among others, as JSON and as bytes", async () => {
		const { cache, other, keyPrefix } = pair.caches();
		const text = "ü".repeat(4 * 1024 * 1024);
		expect(await cache.getOrSet("a", () => text)).toBe(text);
		expect((await other.get("a")) === text).toBe(true);
		const { cache: bytes, other: others } = pair.caches({ serializer: "bytes" }, { keyPrefix });
		const large = Buffer.alloc(8 * 1024 * 1024, "0123456789");
		expect(await bytes.setMany([["b", large], ["c", Buffer.from("small")], ["d", large]])).toBe(3); // biome-ignore format: one line
		const found = await others.getMany<Buffer>(["b", "c", "d", "e"]);
		expect([...found.keys()]).toEqual(["b", "c", "d"]);
		expect(found.get("b")?.equals(large)).toBe(true);
		expect(found.get("d")?.equals(large)).toBe(true);
		await cache.clear();
	});
});
