/** What a store is made of, and what its calls take, checked. */
import { InvalidOptionError } from "../errors.js";
import { refuseRest } from "../util/options.js";
import { isWellFormed } from "../util/text.js";
import { type Ttl, ttlMs } from "../util/ttl.js";

export interface SessionStoreOptions {
	/** How long a session lives that nobody touches. */
	ttl: Ttl;
	/** Keys are `<prefix>{tag}:secret`; default `"sess:"`. */
	prefix?: string;
	/** Every `get`, `update`, `replace` and `regenerate` begins the session's time anew, in the same flight; default false: only `touch` does. */
	rolling?: boolean;
	/** The longest a session lives from its creation, however often it is touched; default without a bound. */
	maxTtl?: Ttl;
}

export interface SessionSettings {
	readonly ttlMs: number;
	readonly prefix: string;
	readonly rolling: boolean;
	/** 0: no bound. */
	readonly maxTtlMs: number;
}

/** Braces that are empty, and first: then servers hash the whole key, and a session's ids would lie in different slots. */
const EMPTY_TAG = /^[^{]*\{\}/;

/** @throws INVALID_OPTION with the field */
export function checkStoreOptions(options: unknown): SessionSettings {
	const { ttl, prefix = "sess:", rolling = false, maxTtl, ...rest } = objectOf<SessionStoreOptions>(options);
	refuseRest("a SessionStore", rest);
	if (typeof prefix !== "string") throw new InvalidOptionError("prefix", "must be text");
	if (!isWellFormed(prefix)) throw new InvalidOptionError("prefix", "holds half a character (a lone surrogate)");
	if (EMPTY_TAG.test(prefix))
		throw new InvalidOptionError("prefix", "must not contain {}: it would take the tag of an id its meaning");
	return {
		ttlMs: ttlMs(ttl, "ttl"),
		prefix,
		rolling: flag(rolling, "rolling") === true,
		maxTtlMs: maxTtl === undefined ? 0 : ttlMs(maxTtl, "maxTtl"),
	};
}

export interface CreateOptions {
	/** Of this session, also whenever it is touched; default the store's. */
	ttl?: Ttl;
}

/** @throws INVALID_OPTION with the field */
export function checkCreateOptions(options: unknown, storeTtlMs: number): number {
	const { ttl, ...rest } = objectOf<CreateOptions>(options ?? {});
	refuseRest("create()", rest);
	return ttl === undefined ? storeTtlMs : ttlMs(ttl, "ttl");
}

export interface GetOptions {
	/** Begins the session's time anew, in the same flight; default what the store's `rolling` says. */
	touch?: boolean;
}

/** @throws INVALID_OPTION with the field */
export function checkGetOptions(options: unknown, rolling: boolean): boolean {
	const { touch, ...rest } = objectOf<GetOptions>(options ?? {});
	refuseRest("get()", rest);
	return flag(touch, "touch") ?? rolling;
}

function objectOf<T extends object>(options: unknown): Partial<T> {
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	return options as Partial<T>;
}

function flag(value: unknown, field: string): boolean | undefined {
	if (value !== undefined && typeof value !== "boolean") throw new InvalidOptionError(field, "must be true or false");
	return value;
}
