/** Bitmaps: strings, read and written bit by bit. Bits are counted from 0, the highest of the first byte. */
import type { Key } from "./arguments.js";
import { appendBitfield, type BitfieldGet, type BitfieldOperation } from "./bitfield.js";
import { StringCommands } from "./strings.js";
import type { Keys, Result, Surface } from "./surface.js";
import { append, integerAt, wordOf } from "./words.js";

/** What the ends of a range count. */
export type BitUnit = "byte" | "bit";

export abstract class BitmapCommands<Text extends string | Buffer, S extends Surface> extends StringCommands<Text, S> {
	/**
	 * Sets a bit; zeros fill what is missing before. `SETBIT key offset 0|1`
	 * @returns what it was
	 * @throws INVALID_ARGUMENT, WRONGTYPE
	 * @see https://valkey.io/commands/setbit/
	 */
	setbit(key: Key, offset: number, bit: 0 | 1): Result<S, 0 | 1> {
		return this.send(() => ["SETBIT", key, bitOffset(offset), bitAt(bit, 3)]);
	}

	/**
	 * A bit. `GETBIT key offset`
	 * @returns 0 beyond the end, too
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/getbit/
	 */
	getbit(key: Key, offset: number): Result<S, 0 | 1> {
		return this.send(() => ["GETBIT", key, bitOffset(offset)]);
	}

	/**
	 * Counts the bits that are 1. `BITCOUNT key [start end [BYTE|BIT]]`
	 * @param start of a range, below 0 counted from the end
	 * @param end of the range, included
	 * @param unit what they count: bytes, or bits (7.0)
	 * @returns 0 when there is no such key
	 * @throws INVALID_ARGUMENT, WRONGTYPE
	 * @see https://valkey.io/commands/bitcount/
	 */
	bitcount(key: Key, start?: number, end?: number, unit?: BitUnit): Result<S, number> {
		return this.send(() => {
			const words = ["BITCOUNT", key];
			if (start === undefined && end === undefined && unit === undefined) return words;
			return appendRange(words, start, end, unit);
		});
	}

	/**
	 * The first bit that is 0, or 1. `BITPOS key 0|1 [start [end [BYTE|BIT]]]`
	 * @param start of a range, below 0 counted from the end
	 * @param end of the range, included
	 * @param unit what they count: bytes, or bits (7.0)
	 * @returns its place, counted from the start of the value; -1 when there is none. Without `end` zeros follow the value: the first 0 may be there
	 * @throws INVALID_ARGUMENT, WRONGTYPE
	 * @see https://valkey.io/commands/bitpos/
	 */
	bitpos(key: Key, bit: 0 | 1, start?: number, end?: number, unit?: BitUnit): Result<S, number> {
		return this.send(() => {
			const words = ["BITPOS", key, bitAt(bit, 2)];
			if (start === undefined && end === undefined && unit === undefined) return words;
			if (end === undefined && unit === undefined) return [...words, integerAt(start, 3, "a position")];
			return appendRange(words, start, end, unit);
		});
	}

	/**
	 * Joins values bit by bit into `destination`. `BITOP AND|OR|XOR|NOT destination key …`; `not` has one key. Short ones are filled with zeros
	 * @returns the length of the result in bytes, that of the longest
	 * @throws INVALID_ARGUMENT, CROSSSLOT, WRONGTYPE
	 * @see https://valkey.io/commands/bitop/
	 */
	bitop(operation: "and" | "or" | "xor" | "not", destination: Key, ...keys: Keys): Result<S, number> {
		return this.send(() => append(["BITOP", wordOf(operation, 1, ["and", "or", "xor", "not"]), destination], keys));
	}

	/**
	 * Reads and writes integers of any width, in a row. `BITFIELD key [GET …|SET …|INCRBY …|OVERFLOW …] …`
	 *
	 *     bitfield("k", [["incrby", "u8", 0, 1], ["overflow", "fail"], ["set", "i5", "#2", -3], ["get", "u63", 64]])
	 * @param operations an offset counts bits, `"#2"` fields of the type's width; `overflow` is for the operations behind it
	 * @returns for each `get` the value, `set` the old one, `incrby` the new one, a bigint beyond 2^53; null for what an overflow with `"fail"` prevented
	 * @throws INVALID_ARGUMENT, WRONGTYPE
	 * @see https://valkey.io/commands/bitfield/
	 */
	bitfield(key: Key, operations: readonly BitfieldOperation[]): Result<S, (number | bigint | null)[]> {
		return this.send(() => appendBitfield(["BITFIELD", key], operations, false));
	}

	/**
	 * Reads integers of any width: replicas may answer it. `BITFIELD_RO key [GET type offset] …`
	 * @returns a value for each, 0 beyond the end; a bigint beyond 2^53
	 * @throws as {@link bitfield}
	 * @see https://valkey.io/commands/bitfield_ro/
	 */
	bitfieldRo(key: Key, operations: readonly BitfieldGet[]): Result<S, (number | bigint)[]> {
		return this.send(() => appendBitfield(["BITFIELD_RO", key], operations, true));
	}
}

function bitOffset(offset: unknown): number | bigint {
	return integerAt(offset, 2, "the place of a bit", 0);
}

function bitAt(bit: unknown, index: number): number | bigint {
	return integerAt(bit, index, "a bit", 0, 1);
}

/** The ends come together. */
function appendRange(words: unknown[], start: unknown, end: unknown, unit: unknown): unknown[] {
	words.push(integerAt(start, words.length, "a position"), integerAt(end, words.length + 1, "a position"));
	if (unit !== undefined) words.push(wordOf(unit, words.length, ["byte", "bit"]));
	return words;
}
