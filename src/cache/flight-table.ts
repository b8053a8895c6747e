/**
 * Flights by key: a Map that is begun anew now and then.
 *
 * When V8 makes a Map's table anew, as it has to after so many keys have come and gone, the old table refers to the new one. Where the first
 * of them has outlived a few collections, each of the following is kept until the next full one, and with them every value that passed
 * through: a third of what a busy cache reads. Tables of another Map are not in that chain.
 */
import type { Flight } from "./flight.js";

/** So many deletions are worth a new Map, and more where there is much to move. */
const DELETIONS = 64;

export class FlightTable<T> {
	#map = new Map<string, Flight<T>>();
	#deleted = 0;

	get size(): number {
		return this.#map.size;
	}

	get(key: string): Flight<T> | undefined {
		return this.#map.get(key);
	}

	has(key: string): boolean {
		return this.#map.has(key);
	}

	set(key: string, flight: Flight<T>): void {
		this.#map.set(key, flight);
	}

	/** Nothing when another one has begun in its place. */
	forget(key: string, flight: Flight<T>): void {
		if (this.#map.get(key) !== flight) return;
		this.#map.delete(key);
		this.#deleted += 1;
		if (this.#deleted < DELETIONS + 2 * this.#map.size) return;
		this.#map = new Map(this.#map);
		this.#deleted = 0;
	}

	/** As they are now. */
	entries(): [key: string, flight: Flight<T>][] {
		return [...this.#map];
	}
}
