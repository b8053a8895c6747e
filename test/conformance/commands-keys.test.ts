/** Keys: their life, type, time to live. */
import { expect } from "vitest";
import {
	argument,
	type Bulk,
	type CommandRow,
	crossSlot,
	failure,
	inAnyOrder,
	never,
	option,
	type RefusedRow,
	testCommands,
} from "../support/typed-commands.js";

const soon = Math.floor(Date.now() / 1000) + 1000;
const past = 1_000_000_000;
/** "v", as DUMP gives it, of the sixth version of the format: servers of any age restore it. */
const dumped = Buffer.from("000176060007e5a632ec6db65d", "hex");

const life: CommandRow[] = [
	{
		title: "del of several keys",
		before: (key) => [["MSET", key("a"), 1, key("b"), 2]],
		call: (on, key) => on.del(key("a"), [key("b"), key("no")]),
		expected: 2,
	},
	{
		title: "copy",
		before: (key) => [["SET", key("a"), "v", "EX", 100]],
		call: (on, key) => on.copy(key("a"), key("b")),
		expected: 1,
		after: (key) => [
			[["GET", key("b")], "v"],
			[["TTL", key("b")], expect.toBeOneOf([99, 100])],
		],
	},
	{
		title: "copy onto a key that is there",
		before: (key) => [["MSET", key("a"), "v", key("b"), "w"]],
		call: (on, key) => on.copy(key("a"), key("b"), { replace: false }),
		expected: 0,
	},
	{
		title: "copy with replace",
		before: (key) => [["MSET", key("a"), "v", key("b"), "w"]],
		call: (on, key) => on.copy(key("a"), key("b"), { replace: true }),
		expected: 1,
		after: (key) => [[["GET", key("b")], "v"]],
	},
	{
		title: "copy to another database",
		on: "standalone",
		before: (key) => [["SET", key("a"), "v"]],
		call: (on, key) => on.copy(key("a"), key("a"), { db: 9 }),
		expected: 1,
	},
	{
		title: "copy to another database of a cluster",
		on: "cluster",
		call: (on, key) => on.copy(key("a"), key("a"), { db: 9 }),
		expected: failure("ERR"),
	},
	{
		title: "rename",
		before: (key) => [["SET", key("a"), "v"]],
		call: (on, key) => on.rename(key("a"), key("b")),
		expected: "OK",
		after: (key) => [
			[["GET", key("b")], "v"],
			[["EXISTS", key("a")], 0],
		],
	},
	{ title: "rename of no key", call: (on, key) => on.rename(key("a"), key("b")), expected: failure("ERR") },
	{
		title: "renamenx",
		before: (key) => [["SET", key("a"), "v"]],
		call: (on, key) => on.renamenx(key("a"), key("b")),
		expected: 1,
	},
	{
		title: "renamenx to a name that is taken",
		before: (key) => [["MSET", key("a"), "v", key("b"), "w"]],
		call: (on, key) => on.renamenx(key("a"), key("b")),
		expected: 0,
		after: (key) => [[["GET", key("b")], "w"]],
	},
	{
		title: "move",
		on: "standalone",
		before: (key) => [["SET", key("a"), "v"]],
		call: (on, key) => on.move(key("a"), 9),
		expected: 1,
		after: (key) => [[["EXISTS", key("a")], 0]],
	},
	{
		title: "move on a cluster, which has one database",
		on: "cluster",
		before: (key) => [["SET", key("a"), "v"]],
		call: (on, key) => on.move(key("a"), 9),
		expected: failure("ERR"),
	},
	...(
		[
			["string", ["SET", 1]],
			["list", ["RPUSH", 1]],
			["set", ["SADD", 1]],
			["hash", ["HSET", "f", 1]],
			["zset", ["ZADD", 1, "m"]],
			["stream", ["XADD", "*", "f", 1]],
		] as const
	).map(
		([type, [name, ...args]]): CommandRow => ({
			title: `type of a ${type}`,
			before: (key) => [[name, key("k"), ...args]],
			call: (on, key) => on.type(key("k")),
			expected: type,
		}),
	),
	{ title: "type of no key", call: (on, key) => on.type(key("k")), expected: "none" },
	{
		title: "keys",
		severalNodes: true,
		before: (key) => [["MSET", key("a1"), 1, key("a2"), 2, key("b"), 3]],
		call: (on, key) => on.keys(key("a?")),
		expected: (bulk, key) => inAnyOrder([bulk(key("a1")), bulk(key("a2"))]),
	},
	{ title: "keys that nothing matches", severalNodes: true, call: (on, key) => on.keys(key("*")), expected: [] },
	{
		title: "randomkey",
		severalNodes: true,
		before: (key) => [["SET", key("k"), 1]],
		call: (on) => on.randomkey(),
		// The servers are shared: which key it is stays open.
		expected: (bulk: Bulk) => expect.any(typeof bulk("") === "string" ? String : Buffer),
	},
];

