import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeadlineClock, Timed } from "../../src/deadline-clock.js";

class Item extends Timed {
	/** When it expired, on the scale of `performance.now()`. */
	expiredAt: number[] = [];
	readonly #then: (item: Item) => void;

	constructor(then: (item: Item) => void = () => {}) {
		super();
		this.#then = then;
	}

	override expire(): void {
		this.expiredAt.push(performance.now());
		this.#then(this);
	}
}

/** The end of the tick, when the clock stamps what was added in it. */
const endOfTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

/** Lets time pass in steps of a millisecond; whatever falls due runs on the way. */
function pass(ms: number): void {
	for (let i = 0; i < ms; i++) vi.advanceTimersByTime(1);
}

let clock: DeadlineClock;
beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setImmediate", "clearImmediate", "performance"] });
	clock = new DeadlineClock();
});
afterEach(() => {
	clock.stop();
	expect(vi.getTimerCount()).toBe(0);
	vi.useRealTimers();
});

async function added(timeoutMs: number, item = new Item()): Promise<Item> {
	clock.add(item, timeoutMs);
	await endOfTick();
	return item;
}

describe("a deadline", () => {
	test.each([1, 49, 50, 51, 99, 120, 1000, 5000])("of %i ms is never early and at most 100 ms late", async (timeoutMs) => {
		for (const offset of [0, 1, 25, 49]) {
			// Another item keeps the clock ticking in another phase.
			await added(10_000);
			pass(offset);
			const began = performance.now();
			const item = await added(timeoutMs);
			pass(timeoutMs + 101);
			expect(item.expiredAt).toHaveLength(1);
			expect((item.expiredAt[0] as number) - began).toBeGreaterThanOrEqual(timeoutMs);
			expect((item.expiredAt[0] as number) - began).toBeLessThanOrEqual(timeoutMs + 100);
		}
	});

	test("of 0 ms is none", async () => {
		const item = await added(0);
		expect(vi.getTimerCount()).toBe(0);
		pass(100_000);
		expect(item.expiredAt).toEqual([]);
		expect(item.deadline).toBe(0);
	});

	test("is stamped at the end of the tick, one reading for all of it", async () => {
		const items = [new Item(), new Item(), new Item()];
		for (const item of items) clock.add(item, 300);
		expect(items.map(({ deadline }) => deadline)).toEqual([0, 0, 0]);
		await endOfTick();
		expect(items.map(({ deadline }) => deadline)).toEqual(items.map(() => performance.now() + 300));
	});

	test("does not move when more are added later", async () => {
		const first = await added(300);
		pass(100);
		const second = await added(300);
		expect(second.deadline - first.deadline).toBe(100);
		pass(251);
		expect([first.expiredAt.length, second.expiredAt.length]).toEqual([1, 0]);
		pass(100);
		expect(second.expiredAt).toHaveLength(1);
	});
});

describe("items", () => {
	test("expire in the order they were added, each timeout for itself", async () => {
		const order: string[] = [];
		const named = (name: string) => new Item(() => order.push(name));
		await added(500, named("500 a"));
		await added(200, named("200 a"));
		await added(500, named("500 b"));
		await added(200, named("200 b"));
		pass(700);
		expect(order).toEqual(["200 a", "200 b", "500 a", "500 b"]);
	});

	test("that are unlinked never expire, wherever they stand, and unlinking twice is harmless", async () => {
		const items: Item[] = [];
		for (let i = 0; i < 5; i++) items.push(await added(100));
		for (const index of [0, 2, 4, 2]) items[index]?.unlink();
		pass(300);
		expect(items.map(({ expiredAt }) => expiredAt.length)).toEqual([0, 1, 0, 1, 0]);
		new Item().unlink();
	});

	test("that are unlinked in the tick they were added in never expire", async () => {
		const item = new Item();
		clock.add(item, 100);
		item.unlink();
		await endOfTick();
		expect(vi.getTimerCount()).toBe(0);
		pass(300);
		expect(item.expiredAt).toEqual([]);
	});

	test("may add others, and unlink others that are due, while they expire", async () => {
		const victim = new Item();
		const late = new Item();
		const item = new Item(() => {
			victim.unlink();
			clock.add(late, 100);
		});
		await added(100, item);
		await added(100, victim);
		pass(151);
		await endOfTick();
		expect([item.expiredAt.length, victim.expiredAt.length, late.expiredAt.length]).toEqual([1, 0, 0]);
		pass(201);
		expect(late.expiredAt).toHaveLength(1);
	});

	test("expire once", async () => {
		const item = await added(50);
		pass(1000);
		expect(item.expiredAt).toHaveLength(1);
	});
});

describe("the poll phase", () => {
	test("C21 an item that is due expires one poll phase later, and not at all when its reply was read in it", async () => {
		vi.useRealTimers();
		vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
		const phases: (() => void)[] = [];
		const immediate = vi.spyOn(globalThis, "setImmediate").mockImplementation(((run: (now: number) => void, now: number) => {
			phases.push(() => run(now));
		}) as never);
		try {
			const answered = await added(100);
			const silent = await added(100);
			pass(151);
			expect(phases.length).toBeGreaterThanOrEqual(1);
			expect([answered.expiredAt, silent.expiredAt]).toEqual([[], []]);
			answered.unlink();
			for (const phase of phases.splice(0)) phase();
			expect([answered.expiredAt.length, silent.expiredAt.length]).toEqual([0, 1]);
		} finally {
			immediate.mockRestore();
		}
	});

	test("C21 what is added while a tick's expiry waits is not taken for due", async () => {
		const item = await added(100);
		pass(99);
		const young = await added(100);
		pass(60);
		expect([item.expiredAt.length, young.expiredAt.length]).toEqual([1, 0]);
	});
});

describe("the timer", () => {
	test("is one for any number of items and timeouts, and runs only while something is pending", async () => {
		expect(vi.getTimerCount()).toBe(0);
		const items: Item[] = [];
		for (let i = 0; i < 10_000; i++) {
			const item = new Item();
			items.push(item);
			clock.add(item, 100 + (i % 50));
		}
		await endOfTick();
		expect(vi.getTimerCount()).toBe(1);
		for (const item of items) item.unlink();
		pass(101);
		expect(vi.getTimerCount()).toBe(0);
		const again = await added(100);
		expect(vi.getTimerCount()).toBe(1);
		pass(201);
		expect(again.expiredAt).toHaveLength(1);
		pass(100);
		expect(vi.getTimerCount()).toBe(0);
	});

	test("ends with stop(), which expires nothing; the clock can be used again", async () => {
		const item = await added(100);
		const sameTick = new Item();
		clock.add(sameTick, 100);
		clock.stop();
		await endOfTick();
		expect(vi.getTimerCount()).toBe(0);
		pass(500);
		expect([item.expiredAt, sameTick.expiredAt]).toEqual([[], []]);
		const next = await added(100);
		pass(201);
		expect(next.expiredAt).toHaveLength(1);
	});
});
