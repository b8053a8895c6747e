/** What a cache tells of itself: events for listeners, figures for everybody. */
import { InvalidArgumentError } from "../errors.js";

/**
 * | event | when |
 * |---|---|
 * | `hit` | a fresh value was found; `absent` when it says that there is no such thing |
 * | `miss` | none was, or one that counts as none: `reason` |
 * | `stale` | an old value was given out: `reason` |
 * | `set`, `delete` | a value was stored, or deleted, by this process |
 * | `refresh` | a value was made anew behind its readers |
 * | `invalidate` | tags were |
 * | `error` | the store failed, or a factory or a write did whose failure nobody else hears of |
 */
export interface CacheEvents {
	hit: { key: string; absent: boolean };
	miss: { key: string; reason: MissReason };
	stale: { key: string; reason: StaleReason };
	set: { key: string };
	delete: { key: string };
	refresh: { key: string };
	invalidate: { tags: readonly string[] };
	error: { key?: string; operation: string; error: unknown };
}

/** Nothing there; too old; a tag changed or it was purged; not of this cache's making, cut short, or refused by `validate`; the store did not answer. */
export type MissReason = "none" | "expired" | "invalidated" | "broken" | "unavailable" | "forced";

/** Made anew behind it; the factory failed; it was slower than `timeout`; another process makes it anew. */
export type StaleReason = "revalidating" | "factory-failed" | "slow" | "in-progress";

export interface CacheStats {
	hits: number;
	misses: number;
	stale: number;
	sets: number;
	deletes: number;
	/** Values made anew behind their readers. */
	refreshes: number;
	factoryCalls: number;
	factoryErrors: number;
	/** Callers that shared what another one asked for. */
	joined: number;
	/** Misses for entries that were not of our making, damaged, or refused by `validate`. */
	broken: number;
	/** Calls of the store that failed, */
	storeErrors: number;
	/** and values that were therefore not stored, or not deleted. */
	lostWrites: number;
}

type Listener<E> = (event: E) => unknown;

export class Reporter {
	readonly counts: CacheStats = {
		hits: 0,
		misses: 0,
		stale: 0,
		sets: 0,
		deletes: 0,
		refreshes: 0,
		factoryCalls: 0,
		factoryErrors: 0,
		joined: 0,
		broken: 0,
		storeErrors: 0,
		lostWrites: 0,
	};
	readonly #listeners: { [K in keyof CacheEvents]?: Set<Listener<CacheEvents[K]>> } = {};

	/** @throws INVALID_ARGUMENT */
	on<K extends keyof CacheEvents>(name: K, listener: Listener<CacheEvents[K]>): void {
		check(name, listener);
		const known = this.#listeners[name] as Set<Listener<CacheEvents[K]>> | undefined;
		if (known !== undefined) known.add(listener);
		else (this.#listeners as Record<string, unknown>)[name] = new Set([listener]);
	}

	off<K extends keyof CacheEvents>(name: K, listener: Listener<CacheEvents[K]>): void {
		check(name, listener);
		this.#listeners[name]?.delete(listener);
	}

	/** What a listener throws, or rejects with, is its own affair. */
	tell<K extends keyof CacheEvents>(name: K, event: CacheEvents[K]): void {
		const listeners = this.#listeners[name];
		if (listeners === undefined) return;
		for (const listener of [...listeners]) {
			quietly(() => listener(event));
		}
	}

	hit(key: string, absent: boolean): void {
		this.counts.hits += 1;
		// There may be hundreds of them, and mostly nobody listens.
		if (this.#listeners.hit !== undefined) this.tell("hit", { key, absent });
	}

	miss(key: string, reason: MissReason): void {
		this.counts.misses += 1;
		this.tell("miss", { key, reason });
	}

	stale(key: string, reason: StaleReason): void {
		this.counts.stale += 1;
		this.tell("stale", { key, reason });
	}

	storeFailed(operation: string, error: unknown, key?: string): void {
		this.counts.storeErrors += 1;
		this.tell("error", { operation, error, ...(key === undefined ? {} : { key }) });
	}
}

/** Calls what is not ours: nobody else is worse off for its failure, now or later. */
export function quietly(call: () => unknown): void {
	try {
		const result = call();
		if (result instanceof Promise) result.catch(() => {});
	} catch {
		// Nobody is left to be told.
	}
}

const NAMES = new Set(["hit", "miss", "stale", "set", "delete", "refresh", "invalidate", "error"]);

function check(name: unknown, listener: unknown): void {
	if (!NAMES.has(name as string)) throw new InvalidArgumentError(0, "there is no such event of a cache");
	if (typeof listener !== "function") throw new InvalidArgumentError(1, "the listener must be a function");
}
