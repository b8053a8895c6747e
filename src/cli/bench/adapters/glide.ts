import { type Adapter, loadPeer, type Read, versionOf } from "../adapter.js";

interface Batch {
	set(key: string, value: Buffer | string, options: object): Batch;
}

interface Client {
	get(key: string, options: object): Promise<Read>;
	mget(keys: readonly string[], options: object): Promise<Read[]>;
	set(key: string, value: Buffer | string, options?: object): Promise<unknown>;
	exec(batch: Batch, raiseOnError: boolean): Promise<unknown>;
	close(): void;
}

interface Factory {
	createClient(options: object): Promise<Client>;
}

interface Module {
	GlideClient: Factory;
	GlideClusterClient: Factory;
	Batch: new (isAtomic: boolean) => Batch;
	ClusterBatch: new (isAtomic: boolean) => Batch;
	Decoder: { Bytes: number; String: number };
	TimeUnit: { Seconds: string };
}

/** Its default of 250 ms ends requests of a busy machine. */
const REQUEST_TIMEOUT_MS = 10_000;

export async function load(): Promise<Adapter> {
	return {
		version: versionOf("@valkey/valkey-glide"),
		async connect({ host, ports, cluster, ca }, { replies }) {
			const { GlideClient, GlideClusterClient, Batch, ClusterBatch, Decoder, TimeUnit } =
				await loadPeer<Module>("@valkey/valkey-glide");
			const client = await (cluster ? GlideClusterClient : GlideClient).createClient({
				addresses: ports.map((port) => ({ host, port })),
				requestTimeout: REQUEST_TIMEOUT_MS,
				useTLS: ca !== undefined,
				...(ca === undefined ? {} : { advancedConfiguration: { tlsAdvancedConfiguration: { rootCertificates: ca } } }),
			});
			const decoder = { decoder: replies === "strings" ? Decoder.String : Decoder.Bytes };
			return {
				get: (key) => client.get(key, decoder),
				set: (key, value) => client.set(key, value),
				mget: (keys) => client.mget(keys, decoder),
				setMany: (keys, values, count) => {
					const batch = new (cluster ? ClusterBatch : Batch)(false);
					for (const [i, key] of keys.entries())
						batch.set(key, values[i] as Buffer | string, { expiry: { type: TimeUnit.Seconds, count } });
					return client.exec(batch, true);
				},
				close: async () => client.close(),
			};
		},
	};
}
