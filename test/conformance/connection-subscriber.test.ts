/** Pushes and confirmations on a connection of one's own: none of them is ever taken for a reply. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { Budget } from "../../src/budget.js";
import { Connection } from "../../src/connection/connection.js";
import { newCounters } from "../../src/core.js";
import { DeadlineClock } from "../../src/deadline-clock.js";
import type { Endpoint } from "../../src/endpoint.js";
import { type Client, ClientError, createClient } from "../../src/index.js";
import { resolveOptions } from "../../src/options.js";
import { type Reply, ReplyMode } from "../../src/resp/reply.js";
import { SingleRequest } from "../../src/single-request.js";

const key = (name: string) => `connection-subscriber:${name}`;

/** A bare connection, for what no public method hands out yet: its pushes. */
async function connect(protocol: 2 | 3) {
	const settings = resolveOptions({ url: inject("standaloneUrl"), protocol });
	const clock = new DeadlineClock();
	const crowd = { full: 0 };
	const pushes: unknown[][] = [];
	const connection = await new Promise<Connection>((resolve, reject) => {
		new Connection(
			{ endpoint: settings.seeds[0] as Endpoint, budget: new Budget("test", settings.pool, crowd), credentials: undefined },
			{ settings, clock, counters: newCounters(), crowd },
			{
				ready: resolve,
				suspected: () => {},
				lost: (_connection, cause) => reject(cause),
				push: (items) => pushes.push(items.map((item) => (Buffer.isBuffer(item) ? item.toString() : item))),
			},
		);
	});
	connection.expectSubscriptions();
	const send = (...args: string[]): Promise<Reply> =>
		new Promise((resolve, reject) => {
			connection.send(new SingleRequest(args, -1, 0, ReplyMode.string, null, resolve as (value: never) => void, reject));
		});
	const dispose = async () => {
		connection.destroy(new ClientError("CLOSED", "done"));
		clock.stop();
	};
	return { send, pushes, [Symbol.asyncDispose]: dispose };
}

let publisher: Client;
beforeAll(async () => {
	publisher = await createClient(inject("standaloneUrl"));
});
afterAll(() => publisher.close());

test("A20 a push inside EXEC is delivered and is no element of it", async () => {
	await using own = await connect(3);
	const replies = [
		["SUBSCRIBE", key("ch")],
		["MULTI"],
		["PUBLISH", key("ch"), "hi"],
		["GET", key("none")],
		["EXEC"],
		["PING", "next"],
	];
	expect(await Promise.all(replies.map((args) => own.send(...args)))).toEqual([
		["subscribe", key("ch"), 1],
		"OK",
		"QUEUED",
		"QUEUED",
		[1, null],
		"next",
	]);
	expect(own.pushes).toEqual([["message", key("ch"), "hi"]]);
});

test("A20 the same through a leased connection: every promise gets its own reply", async () => {
	await publisher.withConnection({}, async (own) => {
		const replies = await Promise.all([
			own.command("SUBSCRIBE", key("lease")),
			own.command("MULTI"),
			own.command("PUBLISH", key("lease"), "hi"),
			own.get(key("none")),
			own.command("EXEC"),
			own.command("PING", "next"),
		]);
		expect(replies).toEqual([["subscribe", key("lease"), 1], "OK", "QUEUED", "QUEUED", [1, null], "next"]);
	});
});

test("A19 A20 a message between replies and one's own message are pushes, and every reply finds its command", async () => {
	await using own = await connect(3);
	await own.send("SUBSCRIBE", key("own"));
	const replies = await Promise.all([own.send("PING", "a"), own.send("PUBLISH", key("own"), "m"), own.send("PING", "b")]);
	expect(replies).toEqual(["a", 1, "b"]);
	expect(own.pushes).toEqual([["message", key("own"), "m"]]);
});

test("A24 in RESP2 messages are arrays, told from replies only while the connection is subscribed", async () => {
	await using own = await connect(2);
	expect(await own.send("SUBSCRIBE", key("resp2"))).toEqual(["subscribe", key("resp2"), 1]);
	expect(await publisher.command("PUBLISH", key("resp2"), "m")).toBe(1);
	expect(await own.send("PING")).toEqual(["pong", ""]);
	expect(own.pushes).toEqual([["message", key("resp2"), "m"]]);
	expect(await own.send("UNSUBSCRIBE")).toEqual(["unsubscribe", key("resp2"), 0]);
	await publisher.command("DEL", key("list"));
	await publisher.command("RPUSH", key("list"), "message", "a", "b");
	expect(await own.send("LRANGE", key("list"), "0", "-1")).toEqual(["message", "a", "b"]);
	expect(own.pushes).toHaveLength(1);
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: inject("standaloneUrl"), protocol });
	});
	afterAll(() => client.close());

	test("A24 a command with several channels waits for all confirmations, those behind it for their own replies", async () => {
		await client.withConnection({}, async (own) => {
			const replies = await Promise.all([
				own.command("SUBSCRIBE", "a", "b", "c"),
				own.command("PSUBSCRIBE", "p*"),
				own.command("UNSUBSCRIBE", "b"),
				own.command("UNSUBSCRIBE"),
				own.command("PUNSUBSCRIBE"),
				own.command("UNSUBSCRIBE"),
				own.command("PING", "behind"),
			]);
			const [subscribed, patterns, one, rest, none, again, pong] = replies as unknown[][];
			expect([subscribed, patterns, one]).toEqual([
				["subscribe", "c", 3],
				["psubscribe", "p*", 4],
				["unsubscribe", "b", 3],
			]);
			expect([rest?.[0], rest?.[2], none, again, pong]).toEqual([
				"unsubscribe",
				1,
				["punsubscribe", "p*", 0],
				["unsubscribe", null, 0],
				"behind",
			]);
		});
	});

	test("A24 names are bytes in the view of Buffers, and a refused SUBSCRIBE rejects", async () => {
		await client.withConnection({}, async (own) => {
			const name = Buffer.from([0xff, 0xfe]);
			expect(await own.buffers.command("SUBSCRIBE", name)).toEqual(["subscribe", name, 1]);
			expect(await own.buffers.command("UNSUBSCRIBE", name)).toEqual(["unsubscribe", name, 0]);
			await expect(own.command("SUBSCRIBE")).rejects.toMatchObject({ code: "ERR" });
			expect(await own.command("PING", "next")).toBe("next");
		});
	});

	test("B12 nothing follows MONITOR on its connection: its lines are never taken for replies", async () => {
		await client.withConnection({}, async (own) => {
			expect(await own.command("MONITOR")).toBe("OK");
			await client.command("PING");
			await expect(own.get(key("k"))).rejects.toMatchObject({ code: expect.stringMatching(/^(UNSUPPORTED|CLOSED)$/) });
		});
		expect(await client.command("PING")).toBe("PONG");
	});
});
