/** What is written behind, without a cache: its clock is that of the process. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Reporter } from "../../../src/cache/cache-events.js";
import { WriteBehind, type WriteBehindOptions } from "../../../src/cache/write-behind.js";
import { Gate } from "../../support/gate.js";
import { rejectionOf } from "../../support/secrets.js";

type Batch = [key: string, value: number | undefined][];

/** The cache before it, which takes every value. */
function taking(store: (key: string, value: number | undefined) => Promise<unknown>) {
	return { check: () => {}, store };
}

function make(options: Partial<WriteBehindOptions<number>> = {}) {
	const batches: Batch[] = [];
	const stored: Batch = [];
	const reporter = new Reporter();
	let ended = 0;
	const write = (batch: Batch): void => {
		batches.push(batch);
	};
	const queue = new WriteBehind<number>(
		{ write, ...options },
		taking(async (key, value) => stored.push([key, value])),
		reporter,
		() => {
			ended += 1;
		},
	);
	return { queue, batches, stored, reporter, ended: () => ended };
}

beforeEach(() => {
	vi.useFakeTimers();
	// The longest pauses.
	vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(() => {
	vi.useRealTimers();
	vi.restoreAllMocks();
});

describe("writing behind", () => {
	test("S2.6 the cache has it at once, the source after the delay, the last value of each key alone", async () => {
		const { queue, batches, stored } = make({ delay: 100 });
		await queue.set("a", 1);
		await queue.set("b", 1);
		await queue.set("a", 2);
		await queue.delete("b");
		expect(stored).toEqual([
			["a", 1],
			["b", 1],
			["a", 2],
			["b", undefined],
		]);
		expect(queue.pending).toBe(2);
		await vi.advanceTimersByTimeAsync(99);
		expect(batches).toEqual([]);
		await vi.advanceTimersByTimeAsync(1);
		expect(batches).toEqual([
			[
				["a", 2],
				["b", undefined],
			],
		]);
		expect(queue.pending).toBe(0);
		expect(vi.getTimerCount()).toBe(0);
	});

	test("S2.6 S2.11 batches of at most `maxBatch`, one at a time, in the order in which keys began to wait", async () => {
		const gates = [new Gate(), new Gate(), new Gate()];
		const begun: string[][] = [];
		let running = 0;
		const write = async (batch: Batch): Promise<void> => {
			running += 1;
			expect(running).toBe(1);
			begun.push(batch.map(([key]) => key));
			await gates[begun.length - 1]!.opened;
			running -= 1;
		};
		const { queue } = make({ write, maxBatch: 2, delay: 1 });
		for (const key of ["a", "b", "c", "a", "d"]) await queue.set(key, 1);
		await vi.advanceTimersByTimeAsync(1);
		expect(begun).toEqual([["a", "b"]]);
		// A new value of a key that is under way waits for the next turn of it.
		await queue.set("a", 2);
		await vi.advanceTimersByTimeAsync(10);
		expect(begun).toHaveLength(1);
		gates[0]!.open();
		await vi.advanceTimersByTimeAsync(0);
		gates[1]!.open();
		await vi.advanceTimersByTimeAsync(0);
		expect(begun).toEqual([["a", "b"], ["c", "d"], ["a"]]);
		gates[2]!.open();
		await queue.flush();
	});

	test("S2.6 values of one key reach the cache in their order too, however long each takes", async () => {
		const first = new Gate();
		const order: number[] = [];
		const store = async (_key: string, value: number | undefined): Promise<void> => {
			if (value === 1) await first.opened;
			order.push(value ?? 0);
		};
		const queue = new WriteBehind<number>({ write: () => {} }, taking(store), new Reporter(), () => {});
		const calls = [queue.set("a", 1), queue.set("a", 2), queue.set("b", 3), queue.delete("a")];
		await calls[2];
		expect(order).toEqual([3]);
		first.open();
		await Promise.all(calls);
		expect(order).toEqual([3, 1, 2, 0]);
		await queue.close();
	});

	test("S2.6 what the cache refuses rejects, and the next value of the key goes on", async () => {
		let calls = 0;
		const store = async (): Promise<void> => {
			calls += 1;
			if (calls === 1) throw new Error("no");
		};
		const queue = new WriteBehind<number>({ write: () => {} }, taking(store), new Reporter(), () => {});
		const [first, second] = [queue.set("a", 1), queue.set("a", 2)];
		expect(await rejectionOf(first)).toMatchObject({ message: "no" });
		await second;
		expect(calls).toBe(2);
		await queue.close();
	});

	test("S2.6 a full queue refuses new keys, not new values of its own, and nothing of what it refuses is written", async () => {
		const { queue, stored, batches } = make({ maxQueue: 2 });
		await queue.set("a", 1);
		await queue.set("b", 1);
		expect(await rejectionOf(queue.set("c", 1))).toMatchObject({ code: "OVERLOADED" });
		expect(await rejectionOf(queue.delete("c"))).toMatchObject({ code: "OVERLOADED" });
		await queue.set("a", 2);
		expect(stored.map(([key]) => key)).toEqual(["a", "b", "a"]);
		await queue.flush();
		await queue.set("c", 1);
		await queue.close();
		expect(batches.flat()).toEqual([
			["a", 2],
			["b", 1],
			["c", 1],
		]);
	});

	test("S2.6 a write that fails is tried again after growing pauses, its batch whole, then given up", async () => {
		const at: number[] = [];
		const lost: Batch[] = [];
		const errors: unknown[] = [];
		const began = Date.now();
		const write = (batch: Batch): void => {
			at.push(Date.now() - began);
			throw new Error(`no ${batch.length}`);
		};
		const { queue, reporter } = make({
			write,
			delay: 10,
			retryDelay: 100,
			maxAttempts: 4,
			onFailure: (batch, error) => {
				lost.push(batch);
				expect(error).toMatchObject({ message: "no 2" });
			},
		});
		reporter.on("error", ({ operation, error }) => errors.push([operation, (error as Error).message]));
		await queue.set("a", 1);
		await queue.set("b", 2);
		await vi.advanceTimersByTimeAsync(10_000);
		expect(at).toEqual([10, 110, 310, 710]);
		expect(lost).toEqual([
			[
				["a", 1],
				["b", 2],
			],
		]);
		expect(errors).toEqual(new Array(4).fill(["write-behind", "no 2"]));
		expect(reporter.counts.lostWrites).toBe(2);
	});

	test("S2.6 what fails once is written at last, before newer values of its keys", async () => {
		const written: Batch = [];
		let fails = 1;
		const write = (batch: Batch): void => {
			if (fails-- > 0) throw new Error("no");
			written.push(...batch);
		};
		const { queue, reporter } = make({ write, delay: 10, retryDelay: 100 });
		await queue.set("a", 1);
		await vi.advanceTimersByTimeAsync(10);
		await queue.set("a", 2);
		await vi.advanceTimersByTimeAsync(1000);
		expect(written).toEqual([
			["a", 1],
			["a", 2],
		]);
		expect(reporter.counts.lostWrites).toBe(0);
	});

	test.each([
		[
			"throws",
			() => {
				throw new Error("mine");
			},
		],
		["rejects", () => Promise.reject(new Error("mine"))],
	])("S2.6 an onFailure that %s harms nobody", async (_how, onFailure) => {
		let calls = 0;
		const write = (): void => {
			calls += 1;
			if (calls === 1) throw new Error("no");
		};
		const { queue } = make({ write, maxAttempts: 1, onFailure });
		await queue.set("a", 1);
		await queue.flush();
		await queue.set("b", 1);
		await queue.close();
		expect(calls).toBe(2);
	});

	test("S2.6 close() writes what waits, without a pause, and takes no more", async () => {
		let attempts = 0;
		const write = (): void => {
			attempts += 1;
			if (attempts < 4) throw new Error("no");
		};
		const { queue, ended, reporter } = make({ write, delay: "1h", retryDelay: "1h" });
		await queue.set("a", 1);
		const flushed = queue.flush();
		await vi.advanceTimersByTimeAsync(0);
		expect(attempts).toBe(1);
		await Promise.all([queue.close(), queue[Symbol.asyncDispose](), flushed]);
		expect(attempts).toBe(4);
		expect(ended()).toBeGreaterThan(0);
		expect(reporter.counts.lostWrites).toBe(0);
		expect(vi.getTimerCount()).toBe(0);
		expect(await rejectionOf(queue.set("b", 1))).toMatchObject({ code: "CLOSED" });
		expect(await rejectionOf(queue.delete("b"))).toMatchObject({ code: "CLOSED" });
	});

	test("S2.6 what is no key, no value or no option is refused, and nothing waits for it", async () => {
		const { queue, stored } = make();
		for (const call of [() => queue.set("", 1), () => queue.set(1 as never, 1), () => queue.set("a", undefined as never)]) {
			expect(await rejectionOf(call())).toMatchObject({ code: "INVALID_ARGUMENT" });
		}
		expect(await rejectionOf(queue.set("a", 1, { ttl: -1 }))).toMatchObject({ code: "INVALID_OPTION", field: "ttl" });
		expect(queue.pending).toBe(0);
		expect(stored).toEqual([]);
	});

	test.each([
		["write", "INVALID_ARGUMENT", [undefined, 1, null]],
		["onFailure", "INVALID_ARGUMENT", [1, null]],
		["maxQueue", "INVALID_OPTION", [0, -1, 1.5, "9", null, Number.POSITIVE_INFINITY]],
		["maxBatch", "INVALID_OPTION", [0, Number.NaN]],
		["maxAttempts", "INVALID_OPTION", [0, "3"]],
		["delay", "INVALID_OPTION", [0, -1, "soon", null]],
		["retryDelay", "INVALID_OPTION", [0, "never"]],
		["batch", "INVALID_OPTION", [1]],
	])("S2.6 a bad %s is refused when it is made: %s", (field, code, values) => {
		for (const value of values) expect(() => make({ [field]: value })).toThrow(expect.objectContaining({ code }));
	});

	test("S2.6 a delay longer than timers go is a long delay", async () => {
		const { queue, batches } = make({ delay: "60d" });
		await queue.set("a", 1);
		await vi.advanceTimersByTimeAsync(86_400_000);
		expect(batches).toEqual([]);
		await queue.close();
		expect(batches).toEqual([[["a", 1]]]);
	});
});
