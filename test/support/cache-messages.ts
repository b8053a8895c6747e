/** What `cache-process.ts` and `cache-driver.ts` say to one another. */
import type { CacheOptions, GetOrSetOptions } from "../../src/cache/index.js";

export interface DriverSetup {
	url: string;
	protocol: 2 | 3;
	keyPrefix: string;
	cache: Omit<CacheOptions, "backend">;
	/** With a first level of its own. */
	levels?: boolean;
	/** Instead of looking again after a while, a process that waits does so only then. */
	pollMs?: number;
}

/** Calls of `getOrSet` whose factory counts itself at `<prefix>calls:<key>` and makes `{ by: <pid> }`. */
export interface Ask extends Omit<GetOrSetOptions, "signal" | "validate"> {
	key: string;
	/** Default 1. */
	callers?: number;
	/** The factory waits to be released. */
	hold?: boolean;
	/** And throws then. */
	fail?: string;
	/** Said by the factory. */
	setTags?: string[];
}

export type Order =
	| { order: "ask"; ask: Ask }
	| { order: "release"; key: string }
	| { order: "call"; method: "get" | "set" | "delete" | "expire" | "invalidateTags"; args: unknown[] }
	| { order: "firstLevel" }
	| { order: "finish" };

export interface News {
	news: "ready" | "factory" | "waiting" | "stale" | "error";
	key: string;
	detail: string;
}

/** Of the callers of one `ask`; values as JSON. */
export interface Outcome {
	values: string[];
	errors: string[];
}
