/** Hashes: fields and values. */
import type { Key, Value } from "./arguments.js";
import { HyperLogLogCommands } from "./hyperloglog.js";
import { toNumber, toRecord, toText, toTextPairs } from "./replies.js";
import type { Many, Result, Surface, Values } from "./surface.js";
import {
	append,
	appendEntries,
	appendFlags,
	atMostOne,
	checkFields,
	finiteWord,
	integerAt,
	refuse,
	refuseMore,
} from "./words.js";

/** Fields and values as a Map, a list of `[field, value]`, or anything else that gives pairs. */
export type FieldEntries = Iterable<readonly [field: Value, value: Value]>;

/** When a field's time to live is set. At most one of them. */
export interface FieldExpiryOptions {
	/** Only when it has none. */
	nx?: boolean;
	/** Only when it has one. */
	xx?: boolean;
	/** Only when the new one is later; none is the latest. */
	gt?: boolean;
	/** Only when the new one is earlier. */
	lt?: boolean;
}

const conditions = ["nx", "xx", "gt", "lt"] as const;

export abstract class HashCommands<Text extends string | Buffer, S extends Surface> extends HyperLogLogCommands<Text, S> {
	/**
	 * Sets fields of a hash: one, or those of a record, a Map or a list of pairs. `HSET key field value …`
	 * @returns how many are new
	 * @throws INVALID_ARGUMENT (no fields, a value that cannot be sent), WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/hset/
	 */
	hset(key: Key, field: Value, value: Value): Result<S, number>;
	hset(key: Key, fields: FieldEntries): Result<S, number>;
	hset<T extends Readonly<Record<keyof T, Value>>>(key: Key, fields: T): Result<S, number>;
	hset(key: Key, fields: unknown, value?: Value, ...more: unknown[]): Result<S, number> {
		const many = typeof fields === "object" && !(fields instanceof Uint8Array) && value === undefined;
		return this.send(() => {
			refuseMore(more, 4, "fields");
			return many ? appendEntries(["HSET", key], fields) : ["HSET", key, fields, value];
		});
	}

	/**
	 * Sets a field that the hash does not have yet. `HSETNX key field value`
	 * @returns 1, or 0 when it has it
	 * @throws as {@link hset}
	 * @see https://valkey.io/commands/hsetnx/
	 */
	hsetnx(key: Key, field: Value, value: Value): Result<S, 0 | 1> {
		return this.send(["HSETNX", key, field, value]);
	}

	/**
	 * The value of a field. `HGET key field`
	 * @returns the value, null when there is no such field or key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hget/
	 */
	hget(key: Key, field: Value): Result<S, Text | null> {
		return this.send(["HGET", key, field]);
	}

	/**
	 * The values of some fields. `HMGET key field …`
	 * @returns in the order of the fields, null for each that is missing
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hmget/
	 */
	hmget(key: Key, ...fields: Values): Result<S, (Text | null)[]> {
		return this.send(append(["HMGET", key], fields));
	}

	/**
	 * A whole hash. `HGETALL key`
	 * @returns a record without a prototype, empty when there is no such key. Names of fields are text in every view; fields whose names are no
	 * UTF-8 are told apart by {@link hkeys} and {@link hvals}. As in any object, names that are whole numbers come first
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hgetall/
	 */
	hgetall(key: Key): Result<S, Record<string, Text>> {
		return this.send(["HGETALL", key], (reply) => toRecord<Text>(reply, toText));
	}

	/**
	 * Removes fields; a hash without any is removed. `HDEL key field …`
	 * @returns how many there were
	 * @throws as {@link hset}
	 * @see https://valkey.io/commands/hdel/
	 */
	hdel(key: Key, ...fields: Values): Result<S, number> {
		return this.send(append(["HDEL", key], fields));
	}

	/**
	 * Whether a hash has a field. `HEXISTS key field`
	 * @returns 1, or 0 when there is no such field or key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hexists/
	 */
	hexists(key: Key, field: Value): Result<S, 0 | 1> {
		return this.send(["HEXISTS", key, field]);
	}

	/**
	 * Adds to the whole number that a field holds; one that is missing counts as 0. `HINCRBY key field increment`
	 * @returns the new value, a bigint beyond 2^53
	 * @throws INVALID_ARGUMENT, WRONGTYPE, ERR (it holds no integer, or would leave 64 bits), and as {@link set}
	 * @see https://valkey.io/commands/hincrby/
	 */
	hincrby(key: Key, field: Value, increment: number | bigint): Result<S, number | bigint> {
		return this.send(() => ["HINCRBY", key, field, integerAt(increment, 3, "what to add")]);
	}

