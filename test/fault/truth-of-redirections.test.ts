/** A server that redirects has executed nothing: whatever error comes of it says so. */
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C24 D43 redirected too often", async () => {
		await using a = await startFakeClusterNode();
		await using b = await startFakeClusterNode();
		for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 8191], [b, 8192, 16_383]));
		a.always(["INCR"], `-MOVED ${SLOT} ${addressOf(b)}\r\n`);
		b.always(["INCR"], `-MOVED ${SLOT} ${addressOf(a)}\r\n`);
		await using client = await createClient({
			nodes: [addressOf(a)],
			protocol,
			cluster: { refreshMs: 0, minRefreshMs: 20, maxRedirections: 2 },
		});
		expect(await rejectionOf(client.incr("bar"))).toMatchObject({ code: "CLUSTER", maybeExecuted: false });
	});

	test.each(["MOVED", "ASK"])("C24 a standalone client is answered with %s", async (word) => {
		await using node = await FakeNode.start();
		node.expect(["INCR", "bar"]).reply(`-${word} ${SLOT} 127.0.0.1:1\r\n`);
		await using client = await createClient({ url: node.url, protocol });
		const error = await rejectionOf(client.incr("bar"));
		expect(error).toMatchObject({ maybeExecuted: false, message: expect.stringContaining("redis-cluster://") });
	});
});
