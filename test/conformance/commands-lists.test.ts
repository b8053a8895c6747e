/** Lists by their own methods (A31): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { argument, misshapenReplies, option, refusedEverywhere, repliesEverywhere } from "../support/typed-commands-2.js";

repliesEverywhere("lists", [
	[(on, key) => on.lpushx(key("l"), "no"), () => 0],
	[(on, key) => on.rpushx(key("l"), "no", "no"), () => 0],
	[(on, key) => on.rpush(key("l"), "a", ["b", 3], Buffer.from("ü")), () => 4],
	[(on, key) => on.lpush(key("l"), "y", "x"), () => 6],
	[(on, key) => on.lrange(key("l"), 0, -1), (text) => ["x", "y", "a", "b", "3", "ü"].map(text)],
	[(on, key) => on.lpushx(key("l"), "w"), () => 7],
	[(on, key) => on.rpushx(key("l"), ["z", ""]), () => 9],
	[(on, key) => on.lrange(key("l"), -3, 100), (text) => ["ü", "z", ""].map(text)],
	[(on, key) => on.lrange(key("l"), 5, 1), () => []],
	[(on, key) => on.lrange(key("nope"), 0, -1), () => []],
	[(on, key) => on.llen(key("l")), () => 9],
	[(on, key) => on.llen(key("nope")), () => 0],
	[(on, key) => on.lindex(key("l"), 0), (text) => text("w")],
	[(on, key) => on.lindex(key("l"), -1), (text) => text("")],
	[(on, key) => on.lindex(key("l"), 99), () => null],
	[(on, key) => on.lset(key("l"), -1, "end"), () => "OK"],
	[(on, key) => on.linsert(key("l"), "before", "a", "before a"), () => 10],
	[(on, key) => on.linsert(key("l"), "after", "a", "after a"), () => 11],
	[(on, key) => on.linsert(key("l"), "after", "nope", "-"), () => -1],
	[(on, key) => on.linsert(key("nope"), "after", "a", "-"), () => 0],
	[(on, key) => on.lrange(key("l"), 3, 5), (text) => ["before a", "a", "after a"].map(text)],
	[(on, key) => on.ltrim(key("l"), 3, 5), () => "OK"],
	[(on, key) => on.llen(key("l")), () => 3],

	[(on, key) => on.lpop(key("l")), (text) => text("before a")],
	[(on, key) => on.rpop(key("l")), (text) => text("after a")],
	[(on, key) => on.lpop(key("l"), 0), () => []],
	[(on, key) => on.lpop(key("l"), 5), (text) => [text("a")]],
	[(on, key) => on.lpop(key("l"), 5), () => null],
	[(on, key) => on.lpop(key("l")), () => null],
	[(on, key) => on.rpop(key("l")), () => null],
	[(on, key) => on.rpop(key("l"), 1), () => null],

	[(on, key) => on.rpush(key("p"), ["a", "b", "a", "c", "a"]), () => 5],
	[(on, key) => on.rpop(key("p"), 2), (text) => ["a", "c"].map(text)],
	[(on, key) => on.rpush(key("p"), "c", "a"), () => 5],
	[(on, key) => on.lpos(key("p"), "a"), () => 0],
	[(on, key) => on.lpos(key("p"), "z"), () => null],
	[(on, key) => on.lpos(key("nope"), "a"), () => null],
	[(on, key) => on.lpos(key("p"), "a", { rank: -1 }), () => 4],
	[(on, key) => on.lpos(key("p"), "a", { rank: 2, count: 0 }), () => [2, 4]],
	[(on, key) => on.lpos(key("p"), "a", { count: 2 }), () => [0, 2]],
	[(on, key) => on.lpos(key("p"), "a", { count: 0, maxlen: 3 }), () => [0, 2]],
	[(on, key) => on.lpos(key("p"), "z", { count: 0 }), () => []],
	[(on, key) => on.lpos(key("nope"), "z", { count: 1 }), () => []],
	[(on, key) => on.lrem(key("p"), -1, "a"), () => 1],
	[(on, key) => on.lrem(key("p"), 0, "a"), () => 2],
	[(on, key) => on.lrem(key("p"), 3, "z"), () => 0],
	[(on, key) => on.lrange(key("p"), 0, -1), (text) => ["b", "c"].map(text)],

	[(on, key) => on.lmove(key("p"), key("q"), "left", "right"), (text) => text("b")],
	[(on, key) => on.lmove(key("p"), key("q"), "right", "left"), (text) => text("c")],
	[(on, key) => on.lmove(key("p"), key("q"), "left", "left"), () => null],
	[(on, key) => on.rpoplpush(key("q"), key("q")), (text) => text("b")],
	[(on, key) => on.rpoplpush(key("nope"), key("q")), () => null],
	[(on, key) => on.lrange(key("q"), 0, -1), (text) => ["b", "c"].map(text)],
	[(on, key) => on.rpush(key("q"), "d"), () => 3],
	[(on, key) => on.lmpop([key("p"), key("q")], "left"), (text, key) => [text(key("q")), [text("b")]]],
	[(on, key) => on.lmpop(key("q"), "right", { count: 9 }), (text, key) => [text(key("q")), ["d", "c"].map(text)]],
	[(on, key) => on.lmpop([key("p"), key("q")], "right", { count: 9 }), () => null],
]);

refusedEverywhere(
	"B05 arguments of lists that cannot be meant are refused before a byte is sent",
	[
		[(on) => on.lpush("k"), argument(2)],
		[(on) => on.rpush("k", []), argument(2)],
		[(on) => on.rpush("k", "a", ["b", null as never]), argument(4)],
		[(on) => on.lpushx("k", 1.5), argument(2)],
		[(on) => on.rpushx(7 as never, "a"), argument(1)],
		[(on) => on.lpop("k", -1), argument(2)],
		[(on) => on.rpop("k", 1.5), argument(2)],
		[(on) => on.lpop("k", "1" as never), argument(2)],
		[(on) => on.lpop("k", null as never), argument(2)],
		[(on) => on.llen({} as never), argument(1)],
		[(on) => on.lindex("k", Number.NaN), argument(2)],
		[(on) => on.lindex("k", undefined as never), argument(2)],
		[(on) => on.linsert("k", "BEFORE" as never, "a", "b"), argument(2)],
		[(on) => on.linsert("k", "before", "a", undefined as never), argument(4)],
		[(on) => on.lrange("k", 0, Number.POSITIVE_INFINITY), argument(3)],
		[(on) => on.lrange("k", "0" as never, 1), argument(2)],
		[(on) => on.lrem("k", 0.5, "a"), argument(2)],
		[(on) => on.lset("k", 0.5, "a"), argument(2)],
		[(on) => on.lset("k", 0, [] as never), argument(3)],
		[(on) => on.ltrim("k", 0, undefined as never), argument(3)],
		[(on) => on.lpos("k", "a", { rank: 0 }), option("rank")],
		[(on) => on.lpos("k", "a", { count: -1 }), option("count")],
		[(on) => on.lpos("k", "a", { maxlen: 0.5 }), option("maxlen")],
		[(on) => on.lpos("k", "a", { max: 5 } as never), option("max")],
		[(on) => on.lpos("k", undefined as never), argument(2)],
		[(on) => on.lmove("k", "k", "top" as never, "left"), argument(3)],
		[(on) => on.lmove("k", "k", "left", undefined as never), argument(4)],
		[(on) => on.lmove("k", 5 as never, "left", "left"), argument(2)],
		[(on) => on.lmpop([], "left"), argument(1)],
		[(on) => on.lmpop(["k", 5 as never], "left"), argument(3)],
		[(on) => on.lmpop(["k"], "first" as never), argument(3)],
		[(on) => on.lmpop("k", "left", { count: 0 }), option("count")],
		[(on) => on.lmpop("k", "left", 5 as never), option("options")],
		[(on) => on.rpoplpush("k", undefined as never), argument(2)],
	],
	[
		[(on) => on.lmove("a", "b", "left", "left"), { code: "CROSSSLOT" }],
		[(on) => on.rpoplpush("a", "b"), { code: "CROSSSLOT" }],
		[(on) => on.lmpop(["a", "b"], "left"), { code: "CROSSSLOT" }],
	],
);

misshapenReplies("replies that lists cannot have are PROTOCOL errors for their calls alone", [
	[(on) => on.lmpop("k", "left"), "*1\r\n$1\r\nk\r\n"],
	[(on) => on.lmpop("k", "left"), "*2\r\n$1\r\nk\r\n$1\r\na\r\n"],
	[(on) => on.lmpop("k", "left"), "*2\r\n:1\r\n*1\r\n$1\r\na\r\n"],
	[(on) => on.lmpop("k", "left"), "*2\r\n$1\r\nk\r\n*1\r\n$-1\r\n"],
	[(on) => on.lmpop("k", "left"), "+OK\r\n"],
]);

test("A31 a list that is none, and a place that it does not have, are its errors", async () => {
	await using client = await createClient({ url: inject("clusterUrl") });
	const key = "typed:list-errors";
	await client.set(key, "text");
	await expect(client.rpush(key, "a")).rejects.toMatchObject({ code: "WRONGTYPE" });
	await expect(client.lpop(key, 2)).rejects.toMatchObject({ code: "WRONGTYPE" });
	await client.del(key);
	await expect(client.lset(key, 0, "a")).rejects.toMatchObject({ code: "ERR", message: expect.stringMatching(/no such key/) });
});
