/** Recipe N3: a primary stands still under load, its replica takes over, and later it goes on as if nothing had been. */
import { describe, expect, test } from "vitest";
import { nodeOfSlot, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { rejectionOf } from "../support/secrets.js";
import { Walker } from "../support/walker.js";

/** Far above what a failover takes, so that whoever waits for it is seen. */
const COMMAND_MS = 60_000;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.concurrent("C18 C19 N3 its slots work again after the failover, the others all the time, and no late reply reaches anybody", async () => {
		await using cluster = await startCluster({
			primaries: 3,
			replicas: 3,
			nodeTimeoutMs: 1500,
			args: ["--cluster-require-full-coverage", "no"],
		});
		const client = await createClient({
			url: cluster.url,
			protocol,
			timeouts: { commandMs: COMMAND_MS, closeMs: COMMAND_MS, suspectMs: 500 },
		});
		const stopped = await nodeOfSlot(cluster, keySlot("{foo}"));
		const walkers: Walker[] = [];
		try {
			const touched: Walker[] = [];
			const others: Walker[] = [];
			for (const tag of ["foo", "a", "b", "c", "d", "e", "f", "g"]) {
				const group = (await nodeOfSlot(cluster, keySlot(`{${tag}}`))) === stopped ? touched : others;
				for (let i = 0; i < 5; i++) group.push(new Walker(client, "walker", tag));
			}
			walkers.push(...touched, ...others);
			expect(others.length).toBeGreaterThan(5);
			await waitUntil("a running load", () => walkers.every(({ rounds }) => rounds > 5) || "not yet");

			await stopped.pause();
			const unknown = rejectionOf(client.incr("{foo}:n"));
			const began = performance.now();
			// A round that had begun may still end with what was read before the stop.
			const before = touched.map(({ rounds }) => rounds + 2);
			for (const walker of others) walker.slowestMs = 0;
			await waitUntil("traffic to its slots", () => touched.every(({ rounds }, i) => rounds > before[i]!) || "not yet", {
				timeoutMs: 20_000,
			});
			expect(performance.now() - began).toBeLessThan(COMMAND_MS / 3);
			const slowest = Math.max(...others.map(({ slowestMs }) => slowestMs));
			expect(slowest).toBeLessThan(1500);
			for (const { errors } of others) expect(errors).toEqual([]);
			// What had been written is of unknown outcome, and said to be; nothing ended by its deadline.
			for (const { errors } of touched) {
				for (const error of errors) expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
			}
			expect(await unknown).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
			const known = touched.flatMap(({ errors }) => errors).length;

			await stopped.resume();
			await waitUntil("its new role", async () => {
				const role = String(await stopped.raw("INFO", "replication"));
				return (role.includes("role:slave") && role.includes("master_link_status:up")) || role;
			});
			const after = walkers.map(({ rounds }) => rounds + 20);
			await waitUntil("a running load", () => walkers.every(({ rounds }, i) => rounds > after[i]!) || "not yet");
			await Promise.all(walkers.map((walker) => walker.stop()));
			expect(walkers.flatMap(({ foreign }) => foreign)).toEqual([]);
			expect(walkers.flatMap(({ readErrors }) => readErrors)).toEqual([]);
			expect(walkers.flatMap(({ errors }) => errors)).toHaveLength(known);
			expect(client.stats().inFlight).toBe(0);
		} finally {
			const stops = walkers.map((walker) => walker.stop());
			client.destroy();
			await Promise.all(stops);
		}
	});
});
