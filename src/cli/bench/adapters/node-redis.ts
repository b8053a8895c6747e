import { type Adapter, loadPeer, type Read, versionOf } from "../adapter.js";

interface Client {
	withTypeMapping(mapping: object): Client;
	connect(): Promise<unknown>;
	destroy(): void;
	get(key: string): Promise<Read>;
	mGet(keys: readonly string[]): Promise<Read[]>;
	set(key: string, value: Buffer | string, options?: object): Promise<unknown>;
	multi(): Multi;
}

interface Multi {
	set(key: string, value: Buffer | string, options: object): Multi;
	execAsPipeline(): Promise<unknown>;
}

interface Module {
	createClient(options: object): Client;
	createCluster(options: object): Client;
	RESP_TYPES: { BLOB_STRING: number };
}

export async function load(): Promise<Adapter> {
	return {
		version: versionOf("redis"),
		async connect({ host, ports, cluster, ca }, { replies, tagged }) {
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
				setMany: (keys, values, value) => {
					const options = { expiration: { type: "EX", value } };
					// Its pipelines stay within one slot; where they can be used, they are the faster way.
					if (cluster && !tagged)
						return Promise.all(keys.map((key, i) => client.set(key, values[i] as Buffer | string, options)));
					const pipeline = client.multi();
					for (const [i, key] of keys.entries()) pipeline.set(key, values[i] as Buffer | string, options);
					return pipeline.execAsPipeline();
				},
				close: async () => client.destroy(),
			};
		},
	};
}
