/** What commands that block answer: at once, after a wait, and when nothing comes; on every topology, in both protocols and reply types. */
import { expect, inject, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

const cases = (["standalone", "cluster"] as const).flatMap((topology) =>
	([2, 3] as const).map((protocol) => ({ topology, protocol })),
);

test.concurrent.each(cases)("C38 blocking commands on a $topology under RESP$protocol: each one's replies", async ({
	topology,
	protocol,
}) => {
	await using client = await createClient({ url: inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"), protocol });
	const key = (name: string): string => `{block:${topology}:${protocol}}${name}`;
	await replies(client, key, (text) => text);
	await replies(client.buffers, key, (text) => Buffer.from(text));
	expect(client.stats()).toMatchObject({ inFlight: 0, redirections: 0, retries: 0 });
});

async function replies<Text extends string | Buffer>(
	client: Client<Text>,
	key: (name: string) => string,
	bulk: (text: string) => unknown,
) {
	const [list, other, zset] = [key("list"), key("other"), key("zset")];
	const fill = () => client.command("RPUSH", list, "a", "b", "c", "d", "e", "f");
	await client.del(list, other, zset);

	// What is there comes at once.
	await fill();
	expect(await client.blpop(list, 0)).toEqual([bulk(list), bulk("a")]);
	expect(await client.brpop([other, list], 0)).toEqual([bulk(list), bulk("f")]);
	expect(await client.blmove(list, other, "left", "right", 0)).toEqual(bulk("b"));
	expect(await client.brpoplpush(list, other, 0)).toEqual(bulk("e"));
	expect(await client.blmpop([list], "right", 0, { count: 5 })).toEqual([bulk(list), [bulk("d"), bulk("c")]]);
	expect(await client.blmpop([list, other], "left", 0)).toEqual([bulk(other), [bulk("e")]]);
	expect(await client.command("LRANGE", other, 0, -1)).toEqual([bulk("b")]);
	await client.command("ZADD", zset, "1.5", "low", "2", "mid", "-inf", "lowest", "1e300", "high");
	expect(await client.bzpopmin(zset, 0)).toEqual([bulk(zset), bulk("lowest"), Number.NEGATIVE_INFINITY]);
	expect(await client.bzpopmax([key("none"), zset], 0)).toEqual([bulk(zset), bulk("high"), 1e300]);
	expect(await client.bzmpop(zset, "min", 0, { count: 9 })).toEqual([
		bulk(zset),
		[
			[bulk("low"), 1.5],
			[bulk("mid"), 2],
		],
	]);

	// Nothing comes: null, and not before the time; fractions count, and the smallest of them is not 0, which is for ever.
	const began = performance.now();
	expect(
		await Promise.all([
			client.blpop(list, 0.3),
			client.brpop([list, zset], 0.3),
			client.blmove(list, other, "right", "left", 0.3),
			client.brpoplpush(list, other, 0.3),
			client.blmpop(list, "left", 0.3),
			client.bzpopmin(zset, 0.3),
			client.bzpopmax(zset, 0.3),
			client.bzmpop(zset, "max", 0.3),
		]),
	).toEqual(new Array(8).fill(null));
	expect(performance.now() - began).toBeGreaterThan(280);
	expect(await client.blpop(list, 0.000_01)).toBeNull();

	// What comes later.
	const [popped, member] = [client.blpop(list, 20), client.bzpopmin(zset, 0)];
	await waitUntil("two blocked commands", () => client.stats().inFlight === 2 || `${client.stats().inFlight}`);
	await client.command("RPUSH", list, "late");
	await client.command("ZADD", zset, "0.1", "late");
	expect(await Promise.all([popped, member])).toEqual([
		[bulk(list), bulk("late")],
		[bulk(zset), bulk("late"), 0.1],
	]);

	// The server's own words.
	await client.set(list, "a string");
	expect(await rejectionOf(client.blpop(list, 1))).toMatchObject({ code: "WRONGTYPE", maybeExecuted: false });
}

test.each([
	"standaloneUrl",
	"clusterUrl",
] as const)("B12 arguments are refused before a byte, by their index (%s)", async (url) => {
	await using client = await createClient(inject(url));
	const before = client.stats();
	const cases: [Promise<unknown>, object][] = [
		[client.blpop([], 1), { code: "INVALID_ARGUMENT", index: 1 }],
		[client.blpop(5 as never, 1), { code: "INVALID_ARGUMENT", index: 1 }],
		[client.blpop("k", -1), { code: "INVALID_ARGUMENT", index: 2 }],
		[client.brpop(["k", "k"], Number.NaN), { code: "INVALID_ARGUMENT", index: 3 }],
		[client.brpop("k", Number.POSITIVE_INFINITY), { code: "INVALID_ARGUMENT", index: 2 }],
		[client.bzpopmin("k", "1" as never), { code: "INVALID_ARGUMENT", index: 2 }],
		[client.blmove("k", "k", "UP" as never, "left", 1), { code: "INVALID_ARGUMENT", index: 3 }],
		[client.blmove("k", "k", "left", undefined as never, 1), { code: "INVALID_ARGUMENT", index: 4 }],
		[client.brpoplpush("k", 7 as never, 1), { code: "INVALID_ARGUMENT", index: 2 }],
		[client.blmpop("k", "min" as never, 1), { code: "INVALID_ARGUMENT", index: 4 }],
		[client.blmpop([], "left", 1, { count: 2 }), { code: "INVALID_ARGUMENT", index: 2 }],
		[client.blmpop("k", "left", 1, { count: 0 }), { code: "INVALID_OPTION", field: "count" }],
		[client.bzmpop("k", "min", 1, { cuont: 1 } as never), { code: "INVALID_OPTION", field: "cuont" }],
	];
	for (const [call, expected] of cases) expect(await rejectionOf(call)).toMatchObject(expected);
	if (url === "clusterUrl") expect(await rejectionOf(client.blpop(["a", "b"], 1))).toMatchObject({ code: "CROSSSLOT" });
	const stats = client.stats();
	expect([stats.commands, stats.connections]).toEqual([before.commands, before.connections]);
});

test("B12 where a command may not block is told: command(), pipelines, WAIT beside others' writes", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	expect(await rejectionOf(client.command("BLPOP", "k", 1))).toMatchObject({
		code: "UNSUPPORTED",
		message: expect.stringContaining("client.blpop() or withConnection"),
	});
	expect(await rejectionOf(client.command("XREAD", "BLOCK", 1, "STREAMS", "s", "$"))).toMatchObject({
		message: expect.stringContaining("client.xread() or withConnection"),
	});
	expect(() => client.pipeline().command("BLPOP", "k", 1)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
	for (const call of [client.wait(0, 10), client.waitaof(0, 0, 10), client.command("WAIT", 0, 10)]) {
		expect(await rejectionOf(call)).toMatchObject({
			code: "UNSUPPORTED",
			message: expect.stringContaining("write and wait inside withConnection"),
		});
	}
	await client.withConnection({}, async (own) => {
		await own.set("block:wait", 1);
		expect(await own.wait(0, 100)).toBe(0);
		expect(await own.wait(1, 50)).toBe(0);
		expect(await own.blpop("block:none", 0.01)).toBeNull();
	});
	expect(await rejectionOf(client.wait(-1, 5))).toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
});
