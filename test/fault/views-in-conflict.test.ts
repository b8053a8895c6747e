/** Real nodes that contradict each other about who serves a slot: commands change over once at most, and do not go to and fro. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
	type ClusterNode,
	deafen,
	failOver,
	isWhole,
	nodeOfSlot,
	type ServerCluster,
	seenBy,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { ClusterTaps } from "../support/cluster-taps.js";

const KEY = "{bar}views";
const SLOT = keySlot(KEY);

let cluster: ServerCluster;
let owner: ClusterNode;
let replica: ClusterNode;
/** The other two primaries. */
let others: ClusterNode[];
beforeAll(async () => {
	// Who takes over is for the tests to say. Nodes hear of each other within half the timeout.
	cluster = await startCluster({
		primaries: 3,
		replicas: 3,
		nodeTimeoutMs: 4000,
		args: ["--cluster-replica-no-failover", "yes"],
	});
});
afterAll(() => cluster?.stop());

beforeEach(async () => {
	owner = await nodeOfSlot(cluster, SLOT);
	replica = (await seenBy(cluster, owner)).find(({ primary }) => primary === owner)!.node;
	const primaries = await Promise.all([0, 8000, 16_000].map((slot) => nodeOfSlot(cluster, slot)));
	others = primaries.filter((node) => node !== owner);
});
/** What a test does to a node is undone whatever became of the test. */
const repairs: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const repair of repairs.splice(0).reverse()) await repair();
	await isWhole(cluster);
});

/** The nodes that the reads of one client were sent to, one after the other; one that was redirected leaves two. */
class Trail implements AsyncDisposable {
	readonly taps: ClusterTaps;
	readonly client: Client;
	readonly went: ClusterNode[] = [];
	readonly #before = new Map<ClusterNode, number>();

	private constructor(taps: ClusterTaps, client: Client) {
		this.taps = taps;
		this.client = client;
	}

	static async start(protocol: 2 | 3): Promise<Trail> {
		const taps = await ClusterTaps.start(cluster.nodes);
		const client = await createClient({
			nodes: [owner, ...others].map((node) => addressOf(taps.proxy(node))),
			protocol,
			cluster: { natMap: taps.natMap, refreshMs: 40, minRefreshMs: 20 },
			timeouts: { commandMs: 15_000, suspectMs: 400 },
		});
		return new Trail(taps, client);
	}

	/** Reads until `end`. */
	async follow(end: () => boolean): Promise<void> {
		while (!end()) {
			await this.client.get(KEY);
			// A read that was sent twice went to the owner of old first.
			for (const node of [owner, replica, ...others]) {
				const reads = this.taps.commands(node).flat();
				const count = reads.filter(([name]) => name === "GET").length;
				this.went.push(...Array(count - (this.#before.get(node) ?? 0)).fill(node));
				this.#before.set(node, count);
			}
		}
	}

	async followFor(refreshes: number): Promise<void> {
		const until = this.taps.refreshes() + refreshes;
		await this.follow(() => this.taps.refreshes() >= until);
	}

	/** Whom it was with, in turn. */
	get stations(): ClusterNode[] {
		return this.went.filter((node, i) => node !== this.went[i - 1]);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.client.close();
		await this.taps[Symbol.asyncDispose]();
	}
}

/** RESP2 and RESP3 side by side, each with a few refreshes made. */
async function withTrails(act: (trails: readonly Trail[]) => Promise<void>): Promise<void> {
	await using two = await Trail.start(2);
	await using three = await Trail.start(3);
	const trails = [two, three];
	await Promise.all(trails.map((trail) => trail.followFor(3)));
	await act(trails);
}

const all = (trails: readonly Trail[], act: (trail: Trail) => Promise<void>) => Promise.all(trails.map(act));

/** Whom a node says to serve the slot. */
async function opinion(node: ClusterNode): Promise<ClusterNode> {
	const ranges = (await node.raw("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
	const id = ranges.find(([first, last]) => first <= SLOT && SLOT <= last)?.[2][2];
	return cluster.nodes.find((each) => each.id === id)!;
}

/** A node hears nothing of what follows. */
async function makeDeaf(node: ClusterNode): Promise<void> {
	repairs.push(await deafen(cluster, node));
}

async function takeOver(known: readonly ClusterNode[]): Promise<void> {
	await failOver(cluster, replica, "TAKEOVER");
	for (const node of known) {
		await waitUntil("the news to spread", async () => (await opinion(node)) === replica || `${node.port} names another`);
	}
}

describe("a replica takes over while its primary lives", () => {
	test("D30 commands follow it once, and none goes back", async () => {
		await withTrails(async (trails) => {
			const followed = all(trails, (trail) => trail.follow(() => trail.stations.includes(replica)));
			await failOver(cluster, replica, "TAKEOVER");
			await followed;
			await all(trails, (trail) => trail.followFor(25));
			for (const { stations, client } of trails) {
				expect(stations).toEqual([owner, replica]);
				expect(client.stats().redirections).toBeLessThanOrEqual(1);
			}
		});
	});

	test("D30 D31 it does not hear of that and serves on: two outvote it, for good", async () => {
		await withTrails(async (trails) => {
			await makeDeaf(owner);
			await takeOver(others);
			await replica.raw("SET", KEY, "of the new one");
			await all(trails, (trail) => trail.follow(() => trail.stations.includes(replica)));
			await all(trails, (trail) => trail.followFor(25));
			// It would have served them still.
			expect(await opinion(owner)).toBe(owner);
			for (const { stations, client } of trails) {
				expect(stations).toEqual([owner, replica]);
				expect(client.stats().redirections).toBe(0);
				expect(await client.get(KEY)).toBe("of the new one");
			}
		});
	});

	test("D30 one of the others does not hear of it: it is outvoted, and where the third is silent it is not believed either", async () => {
		await withTrails(async (trails) => {
			const [deaf, silent] = others as [ClusterNode, ClusterNode];
			await makeDeaf(deaf);
			await takeOver([owner, silent]);
			await all(trails, (trail) => trail.follow(() => trail.stations.includes(replica)));
			await all(trails, (trail) => trail.followFor(25));
			for (const { stations, client } of trails) {
				expect(stations).toEqual([owner, replica]);
				expect(client.stats().redirections).toBeLessThanOrEqual(1);
			}
			await silent.pause();
			repairs.push(() => silent.resume());
			await all(trails, (trail) => trail.followFor(25));
			expect(await opinion(deaf)).toBe(owner);
			for (const { stations } of trails) expect(stations).toEqual([owner, replica]);
		});
	});

	test("D30 D32 the primary was stopped meanwhile and is back with its old view: none goes back to it", async () => {
		await withTrails(async (trails) => {
			await owner.pause();
			let stopped = true;
			const resume = async () => {
				if (stopped) await owner.resume();
				stopped = false;
			};
			repairs.push(resume);
			const followed = all(trails, (trail) => trail.follow(() => trail.stations.includes(replica)));
			await failOver(cluster, replica, "TAKEOVER");
			await replica.raw("SET", KEY, "of the new one");
			await followed;
			await resume();
			await all(trails, (trail) => trail.followFor(25));
			await waitUntil("the old one to give in", async () => (await opinion(owner)) === replica || "not yet");
			for (const { stations, client } of trails) {
				expect(stations).toEqual([owner, replica]);
				expect(await client.get(KEY)).toBe("of the new one");
			}
		});
	});
});
