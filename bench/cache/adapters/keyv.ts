/** It has neither a call that makes what is missing nor a single flight: a service writes it. */
import { versionOf } from "../../../src/cli/bench/adapter.js";
import type { CacheAdapter } from "../driver.js";
import { fillMissing } from "../fill-missing.js";
import { keyvOn, type Serialization } from "./keyv-store.js";

export async function load(): Promise<CacheAdapter> {
	return keyvBy("plain");
}

export function keyvBy(serialization: Serialization): CacheAdapter {
	return {
		version: `${versionOf("keyv")}, @keyv/redis ${versionOf("@keyv/redis")}`,
		async connect(target, prefix) {
			const keyv = await keyvOn(target, prefix, serialization);
			return {
				async getOrSet(key, make) {
					const known = await keyv.get(key);
					if (known !== undefined) return known;
					const value = await make();
					await keyv.set(key, value);
					return value;
				},
				getOrSetMany: async (keys, make) =>
					await fillMissing(keys, await keyv.getMany(keys), make, (made) =>
						keyv.setMany(made.map(([key, value]) => ({ key, value }))),
					),
				close: () => keyv.disconnect(),
			};
		},
	};
}
