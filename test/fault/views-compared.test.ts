/** One node whose view differs from the others': what most nodes say holds. */
import { expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { bulk, gets, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";

const third = (nodes: readonly FakeNode[], slots: readonly [number, number][]): string =>
	slotsOf(...nodes.map((node, i): [FakeNode, number, number] => [node, ...slots[i]!]));

test("D30 D44 a single node that claims another's slots is heard, and outvoted", async () => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	await using c = await startFakeClusterNode();
	const nodes = [a, b, c];
	const agreed = third(nodes, [
		[0, 5460],
		[5461, 10_922],
		[10_923, 16_383],
	]);
	// c claims everything behind slot 999, the one of "bar" (5061) among it.
	const claimed = third(nodes, [
		[0, 499],
		[500, 999],
		[1000, 16_383],
	]);
	let claims = false;
	for (const node of nodes) node.always(["GET"], bulk("from its owner"));
	for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], agreed);
	c.always(["CLUSTER", "SLOTS"], () => (claims ? claimed : agreed)).always(["GET"], bulk("from c"));
	await using client = await createClient({
		nodes: [{ host: a.host, port: a.port }],
		cluster: { refreshMs: 5, minRefreshMs: 1 },
	});
	expect(await client.get("bar")).toBe("from its owner");
	await waitUntil("connections to all", () => client.stats().connections === 3 || "not yet");
	claims = true;
	const before = refreshes(c);
	await waitUntil("many views of c", async () => {
		expect(await client.get("bar")).toBe("from its owner");
		return refreshes(c) > before + 10 || "it was not asked often enough";
	});
	expect(gets(c)).toEqual([]);
});

test("D30 D44 what most nodes say is adopted, though one still has the old view", async () => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	await using c = await startFakeClusterNode();
	const nodes = [a, b, c];
	const old = third(nodes, [
		[0, 5460],
		[5461, 10_922],
		[10_923, 16_383],
	]);
	const now = third(nodes, [
		[0, 999],
		[1000, 10_922],
		[10_923, 16_383],
	]);
	let moved = false;
	a.always(["GET"], bulk("from a")).always(["CLUSTER", "SLOTS"], old);
	for (const node of [b, c]) node.always(["CLUSTER", "SLOTS"], () => (moved ? now : old)).always(["GET"], bulk("from b"));
	await using client = await createClient({
		nodes: [{ host: a.host, port: a.port }],
		cluster: { refreshMs: 5, minRefreshMs: 1 },
	});
	expect(await client.get("bar")).toBe("from a");
	await waitUntil("connections to all", () => client.stats().connections === 3 || "not yet");
	moved = true;
	await waitUntil("the new view", async () => (await client.get("bar")) === "from b" || "the old one holds");
});
