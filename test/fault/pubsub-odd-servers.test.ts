/** Servers that contradict each other, speak an older protocol, or push what nobody understands. */
import { describe, expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { take } from "../support/news.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

/** A confirmation or a message. */
const frame = (type: ">" | "*", ...items: (string | number)[]) =>
	`${type}${items.length}\r\n${items.map((item) => (typeof item === "number" ? `:${item}\r\n` : bulk(item))).join("")}`;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const type = protocol === 3 ? ">" : "*";

	test("D16 D49 two nodes that each say the slot is the other's are asked with pauses, until they agree or the deadline", async () => {
		await using a = await startFakeClusterNode();
		await using b = await startFakeClusterNode();
		let asked = 0;
		let served = false;
		for (const [node, other] of [
			[a, b],
			[b, a],
		] as const) {
			node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 8191], [b, 8192, 16_383]));
			node.always(["SSUBSCRIBE", "bar"], () => {
				asked += 1;
				return served ? frame(type, "ssubscribe", "bar", 1) : `-MOVED ${SLOT} ${addressOf(other)}\r\n`;
			});
			node.always(["SUNSUBSCRIBE"], frame(type, "sunsubscribe", "bar", 0));
			node.always(["PING"], protocol === 3 ? "+PONG\r\n" : frame("*", "pong", ""));
		}
		await using client = await createClient({ nodes: [addressOf(a)], protocol, retry: { baseMs: 50, maxMs: 400 } });
		const late = await rejectionOf(client.with({ timeoutMs: 2000 }).ssubscribe("bar"));
		expect(late).toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(/MOVED/) });
		// Without pauses there would be thousands.
		expect(asked).toBeGreaterThan(2);
		expect(asked).toBeLessThan(200);
		served = true;
		await using news = await client.ssubscribe("bar");
		expect(news.names).toEqual(["bar"]);
	});

	test("D49 a slot that nobody serves is waited for, and the call says so when it was not served in time", async () => {
		await using node = await startFakeClusterNode();
		let last = SLOT - 1;
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, last]));
		node.always(["SSUBSCRIBE", "bar"], frame(type, "ssubscribe", "bar", 1));
		await using client = await createClient({
			nodes: [addressOf(node)],
			protocol,
			cluster: { minRefreshMs: 20 },
			retry: { maxMs: 100 },
		});
		const late = await rejectionOf(client.with({ timeoutMs: 200 }).ssubscribe("bar"));
		expect(late).toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(/slot 5061 is served by no node/) });
		const waiting = client.ssubscribe("bar");
		last = 16_383;
		expect((await waiting).names).toEqual(["bar"]);
	});

	test("D48 what comes before a subscription is confirmed belongs to the one before, and to nobody any more", async () => {
		await using node = await FakeNode.start();
		node.always(["SUBSCRIBE", "a"], () => frame(type, "subscribe", "a", 1) + frame(type, "message", "a", `${times()}`));
		node.always(["UNSUBSCRIBE", "a"], frame(type, "message", "a", "late") + frame(type, "unsubscribe", "a", 0));
		const times = () => node.commands.filter(([name]) => name === "SUBSCRIBE").length;
		await using client = await createClient({ url: node.url, protocol });
		const before = await client.subscribe("a");
		const left = before.unsubscribe();
		await using news = await client.subscribe("a");
		await left;
		expect(await take(news, 1)).toEqual([{ channel: "a", message: "2" }]);
	});

	test("C40 a server that takes a channel back again and again is asked with its own word, and the gap is told each time", async () => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		node.always(["SSUBSCRIBE", "bar"], frame(type, "ssubscribe", "bar", 1));
		node.always(["SUNSUBSCRIBE"], frame(type, "sunsubscribe", "bar", 0));
		node.always(["PING"], protocol === 3 ? "+PONG\r\n" : frame("*", "pong", ""));
		await using client = await createClient({ nodes: [addressOf(node)], protocol });
		const gaps: unknown[] = [];
		await using news = await client.ssubscribe("bar", { onGap: (gap) => gaps.push(gap) });
		const home = node.connections.find(({ commands }) => commands.some(([name]) => name === "SSUBSCRIBE"))!;
		const times = () => home.commands.filter(([name]) => name === "SSUBSCRIBE").length;
		for (let i = 1; i <= 3; i++) {
			await home.write(frame(type, "sunsubscribe", "bar", 0));
			await waitUntil("another SSUBSCRIBE", () => times() === i + 1 || `${times()}`);
			await home.write(frame(type, "smessage", "bar", `m${i}`));
			expect(await take(news, 1)).toStrictEqual([{ channel: "bar", message: `m${i}`, gap: true }]);
		}
		expect(gaps).toEqual(new Array(3).fill({ reason: "slot-moved", names: ["bar"] }));
		// One that does so at once, every time, is not asked at the speed of the wire.
		const [before, began] = [times(), performance.now()];
		node.always(["SSUBSCRIBE", "bar"], frame(type, "ssubscribe", "bar", 1) + frame(type, "sunsubscribe", "bar", 0));
		await home.write(frame(type, "sunsubscribe", "bar", 0));
		await waitUntil("a pause", () => performance.now() - began > 1500 || "not yet");
		expect(times() - before).toBeLessThan(100);
	});
});

