/** CLUSTERDOWN is one node's opinion: of itself it says nothing about the others, nor about the map. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ClusterNode, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

describe("a primary that lost a slot from its own view alone", () => {
	let cluster: ServerCluster;
	let confused: ClusterNode;
	/** Keys of other slots of that primary, and of the other primaries. */
	let here: string[];
	let elsewhere: string[];
	beforeAll(async () => {
		cluster = await startCluster();
		confused = await nodeOfSlot(cluster, SLOT);
		expect(confused).toBe(cluster.primaries[0]);
		const keys = Array.from({ length: 100 }, (_, i) => `clusterdown:${i}`);
		here = keys.filter((key) => keySlot(key) < 5400 && keySlot(key) !== SLOT);
		elsewhere = keys.filter((key) => keySlot(key) > 5500);
	});
	afterAll(() => cluster?.stop());
	afterEach(async () => {
		await confused.raw("CLUSTER", "ADDSLOTS", SLOT).catch(() => {});
		await confused.raw("CONFIG", "SET", "cluster-allow-reads-when-down", "no");
		for (const node of cluster.primaries) {
			await waitUntil(
				"a node that serves",
				async () => String(await node.raw("CLUSTER", "INFO")).includes("cluster_state:ok") || "its cluster is down",
			);
			await node.raw("FLUSHALL");
		}
	});

	async function confuse(): Promise<void> {
		await confused.raw("CLUSTER", "DELSLOTS", SLOT);
		await waitUntil("CLUSTERDOWN", () =>
			confused.raw("SET", here[0]!, "v").then(
				() => "it still serves",
				(error: Error) => error.message.startsWith("CLUSTERDOWN") || error.message,
			),
		);
		for (const node of cluster.primaries.slice(1)) expect(String(await node.raw("CLUSTER", "INFO"))).toContain("state:ok");
	}

	function connect(protocol: 2 | 3, refresh: { refreshMs: number; minRefreshMs: number }): Promise<Client> {
		return createClient({ url: cluster.url, protocol, cluster: refresh });
	}

	const often = { refreshMs: 100, minRefreshMs: 50 };
	/** What the map has lost stays lost for the length of a test. */
	const seldom = { refreshMs: 0, minRefreshMs: 60_000 };

	test.each([
		[2, "seldom", seldom],
		[3, "seldom", seldom],
		[3, "often", often],
	] as const)("D24 its callers wait, the others' do not, and the map stays (RESP%i, refreshed %s)", async (protocol, _, refresh) => {
		await using client = await connect(protocol, refresh);
		await client.mget([...here, ...elsewhere]);
		await confuse();
		const waiting = Promise.all([
			client.with({ timeoutMs: 20_000 }).mget(here),
			client.with({ timeoutMs: 20_000 }).set(here[0]!, "late"),
		]);
		waiting.catch(() => {});
		const before = client.stats().redirections;
		const error = await rejectionOf(client.with({ timeoutMs: 500 }).get(here[1]!));
		expect(await client.with({ timeoutMs: 2000 }).mget(elsewhere)).toEqual(elsewhere.map(() => null));
		expect(await client.with({ timeoutMs: 2000 }).set(elsewhere[0]!, "v")).toBe("OK");
		expect(client.stats().redirections).toBe(before);
		await confused.raw("CLUSTER", "ADDSLOTS", SLOT);
		expect((await waiting)[1]).toBe("OK");
		expect(await client.get(here[0]!)).toBe("late");
		expect(await client.get("bar")).toBeNull();
		expect(client.stats()).toMatchObject({ connections: 3, reconnects: 0 });
		expect(error).toMatchObject({
			code: "TIMEOUT",
			cause: expect.objectContaining({ code: "CLUSTERDOWN", message: expect.stringContaining("CLUSTERDOWN") }),
		});
		expect(error.message).toContain(addressOf(confused));
	});

	test("D24 where it accepts reads only, reads are served at once and writes wait", async () => {
		await confused.raw("CONFIG", "SET", "cluster-allow-reads-when-down", "yes");
		await using client = await connect(3, often);
		await client.mget([...here, ...elsewhere]);
		await confuse();
		const written = client.with({ timeoutMs: 20_000 }).set(here[0]!, "late");
		written.catch(() => {});
		await waitUntil("a refused write", () => client.stats().retries > 0 || "nothing was retried");
		// A write that waits makes no read of another slot wait.
		expect(await client.with({ timeoutMs: 2000 }).mget(here.slice(1))).toEqual(here.slice(1).map(() => null));
		await confused.raw("CLUSTER", "ADDSLOTS", SLOT);
		expect(await written).toBe("OK");
		expect(await client.get(here[0]!)).toBe("late");
	});
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		"CLUSTERDOWN The cluster is down",
		"CLUSTERDOWN The cluster is down and only accepts read commands",
		"CLUSTERDOWN Hash slot not served",
	])("D24 %s of a node with a view of its own: another node's view is asked for and followed", async (message) => {
		await using a = await startFakeClusterNode();
		await using b = await startFakeClusterNode();
		const old = slotsOf([a, 0, 8191], [b, 8192, 16_383]);
		for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], old);
		a.always(["GET"], `-${message}\r\n`);
		b.always(["GET"], bulk("from b"));
		await using client = await createClient({
			nodes: [addressOf(a)],
			protocol,
			cluster: { refreshMs: 0, minRefreshMs: 10 },
		});
		expect(await client.get("foo")).toBe("from b");
		// From here on only b knows that b has taken over.
		b.always(["CLUSTER", "SLOTS"], slotsOf([b, 0, 16_383]));
		expect(await client.get("bar")).toBe("from b");
		expect(refreshes(b)).toBeGreaterThan(0);
		expect(gets(a).length).toBeLessThanOrEqual(8);
	});
});
