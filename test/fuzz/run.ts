/**
 * The loop: every target gets its share of the inputs, one target after the other, each in a worker that is watched.
 *
 * | finding | what happened |
 * |---|---|
 * | crash | the target threw what the contract does not allow |
 * | broken | what must hold did not: values that depend on where bytes are cut, memory beyond its bound |
 * | hang | one input took longer than `hangMs`; its worker was ended |
 * | died | the worker ended by itself: out of memory, or an error outside of the target |
 */
import { Worker } from "node:worker_threads";
import { MAX_INPUT_BYTES } from "./mutate.js";
import type { Target } from "./targets.js";

export interface FuzzOptions {
	readonly seed: number;
	/** Over all targets. */
	readonly inputs: number;
	/** Over all targets. */
	readonly seconds: number;
	readonly hangMs: number;
	/** Names; none: all. */
	readonly only: readonly string[];
	/** One input, in base64, in place of those that would be made. */
	readonly replay: string | null;
	/** The URL of a module that exports `targets`. */
	readonly module: string;
	note(text: string): void;
}

/** What a worker is given. */
export interface Job {
	readonly module: string;
	readonly name: string;
	readonly seed: number;
	readonly inputs: number;
	readonly ms: number;
	readonly replay: string | null;
}

/** Shared with the worker: a counter that is odd while an input is run, the input's length, and from byte 8 on the input. */
export type Desk = SharedArrayBuffer;

export interface Stats {
	inputs: number;
	bytes: number;
	/** How often by outcome: "accepted", or the code it was refused with. */
	outcomes: Record<string, number>;
	slowestMs: number;
	/** The most that decoding one input took outside of V8's heap, and inside. */
	externalBytes: number;
	heapBytes: number;
	seconds: number;
}

export interface Failure {
	readonly kind: "crash" | "broken" | "hang" | "died";
	readonly message: string;
	readonly stack: string;
	/** In base64, as small as it could be made. */
	readonly input: string;
}

export type Told = { readonly stats: Stats } | { readonly failure: Failure };

export interface TargetReport extends Stats {
	readonly name: string;
	/** What the machine gave of itself; by the clock it may have been busy with other things. */
	readonly cpuSeconds: number;
	readonly failure: Failure | null;
}

const LOOK_MS = 100;
/** A target with a small share still gets beyond its seeds. */
const LEAST_MS = 2000;

export async function runFuzz(options: FuzzOptions): Promise<TargetReport[]> {
	const { targets } = (await import(options.module)) as { targets: readonly Target[] };
	const unknown = options.only.find((name) => !targets.some((target) => target.name === name));
	if (unknown !== undefined) throw new Error(`${unknown} is no target; there are ${targets.map(({ name }) => name).join(", ")}`);
	const chosen = targets.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
	const shares = chosen.reduce((sum, { share }) => sum + share, 0);
	const reports: TargetReport[] = [];
	for (const { name, share } of chosen) {
		const part = share / shares;
		const inputs = options.replay === null ? Math.ceil(options.inputs * part) : 1;
		const { module, seed, replay } = options;
		const ms = Math.max(LEAST_MS, options.seconds * 1000 * part);
		const report = await runTarget({ module, name, seed, inputs, ms, replay }, options.hangMs);
		reports.push(report);
		options.note(
			`${name}: ${report.inputs} inputs in ${report.seconds.toFixed(1)} s${report.failure === null ? "" : ", a finding"}`,
		);
	}
	return reports;
}

async function runTarget(job: Job, hangMs: number): Promise<TargetReport> {
	const desk: Desk = new SharedArrayBuffer(8 + MAX_INPUT_BYTES);
	const state = new Int32Array(desk, 0, 2);
	const current = (): string => Buffer.from(new Uint8Array(desk, 8, Atomics.load(state, 1))).toString("base64");
	let stats: Stats = { inputs: 0, bytes: 0, outcomes: {}, slowestMs: 0, externalBytes: 0, heapBytes: 0, seconds: 0 };
	let failure: Failure | null = null;
	const worker = new Worker(new URL("./worker.js", import.meta.url), {
		workerData: { ...job, desk },
		resourceLimits: { maxOldGenerationSizeMb: 512 },
	});
	const cpu = process.cpuUsage();
	let seen = 0;
	let since = performance.now();
	const watch = setInterval(() => {
		const now = performance.now();
		const at = Atomics.load(state, 0);
		if (at !== seen || at % 2 === 0) {
			seen = at;
			since = now;
		} else if (now - since > hangMs) {
			// While a finding is made smaller, one of its parts may hang: the finding stands.
			failure ??= { kind: "hang", message: `one input took more than ${hangMs} ms`, stack: "", input: current() };
			clearInterval(watch);
			void worker.terminate();
		}
	}, LOOK_MS);
	try {
		await new Promise<void>((resolve) => {
			worker.on("message", (told: Told) => {
				if ("stats" in told) stats = told.stats;
				else failure = told.failure;
			});
			worker.on("error", ({ message, stack = "" }: Error) => {
				failure = { kind: "died", message, stack, input: current() };
			});
			worker.on("exit", (code) => {
				if (code !== 0) failure ??= { kind: "died", message: `the worker ended with code ${code}`, stack: "", input: current() };
				resolve();
			});
		});
	} finally {
		clearInterval(watch);
	}
	const { user, system } = process.cpuUsage(cpu);
	return { ...stats, name: job.name, cpuSeconds: (user + system) / 1e6, failure };
}
