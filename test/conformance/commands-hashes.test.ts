/** Hashes by their own methods (A31, A16): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import {
	argument,
	inAnyOrder,
	misshapenReplies,
	option,
	record,
	refusedEverywhere,
	repliesEverywhere,
	someOf,
	wordsAndReplies,
} from "../support/typed-commands-2.js";

repliesEverywhere("A16 hashes", [
	[(on, key) => on.hgetall(key("h")), () => record([])],
	[(on, key) => on.hset(key("h"), "f", "1"), () => 1],
	[(on, key) => on.hset(key("h"), { f: 2, "grüße 世界": "😀" }), () => 1],
	[(on, key) => on.hset(key("h"), JSON.parse('{"__proto__":"polluted","constructor":"c"}')), () => 2],
	[
		(on, key) =>
			on.hset(
				key("h"),
				new Map<string | number, string | bigint>([
					[7, "seven"],
					["big", 2n ** 60n],
				]),
			),
		() => 2,
	],
	[
		(on, key) =>
			on.hset(key("h"), [
				["f", "first"],
				["f", "second"],
				[Buffer.from("g"), ""],
			]),
		() => 1,
	],
	[(on, key) => on.hset(key("h"), Object.entries({ f: "2" })), () => 0],
	[
		(on, key) => on.hgetall(key("h")),
		(text) =>
			record([
				["7", text("seven")],
				["f", text("2")],
				["grüße 世界", text("😀")],
				["__proto__", text("polluted")],
				["constructor", text("c")],
				["big", text("1152921504606846976")],
				["g", text("")],
			]),
	],
	[(on, key) => on.hget(key("h"), "f"), (text) => text("2")],
	[(on, key) => on.hget(key("h"), 7), (text) => text("seven")],
	[(on, key) => on.hget(key("h"), "nope"), () => null],
	[(on, key) => on.hget(key("nope"), "f"), () => null],
	[(on, key) => on.hmget(key("h"), "g", "nope", ["f", 7]), (text) => [text(""), null, text("2"), text("seven")]],
	[(on, key) => on.hmget(key("nope"), ["a", "b"]), () => [null, null]],
	[(on, key) => on.hsetnx(key("h"), "f", "no"), () => 0],
	[(on, key) => on.hsetnx(key("h"), "new", "yes"), () => 1],
	[(on, key) => on.hexists(key("h"), "new"), () => 1],
	[(on, key) => on.hexists(key("h"), "nope"), () => 0],
	[(on, key) => on.hlen(key("h")), () => 8],
	[(on, key) => on.hlen(key("nope")), () => 0],
	[(on, key) => on.hstrlen(key("h"), "grüße 世界"), () => 4],
	[(on, key) => on.hstrlen(key("h"), "nope"), () => 0],
	[(on, key) => on.hdel(key("h"), "new", ["big", "nope"], "constructor"), () => 3],
	[(on, key) => on.hdel(key("nope"), "f"), () => 0],

	[(on, key) => on.hincrby(key("n"), "i", 5), () => 5],
	[(on, key) => on.hincrby(key("n"), "i", -7), () => -2],
	[(on, key) => on.hincrby(key("n"), "i", 9_223_372_036_854_775_807n), () => 9_223_372_036_854_775_805n],
	[(on, key) => on.hincrbyfloat(key("n"), "d", 10.5), () => 10.5],
	[(on, key) => on.hincrbyfloat(key("n"), "d", -0.25), () => 10.25],
	[(on, key) => on.hincrbyfloat(key("n"), "d", -10.25), () => 0],
	[(on, key) => on.hincrbyfloat(key("n"), "d", 1e21), () => 1e21],

	[(on, key) => on.hset(key("r"), { a: "1", b: "2" }), () => 2],
	[(on, key) => on.hkeys(key("r")), (text) => [text("a"), text("b")]],
	[(on, key) => on.hvals(key("r")), (text) => [text("1"), text("2")]],
	[(on, key) => on.hkeys(key("nope")), () => []],
	[(on, key) => on.hvals(key("nope")), () => []],
	[(on, key) => on.hrandfield(key("r")), (text) => someOf([text("a"), text("b")])],
	[(on, key) => on.hrandfield(key("nope")), () => null],
	[(on, key) => on.hrandfield(key("r"), 9), (text) => inAnyOrder([text("a"), text("b")])],
	[(on, key) => on.hrandfield(key("r"), -5), (text) => someOf([text("a"), text("b")], 5)],
	[(on, key) => on.hrandfield(key("r"), 2, { withvalues: false }), (text) => inAnyOrder([text("a"), text("b")])],
	[
		(on, key) => on.hrandfield(key("r"), 9, { withvalues: true }),
		(text) =>
			inAnyOrder([
				[text("a"), text("1")],
				[text("b"), text("2")],
			]),
	],
	[
		(on, key) => on.hrandfield(key("r"), -5, { withvalues: true }),
		(text) =>
			someOf(
				[
					[text("a"), text("1")],
					[text("b"), text("2")],
				],
				5,
			),
	],
	[(on, key) => on.hrandfield(key("r"), 0, { withvalues: true }), () => []],
	[(on, key) => on.hrandfield(key("nope"), 3, { withvalues: true }), () => []],
	[(on, key) => on.hrandfield(key("nope"), 3), () => []],
]);

refusedEverywhere(
	"B05 arguments of hashes that cannot be meant are refused before a byte is sent",
	[
		[(on) => on.hset(5 as never, "f", "v"), argument(1)],
		[(on) => on.hset("k", "f", undefined as never), argument(3)],
		[(on) => (on.hset as (...args: unknown[]) => unknown)("k", "f"), argument(3)],
		[(on) => on.hset("k", {}), argument(2)],
		[(on) => on.hset("k", []), argument(2)],
		[(on) => on.hset("k", new Map()), argument(2)],
		[(on) => on.hset("k", null as never), argument(2)],
		[(on) => on.hset("k", new Date() as never), argument(2)],
		[(on) => on.hset("k", { a: 1, b: undefined } as never), argument(5)],
		[(on) => on.hset("k", { a: true } as never), argument(3)],
		[(on) => on.hset("k", { a: 1 } as never, "v"), argument(2)],
		[(on) => on.hset("k", ["f", "v"] as never), argument(2)],
		[(on) => on.hset("k", [["f", "v"], ["g"]] as never), argument(4)],
		[(on) => on.hset("k", "f", 0.5), argument(3)],
		[(on) => on.hsetnx("k", "f", {} as never), argument(3)],
		[(on) => on.hget("k", null as never), argument(2)],
		[(on) => on.hmget("k"), argument(2)],
		[(on) => on.hmget("k", []), argument(2)],
		[(on) => on.hmget("k", "a", [undefined as never]), argument(3)],
		[(on) => on.hdel("k"), argument(2)],
		[(on) => on.hgetall(undefined as never), argument(1)],
		[(on) => on.hgetall(1n as never), argument(1)],
		[(on) => on.hincrby("k", "f", 1.5), argument(3)],
		[(on) => on.hincrby("k", "f", "1" as never), argument(3)],
		[(on) => on.hincrby("k", "f", 2 ** 53), argument(3)],
		[(on) => on.hincrbyfloat("k", "f", Number.NaN), argument(3)],
		[(on) => on.hincrbyfloat("k", "f", Number.POSITIVE_INFINITY), argument(3)],
		[(on) => on.hincrbyfloat("k", "f", "1" as never), argument(3)],
		[(on) => on.hrandfield("k", 1.5), argument(2)],
		[(on) => on.hrandfield("k", undefined as never, { withvalues: true }), argument(2)],
		[(on) => on.hrandfield("k", 1, { withvalues: 1 } as never), option("withvalues")],
		[(on) => on.hrandfield("k", 1, { withValues: true } as never), option("withValues")],
		[(on) => on.hrandfield("k", 1, "withvalues" as never), option("options")],
		[(on) => on.hexpire("k", -1, "f"), argument(2)],
		[(on) => on.hexpire("k", 0.5, "f"), argument(2)],
		[(on) => on.hexpire("k", 1, []), argument(3)],
		[(on) => on.hexpire("k", 1, "f", { nx: true, gt: true }), option("gt")],
		[(on) => on.hpexpire("k", 1, "f", { keepttl: true } as never), option("keepttl")],
		[(on) => on.hpexpireat("k", Number.NaN, "f"), argument(2)],
		[(on) => on.httl("k"), argument(2)],
		[(on) => on.hpersist("k", []), argument(2)],
		[(on) => on.httl(4 as never, "f"), argument(1)],
	],
	[],
);

misshapenReplies("replies that hashes cannot have are PROTOCOL errors for their calls alone", [
	[(on) => on.hgetall("k"), "*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n"],
	[(on) => on.hgetall("k"), "*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n"],
	[(on) => on.hgetall("k"), "+OK\r\n"],
	[(on) => on.hgetall("k"), "*-1\r\n"],
	[(on) => on.hincrbyfloat("k", "f", 1), "$4\r\nmany\r\n"],
	[(on) => on.hincrbyfloat("k", "f", 1), "*0\r\n"],
	[(on) => on.hrandfield("k", 1, { withvalues: true }), "*1\r\n$1\r\na\r\n"],
	[(on) => on.hrandfield("k", 1, { withvalues: true }), "*1\r\n*1\r\n$1\r\na\r\n"],
	[(on) => on.hrandfield("k", 1, { withvalues: true }), "*2\r\n$1\r\na\r\n:1\r\n"],
]);

wordsAndReplies("the life of single fields, which servers before Redis 7.4 and Valkey 9 do not know", [
	[(on) => on.hexpire("k", 10, ["f", "g"]), "HEXPIRE k 10 FIELDS 2 f g", "*2\r\n:1\r\n:-2\r\n", [1, -2]],
	[(on) => on.hexpire("k", 10, "f", { xx: true }), "HEXPIRE k 10 XX FIELDS 1 f", "*1\r\n:0\r\n", [0]],
	[(on) => on.hpexpire("k", 0, "f", { gt: true, nx: false }), "HPEXPIRE k 0 GT FIELDS 1 f", "*1\r\n:2\r\n", [2]],
	[(on) => on.hexpireat("k", 2_000_000_000, 7), "HEXPIREAT k 2000000000 FIELDS 1 7", "*1\r\n:1\r\n", [1]],
	[(on) => on.hpexpireat("k", 2e12, ["f"], { lt: true }), "HPEXPIREAT k 2000000000000 LT FIELDS 1 f", "*1\r\n:1\r\n", [1]],
	[(on) => on.httl("k", "f", ["g", "h"]), "HTTL k FIELDS 3 f g h", "*3\r\n:5\r\n:-1\r\n:-2\r\n", [5, -1, -2]],
	[(on) => on.hpttl("k", "f"), "HPTTL k FIELDS 1 f", "*1\r\n:5000\r\n", [5000]],
	[(on) => on.hexpiretime("k", "f"), "HEXPIRETIME k FIELDS 1 f", "*1\r\n:2000000000\r\n", [2_000_000_000]],
	[(on) => on.hpexpiretime("k", "f"), "HPEXPIRETIME k FIELDS 1 f", "*1\r\n:2000000000000\r\n", [2e12]],
	[(on) => on.hpersist("k", ["f", "g"]), "HPERSIST k FIELDS 2 f g", "*2\r\n:1\r\n:-1\r\n", [1, -1]],
]);

test("A31 a hash that is none, a field that holds no number, and a command that the server does not know are its errors", async () => {
	for (const protocol of [2, 3] as const) {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		const key = `typed:hash-errors:${protocol}`;
		await client.set(key, "text");
		await expect(client.hgetall(key)).rejects.toMatchObject({ code: "WRONGTYPE" });
		await client.del(key);
		await client.hset(key, "f", "text");
		await expect(client.hincrby(key, "f", 1)).rejects.toMatchObject({
			code: "ERR",
			message: expect.stringMatching(/not an integer/),
		});
		await expect(client.hincrbyfloat(key, "f", 1)).rejects.toMatchObject({ code: "ERR" });
		const server = inject("server");
		const knows = server.product === "Valkey" ? Number.parseFloat(server.version) >= 9 : Number.parseFloat(server.version) >= 7.4;
		const ttl = client.httl(key, "f");
		if (knows) expect(await ttl).toEqual([-1]);
		else await expect(ttl).rejects.toMatchObject({ code: "ERR", message: expect.stringMatching(/unknown command/) });
	}
});

test("A16 names of fields are text in the view too, and the values bytes", async () => {
	for (const protocol of [2, 3] as const) {
		await using client = await createClient({ url: inject("clusterUrl"), protocol });
		const key = `typed:hash-bytes:${protocol}`;
		const bytes = Buffer.from([0xff, 0x00, 0x0d, 0x0a]);
		await client.hset(key, "f", bytes);
		expect((await client.buffers.hgetall(key)).f).toEqual(bytes);
		expect(Object.getPrototypeOf(await client.hgetall(key))).toBeNull();
	}
});
