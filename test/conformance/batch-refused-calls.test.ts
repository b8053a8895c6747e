/** A call that is refused is refused before any byte of it is queued, says what was wrong, and loses nothing that was queued before it. */
import { expect, test } from "vitest";
import { BatchError, type Client, ClientError, createClient } from "../../src/index.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";

type Call = (client: Client) => unknown;
interface Refusal {
	code: string;
	index?: number;
	field?: string;
}

const argument = (index: number): Refusal => ({ code: "INVALID_ARGUMENT", index });
const option = (field: string): Refusal => ({ code: "INVALID_OPTION", field });
const any = (value: unknown): never => value as never;

const badKeys = [
	undefined,
	null,
	true,
	5,
	5n,
	{},
	[],
	new Date(),
	Symbol("k"),
	() => {},
	Number.NaN,
	new ArrayBuffer(3),
	"\ud800",
	"a\udfff",
];
const badValues = [
	undefined,
	null,
	true,
	{},
	[],
	new Date(),
	Symbol("v"),
	() => {},
	Number.NaN,
	Number.NEGATIVE_INFINITY,
	2 ** 53,
	1.5,
	1e21,
];
const detached = Buffer.from(new ArrayBuffer(10));
structuredClone(detached.buffer, { transfer: [detached.buffer as ArrayBuffer] });
const sparse = ["a", "b", "c"];
delete sparse[1];
const show = (value: unknown): string =>
	typeof value === "string" ? JSON.stringify(value) : Object.prototype.toString.call(value);

