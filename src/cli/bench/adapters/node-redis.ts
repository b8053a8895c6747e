import { type Adapter, loadPeer, type Read, versionOf } from "../adapter.js";

interface Client {
	withTypeMapping(mapping: object): Client;
	connect(): Promise<unknown>;
	destroy(): void;
	get(key: string): Promise<Read>;
	mGet(keys: readonly string[]): Promise<Read[]>;
	set(key: string, value: Buffer, options?: object): Promise<unknown>;
}

interface Module {
	createClient(options: object): Client;
	createCluster(options: object): Client;
	RESP_TYPES: { BLOB_STRING: number };
}

export async function load(): Promise<Adapter> {
	return {
		version: versionOf("redis"),
		async connect({ host, ports, cluster, ca }, { replies }) {
			const { createClient, createCluster, RESP_TYPES } = await loadPeer<Module>("redis");
			const socket = { host, port: ports[0], ...(ca === undefined ? {} : { tls: true, ca }) };
			const client = cluster
				? createCluster({ rootNodes: ports.map((port) => ({ socket: { ...socket, port } })) })
				: createClient({ socket });
			await client.connect();
			const view = replies === "strings" ? client : client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
			return {
				get: (key) => view.get(key),
				set: (key, value) => client.set(key, value),
				mget: (keys) => view.mGet(keys),
				// Its commands of one tick share a write, which is faster than its `multi().execAsPipeline()`.
				setMany: (keys, values, ttl) =>
					Promise.all(keys.map((key, i) => client.set(key, values[i] as Buffer, { expiration: { type: "EX", value: ttl } }))),
				close: async () => client.destroy(),
			};
		},
	};
}
