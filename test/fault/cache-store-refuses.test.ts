/** A server that is there and refuses: no room, read only, no permission. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type BackendFailure, Cache, type CacheEvents, CacheOperationError, RedisBackend } from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

const VALUE = "hunter2-value";
const retry = { maxAttempts: 2, baseMs: 5, maxMs: 10 };

let server: ServerNode;
let client: Client;
const limited: Client[] = [];
beforeAll(async () => {
	server = await startStandalone({
		users: {
			reader: "on >pw ~* &* +@read +@connection +info +command",
			mute: "on >pw ~* resetchannels +@all -publish -subscribe -eval -evalsha",
			unprivileged: "on >pw ~* &* +@all -config",
		},
	});
	client = await createClient({ url: server.url, retry });
	for (const username of ["reader", "mute", "unprivileged"]) {
		limited.push(await createClient({ url: server.url, retry, auth: { username, password: "pw" } }));
	}
});
afterAll(async () => {
	await Promise.all([client, ...limited].map((each) => each?.close()));
	await server?.stop();
});

beforeEach(async () => {
	await server.raw("FLUSHALL");
});

/** A cache that failed to write: what `act` makes is given out, and what became of the writes is told. */
async function refused(backend: RedisBackend, act: (cache: Cache) => Promise<void>): Promise<CacheEvents["error"][]> {
	await using cache = new Cache({ backend });
	const errors: CacheEvents["error"][] = [];
	cache.on("error", (event) => errors.push(event));
	await act(cache);
	for (const { error } of errors) expect(everythingOf(error)).not.toContain("hunter2");
	return errors;
}

async function writeAll(cache: Cache): Promise<void> {
	expect(await cache.getOrSet("made", () => VALUE)).toBe(VALUE);
	expect(await cache.set("set", VALUE)).toBe(false);
	expect(await cache.set("tagged", VALUE, { tags: ["t"] })).toBe(false);
	expect(await cache.setMany([["m1", VALUE], ["m2", VALUE]])).toBe(0); // biome-ignore format: one line
	expect((await cache.getOrSetMany(["n1", "n2"], () => [VALUE, VALUE])).size).toBe(2);
	expect(await cache.invalidateTags("t")).toBe(false);
	expect((await cache.getMany(["made", "set", "tagged", "m1", "m2", "n1", "n2"])).size).toBe(0);
	expect(cache.stats()).toMatchObject({ sets: 0, lostWrites: 8 });
}

async function withoutRoom(act: () => Promise<void>): Promise<void> {
	await client.set("cache:full", "x");
	await client.setrange("filler", 4 * 1024 * 1024, "x");
	await server.raw("CONFIG", "SET", "maxmemory-policy", "noeviction");
	await server.raw("CONFIG", "SET", "maxmemory", "1mb");
	try {
		await act();
	} finally {
		await server.raw("CONFIG", "SET", "maxmemory", "0");
		await client.unlink(["filler"]);
	}
}

