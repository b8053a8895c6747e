/** MOVED that names the very endpoint that sent it: another server stood behind that address when the socket was opened. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClusterNode, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { Relay } from "../support/relay.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D15 that socket is discarded, and the next one serves", async () => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		node.always(["GET"], (_, { index }) => (index === 0 ? `-MOVED ${SLOT} ${addressOf(node)}\r\n` : bulk("v")));
		await using client = await createClient({ nodes: [addressOf(node)], protocol, cluster: { refreshMs: 0 } });
		expect(await client.get("bar")).toBe("v");
		expect(node.connections).toHaveLength(2);
		await waitUntil("the end of the first socket", () => node.connections[0]!.closed || "still open");
		expect(gets(node)).toEqual(["bar", "bar"]);
		expect(client.stats().connections).toBe(1);
	});

	test("D15 a hundred callers of that socket cost one new one", async () => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		node.always(["GET"], (_, { index }) => (index === 0 ? `-MOVED ${SLOT} ${addressOf(node)}\r\n` : bulk("v")));
		await using client = await createClient({ nodes: [addressOf(node)], protocol, cluster: { refreshMs: 0 } });
		const reads = Array.from({ length: 100 }, (_, i) => client.get(`{bar}${i}`));
		expect(await Promise.all(reads)).toEqual(Array(100).fill("v"));
		expect(node.connections).toHaveLength(2);
	});

	test("D15 writes behind the first one were refused as well: each is made once", async () => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		let counter = 0;
		node.always(["INCR"], (_, { index }) => (index === 0 ? `-MOVED ${SLOT} ${addressOf(node)}\r\n` : `:${++counter}\r\n`));
		await using client = await createClient({ nodes: [addressOf(node)], protocol, cluster: { refreshMs: 0 } });
		const counts = await Promise.all(Array.from({ length: 100 }, () => client.incr("bar")));
		expect(counts).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
		expect(node.connections).toHaveLength(2);
	});

	test("D15 one that says so for ever costs few connections, and ends by the deadline", async () => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		node.always(["GET"], `-MOVED ${SLOT} ${addressOf(node)}\r\n`).always(["GET", "foo"], bulk("v"));
		await using client = await createClient({ nodes: [addressOf(node)], protocol, cluster: { refreshMs: 0 } });
		const started = performance.now();
		const error = await rejectionOf(client.with({ timeoutMs: 800 }).get("bar"));
		// The default deadline is 5000.
		expect(performance.now() - started).toBeLessThan(4000);
		expect(["TIMEOUT", "CLUSTER"]).toContain(error.code);
		expect(error.cause).toMatchObject({ code: "MOVED" });
		expect(error.message).toContain(addressOf(node));
		expect(node.connections.length).toBeGreaterThan(1);
		expect(node.connections.length).toBeLessThan(20);
		expect(gets(node).length).toBeLessThan(20);
		expect(await client.get("foo")).toBe("v");
	});
});

describe("recipe N6d: an address that leads to the wrong real server first", () => {
	let cluster: ServerCluster;
	let owner: ClusterNode;
	let wrong: ClusterNode;
	beforeAll(async () => {
		cluster = await startCluster();
		owner = await nodeOfSlot(cluster, SLOT);
		wrong = cluster.primaries.find((node) => node !== owner)!;
	});
	afterAll(() => cluster?.stop());

	test("D15 the second connection finds the right one", async () => {
		await using relay = await Relay.start("127.0.0.1", (index) => (index === 0 ? wrong : owner));
		await using client = await createClient({
			nodes: [addressOf(wrong)],
			cluster: { refreshMs: 0, natMap: { [addressOf(owner)]: addressOf(relay) } },
		});
		expect(await client.set("bar", "v")).toBe("OK");
		expect(await owner.raw("GET", "bar")).toBe("v");
		expect(relay.accepted).toHaveLength(2);
		expect(await client.get("{bar}2")).toBeNull();
		expect(client.stats().connections).toBe(3);
	});
});
