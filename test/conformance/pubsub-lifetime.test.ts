/** How subscriptions begin and end: sharing, unsubscribing, deadlines, aborts, close and destroy. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { raw, type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient, type Message } from "../../src/index.js";
import { commandStats } from "../support/command-stats.js";
import { drain, take } from "../support/news.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let server: ServerNode;
	let client: Client;
	beforeAll(async () => {
		server = await startStandalone();
		client = await createClient({ url: server.url, protocol });
	});
	afterAll(async () => {
		await client?.close();
		await server?.stop();
	});

	const subscribers = async (...names: string[]) => {
		const counts = (await server.raw("PUBSUB", "NUMSUB", ...names)) as (string | number)[];
		return counts.filter((_, i) => i % 2 === 1);
	};
	const calls = async (command: string) => (await commandStats(server, command)).calls;

	test("subscriptions of a tick share one command, those of one name one SUBSCRIBE, and the last leaves with UNSUBSCRIBE", async () => {
		const before = await calls("subscribe");
		const all = await Promise.all([client.subscribe(["a", "b", "a"]), client.subscribe("b"), client.subscribe(["c", "b"])]);
		const later = await client.subscribe(["b", "a"]);
		expect((await calls("subscribe")) - before).toBe(1);
		expect(await subscribers("a", "b", "c")).toEqual([1, 1, 1]);
		expect(await client.publish("b", "m")).toBe(1);
		for (const news of [...all, later]) expect(await take(news, 1)).toEqual([{ channel: "b", message: "m" }]);
		const left = await calls("unsubscribe");
		await Promise.all(all.map((news) => news.unsubscribe()));
		expect(await subscribers("a", "b", "c")).toEqual([1, 1, 0]);
		await later.unsubscribe();
		expect(await subscribers("a", "b")).toEqual([0, 0]);
		expect((await calls("unsubscribe")) - left).toBe(2);
		await later.unsubscribe();
		expect((await calls("unsubscribe")) - left).toBe(2);
	});

	test("names come and go within a subscription, and it ends with its last", async () => {
		const news = await client.subscribe("first");
		await news.add(["second", "first"]);
		expect(news.names).toEqual(["first", "second"]);
		await client.publish("second", "2");
		await news.remove(["first", "never there"]);
		expect([news.names, await subscribers("first", "second")]).toEqual([["second"], [0, 1]]);
		expect(await take(news, 1)).toEqual([{ channel: "second", message: "2" }]);
		await news.remove("second");
		expect(news.ended).toBe(true);
		await expect(news.add("third")).rejects.toMatchObject({ code: "CLOSED" });
		expect(await drain(news)).toEqual([]);
	});

	test("a name that two calls ask for is taken back when both fail", async () => {
		await using proxy = await TcpProxy.start(server);
		await using slow = await createClient({ url: proxy.url, protocol });
		const abort = new AbortController();
		await using news = await slow.with({ signal: abort.signal, timeoutMs: 0 }).subscribe("kept name");
		for (const { toClient } of proxy.connections) toClient.stall();
		const once = rejectionOf(news.add("twice"));
		const again = rejectionOf(news.add(["twice", "third"]));
		abort.abort();
		expect(await once).toMatchObject({ code: "ABORTED" });
		expect(await again).toMatchObject({ code: "ABORTED" });
		for (const { toClient } of proxy.connections) toClient.resume();
		expect(news.names).toEqual(["kept name"]);
	});

	test("a subscription outlives the signal that it was called with, and takes no more names then", async () => {
		const abort = new AbortController();
		await using news = await client.with({ signal: abort.signal }).subscribe("early");
		abort.abort();
		expect(await rejectionOf(news.add("too late"))).toMatchObject({ code: "ABORTED" });
		expect([news.names, await subscribers("early", "too late")]).toEqual([["early"], [1, 0]]);
	});

	test("C39 to unsubscribe from what was never subscribed is harmless, of one kind or of all", async () => {
		await using kept = await client.subscribe("kept");
		await client.unsubscribe("never");
		await client.unsubscribe(["never", "ever"]);
		await Promise.all([client.punsubscribe(), client.punsubscribe("p*"), client.sunsubscribe(), client.sunsubscribe("s")]);
		expect(await client.publish("kept", "m")).toBe(1);
		expect(await take(kept, 1)).toEqual([{ channel: "kept", message: "m" }]);
		expect(await client.command("PING")).toBe("PONG");
	});

	test("C39 UNSUBSCRIBE for all of a kind ends every subscription that has nothing else, after what is buffered", async () => {
		const one = await client.subscribe(["x", "y"]);
		const two = await client.subscribe("y");
		const patterns = await client.psubscribe("z*");
		const shards = await client.ssubscribe("s");
		await client.publish("y", "before");
		await waitUntil("the message", () => two.buffered === 1 || "not yet");
		await client.unsubscribe("y");
		expect([one.names, two.ended]).toEqual([["x"], true]);
		expect(await drain(two)).toEqual([{ channel: "y", message: "before" }]);
		await client.unsubscribe();
		expect(await drain(one)).toEqual([{ channel: "y", message: "before" }]);
		expect(await subscribers("x", "y")).toEqual([0, 0]);
		expect([patterns.ended, shards.ended]).toEqual([false, false]);
		await client.punsubscribe();
		await client.sunsubscribe("s");
		expect([patterns.ended, shards.ended, await server.raw("PUBSUB", "NUMPAT")]).toEqual([true, true, 0]);
	});

	test("thousands of names, subscribed and left again one by one and together", async () => {
		const names = Array.from({ length: 3000 }, (_, i) => `bulk:${i}`);
		const together = await client.subscribe(names);
		const single = await Promise.all(names.map((name) => client.psubscribe(name)));
		expect([await server.raw("PUBSUB", "NUMPAT"), new Set(await subscribers(...names))]).toEqual([3000, new Set([1])]);
		await Promise.all(single.map((news) => news.unsubscribe()));
		await together.unsubscribe();
		expect([await server.raw("PUBSUB", "NUMPAT"), new Set(await subscribers(...names))]).toEqual([0, new Set([0])]);
	});

	test("NOPERM: the call rejects with the server's word and leaves nothing, other names are none the worse", async () => {
		await server.raw("ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "resetchannels", "&ok*");
		await using limited = await createClient({ url: server.url, protocol, auth: { username: "limited", password: "pw" } });
		const [good, bad, mixed, pattern] = await Promise.allSettled([
			limited.subscribe("ok1"),
			limited.subscribe("secret"),
			limited.subscribe(["ok2", "secret"]),
			limited.psubscribe("*"),
		]);
		expect([good.status, bad.status, mixed.status, pattern.status]).toEqual(["fulfilled", "rejected", "rejected", "rejected"]);
		for (const { reason } of [bad, mixed, pattern] as PromiseRejectedResult[]) expect(reason).toMatchObject({ code: "NOPERM" });
		expect(await subscribers("ok1", "ok2", "secret")).toEqual([1, 0, 0]);
		await client.publish("ok1", "m");
		expect(await take((good as PromiseFulfilledResult<Awaited<ReturnType<Client["subscribe"]>>>).value, 1)).toHaveLength(1);
	});

	test("a deadline and an abort end the wait, and nothing stays subscribed", async () => {
		await using proxy = await TcpProxy.start(server);
		await using slow = await createClient({ url: proxy.url, protocol });
		await using first = await slow.subscribe("first");
		for (const { toClient } of proxy.connections) toClient.stall();
		const abort = new AbortController();
		const late = rejectionOf(slow.with({ timeoutMs: 100 }).subscribe(["late", "first"]));
		const aborted = rejectionOf(slow.with({ signal: abort.signal }).subscribe("aborted"));
		const already = rejectionOf(slow.with({ signal: AbortSignal.abort() }).subscribe("aborted"));
		expect(await late).toMatchObject({ code: "TIMEOUT" });
		abort.abort();
		expect(await aborted).toMatchObject({ code: "ABORTED" });
		expect(await already).toMatchObject({ code: "ABORTED" });
		for (const { toClient } of proxy.connections) toClient.resume();
		await waitUntil("nothing subscribed but the first", async () => {
			const counts = await subscribers("late", "aborted", "first");
			return counts.join() === "0,0,1" || counts.join();
		});
		expect(first.names).toEqual(["first"]);
	});

	test("close ends loops after what is buffered, pending calls reject, and later ones too", async () => {
		const own = await createClient({ url: server.url, protocol });
		const heard: string[] = [];
		const buffered = await own.subscribe("close");
		const waiting = await own.subscribe("close:empty");
		await own.subscribe("close", { listener: ({ message }) => void heard.push(message) });
		const reading = drain(waiting);
		await client.publish("close", "last");
		await waitUntil("the message", () => buffered.buffered === 1 || "not yet");
		const pending = rejectionOf(own.subscribe("close:pending"));
		await own.close();
		expect(await pending).toMatchObject({ code: "CLOSED" });
		expect(await reading).toEqual([]);
		expect(await drain(buffered)).toEqual([{ channel: "close", message: "last" }]);
		expect(heard).toEqual(["last"]);
		expect(buffered.ended).toBe(true);
		await buffered.unsubscribe();
		await expect(own.subscribe("x")).rejects.toMatchObject({ code: "CLOSED" });
		await expect(own.unsubscribe("x")).rejects.toMatchObject({ code: "CLOSED" });
		await expect(own.publish("x", "m")).rejects.toMatchObject({ code: "CLOSED" });
		expect(await subscribers("close", "close:empty", "close:pending")).toEqual([0, 0, 0]);
	});

	test("destroy ends loops with CLOSED at once, whatever is buffered", async () => {
		const own = await createClient({ url: server.url, protocol });
		const buffered = await own.subscribe("destroy");
		const waiting = await own.subscribe("destroy:empty");
		const errors: unknown[] = [];
		await own.subscribe("destroy", { listener: () => {}, onError: (error) => errors.push(error) });
		const reading = rejectionOf(drain(waiting));
		await client.publish("destroy", "m");
		await waitUntil("the message", () => buffered.buffered === 1 || "not yet");
		const pending = rejectionOf(own.subscribe("destroy:pending"));
		const leaving = own.unsubscribe("destroy:empty");
		own.destroy();
		expect([await pending, await rejectionOf(drain(buffered))]).toMatchObject([{ code: "CLOSED" }, { code: "CLOSED" }]);
		await leaving;
		await reading.catch(() => {});
		await waitUntil("the error of the listener", () => errors.length === 1 || "not yet");
		expect(errors).toMatchObject([{ code: "CLOSED" }]);
		await buffered.unsubscribe();
	});

	test("await using, and a loop that throws, unsubscribe", async () => {
		{
			await using news = await client.subscribe("using");
			expect([news.names, await subscribers("using")]).toEqual([["using"], [1]]);
		}
		const failing = async () => {
			const seen: Message[] = [];
			for await (const message of await client.subscribe("throws")) {
				seen.push(message);
				throw new Error("the loop's own");
			}
		};
		const failed = rejectionOf(failing());
		await waitUntil("the subscription", async () => (await subscribers("throws"))[0] === 1 || "not yet");
		await client.publish("throws", "m");
		expect((await failed).message).toBe("the loop's own");
		expect(await subscribers("using", "throws")).toEqual([0, 0]);
	});

	test("several loops over one subscription share its messages, and end together", async () => {
		const news = await client.subscribe("shared");
		const read: number[][] = [[], []];
		const loops = read.map(async (into) => {
			for await (const { message } of news) into.push(Number(message));
		});
		for (let i = 0; i < 10; i++) await client.publish("shared", i);
		await waitUntil("all messages", () => read.flat().length === 10 || String(read.flat()));
		await news.unsubscribe();
		await Promise.all(loops);
		expect(read.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
		expect(read.map(({ length }) => length)).toEqual([5, 5]);
	});

	test("where it lives: RESP3 on the shared connection, RESP2 on one of its own, which ends with the last name and is no lease", async () => {
		await using own = await createClient({
			url: server.url,
			protocol,
			name: `lives${protocol}`,
			pool: { maxDedicated: 0, shared: 2 },
		});
		await own.command("PING");
		const connections = async () => {
			const list = String(await raw(server.target, "CLIENT", "LIST")).split("\n");
			return list
				.filter((line) => line.includes(` name=lives${protocol} `))
				.map((line) => / sub=(\d+)/.exec(line)?.[1])
				.sort();
		};
		const before = await connections();
		const news = await own.subscribe(["l1", "l2"]);
		expect(await connections()).toEqual(protocol === 3 ? ["0", "2"] : ["0", "0", "2"]);
		expect(own.stats().connections).toBe(protocol === 3 ? 2 : 3);
		expect(await own.get("k")).toBeNull();
		await news.unsubscribe();
		await waitUntil("as before", async () => String(await connections()) === String(before) || String(await connections()));
	});
});