describe("a server that refuses", () => {
	test("S3.6 OOM: typed, counted; what is there can be read and deleted, and the source is asked for the rest", async () => {
		const backend = new RedisBackend({ client });
		await using cache = new Cache({ backend });
		await cache.set("there", 1);
		await withoutRoom(async () => {
			const errors = await refused(backend, writeAll);
			for (const { error } of errors) {
				expect(error).toBeInstanceOf(CacheOperationError);
				expect(error).toMatchObject({ code: expect.stringMatching(/^(OOM|BATCH)$/), cause: expect.any(Error) });
			}
			expect(await cache.get("there")).toBe(1);
			const error = await rejectionOf(new Cache({ backend, failOpen: false }).set("a", VALUE));
			expect(error).toMatchObject({ name: "CacheOperationError", code: "OOM" });
			// The source has another value now: the old one must not stay.
			await cache.writeThrough("there", 2, () => {});
			expect(await cache.get("there")).toBeUndefined();
		});
		expect(await cache.getOrSet("made", () => 2)).toBe(2);
		expect(await cache.get("made")).toBe(2);
	});

	test("S3.6 OOM with onError: 'miss': the same figures, nobody throws, the log is told", async () => {
		const logged: BackendFailure[] = [];
		const backend = new RedisBackend({ client, onError: "miss", log: (failure) => logged.push(failure) });
		await withoutRoom(async () => {
			await using cache = new Cache({ backend });
			const told: string[] = [];
			for (const name of ["set", "invalidate"] as const) cache.on(name, () => told.push(name));
			expect(await cache.set("set", VALUE)).toBe(false);
			expect(await cache.setMany([["m1", VALUE], ["m2", VALUE]])).toBe(0); // biome-ignore format: one line
			expect((await cache.getOrSetMany(["n1", "n2"], () => [VALUE, VALUE])).size).toBe(2);
			expect(await cache.invalidateTags("t")).toBe(false);
			expect(cache.stats()).toMatchObject({ sets: 0, lostWrites: 6 });
			expect(told).toEqual([]);
		});
		expect(logged.map(({ operation }) => operation)).toEqual(["set", "setMany", "setMany", "setMany"]);
		expect(logged[0]).toMatchObject({ key: "set", error: { code: "OOM", name: "CacheOperationError" } });
		expect(everythingOf(logged)).not.toContain("hunter2");
	});

	test("S3.6 READONLY: the store cannot be asked to write now; reads are hits, writes are counted", async () => {
		await using cache = new Cache({ backend: new RedisBackend({ client }) });
		await cache.set("there", 1);
		await server.raw("REPLICAOF", "127.0.0.1", "1");
		try {
			const errors = await refused(new RedisBackend({ client }), writeAll);
			expect(errors.length).toBeGreaterThan(0);
			for (const { error } of errors) {
				expect(error).toMatchObject({ name: expect.stringMatching(/^Cache(Connection|Timeout)Error$/) });
			}
			expect(await cache.get("there")).toBe(1);
		} finally {
			await server.raw("REPLICAOF", "NO", "ONE");
		}
		await waitUntil("it writes", async () => (await cache.set("a", 1)) || "not yet");
	});

	test("S3.6 NOPERM: a user that may only read has hits, and the source for the rest", async () => {
		await using cache = new Cache({ backend: new RedisBackend({ client }) });
		await cache.set("there", 1, { tags: ["mine"] });
		const backend = new RedisBackend({ client: limited[0] as Client });
		const errors = await refused(backend, async (own) => {
			expect(await own.get("there")).toBe(1);
			expect(await own.getOrSet("there", () => expect.unreachable())).toBe(1);
			await writeAll(own);
		});
		for (const { error } of errors) {
			expect(error).toBeInstanceOf(CacheOperationError);
			expect(error).toMatchObject({ code: expect.stringMatching(/^(NOPERM|BATCH)$/) });
		}
		const strict = new Cache({ backend, failOpen: false });
		expect(await rejectionOf(strict.getOrSet("none", () => 1))).toMatchObject({ name: "CacheOperationError", code: "NOPERM" });
	});

	test("S2.7 S3.6 NOPERM: a user without scripts and messages: the value is stored in two steps; nobody waits for a message", async () => {
		const backend = new RedisBackend({ client: limited[1] as Client });
		await using cache = new Cache({ backend });
		const errors: unknown[] = [];
		cache.on("error", (error) => errors.push(error));
		expect(await Promise.all([cache.getOrSet("mute", () => VALUE), cache.getOrSet("mute", () => VALUE)])).toEqual([VALUE, VALUE]);
		expect(cache.stats()).toMatchObject({ lostWrites: 0, factoryCalls: 1 });
		expect(await cache.getOrSet("mute", () => expect.unreachable())).toBe(VALUE);
		expect(errors).toEqual([]);
	});

	test("C14 the server's configuration: set by who connects and may, left as it is by who may not", async () => {
		const settings = { maxMemory: 104_857_600, evictionPolicy: "allkeys-lru" };
		const config = async (): Promise<unknown> => [
			await server.raw("CONFIG", "GET", "maxmemory"),
			await server.raw("CONFIG", "GET", "maxmemory-policy"),
		];
		const before = await config();
		try {
			await new RedisBackend({ client, ...settings }).connect();
			expect(await config()).toEqual(before);
			await new RedisBackend({ client: limited[2] as Client, ...settings, applyServerConfig: true }).connect();
			expect(await config()).toEqual(before);
			await new RedisBackend({ client, ...settings, applyServerConfig: true }).connect();
			expect(await config()).toEqual([["maxmemory", "104857600"], ["maxmemory-policy", "allkeys-lru"]]); // biome-ignore format: one line
		} finally {
			await server.raw("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "noeviction");
		}
	});
});

describe("what a refusal is turned into", () => {
	test("S3.6 onError: 'miss': nothing found, nothing stored; connection errors throw all the same", async () => {
		const logged: unknown[] = [];
		const log = ({ operation, key, error }: BackendFailure): void => {
			logged.push([operation, key, error.code]);
			throw new Error("mine");
		};
		const reader = limited[0] as Client;
		const miss = new RedisBackend({ client: reader, onError: "miss", log });
		expect(await miss.set("a", "v")).toBe(false);
		expect(await miss.setMany([{ key: "a", value: "v" }])).toBe(0);
		expect(await miss.delete("a")).toBe(false);
		expect(await miss.deleteMany(["a", "b"])).toBe(0);
		expect(await miss.get("a")).toBeNull();
		expect(logged).toEqual([
			["set", "a", "NOPERM"],
			["setMany", undefined, "NOPERM"],
			["delete", "a", "NOPERM"],
			["deleteMany", undefined, "BATCH"],
		]);
		expect(miss.stats().errors).toBe(4);
		// Bad input is nobody's refusal.
		expect(await rejectionOf(miss.set("", "v"))).toMatchObject({ code: "INVALID_ARGUMENT" });
		expect(logged).toHaveLength(4);
		const closed = await createClient(server.url);
		await closed.close();
		const gone = new RedisBackend({ client: closed, onError: "miss", log });
		expect(await rejectionOf(gone.get("a"))).toMatchObject({ name: "CacheConnectionError", code: "CLOSED" });
	});

	test("S3.6 S3.9 the log has the operation and the key, or without it with `redactKeys`", async () => {
		const logged: BackendFailure[] = [];
		const log = (failure: BackendFailure): unknown => logged.push(failure);
		const reader = limited[0] as Client;
		for (const redactKeys of [false, true]) {
			const backend = new RedisBackend({ client: reader, redactKeys, log: log as never });
			expect(await rejectionOf(backend.set("hunter2-key", VALUE))).toMatchObject({ code: "NOPERM" });
		}
		expect(logged.map(({ key }) => key)).toEqual(["hunter2-key", undefined]);
		expect(everythingOf(logged[1])).not.toContain("hunter2");
	});
});
