/** How bytes leave: without delay, in one write per tick; and that a broken socket is never an unhandled error. */
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { certificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";

let tls: ServerNode;
let plain: ServerNode;
let ca: string;
beforeAll(async () => {
	[tls, plain, { ca }] = await Promise.all([startStandalone({ tls: true }), startStandalone(), certificates()]);
});
afterAll(async () => {
	await Promise.all([tls.stop(), plain.stop()]);
});
afterEach(() => {
	vi.restoreAllMocks();
});

const transports = [
	["TCP", () => plain, {}],
	["TLS", () => tls, () => ({ tls: { ca } })],
] as const;
const optionsOf = (server: () => ServerNode, more: object | (() => object)) => ({
	url: server().url,
	...(typeof more === "function" ? more() : more),
});

describe.each(transports)("%s", (_name, server, more) => {
	test("C43 Nagle's algorithm is switched off", async () => {
		const probe = connect(plain.port, plain.host);
		await new Promise((resolve) => probe.once("connect", resolve));
		// The kernel's option cannot be read back from Node, so its one setter is watched.
		const handle = Object.getPrototypeOf((probe as unknown as { _handle: object })._handle);
		probe.destroy();
		const setNoDelay = vi.spyOn(handle, "setNoDelay");
		await using _client = await createClient(optionsOf(server, more));
		expect(setNoDelay).toHaveBeenCalledWith(true);
	});

	test.skipIf(process.platform !== "linux")("C43 keepalive begins after keepAliveMs, and not at all with 0", async () => {
		await using client = await createClient({ ...optionsOf(server, more), socket: { keepAliveMs: 40_000 } });
		await using without = await createClient({ ...optionsOf(server, more), socket: { keepAliveMs: 0 } });
		// The timer of an idle socket: "02:" and the time left, in hundredths of a second.
		const timer = async (owner: typeof client) => {
			const address = String(await owner.command("CLIENT", "INFO"));
			const port = Number(/ addr=[^ ]*:(\d+) /.exec(address)?.[1]);
			const loopback = (number: number) => `0100007F:${number.toString(16).toUpperCase().padStart(4, "0")}`;
			const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
			return lines.find(([, local, remote]) => local === loopback(port) && remote === loopback(server().port))?.[5];
		};
		await client.get("k");
		await expect.poll(() => timer(client), { interval: 20 }).toMatch(/^02:/);
		const [kind, left = ""] = (await timer(client))?.split(":") ?? [];
		expect(kind).toBe("02");
		expect(Number.parseInt(left, 16) / 100).toBeGreaterThan(30);
		expect(Number.parseInt(left, 16) / 100).toBeLessThanOrEqual(41);
		await without.get("k");
		await expect.poll(() => timer(without), { interval: 20 }).toMatch(/^00:/);
	});
});

describe("one write per tick", () => {
	test.each([
		2, 3,
	] as const)("C43 everything issued in a tick arrives in one chunk and is one flight, in RESP%i", async (protocol) => {
		await using proxy = await TcpProxy.start(plain);
		const chunks: Buffer[] = [];
		await using client = await createClient({ url: proxy.url, protocol });
		proxy.connections[0]?.toServer.tap((bytes) => chunks.push(Buffer.from(bytes)));
		const before = client.stats();
		const replies = await Promise.all([
			...Array.from({ length: 200 }, (_, index) => client.set(`writes:${index}`, index)),
			client.get("writes:7"),
			client.mget(["writes:1", "writes:2"]),
			client.setMany([["writes:x", "x"]]),
			client.pipeline().get("writes:3").incr("writes:3").exec(),
			client.command("STRLEN", "writes:150"),
		]);
		expect(replies.slice(200)).toEqual(["7", ["1", "2"], ["OK"], ["3", 4], 3]);
		const after = client.stats();
		expect(after.flights - before.flights).toBe(1);
		expect(after.commands - before.commands).toBe(206);
		expect(chunks).toHaveLength(1);
		expect(after.bytesWritten - before.bytesWritten).toBe(chunks[0]?.length);
	});

	test("C43 promise callbacks of the same tick share the write, the next turn has its own", async () => {
		await using client = await createClient(plain.url);
		const { flights } = client.stats();
		const later: Promise<unknown>[] = [];
		const first = client.get("writes:a");
		await Promise.all([first, Promise.resolve().then(() => void later.push(client.get("writes:b")))]);
		await Promise.all(later);
		expect(client.stats().flights).toBe(flights + 1);
		await client.get("writes:c");
		expect(client.stats().flights).toBe(flights + 2);
	});

	test("C43 the handshake counts as no flight and no command", async () => {
		await using client = await createClient({ url: plain.url, database: 2, name: "n" });
		expect(client.stats()).toMatchObject({ commands: 0, flights: 0, inFlight: 0, reconnects: 0 });
		await client.get("writes:none");
		expect(client.stats()).toMatchObject({ commands: 1, flights: 1, inFlight: 0 });
	});

	test("C43 a large value and its neighbours are corked into one write of several pieces", async () => {
		await using client = await createClient({ url: inject("standaloneUrl") });
		const value = Buffer.alloc(300_000, "v");
		const { flights } = client.stats();
		const replies = await Promise.all([client.set("writes:p", 1), client.set("writes:big", value), client.get("writes:p")]);
		expect(replies).toEqual(["OK", "OK", "1"]);
		expect(client.stats().flights).toBe(flights + 1);
		expect((await client.buffers.get("writes:big"))?.equals(value)).toBe(true);
	});
});

test("C43 B10 what waits for a slow peer leaves unchanged and in order", async () => {
	await using proxy = await TcpProxy.start(plain);
	await using client = await createClient({ url: proxy.url });
	const toServer = proxy.connections[0]?.toServer;
	toServer?.stall();
	const keys: string[] = [];
	const calls: Promise<unknown>[] = [];
	const expected = (key: string) => `${key}:`.padEnd(1000 + (key.length % 7), key);
	// More than the kernel takes, in small writes: the ones that find its buffer full wait in the socket while the next are encoded.
	for (let round = 0; round < 2000; round++) {
		for (let i = 0; i < 5; i++) {
			const key = `writes:slow:${keys.push("") - 1}`;
			keys[keys.length - 1] = key;
			calls.push(client.set(key, expected(key)));
		}
		await turn();
	}
	toServer?.resume();
	expect(new Set(await Promise.all(calls))).toEqual(new Set(["OK"]));
	const values = await client.mget(keys);
	expect(values.findIndex((value, index) => value !== expected(keys[index] as string))).toBe(-1);
});

describe("errors of sockets are handled", () => {
	test.each(["fin", "rst"] as const)("C43 a connection cut by %s while idle is replaced, and nothing is thrown", async (how) => {
		await using proxy = await TcpProxy.start(plain);
		await using client = await createClient({ url: proxy.url, retry: { baseMs: 1, maxMs: 5 } });
		proxy.cut(how);
		await proxy.accepted(2);
		expect(await client.get("writes:none")).toBeNull();
		expect(client.stats().reconnects).toBeGreaterThanOrEqual(1);
	});

	test("C43 a server that goes away, and a client that is destroyed twice, throw nothing", async () => {
		await using node = await FakeNode.start();
		const client = await createClient({ url: node.url, retry: { baseMs: 1, maxMs: 5 }, timeouts: { commandMs: 300 } });
		const refused = node.refuse();
		node.connections[0]?.reset();
		await refused;
		const error = await client.get("k").catch((reason) => reason);
		expect(error.code).toMatch(/^(TIMEOUT|CONNECTION)$/);
		client.destroy();
		client.destroy();
		await client.close();
		await expect(client.get("k")).rejects.toMatchObject({ code: "CLOSED" });
	});
});
