import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ClientError, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { ClusterTaps } from "../support/cluster-taps.js";

const SLOTS = 20;

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());

/** Two keys of each of so many slots of the first primary. */
function keysToMove(): Map<number, string[]> {
	const keys = new Map<number, string[]>();
	for (let i = 0; keys.size < SLOTS; i++) {
		const slot = keySlot(`moving:${i}`);
		if (slot < 5000) keys.set(slot, [`moving:${i}`, `{moving:${i}}:second`]);
	}
	return keys;
}

/**
 * Writes rising numbers to its own keys and reads them back by GET and by MGET, in a loop of its own, until told to stop.
 * Whatever it reads must be the last number written: it is the only writer.
 */
class Load {
	readonly wrong: string[] = [];
	readonly errors: ClientError[] = [];
	rounds = 0;
	#stopped = false;
	readonly #done: Promise<void>;
	readonly #client: Client;

	constructor(client: Client, keys: readonly string[]) {
		this.#client = client;
		this.#done = this.#run(keys);
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#done;
	}

	async #run(keys: readonly string[]): Promise<void> {
		while (!this.#stopped) {
			const value = String(++this.rounds);
			try {
				await Promise.all(keys.map((key) => this.#client.set(key, value)));
				this.#check(keys, await Promise.all(keys.map((key) => this.#client.get(key))), value);
				this.#check(keys, await this.#client.mget(keys), value);
			} catch (error) {
				this.errors.push(error as ClientError);
				return;
			}
		}
	}

	#check(keys: readonly string[], values: readonly (string | null)[], expected: string): void {
		for (const [i, value] of values.entries()) if (value !== expected) this.wrong.push(`${keys[i]}: ${value}, not ${expected}`);
	}
}

describe.each([2, 3] as const)("slots move under load, RESP%i", (protocol) => {
	test("D17 D11 twenty slots move while GET, SET and MGET run: no error, no wrong value, nothing lost", async () => {
		await using client = await createClient({ url: cluster.url, protocol });
		const moving = keysToMove();
		const [first] = moving.keys();
		const source = await nodeOfSlot(cluster, first!);
		const target = cluster.primaries.find((node) => node !== source)!;
		const keys = [...[...moving.values()].flat(), ...Array.from({ length: 20 }, (_, i) => `staying:${i}`)];
		const load = new Load(client, keys);
		for (const slot of moving.keys()) {
			const before = load.rounds;
			await moveSlot(cluster, slot, target);
			// At least one round that began while the slot was half moved, or later, ends before the next one moves.
			await waitUntil("another round", () => load.rounds > before + 1 || load.errors.length > 0 || "the load stands still");
		}
		await load.stop();
		expect(load.errors).toEqual([]);
		expect(load.wrong).toEqual([]);
		expect(client.stats().redirections).toBeGreaterThanOrEqual(SLOTS);
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 3 });
		const values = await client.mget(keys);
		expect(new Set(values)).toEqual(new Set([String(load.rounds)]));
		for (const slot of moving.keys()) expect(await target.raw("CLUSTER", "COUNTKEYSINSLOT", slot)).toBe(2);
		expect(await client.delMany(keys)).toBe(keys.length);
		for (const slot of moving.keys()) await moveSlot(cluster, slot, source);
	});
});

test("D11 two hundred callers that meet one moved slot: at most two CLUSTER SLOTS, on the connections that there are", async () => {
	await using taps = await ClusterTaps.start(cluster.primaries);
	await using client = await createClient({ url: taps.url, cluster: { natMap: taps.natMap, refreshMs: 0, minRefreshMs: 20 } });
	await client.command("DBSIZE");
	const opened = () => cluster.primaries.map((node) => taps.proxy(node).connections.length);
	const before = opened();
	const source = await nodeOfSlot(cluster, 5061);
	const target = cluster.primaries.find((node) => node !== source)!;
	await moveSlot(cluster, 5061, target);
	taps.clear();
	const reads = Array.from({ length: 200 }, (_, i) => client.get(`{bar}:${i}`));
	expect(await Promise.all(reads)).toEqual(Array(200).fill(null));
	expect(client.stats().redirections).toBe(200);
	await waitUntil("a refresh", () => taps.refreshes() > 0 || "nobody was asked");
	// Answered behind every refresh that was under way.
	await client.command("DBSIZE");
	expect(taps.refreshes()).toBeLessThanOrEqual(2);
	expect(opened()).toEqual(before);
	await moveSlot(cluster, 5061, source);
});
