/** Connections that break at any byte of their handshake. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ requirepass: "sekret" });
});
afterAll(() => server.stop());

const keys = Array.from({ length: 8 }, (_, index) => `key:${index}`);
const values = keys.map((key) => `value of ${key}`);

/** Every reply says which command it answers. */
async function everyReplyFits(client: Client): Promise<void> {
	const replies = await Promise.all([...keys.map((key) => client.get(key)), client.mget(keys)]);
	expect(replies).toEqual([...values, values]);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const options = (url: string) => ({
		url,
		auth: { password: "sekret" },
		name: "cut",
		database: 1,
		protocol,
		retry: { baseMs: 1, maxMs: 2 },
	});

	/** How many bytes travel each way before a connection is ready. */
	async function handshakeBytes(): Promise<{ toServer: number; toClient: number }> {
		await using proxy = await TcpProxy.start(server);
		await using _client = await createClient(options(proxy.url));
		return proxy.bytes;
	}

	test.each([
		"toClient",
		"toServer",
	] as const)("C13 cut at every byte %s, by FIN and by RST: no reply of a handshake reaches a caller", async (direction) => {
		const bytes = (await handshakeBytes())[direction];
		expect(bytes).toBeGreaterThan(100);
		await using proxy = await TcpProxy.start(server);
		let cutAt = -1;
		proxy.onConnection((connection) => {
			if (cutAt >= 0) connection[direction].cutAt(cutAt, cutAt % 2 === 0 ? "fin" : "rst");
			cutAt = -1;
		});
		await using client = await createClient(options(proxy.url));
		await client.setMany(keys.map((key, index) => [key, values[index] as string]));
		for (let byte = 0; byte < bytes; byte++) {
			const connections = proxy.connections.length;
			cutAt = byte;
			proxy.connections[connections - 1]?.cut("rst");
			// The commands wait for a connection while the first of them is cut in its handshake.
			await everyReplyFits(client);
			expect(proxy.connections.length, `cut at byte ${byte}`).toBeGreaterThanOrEqual(connections + 2);
		}
	});

	test("C13 createClient itself survives a cut at every byte", async () => {
		const { toClient } = await handshakeBytes();
		for (let byte = 0; byte < toClient; byte += 3) {
			await using proxy = await TcpProxy.start(server);
			proxy.onConnection((connection) => {
				if (connection.index === 0) connection.toClient.cutAt(byte, byte % 2 === 0 ? "rst" : "fin");
			});
			await using client = await createClient(options(proxy.url));
			await client.setMany(keys.map((key, index) => [key, values[index] as string]));
			await everyReplyFits(client);
			expect(proxy.connections).toHaveLength(2);
		}
	});
});
