/** Watches every call of one client: that it settles in time, that shards without a fault are quick, and when the others are back. */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { ClientError } from "../../src/index.js";
import { clock, type Report, type Way } from "./messages.js";
import { SHARDS } from "./shards.js";

/** Beyond its deadline a call has this long to settle. */
export const SETTLE_MS = 1000;
/** A shard without a fault is late at ten times its usual 99th percentile, but not below this. */
const LATE_MS = 500;
const LATE_FACTOR = 10;
const LOOK_MS = 100;

interface Call {
	name: string;
	issued: number;
	shards: readonly number[];
	/** How often it waits for a server, one time after the other. */
	trips: number;
	/** Goes on without it: nobody waits for what never comes. */
	giveUp(outcome: { error: ClientError }): void;
}

interface ShardState {
	/** Changes whenever a fault begins or ends, so that a call can tell whether all its life was without one. */
	epoch: number;
	healthy: boolean;
	/** Since when a failover may lose what was acknowledged shortly before; null where none can. */
	lossSince: number | null;
	underWay: number;
	fault: Fault | null;
	/** When the last one was over. */
	overAt: number;
}

/** Whose end is waited for: when it was announced, when all of it was there, and what has not worked since. */
interface Fault {
	step: number;
	at: number;
	begun: number;
	broken: Set<Way>;
}

/** What became of a call. */
export type Outcome<T> = { value: T } | { error: ClientError };

export class Watch {
	readonly errors: Record<string, number> = {};
	calls = 0;
	readonly #report: (report: Report) => void;
	readonly #deadlineMs: number;
	readonly #shards: ShardState[];
	readonly #open = new Set<Call>();
	readonly #timer: NodeJS.Timeout;
	#lateMs = Number.POSITIVE_INFINITY;
	#healthy = createHistogram();
	#all = createHistogram();
	#looked = performance.now();
	/** The last one, for what no single shard is needed for. */
	#anywhere: Fault | null = null;

