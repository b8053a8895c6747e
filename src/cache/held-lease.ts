/**
 * The lease of whoever makes a value, prolonged for as long as that takes:
 *
 *     acquired ──► a third of its time is over ──► prolonged ──► and so on, until `end()`
 *                                │                    ├─ the store does not answer ──► again after another third
 *                                │                    └─ it is not ours any more ──► never again
 *                                └─ nobody wants the value any more ──► it ends by itself
 */
import type { Bytes, Leases } from "./backend.js";

/** Timers that are set for longer Node makes one millisecond. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface LeaseHolder {
	/** Whether what is being made is to be stored. */
	wanted(): boolean;
	/** It could not be prolonged this time. */
	failed(error: unknown): void;
}

export class HeldLease {
	readonly #leases: Leases;
	readonly #key: string;
	readonly #token: string;
	readonly #ms: number;
	readonly #holder: LeaseHolder;
	/** One for as long as it is held: it is set anew after each turn. */
	readonly #timer: NodeJS.Timeout;
	#ended = false;
	/** By this process's clock: so long nobody gets it, unless it was ended by whoever has something newer. */
	#until: number;
	/** What was known of that when it was found to be gone. */
	#ranOut: boolean | null = null;

	/**
	 * To be made as soon as it was given: its time runs.
	 *
	 * @param asked when the server was asked for it, by `performance.now()`: it may be over when the answer is there
	 */
	constructor(leases: Leases, key: string, token: string, asked: number, ms: number, holder: LeaseHolder) {
		this.#leases = leases;
		this.#key = key;
		this.#token = token;
		this.#ms = ms;
		this.#holder = holder;
		this.#until = asked + ms;
		this.#timer = setTimeout(() => void this.#prolong(), Math.min(MAX_TIMER_MS, ms / 3));
		// Nobody's process lives on for it.
		this.#timer.unref();
	}

	/** @returns false when it was lost */
	fill(value: Bytes, ttlMs: number | null): Promise<boolean> {
		return this.#leases.fill(this.#key, this.#token, value, ttlMs);
	}

	/** @returns whether there was a value; null when the lease was lost */
	remove(): Promise<boolean | null> {
		return this.#leases.remove(this.#key, this.#token);
	}

	/** Of one that was lost: its time was up. Otherwise somebody ended it who has something newer, or the server lost it. */
	get ranOut(): boolean {
		return this.#ranOut ?? this.#isOver;
	}

	/** It is not prolonged any more. Has to be called. */
	end(): void {
		this.#ended = true;
		clearTimeout(this.#timer);
	}

	get #isOver(): boolean {
		return performance.now() >= this.#until;
	}

	/** Never rejects. */
	async #prolong(): Promise<void> {
		if (!this.#holder.wanted()) return;
		const asked = performance.now();
		try {
			if (await this.#leases.renew(this.#key, this.#token, this.#ms)) this.#until = asked + this.#ms;
			else {
				this.#ranOut = this.#isOver;
				return;
			}
		} catch (error) {
			if (!this.#ended) this.#holder.failed(error);
		}
		if (!this.#ended) this.#timer.refresh();
	}
}
