/** Sorted sets: members with a score each. Their ranges are in `sorted-set-ranges.ts`, those that block in `blocking.ts`. */
import type { Key, Value } from "./arguments.js";
import {
	type Scored,
	toArray,
	toNumber,
	toNumberOrNull,
	toNumbersOrNull,
	toPopped,
	toScored,
	toScoredOrNull,
	unexpected,
} from "./replies.js";
import { SortedSetRangeCommands, scoredIf } from "./sorted-set-ranges.js";
import type { Keys, Result, Surface, Values } from "./surface.js";
import {
	append,
	appendCount,
	appendCounted,
	appendFlags,
	appendInteger,
	atMostOne,
	checkFields,
	checkFlag,
	doubleWord,
	integerAt,
	refuse,
	wordOf,
} from "./words.js";

/** Members with their scores: a list of `{ score, member }`, a Map or a record of member to score, or pairs as replies give them. */
export type ScoredMembers =
	| Iterable<{ readonly score: number; readonly member: Value } | readonly [member: Value, score: number]>
	| Readonly<Record<string, number>>;

/** At most one of `nx`, `xx`; `gt` and `lt` contradict `nx` and each other. */
export interface ZaddOptions {
	/** Only members that are new. */
	nx?: boolean;
	/** Only members that are there. */
	xx?: boolean;
	/** Of those that are there only ones whose new score is higher (6.2). */
	gt?: boolean;
	/** Of those that are there only ones whose new score is lower (6.2). */
	lt?: boolean;
	/** Count those whose score changed, too. */
	ch?: boolean;
	/** Add to the score of one member, and reply with the new one. */
	incr?: boolean;
}

/** How sorted sets become one. */
export interface CombineOptions {
	/** What the scores of each key are multiplied by, in the order of the keys. */
	weights?: readonly number[];
	/** What the scores of a member that is in several become; their sum without it. */
	aggregate?: "sum" | "min" | "max";
}

type PlainZadd = ZaddOptions & { incr?: false };

export abstract class SortedSetCommands<Text extends string | Buffer, S extends Surface> extends SortedSetRangeCommands<Text, S> {
	/**
	 * Adds members, or gives them other scores. `ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member …`
	 * @param score any number but NaN, infinities among them
	 * @returns how many are new, with `ch` or changed; with `incr` the new score, null where another option forbade it
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, WRONGTYPE, ERR (the sum of two infinities), and as {@link set}
	 * @see https://valkey.io/commands/zadd/
	 */
	zadd(key: Key, score: number, member: Value, options?: PlainZadd): Result<S, number>;
	zadd(key: Key, score: number, member: Value, options?: ZaddOptions): Result<S, number | null>;
	zadd(key: Key, members: ScoredMembers, options?: PlainZadd): Result<S, number>;
	zadd(key: Key, members: ScoredMembers, options?: ZaddOptions): Result<S, number | null>;
	zadd(key: Key, what: unknown, second?: unknown, third?: unknown): Result<S, number | null> {
		const many = typeof what === "object" && what !== null;
		const members = many ? what : [{ score: what, member: second }];
		return this.send(() => zaddWords(key, members, (many ? second : third) as ZaddOptions | undefined), toNumberOrNull);
	}

	/**
	 * Adds to the score of a member; one that is missing counts as 0. `ZINCRBY key increment member`
	 * @returns the new score
	 * @throws as {@link zadd}
	 * @see https://valkey.io/commands/zincrby/
	 */
	zincrby(key: Key, increment: number, member: Value): Result<S, number> {
		return this.send(() => ["ZINCRBY", key, doubleWord(increment, 2), member], toNumber);
	}

	/**
	 * The score of a member. `ZSCORE key member`
	 * @returns null when there is no such member or key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/zscore/
	 */
	zscore(key: Key, member: Value): Result<S, number | null> {
		return this.send(["ZSCORE", key, member], toNumberOrNull);
	}

	/**
	 * The scores of some members (6.2). `ZMSCORE key member …`
	 * @returns in the order of the members, null for each that is missing
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/zmscore/
	 */
	zmscore(key: Key, ...members: Values): Result<S, (number | null)[]> {
		return this.send(append(["ZMSCORE", key], members), toNumbersOrNull);
	}

	/**
	 * Counts the members. `ZCARD key`
	 * @returns 0 when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/zcard/
	 */
	zcard(key: Key): Result<S, number> {
		return this.send(["ZCARD", key]);
	}

