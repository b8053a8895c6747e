/** A node leaves the cluster under load: scale-in, CLUSTER FORGET, CLUSTER RESET. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	addNode,
	type ClusterNode,
	forgetNode,
	moveSlot,
	moveSlots,
	resetNode,
	type ServerCluster,
	startCluster,
	waitUntil,
	withNodes,
} from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { commandStats } from "../support/command-stats.js";
import { RegisterLoad } from "../support/register-load.js";

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());

/** Connections of these clients to a node. */
async function connected(node: ClusterNode, name: string): Promise<number> {
	return String(await node.raw("CLIENT", "LIST")).split(` name=${name} `).length - 1;
}

/** How often a node was asked for its view. */
async function asked(node: ClusterNode): Promise<number> {
	return (await commandStats(node, "cluster|slots")).calls;
}

async function ownerOf(slot: number, by: ClusterNode): Promise<string | undefined> {
	const ranges = (await by.raw("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
	return ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][2];
}

test("D33 scale-in: it is let go of when its slots are gone, and its old view is not asked for any more", async () => {
	// Else it becomes a replica of whoever takes its last slot.
	await using leaving = await addNode(cluster, { args: ["--cluster-allow-replica-migration", "no"] });
	const grown = withNodes(cluster, [...cluster.nodes, leaving]);
	const [first, second] = cluster.primaries as [ClusterNode, ClusterNode];
	const tags = ["{leave:1}", "{leave:2}", "{leave:3}", "{leave:4}", "{leave:5}"];
	const slots = tags.map((tag) => keySlot(tag));
	await moveSlots(grown, slots, leaving);
	const connect = (protocol: 2 | 3) =>
		createClient({
			// Its only seed is the one that leaves.
			nodes: [addressOf(leaving)],
			name: "removal",
			protocol,
			cluster: { refreshMs: 100, minRefreshMs: 50 },
			timeouts: { commandMs: 20_000 },
		});
	await using two = await connect(2);
	await using three = await connect(3);
	const clients = [two, three];
	const keys = (i: number) => [...tags.flatMap((tag) => [`${tag}a${i}`, `${tag}b${i}`]), `stays:${i}`, `also:${i}`];
	const loads = await Promise.all(
		clients.map((client, i) => RegisterLoad.start(client, keys(i), { callers: 2, transactions: true })),
	);
	expect(await connected(leaving, "removal")).toBeGreaterThan(1);

	await moveSlots(grown, slots, first);
	await forgetNode(cluster, leaving);
	await waitUntil("the end of its connections", async () => {
		const left = await connected(leaving, "removal");
		return left === 0 || `${left} are open`;
	});

	// Its own pings are answered still, and tell it what changes; from now on nothing does.
	await leaving.raw("DEBUG", "DROP-CLUSTER-PACKET-FILTER", 1);
	await moveSlot(cluster, slots[0]!, second);
	expect(await ownerOf(slots[0]!, leaving)).toBe(first.id);
	await leaving.raw("CONFIG", "RESETSTAT");
	for (const node of cluster.nodes) await node.raw("CONFIG", "RESETSTAT");
	await waitUntil("many refreshes", async () => {
		const counts = await Promise.all(cluster.nodes.map(asked));
		const sum = counts.reduce((total, count) => total + count);
		return sum >= 40 || `${sum}`;
	});
	expect(await asked(leaving)).toBe(0);
	await resetNode(leaving, "HARD");
	expect(await leaving.raw("CLUSTER", "SLOTS")).toEqual([]);

	const before = loads.map((load) => load.answered);
	await waitUntil("more answers", () => loads.every((load, i) => load.answered > before[i]! + 100) || "not yet");
	await Promise.all(loads.map((load) => load.stop()));
	for (const [i, load] of loads.entries()) {
		expect(load.errors).toEqual([]);
		expect(load.violations()).toEqual([]);
		// The node's connections ended because it was let go of, not because they broke.
		expect(clients[i]!.stats().reconnects).toBe(0);
	}
	expect(await connected(leaving, "removal")).toBe(0);
});
