/** How options and lists become the words of a command. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { DefinedScript } from "../script.js";
import { checkFields, checkFlag, checkInteger } from "../util/options.js";
import type { Many } from "./surface.js";

export { checkFields, checkFlag, checkInteger };

/** What is refused: the argument at an index among the words, or the option of a name. */
export type Where = number | string;

/** @throws INVALID_ARGUMENT, INVALID_OPTION */
export function refuse(where: Where, reason: string): never {
	if (typeof where === "string") throw new InvalidOptionError(where, reason);
	throw new InvalidArgumentError(where, `argument ${where} ${reason}`);
}

/** Appends items that were given one by one or as lists. No spread: lists may be long. */
export function append(words: unknown[], items: Many<unknown>): unknown[] {
	for (const item of items) {
		if (Array.isArray(item)) for (const one of item) words.push(one);
		else words.push(item);
	}
	return words;
}

/** @throws INVALID_OPTION when more than one of `fields` is set to something but false */
export function atMostOne<T extends object>(
	options: Partial<T>,
	fields: readonly (keyof T & string)[],
): (keyof T & string) | undefined {
	const [first, second] = fields.filter((field) => options[field] !== undefined && options[field] !== false);
	if (second !== undefined) refuse(second, `contradicts ${first}`);
	return first;
}

/**
 * An integer among the arguments; bigints are integers.
 * @param what "a number of seconds", for people
 * @throws INVALID_ARGUMENT
 */
export function integerAt(value: unknown, index: number, what: string, least = -Infinity, most = Infinity): number | bigint {
	const whole = typeof value === "bigint" || Number.isSafeInteger(value);
	if (!whole || (value as number) < least || (value as number) > most) {
		const from = least === -Infinity ? "" : ` from ${least}`;
		const to = most === Infinity ? "" : ` to ${most}`;
		refuse(index, `must be ${what}, an integer${from}${to}`);
	}
	return value as number | bigint;
}

/** @throws INVALID_ARGUMENT */
export function listAt(value: unknown, index: number): readonly unknown[] {
	return Array.isArray(value) ? value : refuse(index, "must be a list");
}

/** One of a few words, as it is sent. @throws INVALID_ARGUMENT, INVALID_OPTION */
export function wordOf(value: unknown, where: Where, words: readonly string[]): string {
	if (typeof value !== "string" || !words.includes(value)) return refuse(where, `must be one of: ${words.join(", ")}`);
	return value.toUpperCase();
}

/** @throws INVALID_ARGUMENT, for commands whose keys are none to the server's table */
export function keyAt(value: unknown, index: number): unknown {
	if (typeof value === "string" || value instanceof Uint8Array) return value;
	return refuse(index, "must be a key: a string, a Buffer or a Uint8Array");
}

/** @throws INVALID_ARGUMENT, INVALID_OPTION */
export function checkText(value: unknown, where: Where): string | Uint8Array {
	return typeof value === "string" || value instanceof Uint8Array
		? value
		: refuse(where, "must be a string, a Buffer or a Uint8Array");
}

/** A part of a range: how many to skip, and how many to take, all for a negative `count`. */
export interface RangeLimit {
	offset: number;
	count: number;
}

/** `LIMIT offset count`. @throws INVALID_OPTION */
export function appendLimit(words: unknown[], limit: RangeLimit | undefined): void {
	if (limit === undefined) return;
	if (typeof limit !== "object" || limit === null) refuse("limit", "must be { offset, count }");
	const { offset, count, ...rest } = limit;
	for (const field of Object.keys(rest)) refuse(`limit.${field}`, "is not a field of limit");
	words.push("LIMIT", checkInteger(offset, "limit.offset"), checkInteger(count, "limit.count"));
}

/**
 * Keys with their values, of a record, a Map or a list of pairs, in their order.
 * @param index of the argument, where that is not the index of the word that comes next
 * @throws INVALID_ARGUMENT; `index` is that of the argument, or where the pair's key would have stood
 */
export function appendEntries(words: unknown[], entries: unknown, index?: number): unknown[] {
	for (const entry of listOf(entries, index ?? words.length)) {
		if (!Array.isArray(entry) || entry.length !== 2) return refuse(index ?? words.length, "must be an entry: [key, value]");
		words.push(entry[0], entry[1]);
	}
	return words;
}

function listOf(entries: unknown, index: number): Iterable<unknown> {
	if (typeof entries === "object" && entries !== null) {
		if (Symbol.iterator in entries) return entries as Iterable<unknown>;
		// Not a Date, a Promise, or what else has no entries of its own.
		if (Object.prototype.toString.call(entries) === "[object Object]") return Object.entries(entries);
	}
	return refuse(index, "must be a record, a Map or a list of [key, value]");
}

