/** The server and its keyspace as a whole, on servers of the file's own: what it changes is everybody's. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { raw, type ServerCluster, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import {
	argument,
	type Bulk,
	type CommandRow,
	failure,
	never,
	option,
	type RefusedRow,
	testCommands,
} from "../support/typed-commands.js";

let standalone: ServerNode;
let cluster: ServerCluster;

beforeAll(async () => {
	// On a busy machine any command may be slow.
	const args = ["--slowlog-log-slower-than", "-1"];
	[standalone, cluster] = await Promise.all([startStandalone({ args }), startCluster({ args, primaries: 3, replicas: 1 })]);
});

afterAll(() => Promise.all([standalone?.stop(), cluster?.stop()]));

/** Text of the view that says so. */
const textWith = (pattern: RegExp) => (bulk: Bulk) =>
	expect.toSatisfy((text: unknown) => typeof text === typeof bulk("") && pattern.test(String(text)), `${pattern}`);
const recordOf = (fields: object) => Object.assign(Object.create(null), fields);
const now = () => expect.closeTo(Date.now() / 1000, -2);

const rows: CommandRow[] = [
	{ title: "ping", severalNodes: true, call: (on) => on.ping(), expected: "PONG" },
	{ title: "echo", call: (on) => on.echo("grüße"), expected: (bulk) => bulk("grüße") },
	{ title: "time", call: (on) => on.time(), expected: () => [now(), expect.toSatisfy((us: number) => us >= 0 && us < 1e6)] },
	{ title: "lastsave", call: (on) => on.lastsave(), expected: () => expect.closeTo(Date.now() / 1000, -5) },
	{ title: "info", call: (on) => on.info(), expected: textWith(/^# Server\r\n[\s\S]*\r\n# Keyspace\r\n/) },
	{
		title: "info of two sections",
		call: (on) => on.info("server", ["clients"]),
		expected: textWith(/^# Server\r\n[\s\S]*# Clients\r\n(?![\s\S]*#)/),
	},
	{
		title: "configGet",
		call: (on) => on.configGet("maxmemory-samples", ["appendfsyn?", "nothing-of-this-name"]),
		expected: (bulk) => recordOf({ "maxmemory-samples": bulk("5"), appendfsync: bulk("everysec") }),
	},
	{ title: "configGet of what nobody knows", call: (on) => on.configGet("__proto__"), expected: recordOf({}) },
	{
		title: "configSet",
		severalNodes: true,
		call: (on) => on.configSet("slowlog-max-len", 77),
		expected: "OK",
		after: () => [[["CONFIG", "GET", "slowlog-max-len"], expect.toSatisfy(says("slowlog-max-len", "77"))]],
	},
	{
		title: "configSet of a record",
		severalNodes: true,
		call: (on) => on.configSet({ "slowlog-max-len": 78, "maxmemory-samples": "5" }),
		expected: "OK",
		after: () => [[["CONFIG", "GET", "slowlog-max-len"], expect.toSatisfy(says("slowlog-max-len", "78"))]],
	},
	{ title: "configResetstat", severalNodes: true, call: (on) => on.configResetstat(), expected: "OK" },
	{ title: "clientId", call: (on) => on.clientId(), expected: () => expect.any(Number) },
	{ title: "clientInfo", call: (on) => on.clientInfo(), expected: textWith(/^id=\d+ [^\n]*\n?$/) },
	{ title: "clientList", call: (on) => on.clientList(), expected: textWith(/^(id=\d+ [^\n]*\n)+$/) },
	{ title: "clientList of a type", call: (on) => on.clientList({ type: "pubsub" }), expected: (bulk) => bulk("") },
	{
		title: "clientList of ids nobody has",
		call: (on) => on.clientList({ id: [987_654_321, 987_654_322] }),
		expected: textWith(/^\n?$/),
	},
	{ title: "clientKill of nobody", call: (on) => on.clientKill({ id: 987_654_321, type: "normal", skipme: true }), expected: 0 },
	{ title: "clientKill of an address", call: (on) => on.clientKill({ addr: "127.0.0.1:1", laddr: "127.0.0.1:2" }), expected: 0 },
	{ title: "clientKill of no user", call: (on) => on.clientKill({ user: "nobody" }), expected: failure("ERR") },
	{
		title: "memoryUsage",
		before: (key) => [["SET", key("k"), "v".repeat(1000)]],
		call: (on, key) => on.memoryUsage(key("k")),
		expected: () => expect.closeTo(1500, -3),
	},
	{
		title: "memoryUsage of all elements",
		before: (key) => [["RPUSH", key("k"), "v".repeat(1000)]],
		call: (on, key) => on.memoryUsage(key("k"), { samples: 0 }),
		expected: () => expect.closeTo(1500, -3),
	},
	{ title: "memoryUsage of no key", call: (on, key) => on.memoryUsage(key("k")), expected: null },
	{
		title: "objectFreq",
		before: (key) => [
			["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"],
			["SET", key("k"), "v"],
		],
		call: (on, key) => on.objectFreq(key("k")),
		// What is new begins with 5; it may rise with the first use, and fall in the next minute.
		expected: () => expect.toBeOneOf([4, 5, 6]),
		after: () => [[["CONFIG", "SET", "maxmemory-policy", "noeviction"], "OK"]],
	},
	{
		title: "objectFreq of no key",
		call: (on, key) => on.objectFreq(key("k")),
		expected: null,
	},
	{ title: "latencyLatest", call: (on) => on.latencyLatest(), expected: [] },
	{ title: "latencyHistory", call: (on) => on.latencyHistory("command"), expected: [] },
	{ title: "aclWhoami", call: (on) => on.aclWhoami(), expected: (bulk) => bulk("default") },
	{ title: "commandCount", call: (on) => on.commandCount(), expected: () => expect.toSatisfy((count: number) => count > 200) },
	{ title: "clusterKeyslot", on: "cluster", call: (on) => on.clusterKeyslot("{foo}bar"), expected: 12_182 },
	{ title: "clusterKeyslot of no cluster", on: "standalone", call: (on) => on.clusterKeyslot("k"), expected: failure("ERR") },
	{
		title: "configRewrite without a file",
		severalNodes: true,
		on: "standalone",
		call: (on) => on.configRewrite(),
		expected: failure("ERR"),
	},
	{
		title: "flushall",
		severalNodes: true,
		before: (key) => [["SET", key("k"), 1]],
		call: (on) => on.flushall(),
		expected: "OK",
		after: () => [[["DBSIZE"], 0]],
	},
	{
		title: "flushdb, later",
		severalNodes: true,
		before: (key) => [["SET", key("k"), 1]],
		call: (on) => on.flushdb({ mode: "async" }),
		expected: "OK",
		after: () => [[["DBSIZE"], 0]],
	},
	{ title: "flushall at once", severalNodes: true, call: (on) => on.flushall({ mode: "sync" }), expected: "OK" },
	{
		title: "dbsize",
		severalNodes: true,
		before: (key) => [["FLUSHALL"], ["SET", key("k"), 1], ["SET", "foo", 1], ["SET", "bar", 1], ["SET", "hello", 1]],
		call: (on) => on.dbsize(),
		expected: 4,
	},
	{
		title: "randomkey without keys",
		severalNodes: true,
		before: () => [["FLUSHALL"]],
		call: (on) => on.randomkey(),
		expected: null,
	},
	{ title: "slowlogReset", severalNodes: true, call: (on) => on.slowlogReset(), expected: "OK" },
	{ title: "slowlogLen", severalNodes: true, call: (on) => on.slowlogLen(), expected: 0 },
	{ title: "slowlogGet of nothing", severalNodes: true, call: (on) => on.slowlogGet(5), expected: [] },
];

const refused: RefusedRow[] = [
	{ title: "echo of nothing", call: (on) => on.echo(never(undefined)), error: argument(1) },
	...(["flushall", "flushdb"] as const).flatMap((name): RefusedRow[] => [
		{ title: `${name} in another mode`, call: (on) => on[name]({ mode: never("ASYNC") }), error: option("mode") },
		{ title: `${name} with a word for options`, call: (on) => on[name](never("async")), error: option("options") },
		{ title: `${name} with an unknown option`, call: (on) => on[name](never({ async: true })), error: option("async") },
	]),
	{ title: "info of an object", call: (on) => on.info(never({})), error: argument(1) },
	{ title: "configGet of nothing", call: (on) => on.configGet(), error: argument(2) },
	{ title: "configSet of nothing", call: (on) => on.configSet(never(undefined)), error: argument(2) },
	{ title: "configSet of an empty record", call: (on) => on.configSet({}), error: argument(2) },
	{ title: "configSet without a value", call: (on) => on.configSet("maxmemory", never(undefined)), error: argument(3) },
	{
		title: "configSet of a record and a value",
		call: (on) => (on as never as { configSet: CallTwo }).configSet({ a: 1 }, 2),
		error: argument(3),
	},
	{
		title: "configSet of names and values one by one",
		call: (on) => (on as never as { configSet: (...args: string[]) => unknown }).configSet("a", "1", "b", "2"),
		error: argument(4),
	},
	{ title: "clientList of a type and an id", call: (on) => on.clientList({ type: "normal", id: 1 }), error: option("id") },
	{ title: "clientList of an unknown type", call: (on) => on.clientList({ type: never("NORMAL") }), error: option("type") },
	{ title: "clientList of no ids", call: (on) => on.clientList({ id: [] }), error: option("id") },
	{ title: "clientList of an id in words", call: (on) => on.clientList({ id: never(["1"]) }), error: option("id") },
	{ title: "clientKill of all", call: (on) => on.clientKill({}), error: option("filter") },
	{ title: "clientKill of all without a filter", call: (on) => on.clientKill(never(undefined)), error: option("filter") },
	{ title: "clientKill of all but oneself", call: (on) => on.clientKill({ skipme: true }), error: option("filter") },
	{ title: "clientKill of an address in words", call: (on) => on.clientKill(never("127.0.0.1:1")), error: option("options") },
	{ title: "clientKill of an address that is none", call: (on) => on.clientKill({ addr: never(5) }), error: option("addr") },
	{
		title: "clientKill with skipme in words",
		call: (on) => on.clientKill({ id: 1, skipme: never("no") }),
		error: option("skipme"),
	},
	{ title: "memoryUsage of a number", call: (on) => on.memoryUsage(never(5)), error: argument(2) },
	{
		title: "memoryUsage of samples below 0",
		call: (on, key) => on.memoryUsage(key("k"), { samples: -1 }),
		error: option("samples"),
	},
	{ title: "slowlogGet of half an entry", call: (on) => on.slowlogGet(0.5), error: argument(2) },
	{ title: "latencyHistory of nothing", call: (on) => on.latencyHistory(never(undefined)), error: argument(2) },
	{ title: "clusterKeyslot of a number", call: (on) => on.clusterKeyslot(never(5)), error: argument(2) },
];

type CallTwo = (first: unknown, second: unknown) => unknown;

testCommands({ rows, refused }, () => ({ standalone: standalone.url, cluster: cluster.url }));

/** What CONFIG GET gives through `command()`, in either protocol. */
function says(name: string, value: string): (reply: unknown) => boolean {
	return (reply) => (reply instanceof Map ? reply.get(name) === value : Array.isArray(reply) && reply[1] === value);
}

async function withClients(use: (client: Client, protocol: 2 | 3) => Promise<void>): Promise<void> {
	for (const protocol of [2, 3] as const) {
		const client = await createClient({ url: cluster.url, protocol });
		try {
			await use(client, protocol);
		} finally {
			await client.close();
		}
	}
}

/** What each node says, replicas too. */
async function ofEveryNode(...words: [string, ...string[]]): Promise<unknown[]> {
	return await Promise.all(cluster.nodes.map((node) => raw(node, ...words)));
}

test("configSet and configResetstat reach every node of a cluster, replicas too", async () => {
	await withClients(async (client, protocol) => {
		expect(await client.configSet("slowlog-max-len", 100 + protocol)).toBe("OK");
		const length = ["slowlog-max-len", `${100 + protocol}`];
		expect(await ofEveryNode("CONFIG", "GET", "slowlog-max-len")).toEqual(cluster.nodes.map(() => length));
		await ofEveryNode("PING");
		expect(await client.configResetstat()).toBe("OK");
		for (const stats of await ofEveryNode("INFO", "commandstats")) expect(stats).not.toMatch(/cmdstat_ping/);
	});
});

test("A31 slowlogGet, slowlogLen and slowlogReset are about every node of a cluster", async () => {
	await withClients(async (client) => {
		await client.slowlogReset();
		await client.configSet("slowlog-log-slower-than", 0);
		await ofEveryNode("ECHO", "slow");
		await client.configSet("slowlog-log-slower-than", -1);
		const entries = (await client.slowlogGet(-1)).filter(({ command }) => command[0] === "ECHO");
		const entry = { id: expect.any(Number), time: now(), duration: expect.any(Number), command: ["ECHO", "slow"], name: "" };
		expect(entries).toEqual(cluster.nodes.map(() => ({ ...entry, address: expect.stringMatching(/:\d+$/) })));
		const [first] = (await client.buffers.slowlogGet(-1)).filter(({ command }) => String(command[0]) === "ECHO");
		expect(first).toMatchObject({ command: [Buffer.from("ECHO"), Buffer.from("slow")], name: Buffer.alloc(0) });
		expect(await client.slowlogGet(1)).toHaveLength(cluster.nodes.length);
		expect(await client.slowlogLen()).toBeGreaterThan(entries.length);
		await client.slowlogReset();
		expect(await client.slowlogLen()).toBe(0);
	});
});

test("A31 latencyLatest and latencyHistory of a node", async () => {
	await withClients(async (client) => {
		const [node] = cluster.nodes;
		await client.withConnection({ node: `${node!.host}:${node!.port}` }, async (connection) => {
			await connection.command("LATENCY", "RESET");
			await connection.command("CONFIG", "SET", "latency-monitor-threshold", 1);
			await connection.command("DEBUG", "SLEEP", "0.005");
			await connection.command("CONFIG", "SET", "latency-monitor-threshold", 0);
			const [event] = await connection.latencyLatest();
			expect(event).toEqual({ event: "command", time: now(), latest: expect.any(Number), max: event!.latest });
			expect(event!.latest).toBeGreaterThanOrEqual(5);
			expect(await connection.latencyHistory("command")).toEqual([[event!.time, event!.latest]]);
		});
	});
});

test("A31 clientId, clientInfo, clientList and clientKill mean the connection and the node of withConnection", async () => {
	await withClients(async (client) => {
		const [node] = cluster.nodes;
		await client.withConnection({ node: `${node!.host}:${node!.port}` }, async (connection) => {
			const id = await connection.clientId();
			expect(await connection.clientInfo()).toMatch(new RegExp(`^id=${id} `));
			expect(await connection.clientList({ id })).toMatch(new RegExp(`^id=${id} [^\\n]*\\n$`));
			const other = await raw(node!, "CLIENT", "ID");
			expect(await connection.clientKill({ id: Number(other) })).toBe(0);
			expect(await connection.clientKill({ id })).toBe(0);
			expect(await connection.ping()).toBe("PONG");
			expect(await connection.clientKill({ id, skipme: false })).toBe(1);
		});
	});
});
