/** Ranges of sorted sets: by rank, by score, by the members' bytes. */
import type { Key } from "./arguments.js";
import { type Scored, toScored } from "./replies.js";
import { SetCommands } from "./sets.js";
import type { Result, Surface } from "./surface.js";
import {
	appendFlags,
	appendLimit,
	checkFields,
	checkFlag,
	doubleWord,
	integerAt,
	type RangeLimit,
	refuse,
	wordOf,
} from "./words.js";

/** A score at the end of a range, which is included; as text `"(1.5"` it is not, and `"-inf"` and `"+inf"` are the ends of all. */
export type ScoreBound = number | string;
/** A member at the end of a range: `"[a"` is included, `"(a"` is not; `"-"` and `"+"` are the ends of all. */
export type LexBound = string | Uint8Array;

/** Options of ZRANGESTORE. */
export interface ZrangestoreOptions {
	/** What `start` and `stop` are: scores, or members. Ranks without it. */
	by?: "score" | "lex";
	/** From the highest to the lowest. With `by`, `start` is the upper end then. */
	rev?: boolean;
	/** Only with `by`. */
	limit?: RangeLimit;
}

/** Options of ZRANGE. */
export interface ZrangeOptions extends ZrangestoreOptions {
	/** Reply with scores too; not by `"lex"`. */
	withscores?: boolean;
}

/** Options of the older commands for ranges of scores. */
export interface ScoreRangeOptions {
	limit?: RangeLimit;
	withscores?: boolean;
}

type Plain<Options> = Options & { withscores?: false };
type WithScores<Options> = Options & { withscores: true };

export abstract class SortedSetRangeCommands<Text extends string | Buffer, S extends Surface> extends SetCommands<Text, S> {
	/**
	 * Members of a range, from the lowest to the highest. `ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset n] [WITHSCORES]`
	 * @param start a rank from 0, below 0 from the end, which is -1; with `by` a {@link ScoreBound} or a {@link LexBound} (6.2)
	 * @param stop the other end, which is included
	 * @returns members, with `withscores` pairs of a member and its score; empty when there are none
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, and as {@link get}
	 * @see https://valkey.io/commands/zrange/
	 */
	zrange(
		key: Key,
		start: ScoreBound | LexBound,
		stop: ScoreBound | LexBound,
		options: WithScores<ZrangeOptions>,
	): Result<S, Scored<Text>>;
	zrange(key: Key, start: ScoreBound | LexBound, stop: ScoreBound | LexBound, options?: Plain<ZrangeOptions>): Result<S, Text[]>;
	zrange(
		key: Key,
		start: ScoreBound | LexBound,
		stop: ScoreBound | LexBound,
		options?: ZrangeOptions,
	): Result<S, Text[] | Scored<Text>>;
	zrange(
		key: Key,
		start: ScoreBound | LexBound,
		stop: ScoreBound | LexBound,
		options?: ZrangeOptions,
	): Result<S, Text[] | Scored<Text>> {
		return this.send(() => {
			const { withscores, ...range } = checkFields("ZRANGE", options, ["by", "rev", "limit", "withscores"]);
			const words = appendRange(["ZRANGE", key], start, stop, range);
			if (!checkFlag(withscores, "withscores")) return words;
			if (range.by === "lex") refuse("withscores", "contradicts by: lex");
			words.push("WITHSCORES");
			return words;
		}, scoredIf<Text>(options));
	}

	/**
	 * Makes a sorted set of a range of another (6.2); none is left where there is nothing in it.
	 * `ZRANGESTORE destination source start stop [BYSCORE|BYLEX] [REV] [LIMIT offset n]`
	 * @returns how many members it has
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, CROSSSLOT, WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/zrangestore/
	 */
	zrangestore(
		destination: Key,
		source: Key,
		start: ScoreBound | LexBound,
		stop: ScoreBound | LexBound,
		options?: ZrangestoreOptions,
	): Result<S, number> {
		return this.send(() => {
			const range = checkFields("ZRANGESTORE", options, ["by", "rev", "limit"]);
			return appendRange(["ZRANGESTORE", destination, source], start, stop, range);
		});
	}

	/**
	 * Counts the members of a range of scores. `ZCOUNT key min max`
	 * @returns how many; 0 when there is no such key
	 * @throws as {@link zrange}
	 * @see https://valkey.io/commands/zcount/
	 */
	zcount(key: Key, min: ScoreBound, max: ScoreBound): Result<S, number> {
		return this.send(() => ["ZCOUNT", key, scoreBound(min, 2), scoreBound(max, 3)]);
	}

