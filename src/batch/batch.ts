/**
 * Runs a batch: dispatches its chunks, at most `maxInflight` unanswered per connection, and gathers results by item.
 *
 *     planned ──► dispatched ──► settled
 *                     │ TRYAGAIN to several keys ──────────────► one command per key, dispatched again
 *                     │ the server hung up on several keys ────► half of the keys each, dispatched again
 *     deadline, abort: dispatched groups become tombstones, what is unsettled gets the error
 *
 * Lanes run independently: one that is slow, or down, holds up no other.
 */
import { Timed } from "../deadline-clock.js";
import type { Dispatcher } from "../dispatcher.js";
import { BatchError, ClientError } from "../errors.js";
import { GroupRequest } from "../group-request.js";
import { type Attempt, CommandFlag, type Frames, lateError } from "../request.js";
import type { Reply } from "../resp/reply.js";
import { type BatchCommand, type Chunk, sortedBySlot } from "./plan.js";

/**
 * Larger batches are planned lane by lane, a window of so many items at a time, or two chunks: their commands exist when they are needed, and
 * are gone before a collection takes them for long-lived (bench `growth`).
 */
export const WINDOW_ITEMS = 512;
/** Up to so many windows are planned at once. */
const WHOLE_WINDOWS = 4;

/** Items of a window whose chunks have so many keys. */
export function windowOf(chunkSize: number): number {
	return Math.max(WINDOW_ITEMS, 2 * chunkSize);
}

/** Whether a batch is planned before its call returns. */
export function isWhole(items: number, window: number): boolean {
	return items <= WHOLE_WINDOWS * window;
}

/** What is particular to one kind of batch. */
export interface BatchWork<T> {
	/** Of its commands; absent: they are of all kinds. */
	readonly name?: string;
	readonly items: number;
	/** Items of a lane that are planned at a time, see {@link windowOf}. */
	readonly window: number;
	/** Slots of the items, when commands are made of those that share one: windows are made of whole slots, as far as they go. */
	readonly slots: Int32Array | null;
	/** The lane of an item. */
	laneOf(item: number): unknown;
	/** Chunks by lane for the items `order[from]` to `order[to - 1]`; without `order`, for those from `from` on. */
	plan(order: Int32Array | null, from: number, to: number): Chunk[][];
	/** The bytes of a chunk, made as soon as it is planned; null: it is encoded when it is written. */
	encode?(chunk: Chunk): Frames | null;
	/** Writes what a reply means for the items of its command into `results`. */
	take(command: BatchCommand, reply: Exclude<Reply, ClientError>, results: (T | ClientError)[]): void;
	/** Every item has its result, or error. */
	finished?(results: readonly (T | ClientError)[]): void;
	/** The same for fewer keys at a time, in so many commands or one per key. */
	split?(command: BatchCommand, parts: number): BatchCommand[];
	/** A reply in place of an error, when the error means one; undefined: it is an error. */
	pardon?(command: BatchCommand, error: ClientError): Exclude<Reply, ClientError> | undefined;
}

interface PlannedChunk {
	readonly commands: Chunk;
	readonly frames: Frames | null;
}

interface LaneRun {
	/** Its items, where they are planned by and by; null: all is planned. */
	readonly order: Int32Array | null;
	/** Items planned. */
	planned: number;
	chunks: PlannedChunk[];
	next: number;
	/** Groups dispatched and not yet answered whole. */
	open: number;
	launching: boolean;
	planning: NodeJS.Immediate | null;
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
	#lanes: LaneRun[] = [];
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
		const { items, window } = this.#work;
		this.#launching += 1;
		if (!isWhole(items, window)) this.#lanes = this.#byLane().map((order) => laneRun(order, []));
		else if (items > 0) this.#lanes = this.#work.plan(null, 0, items).map((chunks) => laneRun(null, chunks.map(this.#encode)));
		for (const lane of this.#lanes) this.#launch(lane);
		this.#launching -= 1;
		this.#advance();
	}

