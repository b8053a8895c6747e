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
afterEach(() => configure({ "cluster-preferred-endpoint-type": "ip", "cluster-announce-hostname": "" }));

/** Sets the configuration of every node and waits until all have heard the hostnames of all. */
async function configure(settings: Record<string, string>, nodes = cluster.nodes): Promise<void> {
	for (const node of nodes) {
		for (const [name, value] of Object.entries(settings)) await node.raw("CONFIG", "SET", name, value);
	}
	const hostname = settings["cluster-announce-hostname"];
	if (hostname === undefined) return;
	await waitUntil("gossip of the hostnames", async () => {
		for (const asked of cluster.nodes) {
			const known = String(await asked.raw("CLUSTER", "NODES"))
				.trim()
				.split("\n");
			for (const { id } of nodes) {
				const address = known.find((line) => line.startsWith(id))!.split(" ")[1]!;
				if ((address.split(",")[1] ?? "") !== hostname) return `${asked.port} has not heard of ${address}`;
			}
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

	test("D06 hostnames preferred and announced", async () => {
		await configure({ "cluster-preferred-endpoint-type": "hostname", "cluster-announce-hostname": "localhost" });
		const { host, port, id } = cluster.primaries[0]!;
		expect(await shownNode()).toEqual(["localhost", port, id, ["ip", host]]);
		await using client = await connect(protocol);
		await expectWorking(client);
		expect(client.stats().connections).toBe(3);
	});

	test("D06 a hostname announced later is no new node: MOVED by name, SLOTS by name, and the connections stay", async () => {
		await using client = await connect(protocol);
		await expectWorking(client);
		const source = await nodeOfSlot(cluster, 5061);
		const target = cluster.primaries.find((node) => node !== source)!;
		await configure({ "cluster-announce-hostname": "localhost" });
		await configure({ "cluster-preferred-endpoint-type": "hostname" });
		await moveSlot(cluster, 5061, target);
		await expect(source.raw("GET", "bar")).rejects.toThrow(`MOVED 5061 localhost:${target.port}`);
		expect(await client.get("bar")).toBeNull();
		await moveSlot(cluster, 5061, source);
		expect(await client.get("bar")).toBeNull();
		// What a MOVED opened under the name before the topology told whose it is ends with the next refresh.
		await waitUntil("three connections", () => {
			const { connections } = client.stats();
			return connections === 3 || `${connections} connections`;
		});
		await expectConnections(3);
	});

	test("D06 a name of one's own for a seed and the topology's ip", async () => {
		await configure({ "cluster-announce-hostname": "localhost" });
		await using client = await connect(protocol, "localhost");
		await expectWorking(client);
		expect(client.stats().connections).toBe(3);
	});
});

/** Connections of this client, as the servers count them: no one else's are named. */
async function expectConnections(count: number): Promise<void> {
	await waitUntil(`${count} connections at the servers`, async () => {
		let open = 0;
		for (const node of cluster.nodes) {
			const clients = String(await node.raw("CLIENT", "LIST", "TYPE", "NORMAL"))
				.trim()
				.split("\n");
			// One is that which asks.
			open += clients.length - 1;
		}
		return open === count || `there are ${open}`;
	});
}
