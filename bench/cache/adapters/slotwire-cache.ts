import { Cache, type CacheOptions, RedisBackend } from "../../../src/cache/index.js";
import { connectSlotwire } from "../../../src/cli/bench/adapters/slotwire.js";
import { VERSION } from "../../../src/version.js";
import type { CacheAdapter } from "../driver.js";
import { TTL_MS } from "../workload.js";

export function slotwireCache(options: Omit<CacheOptions, "backend">): CacheAdapter {
	return {
		version: VERSION,
		async connect(target, prefix) {
			const client = await connectSlotwire(target);
			const cache = new Cache({ backend: new RedisBackend({ client, keyPrefix: `${prefix}:` }), ttl: TTL_MS, ...options });
			return {
				getOrSet: (key, make) => cache.getOrSet(key, make),
				getOrSetMany: (keys, make) => cache.getOrSetMany(keys, make),
				close: async () => {
					await cache.close();
					await client.close();
				},
			};
		},
	};
}
