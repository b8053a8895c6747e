/** Sessions and limiters whose slot is on its way to another node, or whose primary is succeeded. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	failOver,
	finishMigration,
	migrateKeys,
	moveSlot,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { RateLimiter } from "../../src/limit/index.js";
import { SessionStore } from "../../src/session/index.js";
import { keySlot } from "../../src/slot.js";

let cluster: ServerCluster;
let clients: Client[];
beforeAll(async () => {
	cluster = await startCluster({ replicas: 3, nodeTimeoutMs: 3000 });
	clients = await Promise.all(([2, 3] as const).map((protocol) => createClient({ url: cluster.url, protocol })));
});
afterAll(async () => {
	await Promise.all(clients?.map((client) => client.close()) ?? []);
	await cluster?.stop();
});

// A hash tag in the prefix puts all of a store into one slot.
const prefix = "{bar}:";
const slot = keySlot(prefix);
const keyOf = (id: string): string => `${prefix}{${id.replace(".", "}:")}`;
const stores = (): SessionStore[] => clients.map((client) => new SessionStore(client, { ttl: "1h", prefix, rolling: true }));

describe("while a slot is on its way", () => {
	let source: ClusterNode;
	let target: ClusterNode;
	let finished: Promise<void> | undefined;
	beforeEach(async () => {
		source = await nodeOfSlot(cluster, slot);
		target = cluster.primaries.find((node) => node !== source)!;
		finished = undefined;
	});
	afterEach(async () => {
		await (finished ?? finishMigration(cluster, source, target, slot));
		await moveSlot(cluster, slot, source);
	});

	test("S2.4 D17 sessions are read and changed where they are, and one that is on neither side is none", async () => {
		const pairs = await Promise.all(
			stores().map(async (sessions) => ({
				sessions,
				here: await sessions.create({ n: 0 }),
				there: await sessions.create({ n: 0 }),
			})),
		);
		await beginMigration(source, target, slot);
		await migrateKeys(
			source,
			target,
			pairs.map(({ there }) => keyOf(there)),
		);
		for (const { sessions, here, there } of pairs) {
			for (const id of [here, there]) {
				expect(await sessions.update(id, { n: 1 })).toBe(true);
				expect(await sessions.get(id)).toEqual({ n: 1 });
				expect(await sessions.get(id, { touch: false })).toEqual({ n: 1 });
				expect(await sessions.touch(id)).toBe(true);
				expect(await sessions.replace(id, { n: 2 })).toBe(true);
				expect(await sessions.ttl(id)).toBeGreaterThan(3_000_000);
			}
			const fresh = await sessions.create({ n: 3 });
			expect(await sessions.get(fresh)).toEqual({ n: 3 });
			for (const id of [here, there, fresh]) {
				expect(await sessions.destroy(id)).toBe(true);
				expect(await sessions.update(id, { n: 4 })).toBe(false);
				expect(await sessions.get(id)).toBeNull();
			}
		}
	});

	test("S2.4 D20 D21 a new id waits for the end of the way: until then the old one is good, then the new one", async () => {
		const begin = async (sessions: SessionStore): Promise<string> => await sessions.create({ n: 0 });
		const all = await Promise.all(
			stores().flatMap((sessions) => [0, 1].map(async () => ({ sessions, id: await begin(sessions) }))),
		);
		await beginMigration(source, target, slot);
		const gone = [all[0]!, all[2]!];
		await migrateKeys(
			source,
			target,
			gone.map(({ id }) => keyOf(id)),
		);
		const before = await refusals();
		const renewals = Promise.all(all.map(({ sessions, id }) => sessions.regenerate(id)));
		await waitUntil("refusals on both sides", async () => {
			const now = await refusals();
			return (now[0]! >= before[0]! + 2 && now[1]! >= before[1]! + 2) || `${now} after ${before}`;
		});
		for (const { sessions, id } of all) expect(await sessions.get(id)).toEqual({ n: 0 });
		finished = finishMigration(cluster, source, target, slot);
		await finished;
		const renewed = await renewals;
		for (const [at, { sessions, id }] of all.entries()) {
			expect(await sessions.get(id)).toBeNull();
			expect(await sessions.get(renewed[at])).toEqual({ n: 0 });
		}
	});

	/** How often each side said TRYAGAIN. */
	const refusals = (): Promise<number[]> =>
		Promise.all(
			[source, target].map(async (node) => {
				const stats = (await node.raw("INFO", "errorstats")) as string;
				return Number(/errorstat_TRYAGAIN:count=(\d+)/.exec(stats)?.[1] ?? 0);
			}),
		);

	test("S2.5 D17 D45 limits count on across the way: exactly the limit passes", async () => {
		const limits = (["fixed-window", "sliding-window", "token-bucket"] as const).map((algorithm) =>
			clients.map((client) => new RateLimiter(client, { algorithm, limit: 30, window: "10m", prefix })),
		);
		const consume = async (times: number): Promise<number[]> =>
			Promise.all(
				limits.map(async (both) => {
					const calls = both.flatMap((limiter) => Array.from({ length: times }, () => limiter.consume("user")));
					return (await Promise.all(calls)).filter(({ allowed }) => allowed).length;
				}),
			);
		for (const [limiter] of limits) await limiter!.reset("user");
		expect(await consume(5)).toEqual([10, 10, 10]);
		await beginMigration(source, target, slot);
		expect(await consume(4)).toEqual([8, 8, 8]);
		await migrateKeys(
			source,
			target,
			["fixed", "sliding"].map((tag) => `${prefix}:${tag}:user`),
		);
		expect(await consume(4)).toEqual([8, 8, 8]);
		finished = finishMigration(cluster, source, target, slot);
		const [during] = await Promise.all([consume(5), finished]);
		expect(during).toEqual([4, 4, 4]);
	});
});

test("S2.4 S2.5 a failover by hand: sessions and counts are there behind it, and expire", async () => {
	const [sessions] = stores() as [SessionStore];
	const limiter = new RateLimiter(clients[0]!, { algorithm: "sliding-window", limit: 10, window: "10m", prefix });
	await limiter.reset("failover");
	const id = await sessions.create({ n: 1 });
	await limiter.consume("failover", 10);
	const before = await nodeOfSlot(cluster, slot);
	const replica = cluster.nodes.find((node) => node.replicaOf === before)!;
	await failOver(cluster, replica);
	expect(await sessions.get(id)).toEqual({ n: 1 });
	expect(await sessions.update(id, { n: 2 })).toBe(true);
	expect(await limiter.consume("failover")).toMatchObject({ allowed: false, remaining: 0 });
	for (const key of [keyOf(id), `${prefix}:sliding:failover`]) expect(await clients[1]!.pttl(key)).toBeGreaterThan(0);
});
