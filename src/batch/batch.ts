/**
 * Runs a batch: dispatches its chunks, at most `maxInflight` unanswered per connection, and gathers results by item.
 *
 *     planned ──► dispatched ──► settled
 *                     │ TRYAGAIN to several keys ──► one command per key, dispatched again
 *     deadline, abort: dispatched groups become tombstones, what is unsettled gets the error
 */
import { Timed } from "../deadline-clock.js";
import type { Dispatcher } from "../dispatcher.js";
import { BatchError, ClientError } from "../errors.js";
import { CommandFlag, GroupRequest } from "../request.js";
import type { Reply } from "../resp/reply.js";
import type { BatchCommand, Chunk } from "./plan.js";

/** Larger batches are planned and run this many items at a time, so that the event loop turns in between. */
export const WINDOW_ITEMS = 16_384;

/** What is particular to one kind of batch. */
export interface BatchWork<T> {
	readonly items: number;
	/** Chunks for the items from `from` to `to` (excluded), by lane. */
	plan(from: number, to: number): Chunk[][];
	/** Writes what a reply means for the items of its command into `results`. */
	take(command: BatchCommand, reply: Exclude<Reply, ClientError>, results: (T | ClientError)[]): void;
	/** One command per key, when the server can not answer for several now. */
	split?(command: BatchCommand): BatchCommand[];
	/** A reply in place of an error, when the error means one; undefined: it is an error. */
	pardon?(command: BatchCommand, error: ClientError): Exclude<Reply, ClientError> | undefined;
}

interface LaneRun {
	readonly chunks: Chunk[];
	next: number;
	/** Groups dispatched and not yet answered whole. */
	open: number;
	launching: boolean;
}

export class BatchRun<T> extends Timed {
	/** Results by item; `undefined` where nothing is known yet. */
	readonly results: (T | ClientError)[];
	onSettled: (() => void) | null = null;
	readonly #work: BatchWork<T>;
	readonly #dispatcher: Dispatcher;
	readonly #maxInflight: number;
	readonly #finish: (results: (T | ClientError)[], failed: boolean) => void;
	readonly #groups = new Map<GroupRequest, LaneRun>();
	#from = 0;
	#failed = false;
	#done = false;
	/** Lanes that are dispatching right now: a chunk that settles meanwhile does not end the batch. */
	#launching = 0;

	constructor(
		work: BatchWork<T>,
		dispatcher: Dispatcher,
		maxInflight: number,
		finish: (results: (T | ClientError)[], failed: boolean) => void,
	) {
		super();
		this.#work = work;
		this.#dispatcher = dispatcher;
		this.#maxInflight = maxInflight;
		this.#finish = finish;
		this.results = new Array(work.items);
	}

	start(): void {
		if (this.#work.items === 0) this.#complete();
		else this.#nextWindow();
	}

	override expire(): void {
		this.cancel(() => new ClientError("TIMEOUT", "the batch did not settle within its deadline"));
	}

	/** Gives up what is unsettled; replies that still come are swallowed. */
	cancel(makeError: () => ClientError): void {
		if (this.#done) return;
		for (const group of this.#groups.keys()) {
			group.abandoned = true;
			const error = makeError();
			if (group.written) error.maybeExecuted = true;
			for (const command of group.commands as BatchCommand[]) this.#fill(command.items, error);
		}
		this.#groups.clear();
		const error = makeError();
		for (let i = 0; i < this.results.length; i++) if (this.results[i] === undefined) this.results[i] = error;
		this.#failed = true;
		this.#complete();
	}

	#nextWindow = (): void => {
		if (this.#done) return;
		this.#launching += 1;
		const from = this.#from;
		this.#from = Math.min(from + WINDOW_ITEMS, this.#work.items);
		for (const chunks of this.#work.plan(from, this.#from)) this.#launch({ chunks, next: 0, open: 0, launching: false });
		this.#launching -= 1;
		this.#advance();
	};

	/** Dispatches what `maxInflight` allows. A chunk that settles at once makes room for this loop and recurses no deeper. */
	#launch(lane: LaneRun): void {
		if (lane.launching) return;
		lane.launching = true;
		this.#launching += 1;
		while (!this.#done && lane.open < this.#maxInflight && lane.next < lane.chunks.length) {
			lane.next += 1;
			this.#dispatch(lane.chunks[lane.next - 1] as Chunk, lane);
		}
		this.#launching -= 1;
		lane.launching = false;
	}

	#dispatch(commands: BatchCommand[], lane: LaneRun): void {
		const group = new GroupRequest(commands, this.#settled);
		lane.open += 1;
		this.#groups.set(group, lane);
		this.#dispatcher.dispatch(group);
	}

	#settled = (index: number, result: Reply | ClientError, group: GroupRequest): void => {
		if (this.#done) return;
		const command = group.commands[index] as BatchCommand;
		const lane = this.#groups.get(group) as LaneRun;
		if (!(result instanceof ClientError)) this.#work.take(command, result, this.results);
		else if (result.code === "TRYAGAIN" && (command.flags & CommandFlag.splittable) !== 0 && this.#work.split !== undefined) {
			this.#dispatch(this.#work.split(command), lane);
		} else {
			const pardoned = this.#work.pardon?.(command, result);
			if (pardoned !== undefined) this.#work.take(command, pardoned, this.results);
			else this.#fill(command.items, result);
		}
		if (group.pending > 0) return;
		this.#groups.delete(group);
		lane.open -= 1;
		this.#launch(lane);
		this.#advance();
	};

	#advance(): void {
		if (this.#launching > 0 || this.#groups.size > 0) return;
		if (this.#from < this.#work.items) setImmediate(this.#nextWindow);
		else this.#complete();
	}

	#fill(items: readonly number[], error: ClientError): void {
		for (const item of items) {
			if (this.results[item] !== undefined) continue;
			this.results[item] = error;
			this.#failed = true;
		}
	}

	#complete(): void {
		if (this.#done) return;
		this.#done = true;
		this.unlink();
		if (this.onSettled !== null) this.onSettled();
		this.#finish(this.results, this.#failed);
	}
}

/** Rejects with a BatchError when any item failed, unless the caller wants errors among the results. */
export function finishBatch<T>(
	resolve: (results: (T | ClientError)[]) => void,
	reject: (error: ClientError) => void,
	partial: boolean,
): (results: (T | ClientError)[], failed: boolean) => void {
	return (results, failed) => {
		if (failed && !partial) reject(new BatchError(results));
		else resolve(results);
	};
}
