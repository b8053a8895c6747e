import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { bulk, gets, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";

const url = inject("clusterUrl");
const keys = Array.from({ length: 60 }, (_, i) => `gauges:${i}`);

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("gauges tell one connection per primary, and what is under way", async () => {
		await using client = await createClient({ url, protocol });
		await client.mget(keys);
		expect(client.stats()).toMatchObject({ connections: 3, inFlight: 0, redirections: 0, retries: 0, reconnects: 0 });
		const reads = Promise.all(keys.map((key) => client.get(key)));
		expect(client.stats().inFlight).toBe(60);
		await reads;
		expect(client.stats().inFlight).toBe(0);
	});

	test("pool.shared connections per primary", async () => {
		await using client = await createClient({ url, protocol, pool: { shared: 2 } });
		await client.mget(keys);
		expect(client.stats().connections).toBe(6);
	});

	test("close answers what was accepted, refuses what comes later and leaves no connection", async () => {
		const client = await createClient({ url, protocol });
		const accepted = client.mget(keys);
		const closing = client.close();
		await expect(client.get("gauges:late")).rejects.toMatchObject({ code: "CLOSED" });
		expect(await accepted).toEqual(keys.map(() => null));
		await closing;
		expect(client.stats()).toMatchObject({ connections: 0, inFlight: 0 });
		await client.close();
		await expect(client.mget(keys)).rejects.toMatchObject({ code: expect.stringMatching(/^(CLOSED|BATCH)$/) });
	});

	test("destroy rejects what was accepted", async () => {
		const client = await createClient({ url, protocol });
		const accepted = client.get("gauges:0");
		client.destroy();
		await expect(accepted).rejects.toMatchObject({ code: "CLOSED" });
		expect(client.stats()).toMatchObject({ connections: 0, inFlight: 0 });
	});
});

test("the client's own ending of its connections is no reconnect", async () => {
	const client = await createClient(url);
	await client.mget(keys);
	await client.close();
	expect(client.stats().reconnects).toBe(0);
});

test("the refresh is the client's own: it counts as no command and no flight", async () => {
	await using node = await startFakeClusterNode();
	let asked = 0;
	node.always(["CLUSTER", "SLOTS"], () => {
		asked += 1;
		return slotsOf([node, 0, 16383]);
	});
	await using client = await createClient({
		nodes: [{ host: node.host, port: node.port }],
		cluster: { refreshMs: 5, minRefreshMs: 1 },
	});
	await waitUntil("refreshes", () => asked > 3 || "not yet");
	expect(client.stats()).toMatchObject({ commands: 0, flights: 0, connections: 1 });
});

test("close during a refresh ends, and nothing is asked afterwards", async () => {
	await using node = await startFakeClusterNode();
	const gate = new Gate();
	const began = new Gate();
	let asked = 0;
	node.always(["CLUSTER", "SLOTS"], (_, connection) => {
		asked += 1;
		if (asked === 1) return slotsOf([node, 0, 16383]);
		began.open();
		void gate.opened.then(() => connection.write(slotsOf([node, 0, 16383])));
		return undefined;
	});
	const client = await createClient({
		nodes: [{ host: node.host, port: node.port }],
		cluster: { refreshMs: 5, minRefreshMs: 1 },
	});
	await began.opened;
	// One, or two where the refresh came before the seed's connection was the pool's.
	const connections = node.connections.length;
	const closing = client.close();
	gate.open();
	await closing;
	expect(asked).toBe(2);
	expect(client.stats().connections).toBe(0);
	expect(node.connections).toHaveLength(connections);
});

describe("a node that left the topology with a question open", () => {
	let a: FakeNode;
	let b: FakeNode;
	let client: Client;
	let slow: Promise<string | null>;
	const answer = new Gate();
	beforeEach(async () => {
		[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
		let left = false;
		for (const node of [a, b]) {
			node.always(["CLUSTER", "SLOTS"], () => (left ? slotsOf([a, 0, 16383]) : slotsOf([a, 0, 99], [b, 100, 16383])));
		}
		a.always(["GET"], bulk("from a"));
		const asked = new Gate();
		const isGet = (name: string | undefined): boolean => {
			if (name === "GET") asked.open();
			return name === "GET";
		};
		b.expect(([name]) => isGet(name))
			.reply(bulk("from b"))
			.after(answer.opened);
		client = await createClient({ nodes: [{ host: a.host, port: a.port }], cluster: { refreshMs: 5, minRefreshMs: 1 } });
		slow = client.get("bar");
		await asked.opened;
		left = true;
		const before = refreshes(a);
		// A refresh asks it twice at most, and one may be under way: the fifth question comes after a whole one was adopted.
		await waitUntil("the new topology", () => refreshes(a) >= before + 5 || "b is still in it");
	});
	afterEach(async () => {
		client.destroy();
		await Promise.all([a.close(), b.close()]);
	});

	const closed = () => waitUntil("the end of b's connection", () => b.connections[0]!.closed || "still open");

	test("destroy ends it at once", async () => {
		const started = performance.now();
		client.destroy();
		await expect(slow).rejects.toMatchObject({ code: "CLOSED" });
		await closed();
		expect(performance.now() - started).toBeLessThan(1900);
	});

	test("it answers before its connection ends, and is asked nothing more", async () => {
		expect(await client.get("foo")).toBe("from a");
		// Of the slot that b still owes something nothing overtakes it.
		const next = client.get("bar");
		answer.open();
		expect(await slow).toBe("from b");
		expect(await next).toBe("from a");
		await closed();
		expect(gets(b)).toEqual(["bar"]);
	});
});
