/** A store that is away while a value is made: for a moment that costs nothing, and what cannot be said to it is counted. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, RedisBackend } from "../../src/cache/index.js";
import { createClient } from "../../src/index.js";
import { Gate } from "../support/gate.js";
import { TcpProxy } from "../support/proxy.js";

const HOUR = 3_600_000;
const timeouts = { commandMs: 300, connectMs: 300, startMs: 2000 };
const retry = { maxAttempts: 1, baseMs: 5, maxMs: 10 };

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server?.stop());

test("S2.7 S2.8 a holder that cannot reach the store for a moment prolongs its lease when it can again, and is the only one", async () => {
	await using proxy = { own: await TcpProxy.start(server), [Symbol.asyncDispose]: () => proxy.own.close() };
	await using client = await createClient({ url: proxy.own.url, timeouts, retry });
	await using direct = await createClient(server.url);
	// Time for two turns without the store before it is too late.
	await using cache = new Cache({ backend: new RedisBackend({ client }), leaseTtl: 4500 });
	await using other = new Cache({ backend: new RedisBackend({ client: direct }) });
	const failed: string[] = [];
	cache.on("error", ({ operation }) => failed.push(operation));
	const [begun, gate] = [new Gate(), new Gate()];
	const made = cache.getOrSet("k", async () => {
		begun.open();
		await gate.opened;
		return "made";
	});
	await begun.opened;
	proxy.own.refuse();
	proxy.own.cut();
	await waitUntil("it could not be prolonged", () => failed.length > 0 || "not yet");
	await proxy.own.welcome();
	let left = await direct.pttl("slotwire:lease:cache:k");
	await waitUntil("it was prolonged", async () => {
		const before = left;
		left = await direct.pttl("slotwire:lease:cache:k");
		return left > before || `${left} ms are left`;
	});
	const waits = other.getOrSet("k", () => expect.unreachable());
	gate.open();
	expect(await Promise.all([made, waits])).toEqual(["made", "made"]);
	expect(new Set(failed)).toEqual(new Set(["renew"]));
	expect(cache.stats()).toMatchObject({ lostWrites: 0, sets: 1 });
});

test.each<[what: string, ask: (cache: Cache, none: () => Promise<undefined>) => Promise<unknown>, made: unknown]>([
	["one key, by a lease", (cache, none) => cache.getOrSet("k", none, { grace: HOUR }), undefined],
	["one key, without a lease", (cache, none) => cache.getOrSet("k", none, { grace: HOUR, forceFresh: true }), undefined],
	["many keys", (cache, none) => cache.getOrSetMany(["k"], async () => [await none()], { grace: HOUR }), new Map()],
])("S2.8 S3.6 an old value that cannot be removed is counted and told of, and whoever asked has the source's word: %s", async (_, ask, made) => {
	await using store = await startStandalone();
	await using client = await createClient({ url: store.url, timeouts, retry });
	await using cache = new Cache({ backend: new RedisBackend({ client }) });
	await cache.set("k", "old", { ttl: 1, grace: HOUR });
	await waitUntil("it is old", async () => (await cache.get("k")) === undefined || "fresh");
	const told: string[] = [];
	cache.on("error", ({ operation }) => told.push(operation));
	cache.on("delete", () => told.push("a deletion"));
	expect(await ask(cache, async () => void (await store.kill()))).toEqual(made);
	expect(told).toEqual(["delete"]);
	expect(cache.stats()).toMatchObject({ lostWrites: 1, storeErrors: 1, deletes: 0 });
});
