/** What the types of hashes, lists, sets, sorted sets and places promise; see `types.test-d.ts`. Nothing here runs. */
import { expectTypeOf } from "vitest";
import type {
	Client,
	ClientError,
	FieldExpiryOptions,
	GeoPoint,
	GeosearchOptions,
	ScoredMembers,
	ZaddOptions,
	ZrangeOptions,
} from "../../src/index.js";

declare const client: Client;
declare const buffers: Client<Buffer>;

type Scored<Text> = [member: Text, score: number][];

// ── hashes ──
interface User {
	name: string;
	age: number;
	photo: Uint8Array;
}
declare const user: User;
expectTypeOf(client.hset("k", "f", 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hset("k", { a: 1, b: "2", c: 3n, d: Buffer.alloc(1) })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hset("k", user)).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.hset("k", new Map([["a", 1]]))).resolves.toEqualTypeOf<number>();
expectTypeOf(
	client.hset("k", [
		["a", 1],
		["b", "2"],
	]),
).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hset("k", Object.entries({ a: 1 }))).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hset("k", [["a", 1]] as const)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hsetnx("k", "f", "v")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.hget("k", "f")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.hget("k", "f")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.hmget("k", "a", ["b"])).resolves.toEqualTypeOf<(string | null)[]>();
expectTypeOf(buffers.hmget("k", ["a"] as const)).resolves.toEqualTypeOf<(Buffer | null)[]>();
expectTypeOf(client.hgetall("k")).resolves.toEqualTypeOf<Record<string, string>>();
expectTypeOf(buffers.hgetall("k")).resolves.toEqualTypeOf<Record<string, Buffer>>();
expectTypeOf(client.hdel("k", "a", 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hexists("k", "a")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.hincrby("k", "f", 1n)).resolves.toEqualTypeOf<number | bigint>();
expectTypeOf(buffers.hincrbyfloat("k", "f", 1.5)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hkeys("k")).resolves.toEqualTypeOf<string[]>();
expectTypeOf(buffers.hvals("k")).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.hlen("k")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hstrlen("k", "f")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.hrandfield("k")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.hrandfield("k", 2)).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.hrandfield("k", 2, { withvalues: true })).resolves.toEqualTypeOf<[field: string, value: string][]>();
expectTypeOf(buffers.hrandfield("k", 2, { withvalues: true })).resolves.toEqualTypeOf<[field: Buffer, value: Buffer][]>();
expectTypeOf(client.hexpire("k", 5, "f", { nx: true })).resolves.toEqualTypeOf<number[]>();
expectTypeOf(client.hpexpire("k", 5, ["f"])).resolves.toEqualTypeOf<number[]>();
expectTypeOf(client.hexpireat("k", 5, ["f"], {} as FieldExpiryOptions)).resolves.toEqualTypeOf<number[]>();
expectTypeOf(client.hpexpireat("k", 5, "f")).resolves.toEqualTypeOf<number[]>();
expectTypeOf(buffers.httl("k", "a", ["b"])).resolves.toEqualTypeOf<number[]>();
expectTypeOf(client.hpttl("k", "a")).resolves.toEqualTypeOf<number[]>();
expectTypeOf(client.hexpiretime("k", "a")).resolves.toEqualTypeOf<number[]>();
expectTypeOf(client.hpexpiretime("k", "a")).resolves.toEqualTypeOf<number[]>();
expectTypeOf(client.hpersist("k", "a")).resolves.toEqualTypeOf<number[]>();
// @ts-expect-error a field without a value
client.hset("k", "f");
// @ts-expect-error a boolean is no value
client.hset("k", { a: true });
// @ts-expect-error no flat lists
client.hset("k", ["a", "b"]);
// @ts-expect-error Buffers are values, and no records
client.hset("k", Buffer.alloc(1));
// @ts-expect-error values only with a count
client.hrandfield("k", undefined, { withvalues: true });

