/** A server that takes no more clients cannot say so over TLS: it hangs up before the TLS handshake. */
import { expect, test } from "vitest";
import { certificates } from "../../fixtures/certificates.js";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

test("C14 the refusal names the node, passes when there is a place, and costs those who are connected nothing", async () => {
	await using server = await startStandalone({ tls: true, requirepass: "sekret", args: ["--maxclients", "2"] });
	const { ca } = await certificates();
	const options = { auth: { password: "sekret" }, tls: { ca }, retry: { baseMs: 20, maxMs: 200 } };
	const url = `rediss://127.0.0.1:${server.port}`;
	await using existing = await createClient({ ...options, url });
	const other = await server.connect();
	try {
		await using proxy = await TcpProxy.start(server);
		const through = { ...options, url: `rediss://127.0.0.1:${proxy.port}` };
		const error = await rejectionOf(createClient({ ...through, timeouts: { startMs: 1000 } }));
		expect(error.code).toBe("CONNECTION");
		expect(error.message).toMatch(/^no connection within 1000 ms: 127\.0\.0\.1:\d+: .+ during connect$/);
		expect(proxy.connections.length).toBeGreaterThan(2);
		// At 200 ms on the longest, so one in 100 ms on average.
		expect(proxy.connections.length).toBeLessThan(50);
		const lease = await rejectionOf(existing.withConnection({}, async () => {}));
		expect(lease.code).toBe("CONNECTION");
		const before = proxy.connections.length;
		const waiting = createClient(through);
		await waitUntil("it dials", () => proxy.connections.length > before || "not yet");
		expect(await existing.incr("n")).toBe(1);
		other.close();
		await using client = await waiting;
		expect(await client.incr("n")).toBe(2);
		expect(existing.stats()).toMatchObject({ reconnects: 0, retries: 0, connections: 1 });
	} finally {
		other.close();
	}
});
