/** Commands that block have connections to themselves, and take their turns at the server. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { areBlocked, sendTyped } from "../support/blocked.js";
import { TcpProxy } from "../support/proxy.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server.stop());

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C38 while commands block for ever the client's others go by another connection, and each command is counted", async () => {
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol });
		const before = client.stats();
		const popped = [client.blpop("beside:a", 0), client.brpop("beside:b", 0), client.bzpopmin("beside:z", 0)];
		await areBlocked(server, 3);
		expect(client.stats()).toMatchObject({ connections: 4, inFlight: 3 });
		const [shared, ...own] = proxy.connections;
		const forwarded = own.map(({ toServer }) => toServer.forwarded);
		for (let i = 0; i < 100; i++) expect(await client.get("beside:none")).toBeNull();
		expect(own.map(({ toServer }) => toServer.forwarded)).toEqual(forwarded);
		expect(shared!.toServer.forwarded).toBeGreaterThan(100 * "*2\r\n$3\r\nGET\r\n$11\r\nbeside:none\r\n".length);
		await client
			.pipeline()
			.command("RPUSH", "beside:a", "1")
			.command("RPUSH", "beside:b", "2")
			.command("ZADD", "beside:z", 3, "m")
			.exec();
		expect(await Promise.all(popped)).toEqual([
			["beside:a", "1"],
			["beside:b", "2"],
			["beside:z", "m", 3],
		]);
		const after = client.stats();
		expect(after.commands - before.commands).toBe(106);
		expect(after.flights - before.flights).toBe(104);
		// They are kept for the next.
		expect(after).toMatchObject({ connections: 4, inFlight: 0 });
		expect(await client.blpop("beside:a", 0.01)).toBeNull();
		expect(proxy.connections).toHaveLength(4);
	});

	test("C38 consumers of one key are served in the order in which they came", async () => {
		await using client = await createClient({ url: server.url, protocol });
		const order: number[] = [];
		const consumers: Promise<void>[] = [];
		for (let i = 0; i < 5; i++) {
			consumers.push(client.blpop("beside:turns", 0).then((got) => void order.push(i, Number(got?.[1]))));
			await areBlocked(server, i + 1);
		}
		for (let i = 0; i < 5; i++) await client.command("RPUSH", "beside:turns", i);
		await Promise.all(consumers);
		expect(order).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
	});

	test("C38 XREAD and XREADGROUP that block are sent likewise, and without BLOCK with the others", async () => {
		await using client = await createClient({ url: server.url, protocol });
		await client.command("DEL", "beside:s");
		await client.command("XGROUP", "CREATE", "beside:s", "g", "$", "MKSTREAM");
		expect(await sendTyped(client, "XREAD", "STREAMS", "beside:s", "0")).toBeNull();
		expect(client.stats().connections).toBe(1);
		expect(await sendTyped(client, "XREAD", "BLOCK", 20, "STREAMS", "beside:s", "0")).toBeNull();
		const entries = [
			sendTyped(client, "XREAD", "BLOCK", 0, "STREAMS", "beside:s", "$"),
			sendTyped(client, "XREADGROUP", "GROUP", "g", "me", "BLOCK", 20_000, "STREAMS", "beside:s", ">"),
		];
		await areBlocked(server, 2);
		expect(client.stats().connections).toBe(3);
		const id = await client.command("XADD", "beside:s", "*", "f", "v");
		for (const reply of await Promise.all(entries)) {
			const [[, items]] = (reply instanceof Map ? [...reply] : reply) as [[string, unknown]];
			expect(items).toEqual([[id, ["f", "v"]]]);
		}
	});
});
