/** Sorted sets by their own methods (A31, A12): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import {
	argument,
	type Bulk,
	inAnyOrder,
	misshapenReplies,
	option,
	refusedEverywhere,
	repliesEverywhere,
	someOf,
	wordsAndReplies,
} from "../support/typed-commands-2.js";

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

repliesEverywhere("A12 sorted sets", [
	[(on, key) => on.zadd(key("z"), 1.5, "a"), () => 1],
	[
		(on, key) =>
			on.zadd(key("z"), [
				{ score: inf, member: "top" },
				{ score: minusInf, member: Buffer.from("low") },
			]),
		() => 2,
	],
	[
		(on, key) =>
			on.zadd(
				key("z"),
				new Map([
					["b", 2],
					["c", 1e300],
				]),
			),
		() => 2,
	],
	[(on, key) => on.zadd(key("z"), { a: 1.5, ü: 1e-7 }), () => 1],
	[(on, key) => on.zadd(key("z"), [["b", 2.5]], { ch: true }), () => 1],
	[(on, key) => on.zadd(key("z"), 9, "a", { nx: true }), () => 0],
	[(on, key) => on.zadd(key("z"), 9, "new", { xx: true }), () => 0],
	[(on, key) => on.zadd(key("z"), 1, "b", { gt: true, ch: true }), () => 0],
	[(on, key) => on.zadd(key("z"), 2, "b", { lt: true, xx: true, ch: true }), () => 1],
	[(on, key) => on.zadd(key("z"), 0.5, "b", { incr: true }), () => 2.5],
	[(on, key) => on.zadd(key("z"), { b: 0.5 }, { incr: true, nx: true }), () => null],
	[(on, key) => on.zincrby(key("z"), -0.5, "b"), () => 2],
	[(on, key) => on.zincrby(key("z"), 5, "top"), () => inf],
	[(on, key) => on.zincrby(key("z"), inf, "higher"), () => inf],
	[(on, key) => on.zrem(key("z"), "higher", ["nope"]), () => 1],
	[(on, key) => on.zscore(key("z"), "low"), () => minusInf],
	[(on, key) => on.zscore(key("z"), "c"), () => 1e300],
	[(on, key) => on.zscore(key("z"), "nope"), () => null],
	[(on, key) => on.zmscore(key("z"), "top", ["nope", "ü"]), () => [inf, null, 1e-7]],
	[(on, key) => on.zmscore(key("nope"), "a"), () => [null]],
	[(on, key) => on.zcard(key("z")), () => 6],
	[(on, key) => on.zcard(key("nope")), () => 0],
	[(on, key) => on.zrank(key("z"), "a"), () => 2],
	[(on, key) => on.zrevrank(key("z"), "a", { withscore: false }), () => 3],
	[(on, key) => on.zrank(key("z"), "nope"), () => null],
	[(on, key) => on.zrevrank(key("nope"), "a"), () => null],

	[(on, key) => on.zrange(key("z"), 0, -1), members("low", "ü", "a", "b", "c", "top")],
	[
		(on, key) => on.zrange(key("z"), 0, -1, { withscores: true }),
		scored(["low", minusInf], ["ü", 1e-7], ["a", 1.5], ["b", 2], ["c", 1e300], ["top", inf]),
	],
	[(on, key) => on.zrange(key("z"), 0, 1, { rev: true, withscores: true }), scored(["top", inf], ["c", 1e300])],
	[(on, key) => on.zrange(key("z"), 9, 10, { withscores: true }), () => []],
	[(on, key) => on.zrange(key("nope"), 0, -1, { withscores: true }), () => []],
	[(on, key) => on.zrange(key("z"), "(1.5", inf, { by: "score" }), members("b", "c", "top")],
	[
		(on, key) => on.zrange(key("z"), minusInf, 1.5, { by: "score", withscores: true }),
		scored(["low", minusInf], ["ü", 1e-7], ["a", 1.5]),
	],
	[
		(on, key) => on.zrange(key("z"), "+inf", "-inf", { by: "score", rev: true, limit: { offset: 1, count: 2 } }),
		members("c", "b"),
	],
	[
		(on, key) => on.zrange(key("z"), 0, 5, { by: "score", withscores: true, limit: { offset: 1, count: -1 } }),
		scored(["a", 1.5], ["b", 2]),
	],
	[(on, key) => on.zcount(key("z"), 0, "(2"), () => 2],
	[(on, key) => on.zcount(key("z"), "-inf", inf), () => 6],

	[(on, key) => on.zadd(key("x"), { a: 0, b: 0, c: 0, d: 0 }), () => 4],
	[(on, key) => on.zrange(key("x"), "[b", "(d", { by: "lex" }), members("b", "c")],
	[
		(on, key) => on.zrange(key("x"), "+", Buffer.from("(a"), { by: "lex", rev: true, limit: { offset: 0, count: 2 } }),
		members("d", "c"),
	],
	[(on, key) => on.zlexcount(key("x"), "-", "[c"), () => 3],
	[(on, key) => on.zrangebylex(key("x"), "-", "+"), members("a", "b", "c", "d")],
	[(on, key) => on.zrangebylex(key("x"), "[b", "+", { limit: { offset: 1, count: 1 } }), members("c")],
	[(on, key) => on.zrevrangebylex(key("x"), "(d", "-", { limit: { offset: 0, count: 2 } }), members("c", "b")],
	[(on, key) => on.zremrangebylex(key("x"), "[c", "+"), () => 2],

	[(on, key) => on.zrevrange(key("z"), 0, 1), members("top", "c")],
	[(on, key) => on.zrevrange(key("z"), 4, -1, { withscores: true }), scored(["ü", 1e-7], ["low", minusInf])],
	[(on, key) => on.zrangebyscore(key("z"), 0, 2), members("ü", "a", "b")],
	[
		(on, key) => on.zrangebyscore(key("z"), "(0", inf, { withscores: true, limit: { offset: 1, count: 2 } }),
		scored(["a", 1.5], ["b", 2]),
	],
	[(on, key) => on.zrevrangebyscore(key("z"), inf, 2, { limit: { offset: 0, count: 5 } }), members("top", "c", "b")],
	[(on, key) => on.zrevrangebyscore(key("z"), 2, 2, { withscores: true }), scored(["b", 2])],
	[(on, key) => on.zrangebyscore(key("nope"), 0, 2, { withscores: true }), () => []],

	[(on, key) => on.zrangestore(key("s"), key("z"), 0, 2), () => 3],
	[(on, key) => on.zrangestore(key("s"), key("z"), 1, 3, { by: "score" }), () => 2],
	[(on, key) => on.zrangestore(key("s"), key("z"), inf, 1, { by: "score", rev: true, limit: { offset: 0, count: 1 } }), () => 1],
	[(on, key) => on.zrange(key("s"), 0, -1, { withscores: true }), scored(["top", inf])],
	[(on, key) => on.zremrangebyscore(key("z"), 1e-8, "(1"), () => 1],
	[(on, key) => on.zremrangebyrank(key("z"), -1, -1), () => 1],
	[(on, key) => on.zrange(key("z"), 0, -1, { withscores: true }), scored(["low", minusInf], ["a", 1.5], ["b", 2], ["c", 1e300])],

	[(on, key) => on.zadd(key("w"), { a: 10, b: -0, d: 1 }), () => 3],
	[
		(on, key) => on.zunion([key("z"), key("w")], { withscores: true }),
		scored(["low", minusInf], ["d", 1], ["b", 2], ["a", 11.5], ["c", 1e300]),
	],
	[(on, key) => on.zunion(key("w")), members("b", "d", "a")],
	[
		(on, key) => on.zinter([key("z"), key("w")], { weights: [2, 0.5], aggregate: "max", withscores: true }),
		scored(["b", 4], ["a", 5]),
	],
	[(on, key) => on.zinter([key("z"), key("w")], { aggregate: "min" }), members("b", "a")],
	[(on, key) => on.zinter([key("z"), key("nope")], { withscores: true }), () => []],
	[(on, key) => on.zdiff([key("z"), key("w")], { withscores: true }), scored(["low", minusInf], ["c", 1e300])],
	[(on, key) => on.zdiff([key("w"), key("z")]), members("d")],
	[(on, key) => on.zintercard([key("z"), key("w")]), () => 2],
	[(on, key) => on.zintercard([key("z"), key("w")], { limit: 1 }), () => 1],
	[(on, key) => on.zunionstore(key("s"), [key("z"), key("w")], { aggregate: "sum" }), () => 5],
	[(on, key) => on.zinterstore(key("s"), [key("z"), key("w")], { weights: [minusInf, 1] }), () => 2],
	[(on, key) => on.zrange(key("s"), 0, -1, { withscores: true }), scored(["a", minusInf], ["b", minusInf])],
	[(on, key) => on.zdiffstore(key("s"), key("w"), [key("z")]), () => 1],
	[(on, key) => on.zdiffstore(key("s"), key("w"), key("w")), () => 0],

	[(on, key) => on.zrandmember(key("w")), (text) => someOf(["a", "b", "d"].map(text))],
	[(on, key) => on.zrandmember(key("nope")), () => null],
	[(on, key) => on.zrandmember(key("w"), 9), (text) => inAnyOrder(["a", "b", "d"].map(text))],
	[(on, key) => on.zrandmember(key("x"), -3), (text) => someOf(["a", "b"].map(text), 3)],
	[(on, key) => on.zrandmember(key("x"), 2, { withscores: true }), (text) => inAnyOrder(scored(["a", 0], ["b", 0])(text))],
	[(on, key) => on.zrandmember(key("x"), -3, { withscores: true }), (text) => someOf(scored(["a", 0], ["b", 0])(text), 3)],
	[(on, key) => on.zrandmember(key("nope"), 3, { withscores: true }), () => []],
	[(on, key) => on.zpopmin(key("z")), (text) => [text("low"), minusInf]],
	[(on, key) => on.zpopmax(key("z")), (text) => [text("c"), 1e300]],
	[(on, key) => on.zpopmin(key("z"), 1), scored(["a", 1.5])],
	[(on, key) => on.zpopmax(key("w"), 2), scored(["a", 10], ["d", 1])],
	[(on, key) => on.zpopmax(key("w"), 0), () => []],
	[(on, key) => on.zpopmin(key("nope")), () => null],
	[(on, key) => on.zpopmax(key("nope")), () => null],
	[(on, key) => on.zpopmin(key("nope"), 2), () => []],
	[(on, key) => on.zmpop([key("nope"), key("z")], "min"), (text, key) => [text(key("z")), [[text("b"), 2]]]],
	[(on, key) => on.zmpop(key("x"), "max", { count: 9 }), (text, key) => [text(key("x")), scored(["b", 0], ["a", 0])(text)]],
	[(on, key) => on.zmpop([key("x"), key("z")], "max"), () => null],
]);

refusedEverywhere(
	"B05 arguments of sorted sets that cannot be meant are refused before a byte is sent",
	[
		[(on) => on.zadd("k", nan, "a"), argument(2)],
		[(on) => on.zadd("k", "1" as never, "a"), argument(2)],
		[(on) => on.zadd("k", null as never, "a"), argument(2)],
		[(on) => on.zadd("k", 1, undefined as never), argument(3)],
		[(on) => on.zadd(3 as never, 1, "a"), argument(1)],
		[(on) => on.zadd("k", []), argument(2)],
		[(on) => on.zadd("k", {}), argument(2)],
		[(on) => on.zadd("k", [{ score: 1, member: "a" }, { member: "b" } as never]), argument(4)],
		[(on) => on.zadd("k", { a: nan }), argument(2)],
		[(on) => on.zadd("k", { a: 1, b: "1" } as never), argument(4)],
		[(on) => on.zadd("k", ["a", 1] as never), argument(2)],
		[(on) => on.zadd("k", Buffer.from("ab") as never), argument(2)],
		[(on) => on.zadd("k", 1, "a", { nx: true, xx: true }), option("xx")],
		[(on) => on.zadd("k", 1, "a", { nx: true, gt: true }), option("gt")],
		[(on) => on.zadd("k", 1, "a", { gt: true, lt: true }), option("lt")],
		[(on) => on.zadd("k", { a: 1, b: 2 }, { incr: true }), option("incr")],
		[(on) => on.zadd("k", { a: 1 }, { NX: true } as never), option("NX")],
		[(on) => on.zadd("k", 1, "a", { ch: "yes" } as never), option("ch")],
		[(on) => on.zadd("k", 1, "a", null as never), option("options")],
		[(on) => on.zincrby("k", nan, "a"), argument(2)],
		[(on) => on.zincrby("k", "1" as never, "a"), argument(2)],
		[(on) => on.zscore("k", undefined as never), argument(2)],
		[(on) => on.zmscore("k"), argument(2)],
		[(on) => on.zrem("k", []), argument(2)],
		[(on) => on.zrank("k", "a", { withscore: 1 } as never), option("withscore")],
		[(on) => on.zrevrank("k", "a", { withscores: true } as never), option("withscores")],
		[(on) => on.zcard(undefined as never), argument(1)],
		[(on) => on.zrange("k", 0, inf), argument(3)],
		[(on) => on.zrange("k", 0.5, 1), argument(2)],
		[(on) => on.zrange("k", "-inf", "+inf"), argument(2)],
		[(on) => on.zrange("k", 0, nan, { by: "score" }), argument(3)],
		[(on) => on.zrange("k", "one", 2, { by: "score" }), argument(2)],
		[(on) => on.zrange("k", "[1", 2, { by: "score" }), argument(2)],
		[(on) => on.zrange("k", "a", "[b", { by: "lex" }), argument(2)],
		[(on) => on.zrange("k", "-", "", { by: "lex" }), argument(3)],
		[(on) => on.zrange("k", "-", "++", { by: "lex" }), argument(3)],
		[(on) => on.zrange("k", 0, 1, { by: "lex" }), argument(2)],
		[(on) => on.zrange("k", "-", "+", { by: "lex", withscores: true }), option("withscores")],
		[(on) => on.zrange("k", 0, 1, { limit: { offset: 0, count: 1 } }), option("limit")],
		[(on) => on.zrange("k", 0, 1, { by: "score", limit: [0, 1] } as never), option("limit.0")],
		[(on) => on.zrange("k", 0, 1, { by: "score", limit: { offset: 0 } } as never), option("limit.count")],
		[(on) => on.zrange("k", 0, 1, { by: "score", limit: { offset: 0.5, count: 1 } }), option("limit.offset")],
		[(on) => on.zrange("k", 0, 1, { by: "rank" } as never), option("by")],
		[(on) => on.zrange("k", 0, 1, { rev: 1 } as never), option("rev")],
		[(on) => on.zrange("k", 0, 1, { byscore: true } as never), option("byscore")],
		[(on) => on.zrangestore("k", "k", 0, 1, { withscores: true } as never), option("withscores")],
		[(on) => on.zrangestore("k", "k", 0, undefined as never), argument(4)],
		[(on) => on.zrangestore("k", "k", 0, 1, { limit: { offset: 0, count: 1 } }), option("limit")],
		[(on) => on.zcount("k", "1..2", 3), argument(2)],
		[(on) => on.zlexcount("k", "-", "b"), argument(3)],
		[(on) => on.zremrangebyrank("k", 0, 0.5), argument(3)],
		[(on) => on.zremrangebyscore("k", nan, 1), argument(2)],
		[(on) => on.zremrangebylex("k", "a", "+"), argument(2)],
		[(on) => on.zrangebyscore("k", 0, {} as never), argument(3)],
		[(on) => on.zrangebyscore("k", 0, 1, { rev: true } as never), option("rev")],
		[(on) => on.zrevrangebyscore("k", undefined as never, 1), argument(2)],
		[(on) => on.zrevrange("k", 0, 1, { limit: { offset: 0, count: 1 } } as never), option("limit")],
		[(on) => on.zrangebylex("k", "[a", 5 as never), argument(3)],
		[(on) => on.zrevrangebylex("k", "[a", "-", { withscores: true } as never), option("withscores")],
		[(on) => on.zpopmin("k", -1), argument(2)],
		[(on) => on.zpopmax("k", 0.5), argument(2)],
		[(on) => on.zmpop([], "min"), argument(1)],
		[(on) => on.zmpop(["k", 6 as never], "min"), argument(3)],
		[(on) => on.zmpop("k", "lowest" as never), argument(3)],
		[(on) => on.zmpop("k", "min", { count: 0 }), option("count")],
		[(on) => on.zrandmember("k", 0.5), argument(2)],
		[(on) => on.zrandmember("k", undefined as never, { withscores: true }), argument(2)],
		[(on) => on.zunion([]), argument(1)],
		[(on) => on.zunion(["k", 5 as never]), argument(3)],
		[(on) => on.zunion("k", { weights: [1, 2] }), option("weights")],
		[(on) => on.zunion("k", { weights: 1 } as never), option("weights")],
		[(on) => on.zunion(["k", "k"], { weights: [1, nan] }), option("weights.1")],
		[(on) => on.zinter("k", { aggregate: "SUM" } as never), option("aggregate")],
		[(on) => on.zinter("k", { withscores: "yes" } as never), option("withscores")],
		[(on) => on.zdiff("k", { weights: [1] } as never), option("weights")],
		[(on) => on.zunionstore("k", "k", { withscores: true } as never), option("withscores")],
		[(on) => on.zinterstore("k", []), argument(2)],
		[(on) => on.zdiffstore("k"), argument(2)],
		[(on) => on.zdiffstore("k", ["k", 1 as never]), argument(4)],
		[(on) => on.zintercard("k", { limit: -1 }), option("limit")],
	],
	[
		[(on) => on.zrangestore("a", "b", 0, 1), { code: "CROSSSLOT" }],
		[(on) => on.zmpop(["a", "b"], "min"), { code: "CROSSSLOT" }],
		[(on) => on.zunion(["a", "b"]), { code: "CROSSSLOT" }],
		[(on) => on.zinter(["a", "b"], { weights: [1, 2] }), { code: "CROSSSLOT" }],
		[(on) => on.zdiff(["a", "b"]), { code: "CROSSSLOT" }],
		[(on) => on.zunionstore("a", "b"), { code: "CROSSSLOT" }],
		[(on) => on.zinterstore("a", ["a", "b"]), { code: "CROSSSLOT" }],
		[(on) => on.zdiffstore("b", "a"), { code: "CROSSSLOT" }],
		[(on) => on.zintercard(["a", "b"]), { code: "CROSSSLOT" }],
	],
);

misshapenReplies("replies that sorted sets cannot have are PROTOCOL errors for their calls alone", [
	[(on) => on.zrange("k", 0, 1, { withscores: true }), "*1\r\n$1\r\na\r\n"],
	[(on) => on.zrange("k", 0, 1, { withscores: true }), "*2\r\n$1\r\na\r\n$3\r\none\r\n"],
	[(on) => on.zrange("k", 0, 1, { withscores: true }), "*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n"],
	[(on) => on.zrange("k", 0, 1, { withscores: true }), "*2\r\n$-1\r\n$1\r\n1\r\n"],
	[(on) => on.zrange("k", 0, 1, { withscores: true }), "+OK\r\n"],
	[(on) => on.zadd("k", 1, "a", { incr: true }), "+OK\r\n"],
	[(on) => on.zscore("k", "a"), "*0\r\n"],
	[(on) => on.zscore("k", "a"), "$0\r\n\r\n"],
	[(on) => on.zincrby("k", 1, "a"), "$-1\r\n"],
	[(on) => on.zmscore("k", "a"), "$1\r\n1\r\n"],
	[(on) => on.zmscore("k", "a"), "*1\r\n*0\r\n"],
	[(on) => on.zpopmin("k"), "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"],
	[(on) => on.zpopmax("k"), "*1\r\n$1\r\na\r\n"],
	[(on) => on.zpopmax("k", 2), "$-1\r\n"],
	[(on) => on.zmpop("k", "min"), "*2\r\n$1\r\nk\r\n$1\r\na\r\n"],
	[(on) => on.zmpop("k", "min"), "*3\r\n$1\r\nk\r\n*0\r\n*0\r\n"],
	[(on) => on.zrandmember("k", 1, { withscores: true }), "$1\r\na\r\n"],
	[(on) => on.zrank("k", "a", { withscore: true }), ":1\r\n"],
	[(on) => on.zrank("k", "a", { withscore: true }), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n"],
	[(on) => on.zrevrank("k", "a", { withscore: true }), "*1\r\n:1\r\n"],
]);

wordsAndReplies("A12 doubles of any kind, and words that older servers do not know", [
	[(on) => on.zadd("k", -0, "a"), "ZADD k -0 a", ":1\r\n", 1],
	[(on) => on.zadd("k", minusInf, "a"), "ZADD k -inf a", ":1\r\n", 1],
	[(on) => on.zadd("k", 1e21, "a", { incr: true, gt: true }), "ZADD k GT INCR 1e+21 a", "$5\r\n1e+21\r\n", 1e21],
	[(on) => on.zincrby("k", -0, "a"), "ZINCRBY k -0 a", "$2\r\n-0\r\n", -0],
	[
		(on) => on.zmscore("k", "a", "b", "c"),
		"ZMSCORE k a b c",
		"*3\r\n$4\r\n-inf\r\n$4\r\n-nan\r\n$2\r\n-0\r\n",
		[minusInf, nan, -0],
	],
	[(on) => on.zrange("k", -0, inf, { by: "score" }), "ZRANGE k -0 +inf BYSCORE", "*0\r\n", []],
	[(on) => on.zrank("k", "a", { withscore: true }), "ZRANK k a WITHSCORE", "*2\r\n:4\r\n$3\r\ninf\r\n", [4, inf]],
	[(on) => on.zrevrank("k", "a", { withscore: true }), "ZREVRANK k a WITHSCORE", "*-1\r\n", null],
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