	/** The items of each lane: in their order, or by slot and those of one slot in their order. */
	#byLane(): Int32Array[] {
		const { items, slots } = this.#work;
		const sorted = slots === null ? null : sortedBySlot(slots);
		const numbers = new Map<unknown, number>();
		const counts: number[] = [];
		const laneOf = new Uint32Array(items);
		for (let item = 0; item < items; item++) {
			const lane = this.#work.laneOf(item);
			let number = numbers.get(lane);
			if (number === undefined) {
				number = counts.push(0) - 1;
				numbers.set(lane, number);
			}
			laneOf[item] = number;
			(counts[number] as number) += 1;
		}
		const orders = counts.map((count) => new Int32Array(count));
		const filled = counts.fill(0);
		for (let i = 0; i < items; i++) {
			const item = sorted === null ? i : (sorted[i] as number);
			const number = laneOf[item] as number;
			(orders[number] as Int32Array)[(filled[number] as number)++] = item;
		}
		return orders;
	}

	override expire(): void {
		this.cancel((attempt) => lateError("the batch did not settle within its deadline", attempt));
	}

	/** Gives up what is unsettled; replies that still come are swallowed. Ends once nothing of the caller's memory is in use. */
	cancel(makeError: (attempt: Attempt | null) => ClientError): void {
		if (this.#done) return;
		this.#done = true;
		this.#failed = true;
		for (const { planning, chunks, next } of this.#lanes) {
			if (planning !== null) clearImmediate(planning);
			for (const { frames } of chunks.slice(next)) frames?.keep();
		}
		const closing: Promise<void>[] = [];
		for (const group of [...this.#groups.keys()]) {
			const inGroup = group.cancel(makeError, (index, error) => {
				this.#fill((group.commands[index] as BatchCommand).items, error);
			});
			closing.push(...inGroup);
		}
		this.#groups.clear();
		const error = makeError(null);
		for (let i = 0; i < this.results.length; i++) if (this.results[i] === undefined) this.results[i] = error;
		this.#leave();
		if (closing.length === 0) this.#finish(this.results, true);
		else void Promise.all(closing).then(() => this.#finish(this.results, true));
	}

	/** Dispatches what `maxInflight` allows. A chunk that settles at once makes room for this loop and recurses no deeper. */
	#launch(lane: LaneRun): void {
		if (lane.launching) return;
		lane.launching = true;
		this.#launching += 1;
		while (!this.#done && lane.open < this.#maxInflight) {
			if (lane.next === lane.chunks.length && !this.#planMore(lane)) break;
			lane.next += 1;
			const { commands, frames } = lane.chunks[lane.next - 1] as PlannedChunk;
			this.#dispatch(commands, lane, 0, frames);
		}
		this.#launching -= 1;
		lane.launching = false;
	}

	/** Plans a lane's next items: at once when it begins, after that when the event loop has turned. False: there is nothing to dispatch now. */
	#planMore(lane: LaneRun): boolean {
		const { order } = lane;
		if (order === null || lane.planned === order.length || lane.planning !== null) return false;
		if (lane.planned > 0) {
			lane.planning = setImmediate(() => {
				lane.planning = null;
				this.#plan(lane, order);
				this.#launch(lane);
				this.#advance();
			});
			return false;
		}
		this.#plan(lane, order);
		return true;
	}

	#plan(lane: LaneRun, order: Int32Array): void {
		const from = lane.planned;
		lane.planned = Math.min(order.length, from + this.#work.window);
		lane.chunks = this.#work.plan(order, from, lane.planned).flat().map(this.#encode);
		lane.next = 0;
	}

	#encode = (commands: Chunk): PlannedChunk => ({ commands, frames: this.#work.encode?.(commands) ?? null });

	#dispatch(commands: BatchCommand[], lane: LaneRun, losses = 0, frames: Frames | null = null): void {
		const group = new GroupRequest(commands, this, this.#settled, losses, frames);
		lane.open += 1;
		this.#groups.set(group, lane);
		this.#dispatcher.dispatch(group);
	}

	#settled = (index: number, result: Reply | ClientError, group: GroupRequest): void => {
		if (this.#done) return;
		const command = group.commands[index] as BatchCommand;
		const lane = this.#groups.get(group) as LaneRun;
		if (!(result instanceof ClientError)) this.#work.take(command, result, this.results);
		else if (!this.#askAgain(command, result, lane, group.attempt(index))) {
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

	/** Asks for fewer keys at a time, where that may bring an answer. */
	#askAgain(command: BatchCommand, error: ClientError, lane: LaneRun, { losses }: Attempt): boolean {
		if ((command.flags & CommandFlag.splittable) === 0 || this.#work.split === undefined) return false;
		const unanswered = error.code === "CONNECTION" && (command.flags & CommandFlag.readOnly) !== 0 && losses > 0;
		if (error.code === "TRYAGAIN") this.#dispatch(this.#work.split(command, command.items.length), lane);
		else if (unanswered) for (const half of this.#work.split(command, 2)) this.#dispatch([half], lane, losses);
		else return false;
		return true;
	}

	#advance(): void {
		if (this.#launching > 0 || this.#groups.size > 0 || this.#done) return;
		if (this.#lanes.some((lane) => lane.planning !== null)) return;
		this.#done = true;
		this.#leave();
		this.#work.finished?.(this.results);
		this.#finish(this.results, this.#failed);
	}

	#fill(items: readonly number[], error: ClientError): void {
		for (const item of items) {
			if (this.results[item] !== undefined) continue;
			this.results[item] = error;
			this.#failed = true;
		}
	}

	#leave(): void {
		this.unlink();
		if (this.onSettled !== null) this.onSettled();
	}
}

function laneRun(order: Int32Array | null, chunks: PlannedChunk[]): LaneRun {
	return { order, planned: 0, chunks, next: 0, open: 0, launching: false, planning: null };
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
