/** A leased connection is rightly silent while its command blocks. */
import { describe, expect, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const timeouts = { suspectMs: 100, commandMs: 20_000, closeMs: 500 };

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.concurrent.each([
		["BLPOP", "none", "1.2"],
		["XREAD", "BLOCK", "1200", "STREAMS", "none", "$"],
	] as const)("C38 C18 %s is not suspected within its block time", async (name, ...args) => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol, timeouts });
		await client.withConnection({}, async (own) => {
			const id = await own.command("CLIENT", "ID");
			expect(await own.command(name, ...args)).toBeNull();
			expect(await own.command("CLIENT", "ID")).toBe(id);
		});
		// No probe came.
		expect(proxy.connections).toHaveLength(2);
	});

	test.concurrent("C38 C18 one that blocks for ever waits for ever", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol, timeouts: { ...timeouts, commandMs: 300 } });
		const began = performance.now();
		const popped = client.withConnection({}, (own) => own.command("BLPOP", "queue", 0));
		while (performance.now() - began < 1200) await client.command("PING");
		await client.command("RPUSH", "queue", "item");
		expect(await popped).toEqual(["queue", "item"]);
		expect(proxy.connections).toHaveLength(2);
	});

	test.concurrent("C38 C18 silent beyond its block time, on a path that is broken, it ends, long before its deadline", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({ url: proxy.url, protocol, timeouts });
		const began = performance.now();
		const popped = client.withConnection({}, async (own) => {
			const reply = own.command("BLPOP", "none", 1);
			const { toServer, toClient } = proxy.connections[1]!;
			toClient.stall();
			toServer.stall();
			return await reply;
		});
		expect(await rejectionOf(popped)).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		const took = performance.now() - began;
		expect(took).toBeGreaterThan(1000);
		expect(took).toBeLessThan(8000);
		expect(await client.withConnection({}, (own) => own.command("PING"))).toBe("PONG");
	});
});
