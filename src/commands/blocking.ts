/**
 * Commands that wait for something to come. A client gives each a connection of its own, so that nobody waits behind it; XREAD and XREADGROUP
 * with `block` are in `streams.ts`.
 *
 * What holds for all of them on a client: `timeout` is in seconds with fractions, 0 waits for ever; the view's `timeoutMs` comes on top of it, and
 * bounds the wait for a connection. When the primary becomes a replica or the slot moves, they go on waiting where the keys are served then. An
 * abort or a deadline closes the connection, so the server keeps what comes later; `maybeExecuted` tells that an element may have been on its way.
 * At most `pool.maxBlocked` at a time for each node; `close()` ends them at once, with CLOSED.
 */
import { InvalidArgumentError } from "../errors.js";
import type { Reply } from "../resp/reply.js";
import type { Key } from "./arguments.js";
import { Commands } from "./commands.js";
import type { ListEnd } from "./lists.js";
import { toArray, toNumber, toScored, unexpected } from "./replies.js";
import type { Result, Surface, Words } from "./surface.js";
import { append, appendCounted, appendInteger, checkFields, integerAt, wordOf } from "./words.js";

/** One key, or several of one slot, of which the first that has something is taken. */
export type BlockingKeys = Key | readonly Key[];

export interface BlockingPopOptions {
	/** So many elements at most; 1 by default. */
	count?: number;
}

const ENDS = ["left", "right"];

export abstract class BlockingCommands<Text extends string | Buffer, S extends Surface> extends Commands<Text, S> {
	/**
	 * Takes the first element of the first list that has one, or waits for it. `BLPOP key … timeout`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the key and its element; null when none came in time
	 * @throws INVALID_ARGUMENT, CROSSSLOT, UNSUPPORTED in a pipeline; TIMEOUT, ABORTED, CLOSED; CONNECTION with `maybeExecuted` when its connection was lost while it waited
	 * @see https://valkey.io/commands/blpop/
	 */
	blpop(keys: BlockingKeys, timeout: number): Result<S, [key: Text, element: Text] | null> {
		return this.send(() => keysFirst("BLPOP", keys, timeout), toPopped<Text>);
	}

	/**
	 * Takes the last element of the first list that has one, or waits for it. `BRPOP key … timeout`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the key and its element; null when none came in time
	 * @throws as {@link blpop}
	 * @see https://valkey.io/commands/brpop/
	 */
	brpop(keys: BlockingKeys, timeout: number): Result<S, [key: Text, element: Text] | null> {
		return this.send(() => keysFirst("BRPOP", keys, timeout), toPopped<Text>);
	}

	/**
	 * Moves an element from one end of a list to an end of another, or waits for one: what was taken is never lost on its way to a consumer that
	 * fails. `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the element; null when none came in time
	 * @throws as {@link blpop}
	 * @see https://valkey.io/commands/blmove/
	 */
	blmove(source: Key, destination: Key, from: ListEnd, to: ListEnd, timeout: number): Result<S, Text | null> {
		return this.send(() => ["BLMOVE", source, destination, wordOf(from, 3, ENDS), wordOf(to, 4, ENDS), seconds(timeout, 5)]);
	}

	/**
	 * Moves the last element of a list to the front of another, or waits for one; {@link blmove} is its successor.
	 * `BRPOPLPUSH source destination timeout`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the element; null when none came in time
	 * @throws as {@link blpop}
	 * @see https://valkey.io/commands/brpoplpush/
	 */
	brpoplpush(source: Key, destination: Key, timeout: number): Result<S, Text | null> {
		return this.send(() => ["BRPOPLPUSH", source, destination, seconds(timeout, 3)]);
	}

	/**
	 * Takes up to `count` elements from one end of the first list that has any, or waits for one.
	 * `BLMPOP timeout numkeys key … LEFT|RIGHT [COUNT count]`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the key and its elements; null when none came in time
	 * @throws as {@link blpop}; INVALID_OPTION
	 * @see https://valkey.io/commands/blmpop/
	 */
	blmpop(
		keys: BlockingKeys,
		from: ListEnd,
		timeout: number,
		options?: BlockingPopOptions,
	): Result<S, [key: Text, elements: Text[]] | null> {
		return this.send(
			() => countedPop("BLMPOP", keys, ENDS, from, timeout, options),
			(reply: Reply<Text>): [Text, Text[]] | null => {
				if (reply === null) return null;
				const [key, elements] = pair(reply);
				return [key as Text, toArray(elements) as Text[]];
			},
		);
	}

	/**
	 * Takes the member with the lowest score of the first sorted set that has one, or waits for it. `BZPOPMIN key … timeout`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the key, its member and the score; null when none came in time
	 * @throws as {@link blpop}
	 * @see https://valkey.io/commands/bzpopmin/
	 */
	bzpopmin(keys: BlockingKeys, timeout: number): Result<S, [key: Text, member: Text, score: number] | null> {
		return this.send(() => keysFirst("BZPOPMIN", keys, timeout), toPoppedMember<Text>);
	}