const serialized: CommandRow[] = [
	{
		title: "dump",
		bytes: true,
		before: (key) => [["SET", key("k"), "v"]],
		call: (on, key) => on.dump(key("k")),
		// Type, length, value; then the version of the format and a checksum, two and eight bytes.
		expected: () =>
			expect.toSatisfy((bytes: unknown) => Buffer.isBuffer(bytes) && bytes.toString("latin1").startsWith("\0\x01v")),
	},
	{ title: "dump of no key", bytes: true, call: (on, key) => on.dump(key("k")), expected: null },
	{
		title: "restore",
		call: (on, key) => on.restore(key("k"), 100_000, dumped),
		expected: "OK",
		after: (key) => [
			[["GET", key("k")], "v"],
			[["TTL", key("k")], expect.toBeOneOf([99, 100])],
		],
	},
	{
		title: "restore onto a key that is there",
		before: (key) => [["SET", key("k"), "w"]],
		call: (on, key) => on.restore(key("k"), 0, dumped),
		expected: failure("BUSYKEY"),
	},
	{
		title: "restore with replace, absttl and idletime",
		before: (key) => [["SET", key("k"), "w"]],
		call: (on, key) => on.restore(key("k"), soon * 1000, dumped, { replace: true, absttl: true, idletime: 500 }),
		expected: "OK",
		after: (key) => [
			[["OBJECT", "IDLETIME", key("k")], expect.toBeOneOf([500, 501])],
			[["EXPIRETIME", key("k")], soon],
		],
	},
	{
		title: "restore with freq",
		call: (on, key) => on.restore(key("k"), 0, dumped, { freq: 7 }),
		expected: "OK",
	},
	{
		title: "restore of damaged bytes",
		call: (on, key) => on.restore(key("k"), 0, Buffer.from("no dump")),
		expected: failure("ERR"),
	},
];

const withTime = (key: (name: string) => string) => [["SET", key("k"), "v", "EX", 100]];
const withoutTime = (key: (name: string) => string) => [["SET", key("k"), "v"]];

