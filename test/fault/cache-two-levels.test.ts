/** The first level of a two-level store: what other processes write is dropped, and all of it when nobody can tell what they wrote. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, RedisBackend, TieredBackend } from "../../src/cache/index.js";
import { type Client, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";

let server: ServerNode;
let proxy: TcpProxy;
beforeAll(async () => {
	server = await startStandalone({ users: { mute: "on >secret ~* +@all resetchannels" } });
	proxy = await TcpProxy.start(server);
});
afterAll(async () => {
	await proxy?.close();
	await server?.stop();
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let readers: Client;
	let writers: Client;
	let reader: TieredBackend;
	let writer: TieredBackend;
	let tests = 0;
	beforeAll(async () => {
		// Apart from the connection for commands, so that either can be held.
		readers = await createClient({ url: proxy.url, protocol, pool: { subscriber: "dedicated" }, retry: { maxMs: 50 } });
		writers = await createClient({ url: server.url, protocol });
	});
	afterAll(async () => {
		await Promise.all([readers?.close(), writers?.close()]);
	});
	beforeEach(async () => {
		tests += 1;
		const keyPrefix = `levels:${protocol}:${tests}:`;
		reader = new TieredBackend({ backend: new RedisBackend({ client: readers, keyPrefix }) });
		writer = new TieredBackend({ backend: new RedisBackend({ client: writers, keyPrefix }) });
		await Promise.all([reader.connect(), writer.connect()]);
		return async () => {
			await Promise.all([reader.disconnect(), writer.disconnect()]);
		};
	});

	const text = async (key: string) => (await reader.get(key))?.toString() ?? null;
	/** Commands that reading `key` costs. */
	const cost = async (key: string) => {
		const { commands } = readers.stats();
		await reader.get(key);
		return readers.stats().commands - commands;
	};
	/** Word of an earlier write may come behind the first read. */
	const kept = async (key: string) => {
		await waitUntil("the key to be kept", async () => (await cost(key)) === 0 || "it is not");
	};
	const dropped = async (key: string) => {
		await waitUntil("the key to be dropped", async () => (await cost(key)) > 0 || "it is there");
	};

	test("S2.9 what was read answers without a command, until somebody writes it: set, delete, many, clear, and a cache that fills it", async () => {
		await writer.set("k", "1");
		expect(await text("k")).toBe("1");
		await kept("k");
		expect(await reader.exists("k")).toBe(true);
		expect(reader.firstLevel).toMatchObject({ entries: 1, live: true });
		await writer.set("k", "2");
		await waitUntil("the new value", async () => (await text("k")) === "2" || "the old one");
		await writer.setMany([{ key: "k", value: "3" }]);
		await waitUntil("the new value", async () => (await text("k")) === "3" || "the old one");
		await writer.deleteMany(["k"]);
		await waitUntil("its deletion", async () => (await text("k")) === null || "it is there");
		await writer.set("k", "4");
		expect(await text("k")).toBe("4");
		await writer.delete("k");
		await waitUntil("its deletion", async () => (await text("k")) === null || "it is there");
		await writer.set("k", "5");
		expect(await text("k")).toBe("5");
		await writer.clear();
		await waitUntil("its deletion", async () => (await text("k")) === null || "it is there");
		await using cache = new Cache({ backend: writer, ttl: "1h" });
		await using other = new Cache({ backend: reader, ttl: "1h" });
		expect(await cache.getOrSet("c", () => "made")).toBe("made");
		expect(await other.get("c")).toBe("made");
		await kept("c");
		await cache.set("c", "written");
		await waitUntil("the new value", async () => (await other.get("c")) === "written" || "the old one");
	});

	test("S2.9 a key that is written leaves the others where they are, and one's own writes are seen at once", async () => {
		await writer.setMany([
			{ key: "a", value: "1" },
			{ key: "b", value: "1" },
		]);
		expect(await reader.getMany(["a", "b"])).toEqual([Buffer.from("1"), Buffer.from("1")]);
		await kept("a");
		await kept("b");
		await writer.set("a", "2");
		await dropped("a");
		expect(await cost("b")).toBe(0);
		await reader.set("b", "2");
		expect(await text("b")).toBe("2");
		await kept("b");
	});

	test("S2.9 what the caller does to a value it got does nothing to the next one's", async () => {
		await writer.set("k", "abc");
		for (let i = 0; i < 2; i++) (await reader.get("k"))?.fill(0);
		expect(await text("k")).toBe("abc");
	});

	test("a value is kept no longer than it lives on the server", async () => {
		await writer.set("k", "v", { ttl: 300 });
		expect(await text("k")).toBe("v");
		await kept("k");
		await waitUntil("its end", async () => (await text("k")) === null || "it is there", { timeoutMs: 3000 });
	});

	test("C40 with the subscription lost all of it is dropped: what was written meanwhile is seen, and nothing old is kept", async () => {
		await writer.setMany([
			{ key: "a", value: "1" },
			{ key: "b", value: "1" },
		]);
		await reader.getMany(["a", "b"]);
		proxy.refuse();
		proxy.cut();
		await waitUntil("the loss", () => !reader.firstLevel.live || "it is live");
		// Nobody is told of this.
		await writer.set("a", "2");
		await proxy.welcome();
		await waitUntil("the subscription", () => reader.firstLevel.live || "it is lost");
		expect(reader.firstLevel).toMatchObject({ entries: 0, dropped: 1 });
		expect(await text("a")).toBe("2");
		await kept("a");
	});

	test("C40 the server ends the subscription alone: values come from the store until it is back", async () => {
		await writer.set("a", "1");
		expect(await text("a")).toBe("1");
		const list = String(await server.raw("CLIENT", "LIST", "TYPE", "pubsub"));
		for (const [, id] of list.matchAll(/id=(\d+) /g)) await server.raw("CLIENT", "KILL", "ID", id as string);
		await writer.set("a", "2");
		await waitUntil("the drop", () => reader.firstLevel.dropped > 0 || "none");
		expect(await text("a")).toBe("2");
		await waitUntil("the subscription", () => reader.firstLevel.live || "it is lost");
		await reader.get("a");
		await kept("a");
	});

	test("a value that was written while it was read is given to its reader, and not kept", async () => {
		await writer.set("k", "old");
		await reader.get("other");
		const commands = proxy.connections.filter(({ closed }) => !closed);
		for (const { toClient } of commands.slice(0, 1)) toClient.stall();
		const reads = async () => Number(/cmdstat_pttl:calls=(\d+)/.exec(String(await server.raw("INFO", "commandstats")))?.[1]);
		const before = await reads();
		const reading = text("k");
		await waitUntil("the read at the server", async () => (await reads()) > before || "not yet");
		await writer.set("k", "new");
		// On the other connection the word comes all the same.
		await writer.set("marker", "1");
		for (const { toClient } of commands.slice(0, 1)) toClient.resume();
		expect(await reading).toBe("old");
		expect(await text("k")).toBe("new");
	});
});

test("without the right to subscribe the first level is not used, and everything else works", async () => {
	await using client = await createClient(`redis://mute:secret@127.0.0.1:${server.port}`);
	await using backend = new TieredBackend({ backend: new RedisBackend({ client, keyPrefix: "mute:" }) });
	await backend.connect();
	await backend.set("k", "v");
	for (let i = 0; i < 2; i++) expect((await backend.get("k"))?.toString()).toBe("v");
	expect(backend.firstLevel).toMatchObject({ hits: 0, entries: 0, live: false });
	expect(await backend.health()).toMatchObject({
		ok: true,
		levels: [{ ok: false, error: { code: "CONNECTION" } }, { ok: true }],
	});
});
