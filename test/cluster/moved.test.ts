import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { bulk, gets, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";

const SLOT = 5061; // of "bar"

let a: FakeNode;
let b: FakeNode;
beforeEach(async () => {
	[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 16383]));
	b.always(["GET"], bulk("from b"));
});
afterEach(async () => {
	await Promise.all([a.close(), b.close()]);
	a.verify();
	b.verify();
});

function urlOf(node: FakeNode): string {
	return `redis-cluster://${node.host}:${node.port}`;
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	function connect(more: object = {}): Promise<Client> {
		return createClient({ url: urlOf(a), protocol, ...more });
	}

	test("D11 MOVED is followed to a node the client never met, and remembered for that slot at once", async () => {
		a.always(["GET"], ([, key]) => (key === "bar" ? `-MOVED ${SLOT} ${b.host}:${b.port}\r\n` : bulk("from a")));
		await using client = await connect();
		expect(await client.get("bar")).toBe("from b");
		expect(await client.get("bar")).toBe("from b");
		expect(await client.get("foo")).toBe("from a");
		expect(gets(a)).toEqual(["bar", "foo"]);
		expect(client.stats().redirections).toBe(1);
	});

	test("D11 a refresh that began before a MOVED does not undo it", async () => {
		const stale = new Gate();
		let asked = 0;
		const began = new Gate();
		// The first answer is for the start; the second is slow, and old when it comes.
		a.always(["CLUSTER", "SLOTS"], (_, connection) => {
			asked += 1;
			if (asked === 1) return slotsOf([a, 0, 16383]);
			began.open();
			void stale.opened.then(() => connection.write(slotsOf([a, 0, 16383])));
			return undefined;
		});
		a.always(["GET", "bar"], `-MOVED ${SLOT} ${b.host}:${b.port}\r\n`);
		// Never answered: the last refresh stays open, so the map is what the stale answer made of it.
		const later = new Gate();
		b.always(["CLUSTER", "SLOTS"], () => {
			later.open();
			return undefined;
		});
		// Two lanes: odd slots do not wait behind CLUSTER SLOTS, which has slot -1.
		await using client = await connect({
			pool: { shared: 2 },
			cluster: { refreshMs: 20, minRefreshMs: 1 },
			timeouts: { closeMs: 1 },
		});
		await began.opened;
		expect(await client.get("bar")).toBe("from b");
		stale.open();
		await later.opened;
		expect(await client.get("bar")).toBe("from b");
		expect(gets(a)).toEqual(["bar"]);
		expect(client.stats().redirections).toBe(1);
	});

	test("D11 the refresh after a MOVED asks its target, and the whole view is adopted", async () => {
		b.always(["CLUSTER", "SLOTS"], () => slotsOf([b, 0, 16383]));
		a.always(["GET"], ([, key]) => (key === "bar" ? `-MOVED ${SLOT} ${b.host}:${b.port}\r\n` : bulk("from a")));
		await using client = await connect({ cluster: { minRefreshMs: 1 } });
		expect(await client.get("bar")).toBe("from b");
		await waitUntil("the new topology", async () => (await client.get("foo")) === "from b" || "foo is still read from a");
		expect(refreshes(a)).toBe(1);
		expect(refreshes(b)).toBe(1);
	});

	test("D11 two hundred simultaneous MOVED cost at most two refreshes and open no connection but the target's", async () => {
		a.always(["GET"], ([, key]) => `-MOVED ${keySlot(key!)} ${b.host}:${b.port}\r\n`);
		await using client = await connect({ cluster: { minRefreshMs: 1 } });
		b.always(["CLUSTER", "SLOTS"], () => slotsOf([b, 0, 16383]));
		const reads = Array.from({ length: 200 }, (_, i) => client.get(`k${i}`));
		expect(await Promise.all(reads)).toEqual(Array(200).fill("from b"));
		await waitUntil("a refresh", () => refreshes(b) > 0 || "b was not asked");
		// Answered behind any refresh that was still to come on this connection.
		expect(await client.get("k1")).toBe("from b");
		expect(refreshes(a) - 1 + refreshes(b)).toBeLessThanOrEqual(2);
		expect([a.connections.length, b.connections.length]).toEqual([1, 1]);
	});

	test.each([
		"MOVED __proto__ x",
		"MOVED 16384 127.0.0.1:7001",
		"MOVED 5061 127.0.0.1:0",
		"MOVED 5061 127.0.0.1:65536",
		"MOVED -1 127.0.0.1:7001",
		"ASK __proto__ 127.0.0.1:7001",
	])("D12 %s is the caller's error and changes nothing", async (message) => {
		a.always(["GET"], ([, key]) => (key === "bar" ? `-${message}\r\n` : bulk("from a")));
		await using client = await connect();
		await expect(client.get("bar")).rejects.toMatchObject({ code: message.split(" ")[0], message });
		expect(await client.get("foo")).toBe("from a");
		expect(client.stats()).toMatchObject({ redirections: 0, connections: 1 });
		expect(Object.keys(Array.prototype)).toEqual([]);
		expect(([] as unknown as { x?: unknown }).x).toBeUndefined();
		expect(({} as { x?: unknown }).x).toBeUndefined();
	});

	test("D08 MOVED without a host means the host that answered", async () => {
		a.always(["GET"], `-MOVED ${SLOT} :${b.port}\r\n`);
		await using client = await connect();
		expect(await client.get("bar")).toBe("from b");
	});

	test("D05 MOVED to ? dials nobody and asks for the topology instead", async () => {
		a.always(["GET"], `-MOVED ${SLOT} ?:${b.port}\r\n`);
		await using client = await connect({ cluster: { minRefreshMs: 1 } });
		a.always(["CLUSTER", "SLOTS"], () => slotsOf([b, 0, 16383]));
		expect(await client.get("bar")).toBe("from b");
	});

	test("two nodes that redirect to each other end in an error that names them, by no more than maxRedirections", async () => {
		a.always(["GET"], `-MOVED ${SLOT} ${b.host}:${b.port}\r\n`);
		b.always(["GET"], `-MOVED ${SLOT} ${a.host}:${a.port}\r\n`);
		await using client = await connect({ cluster: { maxRedirections: 5 } });
		const failed = client.get("bar");
		await expect(failed).rejects.toMatchObject({ code: "CLUSTER", message: expect.stringContaining(`${b.host}:${b.port}`) });
		expect(gets(a).length + gets(b).length).toBe(6);
	});
});

describe("views that are not adopted", () => {
	test.each([
		["an empty one", "*0\r\n"],
		["a malformed one", "*1\r\n*2\r\n:0\r\n:16383\r\n"],
		["one with a slot beyond the last", "*1\r\n*3\r\n:0\r\n:16384\r\n*3\r\n$9\r\n127.0.0.1\r\n:7001\r\n$1\r\nx\r\n"],
		["an error", "-ERR not now\r\n"],
		["null", "_\r\n"],
		["one of nobody", "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$1\r\n?\r\n:7001\r\n$1\r\nx\r\n"],
	])("D03 %s leaves the map as it was", async (_, reply) => {
		a.always(["GET"], bulk("from a"));
		await using client = await createClient({ url: urlOf(a), cluster: { refreshMs: 5, minRefreshMs: 1 } });
		a.always(["CLUSTER", "SLOTS"], reply);
		const before = refreshes(a);
		// The second was asked for only after the answer to the first had been dealt with.
		await waitUntil("two bad answers", () => refreshes(a) >= before + 2 || "not asked again");
		expect(await client.get("bar")).toBe("from a");
		expect(client.stats().connections).toBe(1);
	});
});
