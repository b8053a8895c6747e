/** Keys: their life, type, time to live. */
import { expect } from "vitest";
import { type Bulk, type CommandRow, failure, type RefusedRow, testCommands } from "../support/typed-commands.js";

const soon = Math.floor(Date.now() / 1000) + 1000;
const past = 1_000_000_000;
/** "v", as DUMP gives it, of the sixth version of the format: servers of any age restore it. */
const dumped = Buffer.from("000176060007e5a632ec6db65d", "hex");

const life: CommandRow[] = [
	{
		title: "del of several keys",
		before: (key) => [["MSET", key("a"), 1, key("b"), 2]],
		call: (c, key) => c.del(key("a"), [key("b"), key("no")]),
		expected: 2,
	},
	{
		title: "copy",
		before: (key) => [["SET", key("a"), "v", "EX", 100]],
		call: (c, key) => c.copy(key("a"), key("b")),
		expected: 1,
		after: (key) => [
			[["GET", key("b")], "v"],
			[["TTL", key("b")], expect.toBeOneOf([99, 100])],
		],
	},
	{
		title: "copy onto a key that is there",
		before: (key) => [["MSET", key("a"), "v", key("b"), "w"]],
		call: (c, key) => c.copy(key("a"), key("b"), { replace: false }),
		expected: 0,
	},
	{
		title: "copy with replace",
		before: (key) => [["MSET", key("a"), "v", key("b"), "w"]],
		call: (c, key) => c.copy(key("a"), key("b"), { replace: true }),
		expected: 1,
		after: (key) => [[["GET", key("b")], "v"]],
	},
	{
		title: "copy to another database",
		on: "standalone",
		before: (key) => [["SET", key("a"), "v"]],
		call: (c, key) => c.copy(key("a"), key("a"), { db: 9 }),
		expected: 1,
	},
	{
		title: "copy to another database of a cluster",
		on: "cluster",
		call: (c, key) => c.copy(key("a"), key("a"), { db: 9 }),
		expected: failure("ERR"),
	},
	{
		title: "rename",
		before: (key) => [["SET", key("a"), "v"]],
		call: (c, key) => c.rename(key("a"), key("b")),
		expected: "OK",
		after: (key) => [
			[["GET", key("b")], "v"],
			[["EXISTS", key("a")], 0],
		],
	},
	{ title: "rename of no key", call: (c, key) => c.rename(key("a"), key("b")), expected: failure("ERR") },
	{
		title: "renamenx",
		before: (key) => [["SET", key("a"), "v"]],
		call: (c, key) => c.renamenx(key("a"), key("b")),
		expected: 1,
	},
	{
		title: "renamenx to a name that is taken",
		before: (key) => [["MSET", key("a"), "v", key("b"), "w"]],
		call: (c, key) => c.renamenx(key("a"), key("b")),
		expected: 0,
		after: (key) => [[["GET", key("b")], "w"]],
	},
	{
		title: "move",
		on: "standalone",
		before: (key) => [["SET", key("a"), "v"]],
		call: (c, key) => c.move(key("a"), 9),
		expected: 1,
		after: (key) => [[["EXISTS", key("a")], 0]],
	},
	{
		title: "move on a cluster, which has one database",
		on: "cluster",
		before: (key) => [["SET", key("a"), "v"]],
		call: (c, key) => c.move(key("a"), 9),
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
			call: (c, key) => c.type(key("k")),
			expected: type,
		}),
	),
	{ title: "type of no key", call: (c, key) => c.type(key("k")), expected: "none" },
	{
		title: "randomkey",
		severalNodes: true,
		before: (key) => [["SET", key("k"), 1]],
		call: (c) => c.randomkey(),
		// The servers are shared: which key it is stays open.
		expected: (bulk: Bulk) => expect.any(typeof bulk("") === "string" ? String : Buffer),
	},
];

