/** Transactions whose reply is lost, late, or not to be had. */
import { describe, expect, inject, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type ClientError, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const tag = `tx-cut-${protocol}`;

	test("C24 recipe N10: connections are reset before the reply, and every count is explained", async () => {
		await using proxy = await TcpProxy.start(server());
		let connections = 0;
		proxy.onConnection(({ toClient }) => {
			toClient.cutAt(900 + 13 * connections++, "rst");
		});
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 1, maxMs: 5 } });
		await client.delMany([`${tag}:n`, `${tag}:log`]);
		let acknowledged = 0;
		let unknown = 0;
		for (let round = 0; round < 40; round++) {
			const calls = Array.from({ length: 25 }, () => client.multi().incr(`${tag}:n`).command("RPUSH", `${tag}:log`, "x").exec());
			for (const outcome of await Promise.allSettled(calls)) {
				if (outcome.status === "fulfilled") acknowledged += 1;
				else {
					const error = outcome.reason as ClientError;
					if (error.maybeExecuted) unknown += 1;
					else expect(error.code).toBe("CONNECTION");
				}
			}
		}
		proxy.onConnection(() => {});
		proxy.cut();
		expect(connections).toBeGreaterThan(10);
		const count = Number(await client.get(`${tag}:n`));
		expect(acknowledged + unknown).toBeGreaterThan(0);
		expect(unknown).toBeGreaterThan(0);
		expect(count).toBeGreaterThanOrEqual(acknowledged);
		expect(count).toBeLessThanOrEqual(acknowledged + unknown);
		// All of it, or nothing.
		expect(await client.command("LLEN", `${tag}:log`)).toBe(count);
	});

	test("C20 a deadline that passes while the replies are under way: they are swallowed, and nobody finds himself in a transaction", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol });
		proxy.connections[0]!.toClient.stall();
		const late = client.with({ timeoutMs: 100 }).multi().incr(`${tag}:late`).exec();
		await expect(late).rejects.toMatchObject({ code: "TIMEOUT", maybeExecuted: true });
		const next = client.set(`${tag}:next`, "v");
		proxy.connections[0]!.toClient.resume();
		expect(await next).toBe("OK");
		expect(await client.get(`${tag}:next`)).toBe("v");
		expect(client.stats()).toMatchObject({ reconnects: 0, inFlight: 0 });
	});

	test("C20 a deadline or an abort between WATCH and EXEC ends that connection, and the next caller gets a clean one", async () => {
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		const ids: unknown[] = [];
		const abort = new AbortController();
		await expect(
			client.withConnection({}, async (connection) => {
				ids.push(await connection.command("CLIENT", "ID"));
				await connection.command("WATCH", `${tag}:k`);
				await connection.command("MULTI");
				await connection.command("SET", `${tag}:k`, "never");
				const pending = connection.with({ signal: abort.signal }).command("SET", `${tag}:k`, "never");
				abort.abort();
				await pending;
			}),
		).rejects.toMatchObject({ code: "ABORTED" });
		await client.withConnection({}, async (connection) => {
			ids.push(await connection.command("CLIENT", "ID"));
			expect(await connection.set(`${tag}:k`, "v")).toBe("OK");
		});
		expect(ids[1]).not.toBe(ids[0]);
	});

	test("watch: the connection is lost before EXEC: it is tried again; manually it is said", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 1, maxMs: 5 } });
		let tries = 0;
		const results = await client.watch(`${tag}:w`, async (connection) => {
			if (++tries === 1) {
				proxy.cut();
				await waitUntil("the connection is lost", () => connection.stats().connections === 0 || "still there");
			}
			return connection.multi().set(`${tag}:w`, String(tries)).get(`${tag}:w`);
		});
		expect(results).toEqual(["OK", "2"]);

		await client.withConnection({}, async (connection) => {
			await connection.command("WATCH", `${tag}:w`);
			proxy.cut();
			await waitUntil("the connection is lost", () => connection.stats().connections === 0 || "still there");
			await expect(connection.multi().set(`${tag}:w`, "lost").exec()).rejects.toMatchObject({
				code: "WATCH",
				maybeExecuted: false,
			});
		});
		expect(await client.get(`${tag}:w`)).toBe("2");
	});

	test("watch: the reply of EXEC is lost: unknown, and not tried again", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol });
		let tries = 0;
		const call = client.watch(`${tag}:u`, async (connection) => {
			tries += 1;
			proxy.connections.at(-1)!.toClient.stall();
			const { bytesWritten } = client.stats();
			void waitUntil("EXEC is written", () => client.stats().bytesWritten > bytesWritten || "not yet").then(() => proxy.cut());
			return connection.multi().set(`${tag}:u`, "v");
		});
		await expect(call).rejects.toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(tries).toBe(1);
	});

	test("watch: what the attempt did on another connection, with an outcome that nobody knows, is the caller's, and not done again", async () => {
		await using proxy = await TcpProxy.start(server());
		await using other = await createClient({ url: proxy.url, protocol });
		await using client = await createClient({ url: inject("standaloneUrl"), protocol });
		await client.delMany([`${tag}:beside`, `${tag}:counted`]);
		let tries = 0;
		const outcome = client.watch(`${tag}:beside`, async (own) => {
			const { toClient } = proxy.connections.at(-1)!;
			tries += 1;
			toClient.stall();
			const counted = other.incr(`${tag}:counted`);
			await waitUntil("it was counted", async () => (await client.get(`${tag}:counted`)) === String(tries) || "not yet");
			proxy.cut();
			await counted;
			return own.multi().set(`${tag}:beside`, "never");
		});
		await expect(outcome).rejects.toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(tries).toBe(1);
		expect(await client.existsMany([`${tag}:beside`])).toBe(0);
	});

	test("a transaction of reads is sent again when its connection is lost", async () => {
		await using proxy = await TcpProxy.start(server());
		await using client = await createClient({ url: proxy.url, protocol });
		await client.set(`${tag}:r`, "v");
		proxy.connections[0]!.toClient.stall();
		const { bytesWritten } = client.stats();
		const read = client.multi().get(`${tag}:r`).ttl(`${tag}:r`).exec();
		await waitUntil("it is written", () => client.stats().bytesWritten > bytesWritten || "not yet");
		proxy.cut();
		expect(await read).toEqual(["v", -1]);
	});

	test("EXEC that a server does not know leaves the connection inside: it is ended, and the next command is itself again", async () => {
		const renamed = await startStandalone({ args: ["--rename-command", "EXEC", ""] });
		try {
			await using client = await createClient({ url: renamed.url, protocol });
			const [outcome, next] = await Promise.allSettled([client.multi().set("k", "never").exec(), client.get("k")]);
			expect((outcome as PromiseRejectedResult).reason).toMatchObject({ code: "ERR", maybeExecuted: false });
			expect(next).toEqual({ status: "fulfilled", value: null });
			expect(await client.set("k", "v")).toBe("OK");
		} finally {
			await renamed.stop();
		}
	});

	test("MULTI that a user may not say: the commands were executed outside of it, and the error says that they may have been", async () => {
		await using admin = await createClient(inject("standaloneUrl"));
		await admin.command("ACL", "SETUSER", tag, "on", ">secret", "~*", "+@all", "-multi");
		try {
			await using client = await createClient({
				url: inject("standaloneUrl"),
				protocol,
				auth: { username: tag, password: "secret" },
			});
			const error = await rejectionOf(client.multi().set(`${tag}:acl`, "v").exec());
			expect(error).toMatchObject({ code: "NOPERM", maybeExecuted: true });
			expect(await client.get(`${tag}:acl`)).toBe("v");
			const script = "redis.call('SET', KEYS[1], 'w') return redis.error_reply('BAD end')";
			const failed = await rejectionOf(client.multi().command("EVAL", script, "1", `${tag}:acl`).exec());
			expect(failed).toMatchObject({ code: "NOPERM", maybeExecuted: true });
			expect(await client.get(`${tag}:acl`)).toBe("w");
		} finally {
			await admin.command("ACL", "DELUSER", tag);
		}
	});

	test("close() waits for a transaction under way; one that comes after is refused", async () => {
		await using proxy = await TcpProxy.start(server());
		const client = await createClient({ url: proxy.url, protocol });
		proxy.connections[0]!.toClient.stall();
		const running = client.multi().set(`${tag}:close`, "v").exec();
		const closing = client.close();
		await expect(client.multi().get("k").exec()).rejects.toMatchObject({ code: "CLOSED" });
		proxy.connections[0]!.toClient.resume();
		expect(await running).toEqual(["OK"]);
		await closing;
	});

	test("close() ends the pauses of watch()", async () => {
		const client = await createClient({
			url: inject("standaloneUrl"),
			protocol,
			retry: { baseMs: 60_000, maxMs: 60_000, maxAttempts: 16 },
		});
		const changed = new Gate();
		const call = client.watch(`${tag}:p`, async (connection) => {
			await client.incr(`${tag}:p`);
			changed.open();
			return connection.multi().set(`${tag}:p`, "1");
		});
		const error = rejectionOf(call);
		await changed.opened;
		await waitUntil("the pause has begun", () => client.stats().inFlight === 0 || "a command is under way");
		await client.close();
		expect(["CLOSED", "WATCH"]).toContain((await error).code);
	});
});

