/** ioredis and its fork have one interface. */
import { type Adapter, loadPeer, type Read, versionOf } from "../adapter.js";

interface Pipeline {
	set(key: string, value: Buffer | string, ex: "EX", seconds: number): this;
	exec(): Promise<[Error | null, unknown][]>;
}

interface Connection {
	get(key: string): Promise<string | null>;
	getBuffer(key: string): Promise<Buffer | null>;
	mget(keys: readonly string[]): Promise<(string | null)[]>;
	mgetBuffer(keys: readonly string[]): Promise<(Buffer | null)[]>;
	set(key: string, value: Buffer | string, ...more: unknown[]): Promise<unknown>;
	pipeline(): Pipeline;
	connect(): Promise<void>;
	disconnect(): void;
}

interface Module {
	Redis: new (options: object) => Connection;
	Cluster: new (nodes: object[], options: object) => Connection;
}

export function ioredisFamily(name: string, enableAutoPipelining: boolean): Adapter {
	return {
		version: versionOf(name),
		async connect({ host, ports, cluster, ca }, { replies, tagged }) {
			const { Redis, Cluster } = await loadPeer<Module>(name);
			const tls = ca === undefined ? {} : { tls: { ca } };
			const nodes = ports.map((port) => ({ host, port }));
			const client = cluster
				? new Cluster(nodes, { enableAutoPipelining, lazyConnect: true, redisOptions: tls })
				: new Redis({ host, port: ports[0], enableAutoPipelining, lazyConnect: true, ...tls });
			await client.connect();
			const strings = replies === "strings";
			const get = (key: string): Promise<Read> => (strings ? client.get(key) : client.getBuffer(key));
			// Its commands for many keys stay within one slot, its pipelines within one node.
			const oneByOne = cluster && !tagged;
			return {
				get,
				set: (key, value) => client.set(key, value),
				mget: (keys) => {
					if (oneByOne) return Promise.all(keys.map(get));
					return strings ? client.mget(keys) : client.mgetBuffer(keys);
				},
				setMany: async (keys, values, ttl) => {
					if (oneByOne || enableAutoPipelining)
						return await Promise.all(keys.map((key, i) => client.set(key, values[i] as Buffer | string, "EX", ttl)));
					const pipeline = client.pipeline();
					for (const [i, key] of keys.entries()) pipeline.set(key, values[i] as Buffer | string, "EX", ttl);
					for (const [error] of await pipeline.exec()) if (error) throw error;
					return null;
				},
				close: async () => client.disconnect(),
			};
		},
	};
}
