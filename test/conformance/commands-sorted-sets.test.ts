/** Sorted sets by their own methods (A31, A12): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { testMisshapen, testOnTheWire } from "../support/fake-replies.js";
import {
	argument,
	type Bulk,
	crossSlot,
	inAnyOrder,
	option,
	type RefusedRow,
	type Step,
	someOf,
	testCommands,
} from "../support/typed-commands.js";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: minusInf, NaN: nan } = Number;

/** Pairs as replies have them. */
const scored =
	(...pairs: [member: string, score: number][]) =>
	(text: Bulk) =>
		pairs.map(([member, score]) => [text(member), score]);
const members =
	(...names: string[]) =>
	(text: Bulk) =>
		names.map(text);

const steps: Step[] = [
	{ call: (on, key) => on.zadd(key("z"), 1.5, "a"), expected: 1 },
	{
		call: (on, key) =>
			on.zadd(key("z"), [
				{ score: inf, member: "top" },
				{ score: minusInf, member: Buffer.from("low") },
			]),
		expected: 2,
	},
	{
		call: (on, key) =>
			on.zadd(
				key("z"),
				new Map([
					["b", 2],
					["c", 1e300],
				]),
			),
		expected: 2,
	},
	{ call: (on, key) => on.zadd(key("z"), { a: 1.5, ü: 1e-7 }), expected: 1 },
	{ call: (on, key) => on.zadd(key("z"), [["b", 2.5]], { ch: true }), expected: 1 },
	{ call: (on, key) => on.zadd(key("z"), 9, "a", { nx: true }), expected: 0 },
	{ call: (on, key) => on.zadd(key("z"), 9, "new", { xx: true }), expected: 0 },
	{ call: (on, key) => on.zadd(key("z"), 1, "b", { gt: true, ch: true }), expected: 0 },
	{ call: (on, key) => on.zadd(key("z"), 2, "b", { lt: true, xx: true, ch: true }), expected: 1 },
	{ call: (on, key) => on.zadd(key("z"), 0.5, "b", { incr: true }), expected: 2.5 },
	{ call: (on, key) => on.zadd(key("z"), { b: 0.5 }, { incr: true, nx: true }), expected: null },
	{ call: (on, key) => on.zincrby(key("z"), -0.5, "b"), expected: 2 },
	{ call: (on, key) => on.zincrby(key("z"), 5, "top"), expected: inf },
	{ call: (on, key) => on.zincrby(key("z"), inf, "higher"), expected: inf },
	{ call: (on, key) => on.zrem(key("z"), "higher", ["nope"]), expected: 1 },
	{ call: (on, key) => on.zscore(key("z"), "low"), expected: minusInf },
	{ call: (on, key) => on.zscore(key("z"), "c"), expected: 1e300 },
	{ call: (on, key) => on.zscore(key("z"), "nope"), expected: null },
	{ call: (on, key) => on.zmscore(key("z"), "top", ["nope", "ü"]), expected: [inf, null, 1e-7] },
	{ call: (on, key) => on.zmscore(key("nope"), "a"), expected: [null] },
	{ call: (on, key) => on.zcard(key("z")), expected: 6 },
	{ call: (on, key) => on.zcard(key("nope")), expected: 0 },
	{ call: (on, key) => on.zrank(key("z"), "a"), expected: 2 },
	{ call: (on, key) => on.zrevrank(key("z"), "a", { withscore: false }), expected: 3 },
	{ call: (on, key) => on.zrank(key("z"), "nope"), expected: null },
	{ call: (on, key) => on.zrevrank(key("nope"), "a"), expected: null },

	{ call: (on, key) => on.zrange(key("z"), 0, -1), expected: members("low", "ü", "a", "b", "c", "top") },
	{
		call: (on, key) => on.zrange(key("z"), 0, -1, { withscores: true }),
		expected: scored(["low", minusInf], ["ü", 1e-7], ["a", 1.5], ["b", 2], ["c", 1e300], ["top", inf]),
	},
	{ call: (on, key) => on.zrange(key("z"), 0, 1, { rev: true, withscores: true }), expected: scored(["top", inf], ["c", 1e300]) },
	{ call: (on, key) => on.zrange(key("z"), 9, 10, { withscores: true }), expected: [] },
	{ call: (on, key) => on.zrange(key("nope"), 0, -1, { withscores: true }), expected: [] },
	{ call: (on, key) => on.zrange(key("z"), "(1.5", inf, { by: "score" }), expected: members("b", "c", "top") },
	{
		call: (on, key) => on.zrange(key("z"), minusInf, 1.5, { by: "score", withscores: true }),
		expected: scored(["low", minusInf], ["ü", 1e-7], ["a", 1.5]),
	},
	{
		call: (on, key) => on.zrange(key("z"), "+inf", "-inf", { by: "score", rev: true, limit: { offset: 1, count: 2 } }),
		expected: members("c", "b"),
	},
	{
		call: (on, key) => on.zrange(key("z"), 0, 5, { by: "score", withscores: true, limit: { offset: 1, count: -1 } }),
		expected: scored(["a", 1.5], ["b", 2]),
	},
	{ call: (on, key) => on.zcount(key("z"), 0, "(2"), expected: 2 },
	{ call: (on, key) => on.zcount(key("z"), "-inf", inf), expected: 6 },

	{ call: (on, key) => on.zadd(key("x"), { a: 0, b: 0, c: 0, d: 0 }), expected: 4 },
	{ call: (on, key) => on.zrange(key("x"), "[b", "(d", { by: "lex" }), expected: members("b", "c") },
	{
		call: (on, key) => on.zrange(key("x"), "+", Buffer.from("(a"), { by: "lex", rev: true, limit: { offset: 0, count: 2 } }),
		expected: members("d", "c"),
	},
	{ call: (on, key) => on.zlexcount(key("x"), "-", "[c"), expected: 3 },
	{ call: (on, key) => on.zrangebylex(key("x"), "-", "+"), expected: members("a", "b", "c", "d") },
	{ call: (on, key) => on.zrangebylex(key("x"), "[b", "+", { limit: { offset: 1, count: 1 } }), expected: members("c") },
	{ call: (on, key) => on.zrevrangebylex(key("x"), "(d", "-", { limit: { offset: 0, count: 2 } }), expected: members("c", "b") },
	{ call: (on, key) => on.zremrangebylex(key("x"), "[c", "+"), expected: 2 },

	{ call: (on, key) => on.zrevrange(key("z"), 0, 1), expected: members("top", "c") },
	{ call: (on, key) => on.zrevrange(key("z"), 4, -1, { withscores: true }), expected: scored(["ü", 1e-7], ["low", minusInf]) },
	{ call: (on, key) => on.zrangebyscore(key("z"), 0, 2), expected: members("ü", "a", "b") },
	{
		call: (on, key) => on.zrangebyscore(key("z"), "(0", inf, { withscores: true, limit: { offset: 1, count: 2 } }),
		expected: scored(["a", 1.5], ["b", 2]),
	},
	{
		call: (on, key) => on.zrevrangebyscore(key("z"), inf, 2, { limit: { offset: 0, count: 5 } }),
		expected: members("top", "c", "b"),
	},
	{ call: (on, key) => on.zrevrangebyscore(key("z"), 2, 2, { withscores: true }), expected: scored(["b", 2]) },
	{ call: (on, key) => on.zrangebyscore(key("nope"), 0, 2, { withscores: true }), expected: [] },

	{ call: (on, key) => on.zrangestore(key("s"), key("z"), 0, 2), expected: 3 },
	{ call: (on, key) => on.zrangestore(key("s"), key("z"), 1, 3, { by: "score" }), expected: 2 },
	{
		call: (on, key) => on.zrangestore(key("s"), key("z"), inf, 1, { by: "score", rev: true, limit: { offset: 0, count: 1 } }),
		expected: 1,
	},
	{ call: (on, key) => on.zrange(key("s"), 0, -1, { withscores: true }), expected: scored(["top", inf]) },
	{ call: (on, key) => on.zremrangebyscore(key("z"), 1e-8, "(1"), expected: 1 },
	{ call: (on, key) => on.zremrangebyrank(key("z"), -1, -1), expected: 1 },
	{
		call: (on, key) => on.zrange(key("z"), 0, -1, { withscores: true }),
		expected: scored(["low", minusInf], ["a", 1.5], ["b", 2], ["c", 1e300]),
	},

	{ call: (on, key) => on.zadd(key("w"), { a: 10, b: -0, d: 1 }), expected: 3 },
	{
		call: (on, key) => on.zunion([key("z"), key("w")], { withscores: true }),
		expected: scored(["low", minusInf], ["d", 1], ["b", 2], ["a", 11.5], ["c", 1e300]),
	},
	{ call: (on, key) => on.zunion(key("w")), expected: members("b", "d", "a") },
	{
		call: (on, key) => on.zinter([key("z"), key("w")], { weights: [2, 0.5], aggregate: "max", withscores: true }),
		expected: scored(["b", 4], ["a", 5]),
	},
	{ call: (on, key) => on.zinter([key("z"), key("w")], { aggregate: "min" }), expected: members("b", "a") },
	{ call: (on, key) => on.zinter([key("z"), key("nope")], { withscores: true }), expected: [] },
	{ call: (on, key) => on.zdiff([key("z"), key("w")], { withscores: true }), expected: scored(["low", minusInf], ["c", 1e300]) },
	{ call: (on, key) => on.zdiff([key("w"), key("z")]), expected: members("d") },
	{ call: (on, key) => on.zintercard([key("z"), key("w")]), expected: 2 },
	{ call: (on, key) => on.zintercard([key("z"), key("w")], { limit: 1 }), expected: 1 },
	{ call: (on, key) => on.zunionstore(key("s"), [key("z"), key("w")], { aggregate: "sum" }), expected: 5 },
	{ call: (on, key) => on.zinterstore(key("s"), [key("z"), key("w")], { weights: [minusInf, 1] }), expected: 2 },
	{ call: (on, key) => on.zrange(key("s"), 0, -1, { withscores: true }), expected: scored(["a", minusInf], ["b", minusInf]) },
	{ call: (on, key) => on.zdiffstore(key("s"), key("w"), [key("z")]), expected: 1 },
	{ call: (on, key) => on.zdiffstore(key("s"), key("w"), key("w")), expected: 0 },

	{ call: (on, key) => on.zrandmember(key("w")), expected: (text) => someOf(["a", "b", "d"].map(text)) },
	{ call: (on, key) => on.zrandmember(key("nope")), expected: null },
	{ call: (on, key) => on.zrandmember(key("w"), 9), expected: (text) => inAnyOrder(["a", "b", "d"].map(text)) },
	{ call: (on, key) => on.zrandmember(key("x"), -3), expected: (text) => someOf(["a", "b"].map(text), 3) },
	{
		call: (on, key) => on.zrandmember(key("x"), 2, { withscores: true }),
		expected: (text) => inAnyOrder(scored(["a", 0], ["b", 0])(text)),
	},
	{
		call: (on, key) => on.zrandmember(key("x"), -3, { withscores: true }),
		expected: (text) => someOf(scored(["a", 0], ["b", 0])(text), 3),
	},
	{ call: (on, key) => on.zrandmember(key("nope"), 3, { withscores: true }), expected: [] },
	{ call: (on, key) => on.zpopmin(key("z")), expected: (text) => [text("low"), minusInf] },
	{ call: (on, key) => on.zpopmax(key("z")), expected: (text) => [text("c"), 1e300] },
	{ call: (on, key) => on.zpopmin(key("z"), 1), expected: scored(["a", 1.5]) },
	{ call: (on, key) => on.zpopmax(key("w"), 2), expected: scored(["a", 10], ["d", 1]) },
	{ call: (on, key) => on.zpopmax(key("w"), 0), expected: [] },
	{ call: (on, key) => on.zpopmin(key("nope")), expected: null },
	{ call: (on, key) => on.zpopmax(key("nope")), expected: null },
	{ call: (on, key) => on.zpopmin(key("nope"), 2), expected: [] },
	{ call: (on, key) => on.zmpop([key("nope"), key("z")], "min"), expected: (text, key) => [text(key("z")), [[text("b"), 2]]] },
	{
		call: (on, key) => on.zmpop(key("x"), "max", { count: 9 }),
		expected: (text, key) => [text(key("x")), scored(["b", 0], ["a", 0])(text)],
	},
	{ call: (on, key) => on.zmpop([key("x"), key("z")], "max"), expected: null },
];

