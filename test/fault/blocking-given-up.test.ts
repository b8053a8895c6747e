/** A caller gives up a command that blocks: the server must not pop anything for it any more. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { areBlocked } from "../support/blocked.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server.stop());

async function clientsOf(name: string): Promise<string[]> {
	return String(await server.raw("CLIENT", "LIST"))
		.split("\n")
		.filter((line) => line.includes(`name=${name} `));
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C20 an abort closes the connection: the server lets go, keeps what is pushed later, and the next one has its place", async () => {
		const name = `aborts-${protocol}`;
		await using client = await createClient({ url: server.url, protocol, name, pool: { maxBlocked: 1 } });
		const abort = new AbortController();
		const reason = new Error("changed my mind");
		const popped = rejectionOf(client.with({ signal: abort.signal }).blpop("given:up", 0));
		await areBlocked(server, 1);
		expect(await clientsOf(name)).toHaveLength(2);
		const next = client.blpop("given:other", 0);
		abort.abort(reason);
		expect(await popped).toMatchObject({ code: "ABORTED", cause: reason, maybeExecuted: true });
		await client.command("RPUSH", "given:other", "next");
		expect(await next).toEqual(["given:other", "next"]);
		await waitUntil("the end of its connection", async () => {
			const lines = await clientsOf(name);
			return (lines.length === 2 && !lines.some((line) => line.includes("flags=b"))) || lines.join("\n");
		});
		await client.command("RPUSH", "given:up", "kept");
		expect(await client.command("LRANGE", "given:up", 0, -1)).toEqual(["kept"]);
		await client.command("DEL", "given:up");
		// Before anything was sent.
		const never = client.with({ signal: AbortSignal.abort(reason) }).blpop("given:up", 0);
		expect((await rejectionOf(never)) as object).toMatchObject({ code: "ABORTED" });
		expect(await rejectionOf(never)).not.toHaveProperty("maybeExecuted");
		const soon = new AbortController();
		const queued = rejectionOf(client.with({ signal: soon.signal }).blpop("given:up", 0));
		soon.abort();
		expect(await queued).not.toHaveProperty("maybeExecuted");
	});

	test("C38 C20 the deadline is the block time and timeoutMs: a server that keeps its null to itself costs that, and no more is popped", async () => {
		await using proxy = await TcpProxy.start(server);
		const name = `late-${protocol}`;
		await using client = await createClient({ url: proxy.url, protocol, name, timeouts: { suspectMs: 20_000 } });
		const view = client.with({ timeoutMs: 400 });
		// In time, the server's own null comes.
		expect(await view.blpop("given:late", 0.6)).toBeNull();
		const began = performance.now();
		const popped = rejectionOf(view.blpop("given:late", 0.3));
		await areBlocked(server, 1);
		proxy.connections[1]!.toClient.stall();
		expect(await popped).toMatchObject({ code: "TIMEOUT", maybeExecuted: true });
		expect(performance.now() - began).toBeGreaterThanOrEqual(700);
		await waitUntil("the end of its connection", async () => (await clientsOf(name)).length === 1 || "it is there");
		await client.command("RPUSH", "given:late", "kept");
		expect(await client.command("LLEN", "given:late")).toBe(1);
		await client.command("DEL", "given:late");
	});

	test("C38 for ever means for ever, whatever the deadline of calls", async () => {
		await using client = await createClient({ url: server.url, protocol, timeouts: { commandMs: 50, suspectMs: 40 } });
		const popped = client.blpop("given:ever", 0);
		const began = performance.now();
		await waitUntil("many deadlines", () => performance.now() - began > 600 || "wait");
		await client.with({ timeoutMs: 5000 }).command("RPUSH", "given:ever", "here");
		expect(await popped).toEqual(["given:ever", "here"]);
	});

	test("C38 the wait for a connection counts against timeoutMs, and says what is exhausted", async () => {
		await using client = await createClient({ url: server.url, protocol, pool: { maxBlocked: 2 } });
		const abort = new AbortController();
		const holders = [1, 2].map(() => rejectionOf(client.with({ signal: abort.signal }).blpop("given:held", 0)));
		await areBlocked(server, 2);
		for (const timeout of [0, 30]) {
			const began = performance.now();
			const error = await rejectionOf(client.with({ timeoutMs: 100 }).brpop("given:held", timeout));
			expect(error).toMatchObject({
				code: "TIMEOUT",
				message: expect.stringContaining("all 2 connections for blocking commands"),
			});
			expect(error.message).toContain("pool.maxBlocked");
			expect(error).not.toHaveProperty("maybeExecuted");
			const took = performance.now() - began;
			expect(took).toBeGreaterThanOrEqual(100);
			expect(took).toBeLessThan(10_000);
		}
		abort.abort();
		for (const held of holders) expect(await held).toMatchObject({ code: "ABORTED" });
		expect(await client.blpop("given:held", 0.01)).toBeNull();
	});
});

test("C38 pool.maxBlocked 0: nothing blocks here but inside withConnection", async () => {
	await using client = await createClient({ url: server.url, pool: { maxBlocked: 0 } });
	expect(await rejectionOf(client.blpop("k", 1))).toMatchObject({
		code: "UNSUPPORTED",
		message: expect.stringContaining("maxBlocked"),
	});
	expect(await client.withConnection({}, (own) => own.blpop("given:none", 0.01))).toBeNull();
});
