/** Hashes by their own methods (A31, A16): same replies everywhere, refusals before a byte is sent, replies that are none. */
import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { testMisshapen, testOnTheWire } from "../support/fake-replies.js";
import {
	argument,
	inAnyOrder,
	option,
	type RefusedRow,
	record,
	type Step,
	someOf,
	testCommands,
} from "../support/typed-commands.js";

const steps: Step[] = [
	{ call: (on, key) => on.hgetall(key("h")), expected: record([]) },
	{ call: (on, key) => on.hset(key("h"), "f", "1"), expected: 1 },
	{ call: (on, key) => on.hset(key("h"), { f: 2, "grüße 世界": "😀" }), expected: 1 },
	{ call: (on, key) => on.hset(key("h"), JSON.parse('{"__proto__":"polluted","constructor":"c"}')), expected: 2 },
	{
		call: (on, key) =>
			on.hset(
				key("h"),
				new Map<string | number, string | bigint>([
					[7, "seven"],
					["big", 2n ** 60n],
				]),
			),
		expected: 2,
	},
	{
		call: (on, key) =>
			on.hset(key("h"), [
				["f", "first"],
				["f", "second"],
				[Buffer.from("g"), ""],
			]),
		expected: 1,
	},
	{ call: (on, key) => on.hset(key("h"), Object.entries({ f: "2" })), expected: 0 },
	{
		call: (on, key) => on.hgetall(key("h")),
		expected: (text) =>
			record([
				["7", text("seven")],
				["f", text("2")],
				["grüße 世界", text("😀")],
				["__proto__", text("polluted")],
				["constructor", text("c")],
				["big", text("1152921504606846976")],
				["g", text("")],
			]),
	},
	{ call: (on, key) => on.hget(key("h"), "f"), expected: (text) => text("2") },
	{ call: (on, key) => on.hget(key("h"), 7), expected: (text) => text("seven") },
	{ call: (on, key) => on.hget(key("h"), "nope"), expected: null },
	{ call: (on, key) => on.hget(key("nope"), "f"), expected: null },
	{
		call: (on, key) => on.hmget(key("h"), "g", "nope", ["f", 7]),
		expected: (text) => [text(""), null, text("2"), text("seven")],
	},
	{ call: (on, key) => on.hmget(key("nope"), ["a", "b"]), expected: [null, null] },
	{ call: (on, key) => on.hsetnx(key("h"), "f", "no"), expected: 0 },
	{ call: (on, key) => on.hsetnx(key("h"), "new", "yes"), expected: 1 },
	{ call: (on, key) => on.hexists(key("h"), "new"), expected: 1 },
	{ call: (on, key) => on.hexists(key("h"), "nope"), expected: 0 },
	{ call: (on, key) => on.hlen(key("h")), expected: 8 },
	{ call: (on, key) => on.hlen(key("nope")), expected: 0 },
	{ call: (on, key) => on.hstrlen(key("h"), "grüße 世界"), expected: 4 },
	{ call: (on, key) => on.hstrlen(key("h"), "nope"), expected: 0 },
	{ call: (on, key) => on.hdel(key("h"), "new", ["big", "nope"], "constructor"), expected: 3 },
	{ call: (on, key) => on.hdel(key("nope"), "f"), expected: 0 },

	{ call: (on, key) => on.hincrby(key("n"), "i", 5), expected: 5 },
	{ call: (on, key) => on.hincrby(key("n"), "i", -7), expected: -2 },
	{ call: (on, key) => on.hincrby(key("n"), "i", 9_223_372_036_854_775_807n), expected: 9_223_372_036_854_775_805n },
	{ call: (on, key) => on.hincrbyfloat(key("n"), "d", 10.5), expected: 10.5 },
	{ call: (on, key) => on.hincrbyfloat(key("n"), "d", -0.25), expected: 10.25 },
	{ call: (on, key) => on.hincrbyfloat(key("n"), "d", -10.25), expected: 0 },
	{ call: (on, key) => on.hincrbyfloat(key("n"), "d", 1e21), expected: 1e21 },

	{ call: (on, key) => on.hset(key("r"), { a: "1", b: "2" }), expected: 2 },
	{ call: (on, key) => on.hkeys(key("r")), expected: (text) => [text("a"), text("b")] },
	{ call: (on, key) => on.hvals(key("r")), expected: (text) => [text("1"), text("2")] },
	{ call: (on, key) => on.hkeys(key("nope")), expected: [] },
	{ call: (on, key) => on.hvals(key("nope")), expected: [] },
	{ call: (on, key) => on.hrandfield(key("r")), expected: (text) => someOf([text("a"), text("b")]) },
	{ call: (on, key) => on.hrandfield(key("nope")), expected: null },
	{ call: (on, key) => on.hrandfield(key("r"), 9), expected: (text) => inAnyOrder([text("a"), text("b")]) },
	{ call: (on, key) => on.hrandfield(key("r"), -5), expected: (text) => someOf([text("a"), text("b")], 5) },
	{
		call: (on, key) => on.hrandfield(key("r"), 2, { withvalues: false }),
		expected: (text) => inAnyOrder([text("a"), text("b")]),
	},
	{
		call: (on, key) => on.hrandfield(key("r"), 9, { withvalues: true }),
		expected: (text) =>
			inAnyOrder([
				[text("a"), text("1")],
				[text("b"), text("2")],
			]),
	},
	{
		call: (on, key) => on.hrandfield(key("r"), -5, { withvalues: true }),
		expected: (text) =>
			someOf(
				[
					[text("a"), text("1")],
					[text("b"), text("2")],
				],
				5,
			),
	},
	{ call: (on, key) => on.hrandfield(key("r"), 0, { withvalues: true }), expected: [] },
	{ call: (on, key) => on.hrandfield(key("nope"), 3, { withvalues: true }), expected: [] },
	{ call: (on, key) => on.hrandfield(key("nope"), 3), expected: [] },
];

