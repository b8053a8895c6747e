/** A cache whose server is not there: the source is asked, writes are counted, nothing hangs, and when it is back its values are hits again. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, CacheConnectionError, CacheError, CacheTimeoutError, RedisBackend } from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";
import { Gate } from "../support/gate.js";
import { TcpProxy } from "../support/proxy.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

const PASSWORD = "hunter2-password";
const VALUE = "hunter2-value";
const options = {
	auth: { password: PASSWORD },
	timeouts: { commandMs: 300, connectMs: 300, startMs: 300, closeMs: 300 },
	retry: { maxAttempts: 1, baseMs: 5, maxMs: 10 },
};

let server: ServerNode;
let proxy: TcpProxy;
let client: Client;
beforeAll(async () => {
	server = await startStandalone({ requirepass: PASSWORD, args: ["--appendonly", "yes", "--appendfsync", "always"] });
	proxy = await TcpProxy.start(server);
	client = await createClient({ url: proxy.url, ...options });
});
afterAll(async () => {
	client?.destroy();
	await proxy?.close();
	await server?.stop();
});
beforeEach(async () => {
	await server.raw("FLUSHALL");
});

/** Ways for it to be away, and to come back. */
const outages: Record<string, [away: () => Promise<void>, back: () => Promise<void>]> = {
	"that nobody accepts": [
		async () => {
			proxy.refuse();
			proxy.cut();
		},
		() => proxy.welcome(),
	],
	"that was killed": [() => server.kill(), () => server.restart()],
	"that stands still": [() => server.pause(), () => server.resume()],
};

/** Everything a cache may be asked, and what it gives without its store. */
async function everything(cache: Cache): Promise<void> {
	expect(await cache.get("a")).toBeUndefined();
	expect(await cache.getOrSet("a", () => VALUE, { tags: ["t"] })).toBe(VALUE);
	expect(await cache.getOrSetMany(["a", "b"], (keys) => keys.map(() => VALUE))).toEqual(new Map([["a", VALUE], ["b", VALUE]])); // biome-ignore format: one line
	const written: unknown[] = [];
	const calls = [
		cache.getMany(["a", "b"]),
		cache.has("a"),
		cache.set("a", VALUE),
		cache.set("a", VALUE, { tags: ["t"] }),
		cache.setMany([["a", VALUE], ["b", VALUE]]), // biome-ignore format: one line
		cache.delete("a"),
		cache.deleteMany(["a", "b"]),
		cache.expire("a"),
		cache.invalidateTags("t"),
		cache.clear(),
		cache.writeThrough("a", VALUE, (value) => written.push(value)),
	];
	expect(await Promise.all(calls)).toEqual([new Map(), false, false, false, 0, false, 0, false, false, 0, undefined]);
	expect(written).toEqual([VALUE]);
}

