import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { WINDOW_ITEMS } from "../../../src/batch/batch.js";
import type { Client } from "../../../src/client.js";
import { BatchError, ClientError } from "../../../src/errors.js";
import type { Command } from "../../../src/request.js";
import { clientOn, commandsOf, FakeDispatcher, storeAnswerer } from "../../support/fake-dispatcher.js";

const opened: Client[] = [];
afterEach(() => {
	for (const client of opened.splice(0)) client.destroy();
});

/** A client on three lanes whose answers the test gives, and the store they come from. */
function rig(lanes = 3, keyGroups = 16_384) {
	const dispatcher = new FakeDispatcher(lanes, keyGroups);
	const client = clientOn(dispatcher);
	opened.push(client);
	const store = new Map<string, string>();
	return { dispatcher, client, store, say: storeAnswerer(store) };
}

function keys(count: number, tag = ""): string[] {
	return Array.from({ length: count }, (_, index) => `${tag}key:${index}`);
}

function failing<T>(batch: Promise<T>): Promise<BatchError> {
	return batch.then(
		() => Promise.reject(new Error("it should have failed")),
		(error) => {
			expect(error).toBeInstanceOf(BatchError);
			return error;
		},
	);
}

const tryAgain = new ClientError("TRYAGAIN", "TRYAGAIN Multiple keys request during rehashing of slot");
const isMulti = ({ args }: Command): boolean => args[0] === "MGET" || args.length > 2;

test("E01 results stand at the index of their key, in whatever order chunks are answered", async () => {
	const name = fc.oneof(fc.constantFrom("{a}1", "{a}2", "b", ""), fc.string({ maxLength: 2 }));
	await fc.assert(
		fc.asyncProperty(
			fc.array(name, { minLength: 1, maxLength: 50 }),
			fc.constantFrom(1, 2, 7, 256),
			fc.integer({ min: 1, max: 4 }),
			fc.constantFrom([1, 1], [3, 3], [3, 16_384]),
			fc.infiniteStream(fc.nat()),
			async (input, chunkSize, maxInflight, [lanes, groups], order) => {
				const { dispatcher, client, store, say } = rig(lanes, groups);
				for (const key of input) if (key !== "b") store.set(key, `value of ${key}`);
				const results = client.mget(input, { chunkSize, maxInflight });
				while (dispatcher.open.length > 0) {
					const next = order.next().value as number;
					dispatcher.answer(dispatcher.open[next % dispatcher.open.length]!, say);
				}
				expect(await results).toEqual(input.map((key) => (key === "b" ? null : `value of ${key}`)));
				client.destroy();
			},
		),
		{ numRuns: 60 },
	);
});

test("E02 a key written twice keeps the last value, and each entry has its own answer", async () => {
	const { dispatcher, client, store, say } = rig();
	const entries = Array.from({ length: 40 }, (_, index) => [`key:${index % 4}`, `value ${index}`] as const);
	const answers = client.setMany(entries, { chunkSize: 3 });
	dispatcher.answerAll(say);
	expect(await answers).toEqual(new Array(40).fill("OK"));
	expect([...store.values()].sort()).toEqual(["value 36", "value 37", "value 38", "value 39"]);
});

test("E04 an empty list is answered without a dispatch", async () => {
	const { dispatcher, client } = rig();
	expect(await client.mget([])).toEqual([]);
	expect(await client.setMany([], { ex: 5 })).toEqual([]);
	expect(await client.delMany([])).toBe(0);
	expect(await client.existsMany([])).toBe(0);
	expect(await client.pipeline().exec()).toEqual([]);
	expect(dispatcher.dispatched).toEqual([]);
});

