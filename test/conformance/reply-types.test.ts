/** Every type of reply, as the typed value that real servers mean by it. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Client, ClientError, createClient, ReplyError } from "../../src/index.js";

const PREFIX = "reply-types:";
const key = (name: string) => `${PREFIX}${name}`;

/** DEBUG PROTOCOL answers one reply of a given type. */
const debugProtocol = (client: Client, type: string) => client.command("DEBUG", "PROTOCOL", type);
const evaluate = (client: Client, script: string) => client.command("EVAL", script, "0");

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: inject("standaloneUrl"), protocol });
	});
	afterAll(() => client.close());

	test("A02 simple strings are the whole line, the empty one included", async () => {
		expect(await client.set(key("s"), "v")).toBe("OK");
		expect(await client.command("PING")).toBe("PONG");
		expect(await evaluate(client, "return redis.status_reply('')")).toBe("");
		expect(await evaluate(client, "return {redis.status_reply('OKAY'), redis.status_reply('')}")).toEqual(["OKAY", ""]);
		await client.withConnection({}, async (own) => {
			await own.command("MULTI");
			expect(await own.command("GET", key("s"))).toBe("QUEUED");
			expect(await own.command("RESET")).toBe("RESET");
		});
	});

	test("A02 simple strings stay strings in the view of Buffers", async () => {
		expect(await client.buffers.set(key("s"), "v")).toBe("OK");
		expect(await client.buffers.command("PING")).toBe("PONG");
		expect(await client.buffers.command("PING", "x")).toEqual(Buffer.from("x"));
	});

	test("A03 an error inside a reply is a value in its place, and its neighbours survive", async () => {
		const reply = (await evaluate(client, "return {1, redis.error_reply('MYERR x y'), 3}")) as unknown[];
		expect([reply[0], reply[2], reply.length]).toEqual([1, 3, 3]);
		expect(reply[1]).toBeInstanceOf(ReplyError);
		expect(reply[1]).toMatchObject({ code: "MYERR", message: "MYERR x y" });
	});

	test("A03 an error reply rejects with its first word as code, whatever a script made of it", async () => {
		const failure = await client.command("LPUSH", key("s"), "v").catch((error) => error);
		expect(failure).toBeInstanceOf(ReplyError);
		expect(failure).toMatchObject({ code: "WRONGTYPE", maybeExecuted: false });
		await expect(evaluate(client, "return redis.error_reply('lower case words')")).rejects.toMatchObject({ code: "lower" });
		expect(await client.command("PING")).toBe("PONG");
	});

	test("A04 64-bit integers are exact: numbers while safe, bigints beyond", async () => {
		for (const text of ["9223372036854775807", "-9223372036854775808", "9007199254740993"]) {
			await client.set(key("int"), text);
			expect(await client.command("INCRBY", key("int"), 0)).toBe(BigInt(text));
		}
		for (const value of [0, -1, 9007199254740991, -9007199254740991]) {
			await client.set(key("int"), value);
			expect(await client.command("INCRBY", key("int"), 0)).toBe(value);
		}
	});

	test("A05 bulk strings are driven by their length, whatever they contain", async () => {
		const alphabet = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
		for (const value of [alphabet, Buffer.from("\r\n$-1\r\n"), Buffer.from("+OK\r\n-ERR no\r\n*2\r\n"), Buffer.alloc(0)]) {
			await client.set(key("bulk"), value);
			expect(await client.buffers.get(key("bulk"))).toEqual(value);
			expect(await client.buffers.mget([key("none"), key("bulk")])).toEqual([null, value]);
		}
		await client.set(key("bulk"), "");
		expect(await client.get(key("bulk"))).toBe("");
		expect(await client.get(key("none"))).toBeNull();
	});

	test("A07 an aborted transaction is null, an empty one is an empty array", async () => {
		await client.withConnection({}, async (own) => {
			await own.command("WATCH", key("watched"));
			await client.set(key("watched"), `${Math.random()}`);
			await own.command("MULTI");
			await own.command("GET", key("watched"));
			expect(await own.command("EXEC")).toBeNull();
			await own.command("MULTI");
			expect(await own.command("EXEC")).toEqual([]);
			expect(await own.command("BLPOP", key("nothing"), "0.01")).toBeNull();
		});
		expect(await client.command("LRANGE", key("nothing"), 0, -1)).toEqual([]);
	});

	describe("A08", () => {
		const nested = (depth: number) => evaluate(client, `local t={} for i=1,${depth} do t={t} end return t`);

		test.each([100, 1000])("A08 a reply nested %i deep is read", async (depth) => {
			let reply: unknown = await nested(depth);
			let levels = 0;
			for (; Array.isArray(reply); reply = reply[0]) levels += 1;
			expect(levels).toBe(depth + 1);
			expect(reply).toBeUndefined();
		});

		test.each([7000, 8000])("A08 a reply nested %i deep ends its connection alone, and the next command works", async (depth) => {
			const { reconnects } = client.stats();
			await expect(nested(depth)).rejects.toMatchObject({ code: "PROTOCOL", maybeExecuted: true });
			expect(await client.command("PING", "next")).toBe("next");
			expect(client.stats().reconnects).toBe(reconnects + 1);
		});
	});

	test("A10 a missing value is null in any reply", async () => {
		expect(await client.get(key("none"))).toBeNull();
		expect(await client.command("HGET", key("none"), "f")).toBeNull();
		expect(await client.command("HMGET", key("none"), "f", "g")).toEqual([null, null]);
		expect(await evaluate(client, "return {1, false, 2}")).toEqual([1, null, 2]);
	});

	test("A12 infinite scores are read in either protocol", async () => {
		await client.command("DEL", key("z"));
		await client.command("ZADD", key("z"), "inf", "up", "-inf", "down", "2.5", "half");
		const scores = await Promise.all(["up", "down", "half"].map((member) => client.command("ZSCORE", key("z"), member)));
		expect(scores).toEqual(protocol === 3 ? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2.5] : ["inf", "-inf", "2.5"]);
		expect(await client.command("ZSCORE", key("z"), "none")).toBeNull();
	});

	test("A15 INFO and CLIENT LIST are text without a format, also as bytes", async () => {
		expect(await client.command("INFO", "server")).toMatch(/^# Server\r\n/);
		expect(await client.command("CLIENT", "LIST")).toMatch(/^id=\d+ addr=/);
		const bytes = await client.buffers.command("INFO", "server");
		expect(Buffer.isBuffer(bytes) && bytes.subarray(0, 8).toString()).toBe("# Server");
	});

	test("A17 a set is an array of its members", async () => {
		await client.command("SADD", key("set"), "a", "b", "c");
		expect((await client.command("SMEMBERS", key("set"))) as string[]).toHaveLength(3);
		expect(new Set((await client.command("SMEMBERS", key("set"))) as string[])).toEqual(new Set(["a", "b", "c"]));
		expect(await client.buffers.command("SMEMBERS", key("set"))).toContainEqual(Buffer.from("a"));
		expect(await client.command("SMEMBERS", key("nothing"))).toEqual([]);
	});

	test("A23 EXEC gives each command's own reply, element errors included", async () => {
		await client.command("DEL", key("h"), key("text"));
		await client.command("HSET", key("h"), "f", "v");
		await client.command("SADD", key("set"), "a", "b", "c");
		await client.set(key("text"), "text");
		await client.withConnection({}, async (own) => {
			const queued = ["MULTI", "HGETALL", "GET", "INCR", "SCARD"].map((name, index) =>
				own.command(name, ...["", key("h"), key("none"), key("text"), key("set")].slice(index, index + 1).filter(Boolean)),
			);
			expect(await Promise.all(queued)).toEqual(["OK", "QUEUED", "QUEUED", "QUEUED", "QUEUED"]);
			const [hash, none, error, members, ...rest] = (await own.command("EXEC")) as unknown[];
			expect(hash).toEqual(protocol === 3 ? new Map([["f", "v"]]) : ["f", "v"]);
			expect([none, members, rest]).toEqual([null, 3, []]);
			expect(error).toBeInstanceOf(ReplyError);
			expect(error).toMatchObject({ message: expect.stringContaining("not an integer") });
		});
	});

	test("A23 a command refused while queueing rejects, and EXEC says EXECABORT", async () => {
		await client.withConnection({}, async (own) => {
			await own.command("MULTI");
			await expect(own.command("GET")).rejects.toMatchObject({ code: "ERR" });
			await expect(own.command("EXEC")).rejects.toMatchObject({ code: "EXECABORT", maybeExecuted: false });
			expect(await own.command("PING")).toBe("PONG");
		});
	});

	test("A24 a list that looks like a message is a reply", async () => {
		await client.command("DEL", key("list"));
		for (const kind of ["message", "pmessage", "subscribe"]) {
			await client.command("DEL", key("list"));
			await client.command("RPUSH", key("list"), kind, "a", "b");
			expect(await client.command("LRANGE", key("list"), 0, -1)).toEqual([kind, "a", "b"]);
			await client.withConnection({}, async (own) => {
				expect(await own.command("LRANGE", key("list"), 0, -1)).toEqual([kind, "a", "b"]);
			});
		}
	});

	test("A29 bytes that are no UTF-8 are exact as Buffers, in keys as in values", async () => {
		const [one, other] = [0xfe, 0xff].map((byte) => Buffer.from([...Buffer.from(key("bytes:")), byte, 0xc3])) as [Buffer, Buffer];
		await client.set(one, Buffer.from([0xff, 0xfe]));
		await client.set(other, Buffer.from([0x80]));
		expect(await client.buffers.mget([one, other])).toEqual([Buffer.from([0xff, 0xfe]), Buffer.from([0x80])]);
		const keys = (await client.buffers.command("KEYS", key("bytes:*"))) as Buffer[];
		expect(keys.sort(Buffer.compare)).toEqual([one, other]);
		// Text is lossy: both names look alike there.
		const names = (await client.command("KEYS", key("bytes:*"))) as string[];
		expect(names[0]).toBe(names[1]);
		expect(await client.get(one)).toBe("\uFFFD\uFFFD");
	});
});

