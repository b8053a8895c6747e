import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import {
	addNode,
	beginMigration,
	type ClusterNode,
	finishMigration,
	migrateKeys,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { ClusterTaps } from "../support/cluster-taps.js";

const SLOT = 5061; // of "{bar}…"

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());

/** Keys of another slot, one per index, that `node` serves. */
async function keysAt(node: ClusterNode, count: number): Promise<string[]> {
	const keys: string[] = [];
	for (let i = 0; keys.length < count; i++) {
		const slot = (await cluster.nodes[0]!.raw("CLUSTER", "KEYSLOT", `other${i}`)) as number;
		if ((await nodeOfSlot(cluster, slot)) === node) keys.push(`other${i}`);
	}
	return keys;
}

/** Fails unless each ASKING stands before a command of the migrating slot, on the same connection; returns how many there were. */
function expectPairs(connections: string[][][]): number {
	let askings = 0;
	for (const commands of connections) {
		for (const [i, [name]] of commands.entries()) {
			if (name !== "ASKING") continue;
			askings += 1;
			expect(commands[i + 1]?.[1]).toMatch(/^\{bar\}/);
		}
	}
	return askings;
}

describe.each([2, 3] as const)("half a slot is moved, RESP%i", (protocol) => {
	let source: ClusterNode;
	let target: ClusterNode;
	let taps: ClusterTaps;
	let client: Client;

	const there = Array.from({ length: 40 }, (_, i) => `{bar}there${i}`);
	const here = Array.from({ length: 40 }, (_, i) => `{bar}here${i}`);
	const nowhere = Array.from({ length: 20 }, (_, i) => `{bar}nowhere${i}`);

	beforeEach(async () => {
		source = await nodeOfSlot(cluster, SLOT);
		target = cluster.primaries.find((node) => node !== source)!;
		await source.raw("MSET", ...[...there, ...here].flatMap((key) => [key, `value of ${key}`]));
		await beginMigration(source, target, SLOT);
		await migrateKeys(source, target, there);
		taps = await ClusterTaps.start(cluster.primaries);
		client = await createClient({
			url: taps.url,
			protocol,
			// No refresh of its own falls into a test.
			cluster: { natMap: taps.natMap, refreshMs: 0 },
		});
		// Connects everywhere before commands are counted.
		await client.command("DBSIZE");
		taps.clear();
	});
	afterEach(async () => {
		await client.close();
		await taps[Symbol.asyncDispose]();
		await finishMigration(cluster, source, target, SLOT);
		await target.raw("DEL", ...there, ...here, ...nowhere);
	});

	test("D17 a hundred concurrent callers: one ASKING right before each command that goes to the target", async () => {
		const others = await keysAt(target, 20);
		const mixed = [...there, ...here, ...nowhere].map((key, i) => [key, others[i % others.length]!] as const);
		const results = await Promise.all(
			mixed.map(async ([key, other]) => [key, await client.get(key), await client.get(other)] as const),
		);
		for (const [key, value, other] of results) {
			expect(value).toBe(nowhere.includes(key) ? null : `value of ${key}`);
			expect(other).toBeNull();
		}
		// Every read went to the source first, for ASK is not remembered.
		expect(taps.commands(source).flat()).toHaveLength(100);
		expect(expectPairs(taps.commands(target))).toBe(60);
		expect(taps.commands(target).flat()).toHaveLength(60 + 60 + 100);
		expect(client.stats().redirections).toBe(60);
	});

	test("D17 ASK is not remembered: the same key asks its source again", async () => {
		for (let i = 0; i < 3; i++) expect(await client.get(there[0]!)).toBe(`value of ${there[0]}`);
		expect(taps.commands(source).flat()).toEqual(Array(3).fill(["GET", there[0]]));
		expect(taps.commands(target).flat()).toEqual(
			Array(3)
				.fill([["ASKING"], ["GET", there[0]]])
				.flat(),
		);
	});

	test("D17 a pipeline sends one ASKING for each of its commands that needs one", async () => {
		const pipeline = client.pipeline();
		for (let i = 0; i < 10; i++) pipeline.set(there[i]!, `new ${i}`).get(here[i]!).get(there[i]!);
		const replies = await pipeline.exec();
		expect(replies).toEqual(Array.from({ length: 10 }, (_, i) => ["OK", `value of ${here[i]}`, `new ${i}`]).flat());
		expect(expectPairs(taps.commands(target))).toBe(20);
		expect(taps.commands(target).flat()).toHaveLength(40);
	});

	test("D17 writes of keys that exist nowhere go to the target, once each", async () => {
		const counts = await Promise.all(nowhere.map((key) => client.incr(key)));
		expect(counts).toEqual(nowhere.map(() => 1));
		expect(await target.raw("CLUSTER", "COUNTKEYSINSLOT", SLOT)).toBe(there.length + nowhere.length);
		expect(expectPairs(taps.commands(target))).toBe(nowhere.length);
	});

	test("D17 mget and setMany over both halves have every value", async () => {
		const keys = [...there, ...here, ...nowhere];
		const expected = keys.map((key) => (nowhere.includes(key) ? null : `value of ${key}`));
		expect(await client.mget(keys)).toEqual(expected);
		expectPairs(taps.commands(target));
		taps.clear();
		expect(await client.setMany(there.map((key) => [key, `new ${key}`] as const))).toEqual(there.map(() => "OK"));
		expect(expectPairs(taps.commands(target))).toBe(there.length);
		expect(await client.mget(there)).toEqual(there.map((key) => `new ${key}`));
		expect(await client.delMany(keys)).toBe(there.length + here.length);
	});

	test("D17 when the migration ends, MOVED is followed and remembered", async () => {
		expect(await client.get(here[0]!)).toBe(`value of ${here[0]}`);
		await finishMigration(cluster, source, target, SLOT);
		taps.clear();
		expect(await client.get(here[0]!)).toBe(`value of ${here[0]}`);
		expect(await client.get(here[0]!)).toBe(`value of ${here[0]}`);
		expect(taps.commands(source).flat()).toEqual([["GET", here[0]]]);
		expect(taps.commands(target).flat()).toEqual(Array(2).fill(["GET", here[0]]));
	});
});

// A container's cluster is in a network that a server of its own is not in.
test.runIf(inject("server").kind === "process")(
	"D17 ASK to a node that the client never met and that serves no slot",
	async () => {
		await using empty = await addNode(cluster);
		const source = await nodeOfSlot(cluster, SLOT);
		await source.raw("SET", "{bar}new", "v");
		await using client = await createClient(cluster.url);
		await beginMigration(source, empty, SLOT);
		await migrateKeys(source, empty, ["{bar}new"]);
		expect(await client.get("{bar}new")).toBe("v");
		expect(client.stats().redirections).toBe(1);
		const reads = Array.from({ length: 50 }, () => client.get("{bar}new"));
		expect(await Promise.all(reads)).toEqual(Array(50).fill("v"));
	},
);