	/**
	 * Takes the member with the highest score of the first sorted set that has one, or waits for it. `BZPOPMAX key … timeout`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the key, its member and the score; null when none came in time
	 * @throws as {@link blpop}
	 * @see https://valkey.io/commands/bzpopmax/
	 */
	bzpopmax(keys: BlockingKeys, timeout: number): Result<S, [key: Text, member: Text, score: number] | null> {
		return this.send(() => keysFirst("BZPOPMAX", keys, timeout), toPoppedMember<Text>);
	}

	/**
	 * Takes up to `count` members with the lowest or highest scores of the first sorted set that has any, or waits for one.
	 * `BZMPOP timeout numkeys key … MIN|MAX [COUNT count]`
	 * @param timeout seconds, with fractions; 0: for ever
	 * @returns the key and its members with their scores; null when none came in time
	 * @throws as {@link blpop}; INVALID_OPTION
	 * @see https://valkey.io/commands/bzmpop/
	 */
	bzmpop(
		keys: BlockingKeys,
		which: "min" | "max",
		timeout: number,
		options?: BlockingPopOptions,
	): Result<S, [key: Text, members: [member: Text, score: number][]] | null> {
		return this.send(
			() => countedPop("BZMPOP", keys, ["min", "max"], which, timeout, options),
			(reply: Reply<Text>): [Text, [Text, number][]] | null => {
				if (reply === null) return null;
				const [key, members] = pair(reply);
				return [key as Text, toScored<Text>(members)];
			},
		);
	}

	/**
	 * Waits until replicas have what this connection wrote. Only inside {@link withConnection}, where the writes are its own.
	 * `WAIT numreplicas timeout`
	 * @param timeoutMs milliseconds, unlike the others; 0: for ever
	 * @returns how many replicas have it, which may be fewer when the time was over
	 * @throws INVALID_ARGUMENT; UNSUPPORTED on a client and in its pipelines
	 * @see https://valkey.io/commands/wait/
	 */
	wait(replicas: number, timeoutMs: number): Result<S, number> {
		return this.send(() => [
			"WAIT",
			integerAt(replicas, 1, "a number of replicas", 0),
			integerAt(timeoutMs, 2, "milliseconds", 0),
		]);
	}

	/**
	 * Waits until what this connection wrote is in the append-only files of the server and of replicas. Only inside {@link withConnection}.
	 * `WAITAOF numlocal numreplicas timeout`
	 * @param local 1 to wait for the server's own file, 0 not to
	 * @param timeoutMs milliseconds, unlike the others; 0: for ever
	 * @returns how many files of the server (0 or 1) and of replicas have it
	 * @throws as {@link wait}
	 * @see https://valkey.io/commands/waitaof/
	 */
	waitaof(local: 0 | 1, replicas: number, timeoutMs: number): Result<S, [local: number, replicas: number]> {
		return this.send(() => [
			"WAITAOF",
			integerAt(local, 1, "0 or 1", 0, 1),
			integerAt(replicas, 2, "a number of replicas", 0),
			integerAt(timeoutMs, 3, "milliseconds", 0),
		]);
	}
}

function keysFirst(name: string, keys: BlockingKeys, timeout: number): Words {
	const words = append([name], [keys]);
	if (words.length === 1) throw new InvalidArgumentError(1, "argument 1 must be a key, or a list of at least one");
	words.push(seconds(timeout, words.length));
	return words;
}

function countedPop(
	name: string,
	keys: BlockingKeys,
	ends: readonly string[],
	end: unknown,
	timeout: number,
	options: BlockingPopOptions | undefined,
): Words {
	const { count } = checkFields(name, options, ["count"]);
	const words = appendCounted([name, seconds(timeout, 1)], keys);
	words.push(wordOf(end, words.length, ends));
	appendInteger(words, "count", count, 1);
	return words;
}

/** What servers count in: whole milliseconds. Less than one would be cut off to 0 by some, which is for ever. */
function seconds(timeout: unknown, index: number): string {
	const ms = typeof timeout === "number" ? timeout * 1000 : Number.NaN;
	if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) {
		throw new InvalidArgumentError(index, `argument ${index} must be a timeout: a number of seconds from 0`);
	}
	const near = Math.round(ms);
	return String((Math.abs(ms - near) < 1e-6 && near > 0 ? near : Math.ceil(ms)) / 1000);
}

function pair(reply: Reply): [Reply, Reply] {
	const items = toArray(reply);
	return items.length === 2 ? (items as [Reply, Reply]) : unexpected();
}

function toPopped<Text>(reply: Reply): [Text, Text] | null {
	return reply === null ? null : (pair(reply) as [Text, Text]);
}

function toPoppedMember<Text>(reply: Reply): [Text, Text, number] | null {
	if (reply === null) return null;
	const [key, member, score, ...more] = toArray(reply);
	if (score === undefined || more.length > 0) return unexpected();
	return [key as Text, member as Text, toNumber(score)];
}
