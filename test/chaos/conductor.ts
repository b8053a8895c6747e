/** A run: four client processes, a cluster behind proxies, and one fault after the other until the time is over. */
import { setTimeout as sleep } from "node:timers/promises";
import { Control } from "./control.js";
import { faults, shardsOf } from "./faults.js";
import { clock, type Order, type Sabotage } from "./messages.js";
import { DriverProcess, type News } from "./processes.js";
import type { FaultRecord, Run, Sample } from "./run.js";
import { type Step, schedule } from "./schedule.js";
import { CLIENTS, SHARDS } from "./shards.js";
import { World } from "./world.js";

export interface RunSetup {
	seed: number;
	minutes: number;
	nodeTimeoutMs: number;
	faults: readonly string[];
	/** Between the end of a fault and the next one. */
	restMs: readonly [least: number, most: number];
	sabotage: Sabotage | null;
	deadlineMs: number;
	concurrency: number;
	thinkMs: number;
	/** Between two samples. */
	sampleMs: number;
	/** Each sample and each fault as it comes. */
	onSample?(sample: Sample[], run: Run): Promise<void> | void;
	onFault?(record: FaultRecord): void;
}

/** The fault that shows a sabotage, where not any does: a run begins with it. */
const TOLD_BY: Record<Sabotage, string | null> = {
	desync: null,
	"double-send": "replies lost",
	"lost-settle": null,
	deaf: "connections reset",
	"untold-gap": "replies lost",
	twice: "connections refused",
	"lost-ack": "connections reset",
};
/** Without faults, to learn how quick calls are here. */
const WARM_UP_MS = 5000;
const EXIT_MS = 10_000;
/** Whatever did not recover by then never will. */
const RECOVERY_MS = 30_000;

export async function conduct(setup: RunSetup): Promise<Run> {
	await using world = await World.start(setup.nodeTimeoutMs);
	await using control = await Control.start();
	const run = new Conductor(setup, world, control);
	try {
		return await run.conduct();
	} finally {
		await run.end();
	}
}

class Conductor {
	readonly #setup: RunSetup;
	readonly #world: World;
	readonly #control: Control;
	readonly #drivers: DriverProcess[];
	readonly #run: Run;
	/** Called with every piece of news of a recovery. */
	#recovered: (step: number) => void = () => {};
	readonly #ends: number;
	/** Calls that took too long. The control knows only once they are over whether the machine stood still: they are judged at the end. */
	readonly #late: Extract<News, { report: "late" }>[] = [];