const serialized: CommandRow[] = [
	{
		title: "dump",
		bytes: true,
		before: (key) => [["SET", key("k"), "v"]],
		call: (c, key) => c.dump(key("k")),
		// Type, length, value; then the version of the format and a checksum, two and eight bytes.
		expected: () =>
			expect.toSatisfy((bytes: unknown) => Buffer.isBuffer(bytes) && bytes.toString("latin1").startsWith("\0\x01v")),
	},
	{ title: "dump of no key", bytes: true, call: (c, key) => c.dump(key("k")), expected: null },
	{
		title: "restore",
		call: (c, key) => c.restore(key("k"), 100_000, dumped),
		expected: "OK",
		after: (key) => [
			[["GET", key("k")], "v"],
			[["TTL", key("k")], expect.toBeOneOf([99, 100])],
		],
	},
	{
		title: "restore onto a key that is there",
		before: (key) => [["SET", key("k"), "w"]],
		call: (c, key) => c.restore(key("k"), 0, dumped),
		expected: failure("BUSYKEY"),
	},
	{
		title: "restore with replace, absttl and idletime",
		before: (key) => [["SET", key("k"), "w"]],
		call: (c, key) => c.restore(key("k"), soon * 1000, dumped, { replace: true, absttl: true, idletime: 500 }),
		expected: "OK",
		after: (key) => [
			[["OBJECT", "IDLETIME", key("k")], expect.toBeOneOf([500, 501])],
			[["EXPIRETIME", key("k")], soon],
		],
	},
	{
		title: "restore with freq",
		call: (c, key) => c.restore(key("k"), 0, dumped, { freq: 7 }),
		expected: "OK",
	},
	{
		title: "restore of damaged bytes",
		call: (c, key) => c.restore(key("k"), 0, Buffer.from("no dump")),
		expected: failure("ERR"),
	},
];

const withTime = (key: (name: string) => string) => [["SET", key("k"), "v", "EX", 100]];
const withoutTime = (key: (name: string) => string) => [["SET", key("k"), "v"]];

const times: CommandRow[] = [
	{
		title: "expire",
		before: withoutTime,
		call: (c, key) => c.expire(key("k"), 100),
		expected: 1,
		after: (key) => [[["TTL", key("k")], expect.toBeOneOf([99, 100])]],
	},
	{ title: "expire of no key", call: (c, key) => c.expire(key("k"), 100), expected: 0 },
	{
		title: "expire in the past",
		before: withoutTime,
		call: (c, key) => c.expire(key("k"), -1),
		expected: 1,
		after: (key) => [[["EXISTS", key("k")], 0]],
	},
	{ title: "expire nx forbids", before: withTime, call: (c, key) => c.expire(key("k"), 5, { nx: true }), expected: 0 },
	{ title: "expire nx", before: withoutTime, call: (c, key) => c.expire(key("k"), 5, { nx: true }), expected: 1 },
	{ title: "expire xx forbids", before: withoutTime, call: (c, key) => c.expire(key("k"), 5, { xx: true }), expected: 0 },
	{ title: "expire gt forbids", before: withTime, call: (c, key) => c.expire(key("k"), 5, { gt: true }), expected: 0 },
	{ title: "expire lt", before: withTime, call: (c, key) => c.expire(key("k"), 5, { lt: true, gt: false }), expected: 1 },
	{ title: "expire xx and gt", before: withTime, call: (c, key) => c.expire(key("k"), 500, { xx: true, gt: true }), expected: 1 },
	{
		title: "pexpire",
		before: withTime,
		call: (c, key) => c.pexpire(key("k"), 500_000, { gt: true }),
		expected: 1,
		after: (key) => [[["TTL", key("k")], expect.toBeOneOf([499, 500])]],
	},
	{
		title: "expireat",
		before: withoutTime,
		call: (c, key) => c.expireat(key("k"), soon, { nx: true }),
		expected: 1,
		after: (key) => [[["EXPIRETIME", key("k")], soon]],
	},
	{
		title: "expireat in the past",
		before: withTime,
		call: (c, key) => c.expireat(key("k"), past, { lt: true }),
		expected: 1,
		after: (key) => [[["EXISTS", key("k")], 0]],
	},
	{
		title: "pexpireat",
		before: withoutTime,
		call: (c, key) => c.pexpireat(key("k"), soon * 1000 + 7),
		expected: 1,
		after: (key) => [[["PEXPIRETIME", key("k")], soon * 1000 + 7]],
	},
	{
		title: "expiretime",
		before: (key) => [["SET", key("k"), "v", "EXAT", soon]],
		call: (c, key) => c.expiretime(key("k")),
		expected: soon,
	},
	{ title: "expiretime of a key that stays", before: withoutTime, call: (c, key) => c.expiretime(key("k")), expected: -1 },
	{
		title: "pexpiretime",
		before: (key) => [["SET", key("k"), "v", "PXAT", soon * 1000 + 1]],
		call: (c, key) => c.pexpiretime(key("k")),
		expected: soon * 1000 + 1,
	},
	{ title: "pexpiretime of no key", call: (c, key) => c.pexpiretime(key("k")), expected: -2 },
	{ title: "ttl", before: withTime, call: (c, key) => c.ttl(key("k")), expected: () => expect.toBeOneOf([99, 100]) },
	{ title: "ttl of a key that stays", before: withoutTime, call: (c, key) => c.ttl(key("k")), expected: -1 },
	{ title: "pttl", before: withTime, call: (c, key) => c.pttl(key("k")), expected: () => expect.closeTo(99_000, -4) },
	{ title: "pttl of no key", call: (c, key) => c.pttl(key("k")), expected: -2 },
	{
		title: "persist",
		before: withTime,
		call: (c, key) => c.persist(key("k")),
		expected: 1,
		after: (key) => [[["TTL", key("k")], -1]],
	},
	{ title: "persist of a key that stays", before: withoutTime, call: (c, key) => c.persist(key("k")), expected: 0 },
];

