import { InvalidArgumentError } from "./errors.js";

/** Local until the encoder's own type stands. */
export type Argument = string | Uint8Array;

/**
 * One rule for finding keys, in the terms of the server's key specifications: where to begin, then how to walk.
 *
 * | | `KeySpec` | in text |
 * |---|---|---|
 * | begin at an argument | `index` | `1` |
 * | begin after a keyword, sought from an argument on | `keyword`, `index` | `STREAMS@4` |
 * | walk to `last`: from the first key, or below 0 from the end, or from the end of the first part of `parts` | `last`, `step`, `parts` | `:-1/2`, `:-1/1/2` |
 * | walk as many keys as an argument says | `countAt`, `firstAt`, `step` | `:#0/1/1` |
 *
 * `countAt` and `firstAt` are relative to where the walk begins; a `countAt` of -1 means there is none. A bare `1` is the key at 1.
 * @see https://redis.io/docs/latest/develop/reference/key-specs/
 */
export interface KeySpec {
	readonly keyword: string | null;
	readonly index: number;
	readonly last: number;
	readonly step: number;
	readonly parts: number;
	readonly countAt: number;
	readonly firstAt: number;
}

/** Finders written by hand, for commands whose keys no key specification can tell. */
export type KeyFinder = (args: readonly Argument[]) => number[];

const TEXT = /^(?:([^@:/]+)@)?(\d+)(?::(?:#(\d+)\/(\d+)\/(\d+)|(-?\d+)(?:\/(\d+)(?:\/(\d+))?)?))?$/;

/** Reads the text form of {@link KeySpec}. The texts are shipped ones: a bad one is a mistake in this package. */
export function parseKeySpec(text: string): KeySpec {
	const match = TEXT.exec(text);
	if (match === null) throw new TypeError(`not a key specification: ${text}`);
	const [, keyword, index, countAt, firstAt, countStep, last, step, parts] = match;
	return {
		keyword: keyword ?? null,
		index: Number(index),
		last: Number(last ?? 0),
		step: Number(countStep ?? step ?? 1),
		parts: Number(parts ?? 1),
		countAt: Number(countAt ?? -1),
		firstAt: Number(firstAt ?? 0),
	};
}

export function formatKeySpec(spec: KeySpec): string {
	const begin = spec.keyword === null ? `${spec.index}` : `${spec.keyword}@${spec.index}`;
	if (spec.countAt >= 0) return `${begin}:#${spec.countAt}/${spec.firstAt}/${spec.step}`;
	if (spec.parts > 1) return `${begin}:${spec.last}/${spec.step}/${spec.parts}`;
	if (spec.step > 1) return `${begin}:${spec.last}/${spec.step}`;
	return spec.last === 0 ? begin : `${begin}:${spec.last}`;
}

/**
 * Appends the indexes of the keys that `spec` finds in `args`. Arguments that are missing altogether are the server's to refuse.
 * @throws INVALID_ARGUMENT, with its index, for a count of keys that is no whole number or larger than what follows it
 */
export function collectKeys(spec: KeySpec, args: readonly Argument[], into: number[]): void {
	let first = spec.keyword === null ? spec.index : afterKeyword(spec.keyword, spec.index, args);
	if (first >= args.length) return;
	let last: number;
	if (spec.countAt >= 0) {
		const at = first + spec.countAt;
		if (at >= args.length) return;
		first += spec.firstAt;
		last = first + (keyCount(args, at) - 1) * spec.step;
		if (last >= args.length) throw new InvalidArgumentError(at, `argument ${at} counts more keys than there are arguments`);
	} else if (spec.last >= 0) {
		last = Math.min(first + spec.last, args.length - 1);
	} else {
		last = (spec.parts <= 1 ? args.length : first + Math.trunc((args.length - first) / spec.parts)) + spec.last;
	}
	for (let i = first; i <= last; i += spec.step) into.push(i);
}

/** The index after the first `keyword` at or behind `from`; past the end when there is none. */
function afterKeyword(keyword: string, from: number, args: readonly Argument[]): number {
	for (let i = from; i < args.length; i++) {
		if (isWord(args[i]!, keyword)) return i + 1;
	}
	return args.length;
}

function keyCount(args: readonly Argument[], at: number): number {
	// Strict as the server's own reading of integers: no sign, no leading zero, no space.
	const text = asText(args[at]!, 10);
	if (text === null || !/^(?:0|[1-9]\d*)$/.test(text)) {
		throw new InvalidArgumentError(at, `argument ${at} must be the number of keys, a whole number`);
	}
	return Number(text);
}

/** SORT key [BY p] [LIMIT a b] [GET p …] … [STORE destination]; a pattern may itself read "store". The last STORE counts. */
export function sortKeys(args: readonly Argument[]): number[] {
	if (args.length < 2) return [];
	let destination = 0;
	for (let i = 2; i < args.length; i++) {
		const arg = args[i]!;
		if (isWord(arg, "LIMIT")) i += 2;
		else if (isWord(arg, "BY") || isWord(arg, "GET")) i += 1;
		else if (isWord(arg, "STORE") && i + 1 < args.length) destination = ++i;
	}
	return destination === 0 ? [1] : [1, destination];
}

/** MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH p] [AUTH2 u p] [KEYS key …]: the key at 3, or with "" there those after KEYS. */
export function migrateKeys(args: readonly Argument[]): number[] {
	if (args.length < 4) return [];
	if (args[3]!.length > 0) return [3];
	for (let i = 6; i < args.length; i++) {
		const arg = args[i]!;
		if (isWord(arg, "AUTH")) i += 1;
		else if (isWord(arg, "AUTH2")) i += 2;
		else if (isWord(arg, "KEYS")) return Array.from({ length: args.length - i - 1 }, (_, n) => i + 1 + n);
	}
	// The server, too, takes the empty argument for a key then.
	return [3];
}

/** Whether `arg` is `word`, which is upper case, in any case. */
export function isWord(arg: Argument, word: string): boolean {
	if (arg.length !== word.length) return false;
	return asText(arg, word.length)!.toUpperCase() === word;
}

/** An argument that should be a short word or number, as text; null when it is longer than `limit` and so is none. */
export function asText(arg: Argument, limit: number): string | null {
	if (arg.length > limit) return null;
	return typeof arg === "string" ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.length).toString("latin1");
}
