/** Options and arguments of the stream commands, and the words they become. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import type { Key, Value } from "./arguments.js";
import { appendEntries, atMostOne, checkFields, checkFlag, checkInteger } from "./words.js";

/** An entry's id: `"1700000000000-0"`, or a word such as `"-"`, `"+"`, `"$"`, `"("` before an id. Numbers are milliseconds. */
export type StreamId = Value;

/** Fields and values of an entry: a record, a Map, or pairs, which may repeat a field. */
export type StreamFields = Readonly<Record<string, Value>> | Iterable<readonly [field: Value, value: Value]>;

/** Streams to read, each from behind an id: a record, a Map, or pairs. */
export type StreamPositions = Readonly<Record<string, StreamId>> | Iterable<readonly [key: Key, id: StreamId]>;

/** How far a stream is cut: at most one of `maxlen` and `minid`. */
export interface TrimOptions {
	/** How many entries remain. */
	maxlen?: number;
	/** The lowest id that remains (6.2). */
	minid?: StreamId;
	/** `~`: somewhat more may remain, which costs the server much less. */
	approximate?: boolean;
	/** Entries deleted at most in one call, 0 for any number; only with `approximate` (6.2). */
	limit?: number;
}

/** Options of XADD. */
export interface XaddOptions extends TrimOptions {
	/** The entry's id; by default `"*"`, the server's own. */
	id?: StreamId;
	/** Adds nothing where there is no stream yet (6.2). */
	nomkstream?: boolean;
}

export interface XreadOptions {
	/** Entries of each stream at most. */
	count?: number;
	/** Milliseconds to wait for an entry where there is none; 0: for ever. */
	block?: number;
}

export interface XreadgroupOptions extends XreadOptions {
	/** The entries count as acknowledged at once: those of a lost reply are lost. */
	noack?: boolean;
}

/** Options of XCLAIM. At most one of `idle` and `time`. */
export interface XclaimOptions {
	/** Milliseconds that the entries are to count as idle; by default 0. */
	idle?: number;
	/** The same as a Unix time in milliseconds. */
	time?: number;
	/** What the count of deliveries is to be; by default it grows by one. */
	retrycount?: number;
	/** Also what is pending for nobody. */
	force?: boolean;
	/** Raises the group's last delivered id. */
	lastid?: StreamId;
	/** Ids alone, and the count of deliveries stays as it is. */
	justid?: boolean;
}

export interface XpendingOptions {
	/** Entries at most. */
	count: number;
	/** By default `"-"`. */
	start?: StreamId;
	/** By default `"+"`. */
	end?: StreamId;
	consumer?: Value;
	/** Milliseconds: only what was delivered so long ago (6.2). */
	idle?: number;
}

const trimFields = ["maxlen", "minid", "approximate", "limit"] as const;

/** `MAXLEN|MINID [~] threshold [LIMIT n]` */
function trimWords(options: Partial<TrimOptions>): unknown[] {
	const by = atMostOne(options, ["maxlen", "minid"]);
	const { maxlen, minid, approximate, limit } = options;
	const near = checkFlag(approximate, "approximate");
	if (by === undefined) {
		if (near) throw new InvalidOptionError("approximate", "needs maxlen or minid");
		if (limit !== undefined) throw new InvalidOptionError("limit", "needs maxlen or minid");
		return [];
	}
	const words: unknown[] = by === "maxlen" ? ["MAXLEN"] : ["MINID"];
	if (near) words.push("~");
	words.push(by === "maxlen" ? checkInteger(maxlen, "maxlen", 0) : checkId(minid, "minid"));
	if (limit !== undefined) {
		if (!near) throw new InvalidOptionError("limit", "needs approximate");
		words.push("LIMIT", checkInteger(limit, "limit", 0));
	}
	return words;
}

/** @throws INVALID_OPTION for what can be no id */
export function checkId(id: unknown, field: string): unknown {
	const fits =
		(typeof id === "string" && id !== "") ||
		(id instanceof Uint8Array && id.length > 0) ||
		typeof id === "bigint" ||
		Number.isSafeInteger(id);
	if (!fits) throw new InvalidOptionError(field, "must be an id");
	return id;
}

