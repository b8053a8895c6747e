import type { CacheBackend } from "../../../src/cache/backend.js";
import type { Ttl } from "../../../src/util/ttl.js";

export interface MadeWith {
	/** Of the backend's keys; by default one that nothing else has. */
	keyPrefix?: string;
	defaultTtl?: Ttl | null;
}

/** What the contract is shown for. */
export interface Subject {
	/** A backend that stores where all others of this subject do, if they can share a store at all. */
	make(options: Required<MadeWith>): CacheBackend;
	/** Backends of the same prefix see the same values. */
	shared: boolean;
}

let made = 0;

/** No two tests meet each other's keys, so nothing has to be cleared between them. */
export function ownPrefix(): string {
	made += 1;
	return `contract:${process.pid}:${made}:`;
}

export function backendOf({ make }: Subject, { keyPrefix = ownPrefix(), defaultTtl = null }: MadeWith = {}): CacheBackend {
	return make({ keyPrefix, defaultTtl });
}

/** As text, where a test is not about bytes. */
export async function textOf(backend: CacheBackend, key: string): Promise<string | null> {
	return (await backend.get(key))?.toString() ?? null;
}
