/** A two-level store that ends, comes back, or cannot say what it wrote: nothing is left open, and no first level keeps what is out of date. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createRedisBackend, RedisBackend, TieredBackend } from "../../src/cache/index.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";

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

const text = async (backend: TieredBackend, key: string) => (await backend.get(key))?.toString() ?? null;
const tieredOf = (keyPrefix: string, url = server.url) => new TieredBackend({ backend: new RedisBackend({ url, keyPrefix }) });
const live = (backend: TieredBackend) => waitUntil("the subscription", () => backend.firstLevel.live || "it is lost");
const named = async (name: string) => String(await server.raw("CLIENT", "LIST")).split(`name=${name} `).length - 1;

test("S1.18 a write that is under way when the store is ended opens nothing anew", async () => {
	const connection = { url: server.url, name: "ending" };
	const backend = new TieredBackend({ backend: new RedisBackend({ connection, keyPrefix: "ends:" }) });
	// Without a subscription, whose end would be waited for.
	expect(await backend.ping()).toBe(true);
	const writing = backend.set("k", "v");
	await backend.disconnect();
	expect(await writing).toBe(true);
	await waitUntil("no connection", async () => (await named("ending")) === 0 || "there is one");
	expect(backend.firstLevel.live).toBe(false);
});

test("S1.18 a store that is ended while it connects subscribes to nothing", async () => {
	await using client = await createClient(server.url);
	const backend = new TieredBackend({ backend: new RedisBackend({ client, keyPrefix: "early:" }) });
	const connecting = backend.connect();
	await backend.disconnect();
	await connecting;
	expect(await server.raw("PUBSUB", "NUMSUB", "slotwire:changed:early:")).toEqual(["slotwire:changed:early:", 0]);
});

test("S2.9 what was kept before the shared store was let go is not given out after it", async () => {
	const shared = new RedisBackend({ url: server.url, keyPrefix: "again:" });
	await using backend = new TieredBackend({ backend: shared });
	await backend.connect();
	await server.raw("SET", "again:k", "old");
	expect(await text(backend, "k")).toBe("old");
	expect(backend.firstLevel.entries).toBe(1);
	await shared.disconnect();
	await server.raw("SET", "again:k", "new");
	await backend.connect();
	await live(backend);
	expect(await text(backend, "k")).toBe("new");
});

test("S2.9 what a bad argument did not write, nobody is told of", async () => {
	await using reader = tieredOf("bad:");
	await using writer = tieredOf("bad:");
	await Promise.all([reader.connect(), writer.connect()]);
	await server.raw("SET", "bad:k", "v");
	await reader.get("k");
	expect(reader.firstLevel.entries).toBe(1);
	await expect(writer.set(undefined as never, "v")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	await expect(writer.setMany([{ key: 5 as never, value: "v" }])).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
	await expect(writer.clear({ nope: 1 } as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
	// Behind what they would have said.
	await writer.set("other", "v");
	await reader.get("k");
	expect(reader.firstLevel).toMatchObject({ entries: 1, dropped: 0 });
});

test("S2.9 clearing is no loss of messages", async () => {
	await using backend = tieredOf("clear:");
	await backend.connect();
	await backend.clear();
	expect(backend.firstLevel.dropped).toBe(0);
});

test("S2.9 C40 a writer that lost its connection before it could tell of its write tells of it later", async () => {
	await using reader = tieredOf("untold:");
	await using writer = tieredOf("untold:", proxy.url);
	await Promise.all([reader.connect(), writer.connect()]);
	await writer.set("k", "old");
	await waitUntil(
		"the key to be kept",
		async () => ((await text(reader, "k")) === "old" && reader.firstLevel.entries === 1) || "no",
	);
	for (const { toClient } of proxy.connections) toClient.stall();
	const writing = writer.set("k", "new").catch((error) => error.code);
	await waitUntil("the write", async () => String(await server.raw("GET", "untold:k")) === "new" || "not yet");
	proxy.refuse();
	proxy.cut();
	await writing;
	await proxy.welcome();
	await waitUntil("the new value", async () => (await text(reader, "k")) === "new" || "the old one", { timeoutMs: 10_000 });
});

test("S1.18 going through all keys ends with the store, and opens nothing anew", async () => {
	const backend = new RedisBackend({ connection: { url: server.url, name: "scanning" }, keyPrefix: "scan:" });
	await backend.setMany(Array.from({ length: 100 }, (_, i) => ({ key: `${i}`, value: "v" })));
	const keys = backend.scan({ count: 1 })[Symbol.asyncIterator]();
	await keys.next();
	await backend.disconnect();
	const rest = async () => {
		while (!(await keys.next()).done);
	};
	await expect(rest()).rejects.toMatchObject({ name: "CacheConnectionError", code: "CLOSED" });
	await waitUntil("no connection", async () => (await named("scanning")) === 0 || "there is one");
});

test("S1.9 with onError miss what the server refuses is nothing found, by way of the first level too", async () => {
	await server.raw("ACL", "SETUSER", "blind", "on", ">secret", "~*", "&*", "+@all", "-mget");
	await using client = await createClient(`redis://blind:secret@127.0.0.1:${server.port}`);
	await using backend = new TieredBackend({ backend: new RedisBackend({ client, keyPrefix: "blind:", onError: "miss" }) });
	await backend.connect();
	await live(backend);
	expect(await backend.getMany(["a", "b"])).toEqual([null, null]);
	expect(backend.stats().errors).toBe(1);
});

test("S3.7 a fallback that is no backend is refused when it is given, not when it is needed", async () => {
	await expect(createRedisBackend({ url: server.url, fallback: {} as never })).rejects.toMatchObject({ code: "INVALID_OPTION" });
	await expect(createRedisBackend({ url: server.url, env: null as never })).rejects.toMatchObject({ code: "INVALID_OPTION" });
});
