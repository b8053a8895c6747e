/** A stream's slot moves while it is consumed, and stays half moved for a while. */
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	beginMigration,
	failOver,
	finishMigration,
	isWhole,
	migrateKeys,
	moveSlot,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, createClient, type StreamConsumer } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";

let cluster: ServerCluster;
const clients: Client[] = [];
beforeAll(async () => {
	cluster = await startCluster({ primaries: 2, replicas: 2, nodeTimeoutMs: 3000 });
	for (const protocol of [2, 3] as const) clients.push(await createClient({ url: cluster.url, protocol }));
});
afterAll(async () => {
	for (const client of clients) client.destroy();
	await cluster?.stop();
});

/** A producer and a consumer of one stream, as long as it is told. */
class Traffic {
	readonly added: string[] = [];
	readonly handed: string[] = [];
	readonly key: string;
	readonly #client: Client;
	readonly #consumer: StreamConsumer;
	#stopped = false;
	#done: Promise<unknown> | null = null;

	constructor(client: Client, key: string) {
		this.#client = client;
		this.key = key;
		this.#consumer = client.streamConsumer({ key, group: "g", consumer: "ann", count: 10, createGroup: { id: "0" } });
	}

	start(): void {
		this.#done = Promise.all([this.#produce(), this.#consume()]);
	}

	async #produce(): Promise<void> {
		while (!this.#stopped) {
			this.added.push(await this.#client.xadd(this.key, { n: this.added.length }));
			// No faster than it is consumed.
			while (!this.#stopped && this.added.length > this.handed.length + 50) await setImmediate();
		}
	}

	async #consume(): Promise<void> {
		for await (const { id } of this.#consumer) {
			this.handed.push(id);
			await this.#consumer.ack(id);
		}
	}

	async goesOn(more = 100): Promise<void> {
		const from = this.handed.length;
		await waitUntil(
			"more entries",
			() => this.handed.length >= from + more || `${this.handed.length - from}: ${this.#consumer.trouble}`,
		);
	}

	async end(): Promise<void> {
		this.#stopped = true;
		await waitUntil(
			"the last entry",
			() => this.handed.length >= this.added.length || `${this.added.length - this.handed.length} to come`,
		);
		await this.#consumer.close();
		await this.#done;
	}
}

test("D29 D37 C34 a slot that moves, is half moved for a while, fails over by hand and moves back: each entry once, in order", async () => {
	const traffic = clients.map((client, i) => new Traffic(client, `{moves}:${i}`));
	for (const each of traffic) each.start();
	const goesOn = () => Promise.all(traffic.map((each) => each.goesOn()));
	await goesOn();
	const slot = keySlot("moves");
	const source = await nodeOfSlot(cluster, slot);
	const target = cluster.primaries.find((node) => node !== source)!;

	await beginMigration(source, target, slot);
	await goesOn();
	// Now they are where only ASK leads.
	await migrateKeys(
		source,
		target,
		traffic.map(({ key }) => key),
	);
	await goesOn();
	await finishMigration(cluster, source, target, slot);
	await goesOn();
	await failOver(cluster, cluster.replicas.find(({ replicaOf }) => replicaOf === target)!);
	await isWhole(cluster);
	await goesOn();
	await moveSlot(cluster, slot, source);
	await goesOn();

	for (const [i, each] of traffic.entries()) {
		await each.end();
		expect(each.handed).toEqual(each.added);
		expect(await clients[i]!.xpending(each.key, "g")).toMatchObject({ count: 0 });
	}
}, 60_000);
