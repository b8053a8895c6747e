/** One deadline, `connectMs`, covers a connection from the lookup of its name to the last reply of its handshake. */
import dns from "node:dns";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type ClientOptions, createClient } from "../../src/index.js";
import { startUnreachable } from "../support/full-backlog.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

let plain: ServerNode;
let tls: ServerNode;
let made: Certificates;
beforeAll(async () => {
	[plain, tls, made] = await Promise.all([startStandalone(), startStandalone({ tls: true }), certificates()]);
});
afterAll(async () => {
	await Promise.all([plain.stop(), tls.stop()]);
});

/** Well before any default, however busy the machine. */
const SOON_MS = 5000;
const retry = { baseMs: 1, maxMs: 5 };

async function took(promise: Promise<unknown>): Promise<number> {
	const began = performance.now();
	await promise;
	return performance.now() - began;
}

interface Transport {
	server: () => ServerNode;
	options: (port: number) => ClientOptions;
	/** What the server left undone when it stood still. */
	undone: RegExp;
}

const transports: Record<string, Transport> = {
	"TCP, RESP3": {
		server: () => plain,
		options: (port) => ({ url: `redis://127.0.0.1:${port}` }),
		undone: /did not complete the handshake within \d+ ms/,
	},
	"TCP, RESP2": {
		server: () => plain,
		options: (port) => ({ url: `redis://127.0.0.1:${port}?protocol=2` }),
		undone: /did not complete the handshake within \d+ ms/,
	},
	TLS: {
		server: () => tls,
		options: (port) => ({ url: `rediss://127.0.0.1:${port}`, tls: { ca: made.ca } }),
		undone: /did not answer the TLS handshake \(it may not speak TLS on this port\) within \d+ ms/,
	},
};

describe.each(Object.keys(transports))("%s, a server that stands still", (name) => {
	const { server, options, undone } = transports[name] as Transport;

	test("C12 createClient rejects by startMs, and each attempt before ended by connectMs", async () => {
		await using proxy = await TcpProxy.start(server());
		await server().pause();
		try {
			const timeouts = { connectMs: 100, startMs: 1000 };
			let error: (Error & { code?: string; cause?: unknown }) | undefined;
			const ms = await took(
				rejectionOf(createClient({ ...options(proxy.port), timeouts, retry })).then((reason) => {
					error = reason;
				}),
			);
			expect(error).toMatchObject({
				code: "CONNECTION",
				message: expect.stringMatching(/^no connection within 1000 ms: 127\.0\.0\.1:\d+ /),
				cause: { code: "TIMEOUT" },
			});
			expect(error?.message).toMatch(undone);
			expect(ms).toBeGreaterThanOrEqual(999);
			expect(ms).toBeLessThan(1000 + SOON_MS);
			// The next attempt begins when the one before has ended.
			expect(proxy.connections.length).toBeGreaterThanOrEqual(2);
			const open = () => proxy.connections.filter(({ client }) => !client.readableEnded && !client.destroyed).length;
			await waitUntil("the end of every attempt", () => open() === 0 || `${open()} are open`);
		} finally {
			await server().resume();
		}
	});

	test("C12 a client that has to reconnect tries again and again, and goes on when the server does", async () => {
		await using proxy = await TcpProxy.start(server());
		const timeouts = { connectMs: 100, commandMs: 25_000 };
		await using client = await createClient({ ...options(proxy.port), timeouts, retry });
		const key = `connect-deadline:${name}`;
		await client.set(key, "0");
		await server().pause();
		try {
			proxy.cut();
			await waitUntil("the loss", () => client.stats().reconnects === 1 || "it is not noticed");
			const read = client.get(key);
			const write = client.command("INCR", `${key}:n`);
			const hurried = rejectionOf(client.with({ timeoutMs: 200 }).get(key));
			await proxy.accepted(4);
			// It never left this process.
			expect(await hurried).toMatchObject({ code: "TIMEOUT" });
			expect((await hurried) as { maybeExecuted?: boolean }).not.toHaveProperty("maybeExecuted");
			await server().resume();
			expect(await Promise.all([read, write])).toEqual(["0", 1]);
			expect(client.stats().reconnects).toBe(1);
		} finally {
			await server().resume();
		}
	});

	test("C12 a lease is refused by connectMs", async () => {
		await using client = await createClient({ ...options(server().port), timeouts: { connectMs: 200 } });
		await server().pause();
		try {
			let ran = false;
			const ms = await took(
				expect(
					client.withConnection({}, async () => {
						ran = true;
					}),
				).rejects.toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(undone) }),
			);
			expect(ms).toBeGreaterThanOrEqual(199);
			// The default would be 2000, and a deadline of each stage its own.
			expect(ms).toBeLessThan(1800);
			expect(ran).toBe(false);
		} finally {
			await server().resume();
		}
	});
});

test.each([
	["HELLO and what follows it", "TCP, RESP3"],
	["HELLO and what follows it, in RESP2", "TCP, RESP2"],
	["TLS and HELLO", "TLS"],
])("C12 %s share the deadline: each in time, together too late", async (_what, name) => {
	const { server, options } = transports[name] as Transport;
	await using proxy = await TcpProxy.start(server());
	// Two answers at least, one after the other.
	proxy.onConnection(({ toClient }) => {
		toClient.delay(600);
	});
	const error = await rejectionOf(createClient({ ...options(proxy.port), timeouts: { connectMs: 1000, startMs: 1500 }, retry }));
	expect(error).toMatchObject({ code: "CONNECTION", message: expect.stringMatching(/ within 1000 ms$/) });
	const timeouts = { connectMs: 20_000, startMs: 25_000 };
	await using client = await createClient({ ...options(proxy.port), timeouts });
	expect(await client.command("PING")).toBe("PONG");
});

test("C12 the lookup of a name is within the deadline", async () => {
	let asked = 0;
	const lookup = vi.spyOn(dns, "lookup").mockImplementation((() => {
		asked += 1;
	}) as never);
	try {
		const error = await rejectionOf(
			createClient({ url: `redis://localhost:${plain.port}`, timeouts: { connectMs: 100, startMs: 800 }, retry }),
		);
		expect(error).toMatchObject({ code: "CONNECTION", message: expect.stringMatching(/did not connect within 100 ms$/) });
		expect(asked).toBeGreaterThanOrEqual(2);
	} finally {
		lookup.mockRestore();
	}
});

test.runIf(process.platform === "linux")(
	"C12 so is a connection that TCP itself does not complete (a full backlog, on Linux)",
	async () => {
		await using server = await startUnreachable();
		const options = { url: server.url, timeouts: { connectMs: 100, startMs: 600 }, retry };
		expect((await rejectionOf(createClient(options))).message).toMatch(/did not connect within 100 ms$/);
	},
);
