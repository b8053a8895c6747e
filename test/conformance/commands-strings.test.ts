/** Strings: values of one key each. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import {
	argument,
	type CommandRow,
	crossSlot,
	failure,
	type KeyOf,
	never,
	option,
	type RefusedRow,
	testCommands,
} from "../support/typed-commands.js";

const value = (text: string) => (key: KeyOf) => [["SET", key("k"), text, "EX", 100]];
const soon = Math.floor(Date.now() / 1000) + 1000;
const list = (key: KeyOf) => [["RPUSH", key("k"), "a"]];

const reads: CommandRow[] = [
	{ title: "get", before: value("grüße"), call: (on, key) => on.get(key("k")), expected: (bulk) => bulk("grüße") },
	{ title: "get of a list", before: list, call: (on, key) => on.get(key("k")), expected: failure("WRONGTYPE") },
	{
		title: "mget",
		before: (key) => [
			["SET", key("a"), 1],
			["RPUSH", key("l"), 1],
		],
		call: (on, key) => on.mget([key("a"), key("no"), key("l"), key("a")]),
		expected: (bulk) => [bulk("1"), null, null, bulk("1")],
	},
	{
		title: "getdel",
		before: value("v"),
		call: (on, key) => on.getdel(key("k")),
		expected: (bulk) => bulk("v"),
		after: (key) => [[["EXISTS", key("k")], 0]],
	},
	{ title: "getdel of no key", call: (on, key) => on.getdel(key("k")), expected: null },
	{
		title: "getdel of a list",
		before: list,
		call: (on, key) => on.getdel(key("k")),
		expected: failure("WRONGTYPE"),
		after: (key) => [[["EXISTS", key("k")], 1]],
	},
	{
		title: "getex",
		before: value("v"),
		call: (on, key) => on.getex(key("k")),
		expected: (bulk) => bulk("v"),
		after: (key) => [[["TTL", key("k")], expect.toBeOneOf([99, 100])]],
	},
	{ title: "getex of no key", call: (on, key) => on.getex(key("k"), { ex: 5 }), expected: null },
	...(
		[
			[{ ex: 500 }, expect.closeTo(500_000, -4)],
			[{ ex: 0.5 }, expect.closeTo(500, -3)],
			[{ px: 500_000 }, expect.closeTo(500_000, -4)],
			[{ exat: soon }, expect.closeTo(1_000_000, -5)],
			[{ pxat: soon * 1000 }, expect.closeTo(1_000_000, -5)],
			[{ persist: true }, -1],
		] as const
	).map(
		([options, left]): CommandRow => ({
			title: `getex ${JSON.stringify(options)}`,
			before: value("v"),
			call: (on, key) => on.getex(key("k"), options),
			expected: (bulk) => bulk("v"),
			after: (key) => [[["PTTL", key("k")], left]],
		}),
	),
	{ title: "getrange", before: value("hello"), call: (on, key) => on.getrange(key("k"), 1, -2), expected: (bulk) => bulk("ell") },
	{ title: "getrange of no key", call: (on, key) => on.getrange(key("k"), 0, -1), expected: (bulk) => bulk("") },
	{ title: "strlen", before: value("ü"), call: (on, key) => on.strlen(key("k")), expected: 2 },
	{ title: "strlen of no key", call: (on, key) => on.strlen(key("k")), expected: 0 },
];

const writes: CommandRow[] = [
	{ title: "set", call: (on, key) => on.set(key("k"), "v", { nx: true, ex: 5 }), expected: "OK" },
	{
		title: "set with get",
		before: value("old"),
		call: (on, key) => on.set(key("k"), "v", { get: true, keepttl: true }),
		expected: (bulk) => bulk("old"),
	},
	{
		title: "append",
		before: value("a"),
		call: (on, key) => on.append(key("k"), "bc"),
		expected: 3,
		after: (key) => [[["GET", key("k")], "abc"]],
	},
	{ title: "append to a list", before: list, call: (on, key) => on.append(key("k"), "v"), expected: failure("WRONGTYPE") },
	{
		title: "setrange",
		before: value("hello"),
		call: (on, key) => on.setrange(key("k"), 1, "A"),
		expected: 5,
		after: (key) => [[["GET", key("k")], "hAllo"]],
	},
	{
		title: "setrange beyond the end",
		call: (on, key) => on.setrange(key("k"), 2, "A"),
		expected: 3,
		after: (key) => [[["GET", key("k")], "\0\0A"]],
	},
	{
		title: "getset",
		before: value("v"),
		call: (on, key) => on.getset(key("k"), 5),
		expected: (bulk) => bulk("v"),
		after: (key) => [
			[["GET", key("k")], "5"],
			[["TTL", key("k")], -1],
		],
	},
	{ title: "getset of no key", call: (on, key) => on.getset(key("k"), "v"), expected: null },
	{
		title: "setnx",
		call: (on, key) => on.setnx(key("k"), Buffer.from("v")),
		expected: 1,
		after: (key) => [[["GET", key("k")], "v"]],
	},
	{ title: "setnx of a key that is there", before: value("v"), call: (on, key) => on.setnx(key("k"), "w"), expected: 0 },
	{
		title: "setex",
		call: (on, key) => on.setex(key("k"), 50, "v"),
		expected: "OK",
		after: (key) => [
			[["GET", key("k")], "v"],
			[["TTL", key("k")], expect.toBeOneOf([49, 50])],
		],
	},
	{
		title: "psetex",
		call: (on, key) => on.psetex(key("k"), 50_000, "v"),
		expected: "OK",
		after: (key) => [[["PTTL", key("k")], expect.closeTo(49_000, -4)]],
	},
	...(
		[
			["a record", (key: KeyOf) => ({ [key("a")]: "1", [key("b")]: 2 })],
			["a record without prototype", (key: KeyOf) => Object.assign(Object.create(null), { [key("a")]: 1n, [key("b")]: "2" })],
			[
				"a Map",
				(key: KeyOf) =>
					new Map<string | Buffer, Buffer | string>([
						[key("a"), Buffer.from("1")],
						[Buffer.from(key("b")), "2"],
					]),
			],
			[
				"pairs",
				(key: KeyOf) =>
					[
						[key("a"), 1],
						[Buffer.from(key("b")), "2"],
					] as const,
			],
		] as const
	).flatMap(([kind, entries]): CommandRow[] => [
		{
			title: `mset of ${kind}`,
			call: (on, key) => on.mset(entries(key)),
			expected: "OK",
			after: (key) => [
				[
					["MGET", key("a"), key("b")],
					["1", "2"],
				],
			],
		},
		{
			title: `msetnx of ${kind}`,
			call: (on, key) => on.msetnx(entries(key)),
			expected: 1,
			after: (key) => [
				[
					["MGET", key("a"), key("b")],
					["1", "2"],
				],
			],
		},
	]),
	{
		title: "msetnx of a key that is there",
		before: value("v"),
		call: (on, key) => on.msetnx({ [key("k")]: 1, [key("l")]: 2 }),
		expected: 0,
		after: (key) => [[["EXISTS", key("l")], 0]],
	},
];

const largest = 9_223_372_036_854_775_807n;
const counters: CommandRow[] = [
	{ title: "incr", call: (on, key) => on.incr(key("k")), expected: 1 },
	{ title: "decr", call: (on, key) => on.decr(key("k")), expected: -1 },
	{ title: "incrby", before: value("5"), call: (on, key) => on.incrby(key("k"), 7), expected: 12 },
	{ title: "incrby of less", before: value("5"), call: (on, key) => on.incrby(key("k"), -7), expected: -2 },
	{ title: "incrby beyond 2^53", call: (on, key) => on.incrby(key("k"), largest), expected: largest },
	{ title: "incrby beyond 2^63", before: value("1"), call: (on, key) => on.incrby(key("k"), largest), expected: failure("ERR") },
	{ title: "decrby", before: value("5"), call: (on, key) => on.decrby(key("k"), 7), expected: -2 },
	{ title: "decrby beyond -2^53", call: (on, key) => on.decrby(key("k"), largest), expected: -largest },
	{ title: "incr of text", before: value("v"), call: (on, key) => on.incr(key("k")), expected: failure("ERR") },
	{ title: "incrbyfloat", before: value("10.5"), call: (on, key) => on.incrbyfloat(key("k"), 0.1), expected: 10.6 },
	{ title: "incrbyfloat of a whole number", call: (on, key) => on.incrbyfloat(key("k"), -5), expected: -5 },
	{
		title: "incrbyfloat, which keeps more digits than a double has",
		before: value("9007199254740993"),
		call: (on, key) => on.incrbyfloat(key("k"), 0.5),
		expected: 9_007_199_254_740_994,
		after: (key) => [[["GET", key("k")], "9007199254740993.5"]],
	},
	{ title: "incrbyfloat by more than a safe integer", call: (on, key) => on.incrbyfloat(key("k"), 2 ** 60), expected: 2 ** 60 },
	{ title: "incrbyfloat of small steps", call: (on, key) => on.incrbyfloat(key("k"), 1e-7), expected: 1e-7 },
];

const texts = (key: KeyOf) => [["MSET", key("a"), "ohmytext", key("b"), "mynewtext"]];
const lcs: CommandRow[] = [
	{ title: "lcs", before: texts, call: (on, key) => on.lcs(key("a"), key("b")), expected: (bulk) => bulk("mytext") },
	{ title: "lcs of no keys", call: (on, key) => on.lcs(key("a"), key("b")), expected: (bulk) => bulk("") },
	{ title: "lcs with len", before: texts, call: (on, key) => on.lcs(key("a"), key("b"), { len: true }), expected: 6 },
	{
		title: "lcs with idx",
		before: texts,
		call: (on, key) => on.lcs(key("a"), key("b"), { idx: true }),
		expected: {
			matches: [
				[
					[4, 7],
					[5, 8],
				],
				[
					[2, 3],
					[0, 1],
				],
			],
			len: 6,
		},
	},
	{
		title: "lcs with idx, minmatchlen and withmatchlen",
		before: texts,
		call: (on, key) => on.lcs(key("a"), key("b"), { idx: true, minmatchlen: 4, withmatchlen: true }),
		expected: { matches: [[[4, 7], [5, 8], 4]], len: 6 },
	},
	{
		title: "lcs with idx of no keys",
		call: (on, key) => on.lcs(key("a"), key("b"), { idx: true }),
		expected: { matches: [], len: 0 },
	},
	{ title: "lcs of a list", before: list, call: (on, key) => on.lcs(key("k"), key("b")), expected: failure("ERR") },
];

const refused: RefusedRow[] = [
	...(["get", "getdel", "getex", "strlen", "incr", "decr"] as const).map(
		(name): RefusedRow => ({ title: `${name} of a number`, call: (on) => on[name](never(5)), error: argument(1) }),
	),
	...(["append", "getset", "setnx"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} of a number`, call: (on) => on[name](never(5), "v"), error: argument(1) },
		{ title: `${name} without a value`, call: (on, key) => on[name](key("k"), never(undefined)), error: argument(2) },
		{ title: `${name} of an object`, call: (on, key) => on[name](key("k"), never({})), error: argument(2) },
		{ title: `${name} of a fraction`, call: (on, key) => on[name](key("k"), 1.5), error: argument(2) },
	]),
	...(["setex", "psetex"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} of a number`, call: (on) => on[name](never(5), 5, "v"), error: argument(1) },
		{ title: `${name} for no time`, call: (on, key) => on[name](key("k"), 0, "v"), error: argument(2) },
		{ title: `${name} for a fraction`, call: (on, key) => on[name](key("k"), 1.5, "v"), error: argument(2) },
		{ title: `${name} without a value`, call: (on, key) => on[name](key("k"), 5, never(undefined)), error: argument(3) },
	]),
	...(["incrby", "decrby"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} of a number`, call: (on) => on[name](never(5), 5), error: argument(1) },
		{ title: `${name} by a fraction`, call: (on, key) => on[name](key("k"), 0.5), error: argument(2) },
		{ title: `${name} by text`, call: (on, key) => on[name](key("k"), never("5")), error: argument(2) },
		{ title: `${name} by what is no safe integer`, call: (on, key) => on[name](key("k"), 2 ** 53), error: argument(2) },
		{ title: `${name} by nothing`, call: (on, key) => on[name](key("k"), never(undefined)), error: argument(2) },
	]),
	{ title: "incrbyfloat by infinity", call: (on, key) => on.incrbyfloat(key("k"), Infinity), error: argument(2) },
	{ title: "incrbyfloat by NaN", call: (on, key) => on.incrbyfloat(key("k"), Number.NaN), error: argument(2) },
	{ title: "incrbyfloat by text", call: (on, key) => on.incrbyfloat(key("k"), never("1")), error: argument(2) },
	{ title: "getrange without an end", call: (on, key) => on.getrange(key("k"), 0, never(undefined)), error: argument(3) },
	{ title: "getrange from text", call: (on, key) => on.getrange(key("k"), never("0"), 1), error: argument(2) },
	{ title: "setrange below 0", call: (on, key) => on.setrange(key("k"), -1, "v"), error: argument(2) },
	{ title: "setrange without a value", call: (on, key) => on.setrange(key("k"), 1, never(undefined)), error: argument(3) },
	{ title: "getex with two times", call: (on, key) => on.getex(key("k"), { ex: 5, px: 5 }), error: option("px") },
	{
		title: "getex with a time and persist",
		call: (on, key) => on.getex(key("k"), { ex: 5, persist: true }),
		error: option("persist"),
	},
	{ title: "getex for no time", call: (on, key) => on.getex(key("k"), { ex: 0 }), error: option("ex") },
	{ title: "getex with a time in words", call: (on, key) => on.getex(key("k"), { px: never("5") }), error: option("px") },
	{ title: "getex with keepttl", call: (on, key) => on.getex(key("k"), never({ keepttl: true })), error: option("keepttl") },
	{
		title: "getex with persist that is no flag",
		call: (on, key) => on.getex(key("k"), { persist: never(1) }),
		error: option("persist"),
	},
	...(["mset", "msetnx"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} of nothing`, call: (on) => on[name](never(undefined)), error: argument(1) },
		{ title: `${name} of null`, call: (on) => on[name](never(null)), error: argument(1) },
		{ title: `${name} of text`, call: (on) => on[name](never("ab")), error: argument(1) },
		{ title: `${name} of bytes`, call: (on) => on[name](never(Buffer.from("ab"))), error: argument(1) },
		{ title: `${name} of a Date`, call: (on) => on[name](never(new Date())), error: argument(1) },
		{ title: `${name} of an empty record`, call: (on) => on[name]({}), error: argument(1) },
		{ title: `${name} of keys and values in a row`, call: (on) => on[name](never(["k", "v"])), error: argument(1) },
		{ title: `${name} of half a pair`, call: (on, key) => on[name](never([[key("a"), 1], [key("b")]])), error: argument(3) },
		{ title: `${name} of a number for a key`, call: (on) => on[name](new Map([[never(5), "v"]])), error: argument(1) },
		{
			title: `${name} of an undefined value`,
			call: (on, key) => on[name]({ [key("a")]: 1, [key("b")]: never(undefined) }),
			error: argument(4),
		},
	]),
	{ title: "mset across slots, and says what does that", on: "cluster", call: (on) => on.mset({ a: 1, b: 2 }), error: crossSlot },
	{ title: "msetnx across slots", on: "cluster", call: (on) => on.msetnx({ a: 1, b: 2 }), error: crossSlot },
	{ title: "lcs of a number", call: (on, key) => on.lcs(key("a"), never(5)), error: argument(2) },
	{ title: "lcs across slots", on: "cluster", call: (on) => on.lcs("a", "b"), error: crossSlot },
	{
		title: "lcs with len and idx",
		call: (on, key) => on.lcs(key("a"), key("b"), never({ len: true, idx: true })),
		error: option("idx"),
	},
	{
		title: "lcs with minmatchlen alone",
		call: (on, key) => on.lcs(key("a"), key("b"), never({ minmatchlen: 4 })),
		error: option("minmatchlen"),
	},
	{
		title: "lcs with a minmatchlen in words",
		call: (on, key) => on.lcs(key("a"), key("b"), { idx: true, minmatchlen: never("4") }),
		error: option("minmatchlen"),
	},
	{
		title: "lcs with an unknown option",
		call: (on, key) => on.lcs(key("a"), key("b"), never({ LEN: true })),
		error: option("LEN"),
	},
];

testCommands({ rows: [...reads, ...writes, ...counters, ...lcs], refused });

test("A31 mget takes keys of any slots on a client, and keys of one in a pipeline", async () => {
	const client = await createClient(inject("clusterUrl"));
	expect(await client.mget(["a", "b", "c"])).toHaveLength(3);
	expect(await client.mget([])).toEqual([]);
	const before = client.stats().commands;
	const pipeline = client.pipeline();
	for (const [keys, error] of [
		[["a", "b"], { code: "CROSSSLOT", message: expect.stringMatching(/client's mget\(\)/) }],
		[[], argument(1)],
		[["{a}1", 5], argument(2)],
		["ab", argument(1)],
		[undefined, argument(1)],
	] as const) {
		expect(() => pipeline.mget(never(keys))).toThrow(expect.objectContaining(error));
	}
	expect(client.stats().commands).toBe(before);
	expect(await pipeline.mget(["{a}1", Buffer.from("{a}2")]).exec()).toEqual([[null, null]]);
	await client.close();
});