	/**
	 * How many members are below one. `ZRANK key member [WITHSCORE]`
	 * @param options `withscore`: reply with its score too (7.2)
	 * @returns null when there is no such member or key
	 * @throws INVALID_OPTION, and as {@link get}
	 * @see https://valkey.io/commands/zrank/
	 */
	zrank(key: Key, member: Value, options: { withscore: true }): Result<S, [rank: number, score: number] | null>;
	zrank(key: Key, member: Value, options?: { withscore?: false }): Result<S, number | null>;
	zrank(key: Key, member: Value, options?: { withscore?: boolean }): Result<S, number | [rank: number, score: number] | null>;
	zrank(key: Key, member: Value, options?: { withscore?: boolean }): Result<S, unknown> {
		return this.send(() => rankWords("ZRANK", key, member, options), options?.withscore ? toRanked : undefined);
	}

	/**
	 * How many members are above one. `ZREVRANK key member [WITHSCORE]`
	 * @param options `withscore`: reply with its score too (7.2)
	 * @returns as {@link zrank}
	 * @throws as {@link zrank}
	 * @see https://valkey.io/commands/zrevrank/
	 */
	zrevrank(key: Key, member: Value, options: { withscore: true }): Result<S, [rank: number, score: number] | null>;
	zrevrank(key: Key, member: Value, options?: { withscore?: false }): Result<S, number | null>;
	zrevrank(key: Key, member: Value, options?: { withscore?: boolean }): Result<S, number | [rank: number, score: number] | null>;
	zrevrank(key: Key, member: Value, options?: { withscore?: boolean }): Result<S, unknown> {
		return this.send(() => rankWords("ZREVRANK", key, member, options), options?.withscore ? toRanked : undefined);
	}

	/**
	 * Removes members; a sorted set without any is removed. `ZREM key member …`
	 * @returns how many there were
	 * @throws INVALID_ARGUMENT, WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/zrem/
	 */
	zrem(key: Key, ...members: Values): Result<S, number> {
		return this.send(append(["ZREM", key], members));
	}

	/**
	 * Takes the members with the lowest scores. `ZPOPMIN key [count]`
	 * @param count up to so many
	 * @returns the member and its score, null when there is none; with `count` a list of such pairs
	 * @throws as {@link zrem}
	 * @see https://valkey.io/commands/zpopmin/
	 */
	zpopmin(key: Key): Result<S, [member: Text, score: number] | null>;
	zpopmin(key: Key, count: number): Result<S, Scored<Text>>;
	zpopmin(key: Key, count?: number): Result<S, unknown> {
		return this.send(() => appendCount(["ZPOPMIN", key], count, 0), popTaker<Text>(count));
	}

	/**
	 * Takes the members with the highest scores. `ZPOPMAX key [count]`
	 * @param count up to so many
	 * @returns as {@link zpopmin}
	 * @throws as {@link zrem}
	 * @see https://valkey.io/commands/zpopmax/
	 */
	zpopmax(key: Key): Result<S, [member: Text, score: number] | null>;
	zpopmax(key: Key, count: number): Result<S, Scored<Text>>;
	zpopmax(key: Key, count?: number): Result<S, unknown> {
		return this.send(() => appendCount(["ZPOPMAX", key], count, 0), popTaker<Text>(count));
	}

	/**
	 * Takes members from the first of some sorted sets that has any (7.0). `ZMPOP n key … MIN|MAX [COUNT n]`
	 * @param options `count`: up to so many, otherwise 1
	 * @returns the sorted set's key, and the members with their scores; null when there are none
	 * @throws INVALID_OPTION, CROSSSLOT, and as {@link zrem}
	 * @see https://valkey.io/commands/zmpop/
	 */
	zmpop(
		keys: Key | readonly Key[],
		which: "min" | "max",
		options?: { count?: number },
	): Result<S, [key: Text, members: Scored<Text>] | null> {
		return this.send(
			() => {
				const { count } = checkFields("ZMPOP", options, ["count"]);
				const words = appendCounted(["ZMPOP"], keys);
				words.push(wordOf(which, words.length, ["min", "max"]));
				appendInteger(words, "count", count, 1);
				return words;
			},
			(reply) => toPopped<Text, Scored<Text>>(reply, toScored),
		);
	}

