import { appendFlags, appendLimit, atMostOne, checkFields, checkText, type RangeLimit, refuse } from "./words.js";

/** Options of SORT_RO. */
export interface SortRoOptions {
	/** A pattern of the keys that weigh the elements, `weight_*` or `hash_*->field`; `"nosort"` leaves them as they are. */
	by?: string;
	limit?: RangeLimit;
	/** Patterns of the keys to reply with, in place of the elements; `#` is the element itself. */
	get?: string | readonly string[];
	/** Smallest first, the default. */
	asc?: boolean;
	/** Largest first. */
	desc?: boolean;
	/** As text. Without it all elements must be numbers. */
	alpha?: boolean;
}

/** Options of SORT. */
export interface SortOptions extends SortRoOptions {
	/** Writes a list to this key, and replies with its length. */
	store?: string | Uint8Array;
}

const readFields = ["by", "limit", "get", "asc", "desc", "alpha"] as const;

/**
 * Appends what `options` mean to the words of a SORT or SORT_RO.
 * @throws INVALID_OPTION
 */
export function appendSortOptions(words: unknown[], command: "SORT" | "SORT_RO", options: SortOptions | undefined): unknown[] {
	const given = checkFields<SortOptions>(command, options, command === "SORT" ? [...readFields, "store"] : readFields);
	const { by, limit, get, store } = given;
	if (by !== undefined) words.push("BY", checkText(by, "by"));
	appendLimit(words, limit);
	for (const pattern of patternsOf(get)) words.push("GET", checkText(pattern, "get"));
	appendFlags<SortOptions>(words, given, ["asc", "desc", "alpha"]);
	atMostOne(given, ["asc", "desc"]);
	if (store !== undefined) words.push("STORE", checkText(store, "store"));
	return words;
}

function patternsOf(get: unknown): readonly unknown[] {
	if (get === undefined) return [];
	if (Array.isArray(get)) return get;
	if (typeof get === "string") return [get];
	return refuse("get", "must be a pattern or a list of them");
}
