import type { Client } from "../../../client.js";
import { createClient } from "../../../create-client.js";
import { VERSION } from "../../../version.js";
import type { Adapter, Target } from "../adapter.js";

export function connectSlotwire({ host, ports, cluster, ca }: Target, shared = 1): Promise<Client> {
	const nodes = ports.map((port) => ({ host, port }));
	return createClient({
		...(cluster ? { nodes } : { url: `${ca === undefined ? "redis" : "rediss"}://${host}:${ports[0]}` }),
		...(ca === undefined ? {} : { tls: { ca } }),
		pool: { shared },
	});
}

export async function load(): Promise<Adapter> {
	return {
		version: VERSION,
		async connect(target, { replies, chunkSize = 256, poolSize = 1 }) {
			const client = await connectSlotwire(target, poolSize);
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
				close: () => client.close(),
			};
		},
	};
}
