/** A server that reads and does not answer: what it was sent is bounded, for it would hang up at its own limit. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";

const BOUND = 1024 * 1024;
const CHUNK = 64 * 1024;
const VALUE = "v".repeat(4096);
const BATCHES = 40;

/** Each has two chunks of {@link CHUNK} at once, all of them together many times the bound. */
function entriesOf(batch: number): (readonly [string, string])[] {
	return Array.from({ length: 64 }, (_, i) => [`c23:${batch}:${i}`, VALUE] as const);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C23 while writes are paused no more than pool.maxQueuedBytes are on their way; the rest follows as answers come", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({
			url: proxy.url,
			protocol,
			pool: { maxQueuedBytes: BOUND },
			timeouts: { commandMs: 20_000, suspectMs: 300 },
		});
		await server.raw("CLIENT", "PAUSE", 20_000, "WRITE");
		const before = proxy.bytes.toServer;
		const sent = () => proxy.bytes.toServer - before;
		const batches = Array.from({ length: BATCHES }, (_, i) => client.setMany(entriesOf(i), { maxChunkBytes: CHUNK }));
		await waitUntil("the bound", () => sent() >= BOUND || `${sent()} bytes were sent`);
		const behind = client.mget(["c23:0:0", "c23:none"]);
		await waitUntil("the server's view of it", async () => {
			const list = String(await server.raw("CLIENT", "LIST"));
			return / flags=b /.test(list) || list;
		});
		// The chunk that reaches the bound is the last one. Headers of arguments are not counted.
		expect(client.stats().bytesWritten).toBeLessThan((BOUND + CHUNK) * 1.05);
		expect(sent()).toBeLessThan((BOUND + CHUNK) * 1.05);
		await server.raw("CLIENT", "UNPAUSE");
		for (const batch of await Promise.all(batches)) expect(new Set(batch)).toEqual(new Set(["OK"]));
		expect(await behind).toEqual([VALUE, null]);
		expect(sent()).toBeGreaterThan(BATCHES * 64 * VALUE.length);
		expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
	});

	test("C23 each answer makes room for what waits, in its order", async () => {
		await using node = await FakeNode.start();
		node.always(["SET"], () => undefined);
		await using client = await createClient({
			url: node.url,
			protocol,
			pool: { maxQueuedBytes: 8 * 1024 },
			timeouts: { closeMs: 100 },
		});
		const entries = Array.from({ length: 40 }, (_, i) => [`k${i}`, "v".repeat(1024)] as const);
		const batch = client.setMany(entries, { chunkSize: 2, maxInflight: 40 });
		const arrived = () => node.commands.map(([, key]) => key);
		const [connection] = node.connections;
		for (let answered = 0; answered < entries.length; ) {
			const inFlight = Math.min(8, entries.length - answered);
			await waitUntil("the chunks that fit", () => arrived().length === answered + inFlight || `${arrived().length} arrived`);
			await connection!.write("+OK\r\n+OK\r\n");
			answered += 2;
		}
		expect(await batch).toEqual(entries.map(() => "OK"));
		expect(arrived()).toEqual(entries.map(([key]) => key));
	});
});
