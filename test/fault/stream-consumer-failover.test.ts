/** Primaries are killed under consumers of a group, also such that their replicas lack what happened last. */
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	type ClusterNode,
	isPromoted,
	isWhole,
	type ServerCluster,
	seenBy,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, type ConsumedEntry, createClient, type StreamConsumer } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { idsOf, take } from "../support/consume.js";

const NODE_TIMEOUT_MS = 1000;
const PASSWORD = "between the nodes";
const protocols = [2, 3] as const;

let cluster: ServerCluster;
const clients: Client[] = [];

beforeAll(async () => {
	const args = ["--cluster-require-full-coverage", "no"];
	cluster = await startCluster({ primaries: 3, replicas: 3, nodeTimeoutMs: NODE_TIMEOUT_MS, requirepass: PASSWORD, args });
	for (const protocol of protocols) {
		clients.push(await createClient({ url: cluster.url, protocol, timeouts: { commandMs: 10_000 } }));
	}
});
afterAll(async () => {
	for (const client of clients) client.destroy();
	await cluster?.stop();
});

/** The shard of a key: who is its primary now, and its replica. */
async function shardOf(key: string): Promise<{ primary: ClusterNode; replica: ClusterNode }> {
	const seen = await seenBy(cluster, cluster.nodes[0]!);
	const owner = seen.find(({ slots }) => slots.some(([first, last]) => keySlot(key) >= first && keySlot(key) <= last))!.node;
	return { primary: owner, replica: seen.find(({ primary }) => primary === owner)!.node };
}

/** The replica follows its primary no longer: what happens from now on, it does not know. */
async function cutReplication(replica: ClusterNode): Promise<void> {
	await replica.raw("CONFIG", "SET", "masterauth", "wrong");
	await replica.raw("CLIENT", "KILL", "TYPE", "master");
	await waitUntil("a replica without its primary", async () => {
		return String(await replica.raw("INFO", "replication")).includes("master_link_status:down") || "the link is up";
	});
}

async function mend(primary: ClusterNode, replica: ClusterNode): Promise<void> {
	await replica.raw("CONFIG", "SET", "masterauth", PASSWORD);
	await primary.restart();
	await isWhole(cluster);
}

