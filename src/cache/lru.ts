/** A bounded map with times to live, for this process. What was not used for longest goes first, and nothing that has expired is in its way. */
import { type Expiring, ExpiryHeap } from "./expiry-heap.js";

export interface LruOptions {
	maxEntries: number;
	/** Of what the entries were said to have. */
	maxBytes: number;
	/** Milliseconds, of any origin. */
	now(): number;
}

export interface LruEntry<V> {
	readonly value: V;
	/** By the map's clock; Infinity: never. */
	readonly expiresAt: number;
}

interface Stored<V> extends LruEntry<V>, Expiring {
	readonly key: string;
	readonly bytes: number;
}

/** No timer: what has expired is dropped when somebody looks at it, writes, or counts. */
export class Lru<V> {
	/** Entries that went because others needed their room, and such as were larger than all of it. */
	evicted = 0;
	expired = 0;
	readonly #options: LruOptions;
	/** From the one not used for longest to the latest. */
	readonly #entries = new Map<string, Stored<V>>();
	readonly #ends = new ExpiryHeap<Stored<V>>();
	#bytes = 0;

	constructor(options: LruOptions) {
		this.#options = options;
	}

	get size(): number {
		this.#sweep();
		return this.#entries.size;
	}

	get bytes(): number {
		this.#sweep();
		return this.#bytes;
	}

	/** Counts as a use. */
	get(key: string): LruEntry<V> | undefined {
		const entry = this.#alive(key);
		if (entry === undefined) return undefined;
		this.#entries.delete(key);
		this.#entries.set(key, entry);
		return entry;
	}

	/** Counts as none. */
	peek(key: string): LruEntry<V> | undefined {
		return this.#alive(key);
	}

	/** @returns false for what is larger than all the room there is: then the key has no value any more */
	set(key: string, value: V, bytes: number, expiresAt: number): boolean {
		this.#sweep();
		const old = this.#entries.get(key);
		if (old !== undefined) this.#remove(old);
		const { maxEntries, maxBytes } = this.#options;
		if (bytes > maxBytes) {
			this.evicted += 1;
			return false;
		}
		while (this.#entries.size >= maxEntries || this.#bytes + bytes > maxBytes) this.#evict();
		const entry = { key, value, bytes, expiresAt, place: -1 };
		this.#entries.set(key, entry);
		this.#bytes += bytes;
		if (expiresAt !== Number.POSITIVE_INFINITY) this.#ends.add(entry);
		return true;
	}

	/** @returns whether there was one */
	delete(key: string): boolean {
		const entry = this.#alive(key);
		if (entry !== undefined) this.#remove(entry);
		return entry !== undefined;
	}

	clear(): void {
		this.#entries.clear();
		this.#ends.clear();
		this.#bytes = 0;
	}

	/** As they are now, from the one not used for longest to the latest: using them meanwhile changes nothing. */
	keys(): string[] {
		this.#sweep();
		return [...this.#entries.keys()];
	}

	#alive(key: string): Stored<V> | undefined {
		const entry = this.#entries.get(key);
		if (entry === undefined || entry.expiresAt > this.#options.now()) return entry;
		this.#expire(entry);
		return undefined;
	}

	#sweep(): void {
		let first = this.#ends.first;
		if (first === undefined) return;
		const now = this.#options.now();
		for (; first !== undefined && first.expiresAt <= now; first = this.#ends.first) this.#expire(first);
	}

	#expire(entry: Stored<V>): void {
		this.#remove(entry);
		this.expired += 1;
	}

	#evict(): void {
		const [oldest] = this.#entries.values();
		this.#remove(oldest as Stored<V>);
		this.evicted += 1;
	}

	#remove(entry: Stored<V>): void {
		this.#entries.delete(entry.key);
		this.#ends.remove(entry);
		this.#bytes -= entry.bytes;
	}
}
