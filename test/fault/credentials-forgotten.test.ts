/** A server that does not know a living connection any more (NOAUTH), or that ends all of a user's (ACL LOAD). */
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { commandStats } from "../support/command-stats.js";
import { FakeNode } from "../support/fake-node.js";
import { Heard } from "../support/heard.js";
import { leaksOf } from "../support/leaks.js";
import { type ProxiedConnection, TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const PASSWORD = "sekret-of-the-server";
const retry = { baseMs: 1, maxMs: 20 };

let server: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[server, cluster] = await Promise.all([startStandalone({ requirepass: PASSWORD }), startCluster({ requirepass: PASSWORD })]);
});
afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

/** The server forgets who this is, and the client hears nothing of it. */
async function forget({ server: socket }: ProxiedConnection): Promise<void> {
	const listeners = socket.listeners("data") as ((bytes: Buffer) => void)[];
	socket.removeAllListeners("data");
	socket.write("*1\r\n$5\r\nRESET\r\n");
	const [answer] = await once(socket, "data");
	for (const listener of listeners) socket.on("data", listener);
	expect(String(answer)).toBe("+RESET\r\n");
}

test("C36 C04 commands that meet NOAUTH are sent again, in their order, over a connection that is greeted anew, its provider asked again", async () => {
	await using proxy = await TcpProxy.start(server);
	await using taps = await ClusterTaps.start(cluster.primaries);
	const { natMap } = taps;
	const rigs = [
		{ target: { url: proxy.url }, proxies: [proxy] },
		{ target: { url: taps.url, cluster: { natMap, refreshMs: 0 } }, proxies: cluster.primaries.map((node) => taps.proxy(node)) },
	];
	for (const { target, proxies } of rigs) {
		for (const protocol of [2, 3] as const) {
			let asked = 0;
			const auth = () => {
				asked += 1;
				return { password: PASSWORD };
			};
			const heard = new Heard();
			await using client = await createClient({ ...target, protocol, auth, retry, hooks: heard.hooks });
			const keys = Array.from({ length: 30 }, (_, index) => `forgotten:${protocol}:${proxies.length}:${index}`);
			await client.setMany(keys.map((key) => [key, "v"]));
			const open = proxies.flatMap(({ connections }) => connections.filter(({ closed }) => !closed));
			expect(open).toHaveLength(proxies.length);
			await Promise.all(open.map(forget));
			const before = asked;
			const results = await Promise.all([
				client.mget(keys.slice(0, 3)),
				...[1, 2, 3].map(() => client.incr(`${keys[0]}:n`)),
				client.pipeline().set(keys[1]!, "w").get(keys[1]!).exec(),
				client.command("EVAL", "return redis.call('GET', KEYS[1])", 1, keys[2]!).catch((error) => error.code),
			]);
			// A script may have begun before it says so, for all the client knows.
			expect(results).toEqual([["v", "v", "v"], 1, 2, 3, ["OK", "w"], "NOAUTH"]);
			expect(asked - before).toBe(proxies.length);
			expect(client.stats().reconnects).toBe(proxies.length);
			expect(heard.count("retired")).toBe(proxies.length);
			expect(heard.connections.find(({ state }) => state === "retired")!.cause).toMatch(
				/^127\.0\.0\.1:\d+ does not know the connection any more$/,
			);
			expect(await client.command("EVAL", "return 1", 0)).toBe(1);

			// A stranger's command of more than ten arguments, or with a long one, is refused by other words, and the server hangs up.
			for (const call of [() => client.mget(keys), () => client.set(keys[3]!, "v".repeat(20_000))]) {
				await Promise.all(proxies.flatMap(({ connections }) => connections.filter(({ closed }) => !closed)).map(forget));
				const answer = await call();
				expect(answer).toEqual(typeof answer === "string" ? "OK" : keys.map((_, index) => (index === 1 ? "w" : "v")));
			}
			expect(leaksOf(heard.sample, [PASSWORD])).toEqual([]);
			client.destroy();
			await waitUntil("the end of its connections", () => proxies.every(({ open: left }) => left === 0) || "some are open");
		}
	}
});