function range(first: number, last: number): string[] {
	return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}-0`);
}

test("D28 a failover that forgets deliveries and acknowledgements: what was handed out does not come again, the rest says that it may", async () => {
	const { primary, replica } = await shardOf("{f}");
	const made = clients.map((client, i) => {
		const key = `{f}:${protocols[i]}`;
		const consumer = client.streamConsumer({ key, group: "g", consumer: "ann", count: 5, blockMs: 500, minIdleMs: 60_000 });
		return { client, key, consumer };
	});
	for (const { client, key } of made) {
		await client.xgroupCreate(key, "g", "0", { mkstream: true });
		for (const id of range(1, 20)) await client.xadd(key, { id }, { id });
	}
	await waitUntil("a replica that has it all", async () => {
		const offset = async (node: ClusterNode) =>
			/master_repl_offset:(\d+)/.exec(String(await node.raw("INFO", "replication")))?.[1];
		return (await offset(replica)) === (await offset(primary)) || "it lags behind";
	});
	await cutReplication(replica);

	const inHand: ConsumedEntry[][] = [];
	for (const { consumer, client, key } of made) {
		const entries = await take(consumer, 8);
		expect(idsOf(entries)).toEqual(range(1, 8));
		await consumer.ack(idsOf(entries.slice(0, 4)));
		inHand.push(entries.slice(4));
		await waitUntil("more than half a shelf", async () => {
			const { last } = await client.xpending(key, "g");
			return Number.parseInt(last ?? "0", 10) >= 11 || `up to ${last}`;
		});
	}
	await primary.kill();
	await isPromoted(cluster, replica);
	// It knows of no delivery at all.
	for (const { client, key } of made) expect(await client.xpending(key, "g")).toMatchObject({ count: 0 });

	for (const [i, { consumer, client, key }] of made.entries()) {
		const rest = await take(consumer, 12);
		expect(rest.map(({ id, redelivered }) => [id, redelivered])).toEqual(range(9, 20).map((id) => [id, true]));
		await client.xadd(key, { id: "21" }, { id: "21" });
		expect((await take(consumer, 1, true)).map(({ id, redelivered }) => [id, redelivered])).toEqual([["21-0", false]]);
		await consumer.ack(idsOf(inHand[i]!), idsOf(rest));
		// Also those that were acknowledged to the one that died.
		await waitUntil("nothing pending", async () => {
			const { count } = await client.xpending(key, "g");
			return count === 0 || `${count} pending`;
		});
		await consumer.close();
	}
	await mend(primary, replica);
}, 60_000);

/** What consumers of one group were given, in the order in which it happened. */
class Handed {
	readonly handed: { id: string; again: boolean }[] = [];
	readonly #loops: Promise<void>[] = [];

	consume(consumer: StreamConsumer): void {
		this.#loops.push(this.#run(consumer));
	}

	async #run(consumer: StreamConsumer): Promise<void> {
		for await (const entry of consumer) {
			this.handed.push({ id: entry.id, again: entry.redelivered });
			await entry.ack();
		}
	}

	async ended(): Promise<void> {
		await Promise.all(this.#loops);
	}

	/** Ids that came again without a word. */
	get silent(): string[] {
		const met = new Set<string>();
		const silent: string[] = [];
		for (const { id, again } of this.handed) {
			if (met.has(id) && !again) silent.push(id);
			met.add(id);
		}
		return silent;
	}
}

test.each([
	"killed",
	"killed while its replica lacked the last moments",
	"stopped",
] as const)("D28 D32 a primary fails under load, %s: what survived is handed out, and nothing comes again without a word", async (state) => {
	const key = `{load ${state}}`;
	const { primary, replica } = await shardOf(key);
	const [producer] = clients as [Client];
	await producer.xgroupCreate(key, "g", "0", { mkstream: true });
	const record = new Handed();
	const consumers = clients.map((client, i) =>
		client.streamConsumer({
			key,
			group: "g",
			consumer: `c${i}`,
			count: 10,
			blockMs: 300,
			minIdleMs: 2000,
			createGroup: { id: "0" },
		}),
	);
	for (const consumer of consumers) record.consume(consumer);
	let stopped = false;
	let added = 0;
	const produced = (async () => {
		while (!stopped) {
			// Unknown when the primary dies: it may be there, or not.
			await producer.xadd(key, { n: added++ }).catch(() => {});
			if (added % 10 === 0) await setImmediate();
		}
	})();
	const goesOn = async (more: number) => {
		const from = record.handed.length;
		await waitUntil("more entries", () => record.handed.length >= from + more || `${record.handed.length - from}`, {
			timeoutMs: 20_000,
		});
	};
	await goesOn(300);
	if (state.includes("lacked")) {
		await cutReplication(replica);
		await goesOn(300);
	}
	await (state === "stopped" ? primary.pause() : primary.kill());
	await isPromoted(cluster, replica);
	await goesOn(300);
	// Doubt ends with what is newer than the failover.
	await waitUntil("entries that are certainly new", () => record.handed.at(-1)?.again === false || "none", { timeoutMs: 20_000 });
	stopped = true;
	await produced;
	await waitUntil(
		"nothing pending",
		async () => {
			const [group] = await producer.xinfoGroups(key);
			return (group?.pending === 0 && group?.lag === 0) || JSON.stringify(group);
		},
		{ timeoutMs: 20_000 },
	);
	await Promise.all(consumers.map((consumer) => consumer.close()));
	await record.ended();
	const handed = new Set(record.handed.map(({ id }) => id));
	const survived = (await producer.xrange(key)).map(({ id }) => id);
	expect(survived.filter((id) => !handed.has(id))).toEqual([]);
	expect(survived.length).toBeGreaterThan(200);
	expect(record.silent).toEqual([]);
	if (state.includes("lacked")) expect(record.handed.filter(({ again }) => again).length).toBeGreaterThan(0);
	if (state === "stopped") await primary.resume();
	else await mend(primary, replica);
}, 90_000);
