/** Slots move while a cluster is scanned: keys that are there all the time are handed over all the same. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
	addNode,
	beginMigration,
	type ClusterNode,
	finishMigration,
	forgetNode,
	migrateKeys,
	moveSlots,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	withNodes,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { collect } from "../support/collect.js";

const COUNT = 1500;
/** So many keys stand in the slots that move. */
const TAGS = ["m1", "m2", "m3", "m4", "m5", "m6"];
const PER_TAG = 40;

let cluster: ServerCluster;
let clients: Client[] = [];
const moving = TAGS.flatMap((tag) => Array.from({ length: PER_TAG }, (_, i) => `{${tag}}:${i}`));
const keys = [...moving, ...Array.from({ length: COUNT }, (_, i) => `stays:${i}`)].sort();
const slots = TAGS.map((tag) => keySlot(tag));

beforeAll(async () => {
	cluster = await startCluster();
	// What others tell of a move comes late: a scan has to find out by itself.
	const options = { url: cluster.url, cluster: { refreshMs: 0, minRefreshMs: 50 } };
	clients = [await createClient({ ...options, protocol: 2 }), await createClient({ ...options, protocol: 3 })];
	await clients[0]!.setMany(keys.map((key) => [key, "v"] as const));
});
afterAll(async () => {
	await Promise.all(clients.map((client) => client.close()));
	await cluster?.stop();
});

/** The primary that the scan reads first. */
async function firstScanned(client: Client): Promise<ClusterNode> {
	for await (const key of client.scan()) return await nodeOfSlot(cluster, keySlot(key));
	throw new Error("there is no key");
}

/** Scans page by page; `between` is called after each, with the node that it came from. */
async function scanWith(
	client: Client,
	between: (page: number, from: ClusterNode) => Promise<void>,
	count = 20,
): Promise<string[]> {
	const found: string[] = [];
	let pages = 0;
	for await (const page of client.scan({ count }).pages()) {
		found.push(...page);
		await between(pages++, await nodeOfSlot(cluster, keySlot(page[0]!)));
		if (pages > 3000) throw new Error("it does not come to its end");
	}
	return found;
}

function missing(found: readonly string[]): string[] {
	const seen = new Set(found);
	return keys.filter((key) => !seen.has(key));
}

describe.each([0, 1])("client %i of RESP2 and RESP3", (which) => {
	const client = (): Client => clients[which]!;

	test("D50 slots move from a node that is not scanned yet to one that was scanned", async () => {
		const first = await firstScanned(client());
		const other = cluster.primaries.find((node) => node !== first)!;
		await moveSlots(cluster, slots, other);
		let moved = false;
		const found = await scanWith(client(), async (_, from) => {
			if (moved || from === first) return;
			moved = true;
			await moveSlots(cluster, slots, first);
		});
		expect(moved).toBe(true);
		expect(missing(found)).toEqual([]);
	});

	test("D50 slots move to and fro all the time, and the scan comes to its end", async () => {
		const [a, b, c] = cluster.primaries as [ClusterNode, ClusterNode, ClusterNode];
		const places = [a, b, c, b, a, c, a, b];
		let moves = 0;
		const found = await scanWith(
			client(),
			async (page) => {
				if (page % 4 !== 3 || moves === places.length * 2) return;
				await moveSlots(cluster, slots.slice(0, 3), places[moves++ % places.length]!);
			},
			60,
		);
		expect(moves).toBeGreaterThan(4);
		expect(missing(found)).toEqual([]);
	});

	test("D50 D17 a slot that is half moved, and stays so: its keys at both nodes are found", async () => {
		const first = await firstScanned(client());
		const other = cluster.primaries.find((node) => node !== first)!;
		await moveSlots(cluster, slots, other);
		const [slot] = slots as [number];
		const own = moving.filter((key) => keySlot(key) === slot);
		let begun = false;
		const found = await scanWith(client(), async (_, from) => {
			if (begun || from === first) return;
			begun = true;
			await beginMigration(other, first, slot);
			await migrateKeys(other, first, own.slice(0, PER_TAG / 2));
		});
		expect(begun).toBe(true);
		expect(missing(found)).toEqual([]);
		// And where it was so before the scan began: once more, with nothing that comes twice but what had to.
		expect(missing(await collect(client().scan()))).toEqual([]);
		await finishMigration(cluster, other, first, slot);
	});

	test("D50 D33 a node that joined takes slots, and one leaves with what it has", async () => {
		const added = await addNode(cluster, { args: ["--cluster-allow-replica-migration", "no"] });
		try {
			const grown = withNodes(cluster, [...cluster.nodes, added]);
			const first = await firstScanned(client());
			let pages = 0;
			const found: string[] = [];
			for await (const page of client().scan({ count: 50 }).pages()) {
				found.push(...page);
				pages += 1;
				if (pages === 2) await moveSlots(grown, slots, added);
			}
			expect(missing(found)).toEqual([]);
			// Now it goes, while it is not scanned yet or just so: everything of it goes to the node scanned first.
			found.length = 0;
			pages = 0;
			for await (const page of client().scan({ count: 50 }).pages()) {
				found.push(...page);
				pages += 1;
				if (pages === 12) {
					await moveSlots(grown, slots, first);
					await forgetNode(grown, added);
				}
			}
			expect(pages).toBeGreaterThan(12);
			expect(missing(found)).toEqual([]);
		} finally {
			await added.stop();
		}
	});
});

test("D50 a cursor of before goes on after slots have moved", async () => {
	const [two, three] = clients as [Client, Client];
	const first = await firstScanned(two);
	const other = cluster.primaries.find((node) => node !== first)!;
	await moveSlots(cluster, slots, other);
	const scan = two.scan({ count: 20 });
	const found: string[] = [];
	for await (const page of scan.pages()) {
		found.push(...page);
		if ((await nodeOfSlot(cluster, keySlot(page[0]!))) !== first) break;
	}
	await moveSlots(cluster, slots, first);
	found.push(...(await collect(three.scan({ cursor: scan.cursor }))));
	expect(missing(found)).toEqual([]);
	// Not all over again.
	expect(found.length).toBeLessThan(2 * keys.length);
});

describe("D50 D12 elements of a key whose slot moves", () => {
	const name = "{m1}:hash";
	const fields = Array.from({ length: 2000 }, (_, i) => `field:${i}`);
	afterEach(() => clients[0]!.delMany([name]));

	test.each([0, 1])("hscan goes over to the new node, and to one that ASK names: nothing is missed, client %i", async (which) => {
		const client = clients[which]!;
		const [slot] = slots as [number];
		const [a, b] = cluster.primaries as [ClusterNode, ClusterNode];
		await moveSlots(cluster, [slot], a);
		await client.command("HSET", name, ...fields.flatMap((field) => [field, "v"]));
		const found: string[] = [];
		let pages = 0;
		for await (const page of client.hscan(name, { count: 50 }).pages()) {
			found.push(...page.map(([field]) => field));
			pages += 1;
			if (pages === 10) await moveSlots(cluster, [slot], b);
			if (pages === 30) {
				await beginMigration(b, a, slot);
				await migrateKeys(b, a, [name]);
			}
		}
		expect(pages).toBeGreaterThan(30 + fields.length / 100);
		expect(fields.filter((field) => !found.includes(field))).toEqual([]);
		await finishMigration(cluster, b, a, slot);
	});
});
