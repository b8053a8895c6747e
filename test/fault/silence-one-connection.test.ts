/** One connection's path is broken, without a word to either end, while the server answers others. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const timeouts = { suspectMs: 200, commandMs: 20_000, closeMs: 500 };
/** Looks come up to a quarter late each, on a clock of 50 ms: far above what it takes, far below the deadline. */
const GENEROUS_MS = 5000;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		"both directions",
		"what the server says",
	])("C18 it is replaced long before any deadline: %s stalled", async (how) => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol, timeouts });
		await client.setMany([
			["a", "1"],
			["b", "2"],
		]);
		const { toServer, toClient } = proxy.connections[0]!;
		toClient.stall();
		if (how === "both directions") toServer.stall();
		const began = performance.now();
		const reads = Promise.all([client.get("a"), client.mget(["a", "b"]), client.pipeline().get("b").exec()]);
		const write = rejectionOf(client.incr("n"));
		expect(await reads).toEqual(["1", ["1", "2"], ["2"]]);
		const error = await write;
		expect(performance.now() - began).toBeLessThan(GENEROUS_MS);
		expect(performance.now() - began).toBeGreaterThan(2 * timeouts.suspectMs);
		expect(error).toMatchObject({
			code: "CONNECTION",
			maybeExecuted: true,
			message: expect.stringContaining("silent while the server answers others"),
		});
		expect(client.stats()).toMatchObject({ reconnects: 1, inFlight: 0, connections: 1 });
		expect(await client.incr("n")).toBe(how === "both directions" ? 1 : 2);
		// The probe's connection is gone as well.
		await waitUntil("the end of all others", () => proxy.open === 2 || `${proxy.open} are open`);
	});
});

test("C18 a connection that is slow, and heard of in time, stays", async () => {
	await using server = await startStandalone();
	await using proxy = await TcpProxy.start(server);
	await using client = await createClient({ url: proxy.url, timeouts });
	await client.set("a", "1");
	const [connection] = proxy.connections;
	connection!.toClient.stall();
	const read = client.get("a");
	// Suspected: the probe has come.
	await proxy.accepted(2);
	connection!.toClient.resume();
	expect(await read).toBe("1");
	expect(await client.get("a")).toBe("1");
	expect(client.stats()).toMatchObject({ reconnects: 0, connections: 1 });
});

test("C18 a reply that takes long is no silence as long as bytes of it come", async () => {
	await using node = await FakeNode.start();
	const PIECES = 40;
	node.expect(["GET", "large"]).reply(`$${PIECES}\r\n`);
	node.always(["PING"], "+PONG\r\n");
	await using client = await createClient({ url: node.url, timeouts: { ...timeouts, suspectMs: 400 } });
	const read = client.get("large");
	await waitUntil("the call", () => node.commands.length === 1 || "not yet");
	// The pace of a slow path: several times suspectMs in all.
	for (let i = 0; i < PIECES; i++) {
		await node.connections[0]!.write("v");
		await sleep(60);
	}
	await node.connections[0]!.write("\r\n");
	expect(await read).toBe("v".repeat(PIECES));
	expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
	expect(node.connections).toHaveLength(1);
});

test("C18 suspectMs 0: nobody is suspected, and the deadline ends the command", async () => {
	await using server = await startStandalone();
	await using proxy = await TcpProxy.start(server);
	await using client = await createClient({ url: proxy.url, timeouts: { suspectMs: 0, commandMs: 700, closeMs: 100 } });
	proxy.connections[0]!.toClient.stall();
	expect(await rejectionOf(client.get("a"))).toMatchObject({ code: "TIMEOUT", maybeExecuted: true });
	expect(proxy.connections).toHaveLength(1);
	expect(client.stats().reconnects).toBe(0);
});