	/**
	 * Adds to the number that a field holds; one that is missing counts as 0. `HINCRBYFLOAT key field increment`
	 * @returns the new value as a double; {@link hget} gives all the digits that the server keeps
	 * @throws as {@link hincrby}
	 * @see https://valkey.io/commands/hincrbyfloat/
	 */
	hincrbyfloat(key: Key, field: Value, increment: number): Result<S, number> {
		return this.send(() => ["HINCRBYFLOAT", key, field, finiteWord(increment, 3)], toNumber);
	}

	/**
	 * The names of all fields. `HKEYS key`
	 * @returns in the order of {@link hvals}; empty when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hkeys/
	 */
	hkeys(key: Key): Result<S, Text[]> {
		return this.send(["HKEYS", key]);
	}

	/**
	 * The values of all fields. `HVALS key`
	 * @returns in the order of {@link hkeys}; empty when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hvals/
	 */
	hvals(key: Key): Result<S, Text[]> {
		return this.send(["HVALS", key]);
	}

	/**
	 * Counts the fields. `HLEN key`
	 * @returns 0 when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hlen/
	 */
	hlen(key: Key): Result<S, number> {
		return this.send(["HLEN", key]);
	}

	/**
	 * How many bytes the value of a field has. `HSTRLEN key field`
	 * @returns 0 when there is no such field or key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/hstrlen/
	 */
	hstrlen(key: Key, field: Value): Result<S, number> {
		return this.send(["HSTRLEN", key, field]);
	}

	/**
	 * Fields picked at random (6.2). `HRANDFIELD key [count [WITHVALUES]]`
	 * @param count up to so many different ones; below 0 exactly so many, of which some may be the same
	 * @returns without `count` a field, null when there is no such key; otherwise a list, with `withvalues` of pairs
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, and as {@link get}
	 * @see https://valkey.io/commands/hrandfield/
	 */
	hrandfield(key: Key): Result<S, Text | null>;
	hrandfield(key: Key, count: number, options: { withvalues: true }): Result<S, [field: Text, value: Text][]>;
	hrandfield(key: Key, count: number, options?: { withvalues?: false }): Result<S, Text[]>;
	hrandfield(key: Key, count: number, options?: { withvalues?: boolean }): Result<S, Text[] | [field: Text, value: Text][]>;
	hrandfield(key: Key, count?: number, options?: { withvalues?: boolean }): Result<S, unknown> {
		return this.send(
			() => {
				const given = checkFields("HRANDFIELD", options, ["withvalues"]);
				if (count === undefined) return options === undefined ? ["HRANDFIELD", key] : refuse(2, "must be a count");
				const words: unknown[] = ["HRANDFIELD", key, integerAt(count, 2, "a count")];
				appendFlags(words, given, ["withvalues"]);
				return words;
			},
			options?.withvalues ? toTextPairs<Text> : undefined,
		);
	}

	// ── the life of single fields: Redis 7.4, Valkey 9 ──

	/**
	 * Lets fields expire (Redis 7.4, Valkey 9). `HEXPIRE key seconds [NX|XX|GT|LT] FIELDS n field …`
	 * @param seconds whole seconds from now; 0 deletes the fields
	 * @returns for each field 1, 0 when the condition forbade it, 2 when it was deleted at once, -2 when there is no such field or key
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, WRONGTYPE, ERR (the server is older), and as {@link set}
	 * @see https://valkey.io/commands/hexpire/
	 */
	hexpire(key: Key, seconds: number, fields: Value | readonly Value[], options?: FieldExpiryOptions): Result<S, number[]> {
		return this.send(() => fieldExpiry("HEXPIRE", key, seconds, fields, options));
	}

	/**
	 * Lets fields expire, in milliseconds (Redis 7.4, Valkey 9). `HPEXPIRE key ms [NX|XX|GT|LT] FIELDS n field …`
	 * @returns as {@link hexpire}
	 * @throws as {@link hexpire}
	 * @see https://valkey.io/commands/hpexpire/
	 */
	hpexpire(key: Key, ms: number, fields: Value | readonly Value[], options?: FieldExpiryOptions): Result<S, number[]> {
		return this.send(() => fieldExpiry("HPEXPIRE", key, ms, fields, options));
	}

