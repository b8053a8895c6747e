/** A server without a password that refuses whoever is not on its own machine: it says so, and lets the client in when that changes. */
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Certificates, certificates, serverTls } from "../../fixtures/certificates.js";
import { findRuntime, type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { bulk } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

/** Of this machine, and yet none that protected mode trusts. */
const outside = Object.values(networkInterfaces())
	.flat()
	.find((address) => address?.family === "IPv4" && !address.internal)?.address;
const possible = outside !== undefined && inject("server").kind === "process";
const reason = possible ? "" : " (skipped: it takes a server process and an address of this machine beside the loopback)";

const retry = { baseMs: 5, maxMs: 50 };
const words = (port: number) => `${outside}:${port} refused the connection: protected mode is on (DENIED)`;

describe.runIf(possible)(`a server in protected mode${reason}`, () => {
	let plain: ServerNode;
	let tls: ServerNode;
	let made: Certificates;
	beforeAll(async () => {
		made = await certificates();
		const own = await made.issue({ names: [outside!, "127.0.0.1"] });
		const args = ["--bind", "127.0.0.1", outside!, "--protected-mode", "yes"];
		const runtime = await findRuntime();
		[plain, tls] = await Promise.all([
			startStandalone({ args }),
			runtime.startStandalone({ args, tls: serverTls({ ...made, server: own }) }),
		]);
	});
	afterAll(async () => {
		await Promise.all([plain?.stop(), tls?.stop()]);
	});

	test.each([2, 3] as const)("C14 its text is told in one sentence, RESP%i; who is let in notices nothing", async (protocol) => {
		await using inside = await createClient({ url: `redis://127.0.0.1:${plain.port}`, protocol });
		const began = performance.now();
		const before = rejectedBy(await plain.raw("INFO", "stats"));
		const error = await rejectionOf(
			createClient({
				url: `redis://${outside}:${plain.port}`,
				auth: { password: "sekret" },
				protocol,
				retry,
				timeouts: { startMs: 800 },
			}),
		);
		expect(error).toMatchObject({ code: "CONNECTION", message: `no connection within 800 ms: ${words(plain.port)}` });
		expect(everythingOf(error)).not.toContain("sekret");
		const attempts = rejectedBy(await plain.raw("INFO", "stats")) - before;
		expect(attempts).toBeGreaterThanOrEqual(2);
		// Full jitter of 50 ms at most is 25 ms on average.
		expect(attempts).toBeLessThan((performance.now() - began) / 8);
		expect(await inside.command("PING")).toBe("PONG");
		expect(inside.stats()).toMatchObject({ reconnects: 0, connections: 1 });
	});

	test("C14 over TLS the row has no text; this server sends it after the TLS handshake, and it is told", async () => {
		const error = await rejectionOf(
			createClient({
				url: `rediss://${outside}:${tls.port}`,
				tls: { ca: made.ca },
				retry,
				timeouts: { startMs: 800 },
			}),
		);
		expect(error.code).toBe("CONNECTION");
		expect(error.message).toBe(`no connection within 800 ms: ${words(tls.port)}`);
	});

	test("C14 a client that waits is let in when protected mode ends; one that is connected outlives its return, but no lease does", async () => {
		const options = { url: `redis://${outside}:${plain.port}`, retry, timeouts: { startMs: 20_000 } };
		const before = rejectedBy(await plain.raw("INFO", "stats"));
		const waiting = createClient(options);
		await waitUntil("a refusal", async () => rejectedBy(await plain.raw("INFO", "stats")) > before || "not yet");
		await plain.raw("CONFIG", "SET", "protected-mode", "no");
		await using client = await waiting;
		expect(await client.set("protected-mode:k", "v")).toBe("OK");
		await plain.raw("CONFIG", "SET", "protected-mode", "yes");
		expect(await client.get("protected-mode:k")).toBe("v");
		const lease = await rejectionOf(client.withConnection({}, async () => {}));
		expect(lease).toMatchObject({ code: "CONNECTION", message: words(plain.port) });
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 1 });
	});
});

function rejectedBy(info: unknown): number {
	return Number(/rejected_connections:(\d+)/.exec(String(info))?.[1]);
}

test.each([2, 3] as const)("C14 wherever the text comes from, it is a refusal that passes, RESP%i", async (protocol) => {
	await using node = await FakeNode.start();
	let refusals = 0;
	node.always(["GET"], bulk("v")).always(["HELLO"], ([, version], connection) => {
		if (connection.index < 2) {
			refusals += 1;
			connection.write("-DENIED Redis is running in protected mode because … Here is how to fix it: …\r\n");
			connection.end();
			return undefined;
		}
		return `${version === "3" ? "%2" : "*4"}\r\n$5\r\nproto\r\n:${version}\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n`;
	});
	await using client = await createClient({ url: node.url, protocol, retry });
	expect(await client.get("k")).toBe("v");
	expect(refusals).toBe(2);
});
