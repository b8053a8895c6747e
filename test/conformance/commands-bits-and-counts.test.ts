/** Bitmaps, and HyperLogLog. */
import {
	argument,
	type CommandRow,
	crossSlot,
	failure,
	type KeyOf,
	never,
	type RefusedRow,
	testCommands,
} from "../support/typed-commands.js";

const foobar = (key: KeyOf) => [["SET", key("k"), "foobar"]];
const list = (key: KeyOf) => [["RPUSH", key("k"), "a"]];

const bits: CommandRow[] = [
	{
		title: "setbit",
		call: (on, key) => on.setbit(key("k"), 7, 1),
		expected: 0,
		after: (key) => [[["GET", key("k")], "\x01"]],
	},
	{ title: "setbit to 0", before: foobar, call: (on, key) => on.setbit(key("k"), 1, 0), expected: 1 },
	{ title: "setbit beyond what a value may have", call: (on, key) => on.setbit(key("k"), 2 ** 32, 0), expected: failure("ERR") },
	{ title: "getbit", before: foobar, call: (on, key) => on.getbit(key("k"), 1), expected: 1 },
	{ title: "getbit of no key", call: (on, key) => on.getbit(key("k"), 1), expected: 0 },
	{ title: "bitcount", before: foobar, call: (on, key) => on.bitcount(key("k")), expected: 26 },
	{ title: "bitcount of a range", before: foobar, call: (on, key) => on.bitcount(key("k"), 1, 1), expected: 6 },
	{ title: "bitcount of a range in bytes", before: foobar, call: (on, key) => on.bitcount(key("k"), 1, -5, "byte"), expected: 6 },
	{ title: "bitcount of a range in bits", before: foobar, call: (on, key) => on.bitcount(key("k"), 5, 30, "bit"), expected: 17 },
	{ title: "bitcount of no key", call: (on, key) => on.bitcount(key("k")), expected: 0 },
	{ title: "bitcount of a list", before: list, call: (on, key) => on.bitcount(key("k")), expected: failure("WRONGTYPE") },
	{ title: "bitpos", before: foobar, call: (on, key) => on.bitpos(key("k"), 1), expected: 1 },
	{ title: "bitpos from a byte on", before: foobar, call: (on, key) => on.bitpos(key("k"), 0, 2), expected: 16 },
	{ title: "bitpos within bytes", before: foobar, call: (on, key) => on.bitpos(key("k"), 1, 2, -1, "byte"), expected: 17 },
	{ title: "bitpos within bits", before: foobar, call: (on, key) => on.bitpos(key("k"), 1, 7, 15, "bit"), expected: 9 },
	{ title: "bitpos of what is not there", call: (on, key) => on.bitpos(key("k"), 1), expected: -1 },
	...(
		[
			["and", "`bc`ab"],
			["or", "goofev"],
			["xor", "\x07\r\x0c\x06\x04\x14"],
		] as const
	).map(
		([operation, result]): CommandRow => ({
			title: `bitop ${operation}`,
			before: (key) => [["MSET", key("a"), "foobar", key("b"), "abcdef"]],
			call: (on, key) => on.bitop(operation, key("to"), key("a"), [key("b")]),
			expected: 6,
			after: (key) => [[["GET", key("to")], result]],
		}),
	),
	{
		title: "bitop not",
		before: (key) => [["SETBIT", key("a"), 7, 0]],
		call: (on, key) => on.bitop("not", key("to"), key("a")),
		expected: 1,
		after: (key) => [[["BITCOUNT", key("to")], 8]],
	},
	{ title: "bitop not of two", call: (on, key) => on.bitop("not", key("to"), key("a"), key("b")), expected: failure("ERR") },
	{
		title: "bitfield: incrby and get",
		call: (on, key) =>
			on.bitfield(key("k"), [
				["incrby", "i5", 100, 1],
				["get", "u4", 0],
			]),
		expected: [1, 0],
	},
	{
		title: "bitfield with overflows of every kind",
		call: (on, key) =>
			on.bitfield(key("k"), [
				["set", "u2", "#1", 3],
				["incrby", "u2", "#1", 1],
				["overflow", "sat"],
				["incrby", "u2", "#1", 5],
				["overflow", "fail"],
				["incrby", "u2", "#1", 1],
				["overflow", "wrap"],
				["get", "u2", "#1"],
			]),
		expected: [0, 0, 3, null, 3],
	},
	{
		title: "bitfield of 64 bits",
		call: (on, key) =>
			on.bitfield(key("k"), [
				["set", "i64", 0, -(2n ** 63n)],
				["get", "i64", 0],
				["get", "u63", 0],
			]),
		expected: [0, -(2n ** 63n), 2n ** 62n],
	},
	{ title: "bitfield without operations", call: (on, key) => on.bitfield(key("k"), []), expected: [] },
	{
		title: "bitfieldRo",
		before: foobar,
		call: (on, key) =>
			on.bitfieldRo(key("k"), [
				["get", "u8", "#0"],
				["get", "i8", 100],
			]),
		expected: [0x66, 0],
	},
];

