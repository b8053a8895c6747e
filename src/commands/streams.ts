/** Streams and consumer groups. Ids are text in every view, `buffers` included; in a reply they are always whole, `"5-0"`. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import type { Reply } from "../resp/reply.js";
import type { Key, Value } from "./arguments.js";
import { GeoCommands } from "./geo.js";
import { toArray } from "./replies.js";
import {
	type Claimed,
	type ConsumerInfo,
	type FullStreamInfo,
	type GroupEntry,
	type GroupInfo,
	type PendingEntry,
	type PendingSummary,
	present,
	type StreamEntry,
	type StreamInfo,
	type StreamRead,
	toClaimed,
	toEntries,
	toEntry,
	toGroupEntry,
	toId,
	toIdOrNull,
	toIds,
	toInfo,
	toPendingEntry,
	toPendingSummary,
	toReads,
	toStreamInfo,
} from "./stream-replies.js";
import {
	checkId,
	checkIdle,
	claimOptionWords,
	countWords,
	positionWords,
	readWords,
	type StreamFields,
	type StreamId,
	type StreamPositions,
	type TrimOptions,
	type XaddOptions,
	type XclaimOptions,
	type XpendingOptions,
	type XreadgroupOptions,
	type XreadOptions,
	xaddWords,
	xpendingWords,
	xtrimWords,
} from "./stream-words.js";
import type { Many, Result, Surface } from "./surface.js";
import { append, checkFields, checkFlag, checkInteger } from "./words.js";

export abstract class StreamCommands<Text extends string | Buffer, S extends Surface> extends GeoCommands<Text, S> {
	/**
	 * Adds an entry. `XADD key [NOMKSTREAM] [MAXLEN|MINID [~] threshold [LIMIT n]] id field value …`
	 * @param fields a record, a Map or pairs; in the order given, and only pairs can repeat a field
	 * @returns the entry's id; null when `nomkstream` forbade it
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, WRONGTYPE; a timeout or lost connection leaves it open whether it was added
	 * @see https://valkey.io/commands/xadd/
	 */
	xadd(key: Key, fields: StreamFields, options?: XaddOptions & { nomkstream?: false }): Result<S, string>;
	xadd(key: Key, fields: StreamFields, options?: XaddOptions): Result<S, string | null>;
	xadd(key: Key, fields: StreamFields, options?: XaddOptions): Result<S, string | null> {
		return this.send(() => xaddWords(key, fields, options), toIdOrNull);
	}

	/**
	 * How many entries a stream has. `XLEN key`
	 * @returns 0 when there is no stream
	 * @throws INVALID_ARGUMENT, and as {@link get}
	 * @see https://valkey.io/commands/xlen/
	 */
	xlen(key: Key): Result<S, number> {
		return this.send(["XLEN", key]);
	}

	/**
	 * The entries between two ids, both included. `XRANGE key start end [COUNT n]`
	 * @param start an id, `"-"` for the first one, `"(id"` for what comes behind an id (6.2)
	 * @param end an id, `"+"` for the last one
	 * @returns oldest first; of a field that an entry has twice, the last value. All of them, as the server gives them: {@link command}
	 * @throws INVALID_ARGUMENT, and as {@link get}
	 * @see https://valkey.io/commands/xrange/
	 */
	xrange(key: Key, start: StreamId = "-", end: StreamId = "+", options?: { count?: number }): Result<S, StreamEntry<Text>[]> {
		return this.send(
			() => ["XRANGE", key, start, end, ...countWords(checkFields("XRANGE", options, ["count"]))],
			(reply: Reply<Text>) => toEntries<Text>(reply),
		);
	}

	/**
	 * The same from the other end. `XREVRANGE key end start [COUNT n]`
	 * @returns newest first
	 * @throws INVALID_ARGUMENT, and as {@link get}
	 * @see https://valkey.io/commands/xrevrange/
	 */
	xrevrange(key: Key, end: StreamId = "+", start: StreamId = "-", options?: { count?: number }): Result<S, StreamEntry<Text>[]> {
		return this.send(
			() => ["XREVRANGE", key, end, start, ...countWords(checkFields("XREVRANGE", options, ["count"]))],
			(reply: Reply<Text>) => toEntries<Text>(reply),
		);
	}

	/**
	 * Entries behind an id of each stream. `XREAD [COUNT n] [BLOCK ms] STREAMS key … id …`
	 * @param streams ids by key; `"$"` is the last id there is, for reading with `block`
	 * @returns for each stream that has any its key and entries; null when none has
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, WRONGTYPE; CROSSSLOT for keys of several slots
	 * @see https://valkey.io/commands/xread/
	 */
	xread(streams: StreamPositions, options?: XreadOptions): Result<S, StreamRead<Text>[] | null> {
		return this.send(
			() => ["XREAD", ...readWords("XREAD", options), ...positionWords(streams, 1)],
			(reply: Reply<Text>) => toReads<Text, StreamEntry<Text>>(reply, toEntry),
		);
	}

	/**
	 * Deletes entries. `XDEL key id …`
	 * @returns how many there were
	 * @throws INVALID_ARGUMENT, and as {@link get}
	 * @see https://valkey.io/commands/xdel/
	 */
	xdel(key: Key, ...ids: Many<StreamId>): Result<S, number> {
		return this.send(append(["XDEL", key], ids));
	}

	/**
	 * Deletes the oldest entries. `XTRIM key MAXLEN|MINID [~] threshold [LIMIT n]`
	 * @returns how many were deleted
	 * @throws INVALID_OPTION
	 * @see https://valkey.io/commands/xtrim/
	 */
	xtrim(key: Key, options: TrimOptions): Result<S, number> {
		return this.send(() => xtrimWords(key, options));
	}

	/**
	 * Sets a stream's last id. `XSETID key id [ENTRIESADDED n] [MAXDELETEDID id]`
	 * @returns `"OK"`
	 * @throws INVALID_ARGUMENT, the server's error for an id that is too small, and as {@link get}
	 * @see https://valkey.io/commands/xsetid/
	 */
	xsetid(key: Key, id: StreamId, options?: { entriesadded?: number; maxdeletedid?: StreamId }): Result<S, "OK"> {
		return this.send(() => {
			const { entriesadded, maxdeletedid } = checkFields("XSETID", options, ["entriesadded", "maxdeletedid"]);
			const words: unknown[] = ["XSETID", key, id];
			if (entriesadded !== undefined) words.push("ENTRIESADDED", checkInteger(entriesadded, "entriesadded", 0));
			if (maxdeletedid !== undefined) words.push("MAXDELETEDID", checkId(maxdeletedid, "maxdeletedid"));
			return words;
		});
	}

	// ── groups ──

	/**
	 * Creates a group of consumers. `XGROUP CREATE key group id [MKSTREAM] [ENTRIESREAD n]`
	 * @param id the group reads what comes behind it: `"0"` for all there is, `"$"` for what is added from now on
	 * @returns `"OK"`
	 * @throws BUSYGROUP when there is one of that name; the server's ERR when there is no stream, and no `mkstream`
	 * @see https://valkey.io/commands/xgroup-create/
	 */
	xgroupCreate(
		key: Key,
		group: Value,
		id: StreamId = "$",
		options?: { mkstream?: boolean; entriesread?: number },
	): Result<S, "OK"> {
		return this.send(() => {
			const { mkstream, entriesread } = checkFields("XGROUP CREATE", options, ["mkstream", "entriesread"]);
			const words: unknown[] = ["XGROUP", "CREATE", key, group, id];
			if (checkFlag(mkstream, "mkstream")) words.push("MKSTREAM");
			if (entriesread !== undefined) words.push("ENTRIESREAD", checkInteger(entriesread, "entriesread", -1));
			return words;
		});
	}

	/**
	 * Deletes a group, and forgets what is pending in it. `XGROUP DESTROY key group`
	 * @returns 1, or 0 when there was none
	 * @throws INVALID_ARGUMENT, and as {@link get}
	 * @see https://valkey.io/commands/xgroup-destroy/
	 */
	xgroupDestroy(key: Key, group: Value): Result<S, 0 | 1> {
		return this.send(["XGROUP", "DESTROY", key, group]);
	}

	/**
	 * Sets the id behind which a group reads on. `XGROUP SETID key group id [ENTRIESREAD n]`
	 * @returns `"OK"`
	 * @throws NOGROUP
	 * @see https://valkey.io/commands/xgroup-setid/
	 */
	xgroupSetid(key: Key, group: Value, id: StreamId, options?: { entriesread?: number }): Result<S, "OK"> {
		return this.send(() => {
			const { entriesread } = checkFields("XGROUP SETID", options, ["entriesread"]);
			const tail = entriesread === undefined ? [] : ["ENTRIESREAD", checkInteger(entriesread, "entriesread", -1)];
			return ["XGROUP", "SETID", key, group, id, ...tail];
		});
	}

	/**
	 * Adds a consumer to a group; reading does it too. `XGROUP CREATECONSUMER key group consumer` (6.2)
	 * @returns 1, or 0 when there is one of that name
	 * @throws NOGROUP
	 * @see https://valkey.io/commands/xgroup-createconsumer/
	 */
	xgroupCreateconsumer(key: Key, group: Value, consumer: Value): Result<S, 0 | 1> {
		return this.send(["XGROUP", "CREATECONSUMER", key, group, consumer]);
	}

	/**
	 * Deletes a consumer with all that is pending for it: nobody gets these entries any more. `XGROUP DELCONSUMER key group consumer`
	 * @returns how many were pending
	 * @throws NOGROUP
	 * @see https://valkey.io/commands/xgroup-delconsumer/
	 */
	xgroupDelconsumer(key: Key, group: Value, consumer: Value): Result<S, number> {
		return this.send(["XGROUP", "DELCONSUMER", key, group, consumer]);
	}

	/**
	 * Entries for a consumer of a group: new ones behind `">"`, or those pending for it behind an id.
	 * `XREADGROUP GROUP group consumer [COUNT n] [BLOCK ms] [NOACK] STREAMS key … id …`
	 * @returns for each stream that has any its key and entries, `fields` null for what was deleted; a stream read behind an id is there also
	 *   without entries; null when there is nothing
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, NOGROUP, WRONGTYPE; CROSSSLOT for keys of several slots. After a timeout or a lost connection the
	 *   entries may be pending for the consumer: {@link streamConsumer} looks for them
	 * @see https://valkey.io/commands/xreadgroup/
	 */
	xreadgroup(
		group: Value,
		consumer: Value,
		streams: StreamPositions,
		options?: XreadgroupOptions,
	): Result<S, StreamRead<Text, GroupEntry<Text>>[] | null> {
		return this.send(
			() => ["XREADGROUP", "GROUP", group, consumer, ...readWords("XREADGROUP", options), ...positionWords(streams, 3)],
			(reply: Reply<Text>) => toReads<Text, GroupEntry<Text>>(reply, toGroupEntry),
		);
	}

	/**
	 * Says that entries were dealt with; may be repeated. `XACK key group id …`
	 * @returns how many of them were pending: an id that the group does not know, or no longer, counts nothing and harms nothing; 0 also when there
	 *   is no such group
	 * @throws INVALID_ARGUMENT, and as {@link get}
	 * @see https://valkey.io/commands/xack/
	 */
	xack(key: Key, group: Value, ...ids: Many<StreamId>): Result<S, number> {
		return this.send(append(["XACK", key, group], ids));
	}

	/**
	 * Makes entries pending for this consumer that were so for another one. `XCLAIM key group consumer min-idle-ms id … [options]`
	 * @param minIdleMs only what was delivered so many milliseconds ago
	 * @returns the entries claimed, with `justid` their ids; those no longer in the stream are left out
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, NOGROUP
	 * @see https://valkey.io/commands/xclaim/
	 */
	xclaim(
		key: Key,
		group: Value,
		consumer: Value,
		minIdleMs: number,
		ids: StreamId | readonly StreamId[],
		options: XclaimOptions & { justid: true },
	): Result<S, string[]>;
	xclaim(
		key: Key,
		group: Value,
		consumer: Value,
		minIdleMs: number,
		ids: StreamId | readonly StreamId[],
		options?: XclaimOptions & { justid?: false },
	): Result<S, StreamEntry<Text>[]>;
	xclaim(
		key: Key,
		group: Value,
		consumer: Value,
		minIdleMs: number,
		ids: StreamId | readonly StreamId[],
		options?: XclaimOptions,
	): Result<S, string[] | StreamEntry<Text>[]> {
		return this.send(
			() => {
				const words = append(["XCLAIM", key, group, consumer, checkIdle(minIdleMs, 4)], [ids]);
				if (words.length === 5) throw new InvalidArgumentError(5, "no id is given");
				return words.concat(claimOptionWords(options));
			},
			(reply: Reply<Text>) => (options?.justid ? toIds(reply) : present(reply).map((entry) => toEntry<Text>(entry))),
		);
	}

	/**
	 * Claims what was delivered long ago and not acknowledged, some at a time. `XAUTOCLAIM key group consumer min-idle-ms start [COUNT n] [JUSTID]`
	 * (6.2)
	 * @param start `"0-0"`, then the `cursor` of the call before
	 * @returns the next cursor, the entries claimed (with `justid` their ids), and ids that are `deleted` from the stream
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, NOGROUP
	 * @see https://valkey.io/commands/xautoclaim/
	 */
	xautoclaim(
		key: Key,
		group: Value,
		consumer: Value,
		minIdleMs: number,
		start: StreamId,
		options: { count?: number; justid: true },
	): Result<S, Claimed<string>>;
	xautoclaim(
		key: Key,
		group: Value,
		consumer: Value,
		minIdleMs: number,
		start?: StreamId,
		options?: { count?: number; justid?: false },
	): Result<S, Claimed<StreamEntry<Text>>>;
	xautoclaim(
		key: Key,
		group: Value,
		consumer: Value,
		minIdleMs: number,
		start: StreamId = "0-0",
		options?: { count?: number; justid?: boolean },
	): Result<S, Claimed<string> | Claimed<StreamEntry<Text>>> {
		return this.send(
			() => {
				const given = checkFields("XAUTOCLAIM", options, ["count", "justid"]);
				const words = ["XAUTOCLAIM", key, group, consumer, checkIdle(minIdleMs, 4), start, ...countWords(given)];
				return checkFlag(given.justid, "justid") ? [...words, "JUSTID"] : words;
			},
			(reply: Reply<Text>) => (options?.justid ? toClaimed(reply, toId) : toClaimed(reply, (entry) => toEntry<Text>(entry))),
		);
	}

	/**
	 * What was delivered and not acknowledged. `XPENDING key group [[IDLE ms] start end count [consumer]]`
	 * @returns without options a summary; with them entries by id, at most `count`
	 * @throws INVALID_OPTION, NOGROUP
	 * @see https://valkey.io/commands/xpending/
	 */
	xpending(key: Key, group: Value): Result<S, PendingSummary<Text>>;
	xpending(key: Key, group: Value, options: XpendingOptions): Result<S, PendingEntry<Text>[]>;
	xpending(key: Key, group: Value, options?: XpendingOptions): Result<S, PendingSummary<Text> | PendingEntry<Text>[]> {
		return this.send(
			() => xpendingWords(key, group, options),
			(reply: Reply<Text>) =>
				options === undefined ? toPendingSummary<Text>(reply) : toArray(reply).map((entry) => toPendingEntry<Text>(entry)),
		);
	}

	/**
	 * What the server knows of a stream. `XINFO STREAM key [FULL [COUNT n]]`
	 * @param options `full` also gives entries, groups and consumers, at most `count` (10) of each, 0 for all (6.0)
	 * @returns a record with the server's field names; entries in the shape of {@link xrange}
	 * @throws the server's ERR when there is no stream
	 * @see https://valkey.io/commands/xinfo-stream/
	 */
	xinfoStream(key: Key, options: { full: true; count?: number }): Result<S, FullStreamInfo<Text>>;
	xinfoStream(key: Key, options?: { full?: false }): Result<S, StreamInfo<Text>>;
	xinfoStream(key: Key, options?: { full?: boolean; count?: number }): Result<S, StreamInfo<Text> | FullStreamInfo<Text>> {
		return this.send(
			() => {
				const { full, count } = checkFields("XINFO STREAM", options, ["full", "count"]);
				const words: unknown[] = ["XINFO", "STREAM", key];
				if (checkFlag(full, "full")) words.push("FULL");
				if (count !== undefined) {
					if (!full) throw new InvalidOptionError("count", "needs full");
					words.push("COUNT", checkInteger(count, "count", 0));
				}
				return words;
			},
			(reply: Reply<Text>) => toStreamInfo(reply) as StreamInfo<Text>,
		);
	}

	/**
	 * The groups of a stream. `XINFO GROUPS key`
	 * @returns a record for each, with the server's field names
	 * @throws the server's ERR when there is no stream
	 * @see https://valkey.io/commands/xinfo-groups/
	 */
	xinfoGroups(key: Key): Result<S, GroupInfo<Text>[]> {
		return this.send(["XINFO", "GROUPS", key], (reply: Reply<Text>) => toArray(reply).map(toInfo) as GroupInfo<Text>[]);
	}

	/**
	 * The consumers of a group. `XINFO CONSUMERS key group`
	 * @returns a record for each, with the server's field names
	 * @throws NOGROUP, the server's ERR when there is no stream
	 * @see https://valkey.io/commands/xinfo-consumers/
	 */
	xinfoConsumers(key: Key, group: Value): Result<S, ConsumerInfo<Text>[]> {
		return this.send(
			["XINFO", "CONSUMERS", key, group],
			(reply: Reply<Text>) => toArray(reply).map(toInfo) as ConsumerInfo<Text>[],
		);
	}
}
