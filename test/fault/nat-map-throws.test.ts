/** `cluster.natMap` is the caller's code: it may fail at any time. */
import { expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient, type Endpoint } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";

test.each([2, 3] as const)("D07 a natMap that throws for a while stops no later refresh, RESP%i", async (protocol) => {
	await using a = await startFakeClusterNode();
	await using b = await startFakeClusterNode();
	let moved = false;
	for (const node of [a, b]) {
		node.always(["CLUSTER", "SLOTS"], () => (moved ? slotsOf([b, 0, 16_383]) : slotsOf([a, 0, 16_383])));
		node.always(["GET"], bulk(node === a ? "from a" : "from b"));
	}
	const rejections: unknown[] = [];
	const note = (reason: unknown): void => void rejections.push(reason);
	process.on("unhandledRejection", note);
	try {
		let failures = 0;
		let failing = false;
		const natMap = (node: Endpoint): Endpoint => {
			if (!failing) return node;
			failures += 1;
			throw new Error("no address today");
		};
		await using client = await createClient({
			nodes: [addressOf(a)],
			protocol,
			cluster: { refreshMs: 30, minRefreshMs: 10, natMap },
		});
		failing = true;
		await waitUntil("it threw", () => failures > 0 || "not yet");
		// The map that there is still serves.
		expect(await client.get("bar")).toBe("from a");
		failing = false;
		const before = refreshes(a);
		await waitUntil("three more refreshes", () => refreshes(a) >= before + 3 || `${refreshes(a) - before}`);
		moved = true;
		await waitUntil("the new map", async () => (await client.get("bar")) === "from b" || "still the old one");
		expect(client.stats().redirections).toBe(0);
	} finally {
		process.off("unhandledRejection", note);
	}
	expect(rejections).toEqual([]);
});
