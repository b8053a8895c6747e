/** Five hundred slots go to another node and back under load; what each caller saw of each key is explained by some order of the calls. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClusterNode, moveSlots, nodeOfSlot, type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { RegisterLoad } from "../support/register-load.js";

const SLOTS = 500;
/** One in ten slots that move has a key that is written to, and there are some keys in slots that stay. */
const EVERY = 10;

let cluster: ServerCluster;
let home: ClusterNode;
let away: ClusterNode;
beforeAll(async () => {
	cluster = await startCluster();
	home = await nodeOfSlot(cluster, 0);
	away = await nodeOfSlot(cluster, 16_383);
});
afterAll(() => cluster?.stop());

function keysOf(tag: string): string[] {
	const bySlot = new Map<number, string>();
	for (let i = 0; bySlot.size < SLOTS / EVERY; i++) {
		const slot = keySlot(`${tag}:${i}`);
		if (slot < SLOTS && slot % EVERY === 0) bySlot.set(slot, `${tag}:${i}`);
	}
	return [...bySlot.values(), ...Array.from({ length: 10 }, (_, i) => `${tag}:stays:${i}`)];
}

test("D37 every key is a register, RESP2 and RESP3: no error, no write lost, no null", { timeout: 120_000 }, async () => {
	const options = { url: cluster.url, timeouts: { commandMs: 20_000 }, retry: { maxAttempts: 1000 } };
	await using two = await createClient({ ...options, protocol: 2 });
	await using three = await createClient({ ...options, protocol: 3 });
	const clients = [two, three];
	const loads = await Promise.all(
		clients.map((client, i) => RegisterLoad.start(client, keysOf(`register${i}`), { callers: 2, transactions: true })),
	);
	// Several at once: most of a move is waiting.
	const parts = Array.from({ length: 5 }, (_, part) => Array.from({ length: SLOTS / 5 }, (_, i) => 5 * i + part));
	for (const target of [away, home]) {
		await Promise.all(parts.map((slots) => moveSlots(cluster, slots, target)));
		expect(await nodeOfSlot(cluster, SLOTS - 1)).toBe(target);
	}
	await Promise.all(loads.map((load) => load.stop()));
	for (const [i, load] of loads.entries()) {
		expect(load.errors).toEqual([]);
		expect(load.violations()).toEqual([]);
		expect(load.transactions.run).toBeGreaterThan(10);
		expect(load.answered).toBeGreaterThan(1000);
		// It met the moves.
		expect(clients[i]!.stats().redirections).toBeGreaterThan(100);
		expect(clients[i]!.stats()).toMatchObject({ reconnects: 0 });
	}
});
