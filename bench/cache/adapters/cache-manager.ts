import { createCache } from "cache-manager";
import { versionOf } from "../../../src/cli/bench/adapter.js";
import type { CacheAdapter } from "../driver.js";
import { fillMissing } from "../fill-missing.js";
import { TTL_MS } from "../workload.js";
import { keyvOn, type Serialization } from "./keyv-store.js";

export async function load(): Promise<CacheAdapter> {
	return cacheManagerBy("plain");
}

export function cacheManagerBy(serialization: Serialization): CacheAdapter {
	return {
		version: `${versionOf("cache-manager")}, keyv ${versionOf("keyv")}`,
		async connect(target, prefix) {
			const cache = createCache({ stores: [await keyvOn(target, prefix, serialization)], ttl: TTL_MS });
			return {
				getOrSet: (key, make) => cache.wrap(key, make),
				getOrSetMany: async (keys, make) =>
					await fillMissing(keys, await cache.mget(keys), make, (made) =>
						cache.mset(made.map(([key, value]) => ({ key, value }))),
					),
				close: () => cache.disconnect(),
			};
		},
	};
}