	constructor(deadlineMs: number, report: (report: Report) => void) {
		this.#deadlineMs = deadlineMs;
		this.#report = report;
		this.#shards = Array.from({ length: SHARDS }, () => ({
			epoch: 0,
			healthy: true,
			lossSince: null,
			underWay: 0,
			fault: null,
			overAt: Number.NEGATIVE_INFINITY,
		}));
		this.#timer = setInterval(() => this.#lookForOverdue(), LOOK_MS);
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	/** What ran so far was without a fault: what is late from now on. */
	calibrate(): void {
		this.#lateMs = Math.max(LATE_MS, (LATE_FACTOR * this.#healthy.percentile(99)) / 1000);
	}

	expectFault(shards: readonly number[], mayLose: boolean): void {
		for (const shard of shards) this.#enter(shard, { healthy: false, lossSince: mayLose ? clock() : null });
	}

	faultBegun(step: number, at: number): void {
		const begun = clock();
		const ill = this.#shards.filter(({ healthy }) => !healthy);
		for (const state of ill) state.fault = { step, at, begun, broken: new Set(["calls", "messages", "entries"]) };
		if (ill.length > 0) this.#anywhere = { step, at, begun, broken: new Set(["messages"]) };
	}

	faultOver(shard: number): void {
		this.#enter(shard, { healthy: true, lossSince: null });
		this.#shards[shard]!.overAt = clock();
	}

	/** When the fault was announced that may end in a failover which loses writes; null: nothing acknowledged can be lost in this shard. */
	lossSince(shard: number): number | null {
		return this.#shards[shard]!.lossSince;
	}

	isHealthy(shard: number): boolean {
		return this.#shards[shard]!.healthy;
	}

	/** For how long a shard, or with null any, has been without a fault, in milliseconds; 0 while it has one. */
	healthyFor(shard: number | null): number {
		const states = shard === null ? this.#shards : [this.#shards[shard]!];
		return Math.min(...states.map(({ healthy, overAt }) => (healthy ? Math.max(1, clock() - overAt) : 0)));
	}

	/** Something works at a shard again, or wherever it may: it was asked for at this moment, and is there. */
	works(way: Way, shard: number | null, askedAt: number): void {
		const fault = shard === null ? this.#anywhere : this.#shards[shard]!.fault;
		if (fault === null || askedAt < fault.begun || !fault.broken.delete(way)) return;
		this.#report({ report: "recovered", way, step: fault.step, ms: clock() - fault.at });
	}

	/** Calls under way that this shard has a part in. */
	underWay(shard: number): number {
		return this.#shards[shard]!.underWay;
	}

	/** Changes with every fault that begins or ends. */
	epoch(shard: number): number {
		return this.#shards[shard]!.epoch;
	}

	wrong(what: string): void {
		this.#report({ report: "wrong", what });
	}

	/** @param trips how often the call waits for a server, one time after the other: it is late so much later */
	async call<T>(name: string, shards: readonly number[], start: () => Promise<T>, trips = 1): Promise<Outcome<T>> {
		const issued = clock();
		const epochs = shards.map((shard) => this.epoch(shard));
		const healthy = shards.every((shard) => this.isHealthy(shard));
		this.calls += 1;
		for (const shard of shards) this.#shards[shard]!.underWay += 1;
		let call!: Call;
		const outcome = await new Promise<Outcome<T>>((resolve) => {
			call = { name, issued, shards, trips, giveUp: resolve };
			this.#open.add(call);
			// What it throws at once is as wrong as any other error, and no reason to count it as under way for ever.
			Promise.resolve()
				.then(start)
				.then(
					(value) => resolve({ value }),
					(error) => resolve({ error: this.#known(name, error) }),
				);
		});
		for (const shard of shards) this.#shards[shard]!.underWay -= 1;
		this.#open.delete(call);
		this.#judge(call, outcome, healthy && shards.every((shard, i) => this.epoch(shard) === epochs[i]));
		return outcome;
	}

	/** An error of a call or of one item. */
	count(error: ClientError): void {
		this.errors[error.code] = (this.errors[error.code] ?? 0) + 1;
	}

	percentiles(): { healthy: Percentiles; all: Percentiles } {
		const figures = { healthy: percentilesOf(this.#healthy), all: percentilesOf(this.#all) };
		this.#healthy.reset();
		this.#all.reset();
		return figures;
	}

	#enter(shard: number, state: Pick<ShardState, "healthy" | "lossSince">): void {
		const { epoch } = this.#shards[shard]!;
		Object.assign(this.#shards[shard]!, state, { epoch: epoch + 1, fault: null });
	}

	#known(name: string, error: unknown): ClientError {
		if (error instanceof ClientError) return error;
		this.wrong(`${name} rejected with something that is no error of the client: ${String(error)}`);
		return new ClientError("PROTOCOL", "unknown");
	}

	#judge({ name, issued, shards, trips }: Call, outcome: Outcome<unknown>, healthy: boolean): void {
		const now = clock();
		const ms = now - issued;
		const failed = "error" in outcome;
		if (failed) this.count(outcome.error);
		if (failed && outcome.error instanceof NeverSettled)
			this.wrong(`${name} at shard ${shards} did not settle within ${Math.round(ms)} ms`);
		else if (ms > this.#deadlineMs + SETTLE_MS) {
			const what = `${name} at shard ${shards} settled ${Math.round(ms - this.#deadlineMs)} ms after its deadline`;
			this.#report({ report: "late", what, from: issued + this.#deadlineMs, to: now });
		}
		this.#all.record(microseconds(ms));
		if (!healthy) {
			if (!failed && shards.length === 1) this.works("calls", shards[0]!, issued);
			return;
		}
		this.#healthy.record(microseconds(ms));
		if (failed)
			this.wrong(`${name} failed at shard ${shards}, which had no fault: ${outcome.error.code} ${outcome.error.message}`);
		const lateMs = this.#lateMs * trips;
		if (ms > lateMs) {
			const what = `${name} took ${Math.round(ms)} ms at shard ${shards}, which had no fault (late at ${Math.round(lateMs)} ms)`;
			this.#report({ report: "late", what, from: issued, to: now });
		}
	}

	/** A call that never settles would never be judged. After a stall of this process it first gets the chance to. */
	#lookForOverdue(): void {
		const now = performance.now();
		const stalled = now - this.#looked > 2 * LOOK_MS;
		this.#looked = now;
		if (stalled) return;
		for (const { issued, giveUp } of this.#open) {
			if (clock() - issued > this.#deadlineMs + SETTLE_MS) giveUp({ error: new NeverSettled() });
		}
	}
}

/** In place of what a call never said. */
class NeverSettled extends ClientError {
	override readonly maybeExecuted = true;

	constructor() {
		super("TIMEOUT", "never settled");
	}
}

export interface Percentiles {
	p50: number;
	p99: number;
	max: number;
}

function percentilesOf(histogram: RecordableHistogram): Percentiles {
	if (histogram.count === 0) return { p50: 0, p99: 0, max: 0 };
	const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map((us) => us / 1000);
	return { p50: p50!, p99: p99!, max: max! };
}

function microseconds(ms: number): number {
	return Math.max(1, Math.round(ms * 1000));
}
