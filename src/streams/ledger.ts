/**
 * What one consumer knows of the entries that its group ever gave it. Pure: a reply goes in, and out comes what to do with each entry.
 *
 *     unknown ──► held ──► acking ──► acked, while it is among the last `window` ones ──► unknown
 *        ▲          │ ▲        │
 *        └─ dropped ┘ └ failed ┘
 *
 * | the server gives an entry that is | verdict |
 * |---|---|
 * | unknown, above all before it, and certainly nobody else's | first |
 * | unknown, and not so: of an earlier life of this consumer, claimed, or the group went back in a failover | again |
 * | held | held: its caller has it |
 * | acking, acked | acknowledged: that was lost on its way, say it to the server again |
 */
import { compareIds } from "./ids.js";

export type Verdict = "first" | "again" | "held" | "acknowledged";

/** Acknowledged ids that are remembered: as many as a server that fails may have taken along. */
const WINDOW = 65_536;

export class Ledger {
	/** Ids held, and whether their acknowledgement is on its way. */
	readonly #held = new Map<string, "held" | "acking">();
	/** In the order in which they were acknowledged. */
	readonly #acked = new Set<string>();
	readonly #window: number;
	#highest: string | null = null;

	constructor(window = WINDOW) {
		this.#window = window;
	}

	/** Entries that are held or being acknowledged. */
	get size(): number {
		return this.#held.size;
	}

	/** The highest id that was ever given; null before there was one. */
	get highest(): string | null {
		return this.#highest;
	}

	/**
	 * The server gave this entry: as new, as pending or as claimed.
	 * @param certain nobody else can have had it, if it is above all that were given before
	 */
	given(id: string, certain: boolean): Verdict {
		const above = this.#highest === null || compareIds(id, this.#highest) > 0;
		if (above) this.#highest = id;
		const state = this.#held.get(id);
		if (state === "held") return "held";
		if (state === "acking" || this.#acked.has(id)) return "acknowledged";
		this.#held.set(id, "held");
		return above && certain ? "first" : "again";
	}

	/** Whether the server's word of it would change nothing. */
	knows(id: string): boolean {
		return this.#held.has(id) || this.#acked.has(id);
	}

	/** The stream is another one now, in which the same ids may stand for other entries. */
	forget(): void {
		this.#held.clear();
		this.#acked.clear();
		this.#highest = null;
	}

	/** It was never handed out, and is no longer this consumer's to hand out. */
	drop(id: string): void {
		this.#held.delete(id);
	}

	/** What is not held is nobody's here, and leaves no trace: it may yet be given as new. */
	acking(id: string): void {
		if (this.#held.has(id)) this.#held.set(id, "acking");
	}

	failed(id: string): void {
		if (this.#held.has(id)) this.#held.set(id, "held");
	}

	acked(id: string): void {
		if (!this.#held.delete(id)) return;
		this.#acked.add(id);
		if (this.#acked.size <= this.#window) return;
		const [oldest] = this.#acked;
		this.#acked.delete(oldest as string);
	}
}
