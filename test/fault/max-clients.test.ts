/** Recipe N9b: a server that takes no more clients. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RawConnection, type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ args: ["--maxclients", "2"] });
});
afterAll(() => server?.stop());

test("C14 N9 dials are few, at uneven intervals and by startMs over; who is connected notices nothing; a free place is taken", async () => {
	await using existing = await createClient(server.url);
	const id = await existing.command("CLIENT", "ID");
	const raw: RawConnection = await server.connect();
	try {
		await using proxy = await TcpProxy.start(server);
		const dials: number[] = [];
		proxy.onConnection(() => void dials.push(performance.now()));
		const options = { url: proxy.url, retry: { baseMs: 20, maxMs: 200 } };
		const error = await rejectionOf(createClient({ ...options, timeouts: { startMs: 1500 } }));
		expect(error.code).toBe("CONNECTION");
		expect(error.message).toEqual(expect.stringMatching(/1500 ms.*(max number of clients|connection|ECONNRESET|EPIPE)/));
		expect(dials.length).toBeGreaterThan(3);
		// At 200 ms on the longest, so one in 100 ms on average.
		expect(dials.length).toBeLessThan(60);
		const gaps = dials.slice(1).map((at, i) => at - dials[i]!);
		expect(Math.max(...gaps)).toBeGreaterThan(2 * Math.min(...gaps));
		const before = dials.length;
		const waiting = createClient(options);
		await waitUntil("it dials", () => dials.length > before || "not yet");
		for (let i = 0; i < 20; i++) expect(await existing.incr("counter")).toBe(i + 1);
		await raw.close();
		await using client = await waiting;
		expect(await client.incr("counter")).toBe(21);
		expect(await existing.command("CLIENT", "ID")).toBe(id);
		expect(existing.stats()).toMatchObject({ reconnects: 0, retries: 0, connections: 1 });
	} finally {
		await raw.close();
	}
});