const refused: RefusedRow[] = [
	{ call: (on) => on.zadd("k", nan, "a"), error: argument(2) },
	{ call: (on) => on.zadd("k", "1" as never, "a"), error: argument(2) },
	{ call: (on) => on.zadd("k", null as never, "a"), error: argument(2) },
	{ call: (on) => on.zadd("k", 1, undefined as never), error: argument(3) },
	{ call: (on) => on.zadd(3 as never, 1, "a"), error: argument(1) },
	{ call: (on) => on.zadd("k", []), error: argument(2) },
	{ call: (on) => on.zadd("k", {}), error: argument(2) },
	{ call: (on) => on.zadd("k", [{ score: 1, member: "a" }, { member: "b" } as never]), error: argument(4) },
	{ call: (on) => on.zadd("k", { a: nan }), error: argument(2) },
	{ call: (on) => on.zadd("k", { a: 1, b: "1" } as never), error: argument(4) },
	{ call: (on) => on.zadd("k", ["a", 1] as never), error: argument(2) },
	{ call: (on) => on.zadd("k", Buffer.from("ab") as never), error: argument(2) },
	{ call: (on) => on.zadd("k", 1, "a", { nx: true, xx: true }), error: option("xx") },
	{ call: (on) => on.zadd("k", 1, "a", { nx: true, gt: true }), error: option("gt") },
	{ call: (on) => on.zadd("k", 1, "a", { gt: true, lt: true }), error: option("lt") },
	{ call: (on) => on.zadd("k", { a: 1, b: 2 }, { incr: true }), error: option("incr") },
	{ call: (on) => on.zadd("k", { a: 1 }, { NX: true } as never), error: option("NX") },
	{ call: (on) => on.zadd("k", 1, "a", { ch: "yes" } as never), error: option("ch") },
	{ call: (on) => on.zadd("k", 1, "a", null as never), error: option("options") },
	{ call: (on) => on.zincrby("k", nan, "a"), error: argument(2) },
	{ call: (on) => on.zincrby("k", "1" as never, "a"), error: argument(2) },
	{ call: (on) => on.zscore("k", undefined as never), error: argument(2) },
	{ call: (on) => on.zmscore("k"), error: argument(2) },
	{ call: (on) => on.zrem("k", []), error: argument(2) },
	{ call: (on) => on.zrank("k", "a", { withscore: 1 } as never), error: option("withscore") },
	{ call: (on) => on.zrevrank("k", "a", { withscores: true } as never), error: option("withscores") },
	{ call: (on) => on.zcard(undefined as never), error: argument(1) },
	{ call: (on) => on.zrange("k", 0, inf), error: argument(3) },
	{ call: (on) => on.zrange("k", 0.5, 1), error: argument(2) },
	{ call: (on) => on.zrange("k", "-inf", "+inf"), error: argument(2) },
	{ call: (on) => on.zrange("k", 0, nan, { by: "score" }), error: argument(3) },
	{ call: (on) => on.zrange("k", "one", 2, { by: "score" }), error: argument(2) },
	{ call: (on) => on.zrange("k", "[1", 2, { by: "score" }), error: argument(2) },
	{ call: (on) => on.zrange("k", "a", "[b", { by: "lex" }), error: argument(2) },
	{ call: (on) => on.zrange("k", "-", "", { by: "lex" }), error: argument(3) },
	{ call: (on) => on.zrange("k", "-", "++", { by: "lex" }), error: argument(3) },
	{ call: (on) => on.zrange("k", 0, 1, { by: "lex" }), error: argument(2) },
	{ call: (on) => on.zrange("k", "-", "+", { by: "lex", withscores: true }), error: option("withscores") },
	{ call: (on) => on.zrange("k", 0, 1, { limit: { offset: 0, count: 1 } }), error: option("limit") },
	{ call: (on) => on.zrange("k", 0, 1, { by: "score", limit: [0, 1] } as never), error: option("limit.0") },
	{ call: (on) => on.zrange("k", 0, 1, { by: "score", limit: { offset: 0 } } as never), error: option("limit.count") },
	{ call: (on) => on.zrange("k", 0, 1, { by: "score", limit: { offset: 0.5, count: 1 } }), error: option("limit.offset") },
	{ call: (on) => on.zrange("k", 0, 1, { by: "rank" } as never), error: option("by") },
	{ call: (on) => on.zrange("k", 0, 1, { rev: 1 } as never), error: option("rev") },
	{ call: (on) => on.zrange("k", 0, 1, { byscore: true } as never), error: option("byscore") },
	{ call: (on) => on.zrangestore("k", "k", 0, 1, { withscores: true } as never), error: option("withscores") },
	{ call: (on) => on.zrangestore("k", "k", 0, undefined as never), error: argument(4) },
	{ call: (on) => on.zrangestore("k", "k", 0, 1, { limit: { offset: 0, count: 1 } }), error: option("limit") },
	{ call: (on) => on.zcount("k", "1..2", 3), error: argument(2) },
	{ call: (on) => on.zlexcount("k", "-", "b"), error: argument(3) },
	{ call: (on) => on.zremrangebyrank("k", 0, 0.5), error: argument(3) },
	{ call: (on) => on.zremrangebyscore("k", nan, 1), error: argument(2) },
	{ call: (on) => on.zremrangebylex("k", "a", "+"), error: argument(2) },
	{ call: (on) => on.zrangebyscore("k", 0, {} as never), error: argument(3) },
	{ call: (on) => on.zrangebyscore("k", 0, 1, { rev: true } as never), error: option("rev") },
	{ call: (on) => on.zrevrangebyscore("k", undefined as never, 1), error: argument(2) },
	{ call: (on) => on.zrevrange("k", 0, 1, { limit: { offset: 0, count: 1 } } as never), error: option("limit") },
	{ call: (on) => on.zrangebylex("k", "[a", 5 as never), error: argument(3) },
	{ call: (on) => on.zrevrangebylex("k", "[a", "-", { withscores: true } as never), error: option("withscores") },
	{ call: (on) => on.zpopmin("k", -1), error: argument(2) },
	{ call: (on) => on.zpopmax("k", 0.5), error: argument(2) },
	{ call: (on) => on.zmpop([], "min"), error: argument(1) },
	{ call: (on) => on.zmpop(["k", 6 as never], "min"), error: argument(3) },
	{ call: (on) => on.zmpop("k", "lowest" as never), error: argument(3) },
	{ call: (on) => on.zmpop("k", "min", { count: 0 }), error: option("count") },
	{ call: (on) => on.zrandmember("k", 0.5), error: argument(2) },
	{ call: (on) => on.zrandmember("k", undefined as never, { withscores: true }), error: argument(2) },
	{ call: (on) => on.zunion([]), error: argument(1) },
	{ call: (on) => on.zunion(["k", 5 as never]), error: argument(3) },
	{ call: (on) => on.zunion("k", { weights: [1, 2] }), error: option("weights") },
	{ call: (on) => on.zunion("k", { weights: 1 } as never), error: option("weights") },
	{ call: (on) => on.zunion(["k", "k"], { weights: [1, nan] }), error: option("weights.1") },
	{ call: (on) => on.zinter("k", { aggregate: "SUM" } as never), error: option("aggregate") },
	{ call: (on) => on.zinter("k", { withscores: "yes" } as never), error: option("withscores") },
	{ call: (on) => on.zdiff("k", { weights: [1] } as never), error: option("weights") },
	{ call: (on) => on.zunionstore("k", "k", { withscores: true } as never), error: option("withscores") },
	{ call: (on) => on.zinterstore("k", []), error: argument(2) },
	{ call: (on) => on.zdiffstore("k"), error: argument(2) },
	{ call: (on) => on.zdiffstore("k", ["k", 1 as never]), error: argument(4) },
	{ call: (on) => on.zintercard("k", { limit: -1 }), error: option("limit") },
	{ call: (on) => on.zrangestore("a", "b", 0, 1), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zmpop(["a", "b"], "min"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zunion(["a", "b"]), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zinter(["a", "b"], { weights: [1, 2] }), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zdiff(["a", "b"]), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zunionstore("a", "b"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zinterstore("a", ["a", "b"]), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zdiffstore("b", "a"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.zintercard(["a", "b"]), error: crossSlot, on: "cluster" },
];

testCommands({ sequences: { "A12 sorted sets": steps }, refused });

testMisshapen("replies that sorted sets cannot have are PROTOCOL errors for their calls alone", [
	{ call: (on) => on.zrange("k", 0, 1, { withscores: true }), reply: "*1\r\n$1\r\na\r\n" },
	{ call: (on) => on.zrange("k", 0, 1, { withscores: true }), reply: "*2\r\n$1\r\na\r\n$3\r\none\r\n" },
	{ call: (on) => on.zrange("k", 0, 1, { withscores: true }), reply: "*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n" },
	{ call: (on) => on.zrange("k", 0, 1, { withscores: true }), reply: "*2\r\n$-1\r\n$1\r\n1\r\n" },
	{ call: (on) => on.zrange("k", 0, 1, { withscores: true }), reply: "+OK\r\n" },
	{ call: (on) => on.zadd("k", 1, "a", { incr: true }), reply: "+OK\r\n" },
	{ call: (on) => on.zscore("k", "a"), reply: "*0\r\n" },
	{ call: (on) => on.zscore("k", "a"), reply: "$0\r\n\r\n" },
	{ call: (on) => on.zincrby("k", 1, "a"), reply: "$-1\r\n" },
	{ call: (on) => on.zmscore("k", "a"), reply: "$1\r\n1\r\n" },
	{ call: (on) => on.zmscore("k", "a"), reply: "*1\r\n*0\r\n" },
	{ call: (on) => on.zpopmin("k"), reply: "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n" },
	{ call: (on) => on.zpopmax("k"), reply: "*1\r\n$1\r\na\r\n" },
	{ call: (on) => on.zpopmax("k", 2), reply: "$-1\r\n" },
	{ call: (on) => on.zmpop("k", "min"), reply: "*2\r\n$1\r\nk\r\n$1\r\na\r\n" },
	{ call: (on) => on.zmpop("k", "min"), reply: "*3\r\n$1\r\nk\r\n*0\r\n*0\r\n" },
	{ call: (on) => on.zrandmember("k", 1, { withscores: true }), reply: "$1\r\na\r\n" },
	{ call: (on) => on.zrank("k", "a", { withscore: true }), reply: ":1\r\n" },
	{ call: (on) => on.zrank("k", "a", { withscore: true }), reply: "*2\r\n$1\r\n1\r\n$1\r\n1\r\n" },
	{ call: (on) => on.zrevrank("k", "a", { withscore: true }), reply: "*1\r\n:1\r\n" },
]);

testOnTheWire("A12 doubles of any kind, and words that older servers do not know", [
	{ call: (on) => on.zadd("k", -0, "a"), words: "ZADD k -0 a", reply: ":1\r\n", expected: 1 },
	{ call: (on) => on.zadd("k", minusInf, "a"), words: "ZADD k -inf a", reply: ":1\r\n", expected: 1 },
	{
		call: (on) => on.zadd("k", 1e21, "a", { incr: true, gt: true }),
		words: "ZADD k GT INCR 1e+21 a",
		reply: "$5\r\n1e+21\r\n",
		expected: 1e21,
	},
	{ call: (on) => on.zincrby("k", -0, "a"), words: "ZINCRBY k -0 a", reply: "$2\r\n-0\r\n", expected: -0 },
	{
		call: (on) => on.zmscore("k", "a", "b", "c"),
		words: "ZMSCORE k a b c",
		reply: "*3\r\n$4\r\n-inf\r\n$4\r\n-nan\r\n$2\r\n-0\r\n",
		expected: [minusInf, nan, -0],
	},
	{ call: (on) => on.zrange("k", -0, inf, { by: "score" }), words: "ZRANGE k -0 +inf BYSCORE", reply: "*0\r\n", expected: [] },
	{
		call: (on) => on.zrank("k", "a", { withscore: true }),
		words: "ZRANK k a WITHSCORE",
		reply: "*2\r\n:4\r\n$3\r\ninf\r\n",
		expected: [4, inf],
	},
	{ call: (on) => on.zrevrank("k", "a", { withscore: true }), words: "ZREVRANK k a WITHSCORE", reply: "*-1\r\n", expected: null },
]);

test("A31 a sorted set that is none, and a sum that is no number, are its errors; what a range gave goes back as it is", async () => {
	for (const protocol of [2, 3] as const) {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		const key = `typed:sorted-set-errors:${protocol}`;
		await client.set(key, "text");
		await expect(client.zadd(key, 1, "a")).rejects.toMatchObject({ code: "WRONGTYPE" });
		await client.del(key);
		await client.zadd(key, { a: inf, b: 0.1 });
		await expect(client.zincrby(key, minusInf, "a")).rejects.toMatchObject({
			code: "ERR",
			message: expect.stringMatching(/NaN/),
		});
		expect(await client.zadd(key, await client.zrange(key, 0, -1, { withscores: true }), { ch: true })).toBe(0);
		expect(await client.zadd(key, new Map(await client.zrange(key, 0, -1, { withscores: true })), { ch: true })).toBe(0);
	}
});

test("A12 A31 large sorted sets, which servers keep in another way, keep the sign of -0 and every digit", async () => {
	// In a small one, and so for the first members, the server keeps -0 as 0.
	const scores = Array.from({ length: 200 }, (_, i) => [`m${i}`, i === 199 ? -0 : 1 / (i + 2)] as const);
	const replies = await Promise.all(
		([2, 3] as const).map(async (protocol) => {
			await using client = await createClient({ url: inject("standaloneUrl"), protocol });
			const key = `typed:large-sorted-set:${protocol}`;
			await client.zadd(key, new Map(scores));
			expect(await client.zmscore(key, ...scores.map(([member]) => member))).toStrictEqual(scores.map(([, score]) => score));
			return client.zrange(key, 0, -1, { withscores: true });
		}),
	);
	expect(replies[0]).toStrictEqual(replies[1]);
	expect(replies[0]).toStrictEqual([...scores].sort(([, a], [, b]) => a - b));
});
