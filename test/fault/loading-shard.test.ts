/** Recipe N8: the sole primary of a shard is killed and loads its data for a while, beside a node that was reset. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { rejectionOf } from "../support/secrets.js";

/** At half a millisecond for each key, the load takes two seconds. */
const KEYS = 3000;
const slow = ["--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"];

/** Reads and writes keys of other shards, round after round, each call with a deadline far below that of those who wait. */
class Neighbours {
	rounds = 0;
	readonly errors: unknown[] = [];
	#stopped = false;
	readonly #done: Promise<void>;

	constructor(client: Client, keys: readonly string[]) {
		this.#done = this.#run(client.with({ timeoutMs: 3000 }), keys);
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#done;
	}

	async #run(client: Client, keys: readonly string[]): Promise<void> {
		while (!this.#stopped) {
			try {
				const value = String(this.rounds);
				await client.setMany(keys.map((key) => [key, value] as const));
				expect(await client.mget(keys)).toEqual(keys.map(() => value));
				this.rounds += 1;
			} catch (error) {
				this.errors.push(error);
				return;
			}
		}
	}
}

describe("a real cluster", () => {
	let cluster: ServerCluster;
	beforeEach(async () => {
		// The one replica belongs to the first primary; the last one has none.
		cluster = await startCluster({ primaries: 3, replicas: 1, nodeTimeoutMs: 15_000 });
	});
	afterEach(() => cluster?.stop());

	test("D25 D24 D09 N8 its callers wait, the others notice nothing, and it is found again", async () => {
		const loading = await nodeOfSlot(cluster, keySlot("{foo}"));
		expect(cluster.replicas[0]!.replicaOf).not.toBe(loading);
		await loading.raw("EVAL", `for i=1,${KEYS} do redis.call('set', KEYS[1]..i, i) end`, 1, "{foo}");
		await loading.raw("SAVE");
		const [reset] = cluster.replicas;
		await reset!.raw("CLUSTER", "RESET", "HARD");
		expect(await reset!.raw("CLUSTER", "SLOTS")).toEqual([]);

		const others = cluster.primaries.filter((node) => node !== loading);
		await using client = await createClient({
			nodes: [reset!, ...others].map(addressOf),
			timeouts: { commandMs: 20_000 },
			// Only the deadline bounds the attempts.
			retry: { maxAttempts: 1000 },
			cluster: { refreshMs: 100, minRefreshMs: 50 },
		});
		expect(await client.get("{foo}1")).toBe("1");
		const keys = Array.from({ length: 60 }, (_, i) => `n8:${i}`).filter((key) => keySlot(key) < 10_900);
		const neighbours = new Neighbours(client, keys);
		await loading.kill();
		// A write on a socket that is not yet known to be dead would be of unknown outcome.
		await waitUntil("a lost connection", () => client.stats().reconnects > 0 || "not noticed");
		const killed = [client.get("{foo}1"), client.mget(["{foo}2", "bar"]), client.set("{foo}new", "v")] as const;
		for (const each of killed) each.catch(() => {});
		await loading.restart({ args: slow, until: "listening" });
		expect(String(await loading.raw("INFO", "persistence"))).toContain("loading:1");
		const before = neighbours.rounds;
		const met = [client.get("{foo}3"), client.incr("{foo}counter"), client.pipeline().get("{foo}4").get("bar").exec()] as const;
		for (const each of met) each.catch(() => {});
		await waitUntil("a connection to it", () => client.stats().connections === 3 || "not connected");
		// Of another slot than the others: behind their fence it might not have been sent by its deadline, and have nothing to tell.
		const unfenced = Array.from({ length: 100 }, (_, i) => `short:${i}`).find((key) => keySlot(key) > 13_000)!;
		const short = await rejectionOf(client.with({ timeoutMs: 400 }).get(unfenced));
		expect(short).toMatchObject({ code: "TIMEOUT" });
		expect(await Promise.all(killed)).toEqual(["1", ["2", null], "OK"]);
		expect(await Promise.all(met)).toEqual(["3", 1, ["4", null]]);
		await neighbours.stop();
		expect(neighbours.errors).toEqual([]);
		// The load lasted, and they went on.
		expect(neighbours.rounds).toBeGreaterThan(before + 10);
		expect(client.stats()).toMatchObject({ redirections: 0, connections: 3 });
		expect(await client.mget(["{foo}1", "{foo}new", "{foo}counter", ...keys.slice(0, 1)])).toEqual([
			"1",
			"v",
			"1",
			String(neighbours.rounds - 1),
		]);
		expect(["CLUSTERDOWN", "LOADING"]).toContain((short.cause as { code?: string } | undefined)?.code);
		expect(short.message).toContain(addressOf(loading));
	});
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D25 LOADING of a sole primary: pauses that grow, then its answer", async () => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		node.always(["GET"], () => (gets(node).length <= 5 ? "-LOADING Redis is loading the dataset in memory\r\n" : bulk("v")));
		await using client = await createClient({ nodes: [addressOf(node)], protocol, cluster: { refreshMs: 0 } });
		expect(await client.get("bar")).toBe("v");
		expect(gets(node)).toHaveLength(6);
		expect(client.stats()).toMatchObject({ retries: 5, redirections: 0, connections: 1, reconnects: 0 });
	});

	test("D25 LOADING to the very end: the deadline's error says so, and of which node", async () => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		node.always(["GET"], "-LOADING Redis is loading the dataset in memory\r\n");
		await using client = await createClient({ nodes: [addressOf(node)], protocol, cluster: { refreshMs: 0 } });
		const error = await rejectionOf(client.with({ timeoutMs: 600 }).get("bar"));
		expect(error).toMatchObject({ code: "TIMEOUT", cause: expect.objectContaining({ code: "LOADING" }) });
		expect(error.message).toContain(addressOf(node));
		expect(gets(node).length).toBeLessThanOrEqual(16);
	});

	test("D24 D09 a reset node that is the preferred source of the topology: its empty view changes nothing", async () => {
		await using a = await startFakeClusterNode();
		await using b = await startFakeClusterNode();
		await using reset = await startFakeClusterNode();
		for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 8191], [b, 8192, 16_383]));
		reset.always(["CLUSTER", "SLOTS"], "*0\r\n");
		// MOVED makes its target the preferred source of the refresh that follows.
		a.always(["GET"], ([, key]) =>
			key === "bar" && gets(reset).length === 0 ? `-MOVED 5061 ${addressOf(reset)}\r\n` : bulk("from a"),
		);
		reset.always(["GET"], "-CLUSTERDOWN Hash slot not served\r\n");
		b.always(["GET"], bulk("from b"));
		await using client = await createClient({
			nodes: [addressOf(reset), addressOf(a)],
			protocol,
			cluster: { refreshMs: 0, minRefreshMs: 10 },
		});
		const before = refreshes(reset);
		expect(await client.get("bar")).toBe("from a");
		expect(refreshes(reset)).toBeGreaterThan(before);
		expect(await client.get("foo")).toBe("from b");
		expect(await client.get("{bar}2")).toBe("from a");
	});
});
