/** A call for many keys that failed for some of them: what the others' nodes said is no worse for it. */
import { ClientError } from "../errors.js";
import { CacheBatchError, CacheError, cacheError } from "./errors.js";

/** What became of each of so many keys; null: nothing is known but that the call failed. */
export function resultsOf<T>(error: unknown, count: number): readonly (T | ClientError)[] | null {
	const typed = error instanceof ClientError ? cacheError(error) : error;
	return typed instanceof CacheBatchError && typed.results.length === count ? (typed.results as (T | ClientError)[]) : null;
}

/** For how many of so many keys one of these calls failed. */
export function failuresIn(errors: readonly unknown[], count: number): number {
	const all = errors.map((error) => resultsOf(error, count));
	if (all.includes(null)) return count;
	return Array.from({ length: count }, (_, i) => all.some((results) => results?.[i] instanceof ClientError)).filter(Boolean)
		.length;
}

/** What a call for some of many keys failed with, for a call for all of them: `known` has what was there without it, null at its `asked`. */
export function widened(error: unknown, known: readonly unknown[], asked: readonly number[]): unknown {
	if (asked.length === known.length || !(error instanceof CacheError)) return error;
	const parts = resultsOf(error, asked.length);
	const results = [...known];
	for (const [j, i] of asked.entries()) results[i] = parts === null ? error : parts[j];
	return new CacheBatchError(error.message, results, { cause: error });
}
