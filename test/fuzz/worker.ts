/** Gives one target its inputs, in a thread of its own: `run.ts` sees which input it is at, and ends the thread when that takes too long. */
import { parentPort, workerData } from "node:worker_threads";
import { Random } from "../support/random.js";
import { countAllocations, peak } from "./allocation.js";
import { Broken } from "./broken.js";
import { readCorpus } from "./corpus.js";
import { hashOf } from "./hash.js";
import { mutate } from "./mutate.js";
import type { Desk, Failure, Job, Stats, Told } from "./run.js";
import { shrink } from "./shrink.js";
import type { Target } from "./targets.js";

const PROGRESS_MS = 500;

const { module, name, seed, inputs, ms, replay, desk } = workerData as Job & { desk: Desk };
const { targets } = (await import(module)) as { targets: readonly Target[] };
const target = targets.find((it) => it.name === name) as Target;
const state = new Int32Array(desk, 0, 2);
const place = new Uint8Array(desk, 8);
const stats: Stats = { inputs: 0, bytes: 0, outcomes: {}, slowestMs: 0, externalBytes: 0, heapBytes: 0, seconds: 0 };

const tell = (told: Told): void => parentPort?.postMessage(told);

/** Runs one input while it lies on the desk; what the target threw, if it did. */
function run(input: Buffer): { outcome: string } | { thrown: unknown } {
	place.set(input);
	Atomics.store(state, 1, input.length);
	Atomics.add(state, 0, 1);
	try {
		return { outcome: target.run(input) };
	} catch (thrown) {
		return { thrown };
	} finally {
		Atomics.add(state, 0, 1);
	}
}

function failureOf(input: Buffer, thrown: unknown): Failure {
	const { message = String(thrown), stack = "" } = thrown as Partial<Error>;
	return { kind: thrown instanceof Broken ? "broken" : "crash", message, stack, input: input.toString("base64") };
}

/** Two failures are one when they differ in figures alone. */
function isSame(a: Failure, b: Failure): boolean {
	const words = ({ kind, message }: Failure): string => `${kind} ${message.replace(/\d+/g, "")}`;
	return words(a) === words(b);
}

function failed(input: Buffer, thrown: unknown): void {
	const failure = failureOf(input, thrown);
	tell({ failure });
	const smaller = shrink(input, (candidate) => {
		const result = run(candidate);
		return "thrown" in result && isSame(failureOf(candidate, result.thrown), failure);
	});
	const result = run(smaller);
	if ("thrown" in result) tell({ failure: failureOf(smaller, result.thrown) });
}

function work(): void {
	const random = new Random(seed ^ hashOf(Buffer.from(name)));
	const seeds = replay === null ? target.seeds(readCorpus()) : [];
	const began = performance.now();
	let told = began;
	// Every seed as it is, then damaged ones.
	for (let now = began; stats.inputs < seeds.length || (stats.inputs < inputs && now - began < ms); ) {
		const input = replay === null ? (seeds[stats.inputs] ?? mutate(seeds, random)) : Buffer.from(replay, "base64");
		const before = performance.now();
		const result = run(input);
		now = performance.now();
		stats.inputs += 1;
		stats.bytes += input.length;
		stats.slowestMs = Math.max(stats.slowestMs, now - before);
		if ("thrown" in result) failed(input, result.thrown);
		else stats.outcomes[result.outcome] = (stats.outcomes[result.outcome] ?? 0) + 1;
		const isOver = "thrown" in result;
		if (isOver || now - told >= PROGRESS_MS) {
			told = now;
			tellStats(now - began);
		}
		if (isOver) return;
	}
	tellStats(performance.now() - began);
}

function tellStats(elapsedMs: number): void {
	tell({ stats: { ...stats, externalBytes: peak.external, heapBytes: peak.heap, seconds: elapsedMs / 1000 } });
}

countAllocations();
work();
