/** What arrives, and in which form: channels, patterns and sharded channels, by loops and by listeners. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { raw, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient, type Message } from "../../src/index.js";
import { take } from "../support/news.js";
import { TcpProxy } from "../support/proxy.js";

const topologies = ["standaloneUrl", "clusterUrl"] as const;
const cases = topologies.flatMap((where) =>
	([2, 3] as const).map((protocol) => [where.replace("Url", ""), protocol, where] as const),
);

describe.each(cases)("%s, RESP%i", (_, protocol, where) => {
	let client: Client;
	const name = (text: string) => `messages:${where}:${protocol}:${text}`;
	beforeAll(async () => {
		client = await createClient({ url: inject(where), protocol });
	});
	afterAll(() => client.close());

	/** Of the nodes that the client talks to; messages are counted where they are published. */
	const received = (messages: readonly Message[]) => messages.map(({ channel, message }) => `${channel}=${message}`);

	test("D48 a loop reads what is published, of one name and of several, and leaving it unsubscribes", async () => {
		const one = await client.subscribe(name("one"));
		const two = await client.subscribe([name("two"), name("three")]);
		expect([one.names, two.names]).toEqual([[name("one")], [name("two"), name("three")]]);
		await client.publish(name("one"), "1");
		await client.publish(name("three"), 3);
		await client.publish(name("two"), "2");
		const read: Message[] = [];
		for await (const message of one) {
			read.push(message);
			break;
		}
		for await (const message of two) {
			read.push(message);
			if (read.length === 3) break;
		}
		// Nothing but what was said: no pattern, no gap.
		expect(read).toStrictEqual([
			{ channel: name("one"), message: "1" },
			{ channel: name("three"), message: "3" },
			{ channel: name("two"), message: "2" },
		]);
		expect([one.ended, one.names, two.ended]).toEqual([true, [], true]);
		expect(await client.command("PUBSUB", "NUMSUB", name("one"), name("two"))).toEqual([name("one"), 0, name("two"), 0]);
	});

	test("D48 patterns say which one matched, and a message comes once for each subscription to it", async () => {
		await using patterns = await client.psubscribe([name("p:*"), name("p:?")]);
		await using channel = await client.subscribe(name("p:x"));
		await client.publish(name("p:x"), "m");
		const messages = await take(patterns, 2);
		// Which comes first is the server's affair.
		expect(messages.sort((a, b) => (a.pattern! < b.pattern! ? -1 : 1))).toStrictEqual([
			{ channel: name("p:x"), message: "m", pattern: name("p:*") },
			{ channel: name("p:x"), message: "m", pattern: name("p:?") },
		]);
		expect(await take(channel, 1)).toStrictEqual([{ channel: name("p:x"), message: "m" }]);
	});

	test("D49 sharded channels of many slots in one call, published by SPUBLISH alone", async () => {
		const names = Array.from({ length: 40 }, (_, i) => name(`shard:${i % 2 ? i : `{tag}${i}`}`));
		await using sharded = await client.ssubscribe(names);
		await using classic = await client.subscribe(names);
		for (const channel of names) expect(await client.spublish(channel, `s ${channel}`)).toBe(1);
		const messages = await take(sharded, names.length);
		expect(new Set(received(messages))).toEqual(new Set(names.map((channel) => `${channel}=s ${channel}`)));
		await client.publish(names[0]!, "classic");
		expect(received(await take(classic, 1))).toEqual([`${names[0]}=classic`]);
		expect(sharded.buffered).toBe(0);
	});

	test("a listener gets messages in order, the next one when its promise is settled", async () => {
		const log: string[] = [];
		await using news = await client.subscribe(name("listener"), {
			listener: async ({ message }) => {
				log.push(`begin ${message}`);
				await new Promise((resolve) => setImmediate(resolve));
				log.push(`end ${message}`);
			},
		});
		await Promise.all([1, 2, 3].map((i) => client.publish(name("listener"), i)));
		await waitUntil("three messages", () => log.length === 6 || log.join());
		expect(log).toEqual(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
		await expect(news[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "UNSUPPORTED" });
	});

	test("10,000 messages of another client arrive in order, by loop and by listener, and none is lost", async () => {
		const count = 10_000;
		const heard: string[] = [];
		await using listener = await client.subscribe(name("many"), { listener: ({ message }) => void heard.push(message) });
		await using news = await client.subscribe(name("many"));
		await using publisher = await createClient({ url: inject(where), protocol });
		const published = Promise.all(Array.from({ length: count }, (_, i) => publisher.publish(name("many"), i)));
		const read: string[] = [];
		for await (const { message, gap } of news) {
			expect(gap).toBeUndefined();
			read.push(message);
			if (read.length === count) break;
		}
		await published;
		await waitUntil("as many at the listener", () => heard.length >= count || `${heard.length}`);
		const expected = Array.from({ length: count }, (_, i) => String(i));
		expect(read).toEqual(expected);
		expect(heard).toEqual(expected);
		expect([news.dropped, listener.dropped]).toEqual([0, 0]);
	});

	test("C41 what a client publishes to itself arrives in the order of the calls, and every call gets its own reply", async () => {
		await using news = await client.subscribe(name("self"));
		const key = name("self:key");
		await client.set(key, "0");
		const calls = Array.from({ length: 50 }, (_, i) => [client.publish(name("self"), i), client.incr(key)]).flat();
		const replies = await Promise.all(calls);
		expect(replies.filter((_, i) => i % 2 === 1)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
		const messages = await take(news, 50);
		expect(messages.map(({ message }) => message)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
	});

	test("names and messages are bytes in the view of Buffers, and text of the same bytes outside it", async () => {
		const channel = Buffer.concat([Buffer.from(name("")), Buffer.from([0xff, 0x00, 0x0d, 0x0a])]);
		const message = Buffer.from([0, 1, 0xfe, 0xff, 0x0d, 0x0a]);
		await using news = await client.buffers.subscribe([channel, name("é")]);
		await using patterns = await client.buffers.psubscribe(
			Buffer.concat([Buffer.from(name("")), Buffer.from([0xff]), Buffer.from("*")]),
		);
		await client.publish(channel, message);
		await client.publish(name("é"), "é");
		expect(await take(news, 2)).toStrictEqual([
			{ channel, message },
			{ channel: Buffer.from(name("é")), message: Buffer.from("é") },
		]);
		expect(await take(patterns, 1)).toStrictEqual([{ channel, message, pattern: patterns.names[0] }]);
		await using text = await client.subscribe(Buffer.from(name("é")));
		await client.publish(name("é"), "ü");
		expect(await take(text, 1)).toStrictEqual([{ channel: name("é"), message: "ü" }]);
	});

	test("messages of several MB, and empty ones, arrive whole", async () => {
		await using news = await client.buffers.subscribe(name("large"));
		const large = Buffer.alloc(3_000_000, "0123456789");
		await client.publish(name("large"), large);
		await client.publish(name("large"), "");
		const [first, second] = await take(news, 2);
		expect(first?.message.equals(large)).toBe(true);
		expect(second?.message.length).toBe(0);
	});

	test("A24 replies that look like messages are replies, while subscribed as well", async () => {
		await using news = await client.subscribe([name("a"), "a"]);
		await using sharded = await client.ssubscribe("a");
		const key = name("list");
		for (const word of ["message", "subscribe", "unsubscribe", "sunsubscribe", "smessage"]) {
			await client.command("DEL", key);
			await client.command("RPUSH", key, word, "a", "b");
			expect(await client.command("LRANGE", key, 0, -1)).toEqual([word, "a", "b"]);
		}
		expect([news.buffered, sharded.buffered, client.stats().reconnects]).toEqual([0, 0, 0]);
	});

	test("A20 N2 a message in the middle of an EXEC is no element of it", async () => {
		const key = `${name("n2")}{n2}`;
		await using news = await client.subscribe(name("n2"));
		await client.withConnection({ key }, async (own) => {
			const replies = await Promise.all([
				own.command("SUBSCRIBE", name("n2")),
				own.command("MULTI"),
				own.command("PUBLISH", name("n2"), "hi"),
				own.get(key),
				own.command("EXEC"),
			]).catch((error: Error) => error);
			// In RESP2 a subscribed connection can do nothing else.
			if (protocol === 3)
				expect(replies).toEqual([["subscribe", name("n2"), 1], "OK", "QUEUED", "QUEUED", [expect.any(Number), null]]);
			else expect(replies).toMatchObject({ code: "ERR" });
		});
		const published = protocol === 3;
		if (!published) await client.publish(name("n2"), "hi");
		expect(await take(news, 1)).toStrictEqual([{ channel: name("n2"), message: "hi" }]);
	});

	test("A20 C41 N2 a transaction that publishes to its own connection: its replies and one message", async () => {
		const key = `${name("n2multi")}{n2}`;
		const channel = name("n2multi");
		await using news = await client.subscribe(channel);
		const results = await client.multi().publish(channel, "hi").get(key).exec();
		expect(results).toEqual([expect.any(Number), null]);
		expect(await take(news, 1)).toStrictEqual([{ channel, message: "hi" }]);
		expect(client.stats().reconnects).toBe(0);
	});

	test("B12 a plain SUBSCRIBE is refused on the shared connection, and subscriptions on a leased one", async () => {
		await expect(client.command("SUBSCRIBE", "x")).rejects.toMatchObject({ code: "UNSUPPORTED" });
		await client.withConnection({}, async (own) => {
			await expect(own.subscribe("x")).rejects.toMatchObject({ code: "UNSUPPORTED" });
		});
	});
});

test("A19 C41 messages that a script publishes to its own connection come beside its reply, each once", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	await using news = await client.subscribe("n2:shared");
	// A script publishes while its reply is on the way, on the connection that the message is for.
	const script = "redis.call('PUBLISH', KEYS[1], 'hi'); return {1, false, redis.call('PUBLISH', KEYS[1], 'ho')}";
	const replies = await Promise.all([
		client.command("EVAL", script, 1, "n2:shared"),
		client.get("n2:none"),
		client.command("PING"),
	]);
	expect(replies).toEqual([[1, null, 1], null, "PONG"]);
	expect((await take(news, 2)).map(({ message }) => message)).toEqual(["hi", "ho"]);
});

test.each([2, 3] as const)("A24 RESP%i messages that come while a command is on its way are bytes too", async (protocol) => {
	const { hostname: host, port } = new URL(inject("standaloneUrl"));
	await using proxy = await TcpProxy.start({ host, port: Number(port) });
	await using client = await createClient({ url: proxy.url, protocol });
	const channel = Buffer.from([0xfe, 0xff]);
	const message = Buffer.from([0xff, 0x00, 0xfe]);
	await using news = await client.buffers.subscribe(channel);
	for (const { toServer } of proxy.connections) toServer.stall();
	const more = client.subscribe("more");
	await raw({ host, port: Number(port) }, "PUBLISH", channel, message);
	expect(await take(news, 1)).toStrictEqual([{ channel, message }]);
	for (const { toServer } of proxy.connections) toServer.resume();
	await (await more).unsubscribe();
});
