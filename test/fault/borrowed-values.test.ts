/** Large Buffers are borrowed until the promise settles: after that, not one byte of them goes out. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type BatchError, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const BIG = 16 * 1024 * 1024;

/** Every socket that this process connects with, the client's among them. */
let sockets: Socket[];
const connected = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
beforeEach(() => {
	sockets = [];
	subscribe("net.client.socket", connected);
});
afterEach(() => {
	unsubscribe("net.client.socket", connected);
});

/** Whether a socket's "close" event was there: from then on the kernel has no hold on anybody's memory. */
function closing(socket: Socket): () => boolean {
	let closed = false;
	socket.once("close", () => {
		closed = true;
	});
	return () => closed;
}

/** The server's side reads no more; resolves with the client's own socket. */
async function stalledPeer(node: FakeNode): Promise<Socket> {
	const [connection] = node.connections;
	connection!.socket.pause();
	return sockets.find(({ localPort }) => localPort === connection!.socket.remotePort)!;
}

async function queued(socket: Socket): Promise<void> {
	await waitUntil("the kernel takes no more", () => socket.writableLength > 0 || "not yet");
}

describe.each([
	["deadline", "TIMEOUT", 2],
	["deadline", "TIMEOUT", 3],
	["abort", "ABORTED", 3],
] as const)("%s, %s, RESP%i", (how, code, protocol) => {
	test.each([
		"set",
		"setMany",
		"pipeline",
	])("B10 %s to a peer that does not read: settled after the connection's close", async (call) => {
		await using node = await FakeNode.start();
		node.always(["GET"], "$-1\r\n");
		await using client = await createClient({ url: node.url, protocol });
		const socket = await stalledPeer(node);
		const isClosed = closing(socket);
		const value = Buffer.alloc(BIG, "a");
		const abort = new AbortController();
		const view = client.with(how === "abort" ? { signal: abort.signal } : { timeoutMs: 200 });
		const settled = (
			call === "set"
				? rejectionOf(view.set("k", value))
				: call === "setMany"
					? rejectionOf(view.setMany([["k", value]])).then((error) => (error as BatchError).results[0])
					: view
							.pipeline()
							.set("k", value)
							.exec()
							.then(([result]) => result)
		).then((error) => ({ error, closed: isClosed() }));
		await queued(socket);
		abort.abort();
		const { error, closed } = await settled;
		value.fill("b");
		expect(error).toMatchObject({ code, maybeExecuted: true });
		expect(closed).toBe(true);
		// Whatever was on its way had left before.
		node.connections[0]!.socket.resume();
		await waitUntil("the peer saw the end", () => node.connections[0]!.closed || "not yet");
		expect(node.connections[0]!.received.includes("b".repeat(10))).toBe(false);
		expect(await client.get("later")).toBe(null);
		expect(node.connections).toHaveLength(2);
	});
});

test("B10 C24 neighbours of a command given up so: reads are asked again, writes are of unknown fate", async () => {
	await using node = await FakeNode.start();
	node.always(["GET"], "$1\r\nv\r\n").always(["INCR"], ":1\r\n");
	await using client = await createClient({ url: node.url, retry: { baseMs: 5, maxMs: 5 } });
	const socket = await stalledPeer(node);
	const abort = new AbortController();
	const read = client.get("before");
	const write = rejectionOf(client.incr("before"));
	const big = rejectionOf(client.with({ signal: abort.signal }).set("k", Buffer.alloc(BIG)));
	await queued(socket);
	const behind = client.incr("behind");
	abort.abort();
	expect(await big).toMatchObject({ code: "ABORTED", maybeExecuted: true });
	expect(await write).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	expect(await read).toBe("v");
	expect(await behind).toBe(1);
});

test.each([
	"TIMEOUT",
	"ABORTED",
])("B10 C19 its bytes have left: %s, the connection lives and the late reply is swallowed", async (code) => {
	await using node = await FakeNode.start();
	node.always(["GET"], "$5\r\nright\r\n").always(["SET"], () => undefined);
	await using client = await createClient(node.url);
	const abort = new AbortController();
	const value = Buffer.alloc(256 * 1024, "a");
	const view = client.with(code === "ABORTED" ? { signal: abort.signal } : { timeoutMs: 300 });
	const call = rejectionOf(view.set("k", value));
	await waitUntil("the peer has it", () => node.connections[0]!.commands.some(([name]) => name === "SET") || "not yet");
	abort.abort();
	expect(await call).toMatchObject({ code, maybeExecuted: true });
	await node.connections[0]!.write("+OK\r\n");
	expect(await client.get("later")).toBe("right");
	expect(node.connections).toHaveLength(1);
	expect(client.stats()).toMatchObject({ reconnects: 0, inFlight: 0 });
});

