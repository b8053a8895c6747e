/** What the types of keys, strings, bitmaps, counts and the server promise; `npm run types` fails where one does not hold. Nothing here runs. */
import { expectTypeOf } from "vitest";
import type { Client, ClientError, LatencyEvent, LcsMatches, LcsRange, Pipeline, SlowlogEntry } from "../../src/index.js";

declare const client: Client;
declare const buffers: Client<Buffer>;
declare const pipeline: Pipeline;

expectTypeOf(client.del("a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.del("a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.unlink("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.unlink("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.exists("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.exists("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.touch("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.touch("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.copy("a", "b", { db: 1, replace: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.copy("a", "b", { db: 1, replace: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.dump("a")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(buffers.dump("a")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.restore("a", 0, Buffer.alloc(1), { absttl: true, idletime: 5 })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.restore("a", 0, Buffer.alloc(1), { absttl: true, idletime: 5 })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.expire("a", 5, { nx: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.expire("a", 5, { nx: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.pexpire("a", 5, { xx: true, gt: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.pexpire("a", 5, { xx: true, gt: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.expireat("a", 5)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.expireat("a", 5)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.pexpireat("a", 5, { lt: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.pexpireat("a", 5, { lt: true })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.expiretime("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.expiretime("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.pexpiretime("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.pexpiretime("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.ttl("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.ttl("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.pttl("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.pttl("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.persist("a")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.persist("a")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.rename("a", "b")).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.rename("a", "b")).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.renamenx("a", "b")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.renamenx("a", "b")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.move("a", 1)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.move("a", 1)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.randomkey()).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.randomkey()).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.type("a")).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.type("a")).resolves.toEqualTypeOf<string>();
expectTypeOf(client.sort("a")).resolves.toEqualTypeOf<(string | null)[]>();
expectTypeOf(buffers.sort("a")).resolves.toEqualTypeOf<(Buffer | null)[]>();
expectTypeOf(
	client.sort("a", { by: "nosort", get: ["#"], limit: { offset: 0, count: 1 }, desc: true, alpha: true }),
).resolves.toEqualTypeOf<(string | null)[]>();
expectTypeOf(
	buffers.sort("a", { by: "nosort", get: ["#"], limit: { offset: 0, count: 1 }, desc: true, alpha: true }),
).resolves.toEqualTypeOf<(Buffer | null)[]>();
expectTypeOf(client.sort("a", { store: "b" })).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.sort("a", { store: "b" })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.sortRo("a", { asc: true })).resolves.toEqualTypeOf<(string | null)[]>();
expectTypeOf(buffers.sortRo("a", { asc: true })).resolves.toEqualTypeOf<(Buffer | null)[]>();
expectTypeOf(client.objectEncoding("a")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.objectEncoding("a")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.objectFreq("a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(buffers.objectFreq("a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.objectIdletime("a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(buffers.objectIdletime("a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.objectRefcount("a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(buffers.objectRefcount("a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.get("a")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.get("a")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.set("a", 1)).resolves.toEqualTypeOf<"OK" | null>();
expectTypeOf(buffers.set("a", 1)).resolves.toEqualTypeOf<"OK" | null>();
expectTypeOf(client.set("a", 1, { get: true })).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.set("a", 1, { get: true })).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.mget(["a", Buffer.alloc(1)])).resolves.toEqualTypeOf<(string | null)[]>();
expectTypeOf(buffers.mget(["a", Buffer.alloc(1)])).resolves.toEqualTypeOf<(Buffer | null)[]>();
expectTypeOf(client.mset({ a: 1, b: "2" })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.mset({ a: 1, b: "2" })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.mset(new Map([[Buffer.alloc(1), 1n]]))).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.mset(new Map([[Buffer.alloc(1), 1n]]))).resolves.toEqualTypeOf<"OK">();
expectTypeOf(
	client.mset([
		["a", 1],
		["b", Buffer.alloc(1)],
	]),
).resolves.toEqualTypeOf<"OK">();
expectTypeOf(
	buffers.mset([
		["a", 1],
		["b", Buffer.alloc(1)],
	]),
).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.msetnx({ a: 1 })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.msetnx({ a: 1 })).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.setnx("a", 1)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.setnx("a", 1)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.setex("a", 5, "v")).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.setex("a", 5, "v")).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.psetex("a", 5, "v")).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.psetex("a", 5, "v")).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.getset("a", "v")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.getset("a", "v")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.getdel("a")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.getdel("a")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.getex("a", { persist: true })).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.getex("a", { persist: true })).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.getex("a", { ex: 5 })).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.getex("a", { ex: 5 })).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.append("a", "v")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.append("a", "v")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.strlen("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.strlen("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.getrange("a", 0, -1)).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.getrange("a", 0, -1)).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.setrange("a", 0, "v")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.setrange("a", 0, "v")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.incr("a")).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(buffers.incr("a")).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(client.incrby("a", 5n)).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(buffers.incrby("a", 5n)).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(client.incrbyfloat("a", 0.5)).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.incrbyfloat("a", 0.5)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.decr("a")).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(buffers.decr("a")).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(client.decrby("a", 5)).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(buffers.decrby("a", 5)).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(client.lcs("a", "b")).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.lcs("a", "b")).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.lcs("a", "b", { len: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.lcs("a", "b", { len: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.lcs("a", "b", { idx: true, minmatchlen: 4 })).resolves.toEqualTypeOf<LcsMatches>();
expectTypeOf(buffers.lcs("a", "b", { idx: true, minmatchlen: 4 })).resolves.toEqualTypeOf<LcsMatches>();
expectTypeOf(client.lcs("a", "b", { idx: true, withmatchlen: true })).resolves.toEqualTypeOf<
	LcsMatches<[first: LcsRange, second: LcsRange, len: number]>
>();
expectTypeOf(buffers.lcs("a", "b", { idx: true, withmatchlen: true })).resolves.toEqualTypeOf<
	LcsMatches<[first: LcsRange, second: LcsRange, len: number]>
>();
expectTypeOf(client.setbit("a", 7, 1)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.setbit("a", 7, 1)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.getbit("a", 7)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.getbit("a", 7)).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.bitcount("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.bitcount("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.bitcount("a", 0, -1, "bit")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.bitcount("a", 0, -1, "bit")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.bitpos("a", 1, 0, -1, "byte")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.bitpos("a", 1, 0, -1, "byte")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.bitop("and", "to", "a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.bitop("and", "to", "a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(
	client.bitfield("a", [
		["incrby", "i5", "#1", 1n],
		["overflow", "sat"],
	]),
).resolves.toEqualTypeOf<(number | bigint | null)[]>();
expectTypeOf(
	buffers.bitfield("a", [
		["incrby", "i5", "#1", 1n],
		["overflow", "sat"],
	]),
).resolves.toEqualTypeOf<(number | bigint | null)[]>();
expectTypeOf(client.bitfieldRo("a", [["get", "u8", 0]])).resolves.toEqualTypeOf<(number | bigint)[]>();
expectTypeOf(buffers.bitfieldRo("a", [["get", "u8", 0]])).resolves.toEqualTypeOf<(number | bigint)[]>();
expectTypeOf(client.pfadd("a", 1, ["b", Buffer.alloc(1)])).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(buffers.pfadd("a", 1, ["b", Buffer.alloc(1)])).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.pfcount("a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.pfcount("a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.pfmerge("to", "a", ["b"])).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.pfmerge("to", "a", ["b"])).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.ping()).resolves.toEqualTypeOf<"PONG">();
expectTypeOf(buffers.ping()).resolves.toEqualTypeOf<"PONG">();
expectTypeOf(client.echo(5)).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.echo(5)).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.dbsize()).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.dbsize()).resolves.toEqualTypeOf<number>();
expectTypeOf(client.flushall({ mode: "sync" })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.flushall({ mode: "sync" })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.flushdb()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.flushdb()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.info("server", ["clients"])).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.info("server", ["clients"])).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.time()).resolves.toEqualTypeOf<[seconds: number, microseconds: number]>();
expectTypeOf(buffers.time()).resolves.toEqualTypeOf<[seconds: number, microseconds: number]>();
expectTypeOf(client.lastsave()).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.lastsave()).resolves.toEqualTypeOf<number>();
expectTypeOf(client.configGet("max*", ["save"])).resolves.toEqualTypeOf<Record<string, string>>();
expectTypeOf(buffers.configGet("max*", ["save"])).resolves.toEqualTypeOf<Record<string, Buffer>>();
expectTypeOf(client.configSet("maxmemory", 5)).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.configSet("maxmemory", 5)).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.configSet({ maxmemory: 5 })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.configSet({ maxmemory: 5 })).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.configResetstat()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.configResetstat()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.configRewrite()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.configRewrite()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.clientId()).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.clientId()).resolves.toEqualTypeOf<number>();
expectTypeOf(client.clientInfo()).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.clientInfo()).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.clientList({ id: [1] })).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.clientList({ id: [1] })).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.clientKill({ addr: "a:1", skipme: false })).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.clientKill({ addr: "a:1", skipme: false })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.memoryUsage("a", { samples: 0 })).resolves.toEqualTypeOf<number | null>();
expectTypeOf(buffers.memoryUsage("a", { samples: 0 })).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.slowlogGet(5)).resolves.toEqualTypeOf<SlowlogEntry<string>[]>();
expectTypeOf(buffers.slowlogGet(5)).resolves.toEqualTypeOf<SlowlogEntry<Buffer>[]>();
expectTypeOf(client.slowlogLen()).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.slowlogLen()).resolves.toEqualTypeOf<number>();
expectTypeOf(client.slowlogReset()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.slowlogReset()).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.latencyLatest()).resolves.toEqualTypeOf<LatencyEvent<string>[]>();
expectTypeOf(buffers.latencyLatest()).resolves.toEqualTypeOf<LatencyEvent<Buffer>[]>();
expectTypeOf(client.latencyHistory("command")).resolves.toEqualTypeOf<[time: number, ms: number][]>();
expectTypeOf(buffers.latencyHistory("command")).resolves.toEqualTypeOf<[time: number, ms: number][]>();
expectTypeOf(client.aclWhoami()).resolves.toEqualTypeOf<string>();
expectTypeOf(buffers.aclWhoami()).resolves.toEqualTypeOf<Buffer>();
expectTypeOf(client.commandCount()).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.commandCount()).resolves.toEqualTypeOf<number>();
expectTypeOf(client.clusterKeyslot("a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.clusterKeyslot("a")).resolves.toEqualTypeOf<number>();

// In a pipeline each call adds its reply to the type.
expectTypeOf(
	pipeline.dump("a").lcs("a", "b", { len: true }).sort("a", { store: "b" }).mget(["a"]).configGet("a").exec(),
).resolves.toEqualTypeOf<
	[
		Buffer | null | ClientError,
		number | ClientError,
		number | ClientError,
		(string | null)[] | ClientError,
		Record<string, string> | ClientError,
	]
>();

// @ts-expect-error a number is no key
client.persist(5);
// @ts-expect-error a number is no key
client.pfcount("a", 5);
// @ts-expect-error no such option
client.expire("a", 5, { NX: true });
// @ts-expect-error text is no payload
client.restore("a", 0, "bytes");
// @ts-expect-error SORT_RO stores nothing
client.sortRo("a", { store: "b" });
// @ts-expect-error half a limit
client.sort("a", { limit: { offset: 1 } });
// @ts-expect-error an object is no value
client.mset({ a: {} });
// @ts-expect-error keys and values in a row are no entries
client.mset(["a", "b"]);
// @ts-expect-error text is no increment
client.incrby("a", "5");
// @ts-expect-error len and idx
client.lcs("a", "b", { len: true, idx: true });
// @ts-expect-error idx is missing
client.lcs("a", "b", { len: true, minmatchlen: 4 });
// @ts-expect-error idx is missing
client.lcs("a", "b", { withmatchlen: true });
// @ts-expect-error 2 is no bit
client.setbit("a", 0, 2);
// @ts-expect-error words are lower case
client.bitop("AND", "to", "a");
// @ts-expect-error x is no sign
client.bitfield("a", [["get", "x8", 0]]);
// @ts-expect-error reads only
client.bitfieldRo("a", [["set", "u8", 0, 1]]);
// @ts-expect-error a mode is a word
client.flushall({ mode: true });
// @ts-expect-error the value is missing
client.configSet("maxmemory");
// @ts-expect-error a filter is an object
client.clientKill("127.0.0.1:1");
