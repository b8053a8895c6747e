/** Caches beside one another, and what each must do. A small file for each, in `adapters/`. */
import type { Target } from "../../src/cli/bench/adapter.js";
import type { CacheWorkload } from "./workload.js";

/** A cache over the shared store, at its best: no level of its own before it. */
export interface CacheDriver {
	/** The value, or what `make` makes, which is stored by then. */
	getOrSet(key: string, make: () => Promise<object>): Promise<unknown>;
	/** The same for many. @param make gives one for each missing key, in its place */
	getOrSetMany(keys: string[], make: (missing: string[]) => Promise<object[]>): Promise<Found>;
	close(): Promise<unknown>;
}

/** By key, or in the order of the keys. */
export type Found = ReadonlyMap<string, unknown> | readonly unknown[];

export interface CacheAdapter {
	/** Of the library, and of the client below it where that is another one's. */
	readonly version: string;
	/** @param prefix what keys begin with, by whatever the library has for that */
	connect(target: Target, prefix: string, workload: CacheWorkload): Promise<CacheDriver>;
}

export interface CacheEntry {
	readonly name: string;
	/** "reference": no cache, but what one could reach at most. */
	readonly kind: "slotwire" | "peer" | "reference";
	/** A peer with the serializer that it comes with. */
	readonly installed?: true;
}

/** In the order of every table. A new one adds its line here and `adapters/<name>.ts`, which exports `load(): Promise<CacheAdapter>`. */
export const caches: readonly CacheEntry[] = [
	{ name: "slotwire", kind: "slotwire" },
	{ name: "slotwire-process", kind: "slotwire" },
	{ name: "client", kind: "reference" },
	{ name: "cache-manager", kind: "peer" },
	{ name: "keyv", kind: "peer" },
	{ name: "cache-manager-installed", kind: "peer", installed: true },
	{ name: "keyv-installed", kind: "peer", installed: true },
	{ name: "bentocache", kind: "peer", installed: true },
];
