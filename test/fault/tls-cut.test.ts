/** TLS records come in pieces, stop half-way, or end with their connection: the truth of a call is what it is over TCP. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ClientOptions, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
let made: Certificates;
beforeAll(async () => {
	[made, server] = await Promise.all([certificates(), startStandalone({ tls: "mutual", requirepass: "sekret" })]);
});
afterAll(() => server?.stop());

const MiB = 1024 * 1024;
/** Every stretch of 8 bytes is different, so that nothing can be out of its place. */
const large = Buffer.from(Array.from({ length: MiB / 8 }, (_, index) => index.toString(36).padStart(8, ".")).join(""));
const retry = { baseMs: 1, maxMs: 20 };

function connect(proxy: TcpProxy, more: ClientOptions = {}): Promise<Client> {
	const url = `rediss://127.0.0.1:${proxy.port}`;
	return createClient({ url, auth: { password: "sekret" }, tls: { ca: made.ca, ...made.client }, retry, ...more });
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		["whole", []],
		["in records cut to pieces", [1, 5, 1400, 16_000, 33_000]],
	])("A01 A05 1 MiB goes both ways, %s, beside small calls, a batch and a lease", async (_how, sizes) => {
		await using proxy = await TcpProxy.start(server);
		proxy.onConnection(({ toServer, toClient }) => {
			toServer.split(...sizes);
			toClient.split(...sizes);
		});
		await using client = await connect(proxy, { protocol, timeouts: { commandMs: 25_000 } });
		const target = Buffer.alloc(MiB);
		expect(await Promise.all([client.set("tls-cut:large", large), client.set("tls-cut:k", "größe €")])).toEqual(["OK", "OK"]);
		const [length, small, value] = await Promise.all([
			client.getInto("tls-cut:large", target),
			client.get("tls-cut:k"),
			client.buffers.get("tls-cut:large"),
		]);
		expect([length, target.equals(large), small, value?.equals(large)]).toEqual([MiB, true, "größe €", true]);
		const keys = ["tls-cut:large", "tls-cut:none", "tls-cut:k"];
		const values = await client.buffers.mget(keys);
		expect([values[0]?.equals(large), values[1], values[2]?.toString()]).toEqual([true, null, "größe €"]);
		await client.withConnection({}, async (own) => {
			await own.set("tls-cut:lease", large);
			expect((await own.buffers.get("tls-cut:lease"))?.equals(large)).toBe(true);
		});
		expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
	});
});

describe.each(["fin", "rst"] as const)("a connection that ends by %s in the middle of a record", (how) => {
	test("C24 a value half read is read again, by get and by getInto", async () => {
		await server.raw("SET", "tls-cut:read", large);
		for (const protocol of [2, 3] as const) {
			await using proxy = await TcpProxy.start(server);
			await using client = await connect(proxy, { protocol, timeouts: { commandMs: 25_000 } });
			const target = Buffer.alloc(MiB);
			for (const [round, read] of [
				async () => (await client.buffers.get("tls-cut:read"))?.equals(large),
				async () => (await client.getInto("tls-cut:read", target)) === MiB && target.equals(large),
			].entries()) {
				const { toClient } = proxy.connections[round]!;
				toClient.cutAt(toClient.forwarded + 300_007, how);
				expect(await read()).toBe(true);
				expect(client.stats()).toMatchObject({ retries: round + 1, reconnects: round + 1 });
			}
		}
	});

	test("C24 a write cut on its way, or before its reply, says that it may have been executed, and is not sent again", async () => {
		await server.raw("MSET", "tls-cut:write", "before", "tls-cut:n", 0);
		await using proxy = await TcpProxy.start(server);
		await using client = await connect(proxy, { timeouts: { commandMs: 25_000 } });
		const { toServer } = proxy.connections[0]!;
		toServer.cutAt(toServer.forwarded + 300_007, how);
		const write = await rejectionOf(client.set("tls-cut:write", large));
		expect(write).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(await client.get("tls-cut:write")).toBe("before");

		const { toClient } = proxy.connections[1]!;
		toClient.cutAt(toClient.forwarded + 3, how);
		const counted = await rejectionOf(client.incr("tls-cut:n"));
		expect(counted).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(await client.get("tls-cut:n")).toBe("1");
	});
});

describe("a server that stops in the middle of the TLS handshake", () => {
	test.each([
		1, 5, 200, 700,
	])("C12 after %i bytes of it: connectMs ends the attempt, and the next one succeeds", async (bytes) => {
		await using proxy = await TcpProxy.start(server);
		proxy.onConnection(({ index, toClient }) => {
			if (index === 0) toClient.split(bytes).tap(() => void toClient.stall());
		});
		const timeouts = { connectMs: 300, startMs: 20_000 };
		const began = performance.now();
		await using client = await connect(proxy, { timeouts });
		expect(performance.now() - began).toBeGreaterThanOrEqual(299);
		expect(await client.command("PING")).toBe("PONG");
		const [first] = proxy.connections;
		expect([proxy.connections.length, first!.toClient.forwarded]).toEqual([2, bytes]);
		await waitUntil("the end of the first attempt", () => first!.client.readableEnded || first!.client.destroyed || "it is open");
	});

	test("C12 in every attempt: createClient and a lease say so, naming the node", async () => {
		await using proxy = await TcpProxy.start(server);
		await using client = await connect(proxy, { timeouts: { connectMs: 200 } });
		proxy.onConnection(({ toClient }) => {
			toClient.split(200).tap(() => void toClient.stall());
		});
		const words = `127.0.0.1:${proxy.port} did not answer the TLS handshake (it may not speak TLS on this port) within 200 ms`;
		const start = await rejectionOf(connect(proxy, { timeouts: { connectMs: 200, startMs: 700 } }));
		expect(start).toMatchObject({ code: "CONNECTION", message: `no connection within 700 ms: ${words}` });
		const lease = await rejectionOf(client.withConnection({}, async () => {}));
		expect(lease).toMatchObject({ code: "TIMEOUT", message: words });
		expect(await client.command("PING")).toBe("PONG");
	});
});
