/**
 * The lease of whoever makes a value, prolonged for as long as that takes:
 *
 *     acquired ──► a third of its time is over ──► prolonged ──► and so on, until `end()`
 *                                │                    ├─ the store does not answer ──► again after another third
 *                                │                    └─ it is not ours any more ──► never again
 *                                └─ nobody wants the value any more ──► it ends by itself
 */
import type { Bytes, Leases } from "./backend.js";
import type { Filler } from "./filler.js";

/** Timers that are set for longer Node makes one millisecond. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface LeaseHolder {
	/** Whether what is being made is to be stored. */
	wanted(): boolean;
	/** It could not be prolonged this time, or given back. */
	failed(operation: "renew" | "release", error: unknown): void;
}

/** As it was asked for. */
export interface Granted {
	readonly key: string;
	readonly token: string;
	/** When, by `performance.now()`: it may be over when the answer is there. */
	readonly asked: number;
	readonly ms: number;
}

export class HeldLease implements Filler {
	readonly #leases: Leases;
	readonly #lease: Granted;
	readonly #holder: LeaseHolder;
	/** One for as long as it is held: it is set anew after each turn. */
	readonly #timer: NodeJS.Timeout;
	#ended = false;
	/** By this process's clock: so long nobody gets it, unless it was ended by whoever has something newer. */
	#until: number;
	/** What was known of that when it was found to be gone. */
	#ranOut: boolean | null = null;

	/** To be made as soon as it was given: its time runs. */
	constructor(leases: Leases, lease: Granted, holder: LeaseHolder) {
		this.#leases = leases;
		this.#lease = lease;
		this.#holder = holder;
		this.#until = lease.asked + lease.ms;
		this.#timer = setTimeout(() => void this.#prolong(), Math.min(MAX_TIMER_MS, lease.ms / 3));
		// Nobody's process lives on for it.
		this.#timer.unref();
	}

	fill(value: Bytes, ttlMs: number | null): Promise<boolean> {
		return this.#leases.fill(this.#lease.key, this.#lease.token, value, ttlMs);
	}

	remove(): Promise<boolean | null> {
		return this.#leases.remove(this.#lease.key, this.#lease.token);
	}

	/** Where that fails it ends by itself. */
	async release(): Promise<void> {
		this.end();
		await this.#leases.release(this.#lease.key, this.#lease.token).catch((error) => this.#holder.failed("release", error));
	}

	get ranOut(): boolean {
		return this.#ranOut ?? this.#isOver;
	}

	/** It is not prolonged any more. */
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
		const { key, token, ms } = this.#lease;
		const asked = performance.now();
		try {
			if (await this.#leases.renew(key, token, ms)) this.#until = asked + ms;
			else {
				this.#ranOut = this.#isOver;
				return;
			}
		} catch (error) {
			if (!this.#ended) this.#holder.failed("renew", error);
		}
		if (!this.#ended) this.#timer.refresh();
	}
}
