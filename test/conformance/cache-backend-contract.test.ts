/** The contract of backends on servers and on clusters, in both protocols, and what each call costs there. The servers are this file's own. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import type { CacheBackend } from "../../src/cache/backend.js";
import { RedisBackend } from "../../src/cache/redis-backend.js";
import { TieredBackend } from "../../src/cache/tiered-backend.js";
import { type Client, createClient } from "../../src/index.js";
import type { Subject } from "../support/backend-contract/subject.js";
import { backendContract } from "../support/backend-contract.js";

let server: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[server, cluster] = await Promise.all([startStandalone(), startCluster({ primaries: 3 })]);
});
afterAll(async () => {
	await Promise.all([server?.stop(), cluster?.stop()]);
});

const PRIMARIES = { standalone: 1, cluster: 3 };

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	describe.each([2, 3] as const)("RESP%i", (protocol) => {
		let client: Client;
		beforeAll(async () => {
			client = await createClient({ url: topology === "cluster" ? cluster.url : server.url, protocol });
		});
		afterAll(() => client?.close());

		const subject: Subject = { make: (options) => new RedisBackend({ client, ...options }), shared: true };
		backendContract(`Redis, ${topology}, RESP${protocol}`, subject);

		const levels: Subject = {
			make: (options) => new TieredBackend({ backend: new RedisBackend({ client, ...options }) }),
			shared: true,
		};
		backendContract(`two levels, ${topology}, RESP${protocol}`, levels);

		describe("S3.8 flights of each call, by stats()", () => {
			const backend = (): RedisBackend => new RedisBackend({ client, keyPrefix: `trips:${topology}:${protocol}:` });
			const keys = Array.from({ length: 100 }, (_, i) => `k:${i}`);
			const items = keys.map((key) => ({ key, value: "v" }));
			const nodes = PRIMARIES[topology];

			/** Calls, and the flights that they take: exactly so many, or on a cluster one for each node at most. */
			const trips: readonly [string, (backend: CacheBackend) => Promise<unknown>, number | "one per node"][] = [
				["get", (b) => b.get("k:1"), 1],
				["get of nothing", (b) => b.get("none"), 1],
				["getEntry", (b) => b.getEntry("k:1"), 1],
				["set", (b) => b.set("k:1", "v"), 1],
				["set with ttl", (b) => b.set("k:1", "v", { ttl: "1m" }), 1],
				["set with metadata", (b) => b.set("k:1", "v", { metadata: { a: 1 }, ttl: "1m" }), 1],
				["set with metadata and nx", (b) => b.set("k:1", "v", { metadata: { a: 1 }, nx: true }), 1],
				["set with metadata: false", (b) => b.set("k:1", "v", { metadata: false }), 1],
				["exists", (b) => b.exists("k:1"), 1],
				["delete", (b) => b.delete("k:1"), 1],
				["delete of a key with metadata", (b) => b.delete("k:2"), 1],
				["setMany", (b) => b.setMany(items, { ttl: "1m" }), "one per node"],
				["setMany of one slot", (b) => b.setMany(items.map(({ key, value }) => ({ key: `{tag}${key}`, value }))), 1],
				[
					"atomic setMany",
					(b) =>
						b.setMany(
							items.map(({ key, value }) => ({ key: `{tag}${key}`, value })),
							{ atomic: true },
						),
					1,
				],
				["getMany", (b) => b.getMany(keys), "one per node"],
				["getMany of one slot", (b) => b.getMany(keys.map((key) => `{tag}${key}`)), 1],
				["getManyMap", (b) => b.getManyMap(keys), "one per node"],
				["deleteMany", (b) => b.deleteMany(keys), "one per node"],
				["deleteMany of one slot", (b) => b.deleteMany(keys.map((key) => `{tag}${key}`)), 1],
				["getMany of nothing", (b) => b.getMany([]), 0],
				["setMany of nothing", (b) => b.setMany([]), 0],
				["ping, of every primary", (b) => b.ping(), "one per node"],
			];

			test.each(trips)("S3.8 %s", async (_, call, expected) => {
				const redis = backend();
				// Connections are open, scripts are loaded, and there is something to read and to delete.
				await redis.setMany(items);
				await redis.set("k:2", "v", { metadata: { a: 1 } });
				await redis.set("k:1", "v", { metadata: { a: 1 }, nx: true });
				const before = redis.stats();
				await call(redis);
				const flights = redis.stats().flights - before.flights;
				if (expected === "one per node") {
					expect(flights).toBeGreaterThanOrEqual(1);
					expect(flights).toBeLessThanOrEqual(nodes);
				} else {
					expect(flights).toBe(expected);
				}
			});

			test("S3.8 S3.4 a scan takes one SCAN for each page, entries one flight more for its values", async () => {
				const redis = backend();
				await redis.clear();
				await redis.setMany(items);
				const size = Number(await client.dbsize());
				// With pages as large as the database each primary has one.
				const count = Math.max(1000, 2 * size);
				const cost = async (call: () => Promise<unknown>): Promise<number> => {
					const before = redis.stats().flights;
					await call();
					return redis.stats().flights - before;
				};
				const scan = async () => {
					let found = 0;
					for await (const _ of redis.scan({ count })) found += 1;
					expect(found).toBe(100);
				};
				expect(await cost(scan)).toBe(nodes);
				// The keys of a page are of one node.
				const entries = async () => {
					let found = 0;
					for await (const _ of redis.entries({ count })) found += 1;
					expect(found).toBe(100);
				};
				expect(await cost(entries)).toBe(2 * nodes);
			});

			test("S3.8 clear by FLUSHDB is one flight for each node", async () => {
				const redis = backend();
				await redis.setMany(items);
				const before = redis.stats().flights;
				expect(await redis.clear({ flushDb: true, force: true })).toBeGreaterThanOrEqual(100);
				const flights = redis.stats().flights - before;
				expect(flights).toBe(nodes);
			});
		});
	});
});

describe("standalone, with a client of the backend's own", () => {
	backendContract("Redis by its URL", {
		make: (options) => new RedisBackend({ url: server.url, ...options }),
		shared: true,
	});
});
