/** The connection is lost while a server is scanned, or the server is another process behind it. */
import { describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient, type Scan } from "../../src/index.js";
import { collect } from "../support/collect.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const names = Array.from({ length: 2000 }, (_, i) => `name:${i}`);
const sorted = [...names].sort();

/** A server with so many keys. */
async function filled(users: Record<string, string> = {}): Promise<ServerNode> {
	const server = await startStandalone({ users });
	await using client = await createClient(server.url);
	await client.setMany(names.map((name) => [name, "v"] as const));
	return server;
}

/** Scans by the page; `between` is called once, when half of it is read. */
async function halfway(scan: Scan<string>, between: () => Promise<void> | void): Promise<string[]> {
	const found: string[] = [];
	let called = false;
	for await (const page of scan.pages()) {
		found.push(...page);
		if (called || found.length < names.length / 2) continue;
		called = true;
		await between();
	}
	expect(called).toBe(true);
	return found;
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D50 C24 a connection that is cut before a reply: the page is asked for again, and every name comes once", async () => {
		await using server = await filled();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 1, maxMs: 20 } });
		const found = await halfway(client.scan({ count: 50 }), () => {
			const { toClient } = proxy.connections.at(-1)!;
			toClient.cutAt(toClient.forwarded);
		});
		expect(found.sort()).toEqual(sorted);
		expect(client.stats()).toMatchObject({ reconnects: 1, retries: 1 });
	});

	test("D50 the server was started anew: its table is another one, and is read from its beginning", async () => {
		await using server = await filled();
		await using client = await createClient({ url: server.url, protocol, retry: { baseMs: 1, maxMs: 20 } });
		const anew = async (): Promise<void> => {
			await server.raw("SAVE");
			await server.kill();
			await server.restart();
		};
		const found = await halfway(client.scan({ count: 50 }), anew);
		expect([...new Set(found)].sort()).toEqual(sorted);
		// What was read counts for nothing any more, and that is seen by another client as well that is given the cursor of before.
		const scan = client.scan({ count: 50 });
		const half: string[] = [];
		for await (const page of scan.pages()) if (half.push(...page) >= names.length / 2) break;
		await anew();
		await using other = await createClient({ url: server.url, protocol });
		const rest = await collect(other.scan({ cursor: scan.cursor }));
		expect(rest.sort()).toEqual(sorted);
	});

	test("D50 the same for the members of a set", async () => {
		await using server = await filled();
		await using client = await createClient({ url: server.url, protocol, retry: { baseMs: 1, maxMs: 20 } });
		await client.command("SADD", "set", ...names);
		const found = await halfway(client.sscan("set", { count: 50 }), async () => {
			await server.raw("SAVE");
			await server.kill();
			await server.restart();
		});
		expect([...new Set(found)].sort()).toEqual(sorted);
	});
});

test("D50 C08 INFO is refused: a scan goes on all the same, over another connection too", async () => {
	await using server = await filled({ modest: "on >pw ~* +@all -info" });
	await using proxy = await TcpProxy.start(server);
	const connect = (): Promise<Client> => createClient({ url: proxy.url, auth: { username: "modest", password: "pw" } });
	await using client = await connect();
	const found = await halfway(client.scan({ count: 50 }), () => proxy.cut());
	expect(found.sort()).toEqual(sorted);
	await using other = await connect();
	const scan = client.scan({ count: 50 });
	for await (const _ of scan.pages()) break;
	expect((await collect(other.scan({ cursor: scan.cursor }))).length).toBeLessThan(names.length);
});

test("D50 a deadline, and a server that is gone: the error of the call, and a cursor to go on with", async () => {
	await using server = await filled();
	await using proxy = await TcpProxy.start(server);
	await using client = await createClient(proxy.url);
	const scan = client.with({ timeoutMs: 200 }).scan({ count: 50 });
	const found: string[] = [];
	const failed = await rejectionOf(
		(async () => {
			for await (const page of scan.pages()) {
				found.push(...page);
				if (found.length > names.length / 2) proxy.connections[0]!.toClient.stall();
			}
		})(),
	);
	expect(failed).toMatchObject({ code: "TIMEOUT" });
	await using other = await createClient(server.url);
	expect([...found, ...(await collect(other.scan({ cursor: scan.cursor })))].sort()).toEqual(sorted);
});
