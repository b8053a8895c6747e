/** Plaintext to a port that speaks TLS, and TLS to one that does not: the error says which, in words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type ClientOptions, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

let plain: ServerNode;
let tls: ServerNode;
let made: Certificates;
beforeAll(async () => {
	[plain, tls, made] = await Promise.all([
		startStandalone({ requirepass: "sekret" }),
		startStandalone({ requirepass: "sekret", tls: true }),
		certificates(),
	]);
});
afterAll(async () => {
	await Promise.all([plain.stop(), tls.stop()]);
});

const auth = { password: "sekret" };
const retry = { baseMs: 5, maxMs: 50 };
const timeouts = { connectMs: 300, startMs: 800 };
const toTls = /if this port speaks TLS, use rediss:\/\/$|speaks TLS on this port: use rediss:\/\/$/;
/** The server takes a ClientHello for an inline command whose end never comes, and keeps silent: only a deadline tells. */
const toPlain = /did not answer the TLS handshake \(it may not speak TLS on this port\) within 300 ms$/;

async function refusalOf(options: ClientOptions): Promise<string> {
	const error = await rejectionOf(createClient({ auth, retry, timeouts, ...options }));
	expect(error.code).toBe("CONNECTION");
	expect(error.message).not.toContain("\n");
	expect(everythingOf(error)).not.toContain("sekret");
	return error.message;
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each(["redis", "redis-cluster"])("C29 %s:// to a port that speaks TLS", async (scheme) => {
		expect(await refusalOf({ url: `${scheme}://127.0.0.1:${tls.port}`, protocol })).toMatch(toTls);
	});

	test.each(["rediss", "rediss-cluster"])("C29 %s:// to a port that speaks plaintext", async (scheme) => {
		const url = `${scheme}://127.0.0.1:${plain.port}`;
		expect(await refusalOf({ url, tls: { ca: made.ca }, protocol })).toMatch(toPlain);
	});
});

describe("a client whose server changes its transport", () => {
	test.each([
		["TLS to plaintext", toPlain],
		["plaintext to TLS", toTls],
	])("C29 %s: a lease is refused in words, and reads go on when it is as it was", async (way, words) => {
		const [right, wrong] = way.startsWith("TLS") ? [tls, plain] : [plain, tls];
		const proxy = await TcpProxy.start(right);
		const { port } = proxy;
		const url = `${right === tls ? "rediss" : "redis"}://127.0.0.1:${port}`;
		const own = right === tls ? { tls: { ca: made.ca } } : {};
		await using client = await createClient({
			url,
			...own,
			auth,
			retry,
			timeouts: { connectMs: 300, commandMs: 20_000 },
		});
		await proxy.close();
		{
			await using _wrong = await TcpProxy.start(wrong, port);
			const error = await rejectionOf(client.withConnection({}, async () => {}));
			expect(error.message).toMatch(words);
			expect(everythingOf(error)).not.toContain("sekret");
		}
		await using _right = await TcpProxy.start(right, port);
		expect(await client.get("wrong-transport:none")).toBeNull();
	});
});
