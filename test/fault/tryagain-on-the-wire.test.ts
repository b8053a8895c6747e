/** Recipe N1, seen on the wire: a slot that stays half moved, so that TRYAGAIN for a missing key never clears. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	finishMigration,
	migrateKeys,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "{bar}…"

let cluster: ServerCluster;
let source: ClusterNode;
let target: ClusterNode;
let finished: boolean;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());
beforeEach(async () => {
	source = await nodeOfSlot(cluster, SLOT);
	target = cluster.primaries.find((node) => node !== source)!;
	await source.raw("MSET", "{bar}1", "v1", "{bar}2", "v2", "{bar}3", "v3");
	await beginMigration(source, target, SLOT);
	await migrateKeys(source, target, ["{bar}1"]);
	finished = false;
	// The state that every test relies on.
	await expect(source.raw("MGET", "{bar}1", "{bar}2", "{bar}no")).rejects.toThrow("TRYAGAIN");
	await expect(source.raw("MGET", "{bar}1", "{bar}no")).rejects.toThrow(`ASK ${SLOT}`);
});
afterEach(async () => {
	if (!finished) await finishMigration(cluster, source, target, SLOT);
	await target.raw("DEL", "{bar}1", "{bar}2", "{bar}3", "{bar}n");
});

/** Fails unless ASKING stands right before a command of the slot, on the same connection, and every such command there has one. */
function expectAskings(connections: string[][][]): number {
	let askings = 0;
	for (const commands of connections) {
		for (const [i, [name, key]] of commands.entries()) {
			if (name === "ASKING") {
				askings += 1;
				expect(commands[i + 1]?.[1]).toMatch(/^\{bar\}/);
			} else if (key?.startsWith("{bar}")) expect(commands[i - 1]).toEqual(["ASKING"]);
		}
	}
	return askings;
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let taps: ClusterTaps;
	let client: Client;
	beforeEach(async () => {
		taps = await ClusterTaps.start(cluster.primaries);
		// No refresh of its own falls into a test, and one that something causes comes at once.
		client = await createClient({ url: taps.url, protocol, cluster: { natMap: taps.natMap, refreshMs: 0, minRefreshMs: 1 } });
		await client.command("DBSIZE");
		taps.clear();
	});
	afterEach(async () => {
		await client.close();
		await taps[Symbol.asyncDispose]();
	});

	test("D21 D23 N1 [v, v, null] and [v, null] within one deadline, by single GETs", async () => {
		const impatient = client.with({ timeoutMs: 2000 });
		expect(await impatient.mget(["{bar}1", "{bar}2", "{bar}no"])).toEqual(["v1", "v2", null]);
		// One MGET that was refused, then one GET for each key; those that are gone ask at the target.
		const sent = taps.commands(source).flat();
		expect(sent[0]).toEqual(["MGET", "{bar}1", "{bar}2", "{bar}no"]);
		expect(sent.slice(1).sort()).toEqual([
			["GET", "{bar}1"],
			["GET", "{bar}2"],
			["GET", "{bar}no"],
		]);
		expect(expectAskings(taps.commands(target))).toBe(2);
		taps.clear();
		expect(await impatient.mget(["{bar}1", "{bar}no"])).toEqual(["v1", null]);
		expect(taps.commands(source).flat()[0]).toEqual(["MGET", "{bar}1", "{bar}no"]);
		// The whole group was sent on first: ASKING, MGET.
		expect(taps.commands(target).flat().slice(0, 2)).toEqual([["ASKING"], ["MGET", "{bar}1", "{bar}no"]]);
		expect(expectAskings(taps.commands(target))).toBe(3);
		expect(client.stats().retries).toBe(0);
	});

	test("D23 all here is one MGET, all gone is one MGET behind one ASKING", async () => {
		expect(await client.mget(["{bar}2", "{bar}3"])).toEqual(["v2", "v3"]);
		expect(taps.commands(source).flat()).toEqual([["MGET", "{bar}2", "{bar}3"]]);
		expect(taps.commands(target).flat()).toEqual([]);
		taps.clear();
		expect(await client.mget(["{bar}1", "{bar}1"])).toEqual(["v1", "v1"]);
		expect(expectAskings(taps.commands(target))).toBe(1);
	});

	test("D17 D20 ASK and TRYAGAIN leave the map as it was, and ask nobody for the topology", async () => {
		for (let i = 0; i < 5; i++) {
			expect(await client.mget(["{bar}no", "{bar}1", "{bar}2"])).toEqual([null, "v1", "v2"]);
			expect(await client.get("{bar}1")).toBe("v1");
		}
		expect(taps.refreshes()).toBe(0);
		taps.clear();
		expect(await client.get("{bar}2")).toBe("v2");
		expect(taps.commands(source).flat()).toEqual([["GET", "{bar}2"]]);
		expect(taps.commands(target).flat()).toEqual([]);
		expect(client.stats()).toMatchObject({ connections: 3, reconnects: 0 });
	});

	test("D17 D21 N1 a hundred concurrent callers, and no flag is eaten by another's command", async () => {
		const results = await Promise.all(
			Array.from({ length: 100 }, (_, i) => {
				switch (i % 4) {
					case 0:
						return client.mget(["{bar}1", "{bar}2", "{bar}no"]);
					case 1:
						return client.mget(["{bar}1", "{bar}no"]);
					case 2:
						return client.get("{bar}1");
					default:
						return client.get(`neighbour:${i}`);
				}
			}),
		);
		const expected = [["v1", "v2", null], ["v1", null], "v1", null];
		for (const [i, result] of results.entries()) expect(result).toEqual(expected[i % 4]);
		expect(expectAskings(taps.commands(target))).toBeGreaterThanOrEqual(75);
		expect(taps.refreshes()).toBe(0);
		expect(client.stats()).toMatchObject({ connections: 3, reconnects: 0 });
	});

	test("D20 a command of one's own over both halves backs off until the deadline, which says TRYAGAIN and by whom", async () => {
		const error = await rejectionOf(client.with({ timeoutMs: 700 }).command("MGET", "{bar}1", "{bar}2"));
		expect(error).toMatchObject({ code: "TIMEOUT", cause: expect.objectContaining({ code: "TRYAGAIN" }) });
		expect(error.message).toContain(addressOf(taps.proxy(source)));
		const sent = taps.commands(source).flat();
		expect(sent.length).toBeGreaterThan(1);
		// Pauses that grow, not a loop.
		expect(sent.length).toBeLessThanOrEqual(16);
		expect(taps.refreshes()).toBe(0);
	});

	test("D20 it succeeds when the migration ends meanwhile", async () => {
		const written = client.with({ timeoutMs: 20_000 }).command("MSET", "{bar}1", "n1", "{bar}2", "n2");
		await waitUntil("a second attempt", () => taps.commands(source).flat().length > 1 || "not sent again");
		await finishMigration(cluster, source, target, SLOT);
		finished = true;
		expect(await written).toBe("OK");
		expect(await target.raw("MGET", "{bar}1", "{bar}2")).toEqual(["n1", "n2"]);
	});
});
