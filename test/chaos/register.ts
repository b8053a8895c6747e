/** What the server promised for a key that one client writes, and whether what is read keeps it. Times are milliseconds of any one clock. */

/** Replication is asynchronous: what was acknowledged so shortly before a primary died may die with it. */
export const LOSABLE_MS = 2000;

export interface Baseline {
	/** Acknowledged and gone, which a failover may do to the last two seconds before it. */
	lost: number;
	/** What nothing excuses. */
	wrong: string | null;
}

/** When a primary died or stood still, so that acknowledged writes may be gone; null when nothing of the kind happened. */
export type LossSince = number | null;

export function versioned(key: string, version: number, bytes: number): string {
	return `${key}|${version}|${bytes}|`.padEnd(bytes, ".");
}

interface Ack {
	version: number;
	at: number;
}

/**
 * A key whose values are versions, written in ascending order.
 *
 *     issue ──► acknowledged: nothing older may be read any more
 *        ├────► unknown: may take effect at any time until the next baseline, once
 *        └────► refused: never takes effect
 */
export class Register {
	readonly key: string;
	#issued = 0;
	#floor = 0;
	#acks: Ack[] = [];
	readonly #unknown = new Set<number>();
	readonly #refused = new Set<number>();

	constructor(key: string) {
		this.key = key;
	}

	/** The oldest version that a read which begins now may return. */
	get floor(): number {
		return this.#floor;
	}

	/** The same while what was acknowledged shortly before this moment, and since, may be gone. */
	floorSince(loss: number): number {
		return this.#acks.reduce((most, { version, at }) => (at < loss - LOSABLE_MS ? Math.max(most, version) : most), 0);
	}

	issue(): number {
		this.#issued += 1;
		return this.#issued;
	}

	acknowledged(version: number, at: number): void {
		this.#floor = Math.max(this.#floor, version);
		this.#acks.push({ version, at });
	}

	failed(version: number, maybeExecuted: boolean): void {
		(maybeExecuted ? this.#unknown : this.#refused).add(version);
	}

	/** What is wrong with a value that was read, undefined where there was none at all; `floor` is the oldest version that it may be. */
	judge(value: string | null | undefined, floor: number): string | null {
		const version = this.#versionOf(value);
		if (typeof version === "string") return version;
		if (this.#refused.has(version)) return `${this.key}: version ${version} was refused, and is there`;
		if (version < floor && !this.#unknown.has(version)) {
			return `${this.key}: version ${value === null ? "none" : version} after ${floor} was acknowledged`;
		}
		return null;
	}

	/** While nothing is under way: what the server holds is what counts from now on. */
	rebase(value: string | null, lossSince: LossSince): Baseline {
		const wrong = this.judge(value, lossSince === null ? this.#floor : 0);
		const version = this.#versionOf(value);
		if (typeof version === "string") return { lost: 0, wrong };
		const lost = this.#unknown.has(version) ? [] : this.#acks.filter((ack) => ack.version > version);
		const old = lost.find(({ at }) => lossSince !== null && at < lossSince - LOSABLE_MS);
		this.#floor = version;
		this.#acks = [{ version, at: Number.NEGATIVE_INFINITY }];
		this.#unknown.clear();
		this.#refused.clear();
		if (old === undefined || wrong !== null) return { lost: lost.length, wrong };
		const age = Math.round((lossSince ?? 0) - old.at);
		return { lost: lost.length, wrong: `${this.key}: version ${old.version} is lost, acknowledged ${age} ms before the fault` };
	}

	/** Acknowledgements older than `before` count as one. */
	forget(before: number): void {
		const last = this.#acks.findLastIndex(({ at }) => at < before);
		if (last > 0) this.#acks.splice(0, last);
	}

	#versionOf(value: string | null | undefined): number | string {
		if (value === null) return 0;
		const [key, version, bytes] = String(value).split("|", 3);
		if (key !== this.key) return `${this.key}: the reply is for ${JSON.stringify(key?.slice(0, 60))}`;
		if (Number(version) > this.#issued) return `${this.key}: version ${version} was never written`;
		if (value !== versioned(this.key, Number(version), Number(bytes)))
			return `${this.key}: the value is damaged: ${JSON.stringify(value?.slice(0, 60))}, ${value?.length} long`;
		return Number(version);
	}
}
