/** Consumers that are slow, blocked, or throw: bounded, told of what they missed, and no harm to anybody else. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient, type Gap, type Message } from "../../src/index.js";
import { Gate } from "../support/gate.js";
import { drain, take } from "../support/news.js";
import { rejectionOf } from "../support/secrets.js";

/** Whoever looks whether it is a promise finds out. */
const unreadable = new Proxy(
	{},
	{
		get() {
			throw new Error("then");
		},
	},
);

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let client: Client;
	const name = (text: string) => `consumers:${protocol}:${text}`;
	beforeAll(async () => {
		client = await createClient({ url: inject("standaloneUrl"), protocol });
	});
	afterAll(() => client.close());

	/** Published in one go, and arrived: what is published behind them to the same connection has come. */
	async function publish(channel: string, messages: readonly (string | number)[]): Promise<void> {
		await using fence = await client.subscribe(name("fence"));
		await Promise.all([...messages.map((message) => client.publish(channel, message)), client.publish(name("fence"), "")]);
		await take(fence, 1);
		// Bounds hold once all that one read brought is in.
		await new Promise((resolve) => setImmediate(resolve));
	}

	const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
	const texts = (messages: readonly Message[]) => messages.map(({ message, gap }) => (gap ? `gap ${message}` : message));

	test("drop-oldest, the default: the newest are kept, and the first of each name that comes after a loss says so", async () => {
		const gaps: Gap[] = [];
		const news = await client.subscribe([name("oldest"), name("other")], { maxBuffered: 3, onGap: (gap) => gaps.push(gap) });
		await publish(name("other"), ["x"]);
		await publish(name("oldest"), numbers(1, 10));
		expect([news.buffered, news.dropped]).toEqual([3, 8]);
		expect(gaps.reduce((sum, { dropped }) => sum + dropped!, 0)).toBe(8);
		expect(new Set(gaps.flatMap(({ names }) => names))).toEqual(new Set([name("oldest"), name("other")]));
		expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(["overflow"]));
		expect(texts(await take(news, 3))).toEqual(["gap 8", "9", "10"]);
		await publish(name("oldest"), [11]);
		await publish(name("other"), ["y"]);
		expect(texts(await take(news, 2))).toEqual(["11", "gap y"]);
		await news.unsubscribe();
	});

	test("drop-newest: the oldest are kept, and the next to be taken says that some are missing", async () => {
		const gaps: Gap[] = [];
		const news = await client.subscribe(name("newest"), {
			maxBuffered: 3,
			overflow: "drop-newest",
			onGap: (gap) => gaps.push(gap),
		});
		await publish(name("newest"), numbers(1, 10));
		expect([news.buffered, news.dropped]).toEqual([3, 7]);
		expect(gaps.every(({ reason }) => reason === "overflow")).toBe(true);
		expect(texts(await take(news, 3))).toEqual(["1", "2", "3"]);
		await publish(name("newest"), [11, 12]);
		expect(texts(await take(news, 2))).toEqual(["gap 11", "12"]);
		await news.unsubscribe();
	});

	test("fail: what was there is read, then the loop ends with OVERLOADED and the name is unsubscribed", async () => {
		const news = await client.subscribe(name("fail"), { maxBuffered: 3, overflow: "fail" });
		const other = await client.subscribe(name("fail"));
		await publish(name("fail"), numbers(1, 10));
		expect([news.ended, news.names, other.buffered]).toEqual([true, [], 10]);
		expect(texts(await take(news, 3))).toEqual(["1", "2", "3"]);
		expect(await rejectionOf(drain(news))).toMatchObject({ code: "OVERLOADED" });
		expect(await drain(news)).toEqual([]);
		await other.unsubscribe();
		expect(await client.command("PUBSUB", "NUMSUB", name("fail"))).toEqual([name("fail"), 0]);
	});

	test("an unread loop is bounded by bytes too, and one message beyond them waits alone", async () => {
		const news = await client.subscribe(name("bytes"), { maxBufferedBytes: 10_000 });
		const value = "v".repeat(3000);
		await publish(
			name("bytes"),
			numbers(1, 40).map((i) => `${i}:${value}`),
		);
		expect([news.buffered, news.dropped]).toEqual([3, 37]);
		await publish(name("bytes"), ["w".repeat(50_000)]);
		expect([news.buffered, news.dropped]).toEqual([1, 40]);
		expect((await take(news, 1))[0]?.message.length).toBe(50_000);
		await news.unsubscribe();
	});

	test("a loop that nobody reads from keeps a bounded memory through 64 MiB, by default", async () => {
		const news = await client.subscribe(name("flood"));
		const value = "v".repeat(64 * 1024);
		for (let i = 0; i < 16; i++) await publish(name("flood"), new Array(64).fill(value));
		// 16 MiB, each message with its channel.
		expect(news.buffered).toBe(Math.floor((16 * 1024 * 1024) / (value.length + name("flood").length)));
		expect(news.buffered + news.dropped).toBe(1024);
		await news.unsubscribe();
	});

	test("a loop that reads what comes loses nothing though one read brings more than its bound", async () => {
		const news = await client.subscribe(name("burst"), { maxBuffered: 1 });
		const read = take(news, 2000);
		await publish(name("burst"), numbers(1, 2000));
		expect(texts(await read)).toEqual(numbers(1, 2000).map(String));
		expect(news.dropped).toBe(0);
		await news.unsubscribe();
	});

	test("anchors §2.2 a throws, rejects, or never returns: every reply and every other consumer gets its own", async () => {
		const errors: unknown[] = [];
		const never = new Gate();
		let calls = 0;
		const channel = name("bad");
		const throws = await client.subscribe(channel, {
			listener: ({ message }) => {
				calls += 1;
				throw new Error(`sync ${message}`);
			},
			onError: (error) => {
				errors.push((error as Error).message);
				throw new Error("again");
			},
		});
		const rejects = await client.subscribe(channel, { listener: () => Promise.reject(new Error("async")) });
		const blocks = await client.subscribe(channel, { listener: () => never.opened, maxBuffered: 5 });
		const hostile = await client.subscribe(channel, {
			listener: () => unreadable,
			onError: () => Promise.reject(new Error("again")),
		});
		const heard: string[] = [];
		const good = await client.subscribe(channel, { listener: ({ message }) => void heard.push(message) });
		await client.set(name("k"), "0");
		const calling = numbers(1, 100).flatMap((i) => [client.publish(channel, i), client.incr(name("k")), client.get(name("k"))]);
		const replies = await Promise.all(calling);
		expect(replies.filter((_, i) => i % 3 === 1)).toEqual(numbers(1, 100));
		expect(replies.filter((_, i) => i % 3 === 2)).toEqual(numbers(1, 100).map(String));
		await waitUntil("all messages", () => (heard.length === 100 && calls === 100 && rejects.errors === 100) || `${heard.length}`);
		expect(heard).toEqual(numbers(1, 100).map(String));
		expect(errors).toEqual(numbers(1, 100).map((i) => `sync ${i}`));
		// Each twice: its own, and that of onError.
		expect(throws.errors).toBe(200);
		await waitUntil("its errors", () => hostile.errors === 200 || `${hostile.errors}`);
		expect([blocks.buffered, blocks.dropped, blocks.errors]).toEqual([5, 94, 0]);
		expect(client.stats().reconnects).toBe(0);
		await Promise.all([throws, rejects, blocks, hostile, good].map((news) => news.unsubscribe()));
		never.open();
	});

	test("anchors §2.2 a nothing of a caller's runs within the decoder's pass", async () => {
		const stacks: string[] = [];
		const note = (): void => void stacks.push(new Error().stack ?? "");
		const news = await client.subscribe(name("stack"), {
			listener: () => {
				note();
				throw new Error("again, for onError");
			},
			onError: note,
			onGap: note,
		});
		await publish(name("stack"), [1]);
		const loop = await client.subscribe(name("stack"));
		const read = take(loop, 1).then(note);
		await publish(name("stack"), [2]);
		await read;
		expect(stacks).toHaveLength(5);
		for (const stack of stacks) expect(stack).not.toMatch(/decode|connection\.ts/i);
		await news.unsubscribe();
		await loop.unsubscribe();
	});

	test("onGap hears of a loss while the listener is still busy, and may throw", async () => {
		const busy = new Gate();
		const heard: string[] = [];
		const gaps: number[] = [];
		const news = await client.subscribe(name("busy"), {
			listener: async ({ message, gap }) => {
				heard.push(gap ? `gap ${message}` : message);
				await busy.opened;
			},
			onGap: ({ dropped }) => {
				gaps.push(dropped!);
				throw new Error("not counted as a message");
			},
			maxBuffered: 2,
		});
		await publish(name("busy"), numbers(1, 8));
		expect(heard).toEqual(["1"]);
		expect(gaps.reduce((sum, dropped) => sum + dropped, 0)).toBe(5);
		expect(news.errors).toBe(gaps.length);
		busy.open();
		await waitUntil("the rest", () => heard.length === 3 || heard.join());
		expect(heard).toEqual(["1", "gap 7", "8"]);
		await news.unsubscribe();
	});

	test("a listener that unsubscribes is not called again, though more had arrived", async () => {
		let calls = 0;
		const news = await client.subscribe(name("once"), {
			listener: () => {
				calls += 1;
				void news.unsubscribe();
			},
		});
		await publish(name("once"), numbers(1, 20));
		expect([calls, news.ended, news.errors]).toEqual([1, true, 0]);
	});

	test("overflow of a listener with fail: onError hears OVERLOADED, and it is not called any more", async () => {
		const busy = new Gate();
		const errors: unknown[] = [];
		let calls = 0;
		const news = await client.subscribe(name("listener:fail"), {
			listener: () => {
				calls += 1;
				return busy.opened;
			},
			onError: (error) => errors.push(error),
			maxBuffered: 2,
			overflow: "fail",
		});
		await publish(name("listener:fail"), numbers(1, 8));
		expect(errors).toMatchObject([{ code: "OVERLOADED" }]);
		busy.open();
		await publish(name("listener:fail"), [9]);
		expect([calls, news.ended, news.dropped]).toEqual([1, true, 5]);
	});
});
