/** A Buffer lent to `getInto` belongs to the client until the promise settles, and to its owner from then on. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

/** Bytes that tell where they belong. */
function patterned(length: number): Buffer {
	const bytes = Buffer.alloc(length);
	for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff;
	return bytes;
}

let sockets: Socket[];
const connected = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
beforeEach(() => {
	sockets = [];
	subscribe("net.client.socket", connected);
});
afterEach(() => {
	unsubscribe("net.client.socket", connected);
});

/** Writes on the fake's only connection, and waits until the client has read that. */
async function say(node: FakeNode, client: Client, bytes: string | Buffer): Promise<void> {
	const before = client.stats().bytesRead;
	await node.connections[0]!.write(bytes);
	await waitUntil("it is read", () => client.stats().bytesRead >= before + bytes.length || "not yet");
}

function givingUp(how: "abort" | "deadline", client: Client) {
	const abort = new AbortController();
	const view = client.with(how === "abort" ? { signal: abort.signal } : { timeoutMs: 250 });
	return { view, now: () => (how === "abort" ? abort.abort() : undefined), code: how === "abort" ? "ABORTED" : "TIMEOUT" };
}

describe.each([
	["abort", 2],
	["abort", 3],
	["deadline", 3],
] as const)("%s, RESP%i", (how, protocol) => {
	// Small enough to arrive with others, and so large that the socket may read straight into the target.
	test.each([1000, 1_000_000])("C19 before the first byte of a body of %i: the target is never touched", async (length) => {
		await using node = await FakeNode.start();
		node.always(["GET"], () => undefined);
		await using client = await createClient({ url: node.url, protocol });
		const target = Buffer.alloc(length, "t");
		const { view, now, code } = givingUp(how, client);
		const call = rejectionOf(view.getInto("k", target));
		await waitUntil("it is asked", () => node.commands.length === 1 || "not yet");
		await say(node, client, `$${length}\r\n`);
		now();
		expect(await call).toMatchObject({ code, maybeExecuted: true });
		const later = client.get("later");
		await waitUntil("the next is asked", () => node.commands.length === 2 || "not yet");
		await say(node, client, Buffer.concat([Buffer.alloc(length, "x"), Buffer.from("\r\n$5\r\nright\r\n")]));
		expect(await later).toBe("right");
		expect(target.every((byte) => byte === "t".charCodeAt(0))).toBe(true);
		expect(node.connections).toHaveLength(1);
		expect(client.stats()).toMatchObject({ reconnects: 0, inFlight: 0 });
	});

	test.each([
		1000, 1_000_000,
	])("C19 within a body of %i: settled after the close, and not a byte is written after that", async (length) => {
		await using node = await FakeNode.start();
		node.always(["GET"], (_, { index }) => (index === 0 ? undefined : "$5\r\nright\r\n"));
		await using client = await createClient({ url: node.url, protocol, retry: { baseMs: 5, maxMs: 5 } });
		let wasClosed = false;
		sockets[0]!.once("close", () => {
			wasClosed = true;
		});
		const target = Buffer.alloc(length, "t");
		const { view, now, code } = givingUp(how, client);
		const call = rejectionOf(view.getInto("k", target)).then((error) => ({ error, closed: wasClosed }));
		const neighbour = client.get("neighbour");
		await waitUntil("both are asked", () => node.commands.length === 2 || "not yet");
		await say(node, client, `$${length}\r\n${"x".repeat(500)}`);
		now();
		// What comes now may not reach the target any more.
		node.connections[0]!.socket.write(Buffer.alloc(length - 500, "y"));
		const { error, closed } = await call;
		const left = Buffer.from(target);
		expect(error).toMatchObject({ code, maybeExecuted: true });
		expect(closed).toBe(true);
		expect(await neighbour).toBe("right");
		expect(await client.get("later")).toBe("right");
		expect(target.equals(left)).toBe(true);
		expect(node.connections).toHaveLength(2);
	});

	test("C19 while the reply before it arrives: the target is never touched, and the connection lives", async () => {
		await using node = await FakeNode.start();
		node.always(["GET"], () => undefined);
		await using client = await createClient({ url: node.url, protocol });
		const target = Buffer.alloc(100, "t");
		const { view, now, code } = givingUp(how, client);
		const before = client.get("before");
		const call = rejectionOf(view.getInto("k", target));
		await waitUntil("both are asked", () => node.commands.length === 2 || "not yet");
		await say(node, client, "$5\r\nri");
		now();
		expect(await call).toMatchObject({ code, maybeExecuted: true });
		await say(node, client, "ght\r\n$10\r\n0123456789\r\n");
		expect(await before).toBe("right");
		expect(target.every((byte) => byte === "t".charCodeAt(0))).toBe(true);
		expect(node.connections).toHaveLength(1);
	});
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C19 a target that is too small: how much is needed, its bytes as they were, the connection in step", async () => {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		for (const length of [11, 100_000, 3_000_000]) {
			await client.set("lent:small", patterned(length));
			const target = Buffer.alloc(length - 1, "t");
			const small = rejectionOf(client.getInto("lent:small", target));
			const behind = client.buffers.get("lent:small");
			expect(await small).toMatchObject({ code: "TARGET_TOO_SMALL", needed: length });
			expect(target.every((byte) => byte === "t".charCodeAt(0))).toBe(true);
			expect((await behind)!.equals(patterned(length))).toBe(true);
			const fitting = Buffer.alloc(length);
			expect(await client.getInto("lent:small", fitting)).toBe(length);
			expect(fitting.equals(patterned(length))).toBe(true);
		}
		expect(await client.getInto("lent:none", Buffer.alloc(1))).toBe(null);
		expect(client.stats().reconnects).toBe(0);
		await client.delMany(["lent:small"]);
	});

	test("C19 lent twice: the second call is refused, the first goes on; after it the target may be lent again", async () => {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		await client.set("lent:twice", "value");
		const target = Buffer.alloc(10);
		const first = client.getInto("lent:twice", target);
		for (const view of [client, client.with({ timeoutMs: 100 }), client.buffers]) {
			await expect(view.getInto("lent:twice", target)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", index: 2 });
		}
		expect(await first).toBe(5);
		expect(await client.getInto("lent:twice", target)).toBe(5);
		const abort = new AbortController();
		const aborted = rejectionOf(client.with({ signal: abort.signal }).getInto("lent:twice", target));
		abort.abort();
		expect(await aborted).toMatchObject({ code: "ABORTED" });
		expect(await client.getInto("lent:twice", target)).toBe(5);
	});

	test.each([
		"fin",
		"rst",
	] as const)("C19 C24 cut within the body (%s): the retry starts at the beginning, and the target is right", async (how) => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 5, maxMs: 5 } });
		const value = patterned(2_000_000);
		await client.set("lent:cut", value);
		const target = Buffer.alloc(value.length + 10, "t");
		proxy.connections[0]!.toClient.cutAt(proxy.connections[0]!.toClient.forwarded + 700_001, { client: how, server: "rst" });
		proxy.onConnection(({ index, toClient }) => {
			if (index === 1) toClient.cutAt(1_300_000, { client: how, server: "rst" });
		});
		expect(await client.getInto("lent:cut", target)).toBe(value.length);
		expect(target.subarray(0, value.length).equals(value)).toBe(true);
		expect(target.subarray(value.length).toString()).toBe("t".repeat(10));
		expect(proxy.connections).toHaveLength(3);
		expect(client.stats()).toMatchObject({ retries: 2, reconnects: 2 });
		await client.delMany(["lent:cut"]);
	});

	test("C19 C24 the value shrank before the retry: its length counts, and nothing of the cut one lies behind it", async () => {
		await using node = await FakeNode.start();
		node.expect(["GET", "k"]).reply("$10\r\n01234").close();
		node.expect(["GET", "k"]).reply("$3\r\nabc\r\n");
		await using client = await createClient({ url: node.url, protocol, retry: { baseMs: 5, maxMs: 5 } });
		const target = Buffer.alloc(10, "t");
		expect(await client.getInto("k", target)).toBe(3);
		expect(target.toString("utf8", 0, 3)).toBe("abc");
	});
});