	/**
	 * Counts the members of a range, where all have the same score. `ZLEXCOUNT key min max`
	 * @returns how many; 0 when there is no such key
	 * @throws as {@link zrange}
	 * @see https://valkey.io/commands/zlexcount/
	 */
	zlexcount(key: Key, min: LexBound, max: LexBound): Result<S, number> {
		return this.send(() => ["ZLEXCOUNT", key, lexBound(min, 2), lexBound(max, 3)]);
	}

	/**
	 * Removes a range of ranks. `ZREMRANGEBYRANK key start stop`
	 * @returns how many members were removed
	 * @throws INVALID_ARGUMENT, WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/zremrangebyrank/
	 */
	zremrangebyrank(key: Key, start: number, stop: number): Result<S, number> {
		return this.send(() => ["ZREMRANGEBYRANK", key, rank(start, 2), rank(stop, 3)]);
	}

	/**
	 * Removes a range of scores. `ZREMRANGEBYSCORE key min max`
	 * @returns how many members were removed
	 * @throws as {@link zremrangebyrank}
	 * @see https://valkey.io/commands/zremrangebyscore/
	 */
	zremrangebyscore(key: Key, min: ScoreBound, max: ScoreBound): Result<S, number> {
		return this.send(() => ["ZREMRANGEBYSCORE", key, scoreBound(min, 2), scoreBound(max, 3)]);
	}

	/**
	 * Removes a range of members, where all have the same score. `ZREMRANGEBYLEX key min max`
	 * @returns how many members were removed
	 * @throws as {@link zremrangebyrank}
	 * @see https://valkey.io/commands/zremrangebylex/
	 */
	zremrangebylex(key: Key, min: LexBound, max: LexBound): Result<S, number> {
		return this.send(() => ["ZREMRANGEBYLEX", key, lexBound(min, 2), lexBound(max, 3)]);
	}

	// ── what servers before 6.2 have for ranges ──

	/**
	 * {@link zrange} by score. `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset n]`
	 * @returns as {@link zrange}
	 * @throws as {@link zrange}
	 * @see https://valkey.io/commands/zrangebyscore/
	 */
	zrangebyscore(key: Key, min: ScoreBound, max: ScoreBound, options: WithScores<ScoreRangeOptions>): Result<S, Scored<Text>>;
	zrangebyscore(key: Key, min: ScoreBound, max: ScoreBound, options?: Plain<ScoreRangeOptions>): Result<S, Text[]>;
	zrangebyscore(key: Key, min: ScoreBound, max: ScoreBound, options?: ScoreRangeOptions): Result<S, Text[] | Scored<Text>>;
	zrangebyscore(key: Key, min: ScoreBound, max: ScoreBound, options?: ScoreRangeOptions): Result<S, Text[] | Scored<Text>> {
		return this.send(() => scoreRange("ZRANGEBYSCORE", key, min, max, options), scoredIf<Text>(options));
	}

	/**
	 * {@link zrange} by score, from the highest to the lowest. `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset n]`
	 * @returns as {@link zrange}
	 * @throws as {@link zrange}
	 * @see https://valkey.io/commands/zrevrangebyscore/
	 */
	zrevrangebyscore(key: Key, max: ScoreBound, min: ScoreBound, options: WithScores<ScoreRangeOptions>): Result<S, Scored<Text>>;
	zrevrangebyscore(key: Key, max: ScoreBound, min: ScoreBound, options?: Plain<ScoreRangeOptions>): Result<S, Text[]>;
	zrevrangebyscore(key: Key, max: ScoreBound, min: ScoreBound, options?: ScoreRangeOptions): Result<S, Text[] | Scored<Text>>;
	zrevrangebyscore(key: Key, max: ScoreBound, min: ScoreBound, options?: ScoreRangeOptions): Result<S, Text[] | Scored<Text>> {
		return this.send(() => scoreRange("ZREVRANGEBYSCORE", key, max, min, options), scoredIf<Text>(options));
	}

