/** The connection that is subscribed: what else it is asked, who it is to its server, and what it is counted as. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient, type Gap } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { type FakeConnection, FakeNode } from "../support/fake-node.js";
import { take } from "../support/news.js";
import { rejectionOf } from "../support/secrets.js";

/** A confirmation or a message. */
const frame = (type: ">" | "*", ...items: (string | number)[]) =>
	`${type}${items.length}\r\n${items.map((item) => (typeof item === "number" ? `:${item}\r\n` : bulk(item))).join("")}`;

const MiB = 1024 * 1024;
const MAY_NOT_SAY_IT = "-ERR Can't execute 'auth': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed\r\n";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ args: ["--client-output-buffer-limit", "pubsub 1mb 0 0"] });
});
afterAll(() => server?.stop());

test("C36 C40 RESP2: a message that comes while AUTH is on its way, with new credentials, is delivered", async () => {
	await using node = await FakeNode.start();
	node.always(["SUBSCRIBE", "a"], frame("*", "subscribe", "a", 1));
	const auth = () => ({ password: "pw", expiresInMs: 1200 });
	await using client = await createClient({ url: node.url, protocol: 2, auth });
	const gaps: Gap[] = [];
	await using news = await client.subscribe("a", { onGap: (gap) => gaps.push(gap) });
	node.always(["UNSUBSCRIBE", "a"], frame("*", "unsubscribe", "a", 0));
	node.always(["AUTH"], (_, { commands }) => {
		if (!commands.some(([name]) => name === "SUBSCRIBE")) return "+OK\r\n";
		return frame("*", "message", "a", "before") + MAY_NOT_SAY_IT + frame("*", "message", "a", "behind");
	});
	expect(await take(news, 2)).toEqual([
		{ channel: "a", message: "before" },
		{ channel: "a", message: "behind" },
	]);
	expect(gaps).toEqual([]);
});

describe.each([
	[2, "shared"],
	[3, "shared"],
	[3, "dedicated"],
] as const)("RESP%i, %s", (protocol, subscriber) => {
	test("C36 a connection that meets NOAUTH when it subscribes makes room for one that is greeted anew", async () => {
		await using alone = await FakeNode.start();
		await using member = await startFakeClusterNode();
		member.always(["CLUSTER", "SLOTS"], () => slotsOf([member, 0, 16_383]));
		const type = protocol === 3 ? ">" : "*";
		for (const [node, target] of [
			[alone, { url: alone.url }],
			[member, { nodes: [addressOf(member)] }],
		] as const) {
			let stranger: FakeConnection | undefined;
			node.always(["SUBSCRIBE", "a"], (_, connection) => {
				stranger ??= connection;
				return connection === stranger ? "-NOAUTH Authentication required.\r\n" : frame(type, "subscribe", "a", 1);
			});
			node.always(["UNSUBSCRIBE", "a"], frame(type, "unsubscribe", "a", 0));
			await using client = await createClient({ ...target, protocol, pool: { subscriber }, retry: { baseMs: 1, maxMs: 20 } });
			await using news = await client.subscribe("a");
			expect(news.names).toEqual(["a"]);
			expect(stranger?.closed).toBe(true);
		}
	});
});

test("C16 C40 beside a subscription a reply larger than the limit for pubsub clients ends its connection, unless subscriptions have their own", async () => {
	const retry = { baseMs: 1, maxMs: 5 };
	await using client = await createClient({ url: server.url, retry });
	await using apart = await createClient({ url: server.url, retry, pool: { subscriber: "dedicated" } });
	const large = Buffer.alloc(8 * MiB);
	await client.set("large", large);
	// A write is not sent again.
	const replace = (who: typeof client) => who.set("large", large, { get: true });
	expect(await replace(client)).toHaveLength(8 * MiB);
	const lost: string[] = [];
	await using news = await client.subscribe("a", { onGap: () => lost.push("shared") });
	await using own = await apart.subscribe("a", { onGap: () => lost.push("dedicated") });
	expect([client.stats().connections, apart.stats().connections]).toEqual([1, 2]);
	expect(await rejectionOf(replace(client))).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	expect(await replace(apart)).toHaveLength(8 * MiB);
	await waitUntil("both subscribed", async () => {
		return ((await server.raw("PUBSUB", "NUMSUB", "a")) as unknown[])[1] === 2 || "not yet";
	});
	expect(await apart.publish("a", "m")).toBe(2);
	expect(await take(news, 1)).toEqual([{ channel: "a", message: "m", gap: true }]);
	expect(await take(own, 1)).toEqual([{ channel: "a", message: "m" }]);
	expect(lost).toEqual(["shared"]);
});

test("C40 in RESP3 as well subscriptions can have a connection of their own, and outlive it", async () => {
	const name = "pubsub-connection:own";
	const subscribed = async (client: Client) => ({
		channel: await client.subscribe(name),
		pattern: await client.psubscribe(`${name}*`),
		shard: await client.ssubscribe(name),
	});
	const expected = (gap: object) => [
		{ channel: name, message: "m", ...gap },
		{ channel: name, message: "m", pattern: `${name}*`, ...gap },
		{ channel: name, message: "s", ...gap },
	];
	for (const url of [server.url, inject("clusterUrl")]) {
		await using client = await createClient({ url, pool: { subscriber: "dedicated" }, retry: { baseMs: 1, maxMs: 20 } });
		const all = Object.values(await subscribed(client));
		const told = async () => {
			await client.publish(name, "m");
			await client.spublish(name, "s");
			return (await Promise.all(all.map((news) => take(news, 1)))).flat();
		};
		expect(await told()).toEqual(expected({}));
		if (url !== server.url) continue;
		const clients = String(await server.raw("CLIENT", "LIST", "TYPE", "pubsub"));
		expect(clients).toMatch(/ sub=1 psub=1 ssub=1 .* resp=3/);
		await server.raw("CLIENT", "KILL", "TYPE", "pubsub");
		await waitUntil("subscribed again", async () => {
			return / sub=1 psub=1 ssub=1 /.test(String(await server.raw("CLIENT", "LIST", "TYPE", "pubsub"))) || "not yet";
		});
		expect(await told()).toEqual(expected({ gap: true }));
		await Promise.all(all.map((news) => news.unsubscribe()));
		await waitUntil("the connection ended", () => client.stats().connections === 1 || "not yet");
	}
});

test("two calls of a subscription ask for one name: it stays when the first gives up and the second does not", async () => {
	await using node = await FakeNode.start();
	node.always(["SUBSCRIBE", "a"], frame(">", "subscribe", "a", 1));
	node.always(["UNSUBSCRIBE"], (words) => frame(">", "unsubscribe", words[1] ?? "", 0));
	let home: FakeConnection | undefined;
	node.always(["SUBSCRIBE", "b"], (_, connection) => {
		home = connection;
		return undefined;
	});
	await using client = await createClient({ url: node.url, timeouts: { suspectMs: 0 } });
	await using news = await client.with({ timeoutMs: 1000 }).subscribe("a");
	const first = rejectionOf(news.add("b"));
	const began = performance.now();
	await waitUntil("a while", () => performance.now() - began > 300 || "not yet");
	const second = news.add("b");
	expect(await first).toMatchObject({ code: "TIMEOUT" });
	await home!.write(frame(">", "subscribe", "b", 2));
	await second;
	expect(news.names).toEqual(["a", "b"]);
});
