/** Lists. Those that block are in `blocking.ts`. */
import type { Key, Value } from "./arguments.js";
import { HashCommands } from "./hashes.js";
import { toPopped, toTexts } from "./replies.js";
import type { Result, Surface, Values } from "./surface.js";
import { append, appendCount, appendCounted, appendInteger, checkFields, integerAt, refuse, wordOf } from "./words.js";

/** An end of a list. */
export type ListEnd = "left" | "right";

export interface LposOptions {
	/** Begin with this match: 1 is the first, -1 the last, and then towards the head. */
	rank?: number;
	/** Up to so many matches, 0 for all: the reply is a list then. */
	count?: number;
	/** Compare so many elements at most, 0 for all. */
	maxlen?: number;
}

const ends = ["left", "right"] as const;

export abstract class ListCommands<Text extends string | Buffer, S extends Surface> extends HashCommands<Text, S> {
	/**
	 * Inserts elements at the head, one after the other: the last given is the first of the list. `LPUSH key element …`
	 * @returns the new length
	 * @throws INVALID_ARGUMENT, WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/lpush/
	 */
	lpush(key: Key, ...elements: Values): Result<S, number> {
		return this.send(append(["LPUSH", key], elements));
	}

	/**
	 * Appends elements at the tail. `RPUSH key element …`
	 * @returns the new length
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/rpush/
	 */
	rpush(key: Key, ...elements: Values): Result<S, number> {
		return this.send(append(["RPUSH", key], elements));
	}

	/**
	 * {@link lpush}, where there is a list already. `LPUSHX key element …`
	 * @returns the new length, 0 when there is no such key
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/lpushx/
	 */
	lpushx(key: Key, ...elements: Values): Result<S, number> {
		return this.send(append(["LPUSHX", key], elements));
	}

	/**
	 * {@link rpush}, where there is a list already. `RPUSHX key element …`
	 * @returns the new length, 0 when there is no such key
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/rpushx/
	 */
	rpushx(key: Key, ...elements: Values): Result<S, number> {
		return this.send(append(["RPUSHX", key], elements));
	}

	/**
	 * Takes elements from the head. `LPOP key [count]`
	 * @param count up to so many (6.2)
	 * @returns the element, with `count` a list; null when there is no such key
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/lpop/
	 */
	lpop(key: Key): Result<S, Text | null>;
	lpop(key: Key, count: number): Result<S, Text[] | null>;
	lpop(key: Key, count?: number): Result<S, unknown> {
		return this.send(() => appendCount(["LPOP", key], count, 0));
	}

	/**
	 * Takes elements from the tail, the last one first. `RPOP key [count]`
	 * @param count up to so many (6.2)
	 * @returns as {@link lpop}
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/rpop/
	 */
	rpop(key: Key): Result<S, Text | null>;
	rpop(key: Key, count: number): Result<S, Text[] | null>;
	rpop(key: Key, count?: number): Result<S, unknown> {
		return this.send(() => appendCount(["RPOP", key], count, 0));
	}

	/**
	 * The length of a list. `LLEN key`
	 * @returns 0 when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/llen/
	 */
	llen(key: Key): Result<S, number> {
		return this.send(["LLEN", key]);
	}

	/**
	 * An element by its place. `LINDEX key index`
	 * @param index from 0; below 0 from the tail, which is -1
	 * @returns null when there is none
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/lindex/
	 */
	lindex(key: Key, index: number): Result<S, Text | null> {
		return this.send(() => ["LINDEX", key, integerAt(index, 2, "an index")]);
	}

	/**
	 * Inserts an element beside the first that equals `pivot`. `LINSERT key BEFORE|AFTER pivot element`
	 * @returns the new length; -1 when there is no such pivot, 0 when there is no such key
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/linsert/
	 */
	linsert(key: Key, where: "before" | "after", pivot: Value, element: Value): Result<S, number> {
		return this.send(() => ["LINSERT", key, wordOf(where, 2, ["before", "after"]), pivot, element]);
	}

	/**
	 * Elements from one place to another, which is included. `LRANGE key start stop`
	 * @param start from 0; below 0 from the tail, which is -1
	 * @returns empty when there are none
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/lrange/
	 */
	lrange(key: Key, start: number, stop: number): Result<S, Text[]> {
		return this.send(() => ["LRANGE", key, integerAt(start, 2, "an index"), integerAt(stop, 3, "an index")]);
	}

