/** What is being made at the moment, by key of the store: one for a cache and all of its namespaces, as several of them may have the same keys. */
import { Flight } from "./flight.js";

/** What a refresh made; null when it made nothing: it failed, or another process was at it. */
export type Refreshed = { readonly value: unknown } | null;

export class Flights {
	/** Callers wait for these. */
	readonly fetches = new Map<string, Flight<unknown>>();
	/** Made anew behind their readers. */
	readonly refreshes = new Map<string, Flight<Refreshed>>();

	/** Keys whose factory is on the stack. */
	making: readonly string[] = [];

	/** Resolves when there is none. */
	async idle(): Promise<void> {
		while (this.fetches.size + this.refreshes.size > 0) {
			await Promise.allSettled([...this.fetches.values(), ...this.refreshes.values()].map(({ work }) => work));
		}
	}

	/** What is being made of these keys is out of date: it goes to those who asked, and is not stored. */
	outdate(keys: Iterable<string>): void {
		for (const key of keys) {
			for (const flights of [this.fetches, this.refreshes]) {
				const flight = flights.get(key);
				if (flight !== undefined) flight.outdated = true;
			}
		}
	}

	/** The same for those of them that depend on one of these tags and begin so: tags are those of a namespace. */
	outdateTags(prefix: string, tags: readonly string[]): void {
		for (const flights of [this.fetches, this.refreshes]) {
			for (const [key, flight] of flights) {
				if (key.startsWith(prefix) && tags.some((tag) => flight.tags.has(tag))) flight.outdated = true;
			}
		}
	}

	/** The same for all keys that begin so. */
	outdateAll(prefix: string): void {
		this.outdate([...this.fetches.keys(), ...this.refreshes.keys()].filter((key) => key.startsWith(prefix)));
	}
}

/** Begins something for a key; it is forgotten when it is over. */
export function track<T>(flights: Map<string, Flight<T>>, key: string, work: (flight: Flight<T>) => Promise<T>): Flight<T> {
	const flight: Flight<T> = new Flight(async (self) => {
		try {
			return await work(self);
		} finally {
			// Another one may have begun in its place.
			if (flights.get(key) === self) flights.delete(key);
		}
	});
	flights.set(key, flight);
	return flight;
}
