/** What a cache takes when it is made, and what a call may say instead. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { checkFlag } from "../util/options.js";
import { type Ttl, timerMs, ttlMs } from "../util/ttl.js";
import type { CacheBackend } from "./backend.js";
import { type EntryFormat, resolveFormat } from "./entry-format.js";
import { MAX_TAGS } from "./envelope.js";
import { checkNamespace } from "./keys.js";
import type { Serializer } from "./serializer.js";
import { isTagKey } from "./tags.js";

/**
 * How long a value is what to its readers:
 *
 *     stored ──────► ttl ──────────► ttl + swr ──────────► ttl + grace
 *            fresh         stale: given out at once,   only when the factory fails,
 *                          made anew behind it         or is slower than `timeout`
 */
export interface Lifetime {
	/** How long it is fresh; null: for ever. Default `"1h"`. */
	ttl?: Ttl | null;
	/** Up to this part of `ttl` is taken off at random, so that what was stored together does not end together: 0 to 1. Default 0. */
	ttlJitter?: number;
	/** Stale while revalidate. Default: none. */
	swr?: Ttl;
	/** Default: none. */
	grace?: Ttl;
	/** How long it is known that there is no such thing, which a factory says by `undefined`. Default: it is asked each time. */
	negativeTtl?: Ttl;
}

export interface Fetching extends Lifetime {
	/**
	 * Now and then a reader makes a value anew before it ends, the sooner the longer that takes, while all others go on with the old one (XFetch).
	 * `beta` above 1 is earlier. Default: never; `true` is `{ beta: 1 }`.
	 */
	earlyRefresh?: boolean | { beta?: number };
	/** After so long a caller takes a value within `grace` rather than wait for the factory, which goes on. Default: it waits. */
	timeout?: Ttl;
	/** After so long a caller is given up with TIMEOUT; what the factory makes is stored all the same. Default: it waits. */
	hardTimeout?: Ttl;
}

export interface CacheOptions extends Fetching {
	backend: CacheBackend;
	/** How values are stored: `"json"` (default), `"bytes"`, or one of your own. */
	serializer?: "json" | "bytes" | Serializer;
	/** Keys and tags of this cache are of this namespace. */
	namespace?: string;
	/**
	 * Who makes a value that many ask for: one caller of all processes that share the backend (`"cluster"`, the default, where the backend can),
	 * or one of each process, which is a round trip less, and knows nothing of what others delete or set meanwhile.
	 */
	singleFlight?: "process" | "cluster";
	/**
	 * After how long a process that died while it made a value is replaced by another one. One that lives prolongs its lease every third of that
	 * for as long as its factory runs, unless all of its callers gave up. A factory that runs for ten times that long is given up, with leases
	 * and without: what it makes in the end goes to its callers and is not stored. Default `"30s"`.
	 */
	leaseTtl?: Ttl;
	/** How long a tag is remembered after its first use or its last invalidation; then entries with it are made anew. Default `"30d"`. */
	tagTtl?: Ttl;
	/** When the backend fails, reads go to the factory, and writes are counted as lost. False: calls reject. Default true. */
	failOpen?: boolean;
}

export interface StoreOptions extends Lifetime {
	/** What it depends on: `invalidateTags` of any of them ends it. */
	tags?: readonly string[];
}

export interface GetOrSetOptions<T = unknown> extends StoreOptions, Fetching {
	/** Makes it anew, whatever is stored. */
	forceFresh?: boolean;
	/** Whether what was stored is (still) of the right shape; what is not counts as a miss. */
	validate?: (value: unknown) => value is T;
	/** Gives up waiting. What the factory makes is stored, unless nobody waits any more: then its own signal aborts. */
	signal?: AbortSignal;
}

/** How one call goes about it. */
export interface Policy {
	readonly ttlMs: number | null;
	readonly jitter: number;
	readonly swrMs: number;
	readonly graceMs: number;
	/** 0: `undefined` is not stored. */
	readonly negativeMs: number;
	/** 0: never early. */
	readonly beta: number;
	/** 0: it waits. */
	readonly softMs: number;
	readonly hardMs: number;
	readonly tags: readonly string[];
	readonly forceFresh: boolean;
	readonly validate: ((value: unknown) => boolean) | null;
	readonly signal: AbortSignal | null;
}

export interface CacheSettings {
	readonly backend: CacheBackend;
	readonly format: EntryFormat;
	/** What keys begin with: `""`, or a namespace and its colon. */
	readonly prefix: string;
	readonly crossProcess: boolean;
	readonly leaseMs: number;
	readonly tagMs: number;
	readonly failOpen: boolean;
	readonly policy: Policy;
}

export const NOTHING: Policy = {
	ttlMs: 3_600_000,
	jitter: 0,
	swrMs: 0,
	graceMs: 0,
	negativeMs: 0,
	beta: 0,
	softMs: 0,
	hardMs: 0,
	tags: [],
	forceFresh: false,
	validate: null,
	signal: null,
};

/**
 * @param base what is not given is as there
 * @throws INVALID_OPTION
 */
