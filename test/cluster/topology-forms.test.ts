import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";

/*
 * Each form that a server gives CLUSTER SLOTS by its configuration, from a cluster of one's own. The server on whose loopback
 * port everything happens announces other names; connections are counted to see that a name more is no node more.
 */

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster({ replicas: 1 });
});
afterAll(() => cluster?.stop());
afterEach(() => configure({ "cluster-preferred-endpoint-type": "ip" }));

async function configure(settings: Record<string, string>): Promise<void> {
	for (const node of cluster.nodes) {
		for (const [name, value] of Object.entries(settings)) await node.raw("CONFIG", "SET", name, value);
	}
}

/** Calls every node localhost and waits until every node has heard that of every other. */
async function announceHostnames(): Promise<void> {
	await configure({ "cluster-announce-hostname": "localhost" });
	await waitUntil("gossip of the hostnames", async () => {
		for (const node of cluster.nodes) {
			const known = String(await node.raw("CLUSTER", "NODES")).match(/,localhost /g) ?? [];
			if (known.length < cluster.nodes.length) return `${node.port} has heard of ${known.length} only`;
		}
		return true;
	});
}

/** The first node of the first range as the server shows it to itself. */
async function shownNode(): Promise<unknown[]> {
	const [range] = (await cluster.primaries[0]!.raw("CLUSTER", "SLOTS")) as unknown[][];
	return range![2] as unknown[];
}

function connect(protocol: 2 | 3, host = "127.0.0.1") {
	const { port } = cluster.primaries[0]!;
	return createClient({ url: `redis-cluster://${host}:${port}`, protocol, cluster: { minRefreshMs: 1 } });
}

/** Reads and writes in every range. */
async function expectWorking(client: Awaited<ReturnType<typeof connect>>): Promise<void> {
	const keys = Array.from({ length: 60 }, (_, i) => `forms:${i}`);
	expect(await client.setMany(keys.map((key) => [key, `v${key}`] as const))).toEqual(keys.map(() => "OK"));
	expect(await client.mget(keys)).toEqual(keys.map((key) => `v${key}`));
	expect(client.stats().redirections).toBe(0);
	expect(await client.delMany(keys)).toBe(60);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D03 nodes with ids, and metadata that is empty", async () => {
		expect(await shownNode()).toEqual([cluster.primaries[0]!.host, cluster.primaries[0]!.port, cluster.primaries[0]!.id, []]);
		await using client = await connect(protocol);
		await expectWorking(client);
		expect(client.stats().connections).toBe(3);
	});

	test("D04 a server that names no host is reached at the host that was asked", async () => {
		await configure({ "cluster-preferred-endpoint-type": "unknown-endpoint" });
		expect((await shownNode())[0]).toBeNull();
		await using client = await connect(protocol);
		await expectWorking(client);
		expect(client.stats().connections).toBe(3);
	});

	test("D04 D08 MOVED without a host leads to the host that was asked, and opens no connection that there was", async () => {
		await configure({ "cluster-preferred-endpoint-type": "unknown-endpoint" });
		await using client = await connect(protocol);
		await expectWorking(client);
		const source = await nodeOfSlot(cluster, 5061);
		const target = cluster.primaries.find((node) => node !== source)!;
		await moveSlot(cluster, 5061, target);
		await expect(source.raw("GET", "bar")).rejects.toThrow(`MOVED 5061 :${target.port}`);
		expect(await client.get("bar")).toBeNull();
		expect(client.stats()).toMatchObject({ redirections: 1, connections: 3, reconnects: 0 });
		await moveSlot(cluster, 5061, source);
	});

	test("D05 nodes without a hostname where hostnames are preferred are reached by the ip of their metadata", async () => {
		await configure({ "cluster-preferred-endpoint-type": "hostname" });
		const { host, port, id } = cluster.primaries[0]!;
		expect(await shownNode()).toEqual(["?", port, id, ["ip", host]]);
		await using client = await connect(protocol);
		await expectWorking(client);
		expect(client.stats().connections).toBe(3);
	});

	test("D05 MOVED to ? is followed by way of the topology", async () => {
		await configure({ "cluster-preferred-endpoint-type": "hostname" });
		await using client = await connect(protocol);
		const source = await nodeOfSlot(cluster, 5061);
		const target = cluster.primaries.find((node) => node !== source)!;
		await moveSlot(cluster, 5061, target);
		await expect(source.raw("GET", "bar")).rejects.toThrow(`MOVED 5061 ?:${target.port}`);
		expect(await client.set("bar", "found")).toBe("OK");
		expect(await target.raw("GET", "bar")).toBe("found");
		expect(await client.delMany(["bar"])).toBe(1);
		expect(client.stats()).toMatchObject({ connections: 3, reconnects: 0 });
		await moveSlot(cluster, 5061, source);
	});
});

// Hostnames travel by gossip, which takes seconds: from here on every node has one, and it stays.
describe("announced hostnames", () => {
	test("D06 a hostname announced later is no new node: MOVED by name, SLOTS by name, and the connections stay", async () => {
		await using resp2 = await connect(2);
		await using resp3 = await connect(3);
		for (const client of [resp2, resp3]) await expectWorking(client);
		const source = await nodeOfSlot(cluster, 5061);
		const target = cluster.primaries.find((node) => node !== source)!;
		await announceHostnames();
		await configure({ "cluster-preferred-endpoint-type": "hostname" });
		await moveSlot(cluster, 5061, target);
		await expect(source.raw("GET", "bar")).rejects.toThrow(`MOVED 5061 localhost:${target.port}`);
		for (const client of [resp2, resp3]) expect(await client.get("bar")).toBeNull();
		await moveSlot(cluster, 5061, source);
		for (const client of [resp2, resp3]) expect(await client.get("bar")).toBeNull();
		// What a MOVED opened under the name before the topology told whose it is ends with the next refresh.
		await expectConnections(6);
		for (const client of [resp2, resp3]) expect(client.stats().connections).toBe(3);
	});

	test.each([2, 3] as const)("D06 hostnames are preferred, RESP%i", async (protocol) => {
		await announceHostnames();
		await configure({ "cluster-preferred-endpoint-type": "hostname" });
		const { host, port, id } = cluster.primaries[0]!;
		expect(await shownNode()).toEqual(["localhost", port, id, ["ip", host]]);
		await using client = await connect(protocol);
		await expectWorking(client);
		expect(client.stats().connections).toBe(3);
	});

	test.each([2, 3] as const)("D06 the seed is given by its hostname, the topology by ip, RESP%i", async (protocol) => {
		await announceHostnames();
		await using client = await connect(protocol, "localhost");
		await expectWorking(client);
		expect(client.stats().connections).toBe(3);
	});
});

/** Connections of clients, as the servers count them: a test has closed its own before the next begins. */
async function expectConnections(count: number): Promise<void> {
	await waitUntil(`${count} connections at the servers`, async () => {
		let open = 0;
		for (const node of cluster.nodes) {
			const listed = String(await node.raw("CLIENT", "LIST", "TYPE", "NORMAL"));
			// The last line is empty, and one connection is that which asks.
			open += listed.split("\n").length - 2;
		}
		return open === count || `there are ${open}`;
	});
}