const refused: RefusedRow[] = [
	{ call: (on) => on.hset(5 as never, "f", "v"), error: argument(1) },
	{ call: (on) => on.hset("k", "f", undefined as never), error: argument(3) },
	{ call: (on) => (on.hset as (...args: unknown[]) => unknown)("k", "f"), error: argument(3) },
	{ call: (on) => (on.hset as (...args: unknown[]) => unknown)("k", "f", "v", "g", "w"), error: argument(4) },
	{ call: (on) => on.hset("k", {}), error: argument(2) },
	{ call: (on) => on.hset("k", []), error: argument(2) },
	{ call: (on) => on.hset("k", new Map()), error: argument(2) },
	{ call: (on) => on.hset("k", null as never), error: argument(2) },
	{ call: (on) => on.hset("k", new Date() as never), error: argument(2) },
	{ call: (on) => on.hset("k", { a: 1, b: undefined } as never), error: argument(5) },
	{ call: (on) => on.hset("k", { a: true } as never), error: argument(3) },
	{ call: (on) => on.hset("k", { a: 1 } as never, "v"), error: argument(2) },
	{ call: (on) => on.hset("k", ["f", "v"] as never), error: argument(2) },
	{ call: (on) => on.hset("k", [["f", "v"], ["g"]] as never), error: argument(4) },
	{ call: (on) => on.hset("k", "f", 0.5), error: argument(3) },
	{ call: (on) => on.hsetnx("k", "f", {} as never), error: argument(3) },
	{ call: (on) => on.hget("k", null as never), error: argument(2) },
	{ call: (on) => on.hmget("k"), error: argument(2) },
	{ call: (on) => on.hmget("k", []), error: argument(2) },
	{ call: (on) => on.hmget("k", "a", [undefined as never]), error: argument(3) },
	{ call: (on) => on.hdel("k"), error: argument(2) },
	{ call: (on) => on.hgetall(undefined as never), error: argument(1) },
	{ call: (on) => on.hgetall(1n as never), error: argument(1) },
	{ call: (on) => on.hincrby("k", "f", 1.5), error: argument(3) },
	{ call: (on) => on.hincrby("k", "f", "1" as never), error: argument(3) },
	{ call: (on) => on.hincrby("k", "f", 2 ** 53), error: argument(3) },
	{ call: (on) => on.hincrbyfloat("k", "f", Number.NaN), error: argument(3) },
	{ call: (on) => on.hincrbyfloat("k", "f", Number.POSITIVE_INFINITY), error: argument(3) },
	{ call: (on) => on.hincrbyfloat("k", "f", "1" as never), error: argument(3) },
	{ call: (on) => on.hrandfield("k", 1.5), error: argument(2) },
	{ call: (on) => on.hrandfield("k", undefined as never, { withvalues: true }), error: argument(2) },
	{ call: (on) => on.hrandfield("k", 1, { withvalues: 1 } as never), error: option("withvalues") },
	{ call: (on) => on.hrandfield("k", 1, { withValues: true } as never), error: option("withValues") },
	{ call: (on) => on.hrandfield("k", 1, "withvalues" as never), error: option("options") },
	{ call: (on) => on.hexpire("k", -1, "f"), error: argument(2) },
	{ call: (on) => on.hexpire("k", 0.5, "f"), error: argument(2) },
	{ call: (on) => on.hexpire("k", 1, []), error: argument(3) },
	{ call: (on) => on.hexpire("k", 1, "f", { nx: true, gt: true }), error: option("gt") },
	{ call: (on) => on.hpexpire("k", 1, "f", { keepttl: true } as never), error: option("keepttl") },
	{ call: (on) => on.hpexpireat("k", Number.NaN, "f"), error: argument(2) },
	{ call: (on) => on.httl("k"), error: argument(2) },
	{ call: (on) => on.hpersist("k", []), error: argument(2) },
	{ call: (on) => on.httl(4 as never, "f"), error: argument(1) },
];