// ── lists ──
expectTypeOf(client.lpush("k", "a", [1, 2n])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.rpushx("k", Buffer.alloc(1))).resolves.toEqualTypeOf<number>();
expectTypeOf(client.lpop("k")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.lpop("k")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.rpop("k", 2)).resolves.toEqualTypeOf<string[] | null>();
expectTypeOf(buffers.rpop("k", 2)).resolves.toEqualTypeOf<Buffer[] | null>();
expectTypeOf(client.llen("k")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.lindex("k", -1)).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.linsert("k", "before", "a", 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.lrange("k", 0, -1)).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.lrem("k", 0, "a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.lset("k", 0, "a")).resolves.toEqualTypeOf<"OK">();
expectTypeOf(buffers.ltrim("k", 0, 1)).resolves.toEqualTypeOf<"OK">();
expectTypeOf(client.lpos("k", "a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.lpos("k", "a", { rank: 2 })).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.lpos("k", "a", { count: 2, maxlen: 5 })).resolves.toEqualTypeOf<number[]>();
expectTypeOf(buffers.lmove("a", "b", "left", "right")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.lmpop(["a", "b"], "left")).resolves.toEqualTypeOf<[key: string, elements: string[]] | null>();
expectTypeOf(buffers.lmpop("a", "right", { count: 2 })).resolves.toEqualTypeOf<[key: Buffer, elements: Buffer[]] | null>();
expectTypeOf(client.rpoplpush("a", "b")).resolves.toEqualTypeOf<string | null>();
// @ts-expect-error lower case
client.linsert("k", "BEFORE", "a", "b");
// @ts-expect-error no such end
client.lmove("a", "b", "top", "left");

// ── sets ──
expectTypeOf(client.sadd("k", "a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.srem("k", 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.smembers("k")).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.sismember("k", "a")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.smismember("k", "a", "b")).resolves.toEqualTypeOf<(0 | 1)[]>();
expectTypeOf(client.scard("k")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.spop("k")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(buffers.spop("k", 2)).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(buffers.srandmember("k")).resolves.toEqualTypeOf<Buffer | null>();
expectTypeOf(client.srandmember("k", -2)).resolves.toEqualTypeOf<string[]>();
expectTypeOf(client.smove("a", "b", "m")).resolves.toEqualTypeOf<0 | 1>();
expectTypeOf(client.sinter("a", ["b"])).resolves.toEqualTypeOf<string[]>();
expectTypeOf(buffers.sunion(["a"] as const)).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.sdiff("a")).resolves.toEqualTypeOf<string[]>();
expectTypeOf(client.sinterstore("a", "b")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.sunionstore("a", ["b"])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.sdiffstore("a", "b", "c")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.sintercard(["a", "b"], { limit: 1 })).resolves.toEqualTypeOf<number>();
// @ts-expect-error a number is no key
client.sinter(5);

// ── sorted sets ──
expectTypeOf(client.zadd("k", 1.5, "a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zadd("k", 1, "a", { incr: true })).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.zadd("k", { a: 1 }, { ch: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zadd("k", new Map([["a", 1]]))).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zadd("k", [{ score: 1, member: "a" }])).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zadd("k", [["a", 1]], { incr: true })).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.zadd("k", [] as ScoredMembers, {} as ZaddOptions)).resolves.toEqualTypeOf<number | null>();
expectTypeOf(buffers.zincrby("k", 1, "a")).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.zscore("k", "a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.zmscore("k", "a", ["b"])).resolves.toEqualTypeOf<(number | null)[]>();
expectTypeOf(client.zcard("k")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zcount("k", "(1", Number.POSITIVE_INFINITY)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zlexcount("k", "-", Buffer.from("[a"))).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zrank("k", "a")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(client.zrevrank("k", "a", { withscore: true })).resolves.toEqualTypeOf<[rank: number, score: number] | null>();
expectTypeOf(client.zrange("k", 0, -1)).resolves.toEqualTypeOf<string[]>();
expectTypeOf(buffers.zrange("k", 0, 1, { by: "score", limit: { offset: 0, count: 1 } })).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(buffers.zrange("k", 0, 1, { by: "score", rev: true, withscores: true })).resolves.toEqualTypeOf<Scored<Buffer>>();
expectTypeOf(client.zrange("k", 0, 1, {} as ZrangeOptions)).resolves.toEqualTypeOf<string[] | Scored<string>>();
expectTypeOf(client.zrangestore("a", "b", "-", "+", { by: "lex" })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zrangebyscore("k", 0, 1, { withscores: true })).resolves.toEqualTypeOf<Scored<string>>();
expectTypeOf(client.zrevrangebyscore("k", 1, 0)).resolves.toEqualTypeOf<string[]>();
expectTypeOf(buffers.zrevrange("k", 0, 1, { withscores: true })).resolves.toEqualTypeOf<Scored<Buffer>>();
expectTypeOf(client.zrangebylex("k", "-", "+", { limit: { offset: 0, count: 1 } })).resolves.toEqualTypeOf<string[]>();
expectTypeOf(buffers.zrevrangebylex("k", "+", "-")).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.zrem("k", "a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zremrangebyrank("k", 0, 1)).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zremrangebyscore("k", 0, "(1")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zremrangebylex("k", "-", "+")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zpopmin("k")).resolves.toEqualTypeOf<[member: string, score: number] | null>();
expectTypeOf(buffers.zpopmax("k", 2)).resolves.toEqualTypeOf<Scored<Buffer>>();
expectTypeOf(buffers.zmpop(["a"], "min")).resolves.toEqualTypeOf<[key: Buffer, members: Scored<Buffer>] | null>();
expectTypeOf(client.zrandmember("k")).resolves.toEqualTypeOf<string | null>();
expectTypeOf(client.zrandmember("k", 2)).resolves.toEqualTypeOf<string[]>();
expectTypeOf(client.zrandmember("k", 2, { withscores: true })).resolves.toEqualTypeOf<Scored<string>>();
expectTypeOf(client.zunion(["a", "b"], { weights: [1, 2], withscores: true })).resolves.toEqualTypeOf<Scored<string>>();
expectTypeOf(buffers.zinter("a", { aggregate: "max" })).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.zdiff(["a"] as const)).resolves.toEqualTypeOf<string[]>();
expectTypeOf(client.zunionstore("d", ["a"], { weights: [1] })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zinterstore("d", "a")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zdiffstore("d", "a", "b")).resolves.toEqualTypeOf<number>();
expectTypeOf(client.zintercard(["a"], { limit: 1 })).resolves.toEqualTypeOf<number>();
// @ts-expect-error the score comes first, and is a number
client.zadd("k", "a", 1);
// @ts-expect-error no such option
client.zadd("k", 1, "a", { NX: true });
// @ts-expect-error differences have no weights
client.zdiff("a", { weights: [1] });
// @ts-expect-error a stored range has no scores to reply with
client.zrangestore("a", "b", 0, 1, { withscores: true });

// ── places ──
expectTypeOf(client.geoadd("k", 1, 2, "a", { ch: true })).resolves.toEqualTypeOf<number>();
expectTypeOf(client.geoadd("k", [{ longitude: 1, latitude: 2, member: "a" }])).resolves.toEqualTypeOf<number>();
expectTypeOf(buffers.geodist("k", "a", "b", "km")).resolves.toEqualTypeOf<number | null>();
expectTypeOf(buffers.geohash("k", "a")).resolves.toEqualTypeOf<(Buffer | null)[]>();
expectTypeOf(client.geopos("k", "a", ["b"])).resolves.toEqualTypeOf<(GeoPoint | null)[]>();
declare const shape: { radius: number; unit: "km" };
expectTypeOf(client.geosearch("k", "a", shape)).resolves.toEqualTypeOf<string[]>();
expectTypeOf(buffers.geosearch("k", "a", shape, { order: "asc", count: 5, withdist: false })).resolves.toEqualTypeOf<Buffer[]>();
expectTypeOf(client.geosearch("k", "a", shape, { withdist: true })).resolves.toEqualTypeOf<
	{ member: string; distance: number }[]
>();
expectTypeOf(
	buffers.geosearch("k", { longitude: 1, latitude: 2 }, { width: 1, height: 2, unit: "m" }, { withcoord: true, withhash: true }),
).resolves.toEqualTypeOf<{ member: Buffer; hash: number; coordinates: GeoPoint }[]>();
// What the options are is known only then: the records may have anything.
expectTypeOf(client.geosearch("k", "a", shape, {} as GeosearchOptions)).resolves.toEqualTypeOf<
	(string | { member: string; distance?: number; hash?: number; coordinates?: GeoPoint })[]
>();
expectTypeOf(client.geosearchstore("a", "b", "m", shape, { storedist: true })).resolves.toEqualTypeOf<number>();
// @ts-expect-error no such unit
client.geodist("k", "a", "b", "cm");
// @ts-expect-error a shape has a unit
client.geosearch("k", "a", { radius: 1 });
// @ts-expect-error no such option
client.geosearch("k", "a", shape, { withdistance: true });

// A pipeline knows the types of all its replies.
expectTypeOf(
	buffers
		.pipeline()
		.hgetall("h")
		.lpop("l", 2)
		.zrange("z", 0, 1, { withscores: true })
		.geosearch("g", "a", shape, { withdist: true })
		.exec(),
).resolves.toEqualTypeOf<
	[
		Record<string, Buffer> | ClientError,
		Buffer[] | null | ClientError,
		Scored<Buffer> | ClientError,
		{ member: Buffer; distance: number }[] | ClientError,
	]
>();
