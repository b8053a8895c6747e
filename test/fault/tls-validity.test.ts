/** Certificates have a beginning and an end: outside of it nobody is spoken to, and a new certificate is all that it takes. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import { type RawConnection, type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { present } from "../support/presented-certificate.js";
import { TcpProxy } from "../support/proxy.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);
const past = () => ({ from: inDays(-30), until: inDays(-1) });
const future = () => ({ from: inDays(2), until: inDays(30) });
const NAMES = ["localhost", "127.0.0.1"];

let server: ServerNode;
let mutual: ServerNode;
let made: Certificates;
/** Opened while the server's certificate was good. */
let control: RawConnection;
beforeAll(async () => {
	[made, server, mutual] = await Promise.all([
		certificates(),
		startStandalone({ tls: true, requirepass: "sekret" }),
		startStandalone({ tls: "mutual" }),
	]);
	control = await server.connect();
});
afterAll(async () => {
	control?.close();
	await Promise.all([server?.stop(), mutual?.stop()]);
});

const MAX_MS = 150;
const retry = { baseMs: 1, maxMs: MAX_MS };
const auth = { password: "sekret" };

/** When each connection came. */
async function startClock(target: ServerNode): Promise<{ proxy: TcpProxy; at: number[] }> {
	const at: number[] = [];
	const proxy = await TcpProxy.start(target);
	proxy.onConnection(() => void at.push(performance.now()));
	return { proxy, at };
}

// The certificates have to lie where the server can read them.
describe.runIf(inject("server").kind === "process")("a server's certificate", () => {
	test.each([
		["that has expired", past, /CERT_HAS_EXPIRED: certificate has expired/],
		["that is not yet valid", future, /CERT_NOT_YET_VALID: certificate is not yet valid/],
	])("C28 %s is refused in words, without haste, until there is a valid one", async (_what, validity, words) => {
		const { proxy, at } = await startClock(server);
		await using _proxy = proxy;
		const options = { url: `rediss://127.0.0.1:${proxy.port}`, auth, tls: { ca: made.ca }, retry };
		const timeouts = { commandMs: 25_000, startMs: 25_000 };
		const clients = await Promise.all(
			([2, 3] as const).map((protocol) => createClient({ ...options, protocol, timeouts, name: `validity-${protocol}` })),
		);
		try {
			await clients[0]!.set("tls-validity:k", "v");
			await present(server, control, await made.issue({ names: NAMES, validity: validity() }));
			// Who is connected has seen a good one.
			expect(await clients[1]!.get("tls-validity:k")).toBe("v");

			const direct = `rediss://127.0.0.1:${server.port}`;
			const refused = await rejectionOf(createClient({ ...options, url: direct, timeouts: { startMs: 300 } }));
			expect(refused.code).toBe("CONNECTION");
			expect(refused.message).toMatch(words);
			expect(refused.message).toContain(`127.0.0.1:${server.port}: `);
			expect(everythingOf(refused)).not.toContain("sekret");

			const before = at.length;
			await control.command("CLIENT", "KILL", "TYPE", "normal");
			const notice = () => clients.every((client) => client.stats().reconnects === 1) || "not by both";
			await waitUntil("the loss", notice);
			const [second, third] = [clients[0]!, clients[1]!];
			const waiting = [second.get("tls-validity:k"), third.get("tls-validity:k"), second.set("tls-validity:later", "w")];
			const hurried = await rejectionOf(third.with({ timeoutMs: 1000 }).get("tls-validity:k"));
			expect(hurried.code).toBe("TIMEOUT");
			expect(hurried.message).toMatch(words);
			// Two clients, each at once and then after every MAX_MS; more means that they spin.
			expect(at.length - before).toBeGreaterThanOrEqual(4);
			expect(at.length - before).toBeLessThanOrEqual(2 * (2 + Math.ceil((performance.now() - at[before]!) / MAX_MS)));
			const lease = await rejectionOf(third.withConnection({}, async () => {}));
			expect(lease.code).toBe("CONNECTION");
			expect(lease.message).toMatch(words);

			const late = createClient({ ...options, timeouts });
			const dialled = at.length;
			await waitUntil("one more refusal", () => at.length > dialled + 2 || "not yet");
			await present(server, control, await made.issue({ names: NAMES }));
			expect(await Promise.all(waiting)).toEqual(["v", "v", "OK"]);
			await using started = await late;
			expect(await started.get("tls-validity:later")).toBe("w");
			for (const client of clients) expect(client.stats()).toMatchObject({ reconnects: 1, connections: 1 });
		} finally {
			for (const client of clients) client.destroy();
		}
	});
});

test.each([
	["TLSv1.3", 3],
	["TLSv1.3", 2],
	["TLSv1.2", 3],
] as const)("C28 a client's certificate that has expired, %s, RESP%i: the server's reason is passed on, without haste", async (version, protocol) => {
	const { proxy, at } = await startClock(mutual);
	await using _proxy = proxy;
	const tls = { ca: made.ca, minVersion: version, maxVersion: version };
	await using welcome = await createClient({ url: `rediss://127.0.0.1:${mutual.port}`, tls: { ...tls, ...made.client } });
	const expired = await made.issue({ clientOnly: true, validity: past() });
	const url = `rediss://127.0.0.1:${proxy.port}`;
	const error = await rejectionOf(
		createClient({ url, tls: { ...tls, ...expired }, protocol, retry, timeouts: { startMs: 600 } }),
	);
	expect(error.code).toBe("CONNECTION");
	expect(error.message).toMatch(/the server refused the client certificate \(ERR_SSL_\w*CERTIFICATE_EXPIRED\)/);
	expect(error.message).toContain(`127.0.0.1:${proxy.port}: `);
	expect(everythingOf(error)).not.toContain(expired.key);
	expect(at.length).toBeGreaterThanOrEqual(2);
	expect(at.length).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - at[0]!) / MAX_MS));
	expect(await welcome.command("PING")).toBe("PONG");
	expect(welcome.stats().reconnects).toBe(0);
});
