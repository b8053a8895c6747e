/** Batches and the bounds: their chunks wait for room, and their deadline runs meanwhile. */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, inject, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { BatchError, createClient } from "../../src/index.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";

const pool = { maxQueuedCommands: 20, maxQueuedBytes: 16 * 1024 };
const entries = Array.from({ length: 3000 }, (_, i) => [`c22:batch:${i}`, `${i}:${"v".repeat(100)}`] as const);
const keys = entries.map(([key]) => key);

test.each([
	["standaloneUrl", 2],
	["standaloneUrl", 3],
	["clusterUrl", 2],
	["clusterUrl", 3],
] as const)("C22 batches far beyond the bounds are not refused (%s, RESP%i)", async (url, protocol) => {
	await using client = await createClient({ url: inject(url), protocol, pool });
	expect(new Set(await client.setMany(entries, { ex: 60 }))).toEqual(new Set(["OK"]));
	expect(await client.mget(keys)).toEqual(entries.map(([, value]) => value));
	expect(await client.existsMany(keys)).toBe(keys.length);
	const pipeline = client.pipeline();
	for (const key of keys) pipeline.get(key);
	expect(await pipeline.exec()).toEqual(entries.map(([, value]) => value));
	expect(await client.delMany(keys)).toBe(keys.length);
	expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
});

describe("a stopped server", () => {
	test("C22 a batch that meets exhausted bounds waits, and is executed when single commands are refused", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, pool });
		await server.pause();
		const singles = new Outcomes(Array.from({ length: 100 }, (_, i) => client.set(`single:${i}`, "v")));
		const written = client.setMany(entries);
		const read = client.mget(keys);
		await turn();
		expect(singles.codes).toEqual(new Set(["OVERLOADED"]));
		expect(await rejectionOf(client.get("single:0"))).toMatchObject({ code: "OVERLOADED" });
		await server.resume();
		expect(new Set(await written)).toEqual(new Set(["OK"]));
		await singles.all;
		expect(singles.values).toHaveLength(20);
		expect(await read).toHaveLength(keys.length);
		expect(await client.mget(keys)).toEqual(entries.map(([, value]) => value));
	});

	test("C22 the deadline of a batch that waits for room runs", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, pool });
		await server.pause();
		const singles = new Outcomes(Array.from({ length: 20 }, (_, i) => client.set(`single:${i}`, "v")));
		const error = await rejectionOf(client.setMany(entries, { timeoutMs: 100 }));
		expect(error).toBeInstanceOf(BatchError);
		expect(new Set((error as BatchError<{ code: string }>).results.map(({ code }) => code))).toEqual(new Set(["TIMEOUT"]));
		await server.resume();
		await singles.all;
		expect(singles.values).toHaveLength(20);
		// What was written of the batch counts until it was answered, though nobody waits for it.
		await waitUntil("the late replies", () => client.stats().inFlight === 0 || `${client.stats().inFlight} are owed`);
		expect(await client.set("again", "v")).toBe("OK");
	});
});