test("B10 aborted before it was written: nothing goes out, the connection lives", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	await client.set("borrowed:unsent", "old");
	const abort = new AbortController();
	const value = Buffer.alloc(BIG, "a");
	const call = rejectionOf(client.with({ signal: abort.signal }).set("borrowed:unsent", value));
	abort.abort();
	expect(await call).toMatchObject({ code: "ABORTED" });
	expect(await client.get("borrowed:unsent")).toBe("old");
	expect(client.stats().reconnects).toBe(0);
});

test("B10 a value behind it that is detached before its turn: an error for it alone", async () => {
	await using proxy = await TcpProxy.start({
		host: new URL(inject("standaloneUrl")).hostname,
		port: Number(new URL(inject("standaloneUrl")).port),
	});
	await using client = await createClient(proxy.url);
	proxy.connections[0]!.toServer.stall();
	const first = client.set("borrowed:first", Buffer.alloc(BIG, "a"));
	await waitUntil("it was written", () => client.stats().bytesWritten > BIG || "not yet");
	const detached = new Uint8Array(64 * 1024).fill(97);
	const second = rejectionOf(client.set("borrowed:second", detached));
	const third = client.set("borrowed:third", Buffer.alloc(64 * 1024, "c"));
	structuredClone(detached.buffer, { transfer: [detached.buffer] });
	proxy.connections[0]!.toServer.resume();
	expect(await first).toBe("OK");
	expect(await second).toMatchObject({ code: "INVALID_ARGUMENT" });
	expect(await third).toBe("OK");
	expect(await client.existsMany(["borrowed:first", "borrowed:second", "borrowed:third"])).toBe(2);
	await client.delMany(["borrowed:first", "borrowed:third"]);
	expect(client.stats().reconnects).toBe(0);
});

describe("copies", () => {
	let server: ServerNode;
	beforeAll(async () => {
		server = await startStandalone();
	});
	afterAll(() => server?.stop());

	test.each([
		["the view", { client: false, view: true }],
		["the client", { client: true, view: undefined }],
		["the client, and the view says the same", { client: true, view: true }],
	])("B10 copy of %s: what is done to a Buffer after the call changes nothing", async (_, { client: copy, view }) => {
		await using client = await createClient({ url: server.url, copy });
		const copying = view === undefined ? client : client.with({ copy: view });
		const values = [16 * 1024, 256 * 1024, 8 * 1024 * 1024].map((size) => Buffer.alloc(size, "a"));
		const key = Buffer.alloc(20 * 1024, "k");
		await server.pause();
		let calls: Promise<unknown>[];
		try {
			calls = values.map((value, i) => copying.set(`copied:${i}`, value));
			calls.push(copying.setMany([["copied:many", values[1]!]]), copying.pipeline().set("copied:pipeline", values[1]!).exec());
			calls.push(copying.set(key, "v"), copying.command("SET", "copied:command", values[0]!));
			// In the call's own tick, before anything is written, and again when part of it was.
			for (const value of [...values, key]) value.fill("b");
			await waitUntil("it is written", () => client.stats().bytesWritten > 8 * 1024 * 1024 || "not yet");
			for (const value of [...values, key]) value.fill("c");
		} finally {
			await server.resume();
		}
		await Promise.all(calls);
		for (const [i, value] of values.entries()) {
			expect((await client.buffers.get(`copied:${i}`))!.equals(Buffer.alloc(value.length, "a"))).toBe(true);
		}
		for (const name of ["many", "pipeline", "command"]) {
			const stored = (await client.buffers.get(`copied:${name}`))!;
			expect(stored.every((byte) => byte === 97)).toBe(true);
		}
		expect(await client.get(Buffer.alloc(20 * 1024, "k"))).toBe("v");
		await server.raw("FLUSHALL");
	});
});
