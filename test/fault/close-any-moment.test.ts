/** The client ends in the midst of something: everything settles, nothing is left. */
import { describe, expect, test } from "vitest";
import { startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ClientError, createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const timeouts = { closeMs: 150, commandMs: 20_000, connectMs: 20_000 };
/** Far above closeMs, far below every other time limit. */
const GENEROUS_MS = 5000;

interface Pending {
	readonly single: Promise<unknown>;
	readonly write: Promise<unknown>;
	readonly batch: Promise<unknown>;
	readonly pipeline: Promise<unknown>;
}

function callsOf(client: Client): Pending {
	const calls = {
		single: client.get("{bar}k"),
		write: client.incr("{bar}n"),
		batch: client.mget(["{bar}a", "{bar}b"]),
		pipeline: client.pipeline().get("{bar}k").exec(),
	};
	for (const call of Object.values(calls)) call.catch(() => {});
	return calls;
}

/** Ends the client twice at the same time and a third time after that; every call has its error. */
async function end(client: Client, how: "close" | "destroy", calls: Pending): Promise<{ write: ClientError }> {
	const began = performance.now();
	await Promise.all([client[how](), client[how]()]);
	const single = await rejectionOf(calls.single);
	const write = (await rejectionOf(calls.write)) as ClientError;
	const batch = (await rejectionOf(calls.batch)) as Error & { results: { code: string }[] };
	expect([single.code, write.code]).toEqual(["CLOSED", "CLOSED"]);
	expect(batch.results.map(({ code }) => code)).toEqual(["CLOSED", "CLOSED"]);
	expect(await calls.pipeline).toEqual([expect.objectContaining({ code: "CLOSED" })]);
	expect(performance.now() - began).toBeLessThan(GENEROUS_MS);
	expect(await rejectionOf(client.get("{bar}k"))).toMatchObject({ code: "CLOSED" });
	expect(client.stats()).toMatchObject({ connections: 0, inFlight: 0 });
	await client[how]();
	await client[Symbol.asyncDispose]();
	return { write };
}

describe.each([
	["close", 2],
	["close", 3],
	["destroy", 2],
	["destroy", 3],
] as const)("%s(), RESP%i", (how, protocol) => {
	test("C37 while it connects again: the server accepts and says nothing", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		const client = await createClient({ url: proxy.url, protocol, timeouts });
		proxy.onConnection(({ toServer }) => void toServer.stall());
		proxy.cut();
		await proxy.accepted(2);
		const { write } = await end(client, how, callsOf(client));
		expect(write.maybeExecuted ?? false).toBe(false);
	});

	test("C37 in the middle of a handshake", async () => {
		await using node = await FakeNode.start();
		const client = await createClient({ url: node.url, protocol, timeouts });
		node.always(["CLIENT"], () => undefined);
		node.connections[0]!.reset();
		await node.accepted(2);
		await waitUntil("the second step", () => node.connections[1]!.commands.some(([name]) => name === "CLIENT") || "not yet");
		const { write } = await end(client, how, callsOf(client));
		expect(write.maybeExecuted ?? false).toBe(false);
	});

	test("C37 between two attempts to connect", async () => {
		await using server = await startStandalone();
		const client = await createClient({
			url: server.url,
			protocol,
			timeouts,
			retry: { baseMs: 1_000_000, maxMs: 1_000_000 },
		});
		await server.kill();
		await waitUntil("the loss", () => client.stats().connections === 0 || "not noticed");
		const { write } = await end(client, how, callsOf(client));
		expect(write.maybeExecuted ?? false).toBe(false);
	});

	test("C37 while commands wait for a server that loads its data", async () => {
		await using node = await FakeNode.start();
		for (const name of ["GET", "INCR", "MGET"]) node.always([name], "-LOADING Redis is loading the dataset in memory\r\n");
		const client = await createClient({ url: node.url, protocol, timeouts, retry: { baseMs: 1_000_000, maxMs: 1_000_000 } });
		const calls = callsOf(client);
		await waitUntil("refusals", () => client.stats().retries > 0 || "none yet");
		await end(client, how, calls);
	});

	test("C37 while the server stands still", async () => {
		await using server = await startStandalone();
		const client = await createClient({ url: server.url, protocol, timeouts: { ...timeouts, suspectMs: 100 } });
		await server.pause();
		const calls = callsOf(client);
		await waitUntil("a write", () => client.stats().flights > 0 || "not yet");
		const { write } = await end(client, how, calls);
		expect(write.maybeExecuted).toBe(true);
		await server.resume();
	});

	test("C37 while nobody waits any more for replies that are owed", async () => {
		await using server = await startStandalone();
		const client = await createClient({ url: server.url, protocol, timeouts });
		await server.pause();
		const late = client.with({ timeoutMs: 60 }).get("k");
		expect(await rejectionOf(late)).toMatchObject({ code: "TIMEOUT" });
		await Promise.all([client[how](), client[how]()]);
		expect(client.stats()).toMatchObject({ connections: 0, inFlight: 0 });
		await server.resume();
	});

	test("C37 a cluster one of whose nodes loads its data while another is gone", async () => {
		await using loading = await startFakeClusterNode();
		await using gone = await startFakeClusterNode();
		for (const node of [loading, gone]) {
			node.always(["CLUSTER", "SLOTS"], () => slotsOf([loading, 0, 8191], [gone, 8192, 16_383]));
			for (const name of ["GET", "INCR", "MGET"]) node.always([name], "-LOADING Redis is loading the dataset in memory\r\n");
		}
		const client = await createClient({
			nodes: [addressOf(loading)],
			protocol,
			timeouts,
			retry: { baseMs: 1_000_000, maxMs: 1_000_000 },
		});
		await gone.accepted(1);
		await waitUntil("both connections", () => client.stats().connections === 2 || "not yet");
		await gone.close();
		await waitUntil("the loss", () => client.stats().connections === 1 || "not noticed");
		const calls = callsOf(client);
		const homeless = rejectionOf(client.get("foo"));
		await waitUntil("refusals", () => client.stats().retries > 0 || "none yet");
		await end(client, how, calls);
		expect(await homeless).toMatchObject({ code: "CLOSED" });
	});
});

test("C37 a real cluster with a stopped primary: close() and destroy() at once", async () => {
	await using cluster = await startCluster({ primaries: 3, nodeTimeoutMs: 20_000 });
	for (const how of ["close", "destroy"] as const) {
		const client = await createClient({ url: cluster.url, timeouts: { ...timeouts, suspectMs: 100 } });
		// Connected to every primary: what comes next is written.
		await client.mget(Array.from({ length: 50 }, (_, i) => `key${i}`));
		const { flights } = client.stats();
		for (const node of cluster.primaries) await node.pause();
		const calls = callsOf(client);
		await waitUntil("a write", () => client.stats().flights > flights || "not yet");
		await end(client, how, calls);
		for (const node of cluster.primaries) await node.resume();
	}
});

test.each([
	["a standalone server", "redis"],
	["a cluster", "redis-cluster"],
])("C37 createClient gives up on %s that accepts and says nothing: nothing is left", async (_, scheme) => {
	await using node = await FakeNode.start();
	node.always(["HELLO"], () => undefined);
	const url = `${scheme}://${addressOf(node)}`;
	const error = await rejectionOf(createClient({ url, timeouts: { startMs: 200, connectMs: 20_000 } }));
	expect(error).toMatchObject({ code: "CONNECTION", message: expect.stringContaining(addressOf(node)) });
	await waitUntil("the end of its socket", () => node.connections.every(({ closed }) => closed) || "open");
});
