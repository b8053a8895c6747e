/** `pool.minDedicated` beside `cluster: { readFrom: "replica" }`. */
import { expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, startFakeClusterNode } from "../support/fake-cluster.js";
import { slotsReply } from "../support/slots-reply.js";

test.each([2, 3] as const)("C38 minDedicated opens nothing at a replica that is only read from, RESP%i", async (protocol) => {
	await using primary = await startFakeClusterNode();
	await using replica = await startFakeClusterNode();
	const nodes = [primary, replica].map(({ host, port }) => ({ host, port, id: `id-${port}` }));
	for (const node of [primary, replica]) {
		node.always(["CLUSTER", "SLOTS"], slotsReply([{ first: 0, last: 16_383, nodes }])).always(["GET"], bulk("v"));
	}
	await using client = await createClient({
		nodes: [addressOf(primary)],
		protocol,
		cluster: { readFrom: "replica", refreshMs: 0 },
		pool: { minDedicated: 3 },
	});
	await waitUntil("the replica is read from", async () => {
		await client.get("bar");
		return gets(replica).length > 0 || "not yet";
	});
	// The shared one and three more at the primary, the shared one at the replica.
	await waitUntil("all connections", () => client.stats().connections >= 5 || `${client.stats().connections}`);
	await primary.accepted(4);
	expect(await client.withConnection({}, (own) => own.get("bar"))).toBe("v");
	expect(client.stats().connections).toBe(5);
	expect(replica.connections).toHaveLength(1);
});
