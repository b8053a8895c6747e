import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type ClientError, createClient } from "../../src/index.js";
import { bulk, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";

const SLOT = 5061; // of "bar"

/** What a call rejects with, and how long it took. */
async function failure(call: () => Promise<unknown>): Promise<{ error: ClientError; tookMs: number }> {
	const started = performance.now();
	const error = await call().then(
		(value) => Promise.reject(new Error(`resolved with ${value}`)),
		(reason) => reason,
	);
	return { error, tookMs: performance.now() - started };
}

describe("a slot that no node serves", () => {
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

	test.each([2, 3] as const)("a typed error within the deadline, and the other slots work, RESP%i", async (protocol) => {
		await using client = await createClient({ url: cluster.url, protocol });
		const { error, tookMs } = await failure(() => client.with({ timeoutMs: 400 }).get("bar"));
		expect(["CLUSTER", "CLUSTERDOWN", "TIMEOUT"]).toContain(error.code);
		expect(error.maybeExecuted).not.toBe(true);
		expect(tookMs).toBeLessThan(3000);
		expect(await client.set("foo", "v")).toBe("OK");
		expect(await client.mget(["foo", "{foo}2"])).toEqual(["v", null]);
		const partial = await client.with({ timeoutMs: 400 }).mget(["foo", "bar"], { partial: true });
		expect(partial).toEqual(["v", expect.objectContaining({ code: expect.stringMatching(/^(CLUSTER|CLUSTERDOWN|TIMEOUT)$/) })]);
	});

	test("with attempts used up, the error says which slot", async () => {
		await using client = await createClient({ url: cluster.url, retry: { maxAttempts: 2, baseMs: 1, maxMs: 5 } });
		const { error } = await failure(() => client.get("bar"));
		// Nobody is known to serve it, so some primary was asked in the end, and its word is the last.
		expect(error).toMatchObject({ code: "CLUSTERDOWN", maybeExecuted: false });
	});

	test("a slot that is given away meanwhile is found", async () => {
		await using client = await createClient({ url: cluster.url, cluster: { minRefreshMs: 10 } });
		const written = client.set("bar", "late");
		await waitUntil("a retry", () => client.stats().retries > 0 || "nothing was retried");
		await cluster.primaries[1]!.raw("CLUSTER", "ADDSLOTS", SLOT);
		expect(await written).toBe("OK");
		expect(await cluster.primaries[1]!.raw("GET", "bar")).toBe("late");
	});
});

test("D09 a slot that the map has no node for is refreshed for first", async () => {
	await using node = await startFakeClusterNode();
	let whole = false;
	node
		.always(["CLUSTER", "SLOTS"], () => (whole ? slotsOf([node, 0, 16383]) : slotsOf([node, 0, 5060], [node, 5062, 16383])))
		.always(["GET"], bulk("v"));
	await using client = await createClient({ nodes: [{ host: node.host, port: node.port }], cluster: { minRefreshMs: 1 } });
	const read = client.get("bar");
	expect(await client.get("foo")).toBe("v");
	expect(node.commands.filter(([name]) => name === "GET")).toEqual([["GET", "foo"]]);
	whole = true;
	expect(await read).toBe("v");
});

test("D09 D03 a view with a gap takes the slot's old node away", async () => {
	await using node = await startFakeClusterNode();
	let gap = false;
	node
		.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, gap ? 5060 : 16383]))
		.always(["GET"], () => (gap ? "-CLUSTERDOWN Hash slot not served\r\n" : bulk("v")));
	await using client = await createClient({
		nodes: [{ host: node.host, port: node.port }],
		cluster: { refreshMs: 5, minRefreshMs: 1 },
		retry: { maxAttempts: 1, baseMs: 1, maxMs: 1 },
	});
	expect(await client.get("bar")).toBe("v");
	gap = true;
	const before = refreshes(node);
	// A refresh asks twice at most, and one may be under way: the fifth question comes after a whole one was adopted.
	await waitUntil("the view with a gap", () => refreshes(node) >= before + 5 || "not asked again");
	// Any primary is asked once a refresh brought nothing, and its word is the caller's.
	await expect(client.get("bar")).rejects.toMatchObject({ code: "CLUSTERDOWN" });
});
