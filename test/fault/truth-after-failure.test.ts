/** What an error says about whether its command was executed: `maybeExecuted` true, false or absent. */
import { afterEach, describe, expect, inject, test, vi } from "vitest";
import { raw, waitUntil } from "../../fixtures/servers.js";
import { type Client, ClientError, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

async function truthOf(call: Promise<unknown>): Promise<[code: string | undefined, maybeExecuted: boolean | "absent"]> {
	const error = await rejectionOf(call);
	expect(error).toBeInstanceOf(ClientError);
	return [error.code, "maybeExecuted" in error ? (error as ClientError).maybeExecuted! : "absent"];
}

/** Resolves when the client has written something new. */
async function written(client: Client, issue: () => void): Promise<void> {
	const { bytesWritten } = client.stats();
	issue();
	await waitUntil("it is written", () => client.stats().bytesWritten > bytesWritten || "not yet");
}

afterEach(() => {
	vi.restoreAllMocks();
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		["the connection is lost", "CONNECTION"],
		["the deadline passes", "TIMEOUT"],
		["its caller aborts", "ABORTED"],
		["the client is destroyed", "CLOSED"],
	])("C24 written, and %s: it may have been executed", async (how, code) => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol });
		const abort = new AbortController();
		const view = client.with({ signal: abort.signal, ...(code === "TIMEOUT" ? { timeoutMs: 100 } : {}) });
		proxy.connections[0]!.toClient.stall();
		const calls: Promise<[string | undefined, boolean | "absent"]>[] = [];
		await written(client, () => {
			calls.push(truthOf(view.incr(`truth:${how}`)), truthOf(view.pipeline().incr(`truth:${how}`).exec().then(single)));
			calls.push(truthOf(view.setMany([[`truth:${how}:set`, "v"]], { partial: true }).then(single)));
		});
		if (code === "CONNECTION") proxy.cut();
		if (code === "ABORTED") abort.abort();
		if (code === "CLOSED") client.destroy();
		for (const call of calls) expect(await call).toEqual([code, true]);
		client.destroy();
	});

	test.each(["TIMEOUT", "ABORTED", "CLOSED"])("C24 never written, and %s: nothing is said of its execution", async (code) => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 50, maxMs: 50 } });
		// Whoever dials hears nothing.
		proxy.onConnection(({ toClient }) => toClient.stall());
		proxy.cut();
		await proxy.accepted(2);
		const { bytesWritten } = client.stats();
		const abort = new AbortController();
		const view = client.with({ signal: abort.signal, ...(code === "TIMEOUT" ? { timeoutMs: 100 } : {}) });
		const calls = [
			truthOf(view.incr("truth:never")),
			truthOf(view.get("truth:never")),
			truthOf(view.pipeline().incr("truth:never").exec().then(single)),
			truthOf(view.setMany([["truth:never:set", "v"]], { partial: true }).then(single)),
		];
		// Past the end of the tick, at which it would be written.
		await new Promise((resolve) => setImmediate(resolve));
		if (code === "ABORTED") abort.abort();
		if (code === "CLOSED") client.destroy();
		for (const call of calls) expect(await call).toEqual([code, "absent"]);
		expect(client.stats().bytesWritten).toBe(bytesWritten);
		client.destroy();
	});

	test("C24 aborted before the tick ended: never written, never executed", async () => {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		await client.command("DEL", "truth:tick");
		const abort = new AbortController();
		const call = truthOf(client.with({ signal: abort.signal }).incr("truth:tick"));
		abort.abort();
		expect(await call).toEqual(["ABORTED", "absent"]);
		expect(await client.get("truth:tick")).toBe(null);
	});

	test("C24 what the server itself refuses was not executed; what a script says may be told after effects", async () => {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		await client.command("DEL", "truth:hash", "truth:effect");
		await client.command("HSET", "truth:hash", "f", "v");
		expect(await truthOf(client.incr("truth:hash"))).toEqual(["WRONGTYPE", false]);
		expect(await truthOf(client.get("truth:hash"))).toEqual(["WRONGTYPE", false]);
		expect(await truthOf(client.command("EVALSHA", "0".repeat(40), 1, "truth:effect"))).toEqual(["NOSCRIPT", false]);
		const script = "redis.call('set', KEYS[1], 'there'); return redis.error_reply('LOADING not really')";
		expect(await truthOf(client.command("EVAL", script, 1, "truth:effect"))).toEqual(["LOADING", true]);
		expect(await client.get("truth:effect")).toBe("there");
	});

	test("C24 refused until its deadline, or until its caller aborts: it was sent, and certainly not executed", async () => {
		// The longest pause that there may be, so that nothing is in flight when the caller gives up.
		vi.spyOn(Math, "random").mockReturnValue(0.99);
		await using node = await FakeNode.start();
		node.always(["INCR"], "-LOADING Redis is loading the dataset in memory\r\n");
		node.always(["SET"], "-LOADING Redis is loading the dataset in memory\r\n");
		await using client = await createClient({ url: node.url, protocol, retry: { baseMs: 1000, maxMs: 1000 } });
		const abort = new AbortController();
		const aborting = client.with({ signal: abort.signal });
		const aborted = [truthOf(aborting.incr("bar")), truthOf(aborting.setMany([["foo", "v"]], { partial: true }).then(single))];
		await waitUntil("both are refused", () => client.stats().retries === 2 || "not yet");
		abort.abort();
		for (const call of aborted) expect(await call).toEqual(["ABORTED", false]);
		const view = client.with({ timeoutMs: 60 });
		const late = [truthOf(view.incr("baz")), truthOf(view.setMany([["qux", "v"]], { partial: true }).then(single))];
		for (const call of late) expect(await call).toEqual(["TIMEOUT", false]);
	});

	test("N10 C24 a thousand INCRs through connections that are reset: acknowledged ≤ counter ≤ acknowledged + unknown", async () => {
		await using proxy = await TcpProxy.start(server());
		let cuts = 0;
		proxy.onConnection(({ toClient, index }) => {
			// Handshakes are longer than that only in RESP3; each connection gets a little farther than the one before.
			toClient.cutAt(600 + 37 * index, index % 2 === 0 ? { client: "fin", server: "rst" } : "rst");
			cuts += 1;
		});
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 1, maxMs: 1 } });
		const key = `truth:n10:${protocol}`;
		await raw(server(), "DEL", key);
		let acknowledged = 0;
		let unknown = 0;
		const seen = new Set<number | bigint>();
		for (let round = 0; round < 100; round++) {
			const calls = Array.from({ length: 10 }, () => client.incr(key));
			for (const outcome of await Promise.allSettled(calls)) {
				if (outcome.status === "fulfilled") {
					acknowledged += 1;
					expect(seen.has(outcome.value)).toBe(false);
					seen.add(outcome.value);
				} else {
					expect(outcome.reason).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
					unknown += 1;
				}
			}
		}
		expect(acknowledged + unknown).toBe(1000);
		expect(cuts).toBeGreaterThan(3);
		expect(unknown).toBeGreaterThan(0);
		const counter = Number(await raw(server(), "GET", key));
		expect(counter).toBeGreaterThanOrEqual(acknowledged);
		expect(counter).toBeLessThanOrEqual(acknowledged + unknown);
	});
});

/** The one result of a pipeline or a partial batch, an error thrown. */
function single(results: readonly unknown[]): unknown {
	expect(results).toHaveLength(1);
	if (results[0] instanceof Error) throw results[0];
	return results[0];
}
