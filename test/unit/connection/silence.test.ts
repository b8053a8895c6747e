import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SilenceWatch } from "../../../src/connection/silence.js";
import { DeadlineClock } from "../../../src/deadline-clock.js";
import type { Entry } from "../../../src/request.js";

const SUSPECT_MS = 400;
/** Longer than anything here lasts, except where it is what is shown. */
const OVERDUE_MS = 5000;
/** A look every quarter, each up to a tick of the clock late, and the first of them only begins to listen. */
const LATEST_MS = SUSPECT_MS + 5 * 60 + 100;

const endOfTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

let clock: DeadlineClock;
/** The entry that is owed; only its deadline matters here. */
let owed: { deadline: number } | undefined;
let cursor: number;
let blockMs: number;
let events: { what: string; at: number }[];

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setImmediate", "clearImmediate", "performance"] });
	clock = new DeadlineClock();
	owed = { deadline: 0 };
	cursor = 0;
	blockMs = 0;
	events = [];
});
afterEach(() => {
	clock.stop();
	// A look that was due is not taken any more.
	vi.advanceTimersByTime(1);
	expect(vi.getTimerCount()).toBe(0);
	vi.useRealTimers();
});

function watchOf(suspectMs = SUSPECT_MS, overdueMs = OVERDUE_MS): SilenceWatch {
	const began = performance.now();
	const note = (what: string) => void events.push({ what, at: performance.now() - began });
	const watch: SilenceWatch = new SilenceWatch(clock, suspectMs, overdueMs, {
		owed: () => owed as Entry | undefined,
		get cursor() {
			return cursor;
		},
		blockMs: () => blockMs,
		suspected: () => note("suspected"),
		dead: (reason) => {
			note(reason);
			watch.end();
		},
	});
	return watch;
}

/** Lets time pass; after each step the clock stamps what was added in it, as at the end of a tick. */
async function pass(ms: number, each: () => void = () => {}): Promise<void> {
	for (let i = 0; i < ms; i += 10) {
		vi.advanceTimersByTime(10);
		await endOfTick();
		each();
	}
}

const whats = () => events.map(({ what }) => what);

