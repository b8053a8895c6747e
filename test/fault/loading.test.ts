/** A server that still reads its data set: it greets, and refuses commands with LOADING. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";

/** Half a millisecond each, and the event loop in between: about two seconds of loading. */
const KEYS = 3000;
const slowly = ["--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"];

let server: ServerNode;
let proxy: TcpProxy;
beforeAll(async () => {
	server = await startStandalone();
	proxy = await TcpProxy.start(server);
	await server.raw("DEBUG", "POPULATE", KEYS, "loading", 64);
	await server.raw("SET", "loading:text", "here");
	await server.raw("SAVE");
});
afterAll(async () => {
	await proxy.close();
	await server.stop();
});

async function restartLoading(): Promise<void> {
	await server.kill();
	await server.restart({ args: slowly, until: "listening" });
}

async function isLoading(): Promise<boolean> {
	return String(await server.raw("INFO", "persistence")).includes("loading:1");
}

/** Everything a caller may ask for meanwhile, writes among them: LOADING is said before anything is executed. */
async function everyCallSucceeds(client: Client, counter: string): Promise<void> {
	const calls = [
		client.get("loading:text"),
		client.mget(["loading:text", "loading:none"]),
		client.setMany([
			[`${counter}:a`, "1"],
			[`${counter}:b`, "2"],
		]),
		client.pipeline().command("ECHO", "x").get("loading:text").exec(),
		client.command("PING"),
		...Array.from({ length: 10 }, () => client.command("INCR", counter)),
	];
	const [text, some, set, piped, pong, ...counts] = await Promise.all(calls);
	expect({ text, some, set, piped, pong }).toEqual({
		text: "here",
		some: ["here", null],
		set: ["OK", "OK"],
		piped: ["x", "here"],
		pong: "PONG",
	});
	expect(counts.map(Number).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
	expect(await client.get(counter)).toBe("10");
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const options = () => ({
		url: proxy.url,
		protocol,
		name: "patient",
		timeouts: { commandMs: 25_000 },
		// Attempts enough for any machine: what is shown here is the pause between them, and that they share a connection.
		retry: { maxAttempts: 200, baseMs: 20, maxMs: 200 },
	});

	test("C05 a loading server is greeted once, and what was asked meanwhile succeeds when it is over", async () => {
		await restartLoading();
		const connections = proxy.connections.length;
		await using client = await createClient(options());
		expect(await isLoading()).toBe(true);
		await everyCallSucceeds(client, `loading:fresh:${protocol}`);
		expect(client.stats().retries).toBeGreaterThan(0);
		expect(client.stats().reconnects).toBe(0);
		expect(proxy.connections.length).toBe(connections + 1);
	});

	test("C05 a client whose server comes back loading reconnects once and stays on that connection", async () => {
		await using client = await createClient(options());
		await restartLoading();
		const connected = () => client.stats().reconnects === 1 && client.stats().connections === 1;
		const id = () => client.command("CLIENT", "ID");
		const first = await id();
		await waitUntil("the reconnection", () => connected() || "no connection yet");
		expect(await isLoading()).toBe(true);
		await everyCallSucceeds(client, `loading:back:${protocol}`);
		expect(await id()).toBe(first);
		expect(client.stats().retries).toBeGreaterThan(0);
		expect(client.stats().reconnects).toBe(1);
	});

	test("C05 a connection is leased from a loading server, and its commands say LOADING", async () => {
		await restartLoading();
		await using client = await createClient(options());
		await client.withConnection({}, async (own) => {
			expect(await own.command("CLIENT", "GETNAME")).toBe("patient");
			await expect(own.get("loading:text")).rejects.toMatchObject({ code: "LOADING", maybeExecuted: false });
		});
		expect(await client.get("loading:text")).toBe("here");
	});

	test("C05 attempts are counted: with none left, the caller is told LOADING and nothing is executed", async () => {
		await restartLoading();
		await using client = await createClient({ ...options(), retry: { maxAttempts: 1, baseMs: 1, maxMs: 1 } });
		const key = `loading:refused:${protocol}`;
		await expect(client.command("INCR", key)).rejects.toMatchObject({ code: "LOADING", maybeExecuted: false });
		expect(client.stats()).toMatchObject({ commands: 2, retries: 1, reconnects: 0, inFlight: 0 });
		await waitUntil("the end of loading", async () => !(await isLoading()) || "it loads");
		expect(await client.get(key)).toBeNull();
	});
});
