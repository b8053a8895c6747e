/** Connections on which nobody asks anything. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { commandStats } from "../support/command-stats.js";
import { TcpProxy } from "../support/proxy.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C18 an idle connection whose peer is out of reach is found by PING and replaced, without any command", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({
			url: proxy.url,
			protocol,
			pool: { pingMs: 100 },
			timeouts: { suspectMs: 200, commandMs: 60_000, closeMs: 500 },
		});
		const { toServer, toClient } = proxy.connections[0]!;
		toServer.stall();
		toClient.stall();
		await waitUntil("its replacement", () => client.stats().reconnects === 1 || "not yet");
		await waitUntil("the new connection", () => client.stats().connections === 1 || "not yet");
		expect(client.stats()).toMatchObject({ commands: 0, flights: 0, inFlight: 0 });
		expect(await client.set("k", "v")).toBe("OK");
		expect(client.stats()).toMatchObject({ commands: 1, flights: 1, reconnects: 1 });
	});

	test("C18 an idle leased connection whose peer is out of reach is ended as well", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		await using client = await createClient({
			url: proxy.url,
			protocol,
			pool: { pingMs: 100 },
			timeouts: { suspectMs: 200, commandMs: 60_000, closeMs: 500 },
		});
		const id = await client.withConnection({}, (own) => own.command("CLIENT", "ID"));
		const { toServer, toClient } = proxy.connections[1]!;
		toServer.stall();
		toClient.stall();
		await waitUntil("its end", () => client.stats().connections === 1 || "not yet");
		expect(await client.withConnection({}, (own) => own.command("CLIENT", "ID"))).not.toBe(id);
		expect(client.stats().reconnects).toBe(0);
	});

	test("C18 a PING that is answered costs nothing: no command, no flight, the same connection", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, pool: { pingMs: 20 } });
		const pings = async () => (await commandStats(server, "ping")).calls;
		await waitUntil("some PINGs", async () => (await pings()) >= 5 || "too few");
		expect(client.stats()).toMatchObject({ commands: 0, flights: 0, reconnects: 0, connections: 1, inFlight: 0 });
	});
});
