/** Servers without HELLO 3: the same socket goes on in RESP2. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

const NO_HELLO = "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'sekret' \r\n";

describe.each([2, 3] as const)("a server whose HELLO was renamed away, asked for RESP%i", (protocol) => {
	let server: ServerNode;
	let proxy: TcpProxy;
	beforeAll(async () => {
		server = await startStandalone({ requirepass: "sekret", args: ["--rename-command", "HELLO", ""] });
		proxy = await TcpProxy.start(server);
	});
	afterAll(async () => {
		await proxy.close();
		await server.stop();
	});

	test("C02 AUTH, SETNAME and SELECT follow on the same socket, in RESP2", async () => {
		const connections = proxy.connections.length;
		await using client = await createClient({ url: proxy.url, auth: { password: "sekret" }, name: "old", database: 3, protocol });
		expect(await client.command("CLIENT", "GETNAME")).toBe("old");
		expect(await client.set("k", "v")).toBe("OK");
		expect(await client.mget(["k", "none"])).toEqual(["v", null]);
		await client.command("HSET", "h", "f", "v");
		expect(await client.command("HGETALL", "h")).toEqual(["f", "v"]);
		expect(proxy.connections.length).toBe(connections + 1);
		const direct = await server.connect();
		await direct.command("SELECT", 3);
		expect(await direct.command("GET", "k")).toBe("v");
		direct.close();
	});

	test("C02 a refused password is told at once and never shown, though the server echoes it", async () => {
		for (const password of ["sekret-no", "wrong-sekret"]) {
			const error = await rejectionOf(createClient({ url: proxy.url, auth: { password }, protocol }));
			expect(error).toMatchObject({ code: "AUTH", message: expect.stringMatching(/refused the credentials/) });
			expect(everythingOf(error)).not.toContain("sekret");
		}
	});

	test("C02 the right password is in nothing that a failing command shows", async () => {
		await using client = await createClient({ url: proxy.url, auth: { password: "sekret" }, protocol });
		const unknown = await rejectionOf(client.command("NOSUCH", "sekret"));
		await client.set("text", "x");
		const wrong = await rejectionOf(client.command("INCR", "text"));
		expect(unknown.message).toMatch(/unknown command/);
		expect(everythingOf(unknown) + everythingOf(wrong) + everythingOf(client) + everythingOf(client.stats())).not.toContain(
			"sekret",
		);
	});

	test("C02 C04 missing credentials are found out before the client is handed over", async () => {
		for (const database of [0, 3]) {
			const error = await rejectionOf(createClient({ url: proxy.url, database, protocol }));
			expect(error).toMatchObject({ code: "AUTH", message: expect.stringMatching(/asks for credentials and none were given/) });
		}
	});
});

describe("scripted nodes", () => {
	test.each([
		["a server that does not know HELLO", NO_HELLO],
		["NOPROTO", "-NOPROTO unsupported protocol version\r\n"],
		["a version it does not take for one", "-ERR Protocol version is not an integer or out of range\r\n"],
		["an option of HELLO it does not know", "-ERR Syntax error in HELLO option 'SETNAME'\r\n"],
	])("C02 C03 %s: RESP2 on the same socket, once, and commands work", async (_what, refusal) => {
		await using node = await FakeNode.start();
		node.always(["HELLO"], refusal);
		node.expect(["GET", "k"]).reply("$1\r\nv\r\n");
		await using client = await createClient({
			url: node.url,
			auth: { username: "u", password: "sekret" },
			name: "n",
			database: 2,
		});
		expect(await client.get("k")).toBe("v");
		expect(node.connections).toHaveLength(1);
		expect(node.connections[0]?.commands.map((args) => args.join(" ").replace(/LIB-VER .*/, "LIB-VER"))).toEqual([
			"HELLO 3 AUTH u sekret SETNAME n",
			"AUTH u sekret",
			"CLIENT SETNAME n",
			"CLIENT SETINFO LIB-NAME slotwire",
			"CLIENT SETINFO LIB-VER",
			"SELECT 2",
			"GET k",
		]);
	});

	test("C03 the next connections to the same server begin in RESP2, until that memory expires", async () => {
		await using node = await FakeNode.start();
		node
			.always(["HELLO"], "-NOPROTO unsupported protocol version\r\n")
			.always(["PING"], "+PONG\r\n")
			.always(["GET"], "$1\r\nv\r\n");
		await using client = await createClient({ url: node.url, retry: { baseMs: 1, maxMs: 5 } });
		const firstWords = () => node.connections.map(({ commands }) => commands[0]?.[0]);
		node.connections[0]?.reset();
		expect(await client.get("k")).toBe("v");
		expect(firstWords()).toEqual(["HELLO", "PING"]);

		const now = performance.now.bind(performance);
		const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 601_000);
		try {
			node.connections[1]?.reset();
			expect(await client.get("k")).toBe("v");
		} finally {
			clock.mockRestore();
		}
		expect(firstWords()).toEqual(["HELLO", "PING", "HELLO"]);
	});

	test("C02 AUTH refused after the fallback ends the attempt, and nothing shows what the server echoed", async () => {
		await using node = await FakeNode.start();
		node.always(["HELLO"], NO_HELLO).always(["AUTH"], "-ERR invalid password sekret\r\n");
		const error = await rejectionOf(createClient({ url: node.url, auth: { password: "sekret" } }));
		expect(error.code).toBe("AUTH");
		expect(everythingOf(error)).not.toContain("sekret");
		expect(node.connections).toHaveLength(1);
	});
});
