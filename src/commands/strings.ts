/** Strings: values of one key each. */
import type { Key, Value } from "./arguments.js";
import { KeyCommands } from "./keys.js";
import { appendLcsOptions, type LcsMatch, type LcsMatches, type LcsOptions, type LcsRange, toLcs } from "./lcs.js";
import { toNumber } from "./replies.js";
import { appendExpiry, appendSetOptions, type PlainSetOptions, type SetOptions } from "./set-options.js";
import type { Entries, Result, Surface } from "./surface.js";
import { append, appendEntries, appendFlags, atMostOne, checkFields, finiteWord, integerAt, listAt } from "./words.js";

/** Options of GETEX: at most one, as those of SET. */
export interface GetexOptions extends Pick<SetOptions, "ex" | "px" | "exat" | "pxat"> {
	/** Takes the time to live away. */
	persist?: boolean;
}

const getexTimes = ["ex", "px", "exat", "pxat"] as const;

export abstract class StringCommands<Text extends string | Buffer, S extends Surface> extends KeyCommands<Text, S> {
	/**
	 * The value of a key. `GET key`
	 * @returns the value, null when there is none
	 * @throws INVALID_ARGUMENT, WRONGTYPE, TIMEOUT, CONNECTION, ABORTED, CLOSED
	 * @see https://valkey.io/commands/get/
	 */
	get(key: Key): Result<S, Text | null> {
		return this.send(["GET", key]);
	}

	/**
	 * Sets a key. `SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]`
	 * @returns `"OK"`; null when `nx` or `xx` forbade it; with `get` the old value, null when there was none
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, and as {@link get}; a timeout or lost connection leaves it open whether it was set
	 * @see https://valkey.io/commands/set/
	 */
	set(key: Key, value: Value, options: SetOptions & { get: true }): Result<S, Text | null>;
	set(key: Key, value: Value, options?: PlainSetOptions): Result<S, "OK" | null>;
	set(key: Key, value: Value, options?: SetOptions): Result<S, Text | "OK" | null>;
	set(key: Key, value: Value, options?: SetOptions): Result<S, unknown> {
		return this.send(() => {
			const words: string[] = [];
			appendSetOptions(words, options);
			return ["SET", key, value, ...words];
		});
	}

	/**
	 * The values of keys. `MGET key …`; on a client keys of any slots, in a pipeline or transaction one command: keys of one slot, at least one
	 * @returns values in the order of the keys, null where there is none or it is no string
	 * @throws INVALID_ARGUMENT; CROSSSLOT in a pipeline or transaction
	 * @see https://valkey.io/commands/mget/
	 */
	mget(keys: readonly Key[]): Result<S, (Text | null)[]> {
		return this.send(() => append(["MGET"], [listAt(keys, 1)]));
	}

	/**
	 * Sets keys of one slot, all at once. `MSET key value …`; keys of any slots, or with times to live: `setMany`
	 * @param entries a record, a Map, or `[key, value]` pairs; at least one
	 * @returns `"OK"`
	 * @throws INVALID_ARGUMENT, CROSSSLOT
	 * @see https://valkey.io/commands/mset/
	 */
	mset(entries: Entries): Result<S, "OK"> {
		return this.send(() => appendEntries(["MSET"], entries));
	}

	/**
	 * Sets keys of one slot when none of them exists, else none. `MSETNX key value …`
	 * @param entries as for {@link mset}
	 * @returns 1 when all were set, 0 when none was
	 * @throws INVALID_ARGUMENT, CROSSSLOT
	 * @see https://valkey.io/commands/msetnx/
	 */
	msetnx(entries: Entries): Result<S, 0 | 1> {
		return this.send(() => appendEntries(["MSETNX"], entries));
	}

	/**
	 * Sets a key that does not exist. `SETNX key value`; with a time to live: `set(key, value, { nx: true, ex })`
	 * @returns 1, or 0 when it exists
	 * @throws as {@link set}
	 * @see https://valkey.io/commands/setnx/
	 */
	setnx(key: Key, value: Value): Result<S, 0 | 1> {
		return this.send(["SETNX", key, value]);
	}

	/**
	 * Sets a key and its time to live. `SETEX key seconds value`; the same as {@link set} with `ex`
	 * @param seconds a whole number from 1
	 * @returns `"OK"`
	 * @throws as {@link set}
	 * @see https://valkey.io/commands/setex/
	 */
	setex(key: Key, seconds: number, value: Value): Result<S, "OK"> {
		return this.send(() => ["SETEX", key, integerAt(seconds, 2, "a number of seconds", 1), value]);
	}

	/**
	 * Sets a key and its time to live in milliseconds. `PSETEX key ms value`
	 * @returns `"OK"`
	 * @throws as {@link set}
	 * @see https://valkey.io/commands/psetex/
	 */
	psetex(key: Key, ms: number, value: Value): Result<S, "OK"> {
		return this.send(() => ["PSETEX", key, integerAt(ms, 2, "a number of milliseconds", 1), value]);
	}

	/**
	 * Sets a key and gives its old value; its time to live is gone. `GETSET key value`; `set` with `get` does the same, and has options
	 * @returns the old value, null when there was none
	 * @throws WRONGTYPE
	 * @see https://valkey.io/commands/getset/
	 */
	getset(key: Key, value: Value): Result<S, Text | null> {
		return this.send(["GETSET", key, value]);
	}

	/**
	 * The value of a key, which is deleted. `GETDEL key`
	 * @returns null when there is none
	 * @throws WRONGTYPE, and the key stays
	 * @see https://valkey.io/commands/getdel/
	 */
	getdel(key: Key): Result<S, Text | null> {
		return this.send(["GETDEL", key]);
	}

