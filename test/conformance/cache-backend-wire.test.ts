/** What a RedisBackend leaves on the server, and what it makes of what others left there. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { CacheConnectionError } from "../../src/cache/errors.js";
import { RedisBackend } from "../../src/cache/redis-backend.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { ownPrefix } from "../support/backend-contract/subject.js";
import { collect } from "../support/collect.js";
import { rejectionOf } from "../support/secrets.js";

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient(inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"));
	});
	afterAll(() => client?.close());

	test("S3.5 C5 metadata stands beside its key: JSON, in its slot, with its time to live, and goes with it", async () => {
		const keyPrefix = ownPrefix();
		const backend = new RedisBackend({ client, keyPrefix });
		for (const key of ["user:123", "{user}:123"]) {
			const name = `${keyPrefix}${key}`;
			const plain = topology === "standalone" || key.includes("{");
			const side = plain ? `${name}:meta` : `{${name}}:meta`;
			if (topology === "cluster") expect(keySlot(side)).toBe(keySlot(name));
			await backend.set(key, "v", { metadata: { tool: "ü", n: 1 }, ttl: "1h" });
			expect(await client.get(name)).toBe("v");
			expect(await client.get(side)).toBe('{"tool":"ü","n":1}');
			const [left, besides] = await Promise.all([client.pttl(name), client.pttl(side)]);
			expect(Math.abs(left - besides)).toBeLessThan(1000);
			expect(besides).toBeGreaterThan(3_590_000);
			for (const remove of [
				() => backend.set(key, "v"),
				() => backend.setMany([{ key, value: "v" }]),
				() => backend.setMany([{ key, value: "v" }], { atomic: true }),
				() => backend.set(key, "v", { xx: true }),
				() => backend.delete(key),
				() => backend.deleteMany([key]),
				() => backend.clear(),
			]) {
				await backend.set(key, "v", { metadata: { a: 1 } });
				expect(await client.pttl(side)).toBe(-1);
				await remove();
				expect([key, await client.exists(side)]).toEqual([key, 0]);
			}
		}
	});

	test("S1.4 S1.7 what is beside a backend's prefix it does not see, and does not delete", async () => {
		const keyPrefix = ownPrefix();
		const backend = new RedisBackend({ client, keyPrefix });
		const outside = [keyPrefix.slice(0, -1), `x${keyPrefix}k`, keyPrefix.toUpperCase()];
		await client.setMany(outside.map((key) => [key, "not mine"] as const));
		await backend.setMany([
			{ key: "a", value: "v" },
			{ key: "b", value: "v" },
		]);
		expect(await client.get(`${keyPrefix}a`)).toBe("v");
		expect((await backend.keys()).sort()).toEqual(["a", "b"]);
		expect(await backend.clear()).toBe(2);
		expect(await client.existsMany(outside)).toBe(outside.length);
		await client.delMany(outside);
	});

	test("S3.6 data of others under the prefix is a miss, and never breaks its neighbours", async () => {
		const keyPrefix = ownPrefix();
		const backend = new RedisBackend({ client, keyPrefix });
		await client.command("HSET", `${keyPrefix}hash`, "f", "v");
		await backend.set("good", "v", { metadata: { a: 1 } });
		const { errors } = backend.stats();
		expect(await backend.get("hash")).toBe(null);
		expect(await backend.getEntry("hash")).toBe(null);
		expect(backend.stats().errors).toBe(errors + 2);
		expect(await backend.getMany(["hash", "good", "hash"])).toEqual([null, Buffer.from("v"), null]);
		expect(await collect(backend.entries())).toEqual([["good", Buffer.from("v")]]);
		const side = topology === "cluster" ? `{${keyPrefix}good}:meta` : `${keyPrefix}good:meta`;
		for (const garbage of ['{"a":', "[1]", "null", "7", "", "\\xff"]) {
			await client.set(side, garbage);
			expect([garbage, await backend.getEntry("good")]).toEqual([
				garbage,
				{ value: Buffer.from("v"), metadata: null, ttlMs: null },
			]);
		}
		expect(await backend.set("hash", "mine now")).toBe(true);
		expect((await backend.get("hash"))?.toString()).toBe("mine now");
		expect(await backend.clear()).toBe(2);
	});

	test("S3.6 a batch that is given up before anything of it was answered rejects with ABORTED", async () => {
		const backend = new RedisBackend({ client, keyPrefix: ownPrefix() });
		// So that the call below sends its commands at once.
		await backend.connect();
		const abort = new AbortController();
		const value = Buffer.alloc(64 * 1024);
		const items = Array.from({ length: 200 }, (_, i) => ({ key: `${i}`, value }));
		const stored = rejectionOf(backend.setMany(items, { signal: abort.signal, chunkSize: 1 }));
		abort.abort();
		expect(await stored).toMatchObject({ code: "ABORTED" });
		expect(await backend.setMany(items.slice(0, 5))).toBe(5);
		await backend.clear();
	});
});

test("S4.4 C10 an atomic setMany of several slots is refused on a cluster, and nothing of it is stored", async () => {
	await using client = await createClient(inject("clusterUrl"));
	const backend = new RedisBackend({ client, keyPrefix: ownPrefix() });
	const items = Array.from({ length: 10 }, (_, i) => ({ key: `${i}`, value: "v" }));
	await expect(backend.setMany(items, { atomic: true })).rejects.toMatchObject({ code: "CROSSSLOT" });
	expect(await backend.count()).toBe(0);
	await using alone = await createClient(inject("standaloneUrl"));
	const standalone = new RedisBackend({ client: alone, keyPrefix: ownPrefix() });
	expect(await standalone.setMany(items, { atomic: true })).toBe(10);
	expect(await standalone.clear()).toBe(10);
});

test("S3.6 S1.9 without a server every call fails as a connection does, and health() says why", async () => {
	await using backend = new RedisBackend({ connection: { url: "redis://127.0.0.1:1", timeouts: { startMs: 100 } } });
	expect(await backend.ping()).toBe(false);
	expect(await backend.health()).toMatchObject({ ok: false, latencyMs: null, error: { code: "CONNECTION" } });
	const { errors } = backend.stats();
	const calls = {
		connect: () => backend.connect(),
		get: () => backend.get("k"),
		set: () => backend.set("k", "v"),
		getMany: () => backend.getMany(["k"]),
		setMany: () => backend.setMany([{ key: "k", value: "v" }]),
		keys: () => backend.keys(),
		clear: () => backend.clear(),
	};
	for (const [name, call] of Object.entries(calls)) {
		const error = await rejectionOf(call());
		expect([name, error]).toEqual([name, expect.any(CacheConnectionError)]);
	}
	expect(backend.stats().errors).toBe(errors + Object.keys(calls).length);
	expect(backend.isConnected).toBe(false);
	expect(await backend.getStats()).toMatchObject({ connected: false, keys: null, usedMemoryBytes: null, uptimeS: null });
});