const counts: CommandRow[] = [
	{ title: "pfadd", call: (on, key) => on.pfadd(key("k"), "a", ["b", 3], Buffer.from("a")), expected: 1 },
	{
		title: "pfadd of what is there",
		before: (key) => [["PFADD", key("k"), "a"]],
		call: (on, key) => on.pfadd(key("k"), "a"),
		expected: 0,
	},
	{ title: "pfadd of nothing makes the key", call: (on, key) => on.pfadd(key("k")), expected: 1 },
	{
		title: "pfcount of several keys",
		before: (key) => [
			["PFADD", key("a"), 1, 2, 3],
			["PFADD", key("b"), 3, 4],
		],
		call: (on, key) => on.pfcount(key("a"), [key("b"), key("no")]),
		expected: 4,
	},
	{ title: "pfcount of no key", call: (on, key) => on.pfcount(key("k")), expected: 0 },
	{ title: "pfcount of a string", before: foobar, call: (on, key) => on.pfcount(key("k")), expected: failure("WRONGTYPE") },
	{
		title: "pfmerge",
		before: (key) => [
			["PFADD", key("a"), 1, 2, 3],
			["PFADD", key("b"), 3, 4],
		],
		call: (on, key) => on.pfmerge(key("to"), key("a"), key("b")),
		expected: "OK",
		after: (key) => [[["PFCOUNT", key("to")], 4]],
	},
	{ title: "pfmerge of nothing", call: (on, key) => on.pfmerge(key("to")), expected: "OK" },
];

