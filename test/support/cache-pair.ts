/** Two processes, as far as a cache can tell: clients of their own, in RESP3 and RESP2, on the same server or cluster. */
import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { Cache, type CacheOptions, RedisBackend, type RedisBackendOptions } from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";

export type Topology = "standalone" | "cluster";

export class CachePair implements AsyncDisposable {
	readonly clients: readonly [Client, Client];
	readonly #caches: Cache[] = [];

	private constructor(clients: [Client, Client]) {
		this.clients = clients;
	}

	/** @param url default: the shared server's or cluster's */
	static async start(
		topology: Topology,
		url = inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"),
	): Promise<CachePair> {
		const [one, other] = await Promise.all([3, 2].map((protocol) => createClient({ url, protocol: protocol as 2 | 3 })));
		return new CachePair([one as Client, other as Client]);
	}

	/** A cache of each process with the same keys, which are nobody else's; `name` reads what is under one of them. */
	caches(options: Omit<CacheOptions, "backend"> = {}, store: RedisBackendOptions = {}): Own {
		const keyPrefix = `t${randomUUID().slice(0, 8)}:`;
		const backends = this.clients.map((client) => new RedisBackend({ client, keyPrefix, ...store }));
		const [one, other] = backends.map((backend) => new Cache({ backend, ...options }));
		this.#caches.push(one as Cache, other as Cache);
		return {
			cache: one as Cache,
			other: other as Cache,
			client: this.clients[0],
			backend: backends[0] as RedisBackend,
			keyPrefix,
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all(this.#caches.map((cache) => cache.close()));
		await Promise.all(this.clients.map((client) => client.close()));
	}
}

interface Own {
	cache: Cache;
	other: Cache;
	client: Client;
	backend: RedisBackend;
	keyPrefix: string;
}