test("a client of RESP3 whose server speaks RESP2 alone subscribes on a connection of its own", async () => {
	await using server = await startStandalone({ args: ["--rename-command", "HELLO", ""] });
	await using client = await createClient({ url: server.url });
	await using news = await client.subscribe("old");
	expect(client.stats().connections).toBe(2);
	expect(await client.publish("old", "m")).toBe(1);
	expect(await client.get("k")).toBeNull();
	expect(await take(news, 1)).toEqual([{ channel: "old", message: "m" }]);
	const [id] = /\d+/.exec(String(await server.raw("CLIENT", "LIST", "TYPE", "pubsub")))!;
	await server.raw("CLIENT", "KILL", "ID", id);
	await waitUntil("another subscriber", async () => {
		return ((await server.raw("PUBSUB", "NUMSUB", "old")) as unknown[])[1] === 1 || "none";
	});
	await server.raw("PUBLISH", "old", "m2");
	expect(await take(news, 1)).toEqual([{ channel: "old", message: "m2", gap: true }]);
});

test("A19 pushes that make no sense harm neither replies nor subscriptions", async () => {
	await using node = await FakeNode.start();
	node.always(["SUBSCRIBE", "a"], frame(">", "subscribe", "a", 1));
	node.always(["UNSUBSCRIBE", "a"], frame(">", "unsubscribe", "a", 0));
	node.always(["GET", "k"], bulk("value"));
	await using client = await createClient(node.url);
	await using news = await client.subscribe("a");
	const [home] = node.connections;
	const odd = [
		">0\r\n",
		">1\r\n+message\r\n",
		">2\r\n$7\r\nmessage\r\n$1\r\na\r\n",
		frame(">", "message", "a", 7),
		frame(">", "message", 1, "m"),
		">3\r\n$7\r\nmessage\r\n$1\r\na\r\n*1\r\n$1\r\nm\r\n",
		frame(">", "message", "unknown", "m"),
		frame(">", "smessage", "a", "m"),
		frame(">", "pmessage", "a", "m"),
		frame(">", "sunsubscribe", "a", 0),
		frame(">", "unsubscribe", "a", 0),
		">3\r\n$9\r\nsubscribe\r\n_\r\n:0\r\n",
		frame(">", "invalidate", "a"),
		">2\r\n%1\r\n+a\r\n+b\r\n_\r\n",
		"|1\r\n+ttl\r\n:1\r\n",
	];
	for (const bytes of odd) {
		const reply = client.get("k");
		await home!.write(bytes);
		expect(await reply).toBe("value");
	}
	await home!.write(frame(">", "message", "a", "m"));
	expect(await take(news, 1)).toStrictEqual([{ channel: "a", message: "m" }]);
	expect([news.ended, client.stats().reconnects]).toEqual([false, 0]);
});
