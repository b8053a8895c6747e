import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { type BatchError, type Client, createClient } from "../../src/index.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";

describe.each([2, 3] as const)("commands without keys on a real cluster, RESP%i", (protocol) => {
	let cluster: ServerCluster;
	let client: Client;
	beforeAll(async () => {
		cluster = await startCluster({ replicas: 1 });
		client = await createClient({ url: cluster.url, protocol });
	});
	afterAll(async () => {
		await client?.close();
		await cluster?.stop();
	});

	const keys = Array.from({ length: 90 }, (_, i) => `keyless:${i}`);

	test("D53 DBSIZE is the sum, KEYS the union, FLUSHALL empties all", async () => {
		expect(await client.command("DBSIZE")).toBe(0);
		await client.setMany(keys.map((key) => [key, "v"] as const));
		for (const primary of cluster.primaries) expect(await primary.raw("DBSIZE")).toBeGreaterThan(10);
		expect(await client.command("DBSIZE")).toBe(90);
		expect(((await client.command("KEYS", "keyless:*")) as string[]).sort()).toEqual([...keys].sort());
		expect(await client.command("KEYS", "nothing:*")).toEqual([]);
		const buffers = (await client.buffers.command("KEYS", "keyless:7")) as Buffer[];
		expect(buffers).toEqual([Buffer.from("keyless:7")]);
		expect(keys).toContain(await client.command("RANDOMKEY"));
		expect(await client.command("FLUSHALL")).toBe("OK");
		expect(await client.command("DBSIZE")).toBe(0);
		expect(await client.command("RANDOMKEY")).toBeNull();
	});

	test("D53 PING is one answer, and ECHO, TIME and PUBLISH are one node's", async () => {
		expect(await client.command("PING")).toBe("PONG");
		expect(await client.command("PING", "text")).toBe("text");
		const before = client.stats().commands;
		expect(await client.command("ECHO", "hi")).toBe("hi");
		expect(await client.command("TIME")).toHaveLength(2);
		expect(await client.command("PUBLISH", "channel", "m")).toBe(0);
		expect(client.stats().commands - before).toBe(3);
	});

	test("D53 SCRIPT LOAD reaches every node: EVALSHA runs on each", async () => {
		const sha = (await client.command("SCRIPT", "LOAD", "return {KEYS[1], ARGV[1]}")) as string;
		expect(sha).toMatch(/^[0-9a-f]{40}$/);
		for (const node of cluster.nodes) expect(await node.raw("SCRIPT", "EXISTS", sha)).toEqual([1]);
		const replies = await Promise.all(keys.map((key, i) => client.command("EVALSHA", sha, "1", key, String(i))));
		expect(replies).toEqual(keys.map((key, i) => [key, String(i)]));
	});

	test("D53 SCRIPT EXISTS is true where every node has the script", async () => {
		const sha = (await client.command("SCRIPT", "LOAD", "return 1")) as string;
		const [first] = cluster.primaries;
		const other = String(await first!.raw("SCRIPT", "LOAD", "return 2"));
		expect(await client.command("SCRIPT", "EXISTS", sha, other, "0".repeat(40))).toEqual([1, 0, 0]);
	});

	test("D53 CONFIG SET goes to every node, replicas included", async () => {
		expect(await client.command("CONFIG", "SET", "hash-max-listpack-entries", "77")).toBe("OK");
		for (const node of cluster.nodes) {
			expect(await node.raw("CONFIG", "GET", "hash-max-listpack-entries")).toEqual(["hash-max-listpack-entries", "77"]);
		}
	});

	test("D53 an error on every node rejects with each node's result", async () => {
		const error = (await client.command("CONFIG", "SET", "no-such-option", "1").catch((reason) => reason)) as BatchError;
		expect(error).toMatchObject({ code: "BATCH" });
		expect(error.results.map((result) => (result as { code?: string }).code)).toEqual(cluster.nodes.map(() => "ERR"));
	});

	test("D53 SCAN is refused, and leads where it works", async () => {
		await expect(client.command("SCAN", "0")).rejects.toMatchObject({
			code: "UNSUPPORTED",
			message: expect.stringContaining("withConnection"),
		});
		await client.set("keyless:scan", "v");
		const owner = await ownerOf("keyless:scan");
		const [cursor, found] = await client.withConnection({ node: owner }, async (connection) => {
			return (await connection.command("SCAN", "0", "COUNT", "1000")) as [string, string[]];
		});
		expect([cursor, found]).toEqual(["0", ["keyless:scan"]]);
		await client.delMany(["keyless:scan"]);
	});

	async function ownerOf(key: string): Promise<string> {
		for (const node of cluster.primaries) {
			if (((await node.raw("KEYS", key)) as string[]).length > 0) return `${node.host}:${node.port}`;
		}
		throw new Error(`${key} is nowhere`);
	}
});

