/** What the types promise; `npm run types` fails where one of them does not hold. Nothing here runs. */
import { expectTypeOf } from "vitest";
import {
	type BatchError,
	type Client,
	type ClientError,
	defineScript,
	type Pipeline,
	type Reply,
	type Script,
	type TypedScript,
} from "../../src/index.js";

declare const client: Client;
declare const buffers: Client<Buffer>;

expectTypeOf(client.buffers).toEqualTypeOf<Client<Buffer>>();
expectTypeOf(client.with({ timeoutMs: 5 })).toEqualTypeOf<Client>();
expectTypeOf(buffers.with({})).toEqualTypeOf<Client<Buffer>>();

// Bulk replies are strings, or Buffers in the view; simple strings and numbers are the same in both.
expectTypeOf(client.get("k")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.get("k")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.mget(["k"])).resolves.toEqualTypeOf<(string | null)[]>();
expectTypeOf(buffers.mget(["k"])).resolves.toEqualTypeOf<(Buffer | null)[]>();
expectTypeOf(client.set("k", "v")).resolves.toEqualTypeOf<"OK" | null>();
expectTypeOf(buffers.set("k", "v", { ex: 5 })).resolves.toEqualTypeOf<"OK" | null>();
expectTypeOf(client.set("k", "v", { get: true })).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.set("k", "v", { get: true, nx: true })).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.incr("k")).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(client.ttl("k")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.expire("k", 5)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.getInto("k", Buffer.alloc(1))).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.command("GET", "k")).resolves.toEqualTypeOf<Reply<string>>();
expectTypeOf(buffers.command("GET", "k", 1, 2n, Buffer.alloc(1))).resolves.toEqualTypeOf<Reply<Buffer>>();
expectTypeOf(client.pipeline()).toEqualTypeOf<Pipeline<string>>();
expectTypeOf(buffers.pipeline().get("k").incr("n").exec()).resolves.toEqualTypeOf<
	[Buffer | null | ClientError, number | bigint | ClientError]
>();
// Statement by statement, the type cannot follow.
expectTypeOf(buffers.pipeline().exec()).resolves.toEqualTypeOf<(Reply<Buffer> | ClientError)[]>();
expectTypeOf(client.withConnection({ key: "k" }, async (c) => c.get("k"))).resolves.toEqualTypeOf<string | null>();

expectTypeOf(client.blpop("k", 1)).resolves.toEqualTypeOf<[key: string, element: string] | null>();
expectTypeOf(buffers.bzpopmin(["k"], 0.5)).resolves.toEqualTypeOf<[key: Buffer, member: Buffer, score: number] | null>();
expectTypeOf(buffers.blmove("a", "b", "left", "right", 0)).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.bzmpop("k", "min", 1, { count: 2 })).resolves.toEqualTypeOf<
	[key: string, members: [member: string, score: number][]] | null
>();
expectTypeOf(client.wait(1, 100)).resolves.toEqualTypeOf<number>();

// Errors are among the results only where the caller asked for them.
expectTypeOf(client.mget(["k"], { partial: true })).resolves.toEqualTypeOf<(string | null | ClientError)[]>();
expectTypeOf(buffers.mget(["k"], { partial: true })).resolves.toEqualTypeOf<(Buffer | null | ClientError)[]>();
expectTypeOf(client.mget(["k"], { chunkSize: 5 })).resolves.toEqualTypeOf<(string | null)[]>();
expectTypeOf(client.setMany([["k", "v"]])).resolves.toEqualTypeOf<("OK" | null)[]>();
expectTypeOf(client.setMany([["k", "v", { ex: 5 }]], { nx: true, partial: true })).resolves.toEqualTypeOf<
	("OK" | null | ClientError)[]
>();
expectTypeOf(client.delMany(["k"])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.existsMany(["k"])).resolves.toEqualTypeOf<number>();
expectTypeOf<BatchError<string>["results"]>().toEqualTypeOf<(string | ClientError)[]>();
expectTypeOf<BatchError["total"]>().toEqualTypeOf<number | undefined>();

