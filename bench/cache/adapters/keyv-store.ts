/** Keyv on @keyv/redis, as its `createKeyv` puts them together. */
import KeyvRedis from "@keyv/redis";
import Keyv from "keyv";
import type { Target } from "../../../src/cli/bench/adapter.js";
import { TTL_MS } from "../workload.js";

/** "plain": JSON and nothing else; "installed": its own serializer, which looks for Buffers in every value. */
export type Serialization = "plain" | "installed";

export async function keyvOn({ host, ports, cluster }: Target, prefix: string, serialization: Serialization): Promise<Keyv> {
	const urls = ports.map((port) => ({ url: `redis://${host}:${port}` }));
	// By default it answers a failure as a miss, which would count as fast.
	const options = { namespace: prefix, throwOnErrors: true };
	const store = cluster ? new KeyvRedis({ rootNodes: urls }, options) : new KeyvRedis(urls[0]!.url, options);
	// On a cluster a read of many keys does not connect by itself.
	await store.getClient();
	const plain = { serialize: JSON.stringify as (value: unknown) => string, deserialize: JSON.parse };
	const json = serialization === "plain" ? plain : {};
	const keyv = new Keyv(store, { namespace: prefix, useKeyPrefix: false, ttl: TTL_MS, throwOnErrors: true, ...json });
	keyv.on("error", (error) => {
		throw error;
	});
	return keyv;
}
