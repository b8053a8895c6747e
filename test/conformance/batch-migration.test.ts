/** E01 at large: batches of random keys while the slots they live in move to and fro between real primaries. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";

/** No round begins after this long; one takes some milliseconds. */
const BUDGET_MS = 4000;

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster({ primaries: 3 });
});
afterAll(() => cluster?.stop());

const tags = ["red", "green", "blue", "white"];
const tagged = tags.flatMap((tag) => Array.from({ length: 12 }, (_, index) => `{${tag}}${index}`));
const untagged = Array.from({ length: 30 }, (_, index) => `plain:${index}`);
const universe = [...tagged, ...untagged];
const hashes = ["{red}hash", "{blue}hash"];

/** Moves random slots of the tags to random primaries until told to stop; resolves with the number of moves. */
async function shuffle(stopped: () => boolean): Promise<number> {
	let moves = 0;
	while (!stopped()) {
		const slot = keySlot(`{${tags[Math.floor(Math.random() * tags.length)]}}`);
		const owner = await nodeOfSlot(cluster, slot);
		const others = cluster.primaries.filter((node) => node !== owner);
		await moveSlot(cluster, slot, others[Math.floor(Math.random() * others.length)]!);
		moves += 1;
	}
	return moves;
}

interface Round {
	reads: string[];
	writes: string[];
	chunkSize: number;
	maxInflight: number;
}

const someKeys = fc.array(fc.constantFrom(...universe, ...hashes), { minLength: 1, maxLength: 60 });
const round: fc.Arbitrary<Round> = fc.record({
	reads: someKeys,
	writes: fc.array(fc.constantFrom(...universe), { maxLength: 20 }),
	chunkSize: fc.constantFrom(1, 3, 7, 256),
	maxInflight: fc.constantFrom(1, 2, 4),
});

test.each([
	[2, 1],
	[3, 1],
	[3, 3],
] as const)(
	"E01 E03 results stand at their keys' indexes while slots migrate (RESP%i, %i lanes)",
	async (protocol, shared) => {
		await using client = await createClient({ url: cluster.url, protocol, pool: { shared }, cluster: { minRefreshMs: 50 } });
		await client.delMany([...universe, ...hashes]);
		for (const key of hashes) await client.command("HSET", key, "f", "v");
		// What each key holds now; a key that is not here does not exist.
		const model = new Map<string, string>();
		let serial = 0;
		let done = false;
		const deadline = performance.now() + BUDGET_MS;
		const moving = shuffle(() => done);
		try {
			await fc.assert(
				fc.asyncProperty(round, async ({ reads, writes, chunkSize, maxInflight }) => {
					if (performance.now() > deadline) return;
					const options = { chunkSize, maxInflight };
					// Distinct keys: the order of two writes of one key that is redirected between them is not this test's subject.
					const entries = [...new Set(writes)].map((key) => [key, `${key} is ${serial++}`] as const);
					expect(await client.setMany(entries, options)).toEqual(entries.map(() => "OK"));
					for (const [key, value] of entries) model.set(key, value);
					await expectReads(client, reads, model, options);
				}),
				{ numRuns: 5000, endOnFailure: true },
			);
			const doomed = universe.filter((_, index) => index % 3 === 0);
			const expected = doomed.filter((key) => model.has(key)).length;
			expect(await client.delMany(doomed)).toBe(expected);
			for (const key of doomed) model.delete(key);
			await expectReads(client, [...universe, ...hashes], model, {});
		} finally {
			done = true;
			await Promise.allSettled([moving]);
		}
		expect(await moving).toBeGreaterThan(5);
		expect(client.stats().redirections).toBeGreaterThan(0);
		await expectReads(client, universe, model, {});
	},
	30_000,
);

async function expectReads(client: Client, keys: string[], model: ReadonlyMap<string, string>, options: object): Promise<void> {
	const expected = keys.map((key) => model.get(key) ?? null);
	expect(await client.mget(keys, options)).toEqual(expected);
	expect(await client.existsMany(keys, options)).toBe(keys.filter((key) => model.has(key) || hashes.includes(key)).length);
}
