/** What a cache refuses, and by which name. Nothing of it gets as far as a backend. */
import { describe, expect, test } from "vitest";
import { Cache, type CacheBackend } from "../../../src/cache/index.js";
import { rejectionOf } from "../../support/secrets.js";

let asked = 0;
const ask = (): never => {
	asked += 1;
	throw new Error("it was asked");
};
const backend = { get: ask, getEntry: ask, getMany: ask, set: ask, setMany: ask, delete: ask, deleteMany: ask, clear: ask };
const store = backend as unknown as CacheBackend;
const make = (options: object = {}): Cache => new Cache({ backend: store, failOpen: false, ...options });
const badTimes = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5 minutes", "", {}, 1e15];

describe("options of a cache", () => {
	test.each([
		"ttl",
		"swr",
		"grace",
		"negativeTtl",
		"timeout",
		"hardTimeout",
		"leaseTtl",
		"tagTtl",
	])("S2.10 %s must be a time", (field) => {
		for (const value of badTimes) {
			expect(() => make({ [field]: value })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
		}
		expect(() => make({ [field]: undefined })).not.toThrow();
		if (field !== "ttl")
			expect(() => make({ [field]: null })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
	});

	test.each([
		["ttlJitter", [-0.1, 1.1, Number.NaN, "0.5", null]],
		[
			"earlyRefresh",
			[1, "yes", null, { beta: 0 }, { beta: -1 }, { beta: Number.POSITIVE_INFINITY }, { beta: "1" }, { gamma: 1 }],
		],
		["singleFlight", ["node", true, null]],
		["serializer", ["xml", {}, null]],
		["namespace", ["", 1, null]],
		["failOpen", ["no", 0, null]],
		["backend", [undefined, null, {}, { get: ask }]],
	])("S2.6 bad values of %s are refused by that name", (field, values) => {
		for (const value of values) {
			expect(() => make({ [field]: value })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
		}
	});

	test("S2.6 an option that there is not is refused by its name", () => {
		expect(() => make({ tll: 1000 })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field: "tll" }));
		expect(() => make({ tags: ["a"] })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field: "tags" }));
		for (const options of [undefined, null, "redis://"]) {
			expect(() => new Cache(options as never)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field: "options" }));
		}
	});

	test("S2.6 a namespace refuses the same", () => {
		const cache = make();
		for (const name of ["", 1, undefined]) {
			expect(() => cache.namespace(name as never)).toThrow(
				expect.objectContaining({ code: "INVALID_OPTION", field: "namespace" }),
			);
		}
		expect(() => cache.namespace("a", { ttl: 0 })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field: "ttl" }));
	});
});