test.each([1, 2, 5])("E05 never more than maxInflight %i chunks of a lane are unanswered", async (maxInflight) => {
	const { dispatcher, client, say } = rig(2);
	const results = client.mget(keys(100), { chunkSize: 4, maxInflight });
	const openPerLane = (): number[] => {
		const counts = new Map<unknown, number>();
		for (const request of dispatcher.open) {
			const lane = dispatcher.lane(request.command(0).slot);
			counts.set(lane, (counts.get(lane) ?? 0) + 1);
		}
		return [...counts.values()];
	};
	expect(openPerLane()).toEqual([maxInflight, maxInflight]);
	while (dispatcher.open.length > 0) {
		dispatcher.answer(dispatcher.open[0]!, say);
		expect(Math.max(0, ...openPerLane())).toBeLessThanOrEqual(maxInflight);
	}
	expect(await results).toEqual(new Array(100).fill(null));
	expect(dispatcher.dispatched.length).toBeGreaterThanOrEqual(25);
});

test("E05 a chunk that was split counts as unanswered until its parts are answered", async () => {
	const { dispatcher, client, say } = rig(1);
	const results = client.mget(keys(40, "{t}"), { chunkSize: 4, maxInflight: 1 });
	while (dispatcher.open.length > 0) {
		expect(dispatcher.open).toHaveLength(1);
		dispatcher.answer(dispatcher.open[0]!, (command, request) => (isMulti(command) ? tryAgain : say(command, request)));
	}
	expect(await results).toEqual(new Array(40).fill(null));
});

test("E05 a read whose values are said to be large goes in small chunks", async () => {
	const { dispatcher, client, say } = rig(1);
	const sizes = async (expectedValueBytes: number): Promise<number[]> => {
		const before = dispatcher.dispatched.length;
		const results = client.mget(keys(8, "{t}"), { expectedValueBytes });
		dispatcher.answerAll(say);
		await results;
		return dispatcher.dispatched.slice(before).map((request) => request.command(0).args.length - 1);
	};
	const MiB = 1024 * 1024;
	expect(await sizes(1)).toEqual([8]);
	expect(await sizes(4 * MiB)).toEqual([4, 4]);
	expect(await sizes(64 * MiB)).toEqual(new Array(8).fill(1));
});

test("E05 values read before set the size of later chunks", async () => {
	const { dispatcher, client, store, say } = rig(1);
	const [first, ...others] = keys(5, "{t}");
	for (const key of others) store.set(key, "v");
	store.set(first!, "x".repeat(8 * 1024 * 1024));
	for (const input of [[first!], others]) {
		const results = client.mget(input);
		dispatcher.answerAll(say);
		await results;
	}
	expect(dispatcher.dispatched.map((request) => request.command(0).args.length - 1)).toEqual([1, 2, 2]);
});

test("E05 100000 keys go out in windows between which the event loop turns, and keep their order", async () => {
	const store = new Map<string, string>();
	const input = keys(100_000);
	for (const key of input) store.set(key, `value of ${key}`);
	const dispatcher = new FakeDispatcher(3, 16_384, storeAnswerer(store));
	const client = clientOn(dispatcher);
	let done = false;
	const results = client.mget(input, { timeoutMs: 0 }).finally(() => {
		done = true;
	});
	const keysSent = (): number =>
		dispatcher.commands.reduce((sum, { items }: Command & { items?: number[] }) => sum + items!.length, 0);
	let turns = 0;
	for (let before = keysSent(); !done; turns++) {
		await turn();
		const now = keysSent();
		// One window of each lane.
		expect(now - before).toBeLessThanOrEqual(3 * WINDOW_ITEMS);
		before = now;
	}
	expect(turns).toBeGreaterThanOrEqual(Math.floor(100_000 / (3 * WINDOW_ITEMS)));
	const values = await results;
	expect(values.findIndex((value, index) => value !== `value of ${input[index]}`)).toBe(-1);
	expect(values).toHaveLength(100_000);
	client.destroy();
});

test("E03 a split MGET answers null for a key of another type, as MGET does", async () => {
	const { dispatcher, client, store, say } = rig();
	store.set("{t}a", "1").set("{t}hash", "!").set("{t}b", "2");
	const results = client.mget(["{t}a", "{t}hash", "{t}no", "{t}b", "{t}a"]);
	dispatcher.answerAll((command, request) => (isMulti(command) ? tryAgain : say(command, request)));
	expect(await results).toEqual(["1", null, null, "2", "1"]);
	expect(dispatcher.commands.map(({ args }) => args.join(" "))).toEqual([
		"MGET {t}a {t}hash {t}no {t}b {t}a",
		"GET {t}a",
		"GET {t}hash",
		"GET {t}no",
		"GET {t}b",
		"GET {t}a",
	]);
});