	/**
	 * The value of a key, which gets another time to live. `GETEX key [EX s|PX ms|EXAT s|PXAT ms|PERSIST]`
	 * @returns null when there is none
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, WRONGTYPE
	 * @see https://valkey.io/commands/getex/
	 */
	getex(key: Key, options?: GetexOptions): Result<S, Text | null> {
		return this.send(() => {
			const words: unknown[] = ["GETEX", key];
			const given = checkFields("GETEX", options, [...getexTimes, "persist"]);
			appendFlags<GetexOptions>(words, given, ["persist"]);
			atMostOne(given, [...getexTimes, "persist"]);
			for (const field of getexTimes) if (given[field] !== undefined) appendExpiry(words, field, given[field]);
			return words;
		});
	}

	/**
	 * Appends to a value; what is missing counts as empty. `APPEND key value`
	 * @returns the length then, in bytes
	 * @throws WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/append/
	 */
	append(key: Key, value: Value): Result<S, number> {
		return this.send(["APPEND", key, value]);
	}

	/**
	 * The length of a value. `STRLEN key`
	 * @returns bytes, 0 when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/strlen/
	 */
	strlen(key: Key): Result<S, number> {
		return this.send(["STRLEN", key]);
	}

	/**
	 * A part of a value. `GETRANGE key start end`. It is cut between bytes: as a string it may have lost a character at either end; read such
	 * values through `client.buffers`
	 * @param start the first byte, from 0; below 0 counted from the end
	 * @param end the last byte, included
	 * @returns empty when there is nothing there
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/getrange/
	 */
	getrange(key: Key, start: number, end: number): Result<S, Text> {
		return this.send(() => ["GETRANGE", key, integerAt(start, 2, "a position"), integerAt(end, 3, "a position")]);
	}

	/**
	 * Writes into a value, from a byte on; zeros fill what is missing before. `SETRANGE key offset value`
	 * @returns the length then, in bytes
	 * @throws WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/setrange/
	 */
	setrange(key: Key, offset: number, value: Value): Result<S, number> {
		return this.send(() => ["SETRANGE", key, integerAt(offset, 2, "a position", 0), value]);
	}

	/**
	 * Adds one to the number a key holds. `INCR key`
	 * @returns the new value, a bigint beyond 2^53
	 * @throws INVALID_ARGUMENT, WRONGTYPE, ERR (it holds no integer, or would leave 64 bits), and as {@link set}
	 * @see https://valkey.io/commands/incr/
	 */
	incr(key: Key): Result<S, number | bigint> {
		return this.send(["INCR", key]);
	}

	/**
	 * Adds to the number a key holds. `INCRBY key n`
	 * @returns the new value, a bigint beyond 2^53
	 * @throws as {@link incr}
	 * @see https://valkey.io/commands/incrby/
	 */
	incrby(key: Key, increment: number | bigint): Result<S, number | bigint> {
		return this.send(() => ["INCRBY", key, integerAt(increment, 2, "an increment")]);
	}

	/**
	 * Adds to the number a key holds, which may have a fraction. `INCRBYFLOAT key n`. The server counts in decimals of up to 17 digits behind the
	 * point and stores those; the reply is the double next to that. `command("INCRBYFLOAT", …)` gives the digits themselves, and takes them as a string
	 * @returns the new value as a double
	 * @throws as {@link incr}, where a number need not be whole
	 * @see https://valkey.io/commands/incrbyfloat/
	 */
	incrbyfloat(key: Key, increment: number): Result<S, number> {
		return this.send(() => ["INCRBYFLOAT", key, finiteWord(increment, 2)], toNumber);
	}

	/**
	 * Subtracts one from the number a key holds. `DECR key`
	 * @returns the new value, a bigint beyond 2^53
	 * @throws as {@link incr}
	 * @see https://valkey.io/commands/decr/
	 */
	decr(key: Key): Result<S, number | bigint> {
		return this.send(["DECR", key]);
	}

	/**
	 * Subtracts from the number a key holds. `DECRBY key n`
	 * @returns the new value, a bigint beyond 2^53
	 * @throws as {@link incr}
	 * @see https://valkey.io/commands/decrby/
	 */
	decrby(key: Key, decrement: number | bigint): Result<S, number | bigint> {
		return this.send(() => ["DECRBY", key, integerAt(decrement, 2, "a decrement")]);
	}

	/**
	 * The longest common subsequence of two values, bytes in their order but not always side by side (7.0).
	 * `LCS a b [LEN|IDX [MINMATCHLEN n] [WITHMATCHLEN]]`
	 * @returns the bytes; with `len` how many; with `idx` where their pieces are, last first. What is missing counts as empty
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, CROSSSLOT; ERR when a key holds no string
	 * @see https://valkey.io/commands/lcs/
	 */
	lcs(first: Key, second: Key, options: { len: true; idx?: false }): Result<S, number>;
	lcs(
		first: Key,
		second: Key,
		options: LcsOptions & { idx: true; withmatchlen: true; len?: false },
	): Result<S, LcsMatches<[first: LcsRange, second: LcsRange, len: number]>>;
	lcs(
		first: Key,
		second: Key,
		options: LcsOptions & { idx: true; withmatchlen?: false; len?: false },
	): Result<S, LcsMatches<LcsMatch>>;
	lcs(first: Key, second: Key, options?: { len?: false; idx?: false }): Result<S, Text>;
	lcs(first: Key, second: Key, options?: LcsOptions): Result<S, unknown> {
		return this.send(() => appendLcsOptions(["LCS", first, second], options), toLcs);
	}
}
