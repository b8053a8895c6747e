/** How soon a lost connection is dialled again. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";

const WINDOW_MS = 1000;

afterEach(() => {
	vi.restoreAllMocks();
});

function passed(ms: number): Promise<void> {
	const began = performance.now();
	return waitUntil("the end of the window", () => performance.now() - began > ms || "it lasts");
}

test.each([
	2, 3,
] as const)("C26 a server that accepts and closes right after the handshake is not dialled in a loop (RESP%i)", async (protocol) => {
	await using node = await FakeNode.start();
	node.always(["CLIENT"], ([, , field], connection) => {
		if (field === "LIB-VER") setImmediate(() => connection.end());
		return "+OK\r\n";
	});
	await using client = await createClient({ url: node.url, protocol });
	await passed(WINDOW_MS);
	// Pauses of 10, 20, 40 … ms on average.
	expect(node.connections.length).toBeGreaterThan(2);
	expect(node.connections.length).toBeLessThan(30);
	expect(client.stats().reconnects).toBeGreaterThan(1);
});

describe("the pause after a lost connection", () => {
	/** Chance decides every pause between 0 and its bound; here it takes the share that the test names. */
	function chance(share: number): void {
		vi.spyOn(Math, "random").mockReturnValue(share);
	}

	/** A client that failed to connect so often that the bound of its next pause is 20 s. */
	async function afterManyFailures(proxy: TcpProxy): Promise<Client> {
		let down = false;
		proxy.onConnection((connection) => {
			if (down) connection.cut();
		});
		const client = await createClient({ url: proxy.url, retry: { baseMs: 20, maxMs: 20_000 } });
		chance(0.02);
		down = true;
		proxy.cut();
		await waitUntil("failed attempts", () => proxy.connections.length > 11 || `${proxy.connections.length}`);
		down = false;
		expect(await client.command("PING")).toBe("PONG");
		return client;
	}

	test("C26 is short again after a connection that held", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await afterManyFailures(proxy);
		await passed(1200);
		chance(0.99);
		const before = proxy.connections.length;
		proxy.cut();
		await waitUntil("the next attempt", () => proxy.connections.length > before || "not yet", { timeoutMs: 3000 });
		expect(await client.command("PING")).toBe("PONG");
	});

	test("C26 goes on growing after one that broke at once", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await afterManyFailures(proxy);
		chance(0.99);
		const before = proxy.connections.length;
		proxy.cut();
		await waitUntil("the loss", () => client.stats().connections === 0 || "not noticed");
		await passed(WINDOW_MS);
		expect(proxy.connections).toHaveLength(before);
	});
});