	/**
	 * Members picked at random, which stay (6.2). `ZRANDMEMBER key [count [WITHSCORES]]`
	 * @param count up to so many different ones; below 0 exactly so many, of which some may be the same
	 * @returns without `count` a member, null when there is none; otherwise a list, with `withscores` of pairs
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, and as {@link get}
	 * @see https://valkey.io/commands/zrandmember/
	 */
	zrandmember(key: Key): Result<S, Text | null>;
	zrandmember(key: Key, count: number, options: { withscores: true }): Result<S, Scored<Text>>;
	zrandmember(key: Key, count: number, options?: { withscores?: false }): Result<S, Text[]>;
	zrandmember(key: Key, count: number, options?: { withscores?: boolean }): Result<S, Text[] | Scored<Text>>;
	zrandmember(key: Key, count?: number, options?: { withscores?: boolean }): Result<S, unknown> {
		return this.send(() => {
			const given = checkFields("ZRANDMEMBER", options, ["withscores"]);
			if (count === undefined) return options === undefined ? ["ZRANDMEMBER", key] : refuse(2, "must be a count");
			const words: unknown[] = ["ZRANDMEMBER", key, integerAt(count, 2, "a count")];
			appendFlags(words, given, ["withscores"]);
			return words;
		}, scoredIf<Text>(options));
	}

	/**
	 * What is in any of the sorted sets (6.2). `ZUNION n key … [WEIGHTS w …] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`
	 * @returns members from the lowest to the highest, with `withscores` pairs of a member and its score
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, CROSSSLOT, and as {@link get}
	 * @see https://valkey.io/commands/zunion/
	 */
	zunion(keys: Key | readonly Key[], options: CombineOptions & { withscores: true }): Result<S, Scored<Text>>;
	zunion(keys: Key | readonly Key[], options?: CombineOptions & { withscores?: false }): Result<S, Text[]>;
	zunion(keys: Key | readonly Key[], options?: CombineOptions & { withscores?: boolean }): Result<S, Text[] | Scored<Text>>;
	zunion(keys: Key | readonly Key[], options?: CombineOptions & { withscores?: boolean }): Result<S, unknown> {
		return this.send(() => combined(["ZUNION"], keys, options, combining), scoredIf<Text>(options));
	}

	/**
	 * What is in all of the sorted sets (6.2). `ZINTER n key … [WEIGHTS w …] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]`
	 * @returns as {@link zunion}
	 * @throws as {@link zunion}
	 * @see https://valkey.io/commands/zinter/
	 */
	zinter(keys: Key | readonly Key[], options: CombineOptions & { withscores: true }): Result<S, Scored<Text>>;
	zinter(keys: Key | readonly Key[], options?: CombineOptions & { withscores?: false }): Result<S, Text[]>;
	zinter(keys: Key | readonly Key[], options?: CombineOptions & { withscores?: boolean }): Result<S, Text[] | Scored<Text>>;
	zinter(keys: Key | readonly Key[], options?: CombineOptions & { withscores?: boolean }): Result<S, unknown> {
		return this.send(() => combined(["ZINTER"], keys, options, combining), scoredIf<Text>(options));
	}

	/**
	 * What is in the first sorted set, and in none of the others (6.2). `ZDIFF n key … [WITHSCORES]`
	 * @returns as {@link zunion}
	 * @throws as {@link zunion}
	 * @see https://valkey.io/commands/zdiff/
	 */
	zdiff(keys: Key | readonly Key[], options: { withscores: true }): Result<S, Scored<Text>>;
	zdiff(keys: Key | readonly Key[], options?: { withscores?: false }): Result<S, Text[]>;
	zdiff(keys: Key | readonly Key[], options?: { withscores?: boolean }): Result<S, Text[] | Scored<Text>>;
	zdiff(keys: Key | readonly Key[], options?: { withscores?: boolean }): Result<S, unknown> {
		return this.send(() => combined(["ZDIFF"], keys, options, ["withscores"]), scoredIf<Text>(options));
	}

	/**
	 * Makes a sorted set of what is in any of some; those may be sets, too. `ZUNIONSTORE destination n key … [WEIGHTS w …] [AGGREGATE SUM|MIN|MAX]`
	 * @returns how many members it has; none is left where that is 0
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, CROSSSLOT, WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/zunionstore/
	 */
	zunionstore(destination: Key, keys: Key | readonly Key[], options?: CombineOptions): Result<S, number> {
		return this.send(() => combined(["ZUNIONSTORE", destination], keys, options, ["weights", "aggregate"]));
	}