export function resolveCacheOptions(options: CacheOptions, base?: CacheSettings): CacheSettings {
	if (typeof options !== "object" || options === null)
		throw new InvalidOptionError("options", "must be an object with a backend");
	const { backend, serializer, namespace, singleFlight, leaseTtl, tagTtl, failOpen, ...rest } = options;
	for (const method of ["get", "getMany", "set", "setMany", "delete"] as const) {
		if (typeof (backend as CacheBackend | undefined)?.[method] !== "function") {
			throw new InvalidOptionError("backend", "must be a CacheBackend, such as a RedisBackend");
		}
	}
	if (singleFlight !== undefined && singleFlight !== "process" && singleFlight !== "cluster") {
		throw new InvalidOptionError("singleFlight", 'must be "process" or "cluster"');
	}
	checkFlag(failOpen, "failOpen");
	return {
		backend,
		format: serializer === undefined && base !== undefined ? base.format : resolveFormat(serializer),
		prefix: namespace === undefined ? "" : prefixOf(namespace),
		crossProcess: singleFlight === undefined ? (base?.crossProcess ?? true) : singleFlight === "cluster",
		leaseMs: leaseTtl === undefined ? (base?.leaseMs ?? 30_000) : ttlMs(leaseTtl, "leaseTtl"),
		tagMs: tagTtl === undefined ? (base?.tagMs ?? 30 * 86_400_000) : ttlMs(tagTtl, "tagTtl"),
		failOpen: failOpen ?? base?.failOpen ?? true,
		policy: resolvePolicy(base?.policy ?? NOTHING, rest, FETCHING),
	};
}

/** What the keys of a namespace begin with. @throws INVALID_OPTION */
export function prefixOf(namespace: unknown): string {
	const prefix = `${checkNamespace(namespace)}:`;
	if (isTagKey(prefix))
		throw new InvalidOptionError("namespace", "must not be ~tag, nor begin with ~tag:, where versions of tags are");
	return prefix;
}

type Field = (value: never, field: string) => Partial<Policy>;

const LIFETIME: Readonly<Record<string, Field>> = {
	ttl: (value: Ttl | null) => ({ ttlMs: value === null ? null : ttlMs(value, "ttl") }),
	ttlJitter: (value: number) => ({ jitter: part(value) }),
	swr: (value: Ttl) => ({ swrMs: ttlMs(value, "swr") }),
	grace: (value: Ttl) => ({ graceMs: ttlMs(value, "grace") }),
	negativeTtl: (value: Ttl) => ({ negativeMs: ttlMs(value, "negativeTtl") }),
};

const FETCHING: Readonly<Record<string, Field>> = {
	...LIFETIME,
	earlyRefresh: (value: boolean | { beta?: number }) => ({ beta: betaOf(value) }),
	timeout: (value: Ttl) => ({ softMs: timerMs(value, "timeout") }),
	hardTimeout: (value: Ttl) => ({ hardMs: timerMs(value, "hardTimeout") }),
};

export const STORE_FIELDS: Readonly<Record<string, Field>> = {
	...LIFETIME,
	tags: (value: string[]) => ({ tags: checkTags(value) }),
};

export const CALL_FIELDS: Readonly<Record<string, Field>> = {
	...FETCHING,
	...STORE_FIELDS,
	forceFresh(value: unknown) {
		if (typeof value !== "boolean") throw new InvalidOptionError("forceFresh", "must be true or false");
		return { forceFresh: value };
	},
	validate(value: unknown) {
		if (typeof value !== "function") throw new InvalidOptionError("validate", "must be a function");
		return { validate: value as (value: unknown) => boolean };
	},
	signal(value: unknown) {
		if (!(value instanceof AbortSignal)) throw new InvalidOptionError("signal", "must be an AbortSignal");
		return { signal: value };
	},
};

/**
 * `base`, with what `options` say instead; a field that is undefined says nothing.
 * @throws INVALID_OPTION, naming the field
 */
export function resolvePolicy(base: Policy, options: object | undefined, fields: Readonly<Record<string, Field>>): Policy {
	if (options === undefined) return base;
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	const policy = { ...base };
	for (const [field, value] of Object.entries(options)) {
		const resolve = Object.hasOwn(fields, field) ? fields[field] : undefined;
		if (resolve === undefined) throw new InvalidOptionError(field, "is not an option here");
		if (value !== undefined) Object.assign(policy, resolve(value as never, field));
	}
	return policy;
}

/** @throws INVALID_OPTION */
export function checkTags(tags: unknown): readonly string[] {
	if (!Array.isArray(tags) || tags.length > MAX_TAGS)
		throw new InvalidOptionError("tags", `must be a list of at most ${MAX_TAGS} tags`);
	for (const tag of tags) {
		if (typeof tag !== "string" || tag === "" || tag.length > 10_000) {
			throw new InvalidOptionError("tags", "must be strings that are neither empty nor longer than 10,000 characters");
		}
	}
	return [...new Set(tags)];
}

/** @throws INVALID_ARGUMENT */
export function checkFunction<F>(value: F, position: number, what: string): F {
	if (typeof value !== "function") throw new InvalidArgumentError(position, `${what} must be a function`);
	return value;
}

function part(value: unknown): number {
	if (typeof value !== "number" || !(value >= 0 && value <= 1))
		throw new InvalidOptionError("ttlJitter", "must be a number from 0 to 1");
	return value;
}

function betaOf(value: unknown): number {
	if (typeof value === "boolean") return value ? 1 : 0;
	const { beta = 1, ...rest } = (value ?? {}) as { beta?: number };
	const known = typeof value === "object" && value !== null && Object.keys(rest).length === 0;
	if (!known || typeof beta !== "number" || !(beta > 0 && beta < Number.POSITIVE_INFINITY)) {
		throw new InvalidOptionError("earlyRefresh", "must be true, false, or { beta } with a number above 0");
	}
	return beta;
}