// Frozen lists of keys and entries are accepted.
client.mget(["a", Buffer.from("b"), new Uint8Array(1)] as const);
client.setMany([
	["a", 1],
	["b", 2n, { px: 5 }],
] as const);

// @ts-expect-error counts have no partial result
client.delMany(["k"], { partial: true });
// @ts-expect-error a number is no key
client.get(5);
// @ts-expect-error an object is no value
client.set("k", {});
// @ts-expect-error a boolean is no value
client.set("k", true);
// @ts-expect-error no such option
client.set("k", "v", { EX: 5 });
// @ts-expect-error no such option
client.mget(["k"], { ex: 5 });
// @ts-expect-error views only: strings are no targets
client.getInto("k", "target");
// @ts-expect-error the statistics are read, not written to
client.stats = () => {};

// Transactions: a type per command in a chain; errors stay among the results.
expectTypeOf(client.multi().get("k").incr("n").command("X").exec()).resolves.toEqualTypeOf<
	[string | null | ClientError, number | bigint | ClientError, Reply<string> | ClientError]
>();
expectTypeOf(buffers.multi().set("k", "v", { get: true }).exec()).resolves.toEqualTypeOf<[Buffer | null | ClientError]>();
expectTypeOf(client.multi().exec()).resolves.toEqualTypeOf<(Reply<string> | ClientError)[]>();
expectTypeOf(client.watch("k", (c) => c.multi().get("k"))).resolves.toEqualTypeOf<[string | null | ClientError]>();
expectTypeOf(client.watch(["k"], async (c) => ((await c.get("k")) === null ? null : c.multi().ttl("k")))).resolves.toEqualTypeOf<
	[number | ClientError] | null
>();
// @ts-expect-error a promise is no transaction: exec() is called by watch()
client.watch("k", (c) => c.multi().get("k").exec());

// Scripts give what their `reply` makes of a reply, or the reply as it is.
const plain = defineScript({ keys: 1, lua: "return 1" });
const counting = defineScript({ keys: 1, lua: "return 1", reply: Number });
const texts = defineScript({ keys: "any", lua: "return KEYS", readOnly: true, reply: (reply) => reply as string[] });
const binary = defineScript({ keys: null, lua: Buffer.from("return 1"), reply: (reply: Reply<Buffer>) => reply as Buffer });
const either = defineScript({ keys: 0, lua: "return 1", reply: (reply: Reply) => reply === 1 });
expectTypeOf(plain).toEqualTypeOf<Script>();
expectTypeOf(texts).toEqualTypeOf<TypedScript<string[], string>>();
expectTypeOf(client.run(plain, ["k"], [5, 2n, Buffer.alloc(1)])).resolves.toEqualTypeOf<Reply<string>>();
expectTypeOf(buffers.run(plain, ["k"])).resolves.toEqualTypeOf<Reply<Buffer>>();
expectTypeOf(client.run(counting, ["k"])).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.run(counting, ["k"])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.run(texts, ["a", Buffer.from("b")] as const)).resolves.toEqualTypeOf<string[]>();
expectTypeOf(buffers.run(binary)).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.run(either)).resolves.toEqualTypeOf<boolean>();
expectTypeOf(buffers.run(either)).resolves.toEqualTypeOf<boolean>();
expectTypeOf(client.pipeline().run(counting, ["k"]).run(plain, ["k"]).exec()).resolves.toEqualTypeOf<
	[number | ClientError, Reply<string> | ClientError]
>();
expectTypeOf(client.eval("return 1", ["k"], [1])).resolves.toEqualTypeOf<Reply<string>>();
expectTypeOf(client.functionDump()).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.scriptExists("sha", ["sha"])).resolves.toEqualTypeOf<(0 | 1)[]>();
expectTypeOf(buffers.functionLoad("code", { replace: true })).resolves.toEqualTypeOf<string>();

// @ts-expect-error a script that reads text is not for Buffers
buffers.run(texts, ["k"]);
// @ts-expect-error nor one that reads Buffers for text
client.run(binary);
// @ts-expect-error a number is no key
client.run(plain, [5]);
// @ts-expect-error it is defined first
client.run("return 1", ["k"]);
// @ts-expect-error a script says how many keys it takes
defineScript({ lua: "return 1" });
