/** slotwire's client and JSON, and nothing between them: no single flight, no envelope, no figures. */
import { connectSlotwire } from "../../../src/cli/bench/adapters/slotwire.js";
import { VERSION } from "../../../src/version.js";
import type { CacheAdapter } from "../driver.js";
import { fillMissing } from "../fill-missing.js";
import { TTL_MS } from "../workload.js";

const expiry = { ex: TTL_MS / 1000 };

export async function load(): Promise<CacheAdapter> {
	return {
		version: VERSION,
		async connect(target, prefix) {
			const client = await connectSlotwire(target);
			const parse = (text: string | null): unknown => (text === null ? undefined : JSON.parse(text));
			return {
				async getOrSet(key, make) {
					const known = parse(await client.get(`${prefix}:${key}`));
					if (known !== undefined) return known;
					const value = await make();
					await client.set(`${prefix}:${key}`, JSON.stringify(value), expiry);
					return value;
				},
				async getOrSetMany(keys, make) {
					const values = (await client.mget(keys.map((key) => `${prefix}:${key}`))).map(parse);
					return await fillMissing(keys, values, make, (made) =>
						client.setMany(
							made.map(([key, value]) => [`${prefix}:${key}`, JSON.stringify(value)]),
							expiry,
						),
					);
				},
				close: () => client.close(),
			};
		},
	};
}