describe("options of a call", () => {
	const cache = make();
	const factory = (): number => 1;
	test.each([
		["ttl", 0],
		["ttl", "soon"],
		["negativeTtl", null],
		["timeout", -1],
		["tags", "a"],
		["tags", [""]],
		["tags", [1]],
		["tags", ["a".repeat(10_001)]],
		["tags", Array.from({ length: 256 }, (_, i) => `${i}`)],
		["forceFresh", 1],
		["validate", true],
		["signal", {}],
		["retries", 3],
	])("S2.6 %s: %o rejects getOrSet by that name, and nothing is asked", async (field, value) => {
		asked = 0;
		const invalid = { code: "INVALID_OPTION", field };
		const options = { [field]: value } as never;
		expect(await rejectionOf(cache.getOrSet("k", factory, options))).toMatchObject(invalid);
		expect(await rejectionOf(cache.getOrSetMany(["k"], () => [1], options))).toMatchObject(invalid);
		expect(() => cache.wrap(factory, { key: () => "k", [field]: value } as never)).toThrow(expect.objectContaining(invalid));
		expect(asked).toBe(0);
	});

	test("S2.6 writing takes the options of what is stored", async () => {
		asked = 0;
		for (const [field, value] of [
			["ttl", -1],
			["tags", {}],
			["forceFresh", true],
			["signal", AbortSignal.abort()],
		] as const) {
			const invalid = { code: "INVALID_OPTION", field };
			let written = 0;
			const write = (): number => (written += 1);
			expect(await rejectionOf(cache.set("k", 1, { [field]: value } as never))).toMatchObject(invalid);
			expect(await rejectionOf(cache.setMany([["k", 1]], { [field]: value } as never))).toMatchObject(invalid);
			expect(await rejectionOf(cache.writeThrough("k", 1, write, { [field]: value } as never))).toMatchObject(invalid);
			expect(written).toBe(0);
		}
		expect(asked).toBe(0);
	});

	test.each(["", undefined, null, 1, "~tag:a"])("S2.6 %o is no key: every call rejects, and nothing is asked", async (key) => {
		asked = 0;
		const bad = key as string;
		const calls: [() => Promise<unknown>, number][] = [
			[() => cache.get(bad), 0],
			[() => cache.getMany(["a", bad]), 1],
			[() => cache.has(bad), 0],
			[() => cache.getOrSet(bad, factory), 0],
			[() => cache.getOrSetMany(["a", "b", bad], () => []), 2],
			[() => cache.set(bad, 1), 0],
			[
				() =>
					cache.setMany([
						["a", 1],
						[bad, 1],
					]),
				1,
			],
			[() => cache.delete(bad), 0],
			[() => cache.deleteMany(["a", bad]), 1],
			[() => cache.expire(bad), 0],
			[() => cache.writeThrough(bad, 1, () => {}), 0],
			[() => cache.wrap(factory, { key: () => bad })(), 0],
		];
		for (const [call, index] of calls) expect(await rejectionOf(call())).toMatchObject({ code: "INVALID_ARGUMENT", index });
		expect(asked).toBe(0);
	});

	test("S2.6 what is no function, and no value, is refused before anything is asked", async () => {
		asked = 0;
		for (const call of [
			() => cache.getOrSet("k", 1 as never),
			() => cache.getOrSetMany(["k"], null as never),
			() => cache.writeThrough("k", 1, undefined as never),
			() => cache.writeThrough("k", undefined, () => {}),
			() => cache.writeThrough("k", 1n, () => ask()),
			() => cache.set("k", undefined, { tags: ["a"] }),
			() => cache.set("k", { n: 1n }, { tags: ["a"] }),
			() =>
				cache.setMany([
					["k", 1],
					["l", () => {}],
				]),
		]) {
			expect(await rejectionOf(call())).toMatchObject({ code: "INVALID_ARGUMENT" });
		}
		expect(() => cache.wrap(1 as never, { key: () => "k" })).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
		expect(() => cache.wrap(factory, undefined as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
		expect(asked).toBe(0);
	});

	test("S2.9 tags that are none reject", async () => {
		for (const tags of [[""], [1], ["a", null]]) {
			expect(await rejectionOf(cache.invalidateTags(...(tags as string[])))).toMatchObject({
				code: "INVALID_OPTION",
				field: "tags",
			});
		}
		expect(await cache.invalidateTags()).toBe(true);
	});

	test("S2.6 a serializer that gives no bytes is told so", async () => {
		for (const encoded of [undefined, null, 1, Promise.resolve("a")]) {
			const odd = make({ serializer: { encode: () => encoded, decode: () => 1 } });
			expect(await rejectionOf(odd.set("k", 1))).toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
		}
	});

	test("S2.6 a closed cache refuses everything", async () => {
		const closed = make();
		const part = closed.namespace("a");
		const queue = part.writeBehind({ write: () => {} });
		await closed.close();
		await closed.close();
		asked = 0;
		for (const call of [
			() => closed.get("k"),
			() => part.getOrSet("k", factory),
			() => part.getOrSetMany(["k"], () => [1]),
			() => closed.set("k", 1),
			() => closed.deleteMany(["k"]),
			() => closed.invalidateTags("a"),
			() => closed.clear(),
			() => closed.expire("k"),
			() => queue.set("k", 1),
			() => queue.delete("k"),
		]) {
			expect(await rejectionOf(call())).toMatchObject({ code: "CLOSED" });
		}
		expect(() => closed.writeBehind({ write: () => {} })).toThrow(expect.objectContaining({ code: "CLOSED" }));
		expect(asked).toBe(0);
	});
});
