/** Lists by their own methods (A31): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { testMisshapen } from "../support/fake-replies.js";
import { argument, crossSlot, option, type RefusedRow, type Step, testCommands } from "../support/typed-commands.js";

const steps: Step[] = [
	{ call: (on, key) => on.lpushx(key("l"), "no"), expected: 0 },
	{ call: (on, key) => on.rpushx(key("l"), "no", "no"), expected: 0 },
	{ call: (on, key) => on.rpush(key("l"), "a", ["b", 3], Buffer.from("ü")), expected: 4 },
	{ call: (on, key) => on.lpush(key("l"), "y", "x"), expected: 6 },
	{ call: (on, key) => on.lrange(key("l"), 0, -1), expected: (text) => ["x", "y", "a", "b", "3", "ü"].map(text) },
	{ call: (on, key) => on.lpushx(key("l"), "w"), expected: 7 },
	{ call: (on, key) => on.rpushx(key("l"), ["z", ""]), expected: 9 },
	{ call: (on, key) => on.lrange(key("l"), -3, 100), expected: (text) => ["ü", "z", ""].map(text) },
	{ call: (on, key) => on.lrange(key("l"), 5, 1), expected: [] },
	{ call: (on, key) => on.lrange(key("nope"), 0, -1), expected: [] },
	{ call: (on, key) => on.llen(key("l")), expected: 9 },
	{ call: (on, key) => on.llen(key("nope")), expected: 0 },
	{ call: (on, key) => on.lindex(key("l"), 0), expected: (text) => text("w") },
	{ call: (on, key) => on.lindex(key("l"), -1), expected: (text) => text("") },
	{ call: (on, key) => on.lindex(key("l"), 99), expected: null },
	{ call: (on, key) => on.lset(key("l"), -1, "end"), expected: "OK" },
	{ call: (on, key) => on.linsert(key("l"), "before", "a", "before a"), expected: 10 },
	{ call: (on, key) => on.linsert(key("l"), "after", "a", "after a"), expected: 11 },
	{ call: (on, key) => on.linsert(key("l"), "after", "nope", "-"), expected: -1 },
	{ call: (on, key) => on.linsert(key("nope"), "after", "a", "-"), expected: 0 },
	{ call: (on, key) => on.lrange(key("l"), 3, 5), expected: (text) => ["before a", "a", "after a"].map(text) },
	{ call: (on, key) => on.ltrim(key("l"), 3, 5), expected: "OK" },
	{ call: (on, key) => on.llen(key("l")), expected: 3 },

	{ call: (on, key) => on.lpop(key("l")), expected: (text) => text("before a") },
	{ call: (on, key) => on.rpop(key("l")), expected: (text) => text("after a") },
	{ call: (on, key) => on.lpop(key("l"), 0), expected: [] },
	{ call: (on, key) => on.lpop(key("l"), 5), expected: (text) => [text("a")] },
	{ call: (on, key) => on.lpop(key("l"), 5), expected: null },
	{ call: (on, key) => on.lpop(key("l")), expected: null },
	{ call: (on, key) => on.rpop(key("l")), expected: null },
	{ call: (on, key) => on.rpop(key("l"), 1), expected: null },

	{ call: (on, key) => on.rpush(key("p"), ["a", "b", "a", "c", "a"]), expected: 5 },
	{ call: (on, key) => on.rpop(key("p"), 2), expected: (text) => ["a", "c"].map(text) },
	{ call: (on, key) => on.rpush(key("p"), "c", "a"), expected: 5 },
	{ call: (on, key) => on.lpos(key("p"), "a"), expected: 0 },
	{ call: (on, key) => on.lpos(key("p"), "z"), expected: null },
	{ call: (on, key) => on.lpos(key("nope"), "a"), expected: null },
	{ call: (on, key) => on.lpos(key("p"), "a", { rank: -1 }), expected: 4 },
	{ call: (on, key) => on.lpos(key("p"), "a", { rank: 2, count: 0 }), expected: [2, 4] },
	{ call: (on, key) => on.lpos(key("p"), "a", { count: 2 }), expected: [0, 2] },
	{ call: (on, key) => on.lpos(key("p"), "a", { count: 0, maxlen: 3 }), expected: [0, 2] },
	{ call: (on, key) => on.lpos(key("p"), "z", { count: 0 }), expected: [] },
	{ call: (on, key) => on.lpos(key("nope"), "z", { count: 1 }), expected: [] },
	{ call: (on, key) => on.lrem(key("p"), -1, "a"), expected: 1 },
	{ call: (on, key) => on.lrem(key("p"), 0, "a"), expected: 2 },
	{ call: (on, key) => on.lrem(key("p"), 3, "z"), expected: 0 },
	{ call: (on, key) => on.lrange(key("p"), 0, -1), expected: (text) => ["b", "c"].map(text) },

	{ call: (on, key) => on.lmove(key("p"), key("q"), "left", "right"), expected: (text) => text("b") },
	{ call: (on, key) => on.lmove(key("p"), key("q"), "right", "left"), expected: (text) => text("c") },
	{ call: (on, key) => on.lmove(key("p"), key("q"), "left", "left"), expected: null },
	{ call: (on, key) => on.rpoplpush(key("q"), key("q")), expected: (text) => text("b") },
	{ call: (on, key) => on.rpoplpush(key("nope"), key("q")), expected: null },
	{ call: (on, key) => on.lrange(key("q"), 0, -1), expected: (text) => ["b", "c"].map(text) },
	{ call: (on, key) => on.rpush(key("q"), "d"), expected: 3 },
	{ call: (on, key) => on.lmpop([key("p"), key("q")], "left"), expected: (text, key) => [text(key("q")), [text("b")]] },
	{
		call: (on, key) => on.lmpop(key("q"), "right", { count: 9 }),
		expected: (text, key) => [text(key("q")), ["d", "c"].map(text)],
	},
	{ call: (on, key) => on.lmpop([key("p"), key("q")], "right", { count: 9 }), expected: null },
];

const refused: RefusedRow[] = [
	{ call: (on) => on.lpush("k"), error: argument(2) },
	{ call: (on) => on.rpush("k", []), error: argument(2) },
	{ call: (on) => on.rpush("k", "a", ["b", null as never]), error: argument(4) },
	{ call: (on) => on.lpushx("k", 1.5), error: argument(2) },
	{ call: (on) => on.rpushx(7 as never, "a"), error: argument(1) },
	{ call: (on) => on.lpop("k", -1), error: argument(2) },
	{ call: (on) => on.rpop("k", 1.5), error: argument(2) },
	{ call: (on) => on.lpop("k", "1" as never), error: argument(2) },
	{ call: (on) => on.lpop("k", null as never), error: argument(2) },
	{ call: (on) => on.llen({} as never), error: argument(1) },
	{ call: (on) => on.lindex("k", Number.NaN), error: argument(2) },
	{ call: (on) => on.lindex("k", undefined as never), error: argument(2) },
	{ call: (on) => on.linsert("k", "BEFORE" as never, "a", "b"), error: argument(2) },
	{ call: (on) => on.linsert("k", "before", "a", undefined as never), error: argument(4) },
	{ call: (on) => on.lrange("k", 0, Number.POSITIVE_INFINITY), error: argument(3) },
	{ call: (on) => on.lrange("k", "0" as never, 1), error: argument(2) },
	{ call: (on) => on.lrem("k", 0.5, "a"), error: argument(2) },
	{ call: (on) => on.lset("k", 0.5, "a"), error: argument(2) },
	{ call: (on) => on.lset("k", 0, [] as never), error: argument(3) },
	{ call: (on) => on.ltrim("k", 0, undefined as never), error: argument(3) },
	{ call: (on) => on.lpos("k", "a", { rank: 0 }), error: option("rank") },
	{ call: (on) => on.lpos("k", "a", { count: -1 }), error: option("count") },
	{ call: (on) => on.lpos("k", "a", { maxlen: 0.5 }), error: option("maxlen") },
	{ call: (on) => on.lpos("k", "a", { max: 5 } as never), error: option("max") },
	{ call: (on) => on.lpos("k", undefined as never), error: argument(2) },
	{ call: (on) => on.lmove("k", "k", "top" as never, "left"), error: argument(3) },
	{ call: (on) => on.lmove("k", "k", "left", undefined as never), error: argument(4) },
	{ call: (on) => on.lmove("k", 5 as never, "left", "left"), error: argument(2) },
	{ call: (on) => on.lmpop([], "left"), error: argument(1) },
	{ call: (on) => on.lmpop(["k", 5 as never], "left"), error: argument(3) },
	{ call: (on) => on.lmpop(["k"], "first" as never), error: argument(3) },
	{ call: (on) => on.lmpop("k", "left", { count: 0 }), error: option("count") },
	{ call: (on) => on.lmpop("k", "left", 5 as never), error: option("options") },
	{ call: (on) => on.rpoplpush("k", undefined as never), error: argument(2) },
	{ call: (on) => on.lmove("a", "b", "left", "left"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.rpoplpush("a", "b"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.lmpop(["a", "b"], "left"), error: crossSlot, on: "cluster" },
];

testCommands({ sequences: { lists: steps }, refused });

testMisshapen("replies that lists cannot have are PROTOCOL errors for their calls alone", [
	{ call: (on) => on.lmpop("k", "left"), reply: "*1\r\n$1\r\nk\r\n" },
	{ call: (on) => on.lmpop("k", "left"), reply: "*2\r\n$1\r\nk\r\n$1\r\na\r\n" },
	{ call: (on) => on.lmpop("k", "left"), reply: "*2\r\n:1\r\n*1\r\n$1\r\na\r\n" },
	{ call: (on) => on.lmpop("k", "left"), reply: "*2\r\n$1\r\nk\r\n*1\r\n$-1\r\n" },
	{ call: (on) => on.lmpop("k", "left"), reply: "+OK\r\n" },
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
