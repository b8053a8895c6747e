/** Keys as backends take them, and which of them a query means. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { isWellFormed } from "../util/text.js";
import type { KeyQuery } from "./backend.js";

/**
 * @param position of the argument, or in the list of keys
 * @throws INVALID_ARGUMENT
 */
export function checkKey(key: unknown, position: number): string {
	if (typeof key !== "string" || key === "") throw new InvalidArgumentError(position, "a key must be a string that is not empty");
	if (!isWellFormed(key)) throw new InvalidArgumentError(position, "the key has a lone surrogate, which UTF-8 cannot express");
	return key;
}

/** @throws INVALID_ARGUMENT with the place of the first one that is none */
export function checkKeys(keys: unknown): readonly string[] {
	if (!Array.isArray(keys)) throw new InvalidArgumentError(0, "keys must be an array");
	for (let i = 0; i < keys.length; i++) checkKey(keys[i], i);
	return keys;
}

/**
 * What is there of these keys, by key; whatever becomes of the caller's list meanwhile.
 *
 * @throws INVALID_ARGUMENT
 */
export async function foundOf<T>(keys: unknown, read: (own: string[]) => Promise<(T | null)[]>): Promise<Map<string, T>> {
	const own = [...checkKeys(keys)];
	const values = await read(own);
	const found = new Map<string, T>();
	for (const [i, key] of own.entries()) {
		const value = values[i] ?? null;
		if (value !== null) found.set(key, value);
	}
	return found;
}

/** A colon ends a namespace: one of its own would make it two. */
export function checkNamespace(namespace: unknown, field = "namespace"): string {
	if (typeof namespace !== "string" || namespace === "")
		throw new InvalidOptionError(field, "must be a string that is not empty");
	return namespace;
}

export interface ResolvedQuery {
	/** What keys begin with, the backend's own prefix not included. */
	readonly prefix: string;
	/** What the rest of a key matches; null: anything. */
	readonly match: string | null;
}

/**
 * @param known further fields of this call's query
 * @throws INVALID_OPTION
 */
export function resolveQuery(query: KeyQuery | undefined, known: readonly string[] = []): ResolvedQuery {
	if (query === undefined) return { prefix: "", match: null };
	if (typeof query !== "object" || query === null) throw new InvalidOptionError("query", "must be an object");
	const { namespace, prefix = "", match, ...rest } = query;
	for (const field of Object.keys(rest))
		if (!known.includes(field)) throw new InvalidOptionError(field, "is not part of a query");
	if (typeof prefix !== "string") throw new InvalidOptionError("prefix", "must be a string");
	if (match !== undefined && typeof match !== "string") throw new InvalidOptionError("match", "must be a string");
	const begin = namespace === undefined ? "" : `${checkNamespace(namespace)}:`;
	for (const [field, text = ""] of Object.entries({ namespace, prefix, match })) {
		if (!isWellFormed(text)) throw new InvalidOptionError(field, "has a lone surrogate, which UTF-8 cannot express");
	}
	return { prefix: `${begin}${prefix}`, match: match ?? null };
}
