/**
 * Flights by key: a Map that is begun anew now and then, and that those of a call for many keys enter only when somebody looks for a flight
 * while they are under way. Mostly nobody does, and a Map that grows and shrinks by hundreds of keys is a good part of what such a call costs.
 *
 * When V8 makes a Map's table anew, as it has to after so many keys have come and gone, the old table refers to the new one. Where the first
 * of them has outlived a few collections, each of the following is kept until the next full one, and with them every value that passed
 * through: a third of what a busy cache reads. Tables of another Map are not in that chain.
 */
import type { Flight } from "./flight.js";

/** So many deletions are worth a new Map, and more where there is much to move. */
const DELETIONS = 64;

/** One of those of a call for many keys. */
export interface GroupFlight<T> extends Flight<T> {
	readonly key: string;
	/** There is nothing left to wait for. */
	readonly over: boolean;
}

export class FlightTable<T> {
	#map = new Map<string, Flight<T>>();
	#deleted = 0;
	/** The only flights that there are, or null: those in the Map are all. */
	#group: readonly GroupFlight<T>[] | null = null;

	get size(): number {
		return this.#all().size;
	}

	get(key: string): Flight<T> | undefined {
		return this.#all().get(key);
	}

	has(key: string): boolean {
		return this.#all().has(key);
	}

	set(key: string, flight: Flight<T>): void {
		this.#all().set(key, flight);
	}

	/** Flights that are to be told to `endGroup` as one, in the same array. */
	beginGroup(flights: readonly GroupFlight<T>[]): void {
		if (this.#all().size === 0) this.#group = flights;
		else for (const flight of flights) this.#map.set(flight.key, flight);
	}

	endGroup(flights: readonly GroupFlight<T>[]): void {
		if (this.#group === flights) this.#group = null;
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
		return [...this.#all()];
	}

	#all(): Map<string, Flight<T>> {
		if (this.#group !== null) {
			for (const flight of this.#group) if (!flight.over) this.#map.set(flight.key, flight);
			this.#group = null;
		}
		return this.#map;
	}
}
