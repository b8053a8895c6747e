/**
 * A process under measurement, whatever it measures. It reads orders from stdin, a JSON line each, and answers each with one line on stdout:
 *
 *     start ──► check ──► round ──► round … ──► end of input
 */
import net from "node:net";
import { createInterface } from "node:readline";
import { percentile } from "../percentile.js";
import type { Target } from "./adapter.js";
import type { Operation } from "./operation.js";

export interface Start<W> {
	order: "start";
	client: string;
	target: Target;
	workload: W;
}

export type Order<W = object> = Start<W> | { order: "check"; requests: number } | { order: "round"; ms: number };

export interface Started {
	version: string;
	/** False: the client has no call for this workload. */
	supported: boolean;
}

export interface Checked {
	/** Writes to sockets; null where they are not made by this runtime's `net`. */
	writes: number | null;
	/** Values that a cache asked its source for; absent where there is none. */
	made?: number;
}

/** One round. Times in microseconds. */
export interface Round {
	requests: number;
	seconds: number;
	p50: number;
	p95: number;
	p99: number;
	/** User and system time of this process, for a request. */
	cpu: number;
	/** Peak resident set so far, in bytes. */
	peakRss: number;
}

/** What was started: one client under one workload. */
export interface Trial {
	/** Performs requests one after the other and looks at what they return. @throws what is wrong with it */
	check(requests: number): Promise<Checked>;
	round(ms: number): Promise<Round>;
	close(): Promise<void>;
}

let writes = 0;

/** Writes to sockets while `work` runs: one `_write` or `_writev` is one system call, or more when it is large. */
export async function countWrites(work: () => Promise<void>): Promise<number> {
	writes = 0;
	await work();
	return writes;
}

/** From here on, what the clients of this runtime hand to the kernel is counted. */
function watchWrites(): void {
	const prototype = net.Socket.prototype;
	for (const name of ["_write", "_writev"] as const) {
		const original = prototype[name] as (...args: unknown[]) => void;
		Object.assign(prototype, {
			[name](this: net.Socket, ...args: unknown[]) {
				writes += 1;
				original.apply(this, args);
			},
		});
	}
}

/** At most so many latencies are kept in a round. */
const SAMPLES = 1 << 20;
const samples = new Float64Array(SAMPLES);

/** Keeps `inFlight` requests in flight for so long, from request 0; each is followed by the next as soon as its promise settles. */
export async function measureRound(run: Operation, inFlight: number, ms: number): Promise<Round> {
	// Looking at the clock costs as much as a tenth of a pipelined request: every eighth is timed where there are many.
	const timed = inFlight >= 16 ? 8 : 1;
	let next = 0;
	let done = 0;
	let kept = 0;
	const cpu = process.cpuUsage();
	const started = performance.now();
	const until = started + ms;
	let over = false;
	const loop = async (): Promise<void> => {
		while (!over) {
			const i = next++;
			if (i % timed !== 0) await run(i);
			else {
				const from = performance.now();
				await run(i);
				const to = performance.now();
				if (kept < SAMPLES) samples[kept++] = to - from;
				if (to >= until) over = true;
			}
			done++;
		}
	};
	await Promise.all(Array.from({ length: inFlight }, loop));
	const seconds = (performance.now() - started) / 1000;
	const { user, system } = process.cpuUsage(cpu);
	const sorted = samples.subarray(0, kept).sort();
	const at = (share: number): number => percentile(sorted, share) * 1000;
	const peakRss = process.resourceUsage().maxRSS * 1024;
	return { requests: done, seconds, p50: at(0.5), p95: at(0.95), p99: at(0.99), cpu: (user + system) / done, peakRss };
}

/** Does what it is told until there are no more orders. */
export async function serve<W>(start: (order: Start<W>) => Promise<{ trial: Trial } & Started>): Promise<void> {
	watchWrites();
	let trial: Trial | undefined;
	// Whoever gave the orders is gone, and a client may try to connect for ever.
	process.stdin.once("end", () => setTimeout(() => process.exit(0), 2000).unref());
	const say = (answer: object): void => {
		process.stdout.write(`${JSON.stringify(answer)}\n`);
	};
	for await (const line of createInterface({ input: process.stdin })) {
		const order = JSON.parse(line) as Order<W>;
		try {
			if (order.order === "start") {
				const started = await start(order);
				trial = started.trial;
				say({ version: started.version, supported: started.supported });
			} else if (trial === undefined) throw new Error("nothing was started");
			else say(order.order === "check" ? await trial.check(order.requests) : await trial.round(order.ms));
		} catch (error) {
			say({ failed: error instanceof Error ? error.message : String(error) });
		}
	}
	await trial?.close();
	// Whatever a client leaves open.
	process.exit(0);
}
