/** Peers that are not what was asked for: each is told in one sentence, without the secret, by `startMs` at the latest. */
import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { certificates, make as otherCertificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type ClientOptions, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

let plain: ServerNode;
let tls: ServerNode;
beforeAll(async () => {
	[plain, tls] = await Promise.all([
		startStandalone({ requirepass: "sekret" }),
		startStandalone({ requirepass: "sekret", tls: true }),
	]);
});
afterAll(async () => {
	await Promise.all([plain.stop(), tls.stop()]);
});

const START_MS = 500;
const auth = { password: "sekret" };

/** The one sentence that createClient rejects with. */
async function refusalOf(options: ClientOptions): Promise<{ code: string | undefined; message: string }> {
	const began = performance.now();
	const error = await rejectionOf(
		createClient({ auth, ...options, timeouts: { connectMs: 200, startMs: START_MS, ...options.timeouts } }),
	);
	// Well before the default of 10 s, however busy the machine.
	expect(performance.now() - began).toBeLessThan(START_MS + 4000);
	expect(everythingOf(error)).not.toContain("sekret");
	expect(error.message).not.toContain("\n");
	return { code: error.code, message: error.message };
}

describe("the wrong transport", () => {
	test("a plaintext client on a TLS port is told to use rediss://", async () => {
		const { code, message } = await refusalOf({ url: `redis://127.0.0.1:${tls.port}` });
		expect(code).toBe("CONNECTION");
		expect(message).toMatch(/^no connection within 500 ms: 127\.0\.0\.1:\d+: .*if this port speaks TLS, use rediss:\/\//);
	});

	test("A25 a TLS alert in answer to HELLO says the same with certainty", async () => {
		await using node = await FakeNode.start();
		node.always(["HELLO"], Buffer.from([0x15, 3, 1, 0, 2, 2, 70]));
		expect((await refusalOf({ url: node.url })).message).toMatch(/127\.0\.0\.1:\d+ speaks TLS on this port: use rediss:\/\//);
	});

	test("a TLS client on a plaintext port is told that it may not speak TLS", async () => {
		const { code, message } = await refusalOf({ url: `rediss://127.0.0.1:${plain.port}` });
		expect(code).toBe("CONNECTION");
		expect(message).toMatch(/did not answer the TLS handshake \(it may not speak TLS on this port\) within 200 ms/);
	});

	test("a TLS client on a port that answers in plain text is told so", async () => {
		const server: Server = createServer((socket) => {
			socket.on("error", () => {});
			socket.once("data", () => socket.end("-ERR unknown command\r\n"));
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		const { port } = server.address() as { port: number };
		try {
			expect((await refusalOf({ url: `rediss://127.0.0.1:${port}` })).message).toMatch(
				/the server does not speak TLS on this port/,
			);
		} finally {
			await new Promise((resolve) => server.close(resolve));
		}
	});

	test("a server certificate of an unknown authority is refused", async () => {
		const { ca } = await otherCertificates();
		for (const options of [{}, { tls: { ca } }]) {
			expect((await refusalOf({ url: `rediss://127.0.0.1:${tls.port}`, ...options })).message).toMatch(
				/certificate|CERT|signature/,
			);
		}
	});

	test("a certificate of another name is refused", async () => {
		const { ca } = await certificates();
		const { message } = await refusalOf({ url: `rediss://127.0.0.1:${tls.port}`, tls: { ca, servername: "elsewhere.example" } });
		expect(message).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/);
	});
});

describe("the wrong mode", () => {
	const url = (name: "standaloneUrl" | "clusterUrl", scheme: string) =>
		inject(name)
			.replace(/^redis(-cluster)?:/, `${scheme}:`)
			.split(",")[0] as string;

	test.each([2, 3] as const)("D54 a cluster client on a standalone server is told at once, in RESP%i", async (protocol) => {
		const { code, message } = await refusalOf({ url: url("standaloneUrl", "redis-cluster"), auth: {}, protocol });
		expect(code).toBe("CLUSTER");
		expect(message).toMatch(/^127\.0\.0\.1:\d+ is a standalone server: use a redis:\/\/ URL$/);
	});

	test.each([2, 3] as const)("D54 a standalone client on a cluster node is told at once, in RESP%i", async (protocol) => {
		const { code, message } = await refusalOf({ url: url("clusterUrl", "redis"), auth: {}, protocol });
		expect(code).toBe("CLUSTER");
		expect(message).toMatch(/^127\.0\.0\.1:\d+ is a cluster node: use a redis-cluster:\/\/ URL$/);
	});
});

describe("nobody, or somebody else", () => {
	test("a port where nobody listens", async () => {
		const node = await FakeNode.start();
		const { url } = node;
		await node.close();
		expect(await refusalOf({ url })).toMatchObject({ code: "CONNECTION", message: expect.stringMatching(/ECONNREFUSED/) });
	});

	test("a unix socket that is not there", async () => {
		expect((await refusalOf({ url: "unix:///nowhere/at/all.sock" })).message).toMatch(/\/nowhere\/at\/all\.sock: .*ENOENT/);
	});

	test("A25 a web server", async () => {
		const web = createServer((socket) => {
			socket.on("error", () => {});
			socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
		});
		await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
		const { port } = web.address() as { port: number };
		try {
			expect((await refusalOf({ url: `redis://127.0.0.1:${port}` })).message).toMatch(/48 ?54 ?54 ?50/);
		} finally {
			await new Promise((resolve) => web.close(resolve));
		}
	});

	test("A26 C14 a server with no room for another client says so, and its other connections stay", async () => {
		await using server = await startStandalone({ args: ["--maxclients", "1"] });
		await using client = await createClient({ url: server.url, retry: { baseMs: 1, maxMs: 20 } });
		const { message } = await refusalOf({ url: server.url, auth: {} });
		expect(message).toMatch(/refused the connection: the maximum number of clients is reached/);
		expect(await client.set("k", "v")).toBe("OK");
		const error = await rejectionOf(client.withConnection({}, async () => {}));
		expect(error).toMatchObject({ code: "CONNECTION", message: expect.stringMatching(/maximum number of clients/) });
		expect(await client.get("k")).toBe("v");
		expect(client.stats().reconnects).toBe(0);
	});
});

describe.each([2, 3] as const)("bytes nobody asked for, RESP%i", (protocol) => {
	const open = (node: FakeNode) => createClient({ url: node.url, protocol, retry: { baseMs: 1, maxMs: 5 } });

	test("A26 a reply with nothing in flight ends its connection; the next command gets its own", async () => {
		await using node = await FakeNode.start();
		node.always(["GET"], ([, key]) => `$${key?.length}\r\n${key}\r\n`);
		await using client = await open(node);
		expect(await client.get("one")).toBe("one");
		await node.connections[0]?.write("+STRAY\r\n");
		await node.accepted(2);
		expect(await client.get("two")).toBe("two");
		expect(await Promise.all([client.get("a"), client.get("b")])).toEqual(["a", "b"]);
		expect(client.stats().reconnects).toBe(1);
	});

	test("A26 a second reply to one command ends its connection, and is nobody's", async () => {
		await using node = await FakeNode.start();
		node.always(["GET"], ([, key]) => (key === "double" ? "$1\r\n1\r\n$1\r\n2\r\n" : `$${key?.length}\r\n${key}\r\n`));
		await using client = await open(node);
		expect(await client.get("double")).toBe("1");
		await node.accepted(2);
		expect(await client.get("mine")).toBe("mine");
	});

	test("A25 garbage in place of a reply rejects everything in flight, and only that", async () => {
		await using node = await FakeNode.start();
		node.expect(["SET", "a", "1"]).reply("+OK\r\n");
		node.expect(["SET", "b", "2"]).reply("HTTP/1.1 400 Bad Request\r\n\r\n");
		node.always(["SET"], "+OK\r\n");
		await using client = await open(node);
		const calls = [client.set("a", 1), client.set("b", 2), client.set("c", 3)].map((call) => call.catch((error) => error));
		const [first, ...rest] = await Promise.all(calls);
		expect(first).toBe("OK");
		for (const error of rest) expect(error).toMatchObject({ code: "PROTOCOL", maybeExecuted: true });
		expect(await client.set("d", 4)).toBe("OK");
		expect(node.connections[0]?.closed).toBe(true);
	});
});