	constructor(setup: RunSetup, world: World, control: Control) {
		this.#setup = setup;
		this.#world = world;
		this.#control = control;
		const { seed, minutes, nodeTimeoutMs, sabotage } = setup;
		this.#run = { seed, minutes, nodeTimeoutMs, sabotage, startedAt: clock(), faults: [], samples: [], wrong: [], excused: [] };
		this.#ends = clock() + minutes * 60_000;
		this.#drivers = Array.from({ length: CLIENTS }, (_, index) => {
			const { deadlineMs, concurrency, thinkMs } = setup;
			const { url } = world.front;
			// Both protocols, and both with slots on several connections.
			const shape = { protocol: index % 2 === 0 ? 3 : 2, shared: index < 2 ? 1 : 2 } as const;
			const driver = { index, url, ...shape, deadlineMs, concurrency, thinkMs, seed, sabotage };
			return new DriverProcess(driver, (news) => this.#hear(index, news));
		});
	}

	/** A run that breaks off is red, and keeps what was found until then. */
	async conduct(): Promise<Run> {
		try {
			await this.#goThrough();
		} catch (error) {
			this.#run.wrong.push(`the run broke off after ${this.#seconds()} s, ${this.#lastFault()}: ${(error as Error).message}`);
		}
		for (const late of this.#late) (this.#control.excuses(late) ? this.#run.excused : this.#run.wrong).push(late.what);
		return this.#run;
	}

	async #goThrough(): Promise<void> {
		await Promise.all(this.#drivers.map((driver) => driver.ready()));
		await sleep(WARM_UP_MS);
		await this.#tell({ order: "calibrate" });
		await this.#sample();
		let sampled = clock();
		const { seed, faults, restMs, sabotage } = this.#setup;
		for (const step of schedule(seed, faults, restMs, sabotage && TOLD_BY[sabotage])) {
			const rests = clock() + step.restMs;
			for (;;) {
				const now = clock();
				if (now >= rests || now >= this.#ends) break;
				await sleep(Math.min(rests, this.#ends, sampled + this.#setup.sampleMs) - now);
				if (clock() >= sampled + this.#setup.sampleMs) {
					await this.#sample();
					sampled = clock();
				}
			}
			if (clock() >= this.#ends) break;
			await this.#step(step);
		}
		await this.#finalCheck();
		await this.#sample();
		await this.#finish();
	}

	/** Ends what is left, however the run went. */
	async end(): Promise<void> {
		await Promise.all(this.#drivers.map((driver) => driver.kill()));
	}

	/** A client that was closed leaves nothing that keeps its process alive. */
	async #finish(): Promise<void> {
		const ends = Promise.all(this.#drivers.map((driver) => driver.finish())).then(() => true);
		if (!(await Promise.race([ends, sleep(EXIT_MS, false, { ref: false })])))
			this.#run.wrong.push(`a client process did not end within ${EXIT_MS} ms`);
	}

	/** One fault, from its announcement to the moment in which nothing of it is left. */
	async #step(step: Step): Promise<void> {
		const fault = faults[step.fault]!;
		const shards = shardsOf(fault, step);
		const before = await Promise.all(shards.map((shard) => this.#world.primaryOf(shard)));
		const steady = fault.moves ? [] : before.map(({ host, port }, i) => ({ shard: shards[i]!, host, port }));
		await this.#tell({ order: "expect", shards, mayLose: fault.mayLose ?? false, steady });
		const at = clock();
		const record: FaultRecord = {
			...step,
			shards,
			atMs: at - this.#run.startedAt,
			recoveryMs: [],
			messagesMs: [],
			entriesMs: [],
			wholeMs: 0,
			promoted: 0,
			lost: 0,
		};
		this.#run.faults.push(record);
		const all = new Promise<void>((resolve) => {
			this.#recovered = (number) => number === step.number && record.recoveryMs.length === shards.length * CLIENTS && resolve();
		});
		const block = async (ms: number) => void (await this.#tell({ order: "block", ms }));
		if (shards.length === 0) this.#recovered(step.number);
		const end = await fault.begin(this.#world, step, { block });
		await this.#tell({ order: "begun", step: step.number, at });
		await end();
		await Promise.race([all, sleep(RECOVERY_MS, undefined, { ref: false })]);
		await this.#world.whole();
		const after = await Promise.all(shards.map((shard) => this.#world.primaryOf(shard)));
		record.promoted = after.filter((node, i) => node !== before[i]).length;
		const nodes = shards.map((shard, i) => {
			const { host, port } = after[i]!;
			return { shard, host, port, lossSince: fault.mayLose && after[i] !== before[i] ? at : null };
		});
		record.lost = await this.#rebase(nodes);
		record.wholeMs = clock() - at;
		this.#setup.onFault?.(record);
	}

	async #rebase(nodes: Extract<Order, { order: "rebase" }>["nodes"]): Promise<number> {
		const done = await this.#tell({ order: "rebase", nodes });
		return done.reduce((sum, { lost = 0 }) => sum + lost, 0);
	}

	/** Every key once more, against everything that was acknowledged since its last baseline. */
	async #finalCheck(): Promise<void> {
		const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
		const nodes = await Promise.all(
			shards.map(async (shard) => {
				const { host, port } = await this.#world.primaryOf(shard);
				return { shard, host, port, lossSince: null };
			}),
		);
		await this.#rebase(nodes);
	}

	async #sample(): Promise<void> {
		const done = await this.#tell({ order: "tally" });
		const atMs = clock() - this.#run.startedAt;
		const samples = done.map(({ tally }, client) => ({ atMs, client, ...tally! }));
		this.#run.samples.push(...samples);
		await this.#setup.onSample?.(samples, this.#run);
	}

	#tell(order: Order) {
		return Promise.all(this.#drivers.map((driver) => driver.give(order)));
	}

	#hear(client: number, news: News): void {
		if (news.report === "recovered") {
			const record = this.#run.faults.at(-1);
			if (record?.number !== news.step) return;
			if (news.way === "messages") record.messagesMs.push(news.ms);
			else if (news.way === "entries") record.entriesMs.push(news.ms);
			else {
				record.recoveryMs.push(news.ms);
				this.#recovered(news.step);
			}
			return;
		}
		const what = `client ${client}, after ${this.#seconds()} s, ${this.#lastFault()}: ${news.what}`;
		if (news.report === "late") this.#late.push({ ...news, what });
		else this.#run.wrong.push(what);
	}

	#seconds(): number {
		return Math.round((clock() - this.#run.startedAt) / 100) / 10;
	}

	#lastFault(): string {
		const last = this.#run.faults.at(-1);
		return last === undefined ? "before the first fault" : `fault ${last.number} (${last.fault}, shard ${last.shards})`;
	}
}