test("C36 NOAUTH on a leased connection is its caller's, and nobody gets that connection after it", async () => {
	await using proxy = await TcpProxy.start(server);
	await using client = await createClient({ url: proxy.url, auth: { password: PASSWORD }, pool: { maxDedicated: 1 }, retry });
	const ids: unknown[] = [];
	for (let round = 1; round <= 2; round++) {
		await client.withConnection({}, async (own) => {
			ids.push(await own.command("CLIENT", "ID"));
			await forget(proxy.connections[round]!);
			await expect(own.get("k")).rejects.toMatchObject({ code: "NOAUTH", maybeExecuted: false });
		});
	}
	expect(ids[1]).not.toBe(ids[0]);
	expect(await client.get("k")).toBeNull();
	expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
});

test("C36 the word of a script is its caller's: nothing is sent again and no connection is replaced; nor for NOPERM", async () => {
	await server.raw("ACL", "SETUSER", "limited", "on", ">wonder", "~mine:*", "+@all");
	for (const protocol of [2, 3] as const) {
		const heard = new Heard();
		await using client = await createClient({
			url: server.url,
			protocol,
			auth: { username: "limited", password: "wonder" },
			hooks: heard.hooks,
		});
		const before = await commandStats(server, "eval");
		const script = "redis.call('INCR', KEYS[1]) return redis.error_reply('NOAUTH of my own')";
		const error = await rejectionOf(client.command("EVAL", script, 1, `mine:${protocol}`));
		expect(error).toMatchObject({ code: "NOAUTH", maybeExecuted: true });
		expect((await commandStats(server, "eval")).calls).toBe(before.calls + 1);
		expect(await client.get(`mine:${protocol}`)).toBe("1");
		await expect(client.set("foreign", "v")).rejects.toMatchObject({ code: "NOPERM", maybeExecuted: false });
		expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
		expect(heard.count("retired")).toBe(0);
	}
});

test("C36 a server that says NOAUTH whoever asks is asked three times more, each time over a new connection, and then believed", async () => {
	await using node = await FakeNode.start();
	node.always(["GET"], "-NOAUTH Authentication required.\r\n");
	await using client = await createClient({ url: node.url, auth: { password: PASSWORD }, retry });
	const error = await rejectionOf(client.get("k"));
	expect(error).toMatchObject({ code: "NOAUTH", message: "NOAUTH Authentication required.", maybeExecuted: false });
	expect(node.commands).toHaveLength(4);
	await waitUntil("the last connection", () => client.stats().connections === 1 || `${client.stats().connections}`);
	expect(node.connections.filter(({ commands }) => commands.some(([name]) => name === "GET"))).toHaveLength(4);
});

test("C36 ACL LOAD with a new password ends every connection of the users, and reads notice nothing", async () => {
	const folder = await mkdtemp(join(tmpdir(), "slotwire-acl-"));
	const file = join(folder, "users.acl");
	const rules = (password: string) => `user default on nopass ~* &* +@all\nuser app on >${password} ~* &* +@all\n`;
	await writeFile(file, rules("wonder1"));
	const clients: Client[] = [];
	try {
		await using loading = await startStandalone({ args: ["--aclfile", file] });
		let password = "wonder1";
		const auth = () => ({ username: "app", password });
		for (const protocol of [2, 3] as const) clients.push(await createClient({ url: loading.url, protocol, auth, retry }));
		await clients[0]!.set("k", "v");
		await writeFile(file, rules("wonder2"));
		password = "wonder2";
		let going = true;
		const reads = clients.map(async (client) => {
			while (going) expect(await client.mget(["k", "k"])).toEqual(["v", "v"]);
		});
		for (const read of reads) read.catch(() => {});
		expect(await loading.raw("ACL", "LOAD")).toBe("OK");
		await waitUntil("new connections", () => clients.every((client) => client.stats().reconnects > 0) || "not all");
		expect(await Promise.all(clients.map((client) => client.command("ACL", "WHOAMI")))).toEqual(["app", "app"]);
		going = false;
		await Promise.all(reads);
	} finally {
		for (const client of clients) client.destroy();
		await rm(folder, { recursive: true, force: true });
	}
});
