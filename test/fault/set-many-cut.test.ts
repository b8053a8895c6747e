/** setMany through connections that are cut: what each entry's result says is true of the server, and no write is sent twice. */
import { describe, expect, inject, test } from "vitest";
import { parseRaw } from "../../src/cli/servers/raw-connection.js";
import { ClientError, createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

function commandsIn(bytes: Buffer): string[][] {
	const commands: string[][] = [];
	for (let at = 0; at < bytes.length; ) {
		const parsed = parseRaw(bytes, at);
		if (parsed === undefined) break;
		commands.push(parsed.reply as string[]);
		at = parsed.end;
	}
	return commands;
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	// In the first chunk, between two, in a later one, and before any reply.
	test.each([0, 7, 100, 230, 999])("E09 C24 cut after %i replies", async (replies) => {
		const entries = 1000;
		await using proxy = await TcpProxy.start(server());
		const said: Buffer[][] = [];
		proxy.onConnection(({ index, toServer }) => {
			const pieces: Buffer[] = [];
			said[index] = pieces;
			toServer.tap((bytes) => pieces.push(Buffer.from(bytes)));
		});
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 5, maxMs: 5 } });
		const prefix = `cut:${protocol}:${replies}:`;
		const keys = Array.from({ length: entries }, (_, i) => `${prefix}${i}`);
		await client.delMany(keys);
		const [connection] = proxy.connections;
		const handshake = commandsIn(Buffer.concat(said[0]!)).length;
		connection!.toClient.cutAt(connection!.toClient.forwarded + replies * "+OK\r\n".length, { client: "fin", server: "rst" });
		const results = await client.setMany(
			keys.map((key, i) => [key, `value ${i}`] as const),
			{ ex: 60, chunkSize: 100, partial: true },
		);
		const wire = [
			commandsIn(Buffer.concat(said[0]!)).slice(handshake),
			...said.slice(1).map((pieces) => commandsIn(Buffer.concat(pieces))),
		].map((commands) => commands.filter(([name]) => name === "SET"));
		const unknown = results.filter((result) => result instanceof ClientError);
		for (const error of unknown) expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		// Acknowledged first, then those of at most two chunks of unknown fate, then those written later.
		expect(results.slice(0, replies)).toEqual(Array(replies).fill("OK"));
		expect(unknown.length).toBeGreaterThan(0);
		expect(unknown.length).toBeLessThanOrEqual(200);
		expect(results.slice(replies, replies + unknown.length)).toEqual(unknown);
		expect(results.slice(replies + unknown.length)).toEqual(Array(entries - replies - unknown.length).fill("OK"));
		// The wire is what was asked for, each entry once and in order.
		const all = wire.flat();
		expect(new Set(all.map(([, key]) => key)).size).toBe(all.length);
		const sent = new Set(all.map(([, key]) => key));
		for (const [i, key] of keys.entries()) if (results[i] === "OK") expect(sent.has(key)).toBe(true);
		for (const commands of wire) {
			for (const command of commands) {
				const i = Number(command[1]!.slice(prefix.length));
				expect(command).toEqual(["SET", keys[i], `value ${i}`, "EX", "60"]);
			}
			const order = commands.map(([, key]) => Number(key!.slice(prefix.length)));
			expect(order).toEqual([...order].sort((a, b) => a - b));
		}
		const values = await client.mget(keys);
		for (const [i, result] of results.entries()) {
			if (result === "OK") expect(values[i]).toBe(`value ${i}`);
			else expect([null, `value ${i}`]).toContain(values[i]);
		}
		await client.delMany(keys);
	});
});
