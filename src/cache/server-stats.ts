/** What servers say of themselves by INFO and DBSIZE. */
import type { Client } from "../client.js";
import { type ServerStats, UNKNOWN_SERVER } from "./stats.js";

/** Of every primary, added up; each figure null where one of them does not give it. Never rejects. */
export async function serverStats(client: Client | null): Promise<ServerStats> {
	if (client === null) return UNKNOWN_SERVER;
	const [keys, ...infos] = await Promise.all([
		client.dbsize().catch(() => null),
		...client.primaries().map((node) => infoOf(client, node)),
	]);
	const each = (field: string): number[] | null => {
		const values = infos.map((info) => info?.get(field) ?? Number.NaN);
		return values.every(Number.isFinite) ? values : null;
	};
	const sum = (field: string): number | null => each(field)?.reduce((total, value) => total + value, 0) ?? null;
	const uptimes = each("uptime_in_seconds");
	return {
		keys,
		usedMemoryBytes: sum("used_memory"),
		evictedKeys: sum("evicted_keys"),
		expiredKeys: sum("expired_keys"),
		uptimeS: uptimes === null ? null : Math.min(...uptimes),
	};
}

async function infoOf(client: Client, node: string): Promise<Map<string, number> | null> {
	try {
		const text =
			client.mode === "standalone"
				? await client.info()
				: await client.withConnection({ node }, (connection) => connection.info());
		return new Map(Array.from(text.matchAll(/^(\w+):(\d+)\r?$/gm), ([, field, value]) => [field as string, Number(value)]));
	} catch {
		return null;
	}
}
