/** The scripts against models that remember every hit, on a clock that the test sets. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Client, createClient, defineScript } from "../../src/index.js";
import type { Algorithm, Verdict } from "../../src/limit/algorithm.js";
import { slidingWindow } from "../../src/limit/sliding-window.js";
import { tokenBucket } from "../../src/limit/token-bucket.js";
import type { DefinedScript } from "../../src/script.js";

let client: Client;
beforeAll(async () => {
	client = await createClient(inject("standaloneUrl"));
});
afterAll(async () => {
	await client?.del("limit-model");
	await client?.close();
});

/** Far enough from now that no key of the test expires on the server's own clock. */
const START = Date.now() + 1000 * 86_400_000;

/** The same script, its time of day an argument. */
function withClock(algorithm: Algorithm): (now: number, points: number, take: boolean) => Promise<Verdict> {
	const { text } = algorithm.script as unknown as DefinedScript;
	const lua = text.toString().replace("redis.call('TIME')", "{ARGV[#ARGV], ARGV[#ARGV - 1]}");
	if (lua === text.toString()) throw new Error("the script does not ask for the time");
	// What would expire on the server's clock does not: the script alone decides what is over.
	const lasting = lua.replace(/redis\.call\('PEXPIRE', KEYS\[1\], [^)]*\)/, "redis.call('PERSIST', KEYS[1])");
	if (lasting === lua) throw new Error("the script lets nothing expire");
	const script = defineScript({ keys: 1, lua: lasting, reply: algorithm.script.reply });
	return (now, points, take) =>
		client.run(
			script,
			["limit-model"],
			[points, take ? 1 : 0, ...algorithm.settings, (now % 1000) * 1000, Math.floor(now / 1000)],
		);
}

interface Hit {
	at: number;
	points: number;
}

const sum = (hits: readonly Hit[]): number => hits.reduce((total, { points }) => total + points, 0);

interface Run {
	limit: number;
	windowMs: number;
	burst: number;
	/** Points in parts of what may be asked for, time in parts of a window. */
	steps: { part: number; pause: number }[];
}

const runs = (minLimit: number, maxLimit: number): fc.Arbitrary<Run> =>
	fc.record({
		limit: fc.integer({ min: minLimit, max: maxLimit }),
		windowMs: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1000, max: 100_000_000 })),
		burst: fc.integer({ min: 1, max: maxLimit }),
		steps: fc.array(
			fc.record({
				part: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
				pause: fc.oneof(
					// Around the ends of windows and of their 64ths.
					fc.constantFrom(0, 1 / 128, 1 / 64, 0.99, 1),
					fc.double({ min: 0, max: 0.2, noNaN: true }),
					fc.double({ min: 0, max: 1.5, noNaN: true }),
				),
			}),
			{ minLength: 5, maxLength: 40 },
		),
	});

/** Plays a run; `judge` sees what was allowed before each call, and the call's verdict. */
async function play(
	algorithm: Algorithm,
	{ windowMs, steps }: Run,
	judge: (before: readonly Hit[], call: Hit, verdict: Verdict) => void,
): Promise<void> {
	const ask = withClock(algorithm);
	const allowed: Hit[] = [];
	let now = START;
	await client.del("limit-model");
	for (const { part, pause } of steps) {
		now += Math.floor(pause * windowMs);
		const call = { at: now, points: Math.max(1, Math.round(part * algorithm.capacity)) };
		const verdict = await ask(now, call.points, true);
		judge(allowed, call, verdict);
		if (verdict.allowed) allowed.push(call);
		else {
			// The wait is the true one: not a millisecond earlier.
			expect((await ask(now + verdict.retryAfterMs - 1, call.points, false)).allowed).toBe(false);
			expect((await ask(now + verdict.retryAfterMs, call.points, false)).allowed).toBe(true);
		}
		const whole = await ask(now + verdict.resetMs, 1, false);
		expect(whole.remaining).toBe(algorithm.capacity);
		if (verdict.resetMs > 0) expect((await ask(now + verdict.resetMs - 1, 1, false)).resetMs).toBe(1);
	}
}

test.each([
	["every hit by itself", 1, 64],
	["hits gathered in 64ths of the window", 65, 5000],
])("S2.5 sliding window, %s: never more than the limit in any window, and no refusal but for hits at most 1/64 older", async (_, min, max) => {
	const property = fc.asyncProperty(runs(min, max), async (run) => {
		const { limit, windowMs } = run;
		const slack = limit <= 64 ? 0 : Math.ceil(windowMs / 64) - 1;
		await play(slidingWindow(limit, windowMs), run, (before, { at, points }, { allowed, remaining }) => {
			const counted = sum(before.filter((hit) => hit.at + windowMs > at));
			const perhaps = sum(before.filter((hit) => hit.at + windowMs + slack > at));
			if (allowed) expect(counted + points).toBeLessThanOrEqual(limit);
			else expect(perhaps + points).toBeGreaterThan(limit);
			const taken = allowed ? points : 0;
			expect(remaining).toBeLessThanOrEqual(limit - counted - taken);
			expect(remaining).toBeGreaterThanOrEqual(limit - perhaps - taken);
			if (slack === 0) expect(remaining).toBe(limit - counted - taken);
		});
	});
	await fc.assert(property, { numRuns: 60 });
});

test.each([
	[5, 5],
	[64, 64],
	[65, 65],
	[100_000, 65],
])("S2.5 sliding window: with a limit of %i a key holds at most %i times, however long it is used", async (limit, most) => {
	const ask = withClock(slidingWindow(limit, 64_000));
	await client.del("limit-model");
	let longest = 0;
	for (let i = 0; i < 400; i++) {
		await ask(START + i * 499, 1, true);
		longest = Math.max(longest, await client.hlen("limit-model"));
	}
	expect(longest).toBeLessThanOrEqual(most);
	expect(longest).toBeGreaterThan(most / 2);
});

test("S2.5 token bucket: from any moment on never more than the burst and what flows back since, and no refusal below it", async () => {
	const property = fc.asyncProperty(runs(1, 5000), async (run) => {
		const { limit, windowMs, burst } = run;
		await play(tokenBucket(limit, windowMs, burst), run, (before, call, { allowed }) => {
			let taken = call.points;
			let over = taken > burst;
			for (const hit of before.toReversed()) {
				taken += hit.points;
				over ||= (taken - burst) * windowMs > (call.at - hit.at) * limit;
			}
			expect(allowed).toBe(!over);
		});
	});
	await fc.assert(property, { numRuns: 60 });
});

test("S2.5 token bucket: a fractional refill does not drift, asked ten thousand times or once", async () => {
	// A token is 1000/7 ms: no number of milliseconds.
	const bucket = tokenBucket(7, 1000, 7);
	const ask = withClock(bucket);
	await client.del("limit-model");
	await ask(START, 7, true);
	let taken = 0;
	const calls = Array.from({ length: 10_000 }, (_, i) => ask(START + (i + 1) * 13, 1, true));
	for (const { allowed } of await Promise.all(calls)) if (allowed) taken++;
	// 130 s: 7 tokens each, whole to the last one.
	expect(taken).toBe(910);
	expect((await ask(START + 130_000 + 1000, 7, false)).allowed).toBe(true);
});
