import { createClient } from "../../../create-client.js";
import { VERSION } from "../../../version.js";
import type { Adapter } from "../adapter.js";

export async function load(): Promise<Adapter> {
	return {
		version: VERSION,
		async connect({ host, ports, cluster, ca }, { replies, chunkSize = 256, poolSize = 1 }) {
			const nodes = ports.map((port) => ({ host, port }));
			const client = await createClient({
				...(cluster ? { nodes } : { url: `${ca === undefined ? "redis" : "rediss"}://${host}:${ports[0]}` }),
				...(ca === undefined ? {} : { tls: { ca } }),
				pool: { shared: poolSize },
			});
			const view = replies === "strings" ? client : client.buffers;
			return {
				get: (key) => view.get(key),
				getInto: (key, target) => client.getInto(key, target),
				set: (key, value) => client.set(key, value),
				mget: (keys) => view.mget(keys, { chunkSize }),
				setMany: (keys, values, ex) =>
					client.setMany(
						keys.map((key, i) => [key, values[i] as Buffer | string]),
						{ ex, chunkSize },
					),
				counts: () => client.stats(),
				close: () => client.close(),
			};
		},
	};
}
