/** How often the topology is asked for: once at a time, seldom enough, and now and then even when nothing is wrong. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { bulk, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";

const SLOT = 5061; // of "{bar}…"
const CALLERS = 10_000;

describe("fake nodes", () => {
	let a: FakeNode;
	let b: FakeNode;
	beforeEach(async () => {
		[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
		for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 16_383]));
		a.always(["GET"], ([, key]) => `-MOVED ${keySlot(key!)} ${addressOf(b)}\r\n`);
		b.always(["GET"], bulk("from b"));
	});
	afterEach(async () => {
		for (const node of [a, b]) await node[Symbol.asyncDispose]();
	});

	test.each([
		2, 3,
	] as const)("D44 ten thousand simultaneous MOVED of all slots: at most two CLUSTER SLOTS, RESP%i", async (protocol) => {
		await using client = await createClient({ nodes: [addressOf(a)], protocol, cluster: { refreshMs: 0 } });
		const before = refreshes(a) + refreshes(b);
		for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([b, 0, 16_383]));
		const patient = client.with({ timeoutMs: 20_000 });
		const reads = Array.from({ length: CALLERS }, (_, i) => patient.get(`k${i}`));
		expect(new Set(await Promise.all(reads))).toEqual(new Set(["from b"]));
		await waitUntil("a refresh", () => refreshes(a) + refreshes(b) > before || "nobody was asked");
		// Answered behind a refresh that was under way.
		expect(await client.get("k1")).toBe("from b");
		expect(refreshes(a) + refreshes(b) - before).toBeLessThanOrEqual(2);
		expect(a.connections.length + b.connections.length).toBe(2);
	});

	test("D44 while one refresh is unanswered, no MOVED begins another", async () => {
		// Two lanes: commands of odd slots do not wait behind CLUSTER SLOTS, which has slot -1.
		await using client = await createClient({
			nodes: [addressOf(a)],
			cluster: { refreshMs: 0, minRefreshMs: 1 },
			pool: { shared: 2 },
		});
		const keys = Array.from({ length: 500 }, (_, i) => `k${i}`).filter((key) => keySlot(key) % 2 === 1);
		const before = refreshes(a) + refreshes(b);
		const gate = new Gate();
		for (const node of [a, b]) {
			node.always(["CLUSTER", "SLOTS"], (_, connection) => {
				void gate.opened.then(() => connection.write(slotsOf([b, 0, 16_383]))).catch(() => {});
				return undefined;
			});
		}
		expect(await client.get(keys[0]!)).toBe("from b");
		await waitUntil("a refresh under way", () => refreshes(a) + refreshes(b) > before || "nobody was asked");
		// One after the other, so that there is time for another refresh between any two.
		for (const key of keys.slice(1)) expect(await client.get(key)).toBe("from b");
		expect(client.stats().redirections).toBe(keys.length);
		expect(refreshes(a) + refreshes(b) - before).toBe(1);
		gate.open();
		// What was asked for meanwhile comes afterwards, once.
		await waitUntil("the second refresh", () => refreshes(a) + refreshes(b) - before >= 2 || "not asked again");
	});

	test("D44 causes without end: at most one refresh every minRefreshMs", async () => {
		a.always(["GET"], "-CLUSTERDOWN The cluster is down\r\n");
		const minRefreshMs = 300;
		await using client = await createClient({
			nodes: [addressOf(a)],
			cluster: { refreshMs: 0, minRefreshMs },
			retry: { maxAttempts: 10_000, baseMs: 5, maxMs: 5 },
		});
		const started = performance.now();
		const before = refreshes(a);
		const impatient = client.with({ timeoutMs: 1500 });
		await Promise.allSettled(Array.from({ length: 50 }, (_, i) => impatient.get(`k${i}`)));
		const took = performance.now() - started;
		const asked = refreshes(a) - before;
		expect(asked).toBeGreaterThanOrEqual(2);
		expect(asked).toBeLessThanOrEqual(Math.floor(took / minRefreshMs) + 1);
	});

	test("D44 with refreshMs 0 and nothing wrong nobody is asked", async () => {
		a.always(["GET"], bulk("from a"));
		await using client = await createClient({ nodes: [addressOf(a)], cluster: { refreshMs: 0, minRefreshMs: 1 } });
		await using other = await createClient({ nodes: [addressOf(a)], cluster: { refreshMs: 10, minRefreshMs: 1 } });
		const asked = (index: number) =>
			a.connections[index]!.commands.filter(([name, sub]) => name === "CLUSTER" && sub === "SLOTS").length;
		// The other's periodic refreshes are the clock.
		await waitUntil("ten refreshes of the other client", () => asked(1) > 10 || `${asked(1)}`);
		expect(asked(0)).toBe(1);
		expect(await client.get("bar")).toBe("from a");
		expect(await other.get("bar")).toBe("from a");
	});
});

describe("a real cluster", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster();
	});
	afterAll(() => cluster?.stop());

	test("D44 ten thousand callers that meet one moved slot: at most two CLUSTER SLOTS", async () => {
		await using taps = await ClusterTaps.start(cluster.primaries);
		await using client = await createClient({ url: taps.url, cluster: { natMap: taps.natMap, refreshMs: 0 } });
		await client.command("DBSIZE");
		const source = await nodeOfSlot(cluster, SLOT);
		const target = cluster.primaries.find((node) => node !== source)!;
		await moveSlot(cluster, SLOT, target);
		try {
			taps.clear();
			const patient = client.with({ timeoutMs: 20_000 });
			const reads = Array.from({ length: CALLERS }, (_, i) => patient.get(`{bar}:${i}`));
			expect(new Set(await Promise.all(reads))).toEqual(new Set([null]));
			await waitUntil("a refresh", () => taps.refreshes() > 0 || "nobody was asked");
			// Answered behind every refresh that was under way.
			await client.command("DBSIZE");
			expect(taps.refreshes()).toBeLessThanOrEqual(2);
			expect(client.stats()).toMatchObject({ connections: 3, reconnects: 0 });
		} finally {
			await moveSlot(cluster, SLOT, source);
		}
	});

	test("D44 an idle client hears of a moved slot by the periodic refresh: no MOVED is ever met", async () => {
		await using taps = await ClusterTaps.start(cluster.primaries);
		await using client = await createClient({
			url: taps.url,
			cluster: { natMap: taps.natMap, refreshMs: 30, minRefreshMs: 10 },
		});
		const source = await nodeOfSlot(cluster, SLOT);
		const target = cluster.primaries.find((node) => node !== source)!;
		await moveSlot(cluster, SLOT, target);
		try {
			const before = taps.refreshes();
			// A refresh that brings news asks four times at most: the ninth question comes after the first whole one was adopted.
			await waitUntil("three refreshes", () => taps.refreshes() >= before + 9 || `${taps.refreshes() - before}`);
			expect(await client.get("{bar}")).toBeNull();
			expect(taps.commands(target).flat()).toEqual([["GET", "{bar}"]]);
			expect(client.stats().redirections).toBe(0);
		} finally {
			await moveSlot(cluster, SLOT, source);
		}
	});
});
