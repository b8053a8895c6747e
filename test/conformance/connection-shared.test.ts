/** What may not run on a connection that callers share, and may on one's own. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

const STATE =
	"SELECT 1|AUTH default pw|HELLO 3|RESET|QUIT|MULTI|EXEC|DISCARD|WATCH k|UNWATCH|MONITOR|SYNC|PSYNC ? -1|" +
	"CLIENT REPLY ON|CLIENT REPLY OFF|CLIENT REPLY SKIP|CLIENT TRACKING ON|CLIENT CACHING YES|CLIENT NO-EVICT ON|CLIENT SETNAME n|" +
	"SUBSCRIBE ch|PSUBSCRIBE p*|SSUBSCRIBE ch|UNSUBSCRIBE|PUNSUBSCRIBE|SUNSUBSCRIBE|READONLY|READWRITE|ASKING|SCRIPT DEBUG YES";
const BLOCKING =
	"BLPOP k 0|BRPOP k 0|BLMOVE a b LEFT RIGHT 0|BRPOPLPUSH a b 0|BLMPOP 0 1 k LEFT|BZPOPMIN k 0|BZPOPMAX k 0|BZMPOP 0 1 k MIN|" +
	"WAIT 0 1|XREAD BLOCK 0 STREAMS s $|XREADGROUP GROUP g c BLOCK 0 STREAMS s >";
const lines = `${STATE}|${BLOCKING}`.split("|");

describe.each([
	["standalone", 2],
	["standalone", 3],
	["cluster", 2],
	["cluster", 3],
] as const)("%s, RESP%i", (topology, protocol) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"), protocol });
	});
	afterAll(() => client.close());

	test.each(lines)("B12 a shared connection refuses %s before a byte of it is sent", async (line) => {
		const [name, ...args] = line.split(" ") as [string, ...string[]];
		const before = client.stats();
		for (const form of [name, name.toLowerCase()]) {
			const error = await rejectionOf(client.command(form, ...args));
			expect(error).toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining("withConnection") });
			expect(error.message).toContain(name);
		}
		expect(() => client.pipeline().command(name, ...args)).toThrow(/withConnection/);
		const { commands, flights, bytesWritten } = client.stats();
		expect({ commands, flights, bytesWritten }).toEqual({
			commands: before.commands,
			flights: before.flights,
			bytesWritten: before.bytesWritten,
		});
	});
});

describe.each([2, 3] as const)("on a connection of one's own, RESP%i", (protocol) => {
	let server: ServerNode;
	let client: Client;
	const key = "shared:k";
	beforeAll(async () => {
		server = await startStandalone({ requirepass: "pw" });
		client = await createClient({ url: server.url, protocol });
	});
	afterAll(async () => {
		await client.close();
		await server.stop();
	});
	const own = <T>(use: (connection: Client) => Promise<T>) => client.withConnection({}, use);

	test.each([
		["SELECT 1", "OK"],
		["AUTH default pw", "OK"],
		["AUTH pw", "OK"],
		["MULTI", "OK"],
		["WATCH k", "OK"],
		["UNWATCH", "OK"],
		["RESET", "RESET"],
		["QUIT", "OK"],
		["MONITOR", "OK"],
		["CLIENT REPLY ON", "OK"],
		["CLIENT NO-EVICT ON", "OK"],
		["CLIENT SETNAME n", "OK"],
		["SUBSCRIBE ch", ["subscribe", "ch", 1]],
		["PSUBSCRIBE p*", ["psubscribe", "p*", 1]],
		["UNSUBSCRIBE", ["unsubscribe", null, 0]],
		["SSUBSCRIBE ch", ["ssubscribe", "ch", 1]],
		["BLPOP none 0.01", null],
		["BLMOVE none none LEFT RIGHT 0.01", null],
		["XREAD BLOCK 5 STREAMS none $", null],
		["WAIT 0 10", 0],
	] as const)("B12 %s is allowed", async (line, reply) => {
		const [name, ...args] = line.split(" ") as [string, ...string[]];
		expect(await own((connection) => connection.command(name, ...args))).toEqual(reply);
	});

	test.each([
		"EXEC",
		"DISCARD",
		"CLIENT CACHING YES",
		"READONLY",
		"READWRITE",
		"ASKING",
	])("B12 %s is allowed, and the server's to refuse", async (line) => {
		const [name, ...args] = line.split(" ") as [string, ...string[]];
		const error = await rejectionOf(own((connection) => connection.command(name, ...args)));
		expect(error.code).toBe("ERR");
	});

	test("B12 HELLO, CLIENT TRACKING and SCRIPT DEBUG are allowed", async () => {
		await own(async (connection) => {
			expect(await connection.command("HELLO", protocol, "SETNAME", "renamed")).toHaveProperty(
				protocol === 3 ? "size" : "length",
			);
			expect(await connection.command("CLIENT", "GETNAME")).toBe("renamed");
			expect(await connection.command("SCRIPT", "DEBUG", "NO")).toBe("OK");
		});
		const tracking = await own((connection) => connection.command("CLIENT", "TRACKING", "ON"));
		expect(tracking).toBe("OK");
	});

	test("B12 CLIENT REPLY OFF and SKIP are refused: the replies behind them could not be paired", async () => {
		await own(async (connection) => {
			for (const mode of ["OFF", "skip"]) {
				await expect(connection.command("CLIENT", "REPLY", mode)).rejects.toMatchObject({ code: "UNSUPPORTED" });
			}
			expect(await connection.command("PING", "still in step")).toBe("still in step");
		});
	});

	test("B12 what a leased connection was turned into touches nobody else", async () => {
		await client.set(key, "shared");
		await own(async (connection) => {
			await connection.command("SELECT", 7);
			await connection.command("MULTI");
			await connection.command("SET", key, "never");
			expect(await client.get(key)).toBe("shared");
		});
		await own(async (connection) => {
			expect(await connection.get(key)).toBe("shared");
			await connection.command("RESET");
			await expect(connection.get(key)).rejects.toMatchObject({ code: "NOAUTH" });
		});
		expect(await client.get(key)).toBe("shared");
		expect(client.stats().connections).toBe(1);
	});

	test("B12 what is called on a leased connection after its use is refused, also when that threw; it serves the next caller", async () => {
		const failure = new Error("mine");
		await expect(own(() => Promise.reject(failure))).rejects.toBe(failure);
		let kept: Client | undefined;
		await own(async (connection) => {
			kept = connection;
		});
		await expect((kept as unknown as Client).get(key)).rejects.toMatchObject({ code: "CLOSED" });
		expect(client.stats().connections).toBe(2);
	});
});
