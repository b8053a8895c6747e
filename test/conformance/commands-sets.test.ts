/** Sets by their own methods (A31, A17): same replies everywhere, refusals before a byte is sent. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { argument, inAnyOrder, option, refusedEverywhere, repliesEverywhere, someOf } from "../support/typed-commands-2.js";

repliesEverywhere("A17 sets", [
	[(on, key) => on.sadd(key("a"), "1", [2, "3"], 3n), () => 3],
	[(on, key) => on.sadd(key("a"), "3"), () => 0],
	[(on, key) => on.sadd(key("b"), ["2", "3", "ü"]), () => 3],
	[(on, key) => on.smembers(key("a")), (text) => inAnyOrder(["1", "2", "3"].map(text))],
	[(on, key) => on.smembers(key("nope")), () => []],
	[(on, key) => on.sismember(key("b"), "ü"), () => 1],
	[(on, key) => on.sismember(key("b"), 7), () => 0],
	[(on, key) => on.smismember(key("a"), "1", [9, 2]), () => [1, 0, 1]],
	[(on, key) => on.smismember(key("nope"), "1"), () => [0]],
	[(on, key) => on.scard(key("a")), () => 3],
	[(on, key) => on.scard(key("nope")), () => 0],
	[(on, key) => on.sinter(key("a"), key("b")), (text) => inAnyOrder(["2", "3"].map(text))],
	[(on, key) => on.sinter([key("a"), key("nope")]), () => []],
	[(on, key) => on.sinterstore(key("i"), key("a"), [key("b")]), () => 2],
	[(on, key) => on.sintercard([key("a"), key("b")]), () => 2],
	[(on, key) => on.sintercard([key("a"), key("b")], { limit: 1 }), () => 1],
	[(on, key) => on.sintercard(key("a"), { limit: 0 }), () => 3],
	[(on, key) => on.sunion([key("a"), key("b")]), (text) => inAnyOrder(["1", "2", "3", "ü"].map(text))],
	[(on, key) => on.sunion(key("nope")), () => []],
	[(on, key) => on.sunionstore(key("u"), [key("a"), key("b")]), () => 4],
	[(on, key) => on.sdiff(key("a"), key("b")), (text) => [text("1")]],
	[(on, key) => on.sdiffstore(key("d"), key("b"), key("a")), () => 1],
	[(on, key) => on.smembers(key("d")), (text) => [text("ü")]],
	[(on, key) => on.sdiffstore(key("d"), key("a"), key("a")), () => 0],
	[(on, key) => on.smembers(key("d")), () => []],
	[(on, key) => on.smove(key("a"), key("b"), "1"), () => 1],
	[(on, key) => on.smove(key("a"), key("b"), "1"), () => 0],
	[(on, key) => on.srandmember(key("a")), (text) => someOf(["2", "3"].map(text))],
	[(on, key) => on.srandmember(key("a"), 9), (text) => inAnyOrder(["2", "3"].map(text))],
	[(on, key) => on.srandmember(key("a"), -9), (text) => someOf(["2", "3"].map(text), 9)],
	[(on, key) => on.srandmember(key("a"), 0), () => []],
	[(on, key) => on.srandmember(key("nope")), () => null],
	[(on, key) => on.srandmember(key("nope"), 3), () => []],
	[(on, key) => on.srem(key("a"), "2", ["nope"]), () => 1],
	[(on, key) => on.spop(key("a")), (text) => text("3")],
	[(on, key) => on.spop(key("a")), () => null],
	[(on, key) => on.spop(key("a"), 2), () => []],
	[(on, key) => on.spop(key("u"), 0), () => []],
	[(on, key) => on.spop(key("u"), 9), (text) => inAnyOrder(["1", "2", "3", "ü"].map(text))],
]);

refusedEverywhere(
	"B05 arguments of sets that cannot be meant are refused before a byte is sent",
	[
		[(on) => on.sadd("k"), argument(2)],
		[(on) => on.sadd("k", []), argument(2)],
		[(on) => on.sadd("k", "a", [true as never]), argument(3)],
		[(on) => on.sadd("k", 0.5), argument(2)],
		[(on) => on.sadd("k", new Set(["a"]) as never), argument(2)],
		[(on) => on.srem(1 as never, "a"), argument(1)],
		[(on) => on.smembers(undefined as never), argument(1)],
		[(on) => on.sismember("k", undefined as never), argument(2)],
		[(on) => on.smismember("k"), argument(2)],
		[(on) => on.spop("k", -1), argument(2)],
		[(on) => on.spop("k", "1" as never), argument(2)],
		[(on) => on.srandmember("k", 0.5), argument(2)],
		[(on) => on.smove("k", "k", null as never), argument(3)],
		[(on) => on.sinter(), argument(1)],
		[(on) => on.sinter([]), argument(1)],
		[(on) => on.sinter("a", 5 as never), argument(2)],
		[(on) => on.sunionstore("k"), argument(2)],
		[(on) => on.sdiffstore("k", [5 as never]), argument(2)],
		[(on) => on.sintercard([]), argument(1)],
		[(on) => on.sintercard(5 as never), argument(2)],
		[(on) => on.sintercard("k", { limit: -1 }), option("limit")],
		[(on) => on.sintercard("k", { count: 1 } as never), option("count")],
		[(on) => on.sintercard("k", "k2" as never), option("options")],
	],
	[
		[(on) => on.sinter("a", "b"), { code: "CROSSSLOT" }],
		[(on) => on.sinterstore("a", "b"), { code: "CROSSSLOT" }],
		[(on) => on.sintercard(["a", "b"]), { code: "CROSSSLOT" }],
		[(on) => on.sunion(["a", "b"]), { code: "CROSSSLOT" }],
		[(on) => on.sunionstore("a", "a", "b"), { code: "CROSSSLOT" }],
		[(on) => on.sdiff("a", "b"), { code: "CROSSSLOT" }],
		[(on) => on.sdiffstore("b", "a"), { code: "CROSSSLOT" }],
		[(on) => on.smove("a", "b", "m"), { code: "CROSSSLOT" }],
	],
);

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
