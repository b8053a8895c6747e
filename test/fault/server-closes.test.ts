/**
 * The server closes a connection full of commands. What it answered before counts; what it did not is told apart: reads are asked
 * again, anything else rejects and says that it may have been executed.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ClientOptions, createClient } from "../../src/index.js";

let server: ServerNode;
beforeEach(async () => {
	server = await startStandalone({ users: { leaver: "on >leaving ~* +@all" } });
});
afterEach(() => server.stop());

const unknown = { code: "CONNECTION", maybeExecuted: true };

/** The value or the error of each. */
function outcomes(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
	return Promise.all(calls.map((call) => call.catch((error) => error)));
}

async function backTo(client: Client): Promise<void> {
	expect(await client.command("PING")).toBe("PONG");
	expect(client.stats().inFlight).toBe(0);
}

const counter = async (key: string) => Number((await server.raw("GET", key)) ?? 0);

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const connect = (more: ClientOptions = {}) =>
		createClient({ url: server.url, protocol, retry: { baseMs: 1, maxMs: 20 }, timeouts: { commandMs: 20_000 }, ...more });

	test("C15 CLIENT KILL of its own connection in the middle of a pipeline", async () => {
		await using client = await connect();
		await client.set("k", "v");
		const id = (await client.command("CLIENT", "ID")) as number;
		// The server answers the command that kills its connection, and reads nothing behind it.
		const before = Array.from({ length: 20 }, () => client.command("INCR", "before"));
		const kill = client.command("CLIENT", "KILL", "ID", id, "SKIPME", "no");
		const after = Array.from({ length: 20 }, () => client.command("INCR", "after"));
		const reads = Array.from({ length: 20 }, () => client.get("k"));
		const batch = client.mget(["k", "none"]);
		const results = await outcomes([...before, kill, ...after, ...reads, batch]);
		expect(results.slice(0, 21)).toEqual([...Array.from({ length: 20 }, (_, i) => i + 1), 1]);
		for (const error of results.slice(21, 41)) expect(error).toMatchObject(unknown);
		expect(results.slice(41)).toEqual([...Array.from({ length: 20 }, () => "v"), ["v", null]]);
		expect(await counter("after")).toBe(0);
		expect(client.stats().reconnects).toBe(1);
		await backTo(client);
	});

	test("C15 CLIENT KILL by somebody else, again and again under load", async () => {
		await using client = await connect({ name: "victim" });
		await client.set("k", "v");
		let acknowledged = 0;
		let lost = 0;
		let over = false;
		const writer = async (): Promise<void> => {
			while (!over) {
				const [error] = await outcomes([client.command("INCR", "n")]);
				if (typeof error === "number") acknowledged += 1;
				else {
					expect(error).toMatchObject(unknown);
					lost += 1;
				}
			}
		};
		const reader = async (): Promise<void> => {
			while (!over) expect(await outcomes([client.get("k"), client.mget(["k", "none"])])).toEqual(["v", ["v", null]]);
		};
		const load = Promise.all([...Array.from({ length: 20 }, writer), ...Array.from({ length: 10 }, reader)]);
		for (let kills = 1; kills <= 5; kills++) {
			const target = acknowledged + 50;
			await waitUntil("load", () => acknowledged >= target || `${acknowledged} of ${target} acknowledged`);
			await server.raw("CLIENT", "KILL", "TYPE", "normal");
			await waitUntil("the loss", () => client.stats().reconnects >= kills || "it is not noticed");
		}
		over = true;
		await load;
		const counted = await counter("n");
		expect(counted).toBeGreaterThanOrEqual(acknowledged);
		expect(counted).toBeLessThanOrEqual(acknowledged + lost);
		expect(client.stats().reconnects).toBe(5);
		await backTo(client);
	});

	test("C15 timeout 1: bursts after the server hung up on an idle connection lose nothing", async () => {
		await using client = await connect();
		await client.set("k", "v");
		await server.raw("CONFIG", "SET", "timeout", "1");
		for (let times = 1; times <= 2; times++) {
			await waitUntil("the server's close", () => client.stats().reconnects >= times || "the connection is open");
			const calls = Array.from({ length: 50 }, () => [client.command("INCR", "n"), client.get("k")]).flat();
			const results = await outcomes(calls);
			expect(results.filter((result) => result === "v")).toHaveLength(50);
			expect(results.filter((result) => typeof result === "number")).toHaveLength(50);
		}
		expect(await counter("n")).toBe(100);
	});

	test("C15 C16 client-output-buffer-limit: a reply too large takes the others along, and only it is given up", async () => {
		await using client = await connect({ retry: { baseMs: 5, maxMs: 50, maxAttempts: 6 } });
		await client.set("k", "v");
		await client.set("poison", Buffer.alloc(4 * 1024 * 1024, "x"));
		await server.raw("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0");
		const writes = Array.from({ length: 10 }, () => client.command("INCR", "n"));
		const poison = client.buffers.get("poison");
		const reads = Array.from({ length: 10 }, () => client.get("k"));
		const behind = Array.from({ length: 10 }, () => client.command("INCR", "m"));
		const results = await outcomes([...writes, poison, ...reads, ...behind]);
		// The server drops what it has not sent yet: how many of the first replies came is its affair.
		const acknowledged = results.slice(0, 10).filter((result) => typeof result === "number");
		for (const error of results.slice(acknowledged.length, 10)) expect(error).toMatchObject(unknown);
		expect(acknowledged).toEqual(acknowledged.map((_, i) => i + 1));
		expect(await counter("n")).toBeLessThanOrEqual(10);
		expect(await counter("n")).toBeGreaterThanOrEqual(acknowledged.length);
		expect(results[10]).toMatchObject({ code: "CONNECTION" });
		expect(results.slice(11, 21)).toEqual(Array.from({ length: 10 }, () => "v"));
		for (const error of results.slice(21)) expect(error).toMatchObject(unknown);
		expect(await counter("m")).toBe(0);
		// Its attempts were counted over all connections: two among others, three alone.
		expect(client.stats().reconnects).toBe(5);
		await server.raw("CONFIG", "SET", "client-output-buffer-limit", "normal 0 0 0");
		expect((await client.buffers.get("poison"))?.length).toBe(4 * 1024 * 1024);
		await backTo(client);
	});

	test("C15 ACL DELUSER of the user itself: what waits learns that its credentials are gone, until they are back", async () => {
		const url = `redis://leaver:leaving@${server.host}:${server.port}`;
		await using client = await connect({ url });
		await client.set("k", "v");
		const before = client.command("INCR", "before");
		const gone = client.command("ACL", "DELUSER", "leaver");
		const after = client.command("INCR", "after");
		const read = client.get("k");
		const [first, deleted, write, value] = await outcomes([before, gone, after, read]);
		expect([first, deleted]).toEqual([1, 1]);
		expect(write).toMatchObject(unknown);
		expect(value).toMatchObject({ code: "AUTH" });
		expect(await counter("after")).toBe(0);
		await server.raw("ACL", "SETUSER", "leaver", "on", ">leaving", "~*", "+@all");
		await expect.poll(() => client.get("k").catch((error) => error.code), { timeout: 10_000, interval: 10 }).toBe("v");
		await backTo(client);
	});

	test("C15 ACL DELUSER by somebody else", async () => {
		const url = `redis://leaver:leaving@${server.host}:${server.port}`;
		await using client = await connect({ url });
		await using admin = await server.connect();
		// Both are in flight before the server looks at either.
		await server.pause();
		const deleted = admin.command("ACL", "DELUSER", "leaver");
		const results = outcomes(Array.from({ length: 20 }, () => client.command("INCR", "n")));
		await server.resume();
		expect(await deleted).toBe(1);
		const settled = await results;
		const acknowledged = settled.filter((result) => typeof result === "number");
		for (const error of settled.filter((result) => typeof result !== "number")) expect(error).toMatchObject(unknown);
		const counted = await counter("n");
		expect(counted).toBeGreaterThanOrEqual(acknowledged.length);
		expect(counted).toBeLessThanOrEqual(20);
		await expect.poll(() => client.get("n").catch((error) => error.code), { timeout: 10_000, interval: 10 }).toBe("AUTH");
	});

	test("C15 SHUTDOWN NOSAVE: reads wait for the server to come back, writes do not", async () => {
		await using client = await connect({ retry: { baseMs: 10, maxMs: 50, maxAttempts: 1000 } });
		await client.set("k", "v");
		await server.raw("SAVE");
		const before = Array.from({ length: 10 }, () => client.command("INCR", "n"));
		const shutdown = client.command("SHUTDOWN", "NOSAVE");
		const after = Array.from({ length: 10 }, () => client.command("INCR", "n"));
		const reads = Array.from({ length: 10 }, () => client.get("k"));
		const writes = await outcomes([...before, shutdown, ...after]);
		// Whether it still sends the replies to what stood before is the server's affair.
		const acknowledged = writes.filter((result) => typeof result === "number");
		expect(acknowledged).toEqual(acknowledged.map((_, i) => i + 1));
		expect(acknowledged.length).toBeLessThanOrEqual(10);
		for (const error of writes.slice(acknowledged.length)) expect(error).toMatchObject(unknown);
		await waitUntil("the server's end", () => server.pid === undefined || "it runs");
		await server.restart();
		expect(await outcomes(reads)).toEqual(Array.from({ length: 10 }, () => "v"));
		expect(await counter("n")).toBe(0);
		await backTo(client);
	});
});