const numbers = (key: (name: string) => string) => [["RPUSH", key("l"), 3, 1, 10, 2]];

const sorted: CommandRow[] = [
	{ title: "sort", before: numbers, call: (c, key) => c.sort(key("l")), expected: (b: Bulk) => ["1", "2", "3", "10"].map(b) },
	{ title: "sort of no key", call: (c, key) => c.sort(key("l")), expected: [] },
	{
		title: "sort as text, descending, a part",
		before: numbers,
		call: (c, key) => c.sort(key("l"), { alpha: true, desc: true, limit: { offset: 1, count: 2 } }),
		expected: (b: Bulk) => ["2", "10"].map(b),
	},
	{
		title: "sort ascending and by nosort, which is not at all",
		before: (key) => [["RPUSH", key("l"), "b", "a"]],
		call: (c, key) => c.sort(key("l"), { by: "nosort", asc: true }),
		expected: (b: Bulk) => ["b", "a"].map(b),
	},
	{
		title: "sort with get of the element itself, twice",
		on: "standalone",
		before: numbers,
		call: (c, key) => c.sort(key("l"), { get: ["#", "#"], limit: { offset: 0, count: 1 } }),
		expected: (b: Bulk) => ["1", "1"].map(b),
	},
	{
		title: "sort by and get of other keys",
		on: "standalone",
		before: (key) => [
			["RPUSH", key("l"), "a", "b"],
			["MSET", key("w:a"), 2, key("w:b"), 1, key("v:a"), "A"],
		],
		call: (c, key) => c.sort(key("l"), { by: key("w:*"), get: key("v:*") }),
		expected: (b: Bulk) => [null, b("A")],
	},
	{
		title: "sort with store",
		before: numbers,
		call: (c, key) => c.sort(key("l"), { store: key("to") }),
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
		call: (c, key) => c.sort(key("l")),
		expected: failure("ERR"),
	},
	{
		title: "sortRo",
		before: numbers,
		call: (c, key) => c.sortRo(key("l"), { desc: true }),
		expected: (b: Bulk) => ["10", "3", "2", "1"].map(b),
	},
	{
		title: "objectEncoding",
		before: (key) => [["SET", key("k"), 5]],
		call: (c, key) => c.objectEncoding(key("k")),
		expected: (b: Bulk) => b("int"),
	},
	{ title: "objectEncoding of no key", call: (c, key) => c.objectEncoding(key("k")), expected: null },
	{
		title: "objectIdletime",
		before: withoutTime,
		call: (c, key) => c.objectIdletime(key("k")),
		expected: () => expect.toBeOneOf([0, 1]),
	},
	{ title: "objectIdletime of no key", call: (c, key) => c.objectIdletime(key("k")), expected: null },
	{
		title: "objectRefcount",
		before: withoutTime,
		call: (c, key) => c.objectRefcount(key("k")),
		expected: 1,
	},
	{
		title: "objectFreq without LFU",
		before: withoutTime,
		call: (c, key) => c.objectFreq(key("k")),
		expected: failure("ERR"),
	},
];

const never = (value: unknown): never => value as never;
const argument = (index: number) => ({ code: "INVALID_ARGUMENT", index });
const option = (field: string) => ({ code: "INVALID_OPTION", field });