const times: CommandRow[] = [
	{
		title: "expire",
		before: withoutTime,
		call: (on, key) => on.expire(key("k"), 100),
		expected: 1,
		after: (key) => [[["TTL", key("k")], expect.toBeOneOf([99, 100])]],
	},
	{ title: "expire of no key", call: (on, key) => on.expire(key("k"), 100), expected: 0 },
	{
		title: "expire in the past",
		before: withoutTime,
		call: (on, key) => on.expire(key("k"), -1),
		expected: 1,
		after: (key) => [[["EXISTS", key("k")], 0]],
	},
	{ title: "expire nx forbids", before: withTime, call: (on, key) => on.expire(key("k"), 5, { nx: true }), expected: 0 },
	{ title: "expire nx", before: withoutTime, call: (on, key) => on.expire(key("k"), 5, { nx: true }), expected: 1 },
	{ title: "expire xx forbids", before: withoutTime, call: (on, key) => on.expire(key("k"), 5, { xx: true }), expected: 0 },
	{ title: "expire gt forbids", before: withTime, call: (on, key) => on.expire(key("k"), 5, { gt: true }), expected: 0 },
	{ title: "expire lt", before: withTime, call: (on, key) => on.expire(key("k"), 5, { lt: true, gt: false }), expected: 1 },
	{
		title: "expire xx and gt",
		before: withTime,
		call: (on, key) => on.expire(key("k"), 500, { xx: true, gt: true }),
		expected: 1,
	},
	{
		title: "pexpire",
		before: withTime,
		call: (on, key) => on.pexpire(key("k"), 500_000, { gt: true }),
		expected: 1,
		after: (key) => [[["TTL", key("k")], expect.toBeOneOf([499, 500])]],
	},
	{
		title: "expireat",
		before: withoutTime,
		call: (on, key) => on.expireat(key("k"), soon, { nx: true }),
		expected: 1,
		after: (key) => [[["EXPIRETIME", key("k")], soon]],
	},
	{
		title: "expireat in the past",
		before: withTime,
		call: (on, key) => on.expireat(key("k"), past, { lt: true }),
		expected: 1,
		after: (key) => [[["EXISTS", key("k")], 0]],
	},
	{
		title: "pexpireat",
		before: withoutTime,
		call: (on, key) => on.pexpireat(key("k"), soon * 1000 + 7),
		expected: 1,
		after: (key) => [[["PEXPIRETIME", key("k")], soon * 1000 + 7]],
	},
	{
		title: "expiretime",
		before: (key) => [["SET", key("k"), "v", "EXAT", soon]],
		call: (on, key) => on.expiretime(key("k")),
		expected: soon,
	},
	{ title: "expiretime of a key that stays", before: withoutTime, call: (on, key) => on.expiretime(key("k")), expected: -1 },
	{
		title: "pexpiretime",
		before: (key) => [["SET", key("k"), "v", "PXAT", soon * 1000 + 1]],
		call: (on, key) => on.pexpiretime(key("k")),
		expected: soon * 1000 + 1,
	},
	{ title: "pexpiretime of no key", call: (on, key) => on.pexpiretime(key("k")), expected: -2 },
	{ title: "ttl", before: withTime, call: (on, key) => on.ttl(key("k")), expected: () => expect.toBeOneOf([99, 100]) },
	{ title: "ttl of a key that stays", before: withoutTime, call: (on, key) => on.ttl(key("k")), expected: -1 },
	{ title: "pttl", before: withTime, call: (on, key) => on.pttl(key("k")), expected: () => expect.closeTo(99_000, -4) },
	{ title: "pttl of no key", call: (on, key) => on.pttl(key("k")), expected: -2 },
	{
		title: "persist",
		before: withTime,
		call: (on, key) => on.persist(key("k")),
		expected: 1,
		after: (key) => [[["TTL", key("k")], -1]],
	},
	{ title: "persist of a key that stays", before: withoutTime, call: (on, key) => on.persist(key("k")), expected: 0 },
];

const numbers = (key: (name: string) => string) => [["RPUSH", key("l"), 3, 1, 10, 2]];

