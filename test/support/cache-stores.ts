/** The stores that a cache's behaviour is shown on, each with keys of its own. */
import { inject } from "vitest";
import { type CacheBackend, MemoryBackend, RedisBackend, TieredBackend } from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";

export interface OpenStore extends AsyncDisposable {
	readonly backend: CacheBackend;
	/** Counts what it costs; null where nothing is sent, or not always the same. */
	readonly client: Client | null;
	/** The key on the server. */
	name(key: string): string;
}

/** On a server or a cluster. */
export interface ServerStore extends OpenStore {
	readonly client: Client;
}

type Opening<S> = readonly [name: string, open: () => Promise<S>];

let opened = 0;

async function open(url: string, protocol: 2 | 3): Promise<ServerStore & { readonly backend: RedisBackend }> {
	const client = await createClient({ url, protocol });
	opened += 1;
	const keyPrefix = `cache-${process.pid}-${opened}:`;
	const backend = new RedisBackend({ client, keyPrefix });
	return {
		backend,
		client,
		name: (key) => keyPrefix + key,
		async [Symbol.asyncDispose]() {
			await backend.disconnect();
			await client.close();
		},
	};
}

export const serverStores: readonly Opening<ServerStore>[] = [
	["standalone, RESP2", () => open(inject("standaloneUrl"), 2)],
	["cluster, RESP3", () => open(inject("clusterUrl"), 3)],
];

export const stores: readonly Opening<OpenStore>[] = [
	...serverStores,
	[
		"memory",
		async () => {
			const backend = new MemoryBackend();
			return { backend, client: null, name: (key) => key, [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose]() };
		},
	],
	[
		"two levels, cluster",
		async () => {
			const { name, ...second } = await open(inject("clusterUrl"), 3);
			const backend = new TieredBackend({ backend: second.backend });
			return {
				backend,
				client: null,
				name,
				async [Symbol.asyncDispose]() {
					await backend.disconnect();
					await second[Symbol.asyncDispose]();
				},
			};
		},
	],
];
