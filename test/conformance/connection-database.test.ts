/** The database and the name belong to every connection, not to the first one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RawConnection, type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
/** Looks into one database without the client under test. */
let direct: Record<0 | 5, RawConnection>;
beforeAll(async () => {
	server = await startStandalone();
	direct = { 0: await server.connect(), 5: await server.connect() };
	await direct[5].command("SELECT", 5);
});
afterAll(async () => {
	for (const connection of Object.values(direct)) connection.close();
	await server.stop();
});

/** Kills the client's shared connection; resolves when the server has. */
async function kill(client: Client): Promise<void> {
	expect(await direct[0].command("CLIENT", "KILL", "ID", String(await client.command("CLIENT", "ID")))).toBe(1);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const open = (form: "option" | "path" | "query") =>
		createClient(
			form === "option"
				? { url: server.url, database: 5, name: "five", protocol, retry: { baseMs: 1, maxMs: 5 } }
				: `${server.url}${form === "path" ? "/5" : ""}?protocol=${protocol}&name=five${form === "query" ? "&database=5" : ""}`,
		);

	test.each(["option", "path", "query"] as const)("C10 the database is selected before the first command: %s", async (form) => {
		await using client = await open(form);
		await client.set("form", form);
		expect(await direct[5].command("GET", "form")).toBe(form);
		expect(await direct[0].command("GET", "form")).toBeNull();
		expect(await client.command("CLIENT", "GETNAME")).toBe("five");
	});

	test("C10 after CLIENT KILL a SET lands in the same database", async () => {
		await using client = await open("option");
		for (let round = 0; round < 20; round++) {
			await kill(client);
			// Issued while nobody may know yet that the connection is gone: lost, or in database 5.
			const outcome = await client.set("killed", `first ${round}`).catch((error) => error.code);
			expect(["OK", "CONNECTION"]).toContain(outcome);
			expect(await client.set("killed", `second ${round}`)).toBe("OK");
			expect(await direct[5].command("GET", "killed")).toBe(`second ${round}`);
		}
		expect(await direct[0].command("EXISTS", "killed")).toBe(0);
		expect(await client.command("CLIENT", "GETNAME")).toBe("five");
		expect(client.stats().reconnects).toBeGreaterThanOrEqual(20);
	});

	test("C10 commands that wait for the new connection are written behind its SELECT", async () => {
		await using client = await open("option");
		await client.set("waiting", "seen");
		await kill(client);
		const replies = await Promise.all(Array.from({ length: 50 }, () => client.get("waiting")));
		expect(new Set(replies)).toEqual(new Set(["seen"]));
	});

	test("C10 a leased connection selects it too, and one that was changed is not used again", async () => {
		await using client = await open("option");
		await client.set("lease", "in five");
		await client.withConnection({}, async (own) => {
			expect(await own.get("lease")).toBe("in five");
			expect(await own.command("CLIENT", "GETNAME")).toBe("five");
			await own.command("SELECT", 0);
			expect(await own.get("lease")).toBeNull();
			await own.command("CLIENT", "SETNAME", "other");
		});
		await client.withConnection({}, async (own) => {
			expect(await own.get("lease")).toBe("in five");
			expect(await own.command("CLIENT", "GETNAME")).toBe("five");
		});
		expect(await client.get("lease")).toBe("in five");
	});

	test("C10 a database that the server does not have is told by its number, and serves nobody", async () => {
		const error = await rejectionOf(createClient({ url: server.url, database: 99, protocol, timeouts: { startMs: 200 } }));
		expect(error.message).toMatch(/127\.0\.0\.1:\d+ refused SELECT 99 \(ERR\)/);
	});
});
