import { median } from "../../src/cli/bench/results.js";

const WARM_UP_MS = 150;
const REPETITIONS = 9;
const REPETITION_MS = 25;

/** CPU microseconds of one call: the median of repetitions, each of many calls. */
export function costOf(act: () => void): number {
	spend(act, WARM_UP_MS);
	return median(Array.from({ length: REPETITIONS }, () => spend(act, REPETITION_MS)));
}

function spend(act: () => void, ms: number): number {
	const cpu = process.cpuUsage();
	const until = performance.now() + ms;
	let calls = 0;
	do {
		act();
		calls += 1;
	} while (performance.now() < until);
	const { user, system } = process.cpuUsage(cpu);
	return (user + system) / calls;
}

/** Bytes that one result keeps in use. Needs `--expose-gc`. */
export function memoryOf(make: () => unknown, copies = 20): number {
	const kept = new Array<unknown>(copies);
	let bytes = 0;
	// What is compiled the first time is no part of a result.
	for (let pass = 0; pass < 2; pass++) {
		kept.fill(null);
		const before = bytesInUse();
		for (let i = 0; i < copies; i++) kept[i] = make();
		bytes = (bytesInUse() - before) / copies;
	}
	// What nothing reads any more would be collected already.
	if (kept.includes(null)) throw new Error("nothing was made");
	return bytes;
}

export function bytesInUse(): number {
	globalThis.gc?.();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}