const refused: [string, Refusal, Call][] = [
	...[...badKeys, detached].flatMap((key): [string, Refusal, Call][] => [
		[`get(${show(key)})`, argument(1), (c) => c.get(any(key))],
		[`set of the key ${show(key)}`, argument(1), (c) => c.set(any(key), "v")],
		[`getInto(${show(key)})`, argument(1), (c) => c.getInto(any(key), Buffer.alloc(1))],
		[`mget with ${show(key)} third`, argument(2), (c) => c.mget(["a", "b", any(key), "d"])],
		[`delMany with ${show(key)} first`, argument(0), (c) => c.delMany([any(key), "b"])],
		[`existsMany with ${show(key)} last`, argument(1), (c) => c.existsMany(["a", any(key)])],
		[
			`setMany with the key ${show(key)} second`,
			argument(1),
			(c) =>
				c.setMany([
					["a", "1"],
					[any(key), "2"],
				]),
		],
	]),
	...[...badValues, detached].flatMap((value): [string, Refusal, Call][] => [
		[`set of the value ${show(value)}`, argument(2), (c) => c.set("k", any(value))],
		[
			`setMany with the value ${show(value)} third`,
			argument(2),
			(c) =>
				c.setMany([
					["a", "1"],
					["b", "2"],
					["c", any(value)],
				]),
		],
		[`command with ${show(value)} fourth`, argument(3), (c) => c.command("HSET", "h", "f", any(value))],
	]),
	["mget of no list", argument(0), (c) => c.mget(any("key"))],
	["mget of undefined", argument(0), (c) => c.mget(any(undefined))],
	["mget of a sparse list", argument(1), (c) => c.mget(sparse)],
	["setMany of a map", argument(0), (c) => c.setMany(any(new Map([["a", "b"]])))],
	["setMany of an entry without value", argument(1), (c) => c.setMany([["a", "1"], any(["b"])])],
	["setMany of an entry of four", argument(0), (c) => c.setMany([any(["a", "1", {}, 5])])],
	["setMany of a string", argument(0), (c) => c.setMany([any("ab")])],
	["expire in no time", argument(2), (c) => c.expire("k", any(undefined))],
	["expire in fractions", argument(2), (c) => c.expire("k", 0.5)],
	["ttl of nothing", argument(1), (c) => c.ttl(any(undefined))],
	["incr of a number", argument(1), (c) => c.incr(any(5))],
	["command without a name", argument(0), (c) => c.command(any(undefined))],
	["command of an empty name", argument(0), (c) => c.command("")],
	["command of a Buffer", argument(0), (c) => c.command(any(Buffer.from("GET")), "k")],
	["an argument over the limit", argument(2), (c) => c.command("SET", "k", Buffer.alloc(1025))],
	["a value over the limit", argument(2), (c) => c.set("k", "x".repeat(1025))],
	[
		"a value over the limit in a batch",
		argument(1),
		(c) =>
			c.setMany([
				["a", "1"],
				["b", Buffer.alloc(1025)],
			]),
	],
	["a value over the limit in bytes alone", argument(2), (c) => c.set("k", "é".repeat(513))],
	["a key over the limit", argument(1), (c) => c.mget(["a", "k".repeat(1025)])],

	["set with ex 0", option("ex"), (c) => c.set("k", "v", { ex: 0 })],
	["set with a fraction of milliseconds", option("px"), (c) => c.set("k", "v", { px: 1.5 })],
	["set with nx and xx", option("xx"), (c) => c.set("k", "v", { nx: true, xx: true })],
	["set with ex and keepttl", option("keepttl"), (c) => c.set("k", "v", { ex: 5, keepttl: true })],
	["set with EX", option("EX"), (c) => c.set("k", "v", any({ EX: 5 }))],
	["set with a number", option("options"), (c) => c.set("k", "v", any(60))],
	[
		"setMany with a bad entry's option",
		option("ex"),
		(c) =>
			c.setMany([
				["a", "1"],
				["b", "2", { ex: -1 }],
			]),
	],
	["setMany with a bad default", option("ex"), (c) => c.setMany([["a", "1"]], { ex: 0 })],
	["setMany with a bad default that no entry uses", option("ttl"), (c) => c.setMany([["a", "1", { ex: 5 }]], any({ ttl: 5 }))],
	["setMany of nothing with a bad default", option("px"), (c) => c.setMany([], { px: 0 })],
	["mget with SET options", option("ex"), (c) => c.mget(["a"], any({ ex: 5 }))],
	["mget with an unknown option", option("chunksize"), (c) => c.mget(["a"], any({ chunksize: 5 }))],
	["mget with options of another kind", option("options"), (c) => c.mget(["a"], any(5))],
	["mget with null", option("options"), (c) => c.mget(["a"], any(null))],
	["mget in chunks of 0", option("chunkSize"), (c) => c.mget(["a"], { chunkSize: 0 })],
	["mget in chunks of 1.5", option("chunkSize"), (c) => c.mget(["a"], { chunkSize: 1.5 })],
	["mget with an endless timeout", option("timeoutMs"), (c) => c.mget(["a"], { timeoutMs: Number.POSITIVE_INFINITY })],
	["mget without chunks in flight", option("maxInflight"), (c) => c.mget(["a"], { maxInflight: 0 })],
	["mget of no bytes", option("maxChunkBytes"), (c) => c.mget(["a"], { maxChunkBytes: 0 })],
	["mget of values of no bytes", option("expectedValueBytes"), (c) => c.mget(["a"], { expectedValueBytes: -1 })],
	["mget partly", option("partial"), (c) => c.mget(["a"], any({ partial: "yes" }))],
	["mget with another signal", option("signal"), (c) => c.mget(["a"], any({ signal: {} }))],
	["delMany partly", option("partial"), (c) => c.delMany(["a"], any({ partial: true }))],
	["existsMany with a TTL", option("ex"), (c) => c.existsMany(["a"], any({ ex: 5 }))],
	["with(5)", option("options"), (c) => c.with(any(5))],
	["with(null)", option("options"), (c) => c.with(any(null))],
	["with an unknown option", option("timeout"), (c) => c.with(any({ timeout: 5 }))],
	["with a negative timeout", option("timeoutMs"), (c) => c.with({ timeoutMs: -1 })],
	["with another signal", option("signal"), (c) => c.with({ signal: any({}) })],
	["withConnection(null)", option("options"), (c) => c.withConnection(any(null), async () => {})],
	["withConnection to a slot", option("slot"), (c) => c.withConnection(any({ slot: 5 }), async () => {})],
	["withConnection for a number", argument(0), (c) => c.withConnection(any({ key: 5 }), async () => {})],

	["a command of connection state", { code: "UNSUPPORTED" }, (c) => c.command("SELECT", 1)],
	["a command that blocks", { code: "UNSUPPORTED" }, (c) => c.command("BLPOP", "k", 0)],
	["a command that subscribes", { code: "UNSUPPORTED" }, (c) => c.command("SUBSCRIBE", "k")],
];

