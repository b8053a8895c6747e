/** A slot without an owner in the map: a refresh, then any primary is asked, then an error that says what the servers said. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

describe("no server has it", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster({ args: ["--cluster-require-full-coverage", "no"] });
		for (const node of cluster.primaries) await node.raw("CLUSTER", "DELSLOTS", SLOT).catch(() => {});
		await waitUntil("an unserved slot", async () => {
			for (const node of cluster.primaries) {
				const info = String(await node.raw("CLUSTER", "INFO"));
				if (!info.includes("cluster_slots_assigned:16383")) return `${node.port} still has it`;
			}
			return true;
		});
	});
	afterAll(() => cluster?.stop());

	test.each([2, 3] as const)("D09 the error at the deadline has a server's own word, RESP%i", async (protocol) => {
		await using client = await createClient({ url: cluster.url, protocol, cluster: { minRefreshMs: 20 } });
		const started = performance.now();
		const error = await rejectionOf(client.with({ timeoutMs: 600 }).get("bar"));
		// The default deadline is 5000.
		expect(performance.now() - started).toBeLessThan(4000);
		expect(error).toMatchObject({
			code: "TIMEOUT",
			cause: expect.objectContaining({ code: "CLUSTERDOWN", message: expect.stringContaining("not served") }),
		});
		const primaries = cluster.primaries.map(addressOf);
		expect(primaries.some((address) => error.message.includes(address))).toBe(true);
		expect(await client.set("foo", "v")).toBe("OK");
		expect(await client.get("foo")).toBe("v");
	});

	test("D09 it works once it is given to a node, for those who waited and for those who come", async () => {
		await using client = await createClient({ url: cluster.url, cluster: { minRefreshMs: 20 } });
		const waiting = client.with({ timeoutMs: 20_000 }).set("bar", "late");
		await waitUntil("a retry", () => client.stats().retries > 0 || "nothing was retried");
		await cluster.primaries[1]!.raw("CLUSTER", "ADDSLOTS", SLOT);
		expect(await waiting).toBe("OK");
		expect(await client.get("bar")).toBe("late");
		expect(await cluster.primaries[1]!.raw("GET", "bar")).toBe("late");
	});
});

test("D09 the views leave the slot out, but a primary knows its owner", async () => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	await using owner = await startFakeClusterNode();
	// What the nodes say stays as it is: no refresh fills the gap.
	for (const node of [a, b, owner]) {
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, SLOT - 1], [b, SLOT + 1, 16_383]));
	}
	for (const node of [a, b]) node.always(["GET"], `-MOVED ${SLOT} ${addressOf(owner)}\r\n`);
	owner.always(["GET"], bulk("found"));
	await using client = await createClient({ nodes: [addressOf(a)], cluster: { refreshMs: 0, minRefreshMs: 10 } });
	const before = refreshes(a) + refreshes(b);
	expect(await client.get("bar")).toBe("found");
	expect(refreshes(a) + refreshes(b) + refreshes(owner)).toBeGreaterThan(before);
	expect(gets(a).length + gets(b).length).toBe(1);
});

test("D09 a view with a gap takes the slot from its old node", async () => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	let gap = false;
	const view = () => (gap ? slotsOf([a, 0, SLOT - 1], [b, SLOT + 1, 16_383]) : slotsOf([a, 0, 8191], [b, 8192, 16_383]));
	for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], view).always(["GET"], bulk("v"));
	a.always(["GET", "bar"], () => (gap ? "-CLUSTERDOWN Hash slot not served\r\n" : bulk("v")));
	b.always(["GET", "bar"], "-CLUSTERDOWN Hash slot not served\r\n");
	await using client = await createClient({
		nodes: [addressOf(a)],
		cluster: { refreshMs: 10, minRefreshMs: 1 },
		// So many questions that each of two primaries is among those asked.
		retry: { maxAttempts: 1000, baseMs: 5, maxMs: 5 },
	});
	expect(await client.get("bar")).toBe("v");
	gap = true;
	const before = refreshes(a) + refreshes(b);
	// The third was asked for only after the answer to the second had been adopted.
	await waitUntil("the view with a gap", () => refreshes(a) + refreshes(b) >= before + 7 || "not asked again");
	await expect(client.with({ timeoutMs: 300 }).get("bar")).rejects.toMatchObject({ code: "TIMEOUT" });
	// A slot that is still thought to be a's would be asked of a alone.
	expect(gets(b)).toContain("bar");
	expect(await client.get("foo")).toBe("v");
});