test("a reply of EXEC with too few elements is that call's error, and the connection is not trusted any more", async () => {
	await using node = await FakeNode.start();
	node.expect(["MULTI"]).reply("+OK\r\n");
	node.expect(["GET", "a"]).reply("+QUEUED\r\n");
	node.expect(["GET", "b"]).reply("+QUEUED\r\n");
	node.expect(["EXEC"]).reply("*1\r\n$1\r\nx\r\n");
	node.expect(["GET", "a"]).reply("$1\r\ny\r\n");
	await using client = await createClient(node.url);
	await expect(client.multi().get("a").get("b").exec()).rejects.toMatchObject({ code: "PROTOCOL", maybeExecuted: true });
	expect(await client.get("a")).toBe("y");
	expect(node.connections).toHaveLength(2);
});

describe("a command of it was refused when it was to be queued: EXEC can execute nothing", () => {
	/** Answers a transaction of two writes up to EXEC, of which nothing comes back. */
	function play(node: FakeNode, second: string): ReturnType<FakeNode["expect"]> {
		node.expect(["MULTI"]).reply("+OK\r\n");
		node.expect(["INCR", "n"]).reply("+QUEUED\r\n");
		node.expect(["INCR", "m"]).reply(second);
		return node.expect(["EXEC"]);
	}

	const refused = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

	test.each([
		["refused", refused, false],
		["queued", "+QUEUED\r\n", true],
	])("C24 D46 the connection ends before EXEC is answered, the command was %s", async (_, second, maybeExecuted) => {
		await using node = await FakeNode.start();
		play(node, second).close();
		await using client = await createClient(node.url);
		const error = await rejectionOf(client.multi().incr("n").incr("m").exec());
		expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted });
	});

	test.each([
		["refused", refused, false],
		["queued", "+QUEUED\r\n", true],
	])("C24 D46 the deadline passes before EXEC is answered, the command was %s", async (_, second, maybeExecuted) => {
		await using node = await FakeNode.start();
		const { met } = play(node, second);
		await using client = await createClient({ url: node.url, timeouts: { closeMs: 0 } });
		const error = await rejectionOf(client.with({ timeoutMs: 200 }).multi().incr("n").incr("m").exec());
		await met;
		expect(error).toMatchObject({ code: "TIMEOUT", maybeExecuted });
	});

	test("C24 D46 that was the try before: of the one that is lost nobody knows", async () => {
		await using node = await FakeNode.start();
		play(node, "-LOADING data\r\n").reply("-EXECABORT Transaction discarded because of previous errors.\r\n");
		for (const words of [["MULTI"], ["INCR", "n"], ["INCR", "m"]]) node.expect(words);
		node.expect(["EXEC"]).close();
		await using client = await createClient({ url: node.url, retry: { baseMs: 1 } });
		const error = await rejectionOf(client.multi().incr("n").incr("m").exec());
		expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	});
});