const sorted: CommandRow[] = [
	{ title: "sort", before: numbers, call: (on, key) => on.sort(key("l")), expected: (bulk) => ["1", "2", "3", "10"].map(bulk) },
	{ title: "sort of no key", call: (on, key) => on.sort(key("l")), expected: [] },
	{
		title: "sort as text, descending, a part",
		before: numbers,
		call: (on, key) => on.sort(key("l"), { alpha: true, desc: true, limit: { offset: 1, count: 2 } }),
		expected: (bulk) => ["2", "10"].map(bulk),
	},
	{
		title: "sort ascending and by nosort, which is not at all",
		before: (key) => [["RPUSH", key("l"), "b", "a"]],
		call: (on, key) => on.sort(key("l"), { by: "nosort", asc: true }),
		expected: (bulk) => ["b", "a"].map(bulk),
	},
	{
		title: "sort with get of the element itself, twice",
		on: "standalone",
		before: numbers,
		call: (on, key) => on.sort(key("l"), { get: ["#", "#"], limit: { offset: 0, count: 1 } }),
		expected: (bulk) => ["1", "1"].map(bulk),
	},
	{
		title: "sort by and get of other keys",
		on: "standalone",
		before: (key) => [
			["RPUSH", key("l"), "a", "b"],
			["MSET", key("w:a"), 2, key("w:b"), 1, key("v:a"), "A"],
		],
		call: (on, key) => on.sort(key("l"), { by: key("w:*"), get: key("v:*") }),
		expected: (bulk) => [null, bulk("A")],
	},
	{
		title: "sort with store",
		before: numbers,
		call: (on, key) => on.sort(key("l"), { store: key("to") }),
		expected: 4,
		after: (key) => [
			[
				["LRANGE", key("to"), 0, -1],
				["1", "2", "3", "10"],
			],
		],
	},
	{
		title: "sort of words without alpha",
		before: (key) => [["RPUSH", key("l"), "b", "a"]],
		call: (on, key) => on.sort(key("l")),
		expected: failure("ERR"),
	},
	{
		title: "sortRo",
		before: numbers,
		call: (on, key) => on.sortRo(key("l"), { desc: true }),
		expected: (bulk) => ["10", "3", "2", "1"].map(bulk),
	},
	{
		title: "objectEncoding",
		before: (key) => [["SET", key("k"), 5]],
		call: (on, key) => on.objectEncoding(key("k")),
		expected: (bulk) => bulk("int"),
	},
	{ title: "objectEncoding of no key", call: (on, key) => on.objectEncoding(key("k")), expected: null },
	{
		title: "objectIdletime",
		before: withoutTime,
		call: (on, key) => on.objectIdletime(key("k")),
		expected: () => expect.toBeOneOf([0, 1]),
	},
	{ title: "objectIdletime of no key", call: (on, key) => on.objectIdletime(key("k")), expected: null },
	{
		title: "objectRefcount",
		before: withoutTime,
		call: (on, key) => on.objectRefcount(key("k")),
		expected: 1,
	},
	{
		title: "objectFreq without LFU",
		before: withoutTime,
		call: (on, key) => on.objectFreq(key("k")),
		expected: failure("ERR"),
	},
];

