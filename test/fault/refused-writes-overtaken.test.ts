/** A write that was refused while a later one of its slot was executed is never run late. */
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";
const retry = { baseMs: 10, maxMs: 10 };

async function start(mode: "standalone" | "cluster"): Promise<FakeNode> {
	if (mode === "standalone") return await FakeNode.start();
	const node = await startFakeClusterNode();
	return node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
}

function connect(node: FakeNode, mode: "standalone" | "cluster", protocol: 2 | 3, pool: { shared: number }) {
	return mode === "standalone"
		? createClient({ url: node.url, protocol, retry, pool })
		: createClient({ nodes: [addressOf(node)], protocol, retry, pool, cluster: { refreshMs: 0 } });
}

function asked(node: FakeNode): string[] {
	return node.commands.filter(([name]) => name !== "CLUSTER").map((args) => args.join(" "));
}

describe.each([
	["standalone", 2, 1],
	["standalone", 3, 3],
	["cluster", 2, 1],
	["cluster", 3, 3],
] as const)("%s, RESP%i, pool.shared %i", (mode, protocol, shared) => {
	test("C25 the refused write rejects with the server's error; it certainly did not happen, and never does", async () => {
		await using node = await start(mode);
		const gate = new Gate();
		// The second answer comes by itself, so that the first write waits in between.
		node.expect(["SET", "bar", "1"]).reply(LOADING);
		node.expect(["SET", "bar", "2"]).after(gate.opened).reply("+OK\r\n");
		node.expect(["GET", "bar"]).reply("$1\r\n2\r\n");
		await using client = await connect(node, mode, protocol, { shared });
		const first = rejectionOf(client.set("bar", "1"));
		const second = client.set("bar", "2");
		const read = client.get("bar");
		gate.open();
		expect(await first).toMatchObject({ code: "LOADING", maybeExecuted: false, message: expect.stringMatching(/^LOADING /) });
		expect(await second).toBe("OK");
		expect(await read).toBe("2");
		expect(asked(node)).toEqual(["SET bar 1", "SET bar 2", "GET bar"]);
	});

	test("C25 a refused read is sent again, whatever was written since", async () => {
		await using node = await start(mode);
		node.expect(["GET", "bar"]).reply(LOADING);
		node.expect(["SET", "bar", "2"]).reply("+OK\r\n");
		node.expect(["GET", "bar"]).reply("$1\r\n2\r\n");
		await using client = await connect(node, mode, protocol, { shared });
		const read = client.get("bar");
		expect(await client.set("bar", "2")).toBe("OK");
		expect(await read).toBe("2");
	});

	test("C25 a later write that failed has overtaken nothing", async () => {
		await using node = await start(mode);
		node.expect(["SET", "bar", "1"]).reply(LOADING);
		node.expect(["INCR", "bar"]).reply("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
		node.expect(["SET", "bar", "1"]).reply("+OK\r\n");
		await using client = await connect(node, mode, protocol, { shared });
		const write = client.set("bar", "1");
		await expect(client.incr("bar")).rejects.toMatchObject({ code: "WRONGTYPE", maybeExecuted: false });
		expect(await write).toBe("OK");
	});

	test("C25 a later write of another slot has overtaken nothing", async () => {
		await using node = await start(mode);
		node.expect(["SET", "bar", "1"]).reply(LOADING);
		// With three connections it is on that of the other key.
		node.expect(["SET", "b", "2"]).reply("+OK\r\n");
		node.expect(["SET", "bar", "1"]).reply("+OK\r\n");
		await using client = await connect(node, mode, protocol, { shared });
		const write = client.set("bar", "1");
		expect(await client.set("b", "2")).toBe("OK");
		expect(await write).toBe("OK");
	});

	test("C25 within one batch: the entry that was overtaken has its error, the others their answer", async () => {
		await using node = await start(mode);
		node.expect(["SET", "bar", "1"]).reply(LOADING);
		node.expect(["SET", "bar", "2"]).reply("+OK\r\n");
		node.expect(["SET", "bar", "3"]).reply(LOADING);
		node.expect(["SET", "bar", "3"]).reply("+OK\r\n");
		await using client = await connect(node, mode, protocol, { shared });
		const entries = ["1", "2", "3"].map((value) => ["bar", value] as const);
		const refused = expect.objectContaining({ code: "LOADING", maybeExecuted: false });
		expect(await client.setMany(entries, { partial: true })).toEqual([refused, "OK", "OK"]);
	});

	test("C25 C24 a later write whose fate is unknown may have overtaken it: the refused one is not sent again", async () => {
		await using node = await start(mode);
		node.expect(["SET", "bar", "1"]).reply(LOADING);
		node.expect(["GET", "bar"]).reply(LOADING);
		node.expect(["SET", "bar", "2"]).close();
		node.expect(["GET", "bar"]).reply("$1\r\n2\r\n");
		await using client = await connect(node, mode, protocol, { shared });
		const first = rejectionOf(client.set("bar", "1"));
		const read = client.get("bar");
		const second = rejectionOf(client.set("bar", "2"));
		expect(await first).toMatchObject({ code: "LOADING", maybeExecuted: false });
		expect(await second).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(await read).toBe("2");
	});

	test.each([
		["delMany", ["DEL", "bar"], ":1\r\n"],
		["EVAL", ["EVAL", "a script", "1", "bar"], ":1\r\n"],
		["MSET", ["MSET", "bar", "2"], "+OK\r\n"],
	] as const)("C25 a later write of any kind has overtaken it: %s", async (name, args, reply) => {
		await using node = await start(mode);
		node.expect(["SET", "bar", "1"]).reply(LOADING);
		node.expect(args).reply(reply);
		await using client = await connect(node, mode, protocol, { shared });
		const first = rejectionOf(client.set("bar", "1"));
		const [command, ...rest] = args;
		await (name === "delMany" ? client.delMany(["bar"]) : client.command(command, ...rest));
		expect(await first).toMatchObject({ code: "LOADING", maybeExecuted: false });
		expect(asked(node)).toHaveLength(2);
	});

	test.each([
		["mget", ["MGET", "bar", "bar"], "*2\r\n$1\r\n1\r\n$1\r\n1\r\n", ["1", "1"]],
		["existsMany", ["EXISTS", "bar"], ":1\r\n", 1],
		["delMany", ["DEL", "bar"], ":1\r\n", 1],
		["EVAL_RO", ["EVAL_RO", "a script", "1", "bar"], ":1\r\n", 1],
	] as const)("C25 while it is refused, later commands of any kind wait for it: %s", async (name, args, reply, answer) => {
		await using node = await start(mode);
		let ready = false;
		node.always(["SET", "bar", "1"], () => (ready ? "+OK\r\n" : LOADING)).always([args[0]], reply);
		await using client = await connect(node, mode, protocol, { shared });
		const write = client.set("bar", "1");
		await waitUntil("it is refused", () => client.stats().retries > 0 || "not yet");
		const [command, ...rest] = args;
		const calls: Record<string, () => Promise<unknown>> = {
			mget: () => client.mget(["bar", "bar"]),
			existsMany: () => client.existsMany(["bar"]),
			delMany: () => client.delMany(["bar"]),
		};
		const later = (calls[name] ?? (() => client.command(command, ...rest)))();
		const before = asked(node).length;
		await waitUntil("it is tried twice more", () => asked(node).length >= before + 2 || "not yet");
		ready = true;
		expect(await write).toBe("OK");
		expect(await later).toEqual(answer);
		expect(asked(node).at(-1)).toBe(args.join(" "));
		expect(asked(node).slice(0, -1)).toEqual(Array(asked(node).length - 1).fill("SET bar 1"));
	});
});