describe("a node that does not answer the first time", () => {
	let nodes: [FakeNode, FakeNode, FakeNode];
	beforeEach(async () => {
		nodes = [await startFakeClusterNode(), await startFakeClusterNode(), await startFakeClusterNode()];
		const [a, b, c] = nodes;
		for (const node of nodes) node.always(["CLUSTER", "SLOTS"], slotsOf([a, 0, 99], [b, 100, 199], [c, 200, 16383]));
		a.always(["DBSIZE"], ":1\r\n");
		b.always(["DBSIZE"], ":10\r\n");
		c.always(["DBSIZE"], ":100\r\n");
	});
	afterEach(() => Promise.all(nodes.map((node) => node.close())));

	const asked = () => nodes.map((node) => node.commands.filter(([name]) => name === "DBSIZE").length);

	test.each([0, 1, 2])("D53 node %i loads: it is asked again itself, no other in its place", async (index) => {
		const node = nodes[index]!;
		let times = 0;
		const total = [1, 10, 100][index];
		node.always(["DBSIZE"], () => (++times < 3 ? "-LOADING Redis is loading the dataset in memory\r\n" : `:${total}\r\n`));
		await using client = await createClient({ nodes: [{ host: nodes[0].host, port: nodes[0].port }] });
		expect(await client.command("DBSIZE")).toBe(111);
		expect(asked()).toEqual([0, 1, 2].map((i) => (i === index ? 3 : 1)));
		expect(client.stats().retries).toBe(2);
	});

	test.each([0, 1, 2])("D53 node %i loses its connection: it is asked again itself", async (index) => {
		const node = nodes[index]!;
		let times = 0;
		const total = [1, 10, 100][index];
		node.always(["DBSIZE"], (_, connection) => {
			if (++times > 1) return `:${total}\r\n`;
			connection.reset();
			return undefined;
		});
		await using client = await createClient({ nodes: [{ host: nodes[0].host, port: nodes[0].port }] });
		expect(await client.command("DBSIZE")).toBe(111);
		expect(asked()).toEqual([0, 1, 2].map((i) => (i === index ? 2 : 1)));
	});

	test("D53 one node's error is that node's: the sum is not given out", async () => {
		nodes[1].always(["DBSIZE"], "-NOPERM no\r\n");
		await using client = await createClient({ nodes: [{ host: nodes[0].host, port: nodes[0].port }] });
		await expect(client.command("DBSIZE")).rejects.toMatchObject({
			code: "BATCH",
			results: [1, expect.objectContaining({ code: "NOPERM" }), 100],
		});
	});

	test("D53 a closed client asks no node", async () => {
		const client = await createClient({ nodes: [{ host: nodes[0].host, port: nodes[0].port }] });
		await client.close();
		await expect(client.command("DBSIZE")).rejects.toMatchObject({ code: "CLOSED" });
		expect(asked()).toEqual([0, 0, 0]);
		expect(client.stats()).toMatchObject({ connections: 0, inFlight: 0 });
	});
});
