/** Who the server is, and who the client is: what TLS checks unless it is told not to. */
import { checkServerIdentity as check, createServer, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, certificates, make, serverTls } from "../../fixtures/certificates.js";
import { findRuntime, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import { type ClientOptions, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const NAME = "redis.example";

let server: ServerNode;
/** Its certificate is that of NAME, and of no address. */
let named: ServerNode;
let mutual: ServerNode;
let made: Certificates;
let foreign: Certificates;
beforeAll(async () => {
	[made, foreign] = await Promise.all([certificates(), make()]);
	const own = await made.issue({ names: [NAME] });
	const runtime = await findRuntime();
	[server, named, mutual] = await Promise.all([
		startStandalone({ tls: true, requirepass: "sekret" }),
		runtime.startStandalone({ tls: serverTls({ ...made, server: own }) }),
		startStandalone({ tls: "mutual" }),
	]);
});
afterAll(async () => {
	await Promise.all([server.stop(), named.stop(), mutual.stop()]);
});

const START_MS = 500;

async function refusalOf(options: ClientOptions): Promise<string> {
	const retry = { baseMs: 5, maxMs: 50 };
	const error = await rejectionOf(createClient({ ...options, retry, timeouts: { startMs: START_MS } }));
	expect(error.code).toBe("CONNECTION");
	expect(error.message).toMatch(/^no connection within 500 ms: (127\.0\.0\.1|localhost):\d+: /);
	expect(error.message).not.toMatch(/\n|sekret|\.c:\d+/);
	return error.message;
}

describe("the server's certificate", () => {
	const url = () => `rediss://:sekret@127.0.0.1:${server.port}`;

	test("C28 one that nobody vouches for is refused, and no credentials are sent to it", async () => {
		const before = Number(/total_commands_processed:(\d+)/.exec(String(await server.raw("INFO", "stats")))?.[1]);
		expect(await refusalOf({ url: url() })).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN/);
		expect(await refusalOf({ url: url(), tls: { ca: foreign.ca } })).toMatch(/certificate|CERT_SIGNATURE_FAILURE/i);
		// AUTH and INFO of the two connections that count.
		const after = Number(/total_commands_processed:(\d+)/.exec(String(await server.raw("INFO", "stats")))?.[1]);
		expect(after - before).toBe(2);
	});

	test("C28 it is accepted unverified only when that is asked for", async () => {
		await using client = await createClient({ url: url(), tls: { rejectUnauthorized: false } });
		expect(await client.command("PING")).toBe("PONG");
	});

	test.each([2, 3] as const)("C28 an address is checked against the addresses in it, in RESP%i", async (protocol) => {
		await using client = await createClient({ url: url(), tls: { ca: made.ca }, protocol });
		expect(await client.command("PING")).toBe("PONG");
		const at = `rediss://127.0.0.1:${named.port}`;
		expect(await refusalOf({ url: at, tls: { ca: made.ca }, protocol })).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID.*127\.0\.0\.1/);
	});

	test("C28 a name is checked too", async () => {
		const message = await refusalOf({ url: `rediss://localhost:${named.port}`, tls: { ca: made.ca } });
		expect(message).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID.*localhost.*redis\.example/);
	});

	test.each([
		"127.0.0.1",
		"localhost",
	])("C28 tls.servername is the remedy for %s with another name's certificate", async (host) => {
		const tls = { ca: made.ca, servername: NAME };
		await using client = await createClient({ url: `rediss://${host}:${named.port}`, tls });
		expect(await client.command("PING")).toBe("PONG");
		expect(await client.withConnection({}, (own) => own.command("PING"))).toBe("PONG");
	});
});

test.each([
	["localhost", {}, "localhost"],
	// SNI has no addresses.
	["127.0.0.1", {}, false],
	["127.0.0.1", { servername: NAME }, NAME],
	["localhost", { servername: NAME }, NAME],
	["localhost", { servername: undefined }, "localhost"],
] as const)("C28 SNI: %s with %o sends %s", async (host, options, expected) => {
	const names: unknown[] = [];
	const front = createServer({ cert: made.server.cert, key: made.server.key }, (socket: TLSSocket) => {
		names.push(socket.servername);
		socket.on("error", () => {});
		socket.destroy();
	});
	await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
	try {
		const { port } = front.address() as { port: number };
		await refusalOf({ url: `rediss://${host}:${port}`, tls: { ca: made.ca, rejectUnauthorized: false, ...options } });
		expect(names.length).toBeGreaterThan(0);
		expect(new Set(names)).toEqual(new Set([expected]));
	} finally {
		await new Promise((resolve) => front.close(resolve));
	}
});

