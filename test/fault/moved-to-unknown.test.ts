/** `MOVED n ?:port`: the server knows that the slot is elsewhere, but not how anybody gets there. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

let a: FakeNode;
let b: FakeNode;
let c: FakeNode;
/** Listens on the port that MOVED names: whoever takes the host that replied for the unknown one comes here. */
let trap: FakeNode;
beforeEach(async () => {
	[a, b, c, trap] = await Promise.all([
		startFakeClusterNode(),
		startFakeClusterNode(),
		startFakeClusterNode(),
		startFakeClusterNode(),
	]);
	const view = () => slotsOf([a, 0, 8191], [c, 8192, 16_383]);
	for (const node of [a, b, c]) node.always(["CLUSTER", "SLOTS"], view);
	a.always(["GET"], `-MOVED ${SLOT} ?:${trap.port}\r\n`);
	b.always(["GET"], bulk("from b"));
	c.always(["GET"], bulk("from c"));
});
afterEach(async () => {
	for (const node of [a, b, c, trap]) await node[Symbol.asyncDispose]();
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	function connect() {
		return createClient({ nodes: [addressOf(a)], protocol, cluster: { refreshMs: 0, minRefreshMs: 10 } });
	}

	test("D14 is dialled by nobody; another node knows the owner", async () => {
		await using client = await connect();
		// The view of the node that does not know the owner stays as it is.
		c.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 99], [b, 100, 8191], [c, 8192, 16_383]));
		expect(await client.get("bar")).toBe("from b");
		expect(await client.get("bar")).toBe("from b");
		expect(trap.connections).toHaveLength(0);
		expect(refreshes(c)).toBeGreaterThan(0);
		expect(gets(a).length).toBeLessThanOrEqual(8);
	});

	test("D14 while no node knows the owner, the rest works; the error at the deadline says MOVED and by whom", async () => {
		await using client = await connect();
		const failed = rejectionOf(client.with({ timeoutMs: 500 }).get("bar"));
		expect(await client.get("foo")).toBe("from c");
		const error = await failed;
		expect(error).toMatchObject({
			code: "TIMEOUT",
			cause: expect.objectContaining({ code: "MOVED", message: `MOVED ${SLOT} ?:${trap.port}` }),
		});
		expect(error.message).toContain(addressOf(a));
		expect(trap.connections).toHaveLength(0);
		// Pauses that grow, not a loop.
		expect(gets(a).length).toBeLessThanOrEqual(16);
	});

	test("D14 what waited works as soon as any node knows the owner", async () => {
		await using client = await connect();
		const read = client.with({ timeoutMs: 20_000 }).get("bar");
		const before = refreshes(c);
		// Known only after a refresh that brought nothing new.
		const learn = () => slotsOf([a, 0, 99], [b, 100, 8191], [c, 8192, 16_383]);
		c.always(["CLUSTER", "SLOTS"], () => (refreshes(c) > before + 1 ? learn() : slotsOf([a, 0, 8191], [c, 8192, 16_383])));
		expect(await read).toBe("from b");
		expect(trap.connections).toHaveLength(0);
	});
});