const refused: RefusedRow[] = [
	{ title: "copy of a number", call: (on) => on.copy(never(5), "b"), error: argument(1) },
	{ title: "copy to a number", call: (on) => on.copy("b", never(5)), error: argument(2) },
	{ title: "copy across slots", on: "cluster", call: (on) => on.copy("a", "b"), error: crossSlot },
	{
		title: "copy with an unknown option",
		call: (on, key) => on.copy(key("a"), key("b"), never({ REPLACE: true })),
		error: option("REPLACE"),
	},
	{
		title: "copy with a database in words",
		call: (on, key) => on.copy(key("a"), key("b"), { db: never("1") }),
		error: option("db"),
	},
	{ title: "copy with null for options", call: (on, key) => on.copy(key("a"), key("b"), never(null)), error: option("options") },
	{ title: "dump of no key", call: (on) => on.dump(never(undefined)), error: argument(1) },
	{ title: "restore of text", call: (on, key) => on.restore(key("k"), 0, never("v")), error: argument(3) },
	{ title: "restore with a time below 0", call: (on, key) => on.restore(key("k"), -1, dumped), error: argument(2) },
	{
		title: "restore with idletime and freq",
		call: (on, key) => on.restore(key("k"), 0, dumped, { idletime: 1, freq: 1 }),
		error: option("freq"),
	},
	{
		title: "restore with a flag in words",
		call: (on, key) => on.restore(key("k"), 0, dumped, { replace: never("yes") }),
		error: option("replace"),
	},
	...(["expire", "pexpire", "expireat", "pexpireat"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} of a number`, call: (on) => on[name](never(5), 1), error: argument(1) },
		{ title: `${name} with a fraction`, call: (on, key) => on[name](key("k"), 1.5), error: argument(2) },
		{ title: `${name} with text`, call: (on, key) => on[name](key("k"), never("5")), error: argument(2) },
		{ title: `${name} with no time`, call: (on, key) => on[name](key("k"), never(undefined)), error: argument(2) },
		{ title: `${name} nx and xx`, call: (on, key) => on[name](key("k"), 5, { nx: true, xx: true }), error: option("xx") },
		{ title: `${name} nx and gt`, call: (on, key) => on[name](key("k"), 5, { nx: true, gt: true }), error: option("gt") },
		{ title: `${name} gt and lt`, call: (on, key) => on[name](key("k"), 5, { gt: true, lt: true }), error: option("lt") },
		{
			title: `${name} with an unknown option`,
			call: (on, key) => on[name](key("k"), 5, never({ ch: true })),
			error: option("ch"),
		},
		{
			title: `${name} with a flag that is none`,
			call: (on, key) => on[name](key("k"), 5, { nx: never(1) }),
			error: option("nx"),
		},
	]),
	...(["expiretime", "pexpiretime", "ttl", "pttl", "persist", "type", "sort", "sortRo", "dump"] as const).map(
		(name): RefusedRow => ({ title: `${name} of a number`, call: (on) => on[name](never(5)), error: argument(1) }),
	),
	...(["objectEncoding", "objectFreq", "objectIdletime", "objectRefcount"] as const).map(
		(name): RefusedRow => ({ title: `${name} of a number`, call: (on) => on[name](never(5)), error: argument(2) }),
	),
	...(["rename", "renamenx"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} to nothing`, call: (on, key) => on[name](key("a"), never(undefined)), error: argument(2) },
		{ title: `${name} to a number`, call: (on, key) => on[name](key("a"), never(7)), error: argument(2) },
		{ title: `${name} across slots`, on: "cluster", call: (on) => on[name]("a", "b"), error: crossSlot },
	]),
	{ title: "keys of no pattern", call: (on) => on.keys(never(undefined)), error: argument(1) },
	{ title: "keys of a number", call: (on) => on.keys(never(5)), error: argument(1) },
	{ title: "move to a database in words", call: (on, key) => on.move(key("k"), never("9")), error: argument(2) },
	{ title: "sort asc and desc", call: (on, key) => on.sort(key("k"), { asc: true, desc: true }), error: option("desc") },
	{ title: "sort by a number", call: (on, key) => on.sort(key("k"), { by: never(5) }), error: option("by") },
	{ title: "sort with get of a number", call: (on, key) => on.sort(key("k"), { get: never(5) }), error: option("get") },
	{
		title: "sort with a limit in a list",
		call: (on, key) => on.sort(key("k"), { limit: never([0, 1]) }),
		error: option("limit.0"),
	},
	{
		title: "sort with half a limit",
		call: (on, key) => on.sort(key("k"), { limit: never({ offset: 0 }) }),
		error: option("limit.count"),
	},
	{ title: "sort stored across slots", on: "cluster", call: (on) => on.sort("a", { store: "b" }), error: crossSlot },
	{ title: "sort stored under a number", call: (on, key) => on.sort(key("k"), never({ store: 5 })), error: option("store") },
	{ title: "sortRo with store", call: (on, key) => on.sortRo(key("k"), never({ store: key("to") })), error: option("store") },
];

testCommands({ rows: [...life, ...serialized, ...times, ...sorted], refused });
