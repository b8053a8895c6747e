/** LCS: its options, and its reply with `idx`. */
import type { Reply } from "../resp/reply.js";
import { toArray, toNumber, toNumbers, toRecord, unexpected } from "./replies.js";
import { atMostOne, checkFields, checkFlag, checkInteger, refuse } from "./words.js";

/** From which byte to which, both included. */
export type LcsRange = [from: number, to: number];

/** A piece that both values have: where it is in the first, and in the second. */
export type LcsMatch = [first: LcsRange, second: LcsRange];

/** The pieces, last first, and the length of the longest common subsequence in bytes. */
export interface LcsMatches<Match = LcsMatch> {
	matches: Match[];
	len: number;
}

/** Options of LCS. `minmatchlen` and `withmatchlen` say something only together with `idx`. */
export interface LcsOptions {
	/** Replies with its length in bytes. */
	len?: boolean;
	/** Replies with where its pieces are. */
	idx?: boolean;
	/** Leaves out pieces of fewer bytes. */
	minmatchlen?: number;
	/** Each piece with its length. */
	withmatchlen?: boolean;
}

/** @throws INVALID_OPTION */
export function appendLcsOptions(words: unknown[], options: LcsOptions | undefined): unknown[] {
	const given = checkFields<LcsOptions>("LCS", options, ["len", "idx", "minmatchlen", "withmatchlen"]);
	const idx = checkFlag(given.idx, "idx");
	if (checkFlag(given.len, "len")) words.push("LEN");
	atMostOne(given, ["len", "idx"]);
	if (idx) words.push("IDX");
	for (const field of ["minmatchlen", "withmatchlen"] as const) {
		if (given[field] !== undefined && !idx) refuse(field, "needs idx");
	}
	if (given.minmatchlen !== undefined) words.push("MINMATCHLEN", checkInteger(given.minmatchlen, "minmatchlen", 0));
	if (checkFlag(given.withmatchlen, "withmatchlen")) words.push("WITHMATCHLEN");
	return words;
}

/** The reply to LCS: a map or a flat array with `idx`, else as it is. */
export function toLcs(reply: Reply): unknown {
	if (!Array.isArray(reply) && !(reply instanceof Map)) return reply;
	const { matches, len } = toRecord<Reply>(reply);
	if (matches === undefined || len === undefined) return unexpected();
	return { matches: toArray(matches).map(toMatch), len: toNumber(len) };
}

function toMatch(reply: Reply): unknown[] {
	return toArray(reply).map((part) => (Array.isArray(part) ? toNumbers(part) : toNumber(part)));
}
