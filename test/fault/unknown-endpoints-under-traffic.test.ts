/** Recipes N6 (a) and (b): servers stop naming their endpoints, and slots move, while traffic runs. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";

const SLOT = 5061; // of "{bar}…"
const keys = [...Array.from({ length: 10 }, (_, i) => `{bar}${i}`), ...Array.from({ length: 30 }, (_, i) => `traffic:${i}`)];

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());
afterEach(() => prefer("ip"));

async function prefer(type: string): Promise<void> {
	for (const node of cluster.nodes) await node.raw("CONFIG", "SET", "cluster-preferred-endpoint-type", type);
}

/** Writes rising numbers and reads them back, round after round; the first error ends it. */
class Traffic {
	rounds = 0;
	#stopped = false;
	#failure: unknown = null;
	readonly #done: Promise<void>;

	constructor(client: Client) {
		this.#done = this.#run(client);
	}

	/** Resolves after a round that began after the call. */
	async anotherRound(): Promise<void> {
		const before = this.rounds;
		await waitUntil("another round", () => this.#failure !== null || this.rounds > before + 1 || "the traffic stands still");
		if (this.#failure !== null) throw this.#failure;
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#done;
		if (this.#failure !== null) throw this.#failure;
	}

	async #run(client: Client): Promise<void> {
		try {
			while (!this.#stopped) {
				const value = String(this.rounds);
				expect(await client.setMany(keys.map((key) => [key, value] as const))).toEqual(keys.map(() => "OK"));
				expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys.map(() => value));
				expect(await client.mget(keys)).toEqual(keys.map(() => value));
				this.rounds += 1;
			}
		} catch (error) {
			this.#failure = error;
		}
	}
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		["N6a unknown-endpoint: hosts are null and MOVED says :port", "unknown-endpoint", ":"],
		["N6b hostname, and none announced: hosts are ? and MOVED says ?:port", "hostname", "?:"],
	])("D04 D05 D13 %s; no caller notices", async (_, type, host) => {
		await using client = await createClient({ url: cluster.url, protocol, cluster: { refreshMs: 50, minRefreshMs: 20 } });
		const traffic = new Traffic(client);
		await traffic.anotherRound();
		await prefer(type);
		await traffic.anotherRound();
		const source = await nodeOfSlot(cluster, SLOT);
		const target = cluster.primaries.find((node) => node !== source)!;
		for (const [from, to] of [
			[source, target],
			[target, source],
		] as const) {
			await moveSlot(cluster, SLOT, to);
			await expect(from.raw("GET", "{bar}0")).rejects.toThrow(`MOVED ${SLOT} ${host}${to.port}`);
			await traffic.anotherRound();
		}
		await prefer("ip");
		await traffic.anotherRound();
		await traffic.stop();
		expect(client.stats()).toMatchObject({ connections: 3, reconnects: 0 });
	});
});
