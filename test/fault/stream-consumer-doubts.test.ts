/** What a consumer believes to have may be somebody else's by now, and who serves it may not know its connection any more. */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient, type StreamConsumer, type StreamConsumerOptions } from "../../src/index.js";
import { commandStats } from "../support/command-stats.js";
import { idsOf, take } from "../support/consume.js";
import { type ProxiedConnection, TcpProxy } from "../support/proxy.js";

const PASSWORD = "sekret-of-the-server";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ requirepass: PASSWORD });
});
afterAll(() => server?.stop());

/** The server forgets who this is, and the client hears nothing of it. */
async function forget({ server: socket }: ProxiedConnection): Promise<void> {
	const listeners = socket.listeners("data") as ((bytes: Buffer) => void)[];
	socket.removeAllListeners("data");
	socket.write("*1\r\n$5\r\nRESET\r\n");
	const [answer] = await once(socket, "data");
	for (const listener of listeners) socket.on("data", listener);
	expect(String(answer)).toBe("+RESET\r\n");
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const key = `doubts:${protocol}`;

	async function add(first: number, last: number): Promise<void> {
		for (let id = first; id <= last; id++) await server.raw("XADD", key, `${id}-0`, "n", id);
	}

	/** @param body gets the consumer's own connection: its second one, as the first is the client's */
	async function consume(
		options: Partial<StreamConsumerOptions>,
		body: (consumer: StreamConsumer, own: () => ProxiedConnection) => Promise<void>,
	): Promise<void> {
		await using proxy = await TcpProxy.start(server);
		await server.raw("DEL", key);
		await server.raw("XGROUP", "CREATE", key, "g", "0", "MKSTREAM");
		const auth = { password: PASSWORD };
		await using client = await createClient({ url: proxy.url, auth, protocol, timeouts: { suspectMs: 0 } });
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann", ...options });
		await body(consumer, () => proxy.connections[1] as ProxiedConnection);
	}

	async function pendingOf(consumer: string, idleMs = 0): Promise<string[]> {
		const pending = (await server.raw("XPENDING", key, "g", "IDLE", idleMs, "-", "+", 100, consumer)) as [string][];
		return pending.map(([id]) => String(id));
	}

	test("C24 what another consumer claimed while its reply was on the way is not handed out", async () => {
		await consume({ count: 1, minIdleMs: 200, claimIntervalMs: 3_600_000 }, async (ann, own) => {
			await add(1, 2);
			const iterator = ann[Symbol.asyncIterator]();
			const first = iterator.next();
			expect((await first).value.id).toBe("1-0");
			await waitUntil("a full shelf", async () => (await pendingOf("ann")).length === 2 || "not yet");
			own().toClient.stall();
			await add(3, 3);
			expect((await iterator.next()).value.id).toBe("2-0");
			const next = iterator.next();
			await waitUntil("an entry that is idle on its way", async () => (await pendingOf("ann", 250)).includes("3-0") || "not yet");
			await server.raw("XCLAIM", key, "g", "bob", "200", "3-0", "JUSTID");
			await add(4, 4);
			own().toClient.resume();
			const { value } = await next;
			expect([value.id, value.redelivered]).toEqual(["4-0", false]);
			expect(await pendingOf("bob")).toEqual(["3-0"]);
		});
	});

	test("C36 C04 a server that forgot who reads is greeted anew, and no entry is left out", async () => {
		await consume({ count: 1 }, async (ann, own) => {
			await add(1, 4);
			const taken = await take(ann, 1, true);
			await waitUntil("a full shelf", async () => (await pendingOf("ann")).length === 1 || "not yet");
			await forget(own());
			taken.push(...(await take(ann, 3, true)));
			expect(idsOf(taken)).toEqual(["1-0", "2-0", "3-0", "4-0"]);
			expect(taken.map(({ redelivered }) => redelivered)).toEqual([false, false, false, false]);
		});
	});

	test("who works slowly has his entries read by the page, and never more than a page of them waits", async () => {
		await consume({ count: 10, minIdleMs: 0 }, async (ann) => {
			await add(1, 200);
			// Of an earlier life.
			await server.raw("XREADGROUP", "GROUP", "g", "ann", "COUNT", 100, "STREAMS", key, ">");
			const before = (await commandStats(server, "xreadgroup")).calls;
			const taken: string[] = [];
			for await (const entry of ann) {
				taken.push(entry.id);
				// Time enough to read more for each of them.
				await pendingOf("ann");
				expect(ann.unacked - taken.length).toBeLessThanOrEqual(10);
				if (taken.length === 200) break;
			}
			expect(new Set(taken).size).toBe(200);
			expect((await commandStats(server, "xreadgroup")).calls - before).toBeLessThan(60);
		});
	});

	test("nor where each of them waits so long that it has to be confirmed", async () => {
		await consume({ count: 5, minIdleMs: 100, claimIntervalMs: 3_600_000 }, async (ann) => {
			await add(1, 60);
			await server.raw("XREADGROUP", "GROUP", "g", "ann", "STREAMS", key, ">");
			for (let id = 1; id <= 8; id++) {
				const [entry] = await take(ann, 1);
				expect(entry?.id).toBe(`${id}-0`);
				await waitUntil("the next one's time", async () => {
					const idle = (await server.raw("XPENDING", key, "g", "IDLE", 60, `${id + 1}-0`, `${id + 1}-0`, 1)) as unknown[];
					return idle.length === 1 || "not yet";
				});
				expect(ann.unacked - id).toBeLessThanOrEqual(5);
			}
		});
	});

	test("where an answer takes longer than an entry is safe for, it is handed out, and says that it may come again", async () => {
		await consume({ minIdleMs: 20, claimIntervalMs: 3_600_000 }, async (ann, own) => {
			await add(1, 1);
			await take(ann, 1, true);
			own().toClient.delay(30);
			await add(2, 2);
			expect((await take(ann, 1, true)).map(({ id, redelivered }) => [id, redelivered])).toEqual([["2-0", true]]);
		});
	});
});
