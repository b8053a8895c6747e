import { BentoCache, bentostore } from "bentocache";
import { redisDriver } from "bentocache/drivers/redis";
import { Cluster, Redis } from "ioredis";
import { versionOf } from "../../../src/cli/bench/adapter.js";
import type { CacheAdapter } from "../driver.js";
import { TTL_MS } from "../workload.js";

export async function load(): Promise<CacheAdapter> {
	return {
		version: `${versionOf("bentocache")}, ioredis ${versionOf("ioredis")}`,
		async connect({ host, ports, cluster }, prefix, { keys, inFlight }) {
			// Calls that are made at once go in one write; alone, a call is a little faster without it.
			const enableAutoPipelining = keys > 1 || inFlight > 1;
			const nodes = ports.map((port) => ({ host, port }));
			const connection = cluster
				? new Cluster(nodes, { enableAutoPipelining, lazyConnect: true })
				: new Redis({ ...nodes[0]!, enableAutoPipelining, lazyConnect: true });
			await connection.connect();
			const shared = bentostore().useL2Layer(redisDriver({ connection }));
			// Without its own word for it, it would answer a failure as a miss.
			const bento = new BentoCache({ default: "shared", prefix, ttl: TTL_MS, suppressL2Errors: false, stores: { shared } });
			return {
				getOrSet: (key, factory) => bento.getOrSet({ key, factory }),
				// It has no call for many.
				getOrSetMany: (keys, make) =>
					Promise.all(keys.map((key) => bento.getOrSet({ key, factory: async () => (await make([key]))[0] }))),
				close: () => bento.disconnectAll(),
			};
		},
	};
}
