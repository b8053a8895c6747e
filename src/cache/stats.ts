/** Figures of a backend: counted here, and asked of the store. `toJSON` writes the names of the design, in snake_case. */

/** Since the backend was made. */
export interface BackendStats {
	/** Values found, and keys without one; each key of a call for many counts. */
	hits: number;
	misses: number;
	/** Of all reads; null before the first. */
	hitRate: number | null;
	/** Values stored, and keys deleted that there were. */
	sets: number;
	deletes: number;
	/** Calls that failed, and entries of others' making that were taken for none. */
	errors: number;
	/** Of the client that it uses, which may serve others too: commands written, and writes to a socket. 0 without one. */
	commands: number;
	flights: number;
	connected: boolean;
	toJSON(): Record<string, unknown>;
}

/** What the store says of itself; null where it does not. On a cluster the sum of all primaries, of their uptimes the shortest. */
export interface ServerStats {
	/** Keys of the whole database, whoever wrote them. */
	keys: number | null;
	usedMemoryBytes: number | null;
	evictedKeys: number | null;
	expiredKeys: number | null;
	uptimeS: number | null;
}

/** Nothing known of a store. */
export const UNKNOWN_SERVER: ServerStats = {
	keys: null,
	usedMemoryBytes: null,
	evictedKeys: null,
	expiredKeys: null,
	uptimeS: null,
};

/** Counts what a backend does. */
export class BackendCounters {
	hits = 0;
	misses = 0;
	sets = 0;
	deletes = 0;
	errors = 0;

	/** One value that was found, or was not. */
	read<T>(value: T | null): T | null {
		if (value === null) this.misses += 1;
		else this.hits += 1;
		return value;
	}

	readMany<T>(values: (T | null)[]): (T | null)[] {
		for (const value of values) this.read(value);
		return values;
	}

	stats(wire: { commands: number; flights: number; connected: boolean }): BackendStats {
		const { hits, misses, sets, deletes, errors } = this;
		const hitRate = hits + misses === 0 ? null : hits / (hits + misses);
		return withJson({ hits, misses, hitRate, sets, deletes, errors, ...wire });
	}
}

/** Gives figures their `toJSON`, which no loop over them meets. */
export function withJson<T extends object>(figures: T): T & { toJSON(): Record<string, unknown> } {
	const toJSON = (): Record<string, unknown> =>
		Object.fromEntries(
			Object.entries(figures).map(([field, value]) => [field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value]),
		);
	return Object.defineProperty({ ...figures }, "toJSON", { value: toJSON }) as T & { toJSON(): Record<string, unknown> };
}