describe("RESP3 only", () => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: inject("standaloneUrl"), protocol: 3 });
	});
	afterAll(() => client.close());

	test("A11 booleans", async () => {
		expect(await debugProtocol(client, "true")).toBe(true);
		expect(await debugProtocol(client, "false")).toBe(false);
	});

	test("A12 doubles: finite ones, both infinities and every NaN", async () => {
		expect(await evaluate(client, "return {double=2.75}")).toBe(2.75);
		expect(await evaluate(client, "return {double=10}")).toBe(10);
		expect(await evaluate(client, "return {double=1e300}")).toBe(1e300);
		expect(await evaluate(client, "return {double=1/0}")).toBe(Number.POSITIVE_INFINITY);
		expect(await evaluate(client, "return {double=-1/0}")).toBe(Number.NEGATIVE_INFINITY);
		expect(await evaluate(client, "return {double=0/0}")).toBeNaN();
		expect(await debugProtocol(client, "double")).toBe(Number("3.141"));
	});

	test("A13 big numbers are bigints; one that is none costs that reply only", async () => {
		expect(await debugProtocol(client, "bignum")).toBe(1234567999999999999999999999999999999n);
		const reconnects = client.stats().reconnects;
		await expect(evaluate(client, "return {big_number='12x'}")).rejects.toMatchObject({ code: "PROTOCOL" });
		const [before, bad, after] = (await evaluate(client, "return {1, {big_number='--1'}, 2}")) as unknown[];
		expect([before, after]).toEqual([1, 2]);
		expect(bad).toBeInstanceOf(ClientError);
		expect(client.stats().reconnects).toBe(reconnects);
	});

	test("A15 verbatim strings lose their format", async () => {
		expect(await debugProtocol(client, "verbatim")).toBe("This is a verbatim\nstring");
		expect(await client.buffers.command("DEBUG", "PROTOCOL", "verbatim")).toEqual(Buffer.from("This is a verbatim\nstring"));
	});

	test("A16 maps keep the server's pairs, with keys that an object would not survive", async () => {
		await client.command("DEL", key("h"));
		await client.command("HSET", key("h"), "__proto__", "p", "constructor", "c", "2", "two", "1", "one");
		const hash = (await client.command("HGETALL", key("h"))) as Map<string, string>;
		expect(hash).toBeInstanceOf(Map);
		expect(new Map(hash)).toEqual(
			new Map([
				["__proto__", "p"],
				["constructor", "c"],
				["2", "two"],
				["1", "one"],
			]),
		);
		expect(await client.command("HGETALL", key("nothing"))).toEqual(new Map());
	});

	test("A16 the keys of a map may be of any type", async () => {
		const map = (await evaluate(client, "return {map={[1]='a', b={1}}}")) as Map<unknown, unknown>;
		expect(map.get(1)).toBe("a");
		expect(map.get("b")).toEqual([1]);
		expect(map.size).toBe(2);
		expect(await debugProtocol(client, "map")).toEqual(
			new Map([
				[0, false],
				[1, true],
				[2, false],
			]),
		);
	});

	test("A17 sets made by scripts and by the server itself", async () => {
		expect(await debugProtocol(client, "set")).toEqual([0, 1, 2]);
		expect(await evaluate(client, "return {set={a=true}}")).toEqual(["a"]);
	});

	test("A18 an attribute is neither a reply nor an element", async () => {
		const replies = await Promise.all([
			client.command("PING", "before"),
			debugProtocol(client, "attrib"),
			client.command("PING", "after"),
		]);
		expect(replies).toEqual(["before", "Some real reply following the attribute", "after"]);
	});

	test("A19 a push between replies consumes no command", async () => {
		const replies = await Promise.all([
			client.command("PING", "before"),
			debugProtocol(client, "push"),
			client.command("PING", "after"),
		]);
		expect(replies).toEqual(["before", "Some real reply following the push reply", "after"]);
	});
});
