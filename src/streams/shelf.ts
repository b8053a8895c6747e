/** Entries that were read and wait to be taken, oldest delivery first. */

interface Waiting<E> {
	readonly entry: E;
	/** When it was asked for: for so long, and no longer, the group cannot have counted it as idle. */
	since: number;
	/** When the server's word of that came, if it was asked for it. */
	told: number;
}

export class Shelf<E extends { readonly id: string }> {
	#waiting: Waiting<E>[] = [];

	get size(): number {
		return this.#waiting.length;
	}

	/** The one to be taken next. */
	get first(): Waiting<E> | undefined {
		return this.#waiting[0];
	}

	/** Of those asked for after `since`. */
	ids(since = Number.NEGATIVE_INFINITY): string[] {
		return this.#waiting.filter((waiting) => waiting.since > since).map(({ entry }) => entry.id);
	}

	markAll(mark: (entry: E) => void): void {
		for (const { entry } of this.#waiting) mark(entry);
	}

	put(entry: E, since: number): void {
		this.#waiting.push({ entry, since, told: Number.NEGATIVE_INFINITY });
	}

	take(): E | undefined {
		return this.#waiting.shift()?.entry;
	}

	/** The server said that these are pending for this consumer, and since when they are so anew. */
	confirm(ids: ReadonlySet<string>, since: number): void {
		const told = performance.now();
		for (const waiting of this.#waiting) if (ids.has(waiting.entry.id)) Object.assign(waiting, { since, told });
	}

	/** Removes these; the ids of those that were here. */
	remove(ids: ReadonlySet<string>): string[] {
		const gone = this.#waiting.filter(({ entry }) => ids.has(entry.id));
		if (gone.length > 0) this.#waiting = this.#waiting.filter(({ entry }) => !ids.has(entry.id));
		return gone.map(({ entry }) => entry.id);
	}
}