testCommands({ sequences: { "A16 hashes": steps }, refused });

testMisshapen("replies that hashes cannot have are PROTOCOL errors for their calls alone", [
	{ call: (on) => on.hgetall("k"), reply: "*3\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n" },
	{ call: (on) => on.hgetall("k"), reply: "*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n" },
	{ call: (on) => on.hgetall("k"), reply: "+OK\r\n" },
	{ call: (on) => on.hgetall("k"), reply: "*-1\r\n" },
	{ call: (on) => on.hincrbyfloat("k", "f", 1), reply: "$4\r\nmany\r\n" },
	{ call: (on) => on.hincrbyfloat("k", "f", 1), reply: "*0\r\n" },
	{ call: (on) => on.hrandfield("k", 1, { withvalues: true }), reply: "*1\r\n$1\r\na\r\n" },
	{ call: (on) => on.hrandfield("k", 1, { withvalues: true }), reply: "*1\r\n*1\r\n$1\r\na\r\n" },
	{ call: (on) => on.hrandfield("k", 1, { withvalues: true }), reply: "*2\r\n$1\r\na\r\n:1\r\n" },
]);

testOnTheWire("the life of single fields, which servers before Redis 7.4 and Valkey 9 do not know", [
	{
		call: (on) => on.hexpire("k", 10, ["f", "g"]),
		words: "HEXPIRE k 10 FIELDS 2 f g",
		reply: "*2\r\n:1\r\n:-2\r\n",
		expected: [1, -2],
	},
	{
		call: (on) => on.hexpire("k", 10, "f", { xx: true }),
		words: "HEXPIRE k 10 XX FIELDS 1 f",
		reply: "*1\r\n:0\r\n",
		expected: [0],
	},
	{
		call: (on) => on.hpexpire("k", 0, "f", { gt: true, nx: false }),
		words: "HPEXPIRE k 0 GT FIELDS 1 f",
		reply: "*1\r\n:2\r\n",
		expected: [2],
	},
	{
		call: (on) => on.hexpireat("k", 2_000_000_000, 7),
		words: "HEXPIREAT k 2000000000 FIELDS 1 7",
		reply: "*1\r\n:1\r\n",
		expected: [1],
	},
	{
		call: (on) => on.hpexpireat("k", 2e12, ["f"], { lt: true }),
		words: "HPEXPIREAT k 2000000000000 LT FIELDS 1 f",
		reply: "*1\r\n:1\r\n",
		expected: [1],
	},
	{
		call: (on) => on.httl("k", "f", ["g", "h"]),
		words: "HTTL k FIELDS 3 f g h",
		reply: "*3\r\n:5\r\n:-1\r\n:-2\r\n",
		expected: [5, -1, -2],
	},
	{ call: (on) => on.hpttl("k", "f"), words: "HPTTL k FIELDS 1 f", reply: "*1\r\n:5000\r\n", expected: [5000] },
	{
		call: (on) => on.hexpiretime("k", "f"),
		words: "HEXPIRETIME k FIELDS 1 f",
		reply: "*1\r\n:2000000000\r\n",
		expected: [2_000_000_000],
	},
	{
		call: (on) => on.hpexpiretime("k", "f"),
		words: "HPEXPIRETIME k FIELDS 1 f",
		reply: "*1\r\n:2000000000000\r\n",
		expected: [2e12],
	},
	{
		call: (on) => on.hpersist("k", ["f", "g"]),
		words: "HPERSIST k FIELDS 2 f g",
		reply: "*2\r\n:1\r\n:-1\r\n",
		expected: [1, -1],
	},
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