	/**
	 * Makes a sorted set of what is in all of some. `ZINTERSTORE destination n key … [WEIGHTS w …] [AGGREGATE SUM|MIN|MAX]`
	 * @returns as {@link zunionstore}
	 * @throws as {@link zunionstore}
	 * @see https://valkey.io/commands/zinterstore/
	 */
	zinterstore(destination: Key, keys: Key | readonly Key[], options?: CombineOptions): Result<S, number> {
		return this.send(() => combined(["ZINTERSTORE", destination], keys, options, ["weights", "aggregate"]));
	}

	/**
	 * Makes a sorted set of what is in the first of some, and in none of the others (6.2). `ZDIFFSTORE destination n key …`
	 * @returns as {@link zunionstore}
	 * @throws as {@link zunionstore}
	 * @see https://valkey.io/commands/zdiffstore/
	 */
	zdiffstore(destination: Key, ...keys: Keys): Result<S, number> {
		return this.send(() => appendCounted(["ZDIFFSTORE", destination], append([], keys)));
	}

	/**
	 * Counts what is in all of the sorted sets (7.0). `ZINTERCARD n key … [LIMIT n]`
	 * @param options `limit`: do not count further, 0 for no limit
	 * @returns how many; 0 when one of the keys is missing
	 * @throws as {@link zunion}
	 * @see https://valkey.io/commands/zintercard/
	 */
	zintercard(keys: Key | readonly Key[], options?: { limit?: number }): Result<S, number> {
		return this.send(() => {
			const { limit } = checkFields("ZINTERCARD", options, ["limit"]);
			const words = appendCounted(["ZINTERCARD"], keys);
			appendInteger(words, "limit", limit, 0);
			return words;
		});
	}
}

const zaddFlags = ["nx", "xx", "gt", "lt", "ch", "incr"] as const;
const combining = ["weights", "aggregate", "withscores"] as const;

function zaddWords(key: Key, members: object, options: ZaddOptions | undefined): unknown[] {
	const given = checkFields<ZaddOptions>("ZADD", options, zaddFlags);
	atMostOne(given, ["nx", "xx"]);
	atMostOne(given, ["nx", "gt", "lt"]);
	const words: unknown[] = ["ZADD", key];
	appendFlags<ZaddOptions>(words, given, zaddFlags);
	const first = words.length;
	const entries: Iterable<unknown> = Symbol.iterator in members ? (members as Iterable<unknown>) : Object.entries(members);
	for (const entry of entries) {
		const [member, score] = Array.isArray(entry) && entry.length === 2 ? entry : memberOf(entry, words.length);
		words.push(doubleWord(score, words.length), member);
	}
	if (given.incr && words.length > first + 2) refuse("incr", "takes one member");
	return words;
}

function memberOf(entry: unknown, index: number): [member: unknown, score: unknown] {
	if (typeof entry !== "object" || entry === null || !("score" in entry) || !("member" in entry)) {
		return refuse(index, "must be { score, member }");
	}
	return [entry.member, entry.score];
}

function rankWords(name: string, key: Key, member: Value, options: { withscore?: boolean } | undefined): unknown[] {
	const given = checkFields(name, options, ["withscore"]);
	const words: unknown[] = [name, key, member];
	appendFlags(words, given, ["withscore"]);
	return words;
}

function toRanked(reply: never): [rank: number, score: number] | null {
	if (reply === null) return null;
	const [rank, score, ...more] = toArray(reply);
	if (typeof rank !== "number" || score === undefined || more.length > 0) return unexpected();
	return [rank, toNumber(score)];
}

function popTaker<Text>(count: number | undefined): (reply: never) => unknown {
	return count === undefined ? toScoredOrNull<Text> : toScored<Text>;
}

function combined(
	words: unknown[],
	keys: Key | readonly Key[],
	options: (CombineOptions & { withscores?: boolean }) | undefined,
	fields: readonly (typeof combining)[number][],
): unknown[] {
	const { weights, aggregate, withscores } = checkFields(words[0] as string, options, fields);
	const before = words.length;
	appendCounted(words, keys);
	if (weights !== undefined) {
		const count = words.length - before - 1;
		if (!Array.isArray(weights) || weights.length !== count) refuse("weights", `must be a list of ${count}, one for each key`);
		words.push("WEIGHTS");
		for (const [i, weight] of weights.entries()) words.push(doubleWord(weight, `weights.${i}`));
	}
	if (aggregate !== undefined) words.push("AGGREGATE", wordOf(aggregate, "aggregate", ["sum", "min", "max"]));
	if (checkFlag(withscores, "withscores")) words.push("WITHSCORES");
	return words;
}
