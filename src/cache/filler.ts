/** Whoever stores what is being made of a key: by a lease, or without one. */
import type { Bytes } from "./backend.js";
import type { CacheSettings } from "./cache-options.js";
import { CacheOperationError } from "./errors.js";

export interface Filler {
	/** @returns false when the lease was lost: nothing is stored */
	fill(value: Bytes, ttlMs: number | null): Promise<boolean>;
	/** @returns whether there was a value; null when the lease was lost */
	remove(): Promise<boolean | null>;
	/** Of a lease that was lost: its time was up. Otherwise somebody ended it who has something newer, or the server lost it. */
	readonly ranOut: boolean;
	/** Nothing was stored, and whoever waits is to try. Never rejects. */
	release(): Promise<void>;
	/** Nothing is done any more. Has to be called. */
	end(): void;
}

/** Who has no lease; who has one makes what is older. */
export class Unleased implements Filler {
	readonly ranOut = false;
	readonly #settings: CacheSettings;
	readonly #key: string;

	constructor(settings: CacheSettings, key: string) {
		this.#settings = settings;
		this.#key = key;
	}

	/** @throws OVERLOADED where the store has no room */
	async fill(value: Bytes, ttlMs: number | null): Promise<boolean> {
		const { backend } = this.#settings;
		const done = await this.#alone(() => backend.set(this.#key, value, { ttl: ttlMs, metadata: false }));
		if (!done) throw new CacheOperationError("OVERLOADED", "the store has no room for the value");
		return true;
	}

	remove(): Promise<boolean> {
		return this.#alone(() => this.#settings.backend.delete(this.#key));
	}

	async release(): Promise<void> {}

	end(): void {}

	/** Others' leases are ended first, in the same flight. */
	async #alone<T>(write: () => Promise<T>): Promise<T> {
		const { backend, crossProcess } = this.#settings;
		const cancelled = crossProcess ? backend.leases?.cancel([this.#key]) : undefined;
		const writing = write();
		return cancelled === undefined ? await writing : (await Promise.all([writing, cancelled]))[0];
	}
}
