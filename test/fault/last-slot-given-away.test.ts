/** A primary whose last slot was taken becomes a replica of the taker, and copies its data first. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	addNode,
	beginMigration,
	type ClusterNode,
	handOver,
	isCopyOf,
	moveSlots,
	type ServerCluster,
	startCluster,
	waitUntil,
	withNodes,
} from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { commandStats } from "../support/command-stats.js";
import { RegisterLoad } from "../support/register-load.js";

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());

async function calls(node: ClusterNode, command: string): Promise<number> {
	return (await commandStats(node, command)).calls;
}

test("D36 D25 MOVED, then LOADING, then a replica: nobody notices, and reads from replicas find it", async () => {
	await using giving = await addNode(cluster, { args: ["--loading-process-events-interval-bytes", "1024"] });
	const grown = withNodes(cluster, [...cluster.nodes, giving]);
	const taker = cluster.primaries[0]!;
	const tags = ["{give:1}", "{give:2}", "{give:3}"];
	const slots = tags.map((tag) => keySlot(tag));
	await moveSlots(grown, slots, giving);
	// What it will have to load, a thousand keys a second.
	for (const tag of tags) await giving.raw("MSET", ...Array.from({ length: 300 }, (_, i) => [`${tag}filler${i}`, "v"]).flat());
	await giving.raw("CONFIG", "SET", "key-load-delay", 1000);

	const connect = (protocol: 2 | 3, readFrom: "primary" | "replica") =>
		createClient({
			url: cluster.url,
			protocol,
			cluster: { refreshMs: 100, minRefreshMs: 50, readFrom },
			timeouts: { commandMs: 20_000 },
		});
	await using two = await connect(2, "primary");
	await using three = await connect(3, "primary");
	await using reader = await connect(3, "replica");
	const clients = [two, three, reader];
	const keys = (i: number) => [...tags.flatMap((tag) => [`${tag}a${i}`, `${tag}b${i}`]), `stays:${i}`];
	const loads = await Promise.all(
		clients.map((client, i) => RegisterLoad.start(client, keys(i), { callers: 2, stale: client === reader })),
	);

	for (const slot of slots) {
		await beginMigration(giving, taker, slot);
		await handOver(grown, giving, taker, slot);
	}
	await waitUntil("the loading", async () => {
		const reply = await giving.raw("DBSIZE").catch((error: Error) => error.message);
		return /^LOADING/.test(String(reply)) || `${reply}`;
	});
	// The slot's owner is looked at first.
	await expect(giving.raw("GET", `${tags[0]}a0`)).rejects.toThrow(/^MOVED/);
	await isCopyOf(giving, taker);
	const before = loads.map((load) => load.answered);
	await giving.raw("CONFIG", "RESETSTAT");
	await waitUntil("reads at the new replica", async () => (await calls(giving, "get")) > 20 || "not yet");
	await waitUntil("more answers", () => loads.every((load, i) => load.answered > before[i]! + 100) || "not yet");
	await Promise.all(loads.map((load) => load.stop()));
	for (const load of loads) {
		expect(load.errors).toEqual([]);
		expect(load.violations()).toEqual([]);
	}
	for (const client of [two, three]) expect(client.stats().reconnects).toBe(0);
});