const refused: RefusedRow[] = [
	{ title: "copy of a number", call: (c) => c.copy(never(5), "b"), error: argument(1) },
	{ title: "copy to a number", call: (c) => c.copy("b", never(5)), error: argument(2) },
	{ title: "copy across slots", on: "cluster", call: (c) => c.copy("a", "b"), error: { code: "CROSSSLOT" } },
	{
		title: "copy with an unknown option",
		call: (c, key) => c.copy(key("a"), key("b"), never({ REPLACE: true })),
		error: option("REPLACE"),
	},
	{
		title: "copy with a database in words",
		call: (c, key) => c.copy(key("a"), key("b"), { db: never("1") }),
		error: option("db"),
	},
	{ title: "copy with null for options", call: (c, key) => c.copy(key("a"), key("b"), never(null)), error: option("options") },
	{ title: "dump of no key", call: (c) => c.dump(never(undefined)), error: argument(1) },
	{ title: "restore of text", call: (c, key) => c.restore(key("k"), 0, never("v")), error: argument(3) },
	{ title: "restore with a time below 0", call: (c, key) => c.restore(key("k"), -1, dumped), error: argument(2) },
	{
		title: "restore with idletime and freq",
		call: (c, key) => c.restore(key("k"), 0, dumped, { idletime: 1, freq: 1 }),
		error: option("freq"),
	},
	{
		title: "restore with a flag in words",
		call: (c, key) => c.restore(key("k"), 0, dumped, { replace: never("yes") }),
		error: option("replace"),
	},
	...(["expire", "pexpire", "expireat", "pexpireat"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} of a number`, call: (c) => c[name](never(5), 1), error: argument(1) },
		{ title: `${name} with a fraction`, call: (c, key) => c[name](key("k"), 1.5), error: argument(2) },
		{ title: `${name} with text`, call: (c, key) => c[name](key("k"), never("5")), error: argument(2) },
		{ title: `${name} with no time`, call: (c, key) => c[name](key("k"), never(undefined)), error: argument(2) },
		{ title: `${name} nx and xx`, call: (c, key) => c[name](key("k"), 5, { nx: true, xx: true }), error: option("xx") },
		{ title: `${name} nx and gt`, call: (c, key) => c[name](key("k"), 5, { nx: true, gt: true }), error: option("gt") },
		{ title: `${name} gt and lt`, call: (c, key) => c[name](key("k"), 5, { gt: true, lt: true }), error: option("lt") },
		{ title: `${name} with an unknown option`, call: (c, key) => c[name](key("k"), 5, never({ ch: true })), error: option("ch") },
		{ title: `${name} with a flag that is none`, call: (c, key) => c[name](key("k"), 5, { nx: never(1) }), error: option("nx") },
	]),
	...(["expiretime", "pexpiretime", "ttl", "pttl", "persist", "type", "sort", "sortRo", "dump"] as const).map(
		(name): RefusedRow => ({ title: `${name} of a number`, call: (c) => c[name](never(5)), error: argument(1) }),
	),
	...(["objectEncoding", "objectFreq", "objectIdletime", "objectRefcount"] as const).map(
		(name): RefusedRow => ({ title: `${name} of a number`, call: (c) => c[name](never(5)), error: argument(2) }),
	),
	...(["rename", "renamenx"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} to nothing`, call: (c, key) => c[name](key("a"), never(undefined)), error: argument(2) },
		{ title: `${name} to a number`, call: (c, key) => c[name](key("a"), never(7)), error: argument(2) },
		{ title: `${name} across slots`, on: "cluster", call: (c) => c[name]("a", "b"), error: { code: "CROSSSLOT" } },
	]),
	{ title: "move to a database in words", call: (c, key) => c.move(key("k"), never("9")), error: argument(2) },
	{ title: "sort asc and desc", call: (c, key) => c.sort(key("k"), { asc: true, desc: true }), error: option("desc") },
	{ title: "sort by a number", call: (c, key) => c.sort(key("k"), { by: never(5) }), error: option("by") },
	{ title: "sort with get of a number", call: (c, key) => c.sort(key("k"), { get: never(5) }), error: option("get") },
	{
		title: "sort with a limit in a list",
		call: (c, key) => c.sort(key("k"), { limit: never([0, 1]) }),
		error: option("limit.0"),
	},
	{
		title: "sort with half a limit",
		call: (c, key) => c.sort(key("k"), { limit: never({ offset: 0 }) }),
		error: option("limit.count"),
	},
	{ title: "sort stored across slots", on: "cluster", call: (c) => c.sort("a", { store: "b" }), error: { code: "CROSSSLOT" } },
	{ title: "sort stored under a number", call: (c, key) => c.sort(key("k"), never({ store: 5 })), error: option("store") },
	{ title: "sortRo with store", call: (c, key) => c.sortRo(key("k"), never({ store: key("to") })), error: option("store") },
];

testCommands([...life, ...serialized, ...times, ...sorted], refused);
