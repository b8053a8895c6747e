/**
 * One client under one workload, in a process of its own, and under its own runtime. It reads orders from stdin, a JSON line each, and
 * answers each with one line on stdout:
 *
 *     start ──► check ──► round ──► round … ──► end of input
 */
import net from "node:net";
import { createInterface } from "node:readline";
import { percentile } from "../percentile.js";
import { type Adapter, adapters, type Driver, type Target } from "./adapter.js";
import { isRead, type Operation, operationOf, wrongRead } from "./operation.js";
import { requestsOf, type Workload, type WorkRequest } from "./workload.js";

export type Order =
	| { order: "start"; client: string; target: Target; workload: Workload }
	| { order: "check"; requests: number }
	| { order: "round"; ms: number };

export interface Started {
	version: string;
	/** False: the client has no call for this workload. */
	supported: boolean;
}

export interface Checked {
	/** Writes to sockets; null where they are not made by this runtime's `net`. */
	writes: number | null;
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

let writes = 0;

/** Counts what the clients of this runtime hand to the kernel: one `_write` or `_writev` is one system call, or more when it is large. */
function countWrites(): void {
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

class Trial {
	readonly #driver: Driver;
	readonly #workload: Workload;
	readonly #requests: readonly WorkRequest[];
	readonly #run: Operation | null;
	readonly #native: boolean;
	readonly #samples = new Float64Array(SAMPLES);

	constructor(driver: Driver, workload: Workload, requests: readonly WorkRequest[], native: boolean) {
		this.#driver = driver;
		this.#workload = workload;
		this.#native = native;
		this.#requests = requests;
		this.#run = operationOf(driver, workload, requests);
	}

	get supported(): boolean {
		return this.#run !== null;
	}

	/** Performs requests one after the other and looks at what they return. */
	async check(requests: number): Promise<Checked> {
		const run = this.#run as Operation;
		writes = 0;
		for (let i = 0; i < requests; i++) {
			const result = await run(i);
			const request = this.#requests[i % this.#requests.length] as WorkRequest;
			const wrong =
				isRead(this.#workload) && !this.#driver.countsOnly ? wrongRead(result, request, this.#workload, this.#driver) : null;
			if (wrong !== null) throw new Error(`it returned ${wrong}`);
		}
		return { writes: this.#native ? null : writes };
	}

	/** Keeps `inFlight` requests in flight for so long; each is followed by the next as soon as its promise settles. */
	async round(ms: number): Promise<Round> {
		const run = this.#run as Operation;
		const { inFlight } = this.#workload;
		const samples = this.#samples;
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

	async close(): Promise<void> {
		await this.#driver.close();
	}
}

async function start({ client, target, workload }: Order & { order: "start" }): Promise<{ trial: Trial } & Started> {
	const entry = adapters.find(({ name }) => name === client);
	if (entry === undefined) throw new Error(`${client} is no client of this benchmark`);
	const { load } = (await import(`./adapters/${client}.js`)) as { load(): Promise<Adapter> };
	const { version, connect } = await load();
	const requests = requestsOf(workload);
	const trial = new Trial(await connect(target, workload, requests), workload, requests, entry.native === true);
	return { trial, version, supported: trial.supported };
}

async function main(): Promise<void> {
	countWrites();
	let trial: Trial | undefined;
	// Whoever gave the orders is gone, and a client may try to connect for ever.
	process.stdin.once("end", () => setTimeout(() => process.exit(0), 2000).unref());
	const say = (answer: object): void => {
		process.stdout.write(`${JSON.stringify(answer)}\n`);
	};
	for await (const line of createInterface({ input: process.stdin })) {
		const order = JSON.parse(line) as Order;
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

await main();
