/** A HELLO that failed may have been carried out in part: its connection is of no use any more. */
import { describe, expect, inject, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

const refusals = [
	["a name it does not like", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"],
	["an error of its own", "-ERR internal trouble with sekret\r\n"],
	["a code nobody knows", "-ODD sekret\r\n"],
	["LOADING", "-LOADING Redis is loading the dataset in memory\r\n"],
] as const;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const options = (node: FakeNode) => ({
		url: node.url,
		protocol,
		auth: { username: "u", password: "sekret" },
		name: "n",
		database: 2,
		retry: { baseMs: 1, maxMs: 5 },
	});
	const hello = ["HELLO", `${protocol}`, "AUTH", "u", "sekret", "SETNAME", "n"];

	test.each(
		refusals,
	)("C07 HELLO refused with %s: the connection is destroyed and the handshake begins anew", async (_what, reply) => {
		await using node = await FakeNode.start();
		node.expect(hello).reply(reply);
		node.expect(["GET", "k"]).reply("$1\r\nv\r\n");
		await using client = await createClient(options(node));
		expect(await client.get("k")).toBe("v");
		expect(node.connections.map(({ commands }) => commands.map((args) => args[0]))).toEqual([
			["HELLO"],
			["HELLO", "CLIENT", "CLIENT", "SELECT", "GET"],
		]);
		expect(node.connections[1]?.commands[0]).toEqual(hello);
		await waitUntil("the end of the first connection", () => node.connections[0]?.closed || "it is open");
	});

	test("C07 the same on a reconnection: waiting commands take the second connection", async () => {
		await using node = await FakeNode.start();
		node.always(["INCR"], ":1\r\n");
		await using client = await createClient(options(node));
		node.expect(hello).reply(refusals[0][1]);
		node.connections[0]?.reset();
		await node.accepted(2);
		expect(await client.command("INCR", "n")).toBe(1);
		expect(node.connections.map(({ commands }) => commands.map((args) => args[0]))).toEqual([
			["HELLO", "CLIENT", "CLIENT", "SELECT"],
			["HELLO"],
			["HELLO", "CLIENT", "CLIENT", "SELECT", "INCR"],
		]);
	});

	test("C07 a leased connection is not had either, and its error has no word of the server's", async () => {
		await using node = await FakeNode.start();
		await using client = await createClient(options(node));
		node.expect(hello).reply(refusals[1][1]);
		const error = await rejectionOf(client.withConnection({}, async () => {}));
		expect(error).toMatchObject({ code: "CONNECTION", message: expect.stringMatching(/refused the handshake \(ERR\)/) });
		expect(everythingOf(error)).not.toContain("sekret");
		await waitUntil("its end", () => node.connections[1]?.closed || "it is open");
	});
});

/** Redis 7.2 and every Valkey check all of HELLO before they do any of it. */
function helloIsAtomic(): boolean {
	const { product, version } = inject("server");
	const [major = 0, minor = 0] = version.split(".").map(Number);
	return product === "Valkey" || major > 7 || (major === 7 && minor >= 2);
}

test("C07 a real server shows why: what stood before the bad option of a HELLO is in force, before 7.2", async () => {
	await using server = await startStandalone({ users: { bob: "on >bp ~* +@all" } });
	await using named = await server.connect();
	await expect(named.command("HELLO", 3, "SETNAME", "good", "BADOPT")).rejects.toThrow(/BADOPT/);
	const name = await named.command("CLIENT", "GETNAME");
	await using bob = await server.connect();
	await expect(bob.command("HELLO", 3, "AUTH", "bob", "bp", "SETNAME", "a b")).rejects.toThrow(/names cannot contain/);
	const user = await bob.command("ACL", "WHOAMI");
	expect({ name, user }).toEqual(helloIsAtomic() ? { name: null, user: "default" } : { name: "good", user: "bob" });
	expect(await bob.command("CLIENT", "INFO")).toContain(" resp=2");
});