describe.each(Object.entries(outages))("a server %s", (_what, [away, back]) => {
	test("S2.8 S1.9 S1.17 reads go to the source, writes are counted, errors are typed, and then there are hits again", async () => {
		const backend = new RedisBackend({ client });
		await using cache = new Cache({ backend });
		await using strict = new Cache({ backend, failOpen: false });
		const errors: unknown[] = [];
		cache.on("error", (event) => errors.push(event));
		await waitUntil("it is stored", async () => (await cache.set("kept", VALUE, { ttl: "1h" })) || "not yet");
		await away();
		try {
			errors.length = 0;
			const before = cache.stats();
			await everything(cache);
			const { lostWrites, storeErrors } = cache.stats();
			// getOrSet 1, getOrSetMany 2; set 1 + 1, setMany 2, delete 1, deleteMany 2, expire 1, invalidateTags 1, writeThrough 1 + 1.
			expect(lostWrites - before.lostWrites).toBe(14);
			expect(storeErrors - before.storeErrors).toBe(errors.length);
			expect(errors.length).toBeGreaterThanOrEqual(14);
			for (const event of errors) {
				const { error } = event as { error: Error & { code: string } };
				expect(error).toBeInstanceOf(CacheConnectionError);
				expect(error instanceof CacheTimeoutError).toBe(error.code === "TIMEOUT");
				expect(error).toMatchObject({ code: expect.stringMatching(/^(CONNECTION|TIMEOUT)$/), cause: expect.any(Error) });
				expect(everythingOf(error)).not.toMatch(/hunter2/);
			}
			expect(backend.isConnected).toBe(false);
			expect(await backend.ping()).toBe(false);

			let asked = 0;
			const factory = (): number => ++asked;
			for (const call of [
				() => strict.get("kept"),
				() => strict.getOrSet("kept", factory),
				() => strict.getOrSetMany(["kept"], () => [factory()]),
				() => strict.set("kept", 1),
				() => strict.delete("kept"),
				() => strict.invalidateTags("t"),
			]) {
				const error = await rejectionOf(call());
				expect(error).toBeInstanceOf(CacheConnectionError);
				expect(everythingOf(error)).not.toMatch(/hunter2/);
			}
			expect(asked).toBe(0);
		} finally {
			await back();
		}
		await waitUntil("it answers", async () => (await cache.get("kept")) === VALUE || "not yet");
		expect(await cache.getOrSet("kept", () => expect.unreachable())).toBe(VALUE);
		expect(await cache.set("new", 1)).toBe(true);
		expect(await strict.get("new")).toBe(1);
		expect(backend.isConnected).toBe(true);
	});

	test("S2.7 S2.8 many callers of a key share one factory without the store too", async () => {
		await using cache = new Cache({ backend: new RedisBackend({ client }) });
		await waitUntil("it answers", async () => (await cache.set("up", 1)) || "not yet");
		await away();
		try {
			let calls = 0;
			const reads = Array.from({ length: 200 }, () => cache.getOrSet("a", () => `made ${++calls}`));
			expect(new Set(await Promise.all(reads))).toEqual(new Set(["made 1"]));
		} finally {
			await back();
		}
	});

	test("S2.8 it goes while the factory runs: the caller has its value, the write is counted", async () => {
		await using cache = new Cache({ backend: new RedisBackend({ client }) });
		await waitUntil("it answers", async () => (await cache.set("up", 1)) || "not yet");
		const [begun, gate] = [new Gate(), new Gate()];
		const made = cache.getOrSet("a", async () => {
			begun.open();
			await gate.opened;
			return VALUE;
		});
		await begun.opened;
		await away();
		try {
			gate.open();
			expect(await made).toBe(VALUE);
			expect(cache.stats()).toMatchObject({ lostWrites: 1 });
		} finally {
			await back();
		}
		await waitUntil("it answers", async () => (await cache.set("up", 1)) || "not yet");
	});
});

describe("a server that is not there from the beginning", () => {
	test("S1.9 S3.2 a backend with a URL of its own: the source is asked, and it connects as soon as it can", async () => {
		proxy.refuse();
		proxy.cut();
		await using backend = new RedisBackend({ connection: { url: proxy.url, ...options } });
		await using cache = new Cache({ backend });
		try {
			const reads = await Promise.all(Array.from({ length: 50 }, (_, i) => cache.getOrSet(`k${i}`, () => i)));
			expect(reads).toEqual(reads.map((_, i) => i));
			const error = await rejectionOf(backend.connect());
			expect(error).toBeInstanceOf(CacheError);
			expect(error).toMatchObject({ name: "CacheConnectionError", code: "CONNECTION", cause: expect.any(Error) });
			expect(await backend.health()).toMatchObject({ ok: false, latencyMs: null, error: { code: "CONNECTION" } });
			expect(everythingOf([error, await backend.health(), backend.config])).not.toMatch(/hunter2/);
		} finally {
			await proxy.welcome();
		}
		await backend.connect();
		expect(backend.isConnected).toBe(true);
		expect(await cache.getOrSet("a", () => 1)).toBe(1);
		expect(await cache.getOrSet("a", () => expect.unreachable())).toBe(1);
	});

	test("S3.6 a wrong password is a connection error, and not in it", async () => {
		await using backend = new RedisBackend({ url: `redis://:hunter2-wrong@${proxy.host}:${proxy.port}` });
		const error = await rejectionOf(backend.get("a"));
		expect(error).toMatchObject({ name: "CacheConnectionError", code: expect.stringMatching(/^(AUTH|WRONGPASS)$/) });
		expect(everythingOf(error)).not.toMatch(/hunter2/);
	});
});