/** A double as servers write it: of any size, `-0`, and infinite. @throws INVALID_ARGUMENT, INVALID_OPTION: for NaN too */
export function doubleWord(value: unknown, where: Where): string {
	if (typeof value !== "number" || Number.isNaN(value)) return refuse(where, "must be a number, and not NaN");
	if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : `${value}`;
	return value > 0 ? "+inf" : "-inf";
}

/** {@link doubleWord} where servers take no infinity. */
export function finiteWord(value: unknown, where: Where, least = Number.NEGATIVE_INFINITY): string {
	if (!Number.isFinite(value)) return refuse(where, "must be a finite number");
	return (value as number) < least ? refuse(where, `must be a number from ${least}`) : doubleWord(value, where);
}

export interface FlushOptions {
	/** Whether the memory is freed before the reply, or later; else as `lazyfree-lazy-user-flush` says. */
	mode?: "sync" | "async";
}

/** What follows a command that deletes everything of a kind. @throws INVALID_OPTION */
export function flushWords(command: string, options: FlushOptions | undefined): string[] {
	const { mode } = checkFields(command, options, ["mode"]);
	return mode === undefined ? [] : [wordOf(mode, "mode", ["sync", "async"])];
}

/** Appends a flag's word, which is its field in upper case, where it is set. @throws INVALID_OPTION */
export function appendFlags<T extends object>(
	words: unknown[],
	options: Partial<T>,
	fields: readonly (keyof T & string)[],
): void {
	for (const field of fields) if (checkFlag(options[field], field)) words.push(field.toUpperCase());
}

/** Appends how many keys there are, and the keys. @throws INVALID_ARGUMENT when there is none */
export function appendCounted(words: unknown[], items: unknown): unknown[] {
	const list = Array.isArray(items) ? items : [items];
	if (list.length === 0) refuse(words.length, "must be one or more");
	words.push(list.length);
	for (const item of list) words.push(item);
	return words;
}

/**
 * A call with a counted list of keys, as EVAL and FCALL have it: what is called, the number of keys, keys, arguments.
 * @param count of keys that there have to be; null: any
 * @throws INVALID_ARGUMENT with the index in the command
 */
export function callWords(name: string, callee: unknown, keys: unknown, args: unknown, count: number | null = null): unknown[] {
	if (!Array.isArray(keys)) throw new InvalidArgumentError(3, "keys must be an array");
	if (!Array.isArray(args)) throw new InvalidArgumentError(3 + keys.length, "arguments must be an array");
	if (count !== null && keys.length !== count) {
		const at = 3 + Math.min(keys.length, count);
		throw new InvalidArgumentError(at, `the script takes ${count} ${count === 1 ? "key" : "keys"}, and was given ${keys.length}`);
	}
	return append([name, textAt(callee, 1), keys.length], [keys, args]);
}

/**
 * A name, a hash or source code: no number is one.
 * @throws INVALID_ARGUMENT
 */
export function textAt(value: unknown, index: number): string | Uint8Array {
	if (typeof value === "string" || value instanceof Uint8Array) return value;
	throw new InvalidArgumentError(index, `argument ${index} must be text: a string, a Buffer or a Uint8Array`);
}

/**
 * The call of a script that was defined: with its text, or by its hash.
 * @throws INVALID_ARGUMENT
 */
export function scriptWords(script: unknown, keys: unknown, args: unknown, byHash: boolean): unknown[] {
	if (!(script instanceof DefinedScript)) throw new InvalidArgumentError(1, "the script must be one of defineScript()");
	const { readOnly, sha1, text } = script;
	const name = `${byHash ? "EVALSHA" : "EVAL"}${readOnly ? "_RO" : ""}`;
	return callWords(name, byHash ? sha1 : text, keys, args, script.keys);
}

/** How the replies of a script are taken; not at all where it was not said. */
export function takeOf(script: unknown): ((reply: never) => unknown) | undefined {
	return script instanceof DefinedScript ? (script.reply ?? undefined) : undefined;
}

/** Appends how many are asked for, where it is said. @throws INVALID_ARGUMENT */
export function appendCount(words: unknown[], count: unknown, least?: number): unknown[] {
	if (count !== undefined) words.push(integerAt(count, words.length, "a count", least));
	return words;
}

/** Appends an option's word and its number, where it is given. @throws INVALID_OPTION */
export function appendInteger(words: unknown[], field: string, value: unknown, least?: number): void {
	if (value !== undefined) words.push(field.toUpperCase(), checkInteger(value, field, least));
}

/** Elsewhere several are given one by one; here all but the first would be lost. @throws INVALID_ARGUMENT */
export function refuseMore(more: readonly unknown[], index: number, what: string): void {
	if (more.length > 0) refuse(index, `is one too many: several ${what} with their values are given as a record`);
}
