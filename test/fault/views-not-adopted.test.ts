/** Answers to CLUSTER SLOTS that say nothing, from real nodes: refusals, and the empty view of a node that was reset. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClusterNode, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { commandStats } from "../support/command-stats.js";
import { bulk, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";

const keys = Array.from({ length: 60 }, (_, i) => `views:${i}`);

describe("a real cluster", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster({ replicas: 1 });
	});
	afterAll(() => cluster?.stop());

	/** CLUSTER SLOTS that a node answered, and those that it refused. */
	function asked(node: ClusterNode): Promise<{ calls: number; rejected: number }> {
		return commandStats(node, "cluster|slots");
	}

	test.each([2, 3] as const)("D09 NOPERM from every node leaves the map as it was, RESP%i", async (protocol) => {
		await using client = await createClient({ url: cluster.url, protocol, cluster: { refreshMs: 20, minRefreshMs: 10 } });
		for (const node of cluster.nodes) {
			await node.raw("CONFIG", "RESETSTAT");
			await node.raw("ACL", "SETUSER", "default", "-cluster|slots");
		}
		try {
			await waitUntil("two rounds of refusals", async () => {
				let rejected = 0;
				for (const node of cluster.primaries) rejected += (await asked(node)).rejected;
				return rejected >= 2 * cluster.primaries.length || `${rejected} refusals`;
			});
			expect(await client.mget(keys)).toEqual(keys.map(() => null));
			expect(client.stats()).toMatchObject({ redirections: 0, connections: 3, retries: 0 });
		} finally {
			for (const node of cluster.nodes) await node.raw("ACL", "SETUSER", "default", "+@all");
		}
	});

	// It leaves the replica outside the cluster: last.
	test("D09 the empty view of a node that was reset is not adopted", async () => {
		const [replica] = cluster.replicas;
		await using client = await createClient({
			nodes: [addressOf(replica!)],
			cluster: { refreshMs: 20, minRefreshMs: 10 },
		});
		expect(await client.mget(keys)).toEqual(keys.map(() => null));
		await replica!.raw("CLUSTER", "RESET", "HARD");
		expect(await replica!.raw("CLUSTER", "SLOTS")).toEqual([]);
		await replica!.raw("CONFIG", "RESETSTAT");
		// The seed stays connected while others still list it, and is asked among the others.
		await waitUntil("refreshes after the reset", async () => {
			const calls = await Promise.all(cluster.primaries.map(async (node) => (await asked(node)).calls));
			return calls.some((count) => count > 5) || "nobody was asked";
		});
		expect(await client.mget(keys)).toEqual(keys.map(() => null));
		expect(client.stats().redirections).toBe(0);
	});
});

test.each([
	["empty", "*0\r\n"],
	["LOADING", "-LOADING Redis is loading the dataset in memory\r\n"],
	["NOPERM", "-NOPERM this user has no permissions to run the 'cluster|slots' command\r\n"],
])("D09 where one node's answer is %s another's is adopted", async (_, reply) => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	let moved = false;
	const view = () => (moved ? slotsOf([a, 0, 99], [b, 100, 16_383]) : slotsOf([a, 0, 8191], [b, 8192, 16_383]));
	for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], view);
	a.always(["GET"], bulk("from a"));
	b.always(["GET"], bulk("from b"));
	// Each is the one that is asked first in one of the two halves.
	for (const bad of [a, b]) {
		moved = false;
		const good = bad === a ? b : a;
		good.always(["CLUSTER", "SLOTS"], view);
		await using client = await createClient({
			nodes: [addressOf(a), addressOf(b)],
			cluster: { refreshMs: 10, minRefreshMs: 1 },
		});
		expect(await client.get("bar")).toBe("from a");
		bad.always(["CLUSTER", "SLOTS"], reply);
		moved = true;
		await waitUntil("the good view", async () => (await client.get("bar")) === "from b" || "the old one is still used");
		const before = refreshes(bad) + refreshes(good);
		await waitUntil("more refreshes", () => refreshes(bad) + refreshes(good) >= before + 4 || "not asked again");
		expect(await client.get("bar")).toBe("from b");
	}
});
