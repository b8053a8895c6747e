/** Options of a call that stores something, checked. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { checkFlag, refuseRest } from "../util/options.js";
import { isWellFormed } from "../util/text.js";
import { expiryOf, ttlMs } from "../util/ttl.js";
import type { Bytes, EntryOptions, Item, SetManyOptions } from "./backend.js";
import { checkKey } from "./keys.js";
import { encodeMetadata } from "./metadata.js";

export interface ResolvedEntry {
	/** Null: for ever. */
	readonly ttlMs: number | null;
	/** As JSON; null: it has none. Undefined: it never has, so nobody has to look. */
	readonly metadata: string | null | undefined;
	readonly condition: "nx" | "xx" | null;
}

/** @throws INVALID_OPTION */
export function resolveEntry(options: EntryOptions | undefined, defaultTtlMs: number | null): ResolvedEntry {
	const { ttl, metadata, nx = false, xx = false, ...rest } = checkObject(options);
	refuseRest("this call", rest);
	checkFlag(nx, "nx");
	checkFlag(xx, "xx");
	if (nx && xx) throw new InvalidOptionError("xx", "contradicts nx");
	return {
		ttlMs: resolveTtl(ttl, defaultTtlMs),
		metadata: metadata === false ? undefined : metadata === undefined ? null : encodeMetadata(metadata),
		condition: nx ? "nx" : xx ? "xx" : null,
	};
}

/** The same as options of the command SET. */
export function setOptions({ ttlMs: ms, condition }: ResolvedEntry): { ex?: number; px?: number; nx?: true; xx?: true } {
	const expiry = ms === null ? {} : expiryOf(ms);
	return condition === null ? expiry : { ...expiry, [condition]: true as const };
}

/** @throws INVALID_OPTION */
export function resolveTtl(ttl: unknown, defaultTtlMs: number | null): number | null {
	if (ttl === undefined) return defaultTtlMs;
	return ttl === null ? null : ttlMs(ttl, "ttl");
}

export interface ResolvedItem {
	readonly key: string;
	readonly value: Bytes;
	readonly ttlMs: number | null;
}

/** @throws INVALID_ARGUMENT with the place of the item, INVALID_OPTION */
export function resolveItems(items: unknown, ttl: unknown, defaultTtlMs: number | null): ResolvedItem[] {
	if (typeof (items as Iterable<Item> | null)?.[Symbol.iterator] !== "function" || typeof items === "string") {
		throw new InvalidArgumentError(0, "items must be a list of { key, value, ttl? }");
	}
	const common = resolveTtl(ttl, defaultTtlMs);
	return Array.from(items as Iterable<Item>, (item, i) => {
		if (typeof item !== "object" || item === null) throw new InvalidArgumentError(i, "an item must be { key, value, ttl? }");
		for (const field of ["metadata", "nx", "xx"]) {
			if (field in item) throw new InvalidArgumentError(i, `an item of setMany has no ${field}: use set()`);
		}
		return { key: checkKey(item.key, i), value: checkValue(item.value, i), ttlMs: resolveTtl(item.ttl, common) };
	});
}

/** @throws INVALID_ARGUMENT */
export function checkValue(value: unknown, position: number): Bytes {
	if (typeof value === "string") {
		if (isWellFormed(value)) return value;
		throw new InvalidArgumentError(position, "the value has a lone surrogate, which UTF-8 cannot express");
	}
	if (!(value instanceof Uint8Array)) {
		throw new InvalidArgumentError(position, "a value must be a string, a Buffer or a Uint8Array");
	}
	if (value.byteLength === 0 && isDetached(value.buffer)) {
		throw new InvalidArgumentError(position, "the ArrayBuffer of the value is detached");
	}
	return value;
}

function isDetached(memory: ArrayBufferLike): boolean {
	try {
		new Uint8Array(memory);
		return false;
	} catch {
		return true;
	}
}

/** What belongs to the call itself, and the rest, which is for the client. @throws INVALID_OPTION */
export function resolveSetMany(options: SetManyOptions | undefined) {
	const { ttl, atomic = false, metadata, ...many } = checkObject(options);
	checkFlag(atomic, "atomic");
	if (metadata !== undefined && metadata !== false) throw new InvalidOptionError("metadata", "must be false, or left out");
	return { ttl, atomic, plain: metadata === false, many };
}

/** @throws INVALID_OPTION */
export function checkObject<T extends object>(options: T | undefined): Partial<T> {
	if (options === undefined) return {};
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	return options;
}

/** What a value begins with, and what it is to begin with. @throws INVALID_ARGUMENT */
export function checkHeads(expected: unknown, head: unknown): void {
	if (!(expected instanceof Uint8Array) || expected.length === 0)
		throw new InvalidArgumentError(1, "what is expected must be a Buffer or a Uint8Array that is not empty");
	if (!(head instanceof Uint8Array) || head.length !== expected.length)
		throw new InvalidArgumentError(2, "the head must be a Buffer or a Uint8Array, as long as what is expected");
}
