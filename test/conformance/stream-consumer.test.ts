/** A consumer of a group: what it hands out, what it says of it, and how it ends. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ConsumedEntry, createClient, type StreamConsumer } from "../../src/index.js";
import { idsOf, take } from "../support/consume.js";
import { rejectionOf } from "../support/secrets.js";

test("C36 a right that is missing ends it, but for those that it can do without", async () => {
	const rights = "~* +hello +client +xreadgroup +xack +xautoclaim +xpending +xclaim +xadd";
	await using server = await startStandalone({
		users: { few: `on >secret ${rights}`, fewer: `on >secret ${rights} -xreadgroup` },
	});
	await server.raw("XGROUP", "CREATE", "k", "g", "0", "MKSTREAM");
	const login = (username: string) => createClient({ url: server.url, auth: { username, password: "secret" } });
	await using few = await login("few");
	await using fewer = await login("fewer");
	const options = { key: "k", group: "g", consumer: "ann", blockMs: 1000 };
	await using reads = few.streamConsumer(options);
	await few.xadd("k", { n: 1 }, { id: 1 });
	expect(idsOf(await take(reads, 1, true))).toEqual(["1-0"]);
	await using refused = fewer.streamConsumer(options);
	expect(await rejectionOf(take(refused, 1))).toMatchObject({ code: "NOPERM" });
	// It may not ask who it is connected to: after a connection that was lost, what comes may have come to others.
	const next = take(reads, 1, true);
	await server.raw("CLIENT", "KILL", "USER", "few");
	await server.raw("XADD", "k", "2", "n", "2");
	expect(idsOf(await next)).toEqual(["2-0"]);
	// It may not make the group again either.
	await using creates = few.streamConsumer({ ...options, createGroup: { id: "0" } });
	expect(await rejectionOf(take(creates, 1))).toMatchObject({ code: "NOPERM" });
});

const cases = (["standalone", "cluster"] as const).flatMap((topology) =>
	([2, 3] as const).map((protocol) => [topology, protocol] as const),
);

describe.each(cases)("%s, RESP%i", (topology, protocol) => {
	const url = inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl");
	let client: Client;
	let names = 0;
	beforeAll(async () => {
		client = await createClient({ url, protocol });
	});
	afterAll(() => client.close());

	/** A stream with a group that reads it from the start, and entries 1-0 up to `count`-0. */
	async function stream(count: number): Promise<string> {
		const key = `consumer:${topology}:${protocol}:${++names}`;
		await client.del(key);
		await client.xgroupCreate(key, "g", "0", { mkstream: true });
		await add(key, 1, count);
		return key;
	}

	async function add(key: string, first: number, last: number): Promise<void> {
		const pipeline = client.pipeline();
		for (let id = first; id <= last; id++) pipeline.xadd(key, { n: id }, { id });
		await pipeline.exec();
	}

	function ids(first: number, last: number): string[] {
		return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}-0`);
	}

	/** Ids that are pending, by consumer. */
	async function pending(key: string): Promise<Record<string, string[]>> {
		const all: Record<string, string[]> = {};
		for (const { id, consumer } of await client.xpending(key, "g", { count: 1000 })) {
			all[consumer] ??= [];
			all[consumer].push(id);
		}
		return all;
	}

	test("entries come once, in their order, as they are added; break ends it, and nothing is pending", async () => {
		const key = await stream(25);
		const consumer = client.streamConsumer({ key, group: "g", consumer: "ann", count: 10 });
		const entries: ConsumedEntry[] = [];
		for await (const entry of consumer) {
			entries.push(entry);
			expect(await entry.ack()).toBe(1);
			if (entries.length === 25) await add(key, 26, 30);
			if (entries.length === 30) break;
		}
		expect(idsOf(entries)).toEqual(ids(1, 30));
		for (const entry of entries) expect(entry).toMatchObject({ key, redelivered: false, claimed: false, deliveries: 1 });
		expect(entries[6]?.fields).toEqual(Object.assign(Object.create(null), { n: "7" }));
		expect(await pending(key)).toEqual({});
		expect(consumer).toMatchObject({ unacked: 0, trouble: null });
		// It stays ended.
		expect(await consumer[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
	});

	test("another life of the same consumer gets what was left, and is told so", async () => {
		const key = await stream(5);
		const first = client.streamConsumer({ key, group: "g", consumer: "ann" });
		const [one] = await take(first, 3);
		await one?.ack();
		await first.close();
		await using second = client.streamConsumer({ key, group: "g", consumer: "ann", count: 2 });
		await add(key, 6, 6);
		const entries = await take(second, 5);
		expect(entries.map(({ id, redelivered, claimed }) => [id, redelivered, claimed])).toEqual([
			...ids(2, 5).map((id) => [id, true, false]),
			["6-0", false, false],
		]);
		// Once by the first one, and in its recovery.
		expect(entries.slice(0, 2).map(({ deliveries }) => deliveries)).toEqual([2, 2]);
	});

	test("what another consumer left behind is claimed, and is said to be; what it is about to hand out is not handed out twice", async () => {
		const key = await stream(6);
		const dead = await createClient({ url, protocol });
		const ann = dead.streamConsumer({ key, group: "g", consumer: "ann", count: 4 });
		await take(ann, 2);
		dead.destroy();
		await using bob = client.streamConsumer({ key, group: "g", consumer: "bob", minIdleMs: 100, claimIntervalMs: 50, count: 3 });
		const entries = await take(bob, 6, true);
		expect(idsOf(entries).sort()).toEqual(ids(1, 6));
		expect(new Set(idsOf(entries.filter(({ claimed, redelivered }) => claimed && redelivered)))).toEqual(new Set(ids(1, 4)));
		for (const { claimed, deliveries } of entries) expect(deliveries).toBe(claimed ? 2 : 1);
		expect(await pending(key)).toEqual({});
	});

	test("what lay on the shelf when somebody else claimed it is not handed out", async () => {
		const key = await stream(3);
		await using ann = client.streamConsumer({ key, group: "g", consumer: "ann", minIdleMs: 200, claimIntervalMs: 100_000 });
		expect(idsOf(await take(ann, 1, true))).toEqual(["1-0"]);
		await waitUntil("entries that are idle", async () => {
			const idle = await client.xpending(key, "g", { count: 3, idle: 250 });
			return idle.length === 2 || "they are not";
		});
		expect(await client.xclaim(key, "g", "bob", 0, "2-0", { justid: true })).toEqual(["2-0"]);
		expect((await take(ann, 1, true)).map(({ id, redelivered }) => [id, redelivered])).toEqual([["3-0", false]]);
		expect(await pending(key)).toEqual({ bob: ["2-0"] });
	});

	test("what a consumer that lives has in hand for too long is the others', however often it searches itself", async () => {
		const key = await stream(2);
		const often = { key, group: "g", minIdleMs: 200, claimIntervalMs: 1 };
		await using ann = client.streamConsumer({ ...often, consumer: "ann" });
		const [one, two] = await take(ann, 2);
		const third = take(ann, 1);
		await using bob = client.streamConsumer({ ...often, consumer: "bob", claimIntervalMs: 700 });
		const claimed = await take(bob, 2);
		expect(claimed.map(({ id, claimed, deliveries }) => [id, claimed, deliveries])).toEqual([
			["1-0", true, 2],
			["2-0", true, 2],
		]);
		// Whoever deals with it first says so for both.
		expect([await one?.ack(), await claimed[0]?.ack(), await claimed[1]?.ack(), await two?.ack()]).toEqual([1, 0, 1, 0]);
		await add(key, 3, 3);
		expect(idsOf(await Promise.race([third, take(bob, 1)]))).toEqual(["3-0"]);
	});

	test("closed, it gives back what nobody took: the next search of another consumer has it", async () => {
		const key = await stream(5);
		const ann = client.streamConsumer({ key, group: "g", consumer: "ann" });
		const [one, two] = await take(ann, 2);
		await ann.close();
		await using bob = client.streamConsumer({ key, group: "g", consumer: "bob", minIdleMs: 3_600_000, claimIntervalMs: 20 });
		expect(idsOf(await take(bob, 3))).toEqual(ids(3, 5));
		expect(await pending(key)).toEqual({ ann: ids(1, 2), bob: ids(3, 5) });
		// Handed out entries are acknowledged also after the end.
		expect([await one?.ack(), await ann.ack(two?.id ?? "")]).toEqual([1, 1]);
	});

	test("autoAck acknowledges an entry when the next one is asked for; the one of a break stays pending", async () => {
		const key = await stream(4);
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann", autoAck: true });
		let taken = 0;
		for await (const _ of consumer) if (++taken === 3) break;
		// The fourth was read and given back.
		expect(await pending(key)).toEqual({ ann: ids(3, 4) });
	});

	test("several acknowledgements in one call; an unknown id counts nothing, harms nothing, and is handed out when it comes", async () => {
		const key = await stream(3);
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann" });
		await take(consumer, 3);
		expect(await consumer.ack("9-0", "4", ["77-7"])).toBe(0);
		expect(await consumer.ack("1", ["2-0"], "3-0")).toBe(3);
		expect(consumer.unacked).toBe(0);
		await add(key, 4, 4);
		expect((await take(consumer, 1)).map(({ id, redelivered }) => [id, redelivered])).toEqual([["4-0", false]]);
		expect(await rejectionOf(consumer.ack())).toMatchObject({ code: "INVALID_ARGUMENT" });
		expect(await rejectionOf(consumer.ack("no id"))).toMatchObject({ code: "ERR" });
	});

	test("what was deleted while it was pending is acknowledged, and nobody sees it", async () => {
		const key = await stream(3);
		await client.xreadgroup("g", "ann", [[key, ">"]], { count: 2 });
		await client.xdel(key, "1-0");
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann", minIdleMs: 0 });
		expect(idsOf(await take(consumer, 2))).toEqual(["2-0", "3-0"]);
		await waitUntil("the end of what was deleted", async () => {
			const left = await pending(key);
			return left.ann?.length === 2 || JSON.stringify(left);
		});
	});

	test("no more is read than there is room for; what is not acknowledged takes room too", async () => {
		const key = await stream(50);
		await using few = client.streamConsumer({ key, group: "g", consumer: "ann", count: 5, maxUnacked: 8 });
		const taken = await take(few, 3);
		await waitUntil("a full shelf", async () => (await pending(key)).ann?.length === 8 || "not yet");
		taken.push(...(await take(few, 5)));
		expect(few.unacked).toBe(8);
		const next = take(few, 1);
		// Whatever it read is pending: nothing more is, as long as nothing is acknowledged.
		await client.xadd(key, { last: 1 });
		expect((await pending(key)).ann).toEqual(ids(1, 8));
		await few.ack(...idsOf(taken));
		expect(idsOf(await next)).toEqual(["9-0"]);
		expect((await pending(key)).ann?.length).toBeLessThanOrEqual(8);
	});

	test("loops share the entries of one consumer", async () => {
		const key = await stream(20);
		const consumer = client.streamConsumer({ key, group: "g", consumer: "ann", count: 3 });
		const seen: string[] = [];
		const loop = async () => {
			for await (const entry of consumer) {
				seen.push(entry.id);
				await entry.ack();
				if (seen.length === 20) await consumer.close();
			}
		};
		await Promise.all([loop(), loop(), loop()]);
		expect(seen.sort()).toEqual(ids(1, 20).sort());
		expect(await pending(key)).toEqual({});
	});

	test("without createGroup a missing group ends it; with it the group is made, with its stream or not", async () => {
		const key = `consumer:${topology}:${protocol}:none`;
		await client.del(key);
		const first = (consumer: StreamConsumer) => consumer[Symbol.asyncIterator]().next();
		await using none = client.streamConsumer({ key, group: "g", consumer: "ann" });
		expect(await rejectionOf(first(none))).toMatchObject({ code: "NOGROUP" });
		expect(await rejectionOf(first(none))).toMatchObject({ code: "NOGROUP" });
		const noStream = { id: "$", mkstream: false };
		await using without = client.streamConsumer({ key, group: "g", consumer: "ann", createGroup: noStream });
		expect(await rejectionOf(first(without))).toMatchObject({ code: "ERR" });
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann", createGroup: { id: "$" } });
		const entries = take(consumer, 2);
		await waitUntil("the group", async () => (await client.exists(key)) === 1 || "no stream");
		await add(key, 1, 2);
		expect(idsOf(await entries)).toEqual(ids(1, 2));
	});

	test("a group that is lost goes on from where it was; a stream that is another one from its start", async () => {
		const key = await stream(3);
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann", createGroup: { id: "$" } });
		expect(idsOf(await take(consumer, 3, true))).toEqual(ids(1, 3));
		// In one step, so that no blocked read comes between: what is added meanwhile is not lost.
		const lose = client.pipeline().xgroupDestroy(key, "g").xadd(key, { n: 4 }, { id: 4 });
		const more = take(consumer, 1, true);
		await lose.exec();
		// Nobody can know whether it was given to somebody in between.
		expect((await more).map(({ id, redelivered }) => [id, redelivered])).toEqual([["4-0", true]]);
		const again = take(consumer, 2, true);
		const other = client.pipeline().del(key).xadd(key, { other: 1 }, { id: 1 }).xadd(key, { other: 2 }, { id: 2 });
		await other.exec();
		expect((await again).map(({ id, fields }) => [id, fields.other])).toEqual([
			["1-0", "1"],
			["2-0", "2"],
		]);
	});

	test.each([
		"its connection lives on",
		"its connection is lost too",
	])("a group that is lost takes nothing along that was read, %s", async (how) => {
		const key = await stream(5);
		await using other = await createClient({ url, protocol, name: "to-be-lost" });
		const options = { key, group: "g", consumer: "ann", createGroup: { id: "$" }, count: how.includes("lost") ? 5 : 10 };
		await using consumer = other.streamConsumer(options);
		expect(idsOf(await take(consumer, 1, true))).toEqual(["1-0"]);
		// Four wait here, and nothing is read, or it waits for more.
		await waitUntil("a full shelf", async () => (await pending(key)).ann?.length === 4 || "not yet");
		await client.xgroupDestroy(key, "g");
		if (how.includes("lost")) {
			const list = await client.withConnection({ key }, async (own) => String(await own.command("CLIENT", "LIST")));
			const before = other.stats().connections;
			const [, id] = /id=(\d+) [^\n]*name=to-be-lost [^\n]*cmd=xreadgroup/.exec(list) ?? [];
			await client.withConnection({ key }, (own) => own.command("CLIENT", "KILL", "ID", id as string));
			await waitUntil("a lost connection", () => other.stats().connections < before || "it is there");
		} else await waitUntil("another group", async () => (await client.xinfoGroups(key)).length === 1 || "none");
		const rest = await take(consumer, 4, true);
		expect(rest.map(({ id, redelivered }) => [id, redelivered])).toEqual(ids(2, 5).map((id) => [id, true]));
		await add(key, 6, 6);
		expect(idsOf(await take(consumer, 1, true))).toEqual(["6-0"]);
		expect(await pending(key)).toEqual({});
	});

	test("a blocked read that is ended by an operator is no end", async () => {
		const key = await stream(0);
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann" });
		const entries = take(consumer, 1);
		const blocked = async () =>
			/id=(\d+) [^\n]*flags=b [^\n]*cmd=xreadgroup/.exec(
				await client.withConnection({ key }, async (own) => String(await own.command("CLIENT", "LIST"))),
			)?.[1];
		await waitUntil("a blocked read", async () => (await blocked()) !== undefined || "none");
		const id = await blocked();
		await client.withConnection({ key }, (own) => own.command("CLIENT", "UNBLOCK", id as string, "ERROR"));
		await waitUntil("another one", async () => (await blocked()) !== undefined || "none");
		await add(key, 1, 1);
		expect((await entries).map(({ id: read, redelivered }) => [read, redelivered])).toEqual([["1-0", false]]);
	});

	test("an AbortSignal, of the consumer or of its view, ends a blocked read at once", async () => {
		const key = await stream(0);
		for (const way of ["option", "view"]) {
			const abort = new AbortController();
			const { signal } = abort;
			const options = { key, group: "g", consumer: "ann", blockMs: 0 };
			const consumer =
				way === "option" ? client.streamConsumer({ ...options, signal }) : client.with({ signal }).streamConsumer(options);
			const entry = rejectionOf(take(consumer, 1));
			await waitUntil("a consumer", async () => (await client.xinfoConsumers(key, "g")).length === 1 || "none");
			abort.abort(new Error("enough"));
			expect(await entry).toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
			await consumer.close();
			await client.xgroupDelconsumer(key, "g", "ann");
			const late =
				way === "option" ? client.streamConsumer({ ...options, signal }) : client.with({ signal }).streamConsumer(options);
			expect(await rejectionOf(take(late, 1))).toMatchObject({ code: "ABORTED" });
		}
		expect(client.stats().inFlight).toBe(0);
	});

	test.each([
		"close",
		"destroy",
	] as const)("%s() of the client ends a blocked read at once: the loop ends, or says CLOSED", async (how) => {
		const key = await stream(0);
		const other = await createClient({ url, protocol, timeouts: { closeMs: 0 } });
		const loop = (async () => {
			for await (const _ of other.streamConsumer({ key, group: "g", consumer: "ann", blockMs: 0 }))
				throw new Error("there is nothing");
			return "ended";
		})().catch((error) => error.code);
		await waitUntil("a consumer", async () => (await client.xinfoConsumers(key, "g")).length === 1 || "none");
		await other[how]();
		expect(await loop).toBe(how === "close" ? "ended" : "CLOSED");
		expect(await rejectionOf(take(other.streamConsumer({ key, group: "g", consumer: "ann" }), 1))).toMatchObject({
			code: "CLOSED",
		});
	});

	test("in the view of Buffers fields are Buffers", async () => {
		const key = await stream(1);
		const group = Buffer.from("g");
		const consumer = client.buffers.streamConsumer({
			key: Buffer.from(key),
			group,
			consumer: Buffer.from("ann"),
			createGroup: { id: "$" },
		});
		for await (const { id, fields } of consumer) {
			expect([id, fields.n]).toEqual(["1-0", Buffer.from("1")]);
			break;
		}
	});

	test("what does not pass ends it: a key of another type", async () => {
		const key = `consumer:${topology}:${protocol}:text`;
		await client.set(key, "text");
		await using consumer = client.streamConsumer({ key, group: "g", consumer: "ann" });
		expect(await rejectionOf(take(consumer, 1))).toMatchObject({ code: "WRONGTYPE" });
	});

	test("wrong options are refused by their names, and nothing is sent", async () => {
		const options = { key: "k", group: "g", consumer: "c" };
		const wrong: [object, string][] = [
			[{ ...options, key: 5 }, "key"],
			[{ ...options, group: "" }, "group"],
			[{ key: "k", group: "g" }, "consumer"],
			[{ ...options, count: 0 }, "count"],
			[{ ...options, blockMs: -1 }, "blockMs"],
			[{ ...options, minIdleMs: 0.5 }, "minIdleMs"],
			[{ ...options, minIdleMs: 0, claimIntervalMs: 5 }, "claimIntervalMs"],
			[{ ...options, claimIntervalMs: 0 }, "claimIntervalMs"],
			[{ ...options, createGroup: "$" }, "createGroup"],
			[{ ...options, createGroup: {} }, "createGroup.id"],
			[{ ...options, createGroup: { id: "$", mkstream: 1 } }, "createGroup.mkstream"],
			[{ ...options, createGroup: { id: "$", group: "g" } }, "createGroup.group"],
			[{ ...options, autoAck: "yes" }, "autoAck"],
			[{ ...options, ackTimeoutMs: -1 }, "ackTimeoutMs"],
			[{ ...options, maxUnacked: 0 }, "maxUnacked"],
			[{ ...options, signal: {} }, "signal"],
			[{ ...options, streams: [] }, "streams"],
		];
		const { bytesWritten } = client.stats();
		for (const [given, field] of wrong) {
			expect(() => client.streamConsumer(given as never), field).toThrow(
				expect.objectContaining({ code: "INVALID_OPTION", field }),
			);
		}
		expect(() => client.streamConsumer(undefined as never)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
		expect(client.stats().bytesWritten).toBe(bytesWritten);
		await client.withConnection({}, async (own) => {
			expect(() => own.streamConsumer(options)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
		});
	});
});
