/** Replies to a consumer are cut off: its group has delivered entries that it never saw, or forgotten entries whose end it does not know. */
import { describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type ClientOptions, createClient, type StreamConsumer, type StreamConsumerOptions } from "../../src/index.js";
import { idsOf, take } from "../support/consume.js";
import { cutReplies } from "../support/cut-replies.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const COUNT = 150;
const key = "cut";
const ids = Array.from({ length: COUNT }, (_, i) => `${i + 1}-0`);

async function fill(server: ServerNode, first: number, last: number): Promise<void> {
	const connection = await server.connect();
	for (let id = first; id <= last; id++) await connection.command("XADD", key, `${id}-0`, "n", id);
	connection.close();
}

async function nothingPending(server: ServerNode): Promise<void> {
	await waitUntil("the last acknowledgement", async () => {
		const [left] = (await server.raw("XPENDING", key, "g")) as [number];
		return left === 0 || `${left} pending`;
	});
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	async function through(
		prepare: (proxy: TcpProxy) => void,
		body: (consumer: StreamConsumer, server: ServerNode, proxy: TcpProxy) => Promise<void>,
		options: Partial<StreamConsumerOptions> = {},
		timeouts: ClientOptions["timeouts"] = {},
	): Promise<void> {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		prepare(proxy);
		await server.raw("XGROUP", "CREATE", key, "g", "0", "MKSTREAM");
		await using client = await createClient({ url: proxy.url, protocol, retry: { baseMs: 1, maxMs: 20 }, timeouts });
		await using consumer = client.streamConsumer({
			key,
			group: "g",
			consumer: "ann",
			count: 7,
			blockMs: 200,
			minIdleMs: 0,
			...options,
		});
		await body(consumer, server, proxy);
	}

	test("C24 every fourth reply with entries is lost: each entry comes once, and as what it is, new", async () => {
		const cut = (proxy: TcpProxy) => cutReplies(proxy, 4, protocol === 2 ? "*" : "%", { client: "fin", server: "fin" });
		await through(cut, async (consumer, server, proxy) => {
			await fill(server, 1, COUNT);
			const entries = await take(consumer, COUNT, true);
			expect(idsOf(entries)).toEqual(ids);
			expect(entries.filter(({ redelivered, claimed }) => redelivered || claimed)).toEqual([]);
			// The server counts those replies too.
			expect(entries.filter(({ deliveries }) => deliveries > 1).length).toBeGreaterThan(COUNT / 10);
			expect(proxy.connections.length).toBeGreaterThan(5);
			await nothingPending(server);
		});
	});

	test("C24 every tenth reply to an acknowledgement is lost: it is said again, and no entry comes again", async () => {
		const cut = (proxy: TcpProxy) => cutReplies(proxy, 10, ":", { client: "fin", server: "fin" });
		await through(cut, async (consumer, server, proxy) => {
			await fill(server, 1, COUNT);
			const entries = await take(consumer, COUNT);
			const acks = await Promise.all(entries.map((entry) => entry.ack()));
			// What the second try says of an entry that the first one had acknowledged.
			expect(acks.filter((count) => count === 0).length).toBeGreaterThan(0);
			expect(idsOf(entries)).toEqual(ids);
			await nothingPending(server);
			await fill(server, COUNT + 1, COUNT + 1);
			expect(idsOf(await take(consumer, 1, true))).toEqual([`${COUNT + 1}-0`]);
			expect(proxy.connections.length).toBeGreaterThan(3);
		});
	});

	test("C24 replies to claims are lost: what was another consumer's comes once, and says so", async () => {
		// Of those that a claim takes, the first says what there is, the second is its own. In RESP2 those of reads are counted too.
		const cut = (proxy: TcpProxy) => cutReplies(proxy, protocol === 2 ? 5 : 6, "*", { client: "fin", server: "fin" });
		await through(
			cut,
			async (consumer, server) => {
				await fill(server, 1, COUNT);
				await server.raw("XREADGROUP", "GROUP", "g", "bob", "STREAMS", key, ">");
				const entries = await take(consumer, COUNT, true);
				expect(idsOf(entries)).toEqual(ids);
				expect(entries.filter(({ redelivered }) => !redelivered)).toEqual([]);
				expect(entries.filter(({ deliveries }) => deliveries < 2)).toEqual([]);
				// Of a claim whose reply was lost nobody knows that it was one.
				expect(entries.filter(({ claimed }) => !claimed).length).toBeGreaterThan(0);
				await nothingPending(server);
			},
			{ minIdleMs: 1, claimIntervalMs: 1 },
		);
	});

	test("C37 closed while nobody can be reached, it ends at once, and what was acknowledged behind the loop with it", async () => {
		await through(
			() => {},
			async (consumer, server, proxy) => {
				await fill(server, 1, 3);
				const taken: string[] = [];
				for await (const entry of consumer) {
					taken.push(entry.id);
					if (taken.length === 2) {
						proxy.refuse();
						proxy.cut();
						await waitUntil("trouble", () => consumer.trouble !== null || "none");
						break;
					}
				}
				// The loop has ended, though the acknowledgement of the first one would be tried for an hour.
				expect(taken).toEqual(["1-0", "2-0"]);
			},
			{ autoAck: true, ackTimeoutMs: 3_600_000 },
			{ commandMs: 500 },
		);
	});

	test("C24 an acknowledgement that cannot be said in time is told, and can be said later", async () => {
		await through(
			() => {},
			async (consumer, server, proxy) => {
				await fill(server, 1, 1);
				const [entry] = await take(consumer, 1);
				proxy.refuse();
				proxy.cut();
				expect(await rejectionOf(entry!.ack())).toMatchObject({ code: expect.stringMatching(/^(TIMEOUT|CONNECTION)$/) });
				expect(consumer.unacked).toBe(1);
				await proxy.welcome();
				expect(await entry!.ack()).toBe(1);
				expect(consumer.unacked).toBe(0);
				await fill(server, 2, 2);
				expect(idsOf(await take(consumer, 1, true))).toEqual(["2-0"]);
			},
			{ ackTimeoutMs: 0 },
			{ commandMs: 300 },
		);
	});

	test("C38 a read that is answered to nobody is given up, and its entries are found", async () => {
		await through(
			() => {},
			async (consumer, server, proxy) => {
				await fill(server, 1, 3);
				expect(idsOf(await take(consumer, 3, true))).toEqual(["1-0", "2-0", "3-0"]);
				// The leased connection: the path back is broken, and nobody says so.
				proxy.connections[1]!.toClient.stall();
				await fill(server, 4, 6);
				const entries = await take(consumer, 3, true);
				expect(entries.map(({ id, redelivered, deliveries }) => [id, redelivered, deliveries > 1])).toEqual([
					["4-0", false, true],
					["5-0", false, expect.any(Boolean)],
					["6-0", false, expect.any(Boolean)],
				]);
				await nothingPending(server);
			},
			{},
			{ suspectMs: 100, commandMs: 2000 },
		);
	});

	test("C24 it is refused, cut and reset at random while entries come and go: each comes once", async () => {
		await through(
			() => {},
			async (consumer, server, proxy) => {
				const produced = fill(server, 1, COUNT);
				const seen: string[] = [];
				let cuts = 0;
				for await (const entry of consumer) {
					seen.push(entry.id);
					expect(entry.redelivered).toBe(false);
					const acked = entry.ack();
					if (seen.length % 15 === 0) {
						proxy.cut(cuts++ % 2 === 0 ? "rst" : "fin");
						if (cuts % 3 === 0) {
							proxy.refuse();
							// Or nothing that makes it read: more than half of a page waits, beside the one in hand.
							await waitUntil("trouble", () => consumer.trouble !== null || consumer.unacked > 4 || "none");
							await proxy.welcome();
						}
					}
					await acked;
					if (seen.length === COUNT) break;
				}
				await produced;
				expect(seen).toEqual(ids);
				await nothingPending(server);
			},
		);
	});
});
