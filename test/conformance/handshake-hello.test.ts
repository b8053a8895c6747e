/** What the client says first, and what it makes of the answer. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { raw, type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { encodeCommand } from "../../src/resp/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

describe("real servers", () => {
	let server: ServerNode;
	let proxy: TcpProxy;
	let writes: Buffer[] = [];
	beforeAll(async () => {
		server = await startStandalone({ requirepass: "main", users: { alice: "on >pass ~* +@all" } });
		proxy = await TcpProxy.start(server);
		proxy.onConnection(({ toServer }) => {
			const chunks: Buffer[] = [];
			writes = chunks;
			toServer.tap((bytes) => chunks.push(Buffer.from(bytes)));
		});
	});
	afterAll(async () => {
		await proxy.close();
		await server.stop();
	});

	test.each([2, 3] as const)("C01 the first write is HELLO %i with AUTH and SETNAME, and nothing else", async (protocol) => {
		await using client = await createClient({
			url: `redis://alice:pass@${proxy.host}:${proxy.port}`,
			name: "worker-1",
			protocol,
		});
		expect(writes[0]).toEqual(encodeCommand(["HELLO", `${protocol}`, "AUTH", "alice", "pass", "SETNAME", "worker-1"]));
		expect(await client.command("ACL", "WHOAMI")).toBe("alice");
		expect(await client.command("CLIENT", "GETNAME")).toBe("worker-1");
		expect(await client.command("CLIENT", "INFO")).toContain(` resp=${protocol}`);
		expect((await client.command("CONFIG", "GET", "maxclients")) instanceof Map).toBe(protocol === 3);
	});

	test("C01 a password without a user name is the default user's", async () => {
		await using client = await createClient({ url: proxy.url, auth: { password: "main" } });
		expect(writes[0]).toEqual(encodeCommand(["HELLO", "3", "AUTH", "default", "main"]));
		expect(await client.command("ACL", "WHOAMI")).toBe("default");
		expect(await client.command("CLIENT", "GETNAME")).toBe(null);
	});

	test("C09 CLIENT SETINFO is tried, and a server that does not know it serves the client all the same", async () => {
		await using client = await createClient({ url: proxy.url, auth: { password: "main" } });
		expect(Buffer.concat(writes).toString()).toContain("SETINFO\r\n$8\r\nLIB-NAME\r\n$8\r\nslotwire\r\n");
		const knowsIt = await server.raw("CLIENT", "SETINFO", "LIB-NAME", "probe").then(
			() => true,
			() => false,
		);
		expect(((await client.command("CLIENT", "INFO")) as string).includes(" lib-name=slotwire ")).toBe(knowsIt);
		expect(await client.set("handshake-hello:k", "v")).toBe("OK");
	});
});

describe("scripted nodes", () => {
	test("C01 the success of HELLO 3 may be a flat array that confirms the protocol", async () => {
		await using node = await FakeNode.start();
		node.always(["HELLO"], "*4\r\n+proto\r\n:3\r\n+mode\r\n+standalone\r\n");
		node.expect(["GET", "k"]).reply("#t\r\n");
		await using client = await createClient(node.url);
		expect(await client.get("k")).toBe(true);
	});

	test.each([
		["another protocol", "%1\r\n+proto\r\n:2\r\n"],
		["no protocol", "%1\r\n+mode\r\n+standalone\r\n"],
		["OK", "+OK\r\n"],
	])("C01 a HELLO answered with %s opens nothing", async (_what, reply) => {
		await using node = await FakeNode.start();
		node.always(["HELLO"], reply);
		const error = await rejectionOf(createClient({ url: node.url, timeouts: { startMs: 100 } }));
		expect(error.message).toMatch(/HELLO does not confirm protocol 3/);
		expect(node.commands).toEqual([]);
	});

	test("C01 C08 nothing follows HELLO before its answer, no command of a user before the whole handshake", async () => {
		await using node = await FakeNode.start();
		node.always(["GET"], "$1\r\nv\r\n").always(["PING"], "+PONG\r\n");
		await using client = await createClient({ url: node.url, database: 1, retry: { baseMs: 1, maxMs: 5 } });
		const [hello, select] = [new Gate(), new Gate()];
		node
			.expect((args) => args[0] === "HELLO")
			.after(hello.opened)
			.reply("%2\r\n+proto\r\n:3\r\n+mode\r\n+standalone\r\n");
		node.expect(["SELECT", "1"]).after(select.opened).reply("+OK\r\n");
		node.connections[0]?.reset();
		const reply = client.get("k");
		const names = () => node.connections[1]?.commands.map((args) => args.slice(0, 2).join(" ")) ?? [];
		/** Waits for so many commands, then gives one more the time of a round trip to come. */
		const settled = async (count: number) => {
			await waitUntil("commands", () => names().length >= count || `${names().length} of ${count}`);
			await raw(node, "PING");
			return names();
		};
		expect(await settled(1)).toEqual(["HELLO 3"]);
		hello.open();
		expect(await settled(4)).toEqual(["HELLO 3", "CLIENT SETINFO", "CLIENT SETINFO", "SELECT 1"]);
		select.open();
		expect(await reply).toBe("v");
		expect(names()).toEqual(["HELLO 3", "CLIENT SETINFO", "CLIENT SETINFO", "SELECT 1", "GET k"]);
	});

	test("C09 whatever SETINFO answers is ignored, and its values have no spaces", async () => {
		await using node = await FakeNode.start();
		const values: string[] = [];
		node.always(["CLIENT", "SETINFO"], ([, , , value]) => {
			values.push(value as string);
			return "-NOPERM this user has no permissions to run the 'client|setinfo' command\r\n";
		});
		node.expect(["GET", "k"]).reply("_\r\n");
		await using client = await createClient(node.url);
		expect(await client.get("k")).toBeNull();
		expect(values[0]).toBe("slotwire");
		expect(values[1]).toMatch(/^\S+$/);
	});
});