describe("C18 a watch over silence", () => {
	test("suspects after suspectMs, never earlier, and says so again each time as long has passed", async () => {
		const watch = watchOf();
		watch.begin();
		await endOfTick();
		await pass(SUSPECT_MS);
		expect(events).toEqual([]);
		expect(watch.suspects).toBe(false);
		await pass(LATEST_MS - SUSPECT_MS);
		expect(whats()).toEqual(["suspected"]);
		expect(watch.suspects).toBe(true);
		await pass(2 * LATEST_MS);
		expect(events.length).toBeGreaterThanOrEqual(3);
		for (let i = 1; i < events.length; i++) {
			expect(events[i]!.at - events[i - 1]!.at).toBeGreaterThanOrEqual(SUSPECT_MS);
		}
		expect(new Set(whats())).toEqual(new Set(["suspected"]));
		watch.end();
	});

	test("never suspects while a byte comes now and then", async () => {
		const watch = watchOf();
		watch.begin();
		await endOfTick();
		for (let i = 0; i < 20; i++) {
			await pass(SUSPECT_MS - 20);
			watch.heard = true;
		}
		expect(events).toEqual([]);
		watch.end();
	});

	test("never suspects while nothing is owed, and looks no more", async () => {
		const watch = watchOf();
		watch.begin();
		await endOfTick();
		owed = undefined;
		await pass(2 * LATEST_MS);
		expect(events).toEqual([]);
		expect(vi.getTimerCount()).toBe(0);
		// What is owed later has all of its time.
		owed = { deadline: 0 };
		watch.begin();
		await endOfTick();
		await pass(SUSPECT_MS);
		expect(events).toEqual([]);
		await pass(LATEST_MS - SUSPECT_MS);
		expect(whats()).toEqual(["suspected"]);
		watch.end();
	});

	test("that is condemned ends it when it stays silent for another suspectMs", async () => {
		const watch = watchOf();
		watch.begin();
		await endOfTick();
		await pass(LATEST_MS);
		const condemned = events[0]!.at;
		watch.condemn();
		await pass(2 * LATEST_MS, () => watch.condemn());
		expect(whats().at(-1)).toMatch(/answers others/);
		expect(events.at(-1)!.at - condemned).toBeGreaterThanOrEqual(SUSPECT_MS);
		expect(events.at(-1)!.at - condemned).toBeLessThanOrEqual(2 * LATEST_MS);
	});

	test("that is condemned and heard of is free: the next silence is a new one", async () => {
		const watch = watchOf();
		watch.begin();
		await endOfTick();
		await pass(LATEST_MS);
		watch.condemn();
		watch.heard = true;
		await pass(3 * LATEST_MS);
		expect(new Set(whats())).toEqual(new Set(["suspected"]));
		watch.end();
	});

	test("is not condemned before it is suspected", async () => {
		const watch = watchOf();
		watch.begin();
		watch.condemn();
		await endOfTick();
		await pass(3 * LATEST_MS);
		expect(new Set(whats())).toEqual(new Set(["suspected"]));
		watch.end();
	});

	test("ends it when it is suspected and the oldest command is overdue, not before", async () => {
		const watch = watchOf();
		owed = { deadline: performance.now() + 3 * SUSPECT_MS };
		watch.begin();
		await endOfTick();
		await pass(3 * SUSPECT_MS);
		expect(new Set(whats())).toEqual(new Set(["suspected"]));
		await pass(LATEST_MS);
		expect(whats().at(-1)).toMatch(/overdue/);
	});

	test("does not end it for an overdue command while others are answered", async () => {
		const watch = watchOf();
		owed = { deadline: performance.now() + 10 };
		watch.begin();
		await endOfTick();
		await pass(3 * LATEST_MS, () => {
			watch.heard = true;
		});
		expect(events).toEqual([]);
		watch.end();
	});

	test.each([1000, 5000])("excuses a command that blocks for %i ms", async (ms) => {
		blockMs = ms;
		const watch = watchOf();
		watch.begin();
		await endOfTick();
		await pass(ms + SUSPECT_MS);
		expect(events).toEqual([]);
		await pass(ms + LATEST_MS);
		expect(whats()[0]).toBe("suspected");
		watch.end();
	});

	test("excuses a command that blocks for ever for ever", async () => {
		blockMs = Number.POSITIVE_INFINITY;
		const watch = watchOf();
		watch.begin();
		await endOfTick();
		await pass(20 * SUSPECT_MS, () => watch.condemn());
		expect(events).toEqual([]);
		watch.end();
	});

	test("of 0 ms never looks", async () => {
		const watch = watchOf(0);
		watch.begin();
		await endOfTick();
		expect(vi.getTimerCount()).toBe(0);
		await pass(LATEST_MS);
		expect(events).toEqual([]);
	});
});

describe("C18 a command that is long overdue", () => {
	test("ends a connection that is heard all the time, never before it was overdue for overdueMs", async () => {
		const watch = watchOf(SUSPECT_MS, 1000);
		owed = { deadline: performance.now() + 300 };
		watch.begin();
		await pass(2000, () => {
			watch.heard = true;
		});
		expect(whats()).toEqual(["the reply to a command that is long overdue has not ended"]);
		expect(events[0]?.at).toBeGreaterThanOrEqual(1300);
		expect(events[0]?.at).toBeLessThanOrEqual(1300 + SUSPECT_MS / 4 + 100);
	});

	test.each([
		[
			"the commands of one entry",
			() => {
				cursor += 1;
			},
		],
		[
			"entries, each of them overdue",
			() => {
				owed = { ...(owed as { deadline: number }) };
			},
		],
	])("does not end a connection on which replies end, late as they are: %s", async (_, next) => {
		const watch = watchOf(SUSPECT_MS, 1000);
		owed = { deadline: performance.now() + 300 };
		watch.begin();
		for (let i = 0; i < 10; i++) {
			await pass(500, () => {
				watch.heard = true;
			});
			next();
		}
		expect(events).toEqual([]);
		watch.end();
	});

	test.each([
		["one without a deadline", 1000, 0],
		["where commands have none by default", 0, 100],
	])("does not end one that is heard: %s", async (_, overdueMs, deadline) => {
		const watch = watchOf(SUSPECT_MS, overdueMs);
		owed = { deadline: deadline === 0 ? 0 : performance.now() + deadline };
		watch.begin();
		await pass(3000, () => {
			watch.heard = true;
		});
		expect(events).toEqual([]);
	});
});
