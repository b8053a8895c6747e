/** What the only writer of a stream may expect of its only consumer, and of the servers. Times are milliseconds of any one clock. */
import { type Baseline, LOSABLE_MS, type LossSince, versioned } from "./register.js";

interface Added {
	issuedAt: number;
	/** What the server said; null: nothing yet, or its word was lost. */
	id: string | null;
	ackedAt: number;
	refused: boolean;
	/** The id it was seen with, by the consumer or in the stream. */
	seenAs: string | null;
}

/** An entry as it is in the stream. */
export interface Entry {
	id: string;
	text: string;
}

/** What was handed out: since when its call was under way, and what nothing excuses. */
export interface HandedOut {
	issuedAt: number | null;
	wrong: string | null;
}

/**
 * A stream whose entries are numbered, and each of which is handed out.
 *
 *     issue ──► added: is there from then on, and handed out, once or marked as redelivered
 *        ├────► unknown: may be added at any time until the next baseline, once
 *        └────► refused: is never added
 */
export class Journal {
	readonly key: string;
	#issued = 0;
	/** Numbers since the last baseline. */
	readonly #added = new Map<number, Added>();
	/** Ids since then. */
	readonly #handedOut = new Set<string>();
	#highest = "0-0";
	#highestAdded = "0-0";
	/** What was there last at the last baseline. */
	#base = "0-0";

	constructor(key: string) {
		this.key = key;
	}

	/** Entries up to this one were judged. */
	get base(): string {
		return this.#base;
	}

	/** What the id of an entry that is added from now on must be above. */
	get floor(): string {
		return this.#highestAdded;
	}

	issue(bytes: number, at: number): { number: number; text: string } {
		this.#issued += 1;
		this.#added.set(this.#issued, { issuedAt: at, id: null, ackedAt: at, refused: false, seenAs: null });
		return { number: this.#issued, text: versioned(this.key, this.#issued, bytes) };
	}

	/** `floor` is what it was when the call began. */
	acknowledged(number: number, id: string, floor: string, at: number): string | null {
		const added = this.#added.get(number)!;
		added.id = id;
		added.ackedAt = at;
		if (compare(id, this.#highestAdded) > 0) this.#highestAdded = id;
		if (compare(id, floor) <= 0) return `${this.key}: entry ${number} was added as ${id} when there was ${floor}`;
		return this.#seen(number, added, id);
	}

	failed(number: number, maybeExecuted: boolean): string | null {
		const added = this.#added.get(number)!;
		added.refused = !maybeExecuted;
		return added.refused && added.seenAs !== null ? `${this.key}: entry ${number} was refused, and is there` : null;
	}

	handedOut({ id, text }: Entry, redelivered: boolean): HandedOut {
		const number = this.#numberOf(text);
		if (typeof number === "string") return { issuedAt: null, wrong: number };
		const again = this.#handedOut.has(id);
		const behind = compare(id, this.#highest) <= 0;
		this.#handedOut.add(id);
		if (!behind) this.#highest = id;
		const added = this.#added.get(number);
		const issuedAt = added?.issuedAt ?? null;
		if (behind && !redelivered) {
			const how = again ? "a second time" : `behind ${this.#highest}`;
			return { issuedAt, wrong: `${this.key}: entry ${number} (${id}) was handed out ${how}, and not as redelivered` };
		}
		if (added !== undefined) return { issuedAt, wrong: this.#seen(number, added, id) };
		const wrong = behind ? null : `${this.key}: entry ${number} (${id}) came late, or was added twice`;
		return { issuedAt, wrong };
	}

	/** Those that were not handed out since the last baseline. */
	missing(there: readonly Entry[]): Entry[] {
		return there.filter(({ id }) => !this.#handedOut.has(id));
	}

	/**
	 * While nothing is under way: what the stream holds behind `base` is what counts from now on.
	 * @param first what is before this one may have been cut off; null: nothing was
	 */
	rebase(there: readonly Entry[], first: string | null, lossSince: LossSince): Baseline {
		const ids = new Set(there.map(({ id }) => id));
		const found = there.map(({ id, text }) => {
			const number = this.#numberOf(text);
			if (typeof number === "string") return number;
			const added = this.#added.get(number);
			return added === undefined ? `${this.key}: entry ${number} was added late, or twice` : this.#seen(number, added, id);
		});
		let lost = 0;
		for (const [number, { id, ackedAt }] of this.#added) {
			if (id === null || ids.has(id) || (first !== null && compare(id, first) < 0)) continue;
			lost += 1;
			if (lossSince === null) found.push(`${this.key}: entry ${number} was acknowledged as ${id}, and is not there`);
			else if (ackedAt < lossSince - LOSABLE_MS)
				found.push(`${this.key}: entry ${number} is lost, acknowledged ${Math.round(lossSince - ackedAt)} ms before the fault`);
		}
		this.#base = there.at(-1)?.id ?? this.#base;
		this.#added.clear();
		this.#handedOut.clear();
		return { lost, wrong: found.find((what) => what !== null) ?? null };
	}

	/** One number has one id. */
	#seen(number: number, added: Added, id: string): string | null {
		const { seenAs, refused } = added;
		added.seenAs = id;
		if (refused) return `${this.key}: entry ${number} was refused, and is there`;
		return seenAs === null || seenAs === id ? null : `${this.key}: entry ${number} is there twice, as ${seenAs} and as ${id}`;
	}

	#numberOf(text: string): number | string {
		const [key, digits, bytes] = text.split("|", 3);
		if (key !== this.key) return `${this.key}: an entry of ${JSON.stringify(key?.slice(0, 60))} is there`;
		const number = Number(digits);
		if (!(number >= 1 && number <= this.#issued)) return `${this.key}: entry ${digits} was never added`;
		return text === versioned(key, number, Number(bytes)) ? number : `${this.key}: entry ${number} is damaged`;
	}
}

/** Ids are `milliseconds-sequence`, and both parts far below the numbers that a double cannot tell apart. */
function compare(a: string, b: string): number {
	const [[aTime, aSequence], [bTime, bSequence]] = [a.split("-").map(Number), b.split("-").map(Number)] as [number[], number[]];
	return aTime! - bTime! || aSequence! - bSequence!;
}
