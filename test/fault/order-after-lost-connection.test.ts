/** What was not written when a connection ended is written on the next one, in the order of the calls. */
import { describe, expect, inject, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C25 C24 behind a write that filled the socket: that one's fate is unknown, the others are written later", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 5, maxMs: 5 } });
		const key = `lost:order:${protocol}`;
		await client.delMany([key, `${key}:big`]);
		proxy.connections[0]!.toServer.stall();
		const big = rejectionOf(client.set(`${key}:big`, Buffer.alloc(16 * 1024 * 1024)));
		await waitUntil("it was written", () => client.stats().bytesWritten > 16 * 1024 * 1024 || "not yet");
		const { bytesWritten } = client.stats();
		const lengths = Array.from({ length: 100 }, (_, i) => client.command("RPUSH", key, i));
		const read = client.get(`${key}:none`);
		// A turn for what was issued: it stays where it is.
		await new Promise((resolve) => setImmediate(resolve));
		expect(client.stats().bytesWritten).toBe(bytesWritten);
		proxy.cut();
		for (let i = 100; i < 120; i++) lengths.push(client.command("RPUSH", key, i));
		expect(await big).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		for (let i = 120; i < 140; i++) lengths.push(client.command("RPUSH", key, i));
		expect(await Promise.all(lengths)).toEqual(Array.from({ length: 140 }, (_, i) => i + 1));
		expect(await read).toBe(null);
		expect(await client.command("LRANGE", key, 0, -1)).toEqual(Array.from({ length: 140 }, (_, i) => `${i}`));
		expect(client.stats().reconnects).toBe(1);
	});

	test("C25 connections that end in the handshake, one after the other: order holds over all of them", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 5, maxMs: 5 } });
		const key = `lost:handshake:${protocol}`;
		await client.command("DEL", key);
		proxy.onConnection((connection) => {
			if (connection.index < 6) connection.toClient.cutAt(connection.index % 3);
		});
		proxy.cut();
		const lengths: Promise<unknown>[] = [];
		for (let next = 2; next <= 7; next++) {
			await proxy.accepted(next);
			for (let i = 0; i < 10; i++) lengths.push(client.command("RPUSH", key, lengths.length));
		}
		expect(await Promise.all(lengths)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
		expect(await client.command("LRANGE", key, 0, -1)).toEqual(Array.from({ length: 60 }, (_, i) => `${i}`));
	});

	test("C25 a read that is sent again stays in front of what was called after it", async () => {
		await using proxy = await TcpProxy.start(server());
		const said: Buffer[] = [];
		proxy.onConnection(({ index, toServer }) => void (index === 1 && toServer.tap((bytes) => said.push(Buffer.from(bytes)))));
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 5, maxMs: 5 } });
		const key = `lost:read:${protocol}`;
		await client.set(key, "old");
		proxy.connections[0]!.toServer.stall();
		const { bytesWritten } = client.stats();
		const read = client.get(key);
		await waitUntil("it was written", () => client.stats().bytesWritten > bytesWritten || "not yet");
		proxy.cut();
		// A call on a connection that is not yet known to be lost would be written there.
		await waitUntil("the loss", () => client.stats().reconnects === 1 || "not yet", { everyMs: 1 });
		const write = client.set(key, "new");
		expect(await Promise.all([read, write])).toEqual(["old", "OK"]);
		const wire = Buffer.concat(said).toString("latin1");
		expect(wire.indexOf("GET")).toBeGreaterThan(0);
		expect(wire.indexOf("GET")).toBeLessThan(wire.lastIndexOf("SET\r\n"));
	});
});
