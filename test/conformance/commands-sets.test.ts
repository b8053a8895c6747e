/** Sets by their own methods (A31, A17): same replies everywhere, refusals before a byte is sent. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import {
	argument,
	crossSlot,
	inAnyOrder,
	option,
	type RefusedRow,
	type Step,
	someOf,
	testCommands,
} from "../support/typed-commands.js";

const steps: Step[] = [
	{ call: (on, key) => on.sadd(key("a"), "1", [2, "3"], 3n), expected: 3 },
	{ call: (on, key) => on.sadd(key("a"), "3"), expected: 0 },
	{ call: (on, key) => on.sadd(key("b"), ["2", "3", "ü"]), expected: 3 },
	{ call: (on, key) => on.smembers(key("a")), expected: (text) => inAnyOrder(["1", "2", "3"].map(text)) },
	{ call: (on, key) => on.smembers(key("nope")), expected: [] },
	{ call: (on, key) => on.sismember(key("b"), "ü"), expected: 1 },
	{ call: (on, key) => on.sismember(key("b"), 7), expected: 0 },
	{ call: (on, key) => on.smismember(key("a"), "1", [9, 2]), expected: [1, 0, 1] },
	{ call: (on, key) => on.smismember(key("nope"), "1"), expected: [0] },
	{ call: (on, key) => on.scard(key("a")), expected: 3 },
	{ call: (on, key) => on.scard(key("nope")), expected: 0 },
	{ call: (on, key) => on.sinter(key("a"), key("b")), expected: (text) => inAnyOrder(["2", "3"].map(text)) },
	{ call: (on, key) => on.sinter([key("a"), key("nope")]), expected: [] },
	{ call: (on, key) => on.sinterstore(key("i"), key("a"), [key("b")]), expected: 2 },
	{ call: (on, key) => on.sintercard([key("a"), key("b")]), expected: 2 },
	{ call: (on, key) => on.sintercard([key("a"), key("b")], { limit: 1 }), expected: 1 },
	{ call: (on, key) => on.sintercard(key("a"), { limit: 0 }), expected: 3 },
	{ call: (on, key) => on.sunion([key("a"), key("b")]), expected: (text) => inAnyOrder(["1", "2", "3", "ü"].map(text)) },
	{ call: (on, key) => on.sunion(key("nope")), expected: [] },
	{ call: (on, key) => on.sunionstore(key("u"), [key("a"), key("b")]), expected: 4 },
	{ call: (on, key) => on.sdiff(key("a"), key("b")), expected: (text) => [text("1")] },
	{ call: (on, key) => on.sdiffstore(key("d"), key("b"), key("a")), expected: 1 },
	{ call: (on, key) => on.smembers(key("d")), expected: (text) => [text("ü")] },
	{ call: (on, key) => on.sdiffstore(key("d"), key("a"), key("a")), expected: 0 },
	{ call: (on, key) => on.smembers(key("d")), expected: [] },
	{ call: (on, key) => on.smove(key("a"), key("b"), "1"), expected: 1 },
	{ call: (on, key) => on.smove(key("a"), key("b"), "1"), expected: 0 },
	{ call: (on, key) => on.srandmember(key("a")), expected: (text) => someOf(["2", "3"].map(text)) },
	{ call: (on, key) => on.srandmember(key("a"), 9), expected: (text) => inAnyOrder(["2", "3"].map(text)) },
	{ call: (on, key) => on.srandmember(key("a"), -9), expected: (text) => someOf(["2", "3"].map(text), 9) },
	{ call: (on, key) => on.srandmember(key("a"), 0), expected: [] },
	{ call: (on, key) => on.srandmember(key("nope")), expected: null },
	{ call: (on, key) => on.srandmember(key("nope"), 3), expected: [] },
	{ call: (on, key) => on.srem(key("a"), "2", ["nope"]), expected: 1 },
	{ call: (on, key) => on.spop(key("a")), expected: (text) => text("3") },
	{ call: (on, key) => on.spop(key("a")), expected: null },
	{ call: (on, key) => on.spop(key("a"), 2), expected: [] },
	{ call: (on, key) => on.spop(key("u"), 0), expected: [] },
	{ call: (on, key) => on.spop(key("u"), 9), expected: (text) => inAnyOrder(["1", "2", "3", "ü"].map(text)) },
];

const refused: RefusedRow[] = [
	{ call: (on) => on.sadd("k"), error: argument(2) },
	{ call: (on) => on.sadd("k", []), error: argument(2) },
	{ call: (on) => on.sadd("k", "a", [true as never]), error: argument(3) },
	{ call: (on) => on.sadd("k", 0.5), error: argument(2) },
	{ call: (on) => on.sadd("k", new Set(["a"]) as never), error: argument(2) },
	{ call: (on) => on.srem(1 as never, "a"), error: argument(1) },
	{ call: (on) => on.smembers(undefined as never), error: argument(1) },
	{ call: (on) => on.sismember("k", undefined as never), error: argument(2) },
	{ call: (on) => on.smismember("k"), error: argument(2) },
	{ call: (on) => on.spop("k", -1), error: argument(2) },
	{ call: (on) => on.spop("k", "1" as never), error: argument(2) },
	{ call: (on) => on.srandmember("k", 0.5), error: argument(2) },
	{ call: (on) => on.smove("k", "k", null as never), error: argument(3) },
	{ call: (on) => on.sinter(), error: argument(1) },
	{ call: (on) => on.sinter([]), error: argument(1) },
	{ call: (on) => on.sinter("a", 5 as never), error: argument(2) },
	{ call: (on) => on.sunionstore("k"), error: argument(2) },
	{ call: (on) => on.sdiffstore("k", [5 as never]), error: argument(2) },
	{ call: (on) => on.sintercard([]), error: argument(1) },
	{ call: (on) => on.sintercard(5 as never), error: argument(2) },
	{ call: (on) => on.sintercard("k", { limit: -1 }), error: option("limit") },
	{ call: (on) => on.sintercard("k", { count: 1 } as never), error: option("count") },
	{ call: (on) => on.sintercard("k", "k2" as never), error: option("options") },
	{ call: (on) => on.sinter("a", "b"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.sinterstore("a", "b"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.sintercard(["a", "b"]), error: crossSlot, on: "cluster" },
	{ call: (on) => on.sunion(["a", "b"]), error: crossSlot, on: "cluster" },
	{ call: (on) => on.sunionstore("a", "a", "b"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.sdiff("a", "b"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.sdiffstore("b", "a"), error: crossSlot, on: "cluster" },
	{ call: (on) => on.smove("a", "b", "m"), error: crossSlot, on: "cluster" },
];

testCommands({ sequences: { "A17 sets": steps }, refused });

test("A31 a set that is none is its error", async () => {
	await using client = await createClient({ url: inject("clusterUrl") });
	const key = "typed:set-errors";
	await client.set(key, "text");
	await expect(client.sadd(key, "a")).rejects.toMatchObject({ code: "WRONGTYPE" });
	await expect(client.smembers(key)).rejects.toMatchObject({ code: "WRONGTYPE" });
});

test("B09 more members in one call than a function takes arguments", async () => {
	await using client = await createClient({ url: inject("clusterUrl") });
	const key = "typed:many-members";
	const members = Array.from({ length: 250_000 }, (_, i) => i);
	expect(await client.sadd(key, members)).toBe(members.length);
	expect(await client.scard(key)).toBe(members.length);
	await client.unlink(key);
});
