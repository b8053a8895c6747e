import { describe, expect, test } from "vitest";
import { type Operation, unexplained, violation } from "../../support/register-history.js";

/** `"w1 0-3"` a write of 1 asked at 0 and answered at 3; `"r1 1-2"` a read that gave 1; `r-` one that gave null; `w1 0-` unanswered. */
function history(...lines: string[]): Operation[] {
	return lines.map((line) => {
		const [, kind, value, asked, answered] = /^([rw])(\S+) (\d+)-(\d*)$/.exec(line)!;
		return {
			kind: kind === "r" ? "read" : "write",
			value: value === "-" ? null : value!,
			asked: Number(asked),
			answered: answered === "" ? Number.POSITIVE_INFINITY : Number(answered),
		};
	});
}

describe("histories that some order explains", () => {
	test.each([
		["nothing", []],
		["reads of the first value", ["r0 1-2", "r0 3-4"]],
		["one after the other", ["w1 1-2", "r1 3-4", "w2 5-6", "r2 7-8"]],
		["a read beside a write gives either", ["w1 1-9", "r0 2-3", "r1 4-5"]],
		["two writes at once, the later question first", ["w1 1-9", "w2 2-8", "r2 10-11"]],
		["two writes at once, one seen between", ["w1 1-9", "w2 2-8", "r2 3-4", "r1 5-6", "r1 10-11"]],
		["a write that was overwritten unseen", ["w1 1-2", "w2 3-4", "r2 5-6"]],
		["an unanswered write that was made", ["w1 1-", "r0 2-3", "r1 4-5", "r1 6-7"]],
		["an unanswered write that was not made, or not yet", ["w1 1-", "r0 2-3", "r0 4-5"]],
		["an unanswered write that was made late", ["w1 1-", "w2 2-3", "r2 4-5", "r1 6-7"]],
		["an unanswered read", ["w1 1-2", "r- 3-"]],
	])("%s", (_what, lines) => {
		expect(violation(history(...lines), "0")).toBeNull();
	});
});

describe("histories that none explains", () => {
	test.each([
		["a value from nowhere", ["r7 1-2"]],
		["null, though the key was there", ["w1 1-2", "r- 3-4"]],
		["a value before it was written", ["r1 1-2", "w1 3-4"]],
		["a lost write", ["w1 1-2", "r0 3-4"]],
		["a lost write, seen before", ["w1 1-9", "r1 2-3", "r0 4-5"]],
		["an old value again", ["w1 1-2", "w2 3-4", "r2 5-6", "r1 7-8"]],
		["to and fro beside two writes", ["w1 1-20", "w2 2-19", "r1 3-4", "r2 5-6", "r1 7-8"]],
		["a write between two reads of another value", ["w1 1-2", "r1 3-4", "w2 5-6", "r1 7-8"]],
		["two readers that disagree on the order", ["w1 1-9", "w2 2-8", "r1 10-11", "r2 12-13"]],
		["an unanswered write, seen and gone", ["w1 1-", "r1 2-3", "r0 4-5"]],
	])("%s", (_what, lines) => {
		expect(violation(history(...lines), "0")).not.toBeNull();
	});

	test("a history in which two writes wrote the same cannot be judged", () => {
		expect(() => violation(history("w1 1-2", "w1 3-4"), "0")).toThrow(/twice/);
	});
});

test("a copy that lags gives old values, and never one that was not written", () => {
	expect(unexplained(history("w1 1-2", "w2 3-4", "r2 5-6", "r1 7-8", "r0 9-10"), "0")).toBeNull();
	expect(unexplained(history("w1 1-2", "r- 3-4"), "0")).toMatch(/null/);
	expect(unexplained(history("r1 1-2", "w1 3-4"), "0")).toMatch(/before/);
});