async function outcome(client: Client, call: Call): Promise<unknown> {
	try {
		await call(client);
	} catch (error) {
		return error;
	}
	return "it was accepted";
}

async function expectRefusedBetweenOthers(node: FakeNode, client: Client, call: Call, expected: Refusal): Promise<void> {
	const before = client.stats();
	const received = node.commands.length;
	const first = client.set("first", "1");
	const error = outcome(client, call);
	const last = client.mget(["last"]);
	expect(await first).toBe("OK");
	expect(await last).toEqual([null]);
	expect(await error).toBeInstanceOf(ClientError);
	expect(await error).not.toBeInstanceOf(BatchError);
	expect(await error).toMatchObject(expected);
	expect((await error) as ClientError).not.toHaveProperty("maybeExecuted", true);
	expect(node.commands.slice(received)).toEqual([
		["SET", "first", "1"],
		["MGET", "last"],
	]);
	const after = client.stats();
	expect({ commands: after.commands - before.commands, flights: after.flights - before.flights }).toEqual({
		commands: 2,
		flights: 1,
	});
	expect(after.inFlight).toBe(0);
}

test.each(refused)("B05 %s is refused with %o", async (_, expected, call) => {
	await using node = await FakeNode.start();
	node.always(["SET"], "+OK\r\n").always(["MGET"], "*1\r\n$-1\r\n");
	await using client = await createClient({ url: node.url, socket: { maxBulkBytes: 1024 } });
	await expectRefusedBetweenOthers(node, client, call, expected);
});

test.each<[string, Refusal, Call]>([
	["MGET of two slots", { code: "CROSSSLOT" }, (c) => c.command("MGET", "a", "b")],
	["MSET of two slots", { code: "CROSSSLOT" }, (c) => c.command("MSET", "a", "1", "b", "2")],
	["EVAL of two slots", { code: "CROSSSLOT" }, (c) => c.command("EVAL", "return 1", 2, "a", "b")],
	["a pipelined MGET of two slots", { code: "CROSSSLOT" }, (c) => c.pipeline().set("x", "1").command("MGET", "a", "b").exec()],
])("B05 on a cluster %s is refused, and nothing of it is sent", async (_, expected, call) => {
	await using node = await startFakeClusterNode();
	node
		.always(["SET"], "+OK\r\n")
		.always(["MGET"], "*1\r\n$-1\r\n")
		.always(["CLUSTER", "SLOTS"], slotsOf([node, 0, 16_383]));
	await using client = await createClient({ nodes: [`${node.host}:${node.port}`] });
	// One connection, ready: what is queued in one tick is one write.
	await client.set("first", "0");
	await expectRefusedBetweenOthers(node, client, call, expected);
});

test("B05 a refusal in the middle of a large batch sends none of it", async () => {
	await using node = await FakeNode.start();
	await using client = await createClient(node.url);
	const keys: unknown[] = Array.from({ length: 40_000 }, (_, index) => `key:${index}`);
	keys[39_999] = undefined;
	await expect(client.mget(any(keys))).rejects.toMatchObject(argument(39_999));
	await expect(client.setMany(any(keys.map((key) => [key, "v"])))).rejects.toMatchObject(argument(39_999));
	expect(client.stats()).toMatchObject({ commands: 0, flights: 0, inFlight: 0 });
	expect(node.commands).toEqual([]);
});

test("B05 a refusal names the entry and shows nothing of key or value", async () => {
	await using node = await FakeNode.start();
	await using client = await createClient(node.url);
	const errors = [
		await outcome(client, (c) =>
			c.setMany([
				["a", "1"],
				["secret", "secret", { ex: 0 }],
			]),
		),
		await outcome(client, (c) =>
			c.setMany([
				["a", "1"],
				["secret", any({ secret: "secret" })],
			]),
		),
		await outcome(client, (c) =>
			c.setMany([
				["a", "1"],
				["secret\ud800", "secret"],
			]),
		),
	] as ClientError[];
	for (const error of errors) {
		expect(error.message).toContain("entry 1");
		expect(`${error} ${JSON.stringify(error)}`).not.toContain("secret");
	}
});
