/** close() waits for callers, not for replies that a server still owes to nobody. */
import { expect, test } from "vitest";
import { startCluster, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";

const timeouts = { commandMs: 200, closeMs: 60_000 };

test("C37 on a stopped server close() is done once every caller has had its answer", async () => {
	await using server = await startStandalone();
	await using client = await createClient({ url: server.url, timeouts });
	await server.pause();
	const calls = [client.get("k"), client.setMany([["a", "1"]]), client.set("k", Buffer.alloc(64))];
	const closing = client.close();
	for (const outcome of await Promise.allSettled(calls)) {
		expect(outcome).toMatchObject({ status: "rejected", reason: { code: expect.stringMatching(/^(TIMEOUT|BATCH)$/) } });
	}
	expect(client.stats().inFlight).toBeGreaterThan(0);
	const began = performance.now();
	await closing;
	expect(performance.now() - began).toBeLessThan(20_000);
	expect(client.stats()).toMatchObject({ inFlight: 0, connections: 0 });
	await server.resume();
}, 60_000);

test("C37 the same on a cluster with one primary stopped", async () => {
	await using cluster = await startCluster();
	await using client = await createClient({ url: cluster.url, timeouts });
	await cluster.primaries[0]!.pause();
	const keys = Array.from({ length: 50 }, (_, i) => `key:${i}`);
	const outcomes = await Promise.allSettled(keys.map((key) => client.get(key)));
	expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
	expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
	const began = performance.now();
	await client.close();
	expect(performance.now() - began).toBeLessThan(20_000);
	await cluster.primaries[0]!.resume();
}, 60_000);
