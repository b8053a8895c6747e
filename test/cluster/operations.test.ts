/** The rig itself: proxies that the nodes announce, and what an operator does to a cluster. */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import {
	addNode,
	failOver,
	forgetNode,
	isWhole,
	makeReplica,
	moveSlots,
	nodeOfSlot,
	resetNode,
	type ServerCluster,
	seenBy,
	startCluster,
	waitUntil,
	withNodes,
} from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { ClusterFront } from "../support/cluster-front.js";

// The nodes of a containers' cluster do not reach a proxy on this machine.
const here = inject("server").kind === "process";

let cluster: ServerCluster;
let front: ClusterFront;
beforeAll(async () => {
	if (!here) return;
	cluster = await startCluster({ primaries: 3, replicas: 3, nodeTimeoutMs: 1500 });
	front = await ClusterFront.start(cluster);
});
afterAll(async () => {
	await front?.close();
	await cluster?.stop();
});

const keys = Array.from({ length: 40 }, (_, i) => `operations:${i}`);
const bytes = () => front.proxies.reduce((sum, { bytes }) => sum + bytes.toServer, 0);

test.runIf(here)(
	"a client that knows one seed reaches every node by its announced proxy, also after a failover and after slots moved",
	async () => {
		await using client = await createClient(front.url);
		await client.setMany(keys.map((key) => [key, key]));
		const read = async () => {
			const before = bytes();
			expect(await client.mget(keys)).toEqual(keys);
			expect(bytes() - before).toBeGreaterThan(keys.join("").length);
		};
		await read();
		for (const primary of cluster.primaries) expect(front.proxy(primary).open).toBeGreaterThan(0);

		const replica = cluster.replicas[0]!;
		// Replicas lost their link when their primaries announced another port.
		await isWhole(cluster);
		await failOver(cluster, replica);
		await isWhole(cluster);
		const seen = await seenBy(cluster, cluster.nodes[1]!);
		expect(seen.find(({ node }) => node === cluster.nodes[0])?.primary).toBe(replica);
		await read();

		const slots = new Set(keys.map((key) => keySlot(key)));
		const target = cluster.primaries[1]!;
		await moveSlots(cluster, slots, target);
		for (const slot of slots) expect(await nodeOfSlot(cluster, slot)).toBe(target);
		await read();
		expect(client.stats().redirections).toBeGreaterThan(0);
		await waitUntil("no connection to the primary of before", () => {
			const { open } = front.proxy(cluster.primaries[0]!);
			return open === 0 || `${open} are left`;
		});
	},
);

test.runIf(here)("a killed node is back behind its proxy", async () => {
	const victim = cluster.replicas[2]!;
	await victim.kill();
	await front.restart(victim);
	await isWhole(cluster);
	expect(String(await victim.raw("CLUSTER", "NODES"))).toContain(`:${front.proxy(victim).port}@`);
});

test.runIf(here)("a node joins, copies a primary's data, is forgotten and reset", async () => {
	await using node = await addNode(cluster, { nodeTimeoutMs: 1500 });
	const grown = withNodes(cluster, [...cluster.nodes, node]);
	const primary = await nodeOfSlot(cluster, 0);
	await makeReplica(node, primary);
	await isWhole(grown);
	expect(await node.raw("DBSIZE")).toBe(await primary.raw("DBSIZE"));
	await forgetNode(cluster, node);
	await resetNode(node, "HARD");
	expect(await node.raw("CLUSTER", "MYID")).not.toBe(node.id);
	expect(String(await node.raw("CLUSTER", "INFO"))).toContain("cluster_known_nodes:1\r");
	await isWhole(cluster);
});