test("E03 DEL and EXISTS are split in the same way, and their counts add up", async () => {
	const { dispatcher, client, store, say } = rig();
	store.set("{t}a", "1").set("{t}b", "2").set("c", "3");
	const answer = (command: Command) => (isMulti(command) ? tryAgain : say(command, dispatcher.dispatched[0]!));
	const existing = client.existsMany(["{t}a", "{t}b", "{t}no", "{t}a", "c"]);
	dispatcher.answerAll(answer);
	expect(await existing).toBe(4);
	const deleted = client.delMany(["{t}a", "{t}b", "{t}no", "{t}a", "c"]);
	dispatcher.answerAll(answer);
	expect(await deleted).toBe(3);
	expect(store.size).toBe(0);
});

test("E07 a lane that failed leaves errors at its keys, never null, and results at all others", async () => {
	const { dispatcher, client, store, say } = rig();
	const input = keys(60);
	for (const key of input) store.set(key, `value of ${key}`);
	const down = new ClientError("CONNECTION", "gone");
	const badLane = dispatcher.lane(1);
	const answer = (command: Command) =>
		dispatcher.lane(command.slot) === badLane ? down : say(command, dispatcher.dispatched[0]!);
	const isDown = (index: number): boolean =>
		dispatcher.commands.some(({ slot, args }) => args.includes(input[index]!) && dispatcher.lane(slot) === badLane);

	const rejected = failing(client.mget(input));
	dispatcher.answerAll(answer);
	const error = await rejected;
	expect(error).toMatchObject({ code: "BATCH", cause: down });
	const expected = input.map((key, index) => (isDown(index) ? down : `value of ${key}`));
	expect(expected.filter((result) => result === down).length).toBeGreaterThan(0);
	expect(error.results).toEqual(expected);

	const partial = client.mget(input, { partial: true });
	dispatcher.answerAll(answer);
	expect(await partial).toEqual(expected);
});

test("E07 delMany and existsMany reject with what is known: the sum, and which keys it leaves out", async () => {
	const { dispatcher, client, store, say } = rig();
	store.set("{a}1", "v").set("{a}2", "v").set("{b}1", "v");
	const refused = new ClientError("NOPERM", "NOPERM no permission");
	const answer = (command: Command) => (command.args.includes("{b}1") ? refused : say(command, dispatcher.dispatched[0]!));
	for (const call of [client.existsMany(["{a}1", "{b}1", "{a}2"]), client.delMany(["{a}1", "{b}1", "{a}2"])]) {
		const rejected = failing(call);
		dispatcher.answerAll(answer);
		const error = await rejected;
		expect(error.total).toBe(2);
		expect(error.results).toEqual([true, refused, true]);
	}
});

test("E07 a client that is closed meanwhile fails what is unsettled, however many chunks wait", async () => {
	const { dispatcher, client, say } = rig(1);
	const input = keys(WINDOW_ITEMS + 10, "{t}");
	const rejected = failing(client.mget(input, { chunkSize: 1 }));
	dispatcher.answer(dispatcher.open[0]!, say);
	client.destroy();
	const error = await rejected;
	expect(error.results[0]).toBeNull();
	expect(error.results.slice(1).every((result) => (result as ClientError).code === "CLOSED")).toBe(true);
});

test("E05 commands of one chunk are dispatched as one request", () => {
	const { dispatcher, client } = rig(1);
	client.setMany(keys(10).map((key) => [key, "v"] as const)).catch(() => {});
	expect(dispatcher.dispatched).toHaveLength(1);
	expect(commandsOf(dispatcher.dispatched[0]!).map(({ args }) => args[0])).toEqual(new Array(10).fill("SET"));
});
