/** Replicas take over with their primaries' consent, one shard after the other and back again, under load. */
import { expect, test } from "vitest";
import { failOver, isWhole, startCluster } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { Load } from "../support/load.js";

test("D29 CLUSTER FAILOVER in every shard and back, RESP2 and RESP3: no error, no wrong reply, nothing lost", async () => {
	await using cluster = await startCluster({ primaries: 3, replicas: 3 });
	await using resp2 = await createClient({ url: cluster.url, protocol: 2 });
	await using resp3 = await createClient({ url: cluster.url, protocol: 3 });
	await using load = await Load.start(cluster, { resp2, resp3 });
	for (const nodes of [cluster.replicas, cluster.primaries]) {
		for (const node of nodes) {
			await failOver(cluster, node);
			await load.goesOn();
		}
		await isWhole(cluster);
	}
	await load.stop();
	await load.look();
	expect(load.errors).toEqual([]);
	expect(load.foreign).toEqual([]);
	expect(load.lost).toEqual([]);
	// The old primaries' sockets stay open: it is by their word that the clients learned of it.
	for (const client of [resp2, resp3]) {
		expect(client.stats().redirections).toBeGreaterThan(0);
		expect(client.stats().inFlight).toBe(0);
	}
}, 60_000);
