/** One shard is silent: what the others have to say is there, and calls that do not concern it are served. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClusterNode, nodeOfSlot, type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { type BatchError, type Client, ClientError, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { rejectionOf } from "../support/secrets.js";

let cluster: ServerCluster;
let stalled: ClusterNode;
let others: ClusterNode[];
beforeAll(async () => {
	cluster = await startCluster({ nodeTimeoutMs: 15_000 });
	stalled = await nodeOfSlot(cluster, 0);
	others = cluster.primaries.filter((node) => node !== stalled);
});
afterAll(() => cluster?.stop());

/** A cluster of three gives each a third of the slots, in order. */
const isStalled = (key: string): boolean => keySlot(key) <= 5460;
const keysOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `shard:${i}`);

/** Calls on the other shards, one after the other, until told to stop; their number. */
async function traffic(client: Client, until: Promise<unknown>): Promise<number> {
	const keys = keysOf(50).filter((key) => !isStalled(key));
	let going = true;
	void until.finally(() => {
		going = false;
	});
	let calls = 0;
	for (; going; calls++) expect(await client.get(keys[calls % keys.length]!)).toBe("v");
	return calls;
}

describe.each([
	["the proxy forwards nothing", 2],
	["the process is stopped", 3],
] as const)("%s, RESP%i", (how, protocol) => {
	test.each([300, 20_000])("E08 a batch of %i: values of the others, and errors for its keys alone", async (count) => {
		await using taps = await ClusterTaps.start(cluster.primaries);
		await using client = await createClient({
			url: taps.url,
			protocol,
			cluster: { natMap: taps.natMap, refreshMs: 0 },
			// A connection of a suspect's successor would pass the stalled proxy.
			timeouts: { suspectMs: 20_000 },
		});
		const keys = keysOf(count);
		await client.setMany(keys.map((key) => [key, "v"]));
		const stop = async (): Promise<void> => {
			if (how === "the process is stopped") await stalled.pause();
			else for (const { toClient } of taps.proxy(stalled).connections) toClient.stall();
		};
		const goOn = async (): Promise<void> => {
			if (how === "the process is stopped") await stalled.resume();
			else for (const { toClient } of taps.proxy(stalled).connections) toClient.resume();
		};
		await stop();
		try {
			const options = { partial: true, timeoutMs: 700 } as const;
			const reading = client.mget(keys, options);
			const calls = traffic(client, reading);
			const values = await reading;
			expect(values.map((value) => (value instanceof ClientError ? value.code : value))).toEqual(
				keys.map((key) => (isStalled(key) ? "TIMEOUT" : "v")),
			);
			// While the batch waited for its deadline.
			expect(await calls).toBeGreaterThan(10);
			const written = await client.setMany(
				keys.map((key) => [key, "w"]),
				options,
			);
			expect(written.map((value) => (value instanceof ClientError ? value.code : value))).toEqual(
				keys.map((key) => (isStalled(key) ? "TIMEOUT" : "OK")),
			);
			const deleting = (await rejectionOf(client.delMany(keys, { timeoutMs: 700 }))) as BatchError;
			expect(deleting).toMatchObject({ code: "BATCH", total: keys.filter((key) => !isStalled(key)).length });
			for (const [i, key] of keys.entries()) {
				if (isStalled(key)) expect(deleting.results[i]).toBeInstanceOf(ClientError);
				else expect(deleting.results[i]).toBe(true);
			}
		} finally {
			await goOn();
		}
		for (const node of others) expect(taps.proxy(node).connections.filter(({ closed }) => closed)).toEqual([]);
		client.destroy();
	});
});
