import { type Baseline, LOSABLE_MS, type LossSince } from "./register.js";

const REMEMBERED_REPLIES = 1000;

/** A key that one client increments: `acks ≤ value ≤ acks + unknown`, counted from the last baseline. */
export class Counter {
	readonly key: string;
	#base = 0;
	/** When each increment since the baseline was acknowledged, and how many of them are too old to be kept one by one. */
	#acks: number[] = [];
	#oldAcks = 0;
	#unknown = 0;
	#inFlight = 0;
	#highest = 0;
	readonly #replies = new Set<number>();

	constructor(key: string) {
		this.key = key;
	}

	/** What a reply to an increment that begins now must be above. */
	get floor(): number {
		return this.#highest;
	}

	/** The same while what was acknowledged shortly before this moment, and since, may be gone. */
	floorSince(loss: number): number {
		return this.#base + this.#safe(loss);
	}

	issue(): void {
		this.#inFlight += 1;
	}

	/** What is wrong with the reply. `strict` is false while a failover may lose increments: then values may come a second time. */
	acknowledged(reply: number, floor: number, at: number, strict: boolean): string | null {
		const most = this.#base + this.#oldAcks + this.#acks.length + this.#unknown + this.#inFlight;
		this.#inFlight -= 1;
		this.#acks.push(at);
		this.#highest = Math.max(this.#highest, reply);
		if (reply > most) return `${this.key}: incremented to ${reply}, though only ${most} were asked for`;
		if (reply <= floor) return `${this.key}: incremented to ${reply} after ${floor} was acknowledged`;
		if (!strict) return null;
		if (this.#replies.has(reply)) return `${this.key}: incremented to ${reply} twice`;
		this.#replies.add(reply);
		if (this.#replies.size > REMEMBERED_REPLIES) this.#replies.delete(this.#replies.values().next().value as number);
		return null;
	}

	failed(maybeExecuted: boolean): void {
		this.#inFlight -= 1;
		if (maybeExecuted) this.#unknown += 1;
	}

	/** While nothing is under way: what the server holds is what counts from now on. */
	rebase(value: number, lossSince: LossSince): Baseline {
		const acks = this.#oldAcks + this.#acks.length;
		const safe = lossSince === null ? acks : this.#safe(lossSince);
		const [least, most] = [this.#base + safe, this.#base + acks + this.#unknown];
		const lost = Math.max(0, this.#base + acks - value);
		this.#base = value;
		this.#highest = value;
		this.#acks = [];
		this.#oldAcks = 0;
		this.#unknown = 0;
		this.#replies.clear();
		const wrong = value < least || value > most ? `${this.key}: ${value} is outside of ${least} to ${most}` : null;
		return { lost, wrong };
	}

	/** Acknowledged since the baseline, and too old to be lost. */
	#safe(loss: number): number {
		return this.#oldAcks + this.#acks.filter((at) => at < loss - LOSABLE_MS).length;
	}

	/** Acknowledgements older than `before` are kept as a number. */
	forget(before: number): void {
		const kept = this.#acks.findIndex((at) => at >= before);
		const old = kept < 0 ? this.#acks.length : kept;
		this.#acks.splice(0, old);
		this.#oldAcks += old;
	}
}
