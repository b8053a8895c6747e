/** Primaries are killed, one after the other, and their replicas elected: twenty times on one cluster, under load. */
import { expect, test } from "vitest";
import { isPromoted, isWhole, seenBy, startCluster } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { Load } from "../support/load.js";

const KILLS = 20;
const NODE_TIMEOUT_MS = 1000;

test(`D28 kill -9 of a primary, ${KILLS} times, RESP2 and RESP3: no error but of writes that were under way, and no wrong reply`, async () => {
	// Shards that are whole go on serving.
	const args = ["--cluster-require-full-coverage", "no"];
	await using cluster = await startCluster({ primaries: 3, replicas: 3, nodeTimeoutMs: NODE_TIMEOUT_MS, args });
	// Above 2 × node timeout + 2 s, with room for a machine that is slow.
	const timeouts = { commandMs: 3 * (2 * NODE_TIMEOUT_MS + 2000) };
	await using resp2 = await createClient({ url: cluster.url, protocol: 2, timeouts });
	await using resp3 = await createClient({ url: cluster.url, protocol: 3, timeouts });
	await using load = await Load.start(cluster, { resp2, resp3 }, 2);
	for (let kill = 0; kill < KILLS; kill++) {
		const shard = kill % cluster.primaries.length;
		const [one, other] = [
			cluster.primaries[shard]!,
			cluster.replicas.find(({ replicaOf }) => replicaOf === cluster.primaries[shard])!,
		];
		const seen = (await seenBy(cluster, one)).find(({ node }) => node === one)!;
		const [primary, replica] = seen.primary === undefined ? [one, other] : [other, one];
		const undisturbed = load.shards.flatMap((walkers, i) => (i === shard ? [] : walkers));
		const before = undisturbed.map(({ rounds, errors }) => ({ rounds, errors: errors.length }));

		await primary.kill();
		await isPromoted(cluster, replica);
		for (const [i, { rounds, errors }] of undisturbed.entries()) {
			expect(rounds - before[i]!.rounds).toBeGreaterThan(3);
			expect(errors.slice(before[i]!.errors)).toEqual([]);
		}
		await load.goesOn();
		await primary.restart();
		await isWhole(cluster);
	}
	await load.stop();
	await load.look();
	for (const error of load.errors) expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	expect(load.readErrors).toEqual([]);
	expect(load.foreign).toEqual([]);
	for (const client of [resp2, resp3]) expect(client.stats().inFlight).toBe(0);
}, 240_000);