	/**
	 * Removes elements that equal `element`. `LREM key count element`
	 * @param count the first so many; below 0 the last; 0 all
	 * @returns how many were removed
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/lrem/
	 */
	lrem(key: Key, count: number, element: Value): Result<S, number> {
		return this.send(() => ["LREM", key, integerAt(count, 2, "a count"), element]);
	}

	/**
	 * Replaces an element. `LSET key index element`
	 * @param index as of {@link lindex}
	 * @returns `"OK"`
	 * @throws ERR (there is no such key, or no such index), and as {@link lpush}
	 * @see https://valkey.io/commands/lset/
	 */
	lset(key: Key, index: number, element: Value): Result<S, "OK"> {
		return this.send(() => ["LSET", key, integerAt(index, 2, "an index"), element]);
	}

	/**
	 * Removes all but the elements of a range, as of {@link lrange}; a list without any is removed. `LTRIM key start stop`
	 * @returns `"OK"`; also when there is no such key
	 * @throws as {@link lpush}
	 * @see https://valkey.io/commands/ltrim/
	 */
	ltrim(key: Key, start: number, stop: number): Result<S, "OK"> {
		return this.send(() => ["LTRIM", key, integerAt(start, 2, "an index"), integerAt(stop, 3, "an index")]);
	}

	/**
	 * Where an element stands (6.0.6). `LPOS key element [RANK n] [COUNT n] [MAXLEN n]`
	 * @returns its place from 0, null when there is none; with `count` a list of places
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, and as {@link get}
	 * @see https://valkey.io/commands/lpos/
	 */
	lpos(key: Key, element: Value, options: LposOptions & { count: number }): Result<S, number[]>;
	lpos(key: Key, element: Value, options?: LposOptions & { count?: undefined }): Result<S, number | null>;
	lpos(key: Key, element: Value, options?: LposOptions): Result<S, number | number[] | null>;
	lpos(key: Key, element: Value, options?: LposOptions): Result<S, number | number[] | null> {
		return this.send(() => {
			const { rank, count, maxlen } = checkFields("LPOS", options, ["rank", "count", "maxlen"]);
			const words: unknown[] = ["LPOS", key, element];
			appendInteger(words, "rank", rank);
			if (rank === 0) refuse("rank", "must be an integer, and not 0");
			appendInteger(words, "count", count, 0);
			appendInteger(words, "maxlen", maxlen, 0);
			return words;
		});
	}

	/**
	 * Takes an element from one end of a list and puts it at an end of another, or of the same (6.2). `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`
	 * @param from the end of `source`
	 * @param to the end of `destination`
	 * @returns the element, null when `source` has none
	 * @throws CROSSSLOT, and as {@link lpush}
	 * @see https://valkey.io/commands/lmove/
	 */
	lmove(source: Key, destination: Key, from: ListEnd, to: ListEnd): Result<S, Text | null> {
		return this.send(() => ["LMOVE", source, destination, wordOf(from, 3, ends), wordOf(to, 4, ends)]);
	}

	/**
	 * Takes elements from the first of some lists that has any (7.0). `LMPOP n key … LEFT|RIGHT [COUNT n]`
	 * @param options `count`: up to so many, otherwise 1
	 * @returns the list's key and the elements, null when there are none
	 * @throws INVALID_OPTION, CROSSSLOT, and as {@link lpush}
	 * @see https://valkey.io/commands/lmpop/
	 */
	lmpop(
		keys: Key | readonly Key[],
		from: ListEnd,
		options?: { count?: number },
	): Result<S, [key: Text, elements: Text[]] | null> {
		return this.send(
			() => {
				const { count } = checkFields("LMPOP", options, ["count"]);
				const words = appendCounted(["LMPOP"], keys);
				words.push(wordOf(from, words.length, ends));
				appendInteger(words, "count", count, 1);
				return words;
			},
			(reply) => toPopped<Text, Text[]>(reply, toTexts),
		);
	}

	/**
	 * Takes the last element of a list and makes it the first of another: {@link lmove} for servers before 6.2. `RPOPLPUSH source destination`
	 * @returns as {@link lmove}
	 * @throws as {@link lmove}
	 * @see https://valkey.io/commands/rpoplpush/
	 */
	rpoplpush(source: Key, destination: Key): Result<S, Text | null> {
		return this.send(["RPOPLPUSH", source, destination]);
	}
}
