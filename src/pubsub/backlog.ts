/** Messages that arrived and were not read yet, within bounds, and where between them some may be missing. */
import Denque from "denque";
import type { Topic } from "./topic.js";

export type Overflow = "drop-oldest" | "drop-newest" | "fail";

export interface BacklogOptions {
	readonly maxBuffered: number;
	readonly maxBufferedBytes: number;
	readonly overflow: Overflow;
}

/** What waits, and how much of `maxBufferedBytes` it takes. */
export interface Weighed {
	readonly topic: Topic;
	readonly bytes: number;
}

/** One of them in its place; with `gap`, messages of its topic may be missing before it. */
export interface Placed<Item extends Weighed> {
	readonly item: Item;
	readonly gap: boolean;
}

export class Backlog<Item extends Weighed> {
	readonly #options: BacklogOptions;
	readonly #queue = new Denque<Placed<Item>>();
	#bytes = 0;
	/** Topics of which something is missing before their first message in the queue; nobody who leaves a topic need tell. */
	#missingFirst = new WeakSet<Topic>();
	/** and behind their last. */
	#missingLast = new WeakSet<Topic>();

	constructor(options: BacklogOptions) {
		this.#options = options;
	}

	get length(): number {
		return this.#queue.length;
	}

	/** More waits than may: `trim` it, once whoever reads had the time to. */
	get isOver(): boolean {
		const { maxBuffered, maxBufferedBytes } = this.#options;
		// One that is larger than the bound may wait alone.
		return this.#queue.length > maxBuffered || (this.#bytes > maxBufferedBytes && this.#queue.length > 1);
	}

	push(item: Item): void {
		this.#bytes += item.bytes;
		this.#queue.push({ item, gap: this.#missingLast.delete(item.topic) });
	}

	/** Drops what is over the bounds: the oldest with `drop-oldest`, otherwise the newest. */
	trim(): Item[] {
		const dropped: Item[] = [];
		const oldest = this.#options.overflow === "drop-oldest";
		while (this.isOver) {
			const { item } = (oldest ? this.#take() : this.#takeLast()) as Placed<Item>;
			(oldest ? this.#missingFirst : this.#missingLast).add(item.topic);
			dropped.push(item);
		}
		return dropped;
	}

	shift(): Placed<Item> | undefined {
		const first = this.#take();
		if (first === undefined || !this.#missingFirst.delete(first.item.topic)) return first;
		return { item: first.item, gap: true };
	}

	/** Something of this topic may be missing behind all that is here. */
	mark(topic: Topic): void {
		this.#missingLast.add(topic);
	}

	clear(): void {
		this.#queue.clear();
		this.#bytes = 0;
		this.#missingFirst = new WeakSet();
		this.#missingLast = new WeakSet();
	}

	#take(): Placed<Item> | undefined {
		const first = this.#queue.shift();
		if (first !== undefined) this.#bytes -= first.item.bytes;
		return first;
	}

	#takeLast(): Placed<Item> | undefined {
		const last = this.#queue.pop();
		if (last !== undefined) this.#bytes -= last.item.bytes;
		return last;
	}
}