	/**
	 * Lets fields expire at a Unix time in seconds; one in the past deletes them (Redis 7.4, Valkey 9). `HEXPIREAT key time [NX|XX|GT|LT] FIELDS n field …`
	 * @returns as {@link hexpire}
	 * @throws as {@link hexpire}
	 * @see https://valkey.io/commands/hexpireat/
	 */
	hexpireat(key: Key, time: number, fields: Value | readonly Value[], options?: FieldExpiryOptions): Result<S, number[]> {
		return this.send(() => fieldExpiry("HEXPIREAT", key, time, fields, options));
	}

	/**
	 * Lets fields expire at a Unix time in milliseconds; one in the past deletes them (Redis 7.4, Valkey 9). `HPEXPIREAT key time [NX|XX|GT|LT] FIELDS n field …`
	 * @returns as {@link hexpire}
	 * @throws as {@link hexpire}
	 * @see https://valkey.io/commands/hpexpireat/
	 */
	hpexpireat(key: Key, timeMs: number, fields: Value | readonly Value[], options?: FieldExpiryOptions): Result<S, number[]> {
		return this.send(() => fieldExpiry("HPEXPIREAT", key, timeMs, fields, options));
	}

	/**
	 * How long fields have to live (Redis 7.4, Valkey 9). `HTTL key FIELDS n field …`
	 * @returns for each field seconds, -1 when it does not expire, -2 when there is no such field or key
	 * @throws INVALID_ARGUMENT, WRONGTYPE, ERR (the server is older), and as {@link get}
	 * @see https://valkey.io/commands/httl/
	 */
	httl(key: Key, ...fields: Values): Result<S, number[]> {
		return this.send(() => ofFields(["HTTL", key], fields));
	}

	/**
	 * How long fields have to live (Redis 7.4, Valkey 9). `HPTTL key FIELDS n field …`
	 * @returns for each field milliseconds, -1 when it does not expire, -2 when there is no such field or key
	 * @throws as {@link httl}
	 * @see https://valkey.io/commands/hpttl/
	 */
	hpttl(key: Key, ...fields: Values): Result<S, number[]> {
		return this.send(() => ofFields(["HPTTL", key], fields));
	}

	/**
	 * When fields expire (Redis 7.4, Valkey 9). `HEXPIRETIME key FIELDS n field …`
	 * @returns for each field a Unix time in seconds, -1 when it does not expire, -2 when there is no such field or key
	 * @throws as {@link httl}
	 * @see https://valkey.io/commands/hexpiretime/
	 */
	hexpiretime(key: Key, ...fields: Values): Result<S, number[]> {
		return this.send(() => ofFields(["HEXPIRETIME", key], fields));
	}

	/**
	 * When fields expire (Redis 7.4, Valkey 9). `HPEXPIRETIME key FIELDS n field …`
	 * @returns for each field a Unix time in milliseconds, -1 when it does not expire, -2 when there is no such field or key
	 * @throws as {@link httl}
	 * @see https://valkey.io/commands/hpexpiretime/
	 */
	hpexpiretime(key: Key, ...fields: Values): Result<S, number[]> {
		return this.send(() => ofFields(["HPEXPIRETIME", key], fields));
	}

	/**
	 * Lets fields live for ever again (Redis 7.4, Valkey 9). `HPERSIST key FIELDS n field …`
	 * @returns for each field 1, -1 when it did not expire, -2 when there is no such field or key
	 * @throws as {@link hexpire}
	 * @see https://valkey.io/commands/hpersist/
	 */
	hpersist(key: Key, ...fields: Values): Result<S, number[]> {
		return this.send(() => ofFields(["HPERSIST", key], fields));
	}
}

function fieldExpiry(
	name: string,
	key: Key,
	time: number,
	fields: Value | readonly Value[],
	options: FieldExpiryOptions | undefined,
): unknown[] {
	const given = checkFields<FieldExpiryOptions>(name, options, conditions);
	atMostOne(given, conditions);
	const words: unknown[] = [name, key, integerAt(time, 2, "a time", 0)];
	appendFlags<FieldExpiryOptions>(words, given, conditions);
	return ofFields(words, [fields]);
}

function ofFields(words: unknown[], fields: Many<Value>): unknown[] {
	const list = append([], fields);
	if (list.length === 0) refuse(words.length, "must be one or more fields");
	words.push("FIELDS", list.length);
	return append(words, [list as Value[]]);
}
