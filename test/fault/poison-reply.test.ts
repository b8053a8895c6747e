/** Recipe N9a: a value whose reply is larger than the server allows ends the connection every time, and nothing else is lost by it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type ClientError, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const keys = Array.from({ length: 100 }, (_, i) => (i === 37 ? "poison" : `key ${i}`));
/** How the server's hanging up is told. */
const hungUp = expect.stringMatching(/connection lost|closed/);
const retry = { baseMs: 5, maxMs: 20 };

let server: ServerNode;
let proxy: TcpProxy;
beforeAll(async () => {
	server = await startStandalone();
	await server.raw("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0");
	for (const key of keys) await server.raw("SET", key, key === "poison" ? Buffer.alloc(5 * 1024 * 1024, "p") : `value of ${key}`);
});
afterAll(() => server?.stop());
beforeEach(async () => {
	proxy = await TcpProxy.start(server);
});
afterEach(() => proxy?.close());

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C16 N9 in an mget: every other key has its value, the neighbours notice nothing, connections are few", async () => {
		await using client = await createClient({ url: proxy.url, protocol, retry });
		const batch = client.mget(keys, { partial: true });
		const neighbours: Promise<unknown>[] = [];
		for (let round = 0; round < 40; round++) {
			neighbours.push(client.get(`key ${round % 30}`), client.mget(["key 1", "key 2"]));
			await new Promise((resolve) => setImmediate(resolve));
		}
		const values = await batch;
		for (const [i, key] of keys.entries()) if (key !== "poison") expect(values[i]).toBe(`value of ${key}`);
		const error = values[37] as ClientError;
		expect(["CONNECTION", "TIMEOUT"]).toContain(error.code);
		expect(error.message).toEqual(hungUp);
		expect(error.maybeExecuted).toBe(true);
		const expected = Array.from({ length: 40 }, (_, round) => [
			`value of key ${round % 30}`,
			["value of key 1", "value of key 2"],
		]);
		expect(await Promise.all(neighbours)).toEqual(expected.flat());
		expect(proxy.connections.length).toBeLessThan(30);
		expect(client.stats().inFlight).toBe(0);
	});

	test("C16 N9 alone: so many attempts and no more, and the next command finds a good connection", async () => {
		await using client = await createClient({ url: proxy.url, protocol, retry });
		await server.raw("CONFIG", "RESETSTAT");
		const poisoned = rejectionOf(client.get("poison"));
		const before = client.get("key 1");
		const error = await poisoned;
		expect(["CONNECTION", "TIMEOUT"]).toContain(error.code);
		expect(error.message).toEqual(hungUp);
		expect(await before).toBe("value of key 1");
		expect(await client.get("key 2")).toBe("value of key 2");
		const stats = String(await server.raw("INFO", "commandstats"));
		// Up to five for the poisoned one, and the neighbour's.
		const calls = Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1]);
		expect(calls).toBeGreaterThan(2);
		expect(calls).toBeLessThanOrEqual(10);
		expect(proxy.connections.length).toBeLessThanOrEqual(7);
	});

	test("C16 N9 a caller that asks for it again and again: the reads beside it all arrive", async () => {
		await using client = await createClient({ url: proxy.url, protocol, retry });
		for (let round = 0; round < 3; round++) {
			const poisoned = rejectionOf(client.getInto("poison", Buffer.alloc(6 * 1024 * 1024)));
			const reads = Array.from({ length: 20 }, (_, i) => client.get(`key ${i}`));
			expect(["CONNECTION", "TIMEOUT"]).toContain((await poisoned).code);
			expect(await Promise.all(reads)).toEqual(Array.from({ length: 20 }, (_, i) => `value of key ${i}`));
		}
		expect(proxy.connections.length).toBeLessThan(30);
	});
});
