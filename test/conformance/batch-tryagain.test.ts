/** A slot that stands still half moved (recipe N1): some of its keys here, some there, some nowhere. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	finishMigration,
	migrateKeys,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
} from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";

const slot = keySlot("{bar}");
let cluster: ServerCluster;
let source: ClusterNode;
let target: ClusterNode;

beforeAll(async () => {
	cluster = await startCluster({ primaries: 3 });
	source = await nodeOfSlot(cluster, slot);
	target = cluster.primaries.find((node) => node !== source)!;
	await source.raw("MSET", "{bar}1", "v1", "{bar}2", "v2", "{bar}3", "v3");
	await source.raw("HSET", "{bar}hash", "f", "v");
	await source.raw("HSET", "{bar}moved-hash", "f", "v");
	await beginMigration(source, target, slot);
	await migrateKeys(source, target, ["{bar}1", "{bar}moved-hash"]);
});
afterAll(async () => {
	if (target !== undefined) await finishMigration(cluster, source, target, slot);
	await cluster?.stop();
});
beforeEach(async () => {
	// The state that every test relies on.
	await expect(source.raw("MGET", "{bar}1", "{bar}2")).rejects.toThrow("TRYAGAIN");
	await expect(source.raw("MGET", "{bar}1", "{bar}no")).rejects.toThrow(`ASK ${slot}`);
});

test.each([2, 3] as const)("E01 E03 keys on either side of a migration are read in one mget (RESP%i)", async (protocol) => {
	await using client = await createClient({ url: cluster.url, protocol });
	expect(await client.mget(["{bar}1", "{bar}2", "{bar}no"])).toEqual(["v1", "v2", null]);
	expect(await client.mget(["{bar}1", "{bar}no"])).toEqual(["v1", null]);
	expect(await client.mget(["{bar}no", "other", "{bar}2", "{bar}1", "{bar}2"])).toEqual([null, null, "v2", "v1", "v2"]);
	expect(await client.buffers.mget(["{bar}3", "{bar}1"])).toEqual([Buffer.from("v3"), Buffer.from("v1")]);
	expect(client.stats().redirections).toBeGreaterThan(0);
});

test("E03 a key of another type is null on either side, split or not", async () => {
	await using client = await createClient(cluster.url);
	expect(await client.mget(["{bar}2", "{bar}hash"])).toEqual(["v2", null]);
	expect(await client.mget(["{bar}1", "{bar}2", "{bar}hash", "{bar}moved-hash"])).toEqual(["v1", "v2", null, null]);
	await expect(client.get("{bar}hash")).rejects.toMatchObject({ code: "WRONGTYPE" });
	await expect(client.get("{bar}moved-hash")).rejects.toMatchObject({ code: "WRONGTYPE" });
});

test("E03 existsMany and delMany count on both sides", async () => {
	await using client = await createClient(cluster.url);
	expect(await client.existsMany(["{bar}1", "{bar}2", "{bar}no", "{bar}1"])).toBe(3);
	expect(
		await client.setMany([
			["{bar}new", "n"],
			["{bar}3", "v3"],
		]),
	).toEqual(["OK", "OK"]);
	expect(await client.delMany(["{bar}new", "{bar}3", "{bar}no"])).toBe(2);
	expect(await client.mget(["{bar}new", "{bar}3"])).toEqual([null, null]);
	await source.raw("PING");
	expect(await client.set("{bar}3", "v3")).toBe("OK");
});

test("E03 many at once do not disturb each other", async () => {
	await using client = await createClient(cluster.url);
	const all = await Promise.all(
		Array.from({ length: 100 }, (_, index) => client.mget(index % 2 === 0 ? ["{bar}1", "{bar}2"] : ["{bar}no", "{bar}1"])),
	);
	for (const [index, values] of all.entries()) expect(values).toEqual(index % 2 === 0 ? ["v1", "v2"] : [null, "v1"]);
});

test("E07 a command() over several such keys says TRYAGAIN once its attempts are used up", async () => {
	await using client = await createClient({ url: cluster.url, retry: { maxAttempts: 2, baseMs: 1, maxMs: 2 } });
	await expect(client.command("MGET", "{bar}1", "{bar}2")).rejects.toMatchObject({ code: "TRYAGAIN", maybeExecuted: false });
	expect(await client.mget(["{bar}1", "{bar}2"])).toEqual(["v1", "v2"]);
});
