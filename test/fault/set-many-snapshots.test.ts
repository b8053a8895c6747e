/** What `setMany` was given at the call is what is stored, whatever its caller does to the Buffers, and however often it has to be sent. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	finishMigration,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";

const SLOT = 5061; // of "{bar}…"

let cluster: ServerCluster;
let source: ClusterNode;
let target: ClusterNode;
let client: Client;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());
beforeEach(async () => {
	source = await nodeOfSlot(cluster, SLOT);
	target = cluster.primaries.find((node) => node !== source)!;
	client = await createClient({ url: cluster.url });
});
afterEach(() => client.close());

/** Entries whose Buffers are overwritten as soon as the call has returned. */
function callThenOverwrite(keys: readonly string[], size: number, round: number): Promise<unknown> {
	const buffers = keys.map((_, i) => Buffer.alloc(size, `${round}.${i};`));
	const set = client.setMany(keys.map((key, i) => [Buffer.from(key), buffers[i]!] as const));
	for (const buffer of buffers) buffer.fill("overwritten");
	return set;
}

/** The keys that do not have the value of that round. */
async function wrongKeys(keys: readonly string[], size: number, round: number): Promise<string[]> {
	const values = await client.buffers.mget(keys);
	return keys.filter((_, i) => !values[i]?.equals(Buffer.alloc(size, `${round}.${i};`)));
}

describe.each([10, 2048, 15_000])("values of %i bytes", (size) => {
	test("B10 many batches at once, in the same memory", async () => {
		const batches = Array.from({ length: 20 }, (_, round) => Array.from({ length: 40 }, (_, i) => `b${round}:${i}`));
		for (let again = 0; again < 3; again++) {
			await Promise.all(batches.map((keys, round) => callThenOverwrite(keys, size, round + again)));
			for (const [round, keys] of batches.entries()) expect(await wrongKeys(keys, size, round + again)).toEqual([]);
		}
	});

	test("B10 sent again behind ASKING, while other batches use the memory", async () => {
		const keys = Array.from({ length: 30 }, (_, i) => `{bar}${i}`);
		const others = Array.from({ length: 30 }, (_, i) => `other${i}`);
		// A key that the source has is written there.
		await client.delMany(keys);
		await beginMigration(source, target, SLOT);
		const { redirections } = client.stats();
		const asked = callThenOverwrite(keys, size, 7);
		for (let round = 0; round < 20; round++) await callThenOverwrite(others, size, round);
		await asked;
		expect(client.stats().redirections).toBeGreaterThanOrEqual(redirections + keys.length);
		await finishMigration(cluster, source, target, SLOT);
		expect(await wrongKeys(keys, size, 7)).toEqual([]);
		expect(await wrongKeys(others, size, 19)).toEqual([]);
	});
});
