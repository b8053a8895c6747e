/** One body of the whole public API, on every topology, in both protocols and reply types, on one lane and on three. */
import { expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";

const topologies = ["standalone", "cluster"] as const;
const cases = topologies.flatMap((topology) =>
	([2, 3] as const).flatMap((protocol) =>
		(["strings", "buffers"] as const).flatMap((replies) =>
			[1, 3].map((shared) => ({ topology, protocol, replies, shared, id: `${topology}-${protocol}-${replies}-${shared}` })),
		),
	),
);

test.each(cases)("A31 E01 E07 the same API on a $topology under RESP$protocol, $replies, $shared lanes", async ({
	topology,
	protocol,
	replies,
	shared,
	id,
}) => {
	const url = inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl");
	const client = await createClient({ url, protocol, pool: { shared } });
	if (replies === "strings") await body(client, `api:${id}:`, (text) => text);
	else await body(client.buffers, `api:${id}:`, (text) => Buffer.from(text));
	await client.close();
	await expect(client.get("k")).rejects.toMatchObject({ code: "CLOSED" });
	await expect(client.mget(["k"])).rejects.toMatchObject({ code: "CLOSED" });
	await client.close();
});

async function body<Text extends string | Buffer>(client: Client<Text>, prefix: string, bulk: (text: string) => unknown) {
	const key = (name: string | number): string => `${prefix}${name}`;
	const many = Array.from({ length: 40 }, (_, index) => key(index));
	await client.delMany([...many, ...["s", "binary", "n", "ttl", "hash", "nope", "p"].map(key)]);

	// get, set
	expect(await client.get(key("nope"))).toBeNull();
	expect(await client.set(key("s"), "grüße, 世界 😀")).toBe("OK");
	expect(await client.get(key("s"))).toEqual(bulk("grüße, 世界 😀"));
	expect(await client.get(Buffer.from(key("s")))).toEqual(bulk("grüße, 世界 😀"));
	expect(await client.set(key("s"), "", { nx: true })).toBeNull();
	expect(await client.set(key("s"), "", { xx: true, get: true })).toEqual(bulk("grüße, 世界 😀"));
	expect(await client.get(key("s"))).toEqual(bulk(""));
	expect(await client.set(key("nope"), "v", { xx: true, get: true })).toBeNull();
	await client.set(key("binary"), Uint8Array.of(0, 255, 13, 10));
	expect(await client.buffers.get(key("binary"))).toEqual(Buffer.from([0, 255, 13, 10]));

	// numbers, times
	expect(await client.incr(key("n"))).toBe(1);
	await client.set(key("n"), 9_223_372_036_854_775_806n);
	expect(await client.incr(key("n"))).toBe(9_223_372_036_854_775_807n);
	expect(await client.set(key("ttl"), -7, { ex: 100 })).toBe("OK");
	expect(await client.get(key("ttl"))).toEqual(bulk("-7"));
	expect(await client.ttl(key("ttl"))).toBeGreaterThanOrEqual(99);
	expect(await client.expire(key("ttl"), 1000)).toBe(1);
	expect(await client.ttl(key("ttl"))).toBeGreaterThanOrEqual(999);
	expect(await client.ttl(key("s"))).toBe(-1);
	expect(await client.ttl(key("nope"))).toBe(-2);
	expect(await client.expire(key("nope"), 5)).toBe(0);
	expect(await client.expire(key("ttl"), -1)).toBe(1);
	expect(await client.get(key("ttl"))).toBeNull();

	// many keys
	const entries = many.map((name, index) => [name, `value ${index}`] as const);
	expect(await client.setMany(entries, { ex: 60, chunkSize: 7 })).toEqual(new Array(40).fill("OK"));
	expect(
		await client.setMany(
			[
				[many[0]!, "no", { nx: true }],
				[key("p"), 1, { nx: true }],
			],
			{ ex: 60 },
		),
	).toEqual([null, "OK"]);
	expect(await client.mget(many, { chunkSize: 7 })).toEqual(entries.map(([, value]) => bulk(value)));
	const mixed = [many[3]!, key("nope"), many[3]!, many[0]!];
	expect(await client.mget(mixed)).toEqual([bulk("value 3"), null, bulk("value 3"), bulk("value 0")]);
	expect(await client.existsMany(mixed)).toBe(3);
	expect(await client.mget([])).toEqual([]);

	// a value into memory of the caller's
	const target = Buffer.alloc(16, "-");
	expect(await client.getInto(many[1]!, target)).toBe(7);
	expect(target.toString()).toBe("value 1---------");
	expect(await client.getInto(key("nope"), target)).toBeNull();
	await expect(client.getInto(many[1]!, Buffer.alloc(6))).rejects.toMatchObject({ code: "TARGET_TOO_SMALL", needed: 7 });

	// any command
	expect(await client.command("HSET", key("hash"), "f", "1", "g", 2)).toBe(2);
	expect(await client.command("HGET", key("hash"), "f")).toEqual(bulk("1"));
	expect(await client.command("HMGET", key("hash"), "g", "no")).toEqual([bulk("2"), null]);
	expect(await client.command("ECHO", "keyless")).toEqual(bulk("keyless"));
	expect(await client.command("PING")).toBe("PONG");
	await expect(client.get(key("hash"))).rejects.toMatchObject({ code: "WRONGTYPE", maybeExecuted: false });
	expect(await client.mget([many[0]!, key("hash")])).toEqual([bulk("value 0"), null]);

	// a pipeline, with an error in its middle
	const pipeline = client.pipeline();
	for (const name of many.slice(0, 10)) pipeline.get(name);
	pipeline.get(key("hash")).set(key("p"), "x", { ex: 5 }).ttl(key("p")).expire(key("p"), 50).incr(key("p"));
	pipeline.command("STRLEN", key("p"));
	const got = await pipeline.exec();
	expect(got.slice(0, 10)).toEqual(entries.slice(0, 10).map(([, value]) => bulk(value)));
	expect(got[10]).toMatchObject({ code: "WRONGTYPE" });
	expect(got.slice(11, 14)).toEqual(["OK", 5, 1]);
	expect(got[14]).toMatchObject({ code: "ERR" });
	expect(got[15]).toBe(1);

	// a failed entry leaves the others' answers
	const wrong = client.setMany([
		[many[0]!, "new"],
		[key("hash"), "v", { get: true }],
		[many[2]!, "new"],
	]);
	await expect(wrong).rejects.toMatchObject({ code: "BATCH", results: ["OK", { code: "WRONGTYPE" }, "OK"] });

	// views
	const aborted = client.with({ signal: AbortSignal.abort() });
	await expect(aborted.get(many[0]!)).rejects.toMatchObject({ code: "ABORTED" });
	expect(await client.with({ timeoutMs: 4000 }).get(many[0]!)).toEqual(bulk("new"));
	expect(await client.buffers.with({ timeoutMs: 4000 }).get(many[0]!)).toEqual(Buffer.from("new"));

	const before = client.stats();
	expect(await client.delMany(many)).toBe(40);
	const after = client.stats();
	expect(after.commands - before.commands).toBeGreaterThanOrEqual(1);
	expect(after.flights - before.flights).toBeGreaterThanOrEqual(1);
	expect(after.bytesWritten).toBeGreaterThan(before.bytesWritten);
	expect(after).toMatchObject({ redirections: 0, retries: 0, reconnects: 0, inFlight: 0 });
	expect(await client.existsMany(many)).toBe(0);
}