export function xaddWords(key: Key, fields: StreamFields, given: XaddOptions | undefined): unknown[] {
	const options = checkFields<XaddOptions>("XADD", given, ["id", "nomkstream", ...trimFields]);
	const words: unknown[] = ["XADD", key];
	if (checkFlag(options.nomkstream, "nomkstream")) words.push("NOMKSTREAM");
	words.push(...trimWords(options), options.id === undefined ? "*" : checkId(options.id, "id"));
	const before = words.length;
	if (appendEntries(words, fields, 2).length === before) throw new InvalidArgumentError(2, "an entry needs a field");
	return words;
}

export function xtrimWords(key: Key, given: TrimOptions): unknown[] {
	const options = checkFields<TrimOptions>("XTRIM", given, trimFields);
	const words = trimWords(options);
	if (words.length === 0) throw new InvalidOptionError("options", "need maxlen or minid");
	return ["XTRIM", key, ...words];
}

/** `COUNT n BLOCK ms NOACK` */
export function readWords(command: string, given: XreadgroupOptions | undefined): unknown[] {
	const fields = command === "XREAD" ? (["count", "block"] as const) : (["count", "block", "noack"] as const);
	const options = checkFields<XreadgroupOptions>(command, given, fields);
	const words = countWords(options);
	if (options.block !== undefined) words.push("BLOCK", checkInteger(options.block, "block", 0));
	if (checkFlag(options.noack, "noack")) words.push("NOACK");
	return words;
}

/** `STREAMS key … id …` */
export function positionWords(streams: StreamPositions, index: number): unknown[] {
	const keys: unknown[] = [];
	const ids: unknown[] = [];
	const met = new Set<string>();
	const entries = appendEntries([], streams, index);
	for (let i = 0; i < entries.length; i += 2) {
		const [key, id] = [entries[i], entries[i + 1]];
		const name = typeof key === "string" || key instanceof Uint8Array ? Buffer.from(key as string).toString("latin1") : null;
		// RESP3 answers with a map, in which the second one would hide the first. What is no key is refused where it is sent.
		if (name !== null && met.has(name)) throw new InvalidArgumentError(index, "a stream is given twice");
		if (name !== null) met.add(name);
		keys.push(key);
		ids.push(id);
	}
	if (keys.length === 0) throw new InvalidArgumentError(index, "no stream is given");
	return ["STREAMS", ...keys, ...ids];
}

/** `COUNT n` */
export function countWords({ count }: { count?: number }): unknown[] {
	return count === undefined ? [] : ["COUNT", checkInteger(count, "count", 1)];
}

/** @throws INVALID_ARGUMENT */
export function checkIdle(idleMs: unknown, index: number): unknown {
	if (Number.isSafeInteger(idleMs) && (idleMs as number) >= 0) return idleMs;
	throw new InvalidArgumentError(index, `argument ${index} must be a whole number of milliseconds, from 0`);
}

export function claimOptionWords(given: XclaimOptions | undefined): unknown[] {
	const options = checkFields<XclaimOptions>("XCLAIM", given, ["idle", "time", "retrycount", "force", "lastid", "justid"]);
	atMostOne(options, ["idle", "time"]);
	const words: unknown[] = [];
	for (const field of ["idle", "time", "retrycount"] as const) {
		if (options[field] !== undefined) words.push(field.toUpperCase(), checkInteger(options[field], field, 0));
	}
	if (checkFlag(options.force, "force")) words.push("FORCE");
	if (checkFlag(options.justid, "justid")) words.push("JUSTID");
	if (options.lastid !== undefined) words.push("LASTID", checkId(options.lastid, "lastid"));
	return words;
}

export function xpendingWords(key: Key, group: Value, given: XpendingOptions | undefined): unknown[] {
	if (given === undefined) return ["XPENDING", key, group];
	const options = checkFields<XpendingOptions>("XPENDING", given, ["count", "start", "end", "consumer", "idle"]);
	const words: unknown[] = ["XPENDING", key, group];
	if (options.idle !== undefined) words.push("IDLE", checkInteger(options.idle, "idle", 0));
	const { start = "-", end = "+" } = options;
	words.push(checkId(start, "start"), checkId(end, "end"), checkInteger(options.count, "count", 1));
	if (options.consumer !== undefined) words.push(options.consumer);
	return words;
}
