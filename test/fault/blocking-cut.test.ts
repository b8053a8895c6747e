/** The connection of a command that blocks ends: what may have been popped is not asked for again, what only reads is. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { areBlocked, sendTyped } from "../support/blocked.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server.stop());

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([
		"rst",
		"fin",
	] as const)("C34 cut while it blocks (%s): maybeExecuted, once, and the next one has a new connection", async (how) => {
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol });
		await server.raw("XGROUP", "CREATE", "cut:s", "g", "$", "MKSTREAM").catch(() => {});
		const calls = [
			client.blpop("cut:k", 0),
			client.bzpopmax("cut:z", 30),
			client.blmove("cut:k", "cut:l", "left", "left", 0),
			sendTyped(client, "XREADGROUP", "GROUP", "g", "me", "BLOCK", 0, "STREAMS", "cut:s", ">"),
		].map(rejectionOf);
		await areBlocked(server, 4);
		for (const connection of proxy.connections.slice(1)) connection.cut(how);
		for (const call of calls) expect(await call).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		await areBlocked(server, 0);
		expect(client.stats()).toMatchObject({ retries: 0, inFlight: 0 });
		expect(await client.blpop("cut:k", 0.01)).toBeNull();
	});

	test("C34 a read is asked again, with the block time that is left", async () => {
		await using proxy = await TcpProxy.start(server);
		const said: Buffer[] = [];
		proxy.onConnection(({ toServer }) => toServer.tap((bytes) => said.push(Buffer.from(bytes))));
		await using client = await createClient({ url: proxy.url, protocol });
		const stream = `cut:read:${protocol}`;
		const began = performance.now();
		const read = sendTyped(client, "XREAD", "BLOCK", 25_000, "STREAMS", stream, "0");
		await areBlocked(server, 1);
		await waitUntil("some time", () => performance.now() - began > 50 || "none");
		proxy.connections[1]!.cut();
		await areBlocked(server, 0);
		await areBlocked(server, 1);
		await client.command("XADD", stream, "7-7", "f", "v");
		const reply = await read;
		expect(JSON.stringify(reply instanceof Map ? [...reply] : reply)).toContain("7-7");
		const blocks = [
			...Buffer.concat(said)
				.toString()
				.matchAll(/BLOCK\r\n\$\d+\r\n(\d+)/g),
		].map(([, ms]) => Number(ms));
		expect(blocks).toHaveLength(2);
		expect(blocks[0]).toBe(25_000);
		expect(blocks[1]).toBeLessThanOrEqual(25_000 - 50);
		expect(blocks[1]).toBeGreaterThanOrEqual(25_000 - (performance.now() - began));
		expect(client.stats()).toMatchObject({ retries: 1, inFlight: 0 });
	});

	test("C38 no connection can be had at first: it waits for one, within its deadline", async () => {
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol });
		proxy.refuse();
		const late = await rejectionOf(client.with({ timeoutMs: 150 }).blpop("cut:k", 0));
		expect(late).toMatchObject({ code: "TIMEOUT", cause: { code: "CONNECTION" } });
		expect(late).not.toHaveProperty("maybeExecuted");
		const popped = client.blpop("cut:k", 0);
		await proxy.welcome();
		await areBlocked(server, 1);
		await client.command("RPUSH", "cut:k", "here");
		expect(await popped).toEqual(["cut:k", "here"]);
	});
});

test("C34 CLIENT UNBLOCK ERROR is somebody's will: the caller is told, CLIENT UNBLOCK is no answer but null", async () => {
	await using client = await createClient(server.url);
	for (const how of ["ERROR", "TIMEOUT"]) {
		const call = client.blpop("cut:unblock", 0).catch((error) => error);
		await areBlocked(server, 1);
		const line = String(await server.raw("CLIENT", "LIST"))
			.split("\n")
			.find((each) => each.includes("cmd=blpop") && each.includes("flags=b"))!;
		expect(await client.command("CLIENT", "UNBLOCK", /id=(\d+)/.exec(line)![1]!, how)).toBe(1);
		if (how === "TIMEOUT") expect(await call).toBeNull();
		else expect(await call).toMatchObject({ code: "UNBLOCKED", maybeExecuted: false });
	}
	expect(client.stats()).toMatchObject({ retries: 0, connections: 2 });
});