	/**
	 * {@link zrange} by rank, from the highest to the lowest. `ZREVRANGE key start stop [WITHSCORES]`
	 * @returns as {@link zrange}
	 * @throws as {@link zrange}
	 * @see https://valkey.io/commands/zrevrange/
	 */
	zrevrange(key: Key, start: number, stop: number, options: { withscores: true }): Result<S, Scored<Text>>;
	zrevrange(key: Key, start: number, stop: number, options?: { withscores?: false }): Result<S, Text[]>;
	zrevrange(key: Key, start: number, stop: number, options?: { withscores?: boolean }): Result<S, Text[] | Scored<Text>>;
	zrevrange(key: Key, start: number, stop: number, options?: { withscores?: boolean }): Result<S, Text[] | Scored<Text>> {
		return this.send(() => {
			const given = checkFields("ZREVRANGE", options, ["withscores"]);
			const words: unknown[] = ["ZREVRANGE", key, rank(start, 2), rank(stop, 3)];
			appendFlags(words, given, ["withscores"]);
			return words;
		}, scoredIf<Text>(options));
	}

	/**
	 * {@link zrange} by member. `ZRANGEBYLEX key min max [LIMIT offset n]`
	 * @returns members, empty when there are none
	 * @throws as {@link zrange}
	 * @see https://valkey.io/commands/zrangebylex/
	 */
	zrangebylex(key: Key, min: LexBound, max: LexBound, options?: { limit?: RangeLimit }): Result<S, Text[]> {
		return this.send(() => lexRange("ZRANGEBYLEX", key, min, max, options));
	}

	/**
	 * {@link zrange} by member, from the highest to the lowest. `ZREVRANGEBYLEX key max min [LIMIT offset n]`
	 * @returns members, empty when there are none
	 * @throws as {@link zrange}
	 * @see https://valkey.io/commands/zrevrangebylex/
	 */
	zrevrangebylex(key: Key, max: LexBound, min: LexBound, options?: { limit?: RangeLimit }): Result<S, Text[]> {
		return this.send(() => lexRange("ZREVRANGEBYLEX", key, max, min, options));
	}
}

/** How the reply is taken: as it is, or as members with their scores. */
export function scoredIf<Text>(options: { withscores?: boolean } | undefined): typeof toScored<Text> | undefined {
	return options?.withscores ? toScored<Text> : undefined;
}

function appendRange(words: unknown[], start: unknown, stop: unknown, options: ZrangestoreOptions): unknown[] {
	const { by, rev, limit } = options;
	const at = words.length;
	const way = by === undefined ? undefined : wordOf(by, "by", ["score", "lex"]);
	const bound = way === undefined ? rank : way === "SCORE" ? scoreBound : lexBound;
	words.push(bound(start, at), bound(stop, at + 1));
	if (way !== undefined) words.push(`BY${way}`);
	else if (limit !== undefined) refuse("limit", "needs by: score or lex");
	if (checkFlag(rev, "rev")) words.push("REV");
	appendLimit(words, limit);
	return words;
}

function scoreRange(name: string, key: Key, from: ScoreBound, to: ScoreBound, options: ScoreRangeOptions | undefined): unknown[] {
	const given = checkFields<ScoreRangeOptions>(name, options, ["limit", "withscores"]);
	const words: unknown[] = [name, key, scoreBound(from, 2), scoreBound(to, 3)];
	appendFlags(words, given, ["withscores"]);
	appendLimit(words, given.limit);
	return words;
}

function lexRange(name: string, key: Key, from: LexBound, to: LexBound, options: { limit?: RangeLimit } | undefined): unknown[] {
	const { limit } = checkFields(name, options, ["limit"]);
	const words = [name, key, lexBound(from, 2), lexBound(to, 3)];
	appendLimit(words, limit);
	return words;
}

function rank(value: unknown, index: number): unknown {
	return integerAt(value, index, "a rank");
}

const SCORE = /^\(?[+-]?(?:inf|infinity|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i;

function scoreBound(value: unknown, index: number): unknown {
	if (typeof value === "number") return doubleWord(value, index);
	if (typeof value === "string" && SCORE.test(value)) return value;
	return refuse(index, 'must be a score: a number, or text such as "(1.5" and "-inf"');
}

function lexBound(value: unknown, index: number): unknown {
	const first = typeof value === "string" ? value[0] : value instanceof Uint8Array ? String.fromCharCode(value[0] ?? 0) : "";
	const bytes = value as LexBound;
	if (first === "[" || first === "(" || ((first === "-" || first === "+") && bytes.length === 1)) return bytes;
	return refuse(index, 'must be "-", "+", or a member behind "[" or "("');
}
