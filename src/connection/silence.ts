/**
 * Tells a connection that is silent from one that has nothing to say, and from one that says nothing of use.
 *
 *     waiting ──► silent for suspectMs ──► suspected ──► silent for as long again, and condemned ──► ended
 *        ▲                                    │    └──► the oldest command is overdue ─────────────► ended
 *        └────────────── a byte ◄─────────────┘
 *
 * Where the oldest command has been overdue for `overdueMs`, and its reply due for as long, the connection ends whatever it says: a reply
 * without an end would take those of all later commands for its own. While replies end, late ones too, it is of use: a slow network may be
 * behind with all of them.
 *
 * It looks only while replies are owed, every quarter of `suspectMs`, at a flag that each read sets: reading costs one store.
 * So suspicion comes up to a quarter late, never early.
 */
import { Alarm, type DeadlineClock } from "../deadline-clock.js";
import type { Entry } from "../request.js";

export interface SilenceSubject {
	/** The entry whose reply is due next, undefined: nothing is owed. */
	owed(): Entry | undefined;
	/** Which of the entry's commands the next reply answers. */
	readonly cursor: number;
	/** How long the server may rightly keep silent about it, ms. */
	blockMs(): number;
	/** Silent for `suspectMs`; said again each time as long a time has passed. */
	suspected(): void;
	/** It is to be ended, for this reason. */
	dead(reason: string): void;
}

const LOOKS = 4;

export class SilenceWatch {
	/** Set by whatever shows that the peer is there. */
	heard = true;
	/** Others reach the server: this connection alone is stuck. */
	#condemned = false;
	#watching = false;
	readonly #nextLook = new Alarm(() => this.#look());
	/** Looks in a row that found nothing heard. */
	#silent = 0;
	/** The reply that was due at the last look, */
	#entry: Entry | undefined = undefined;
	#cursor = 0;
	/** and when a look found it due first. */
	#dueSince = 0;
	readonly #clock: DeadlineClock;
	readonly #subject: SilenceSubject;
	readonly #periodMs: number;
	readonly #overdueMs: number;

	/** @param overdueMs 0: never */
	constructor(clock: DeadlineClock, suspectMs: number, overdueMs: number, subject: SilenceSubject) {
		this.#clock = clock;
		this.#overdueMs = overdueMs;
		this.#subject = subject;
		this.#periodMs = Math.ceil(suspectMs / LOOKS);
	}

	get suspects(): boolean {
		return !this.heard && this.#excess() >= LOOKS;
	}

	/** Something is owed from now on. */
	begin(): void {
		this.heard = true;
		if (this.#watching || this.#periodMs === 0) return;
		this.#watching = true;
		this.#clock.add(this.#nextLook, this.#periodMs);
	}

	end(): void {
		this.#watching = false;
		this.#entry = undefined;
		this.#nextLook.unlink();
	}

	/** Takes effect when the connection stays silent for another `suspectMs`. */
	condemn(): void {
		if (this.#condemned || !this.suspects) return;
		this.#condemned = true;
		this.#silent = LOOKS + Math.ceil(this.#subject.blockMs() / this.#periodMs);
	}

	#look(): void {
		this.#watching = false;
		const entry = this.#subject.owed();
		const { cursor } = this.#subject;
		const now = performance.now();
		if (entry !== this.#entry || cursor !== this.#cursor) this.#dueSince = now;
		this.#entry = entry;
		this.#cursor = cursor;
		if (entry === undefined) {
			this.#silent = 0;
			return;
		}
		const overdue = entry.deadline === 0 ? Number.NEGATIVE_INFINITY : now - entry.deadline;
		if (this.#overdueMs > 0 && Math.min(overdue, now - this.#dueSince) >= this.#overdueMs) {
			this.#subject.dead("the reply to a command that is long overdue has not ended");
			return;
		}
		if (this.heard) {
			this.heard = false;
			this.#silent = 0;
			this.#condemned = false;
		} else this.#silent += 1;
		const excess = this.#excess();
		if (excess >= LOOKS) {
			if (this.#condemned && excess >= 2 * LOOKS) {
				this.#subject.dead("it is silent while the server answers others");
				return;
			}
			if (overdue >= 0) {
				this.#subject.dead("it is silent and a command is overdue");
				return;
			}
			if (excess % LOOKS === 0) this.#subject.suspected();
		}
		this.#watching = true;
		this.#clock.add(this.#nextLook, this.#periodMs);
	}

	/** Looks that were silent beyond what a blocking command excuses. */
	#excess(): number {
		return this.#silent - Math.ceil(this.#subject.blockMs() / this.#periodMs);
	}
}