test("C28 the nodes that a cluster's topology names by address are checked too, by tls.servername where it is given", async () => {
	await using cluster = await startCluster({ tls: true });
	const url = `rediss-cluster://localhost:${cluster.endpoints[0]?.port}`;
	const keys = Array.from({ length: 30 }, (_, index) => `tls:${index}`);
	for (const tls of [{ ca: made.ca }, { ca: made.ca, servername: "localhost" }]) {
		await using client = await createClient({ url, tls });
		await client.setMany(keys.map((key) => [key, key]));
		expect(await client.mget(keys)).toEqual(keys);
		expect(client.stats().connections).toBeGreaterThanOrEqual(3);
	}
	// The seed is vouched for by its name; the addresses of the others are not in anybody's certificate.
	const checkServerIdentity: typeof check = (host, certificate) =>
		host === "localhost" ? check(host, certificate) : new Error(`nobody vouches for ${host}`);
	await using client = await createClient({ url, tls: { ca: made.ca, checkServerIdentity }, timeouts: { commandMs: 500 } });
	await expect(client.mget(keys)).rejects.toMatchObject({ code: "BATCH" });
});

describe("the client's certificate", () => {
	const url = () => `rediss://127.0.0.1:${mutual.port}`;

	// TLS 1.3: the client counts as connected before the server has looked at its certificate.
	test.each([
		["TLSv1.3", 2, /the server wants a client certificate/],
		["TLSv1.3", 3, /the server wants a client certificate/],
		["TLSv1.2", 3, /the server refused the TLS handshake: it may want a client certificate/],
	] as const)("C28 none where one is wanted, %s, RESP%i: the error says so in words", async (version, protocol, words) => {
		const tls = { ca: made.ca, minVersion: version, maxVersion: version };
		expect(await refusalOf({ url: url(), tls, protocol })).toMatch(words);
	});

	test.each([
		"TLSv1.3",
		"TLSv1.2",
	] as const)("C28 one that the server does not trust, %s: the error says so in words", async (version) => {
		const tls = { ca: made.ca, ...foreign.client, minVersion: version, maxVersion: version };
		expect(await refusalOf({ url: url(), tls })).toMatch(/the server refused the client certificate/);
	});

	test("C28 a reset that overtakes the alert leaves a hint", async () => {
		const front = createServer({ cert: made.server.cert, key: made.server.key }, (socket: TLSSocket) => {
			socket.on("error", () => {});
			socket.once("data", () => socket.destroy());
		});
		await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
		try {
			const { port } = front.address() as { port: number };
			const message = await refusalOf({ url: `rediss://127.0.0.1:${port}`, tls: { ca: made.ca } });
			expect(message).toMatch(/during the handshake: it may want a client certificate$/);
		} finally {
			await new Promise((resolve) => front.close(resolve));
		}
	});

	test("C28 the refusals do not spin, and the existing clients of the server stay", async () => {
		await using proxy = await TcpProxy.start(mutual);
		await using welcome = await createClient({ url: url(), tls: { ca: made.ca, ...made.client } });
		const options = {
			url: `rediss://127.0.0.1:${proxy.port}`,
			tls: { ca: made.ca },
			timeouts: { startMs: 1000 },
			retry: { maxMs: 200 },
		};
		expect(await rejectionOf(createClient(options))).toMatchObject({
			code: "CONNECTION",
			message: expect.stringMatching(/client certificate/),
		});
		// Certificates do not change in milliseconds: each attempt waits as long as any backoff may.
		expect(proxy.connections.length).toBeGreaterThanOrEqual(2);
		expect(proxy.connections.length).toBeLessThanOrEqual(6);
		expect(await welcome.command("PING")).toBe("PONG");
		expect(welcome.stats().reconnects).toBe(0);
	});
});
