import { expect, test } from "vitest";
import { backoffMs } from "../../../src/util/backoff.js";

const draws = (attempt: number) => Array.from({ length: 2000 }, () => backoffMs(attempt, 20, 1000));

test.each([
	[0, 20],
	[1, 40],
	[3, 160],
	[5, 640],
	[6, 1000],
	[40, 1000],
	[100_000, 1000],
])("C26 attempt %i: anything between 0 and %i ms", (attempt, bound) => {
	const all = draws(attempt);
	expect(Math.min(...all)).toBeGreaterThanOrEqual(0);
	expect(Math.max(...all)).toBeLessThan(bound);
	// Full jitter: clients that failed together come back spread over the whole range.
	for (let tenth = 0; tenth < 10; tenth++) {
		const within = all.filter((ms) => ms >= (tenth * bound) / 10 && ms < ((tenth + 1) * bound) / 10);
		expect(within.length).toBeGreaterThan(100);
	}
});

test("C26 without a base or a bound there is no pause", () => {
	expect(backoffMs(5, 0, 1000)).toBe(0);
	expect(backoffMs(5, 20, 0)).toBe(0);
});
