/** Some items of a batch are refused by the server: each has its own error, and the others their answers. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeOfSlot, type ServerCluster, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import { type BatchError, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { rejectionOf } from "../support/secrets.js";

const refused = (code: string) => expect.objectContaining({ code, maybeExecuted: false });

describe("a user who may write only some of the keys", () => {
	let server: ServerNode;
	beforeAll(async () => {
		server = await startStandalone({ users: { alice: "on >wonderland ~ok:* %R~read:* +@all" } });
	});
	afterAll(() => server?.stop());

	test.each([2, 3] as const)("E16 NOPERM on some entries, RESP%i", async (protocol) => {
		const auth = { username: "alice", password: "wonderland" };
		await using client = await createClient({ url: server.url, protocol, auth });
		await server.raw("FLUSHALL");
		await server.raw("SET", "read:1", "kept");
		const keys = Array.from({ length: 600 }, (_, i) => `${["ok", "no", "read"][i % 3]}:${i}`);
		const entries = keys.map((key, i) => [key, `${i}`] as const);
		const expected = keys.map((key) => (key.startsWith("ok:") ? "OK" : refused("NOPERM")));
		expect(await client.setMany(entries, { partial: true, chunkSize: 7 })).toEqual(expected);
		const error = (await rejectionOf(client.setMany(entries, { ex: 60 }))) as BatchError;
		expect(error).toMatchObject({ code: "BATCH", message: expect.stringMatching(/^400 of 600 items failed/) });
		expect(error.results).toEqual(expected);
		const pipeline = client.pipeline();
		for (const key of keys.slice(0, 6)) pipeline.incr(key);
		expect(await pipeline.exec()).toEqual([1, refused("NOPERM"), refused("NOPERM"), 4, refused("NOPERM"), refused("NOPERM")]);
		expect(await client.get("read:1")).toBe("kept");
		// Of a group of keys the server refuses the whole: one forbidden key alone is an error of its own.
		const values = await client.mget(["ok:0", "read:1", "ok:3"], { partial: true });
		expect(values).toEqual(["1", "kept", "4"]);
		expect(await server.raw("DBSIZE")).toBe(201);
		expect(client.stats()).toMatchObject({ retries: 0, reconnects: 0 });
	});
});

describe("one full node among three", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster();
	});
	afterAll(() => cluster?.stop());

	test.each([2, 3] as const)("E16 OOM for its keys, the others are set, RESP%i", async (protocol) => {
		await using client = await createClient({ url: cluster.url, protocol });
		const keys = Array.from({ length: 300 }, (_, i) => `full:${i}`);
		await client.setMany(keys.map((key) => [key, "before"]));
		const full = await nodeOfSlot(cluster, 0);
		const isFull = (key: string): boolean => keySlot(key) <= 5460;
		await full.raw("CONFIG", "SET", "maxmemory-policy", "noeviction");
		await full.raw("CONFIG", "SET", "maxmemory", "1");
		try {
			const entries = keys.map((key) => [key, "after"] as const);
			const expected = keys.map((key) => (isFull(key) ? refused("OOM") : "OK"));
			expect(await client.setMany(entries, { partial: true })).toEqual(expected);
			expect(await client.mget(keys)).toEqual(keys.map((key) => (isFull(key) ? "before" : "after")));
			const pipeline = client.pipeline();
			for (const key of keys) pipeline.command("APPEND", key, "!");
			expect(await pipeline.exec()).toEqual(keys.map((key) => (isFull(key) ? refused("OOM") : 6)));
		} finally {
			await full.raw("CONFIG", "SET", "maxmemory", "0");
		}
		expect(client.stats()).toMatchObject({ retries: 0, reconnects: 0, redirections: 0 });
	});
});
