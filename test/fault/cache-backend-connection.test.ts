/** A backend's own connection: when it begins, and what ends it. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, type FactoryContext, RedisBackend, redisOptionsFromEnv } from "../../src/cache/index.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const timeouts = { commandMs: 300, connectMs: 300, startMs: 300, closeMs: 300 };

let server: ServerNode;
let proxy: TcpProxy;
beforeAll(async () => {
	server = await startStandalone();
	proxy = await TcpProxy.start(server);
});
afterAll(async () => {
	await proxy?.close();
	await server?.stop();
});

const sources = {
	url: () => ({ url: proxy.url }),
	connection: () => ({ connection: { url: proxy.url, timeouts } }),
	"the environment": () => redisOptionsFromEnv({ REDIS_URL: proxy.url }),
	"the environment of the process": () => {
		vi.stubEnv("REDIS_URL", proxy.url);
		return {};
	},
};

describe("a backend's connection", () => {
	test.each(
		Object.entries(sources),
	)("S3.2 from %s: it begins with the first call, once, and ends with its scope", async (_what, source) => {
		const before = proxy.connections.length;
		{
			await using backend = new RedisBackend(source());
			expect([proxy.connections.length - before, backend.isConnected]).toEqual([0, false]);
			expect(backend.stats()).toMatchObject({ commands: 0, connected: false });
			await Promise.all([backend.set("a", "1"), backend.get("a"), backend.exists("b"), backend.connect()]);
			expect([proxy.connections.length - before, backend.isConnected]).toEqual([1, true]);
			vi.unstubAllEnvs();
		}
		await waitUntil("it is closed", () => proxy.open === 0 || `${proxy.open} open`);
	});

	test("S3.2 S1.18 disconnected, it connects again when it is asked", async () => {
		const backend = new RedisBackend(sources.url());
		await backend.set("a", "1");
		await backend.disconnect();
		await backend.disconnect();
		expect(backend.isConnected).toBe(false);
		await waitUntil("it is closed", () => proxy.open === 0 || `${proxy.open} open`);
		expect((await backend.get("a"))?.toString()).toBe("1");
		expect(backend.isConnected).toBe(true);
		await backend.disconnect();
		await backend.connect();
		expect(await backend.ping()).toBe(true);
		await backend.disconnect();
	});

	test("S3.2 S2.8 a server that could not be reached costs one call its time, not those behind it; connect() tries at once", async () => {
		await using own = await TcpProxy.start(server);
		await using backend = new RedisBackend({ connection: { url: own.url, timeouts } });
		own.refuse();
		expect(await rejectionOf(backend.get("a"))).toMatchObject({ code: "CONNECTION" });
		await own.welcome();
		const { length } = own.connections;
		expect(await rejectionOf(backend.get("a"))).toMatchObject({ code: "CONNECTION" });
		expect(own.connections).toHaveLength(length);
		await backend.connect();
		expect(await backend.get("nothing")).toBeNull();
		own.refuse();
		own.cut();
		await backend.disconnect();
		expect(await rejectionOf(backend.get("a"))).toMatchObject({ code: "CONNECTION" });
		await own.welcome();
		await waitUntil("another try", async () => (await backend.ping()) || "not yet");
	});

	test("S3.2 disconnected while it connects, it is not left with what was closed", async () => {
		const backend = new RedisBackend(sources.url());
		const call = backend.get("a").catch((error) => error);
		await backend.disconnect();
		await call;
		expect((await backend.get("none")) === null).toBe(true);
		expect(await backend.ping()).toBe(true);
		await backend.disconnect();
		await waitUntil("it is closed", () => proxy.open === 0 || `${proxy.open} open`);
	});

	test("S3.2 disconnect() ends while the server is silent, or gone, with callers that wait for each other", async () => {
		for (const [key, away] of Object.entries({ silent: () => server.pause(), gone: async () => proxy.cut() })) {
			const backend = new RedisBackend(sources.connection());
			const cache = new Cache({ backend });
			const other = new RedisBackend({ url: server.url });
			// Another process holds the lease, so that this one subscribes.
			await other.leases.acquire(key, "token", 60_000);
			const aborted = new AbortController();
			// Without a store it is this process's turn after all.
			const untilAborted = ({ signal }: FactoryContext) => new Promise((resolve) => signal.addEventListener("abort", resolve));
			const waiting = rejectionOf(cache.getOrSet(key, untilAborted, { signal: aborted.signal }));
			await waitUntil("it has subscribed", async () => {
				const [, count] = (await server.raw("PUBSUB", "NUMSUB", "slotwire:filled:cache:")) as [string, number];
				return count === 1 || "not yet";
			});
			await away();
			await backend.disconnect();
			aborted.abort();
			expect(await waiting).toMatchObject({ code: "ABORTED" });
			await server.resume();
			await cache.close();
			await backend.disconnect();
			await other.leases.release(key, "token");
			await other.disconnect();
			await waitUntil("nothing is left", () => proxy.open === 0 || `${proxy.open} open`);
		}
	});

	test("S3.2 a client that was given stays open, and its owner's", async () => {
		await using client = await createClient(server.url);
		{
			await using backend = new RedisBackend({ client });
			await backend.set("a", "1");
		}
		expect(await client.get("cache:a")).toBe("1");
		const backend = new RedisBackend({ client });
		await backend.disconnect();
		expect((await backend.get("a"))?.toString()).toBe("1");
	});

	test("S3.2 a cache leaves its backend to its owner", async () => {
		await using backend = new RedisBackend({ url: server.url });
		await new Cache({ backend }).close();
		expect(await backend.ping()).toBe(true);
	});
});
