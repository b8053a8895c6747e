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

test("D30 two that contradict each other, and nobody else to ask: what is known holds as long as it works", async () => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	const agreed = slotsOf([a, 0, 8191], [b, 8192, 16_383]);
	let claims = false;
	a.always(["CLUSTER", "SLOTS"], agreed).always(["GET"], bulk("from a"));
	b.always(["CLUSTER", "SLOTS"], () => (claims ? slotsOf([a, 0, 4999], [b, 5000, 16_383]) : agreed)).always(
		["GET"],
		bulk("from b"),
	);
	await using client = await createClient({
		nodes: [{ host: a.host, port: a.port }],
		cluster: { refreshMs: 5, minRefreshMs: 1 },
	});
	expect(await Promise.all([client.get("bar"), client.get("foo")])).toEqual(["from a", "from b"]);
	b.commands.length = 0;
	claims = true;
	const before = refreshes(b);
	await waitUntil("many views of b", async () => {
		expect(await client.get("bar")).toBe("from a");
		return refreshes(b) > before + 20 || "it was not asked often enough";
	});
	expect(gets(b)).toEqual([]);
});

test("D28 D30 two that contradict each other, and the owner of old is dead: the news holds", async () => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	await using c = await startFakeClusterNode();
	const old = third(
		[a, b, c],
		[
			[0, 5460],
			[5461, 10_922],
			[10_923, 16_383],
		],
	);
	let promoted = false;
	for (const node of [a, c]) node.always(["CLUSTER", "SLOTS"], old).always(["GET"], bulk("from another"));
	b.always(["CLUSTER", "SLOTS"], () => (promoted ? slotsOf([b, 0, 10_922], [c, 10_923, 16_383]) : old)).always(
		["GET"],
		bulk("from b"),
	);
	await using client = await createClient({
		nodes: [{ host: b.host, port: b.port }],
		cluster: { refreshMs: 5, minRefreshMs: 1 },
		retry: { baseMs: 5, maxMs: 20, maxAttempts: 1000 },
	});
	// Each is connected to: "bar" is a's, "foo" is c's.
	expect(await Promise.all([client.get("bar"), client.get("foo")])).toEqual(["from another", "from another"]);
	await a.close();
	promoted = true;
	expect(await client.get("bar")).toBe("from b");
});
