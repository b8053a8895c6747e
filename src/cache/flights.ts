/** What is being made at the moment, by key of the store: one for a cache and all of its namespaces, as several of them may have the same keys. */
import { Flight } from "./flight.js";
import { FlightTable } from "./flight-table.js";

/** What a refresh made; null when it made nothing: it failed, or another process was at it. */
export type Refreshed = { readonly value: unknown } | null;

export class Flights {
	/** Callers wait for these. */
	readonly fetches = new FlightTable<unknown>();
	/** Made anew behind their readers. */
	readonly refreshes = new FlightTable<Refreshed>();

	/** Keys whose factory is on the stack. */
	making: readonly string[] = [];

	/** The cache was closed, and did not wait for what is still being made. */
	left = false;

	/** Resolves when there is none. */
	async idle(): Promise<void> {
		while (this.fetches.size + this.refreshes.size > 0) {
			await Promise.allSettled([...this.fetches.entries(), ...this.refreshes.entries()].map(([, { work }]) => work));
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
			for (const [key, flight] of flights.entries()) {
				if (key.startsWith(prefix) && tags.some((tag) => flight.isOf(tag))) flight.outdated = true;
			}
		}
	}

	/** The same for all keys that begin so. */
	outdateAll(prefix: string): void {
		const keys = [...this.fetches.entries(), ...this.refreshes.entries()].map(([key]) => key);
		this.outdate(keys.filter((key) => key.startsWith(prefix)));
	}
}

/** Begins something for a key; it is forgotten when it is over. */
export function track<T>(flights: FlightTable<T>, key: string, work: (flight: Flight<T>) => Promise<T>): Flight<T> {
	const flight: Flight<T> = new Flight(async (self) => {
		try {
			return await work(self);
		} finally {
			flights.forget(key, self);
		}
	});
	flights.set(key, flight);
	return flight;
}