const refused: RefusedRow[] = [
	{ title: "setbit of a number", call: (on) => on.setbit(never(5), 0, 1), error: argument(1) },
	{ title: "setbit below 0", call: (on, key) => on.setbit(key("k"), -1, 1), error: argument(2) },
	{ title: "setbit to 2", call: (on, key) => on.setbit(key("k"), 1, never(2)), error: argument(3) },
	{ title: "setbit to true", call: (on, key) => on.setbit(key("k"), 1, never(true)), error: argument(3) },
	{ title: "getbit of a fraction", call: (on, key) => on.getbit(key("k"), 0.5), error: argument(2) },
	{ title: "getbit of a number", call: (on) => on.getbit(never(5), 0), error: argument(1) },
	{ title: "bitcount of a number", call: (on) => on.bitcount(never(5)), error: argument(1) },
	{ title: "bitcount without an end", call: (on, key) => on.bitcount(key("k"), 0), error: argument(3) },
	{ title: "bitcount without a start", call: (on, key) => on.bitcount(key("k"), undefined, 5), error: argument(2) },
	{
		title: "bitcount with a unit alone",
		call: (on, key) => on.bitcount(key("k"), undefined, undefined, "bit"),
		error: argument(2),
	},
	{ title: "bitcount in words", call: (on, key) => on.bitcount(key("k"), 0, 1, never("BIT")), error: argument(4) },
	{ title: "bitpos of 2", call: (on, key) => on.bitpos(key("k"), never(2)), error: argument(2) },
	{ title: "bitpos with a unit and no end", call: (on, key) => on.bitpos(key("k"), 1, 0, undefined, "bit"), error: argument(4) },
	{ title: "bitpos without a start", call: (on, key) => on.bitpos(key("k"), 1, undefined, 5), error: argument(3) },
	{ title: "bitpos of a number", call: (on) => on.bitpos(never(5), 1), error: argument(1) },
	{ title: "bitop nand", call: (on, key) => on.bitop(never("nand"), key("to"), key("a")), error: argument(1) },
	{ title: "bitop of nothing", call: (on, key) => on.bitop("and", key("to")), error: argument(3) },
	{ title: "bitop to a number", call: (on, key) => on.bitop("and", never(5), key("a")), error: argument(2) },
	{ title: "bitop of a number", call: (on, key) => on.bitop("and", key("to"), never(5)), error: argument(3) },
	{ title: "bitop across slots", on: "cluster", call: (on) => on.bitop("or", "a", "b"), error: crossSlot },
	{ title: "bitfield of a number", call: (on) => on.bitfield(never(5), []), error: argument(1) },
	{ title: "bitfield of no list", call: (on, key) => on.bitfield(key("k"), never("get")), error: argument(2) },
	{ title: "bitfield of words in a row", call: (on, key) => on.bitfield(key("k"), never(["get", "u8", 0])), error: argument(2) },
	{ title: "bitfield del", call: (on, key) => on.bitfield(key("k"), [never(["del", "u8", 0])]), error: argument(2) },
	{ title: "bitfield of u64", call: (on, key) => on.bitfield(key("k"), [["get", "u64", 0]]), error: argument(3) },
	{ title: "bitfield of i65", call: (on, key) => on.bitfield(key("k"), [["get", "i65", 0]]), error: argument(3) },
	{ title: "bitfield of u0", call: (on, key) => on.bitfield(key("k"), [["get", "u0", 0]]), error: argument(3) },
	{ title: "bitfield below 0", call: (on, key) => on.bitfield(key("k"), [["get", "u8", -1]]), error: argument(4) },
	{ title: "bitfield at half a field", call: (on, key) => on.bitfield(key("k"), [["get", "u8", "#0.5"]]), error: argument(4) },
	{
		title: "bitfield set to a fraction, in the second operation",
		call: (on, key) =>
			on.bitfield(key("k"), [
				["get", "u8", 0],
				["set", "u8", 0, 0.5],
			]),
		error: argument(8),
	},
	{ title: "bitfield set to nothing", call: (on, key) => on.bitfield(key("k"), [never(["set", "u8", 0])]), error: argument(2) },
	{
		title: "bitfield with an unknown overflow",
		call: (on, key) => on.bitfield(key("k"), [never(["overflow", "up"])]),
		error: argument(3),
	},
	{ title: "bitfieldRo set", call: (on, key) => on.bitfieldRo(key("k"), [never(["set", "u8", 0, 1])]), error: argument(2) },
	{ title: "pfadd to a number", call: (on) => on.pfadd(never(5), "a"), error: argument(1) },
	{ title: "pfadd of an object", call: (on, key) => on.pfadd(key("k"), "a", never({})), error: argument(3) },
	{ title: "pfcount of nothing", call: (on) => on.pfcount(), error: argument(1) },
	{ title: "pfcount of a number", call: (on, key) => on.pfcount(key("k"), never(5)), error: argument(2) },
	{ title: "pfcount across slots", on: "cluster", call: (on) => on.pfcount("a", "b"), error: crossSlot },
	{ title: "pfmerge of a number", call: (on, key) => on.pfmerge(key("k"), never(5)), error: argument(2) },
	{ title: "pfmerge across slots", on: "cluster", call: (on) => on.pfmerge("a", "b"), error: crossSlot },
];

testCommands({ rows: [...bits, ...counts], refused });
