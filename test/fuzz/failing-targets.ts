/** Targets that break in every way there is, for the fuzzer's own test: each at the first input with an array in it. */
import { bounded } from "./allocation.js";
import type { Target } from "./targets.js";

const kept: unknown[] = [];

function failing(name: string, fail: (input: Buffer) => void): Target {
	return {
		name,
		share: 1,
		seeds: ({ resp2 }) => resp2,
		run: (input) => {
			if (input.includes("*")) fail(input);
			return "accepted";
		},
	};
}

export const targets: readonly Target[] = [
	failing("throws", () => {
		throw new TypeError("not what was promised");
	}),
	failing("hangs", () => {
		while (kept.length === 0) performance.now();
	}),
	failing("allocates", (input) => bounded(input.length, () => Buffer.allocUnsafeSlow(100 * 1024 * 1024))),
	failing("allocates-often", (input) => {
		bounded(input.length, () => Array.from({ length: 100 }, () => Buffer.allocUnsafeSlow(64 * 1024)));
	}),
	failing("fills-the-heap", (input) => bounded(input.length, () => kept.push(new Array(4_000_000).fill(0)))),
	failing("ends", () => process.exit(3)),
	failing("never", () => {}),
];
