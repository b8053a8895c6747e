/** Subscriptions outlive their connections: subscribed again, told of the gap, never spinning. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient, type Gap } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { drain, take } from "../support/news.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let server: ServerNode;
	let proxy: TcpProxy;
	let client: Client;
	beforeAll(async () => {
		server = await startStandalone();
		proxy = await TcpProxy.start(server);
		client = await createClient({ url: proxy.url, protocol, retry: { maxMs: 100 } });
	});
	afterAll(async () => {
		await client?.close();
		await proxy?.close();
		await server?.stop();
	});

	const subscribers = async (...names: string[]) => {
		const counts = (await server.raw("PUBSUB", "NUMSUB", ...names)) as (string | number)[];
		return counts.filter((_, i) => i % 2 === 1);
	};
	const subscribed = (name: string) =>
		waitUntil(`a subscriber of ${name}`, async () => (await subscribers(name))[0] === 1 || "none");

	/** Resolves once the server has no subscriber of the name, and then one again. */
	async function around(name: string, lose: () => unknown): Promise<void> {
		const subscribedNow = await subscriberIds();
		await lose();
		await waitUntil("another subscriber", async () => {
			const ids = await subscriberIds();
			return (ids.length > 0 && ids.every((id) => !subscribedNow.includes(id))) || ids.join();
		});
		await subscribed(name);
	}

	/** Connections that are subscribed to something. */
	async function subscriberIds(): Promise<string[]> {
		const lines = String(await server.raw("CLIENT", "LIST", "TYPE", "pubsub")).split("\n");
		return lines.flatMap((line) => /^id=(\d+)/.exec(line)?.[1] ?? []);
	}

	test.each([
		["a reset", () => proxy.cut()],
		["CLIENT KILL TYPE pubsub", () => server.raw("CLIENT", "KILL", "TYPE", "pubsub")],
	])("after %s every name is subscribed again; the gap is told at once, whole, and in order", async (_, lose) => {
		const gaps: Gap[] = [];
		const news = await client.subscribe(["a", "b"], { onGap: (gap) => gaps.push(gap) });
		const same = await client.subscribe("b");
		const pattern = await client.psubscribe("b*");
		const shard = await client.ssubscribe("s");
		await server.raw("PUBLISH", "a", "before");
		await waitUntil("the message", () => news.buffered === 1 || "not yet");
		await around("b", lose);
		expect(gaps).toEqual([{ reason: "connection-lost", names: ["a", "b"] }]);
		expect(await subscribers("a", "b")).toEqual([1, 1]);
		await server.raw("PUBLISH", "b", "1");
		await server.raw("PUBLISH", "b", "2");
		await server.raw("PUBLISH", "a", "3");
		await server.raw("SPUBLISH", "s", "4");
		expect(await take(news, 4)).toStrictEqual([
			{ channel: "a", message: "before" },
			{ channel: "b", message: "1", gap: true },
			{ channel: "b", message: "2" },
			{ channel: "a", message: "3", gap: true },
		]);
		expect(await take(same, 1)).toStrictEqual([{ channel: "b", message: "1", gap: true }]);
		expect(await take(pattern, 2)).toStrictEqual([
			{ channel: "b", message: "1", pattern: "b*", gap: true },
			{ channel: "b", message: "2", pattern: "b*" },
		]);
		expect(await take(shard, 1)).toStrictEqual([{ channel: "s", message: "4", gap: true }]);
		for (const each of [news, same, pattern, shard]) await each.unsubscribe();
		expect(gaps).toHaveLength(1);
	});

	test("while nothing can be connected: one gap, names may come and go, and a call waits", async () => {
		const gaps: Gap[] = [];
		const kept = await client.subscribe(["kept", "left"], { onGap: (gap) => gaps.push(gap) });
		const gone = await client.subscribe("gone");
		expect(kept.live).toBe(true);
		proxy.refuse();
		proxy.cut();
		await waitUntil("the gap", () => gaps.length > 0 || "none");
		expect(kept.live).toBe(false);
		const waiting = client.subscribe("waiting");
		await Promise.all([kept.remove("left"), gone.unsubscribe()]);
		const late = await rejectionOf(client.with({ timeoutMs: 300 }).subscribe("late"));
		expect(late).toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(/ECONNREFUSED/) });
		await proxy.welcome();
		const news = await waiting;
		await waitUntil("its being live again", () => kept.live || "no");
		expect(await subscribers("kept", "waiting", "left", "gone", "late")).toEqual([1, 1, 0, 0, 0]);
		expect(gaps).toHaveLength(1);
		await server.raw("PUBLISH", "waiting", "m");
		// It missed nothing: it was not subscribed before.
		expect(await take(news, 1)).toStrictEqual([{ channel: "waiting", message: "m" }]);
		await news.unsubscribe();
		await kept.unsubscribe();
		expect(kept.live).toBe(false);
	});

	test("a connection that comes and goes is tried for with growing pauses", async () => {
		await using own = await TcpProxy.start(server);
		await using unlucky = await createClient({ url: own.url, protocol, retry: { baseMs: 20, maxMs: 400 } });
		await using news = await unlucky.subscribe("pace");
		own.refuse();
		own.cut();
		// Whoever spins tries thousands of times meanwhile.
		const late = rejectionOf(unlucky.with({ timeoutMs: 1500 }).subscribe("x"));
		expect(await late).toMatchObject({ code: "TIMEOUT" });
		expect(unlucky.stats().reconnects).toBeLessThanOrEqual(2);
		await own.welcome();
		await subscribed("pace");
		// And a server that hangs up at once whenever somebody subscribes.
		const before = own.connections.length;
		own.onConnection(({ toServer, index }) =>
			toServer.tap((bytes) => {
				if (/subscribe/i.test(bytes.toString("latin1"))) own.connections[index]?.cut();
			}),
		);
		own.cut();
		expect(await rejectionOf(unlucky.with({ timeoutMs: 1500 }).subscribe("y"))).toMatchObject({ code: "TIMEOUT" });
		expect(own.connections.length - before).toBeLessThan(60);
		expect(news.ended).toBe(false);
		own.onConnection(() => {});
	});

	test("a name that is refused after a reconnection ends its subscription with the server's word, and no other", async () => {
		await server.raw("ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "resetchannels", "&ok", "&secret");
		await using limited = await createClient({ url: server.url, protocol, auth: { username: "limited", password: "pw" } });
		const good = await limited.subscribe("ok");
		const bad = await limited.subscribe(["secret", "ok"]);
		const errors: unknown[] = [];
		const listening = await limited.subscribe("secret", { listener: () => {}, onError: (error) => errors.push(error) });
		// The server ends the connections of users who have lost a channel that they are subscribed to.
		await server.raw("ACL", "SETUSER", "limited", "resetchannels", "&ok");
		expect(await rejectionOf(drain(bad))).toMatchObject({ code: "NOPERM" });
		await waitUntil("the listener's end", () => listening.ended || "not yet");
		expect(errors).toMatchObject([{ code: "NOPERM" }]);
		expect(bad.names).toEqual([]);
		await subscribed("ok");
		await server.raw("PUBLISH", "ok", "m");
		expect(await take(good, 1)).toStrictEqual([{ channel: "ok", message: "m", gap: true }]);
	});

	test("A24 a subscriber connection that is quiet is asked for a sign of life, and its answer is no message", async () => {
		await using quiet = await createClient({ url: server.url, protocol, name: `quiet${protocol}`, pool: { pingMs: 30 } });
		await using news = await quiet.subscribe("quiet");
		await using shard = await quiet.ssubscribe("quiet");
		await waitUntil("its PING", async () => {
			const lines = String(await server.raw("CLIENT", "LIST", "TYPE", "pubsub")).split("\n");
			const line = lines.find((each) => each.includes(` name=quiet${protocol} `)) ?? "";
			return line.includes(" cmd=ping ") || line;
		});
		await server.raw("PUBLISH", "quiet", "m");
		expect(await take(news, 1)).toStrictEqual([{ channel: "quiet", message: "m" }]);
		expect([shard.buffered, quiet.stats().reconnects]).toEqual([0, 0]);
	});

	test("C12 a half-open subscriber connection is found out though nobody calls anything", async () => {
		await using own = await TcpProxy.start(server);
		await using quiet = await createClient({
			url: own.url,
			protocol,
			pool: { pingMs: 50 },
			timeouts: { suspectMs: 200, commandMs: 2000 },
		});
		const gaps: Gap[] = [];
		await using news = await quiet.subscribe("half-open", { onGap: (gap) => gaps.push(gap) });
		for (const connection of own.connections) connection.halfOpen();
		await waitUntil("the gap", () => gaps.length === 1 || "none");
		await subscribed("half-open");
		await server.raw("PUBLISH", "half-open", "m");
		expect(await take(news, 1)).toStrictEqual([{ channel: "half-open", message: "m", gap: true }]);
	});

	test("C12 a half-open subscriber connection is found out when a call finds another one so, before idle ones are asked", async () => {
		await using own = await TcpProxy.start(server);
		await using busy = await createClient({
			url: own.url,
			protocol,
			pool: { pingMs: 0 },
			timeouts: { suspectMs: 200, commandMs: 2000 },
		});
		const gaps: Gap[] = [];
		await using news = await busy.subscribe("found-out", { onGap: (gap) => gaps.push(gap) });
		for (const connection of own.connections) connection.halfOpen();
		await rejectionOf(busy.incr("n"));
		await waitUntil("the gap", () => gaps.length === 1 || "none");
		await subscribed("found-out");
		await server.raw("PUBLISH", "found-out", "m");
		expect(await take(news, 1)).toStrictEqual([{ channel: "found-out", message: "m", gap: true }]);
	});

	test("the server is killed and started again: subscribed again by itself", async () => {
		const own = await startStandalone();
		try {
			await using lasting = await createClient({ url: own.url, protocol, retry: { maxMs: 100 } });
			const gaps: Gap[] = [];
			await using news = await lasting.subscribe("restart", { onGap: (gap) => gaps.push(gap) });
			await own.kill();
			await waitUntil("the gap", () => gaps.length > 0 || "none");
			await own.restart();
			await waitUntil("a subscriber", async () => {
				return ((await own.raw("PUBSUB", "NUMSUB", "restart")) as unknown[])[1] === 1 || "none";
			});
			await own.raw("PUBLISH", "restart", "m");
			expect(await take(news, 1)).toStrictEqual([{ channel: "restart", message: "m", gap: true }]);
			expect(gaps).toHaveLength(1);
		} finally {
			await own.stop();
		}
	});

	test("C32 a server that became a replica: the subscriber connection is made anew with all others, and the gap is told", async () => {
		await using demoted = await startStandalone();
		await using lasting = await createClient({ url: demoted.url, protocol, retry: { maxMs: 100 } });
		const gaps: Gap[] = [];
		await using news = await lasting.subscribe("demoted", { onGap: (gap) => gaps.push(gap) });
		await server.raw("CONFIG", "SET", "repl-diskless-sync-delay", 0);
		await demoted.raw("REPLICAOF", server.host, server.port);
		await waitUntil("a link", async () => {
			return String(await demoted.raw("INFO", "replication")).includes("master_link_status:up") || "none";
		});
		// Its word is that it is no primary.
		const write = rejectionOf(lasting.with({ timeoutMs: 500 }).set("k", "v"));
		await waitUntil("the gap", () => gaps.length > 0 || "none");
		expect(await write).toMatchObject({ code: expect.stringMatching(/^(TIMEOUT|READONLY)$/) });
		await waitUntil("a subscriber that stays", async () => {
			return ((await demoted.raw("PUBSUB", "NUMSUB", "demoted")) as unknown[])[1] === 1 || "none";
		});
		await server.raw("PUBLISH", "demoted", "m");
		expect(await take(news, 1)).toStrictEqual([{ channel: "demoted", message: "m", gap: true }]);
	});

	test("C39 a server that refuses to subscribe for now is asked again after pauses, one that refuses UNSUBSCRIBE is believed", async () => {
		await using node = await FakeNode.start();
		const push = protocol === 3 ? ">" : "*";
		const confirmed = `${push}3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n`;
		node.expect(["SUBSCRIBE", "a"]).reply("-LOADING Redis is loading the dataset in memory\r\n");
		node.expect(["SUBSCRIBE", "a"]).reply("-BUSY a script is running\r\n");
		node.expect(["SUBSCRIBE", "a"]).reply(confirmed);
		await using own = await createClient({ url: node.url, protocol });
		const news = await own.subscribe("a");
		node.expect(["UNSUBSCRIBE", "a"]).reply("-NOSUB 'unsubscribe' command executed not in subscribed mode\r\n");
		await news.unsubscribe();
		expect(news.ended).toBe(true);
		node.expect(["SUBSCRIBE", "a"]).reply("-ERR unknown command 'SUBSCRIBE', with args beginning with: 'a' \r\n");
		const refused = await rejectionOf(own.subscribe("a"));
		expect(refused).toMatchObject({ code: "ERR", message: "ERR unknown command 'SUBSCRIBE'" });
	});
});
