/** Every node of a cluster is another one at the address of before: nobody is left who could tell the client of it. */
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, startFakeClusterNode } from "../support/fake-cluster.js";
import { slotsReply } from "../support/slots-reply.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D34 a cluster of one node that is made anew at its address is reached again", async () => {
		await using node = await startFakeClusterNode();
		let id = "first";
		node.always(["CLUSTER", "SLOTS"], () =>
			slotsReply([{ first: 0, last: 16_383, nodes: [{ host: node.host, port: node.port, id }] }]),
		);
		node.always(["CLUSTER", "MYID"], () => bulk(id)).always(["GET"], () => bulk(`of ${id}`));
		await using client = await createClient({
			nodes: [addressOf(node)],
			protocol,
			cluster: { refreshMs: 0, minRefreshMs: 10 },
			retry: { baseMs: 5, maxMs: 20 },
			timeouts: { commandMs: 3000 },
		});
		expect(await client.get("k")).toBe("of first");
		id = "second";
		for (const connection of node.connections) connection.reset();
		expect(await client.get("k")).toBe("of second");
	});
});
