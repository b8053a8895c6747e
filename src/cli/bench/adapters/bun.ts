import type { Adapter, Read } from "../adapter.js";

interface Client {
	connect(): Promise<void>;
	close(): void;
	get(key: string): Promise<string | null>;
	getBuffer(key: string): Promise<Uint8Array | null>;
	mget(...keys: string[]): Promise<(string | null)[]>;
	set(key: string, value: Buffer | string, ...more: unknown[]): Promise<unknown>;
}

/** Built into the runtime, which this file therefore runs in. */
interface Runtime {
	version: string;
	RedisClient: new (url: string, options: object) => Client;
}

export async function load(): Promise<Adapter> {
	const { Bun } = globalThis as unknown as { Bun: Runtime };
	return {
		version: Bun.version,
		async connect({ host, ports, cluster, ca }, { replies }) {
			// It knows no clusters.
			if (cluster) return { close: async () => {} };
			const client = new Bun.RedisClient(`${ca === undefined ? "redis" : "rediss"}://${host}:${ports[0]}`, {
				...(ca === undefined ? {} : { tls: { ca } }),
			});
			await client.connect();
			const strings = replies === "strings";
			return {
				textBatches: true,
				get: (key): Promise<Read> => (strings ? client.get(key) : client.getBuffer(key)),
				set: (key, value) => client.set(key, value),
				// Its only call for many keys reads text.
				mget: (keys) => client.mget(...keys),
				setMany: (keys, values, ttl) =>
					Promise.all(keys.map((key, i) => client.set(key, values[i] as Buffer | string, "EX", ttl))),
				close: async () => client.close(),
			};
		},
	};
}
