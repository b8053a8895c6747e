/**
 * A primary that the majority does not hear goes on acknowledging writes until its node timeout has passed. They are lost when the others
 * gave its slots away meanwhile: a client cannot know, but it leaves that node with the first refresh in which the others disagree.
 */
import { expect, inject, test } from "vitest";
import { type ClusterNode, isPromoted, isWhole, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { Load, tagsOf } from "../support/load.js";

// Containers meet each other by other addresses than those that are known here.
const here = inject("server").kind === "process";

const timeouts = { commandMs: 25_000, suspectMs: 500 };

const stateOf = async (node: ClusterNode): Promise<string> => String(await node.raw("CLUSTER", "INFO"));

test("D31 the two other primaries stand still: what is acknowledged meanwhile stays, and all goes on when they do", async () => {
	await using cluster = await startCluster({ primaries: 3, replicas: 3, nodeTimeoutMs: 1500 });
	await using resp2 = await createClient({ url: cluster.url, protocol: 2, timeouts });
	await using resp3 = await createClient({ url: cluster.url, protocol: 3, timeouts });
	await using load = await Load.start(cluster, { resp2, resp3 });
	const [alone, ...others] = cluster.primaries as [ClusterNode, ...ClusterNode[]];
	await Promise.all(others.map((other) => other.pause()));
	try {
		const before = load.shards[0]!.map(({ rounds }) => rounds);
		const goesOn = () => load.shards[0]!.every(({ rounds }, i) => rounds > before[i]! + 2) || "it stands still";
		await waitUntil("acknowledged writes in the minority", goesOn);
		const down = async () => (await stateOf(alone)).includes("cluster_state:fail") || "it goes on";
		await waitUntil("the end of its node timeout", down);
	} finally {
		await Promise.all(others.map((other) => other.resume()));
	}
	await isWhole(cluster);
	await load.goesOn();
	await load.stop();
	await load.look();
	expect(load.errors).toEqual([]);
	expect(load.foreign).toEqual([]);
	expect(load.lost).toEqual([]);
});

/**
 * Cuts a primary off from the others, both ways, while clients reach it: it forgets them, so that it believes nothing that they say, for 60 s,
 * and they give its slots to its replica. With `cluster-require-full-coverage no` it goes on serving.
 */
async function cutOff(cluster: ServerCluster, primary: ClusterNode): Promise<ClusterNode> {
	const replica = cluster.replicas.find(({ replicaOf }) => replicaOf === primary)!;
	for (const other of cluster.nodes) if (other !== primary) await primary.raw("CLUSTER", "FORGET", other.id);
	await replica.raw("CLUSTER", "FAILOVER", "TAKEOVER");
	await isPromoted(cluster, replica);
	const witnesses = cluster.primaries.filter((node) => node !== primary);
	await waitUntil("its election in the others' views", async () => {
		for (const witness of witnesses) {
			const slots = (await witness.raw("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
			if (!slots.some(([, , [, , id]]) => id === replica.id)) return `${witness.port} does not know`;
		}
		return true;
	});
	return replica;
}

test.runIf(here)(
	"D31 the others gave its slots away: it is left with the next refresh, and what it alone acknowledged is lost",
	async () => {
		const args = ["--cluster-require-full-coverage", "no"];
		await using cluster = await startCluster({ primaries: 3, replicas: 3, nodeTimeoutMs: 1500, args });
		const [tag] = await tagsOf(cluster);
		const key = `{${tag}}:k`;
		const [alone] = cluster.primaries as [ClusterNode, ...ClusterNode[]];
		/** These ask for the topology by the clock, often and hardly ever. */
		const connect = (protocol: 2 | 3, refreshMs: number): Promise<Client> =>
			createClient({ url: cluster.url, protocol, timeouts, cluster: { refreshMs, minRefreshMs: 10 } });
		await using resp2 = await connect(2, 600_000);
		await using resp3 = await connect(3, 600_000);
		await using often2 = await connect(2, 50);
		await using often3 = await connect(3, 50);
		expect(await resp2.set(key, "before")).toBe("OK");
		await waitUntil("its copy", async () => {
			const copy = await cluster.replicas.find(({ replicaOf }) => replicaOf === alone)!.connect();
			try {
				await copy.command("READONLY");
				return (await copy.command("GET", key)) === "before" || "not yet";
			} finally {
				copy.close();
			}
		});

		const promoted = await cutOff(cluster, alone);
		// Nothing tells these of it: the node answers as ever.
		for (const client of [resp2, resp3]) expect(await client.set(key, "in the minority")).toBe("OK");
		expect(await alone.raw("GET", key)).toBe("in the minority");
		// These hear it from the others.
		for (const client of [often2, often3]) {
			await waitUntil("its successor", async () => (await client.get(key)) === "before" || "still the old one");
		}
		expect(await Promise.all([often2, often3].map((client, i) => client.set(`${key}:${i}`, "v")))).toEqual(["OK", "OK"]);
		expect(await promoted.raw("MGET", `${key}:0`, `${key}:1`)).toEqual(["v", "v"]);

		await alone.raw("CLUSTER", "MEET", promoted.host, promoted.port);
		await waitUntil("its new role", async () => String(await alone.raw("ROLE")).startsWith("slave") || "it is a primary");
		for (const client of [resp2, resp3]) expect(await client.get(key)).toBe("before");
		expect(await promoted.raw("GET", key)).toBe("before");
	},
);
