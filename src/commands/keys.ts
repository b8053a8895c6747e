/** Keys: their life, their type, their time to live. */
import type { Key } from "./arguments.js";
import { toBytes } from "./replies.js";
import { appendSortOptions, type SortOptions, type SortRoOptions } from "./sort-options.js";
import { CommandBase, type Keys, type Result, type Surface } from "./surface.js";
import { append, appendFlags, appendInteger, atMostOne, checkFields, checkText, integerAt, refuse } from "./words.js";

/** When a key's time to live is replaced. `nx` contradicts the others, `gt` contradicts `lt`. */
export interface ExpireOptions {
	/** Only when the key has none. */
	nx?: boolean;
	/** Only when it has one. */
	xx?: boolean;
	/** Only when the new one is later; none at all counts as latest. */
	gt?: boolean;
	/** Only when the new one is earlier. */
	lt?: boolean;
}

export interface CopyOptions {
	/** The database to copy to; not on a cluster. */
	db?: number;
	/** Replaces what is there. */
	replace?: boolean;
}

/** At most one of `idletime` and `freq`. */
export interface RestoreOptions {
	/** Replaces what is there. */
	replace?: boolean;
	/** The time to live is a Unix time in milliseconds. */
	absttl?: boolean;
	/** Seconds since the key was last used, for eviction. */
	idletime?: number;
	/** How often it is used, 0 to 255, for eviction. */
	freq?: number;
}

export abstract class KeyCommands<Text extends string | Buffer, S extends Surface> extends CommandBase<S> {
	/**
	 * Deletes keys. `DEL key …`; on a client, keys of any slots, as {@link delMany}
	 * @returns how many there were
	 * @throws INVALID_ARGUMENT; on a client BATCH with `total` when some of several failed; CROSSSLOT in a pipeline or transaction
	 * @see https://valkey.io/commands/del/
	 */
	del(...keys: Keys): Result<S, number> {
		return this.send(append(["DEL"], keys));
	}

	/**
	 * Deletes keys, and frees their memory later. `UNLINK key …`; on a client, keys of any slots
	 * @returns how many there were
	 * @throws as {@link del}
	 * @see https://valkey.io/commands/unlink/
	 */
	unlink(...keys: Keys): Result<S, number> {
		return this.send(append(["UNLINK"], keys));
	}

	/**
	 * Counts which of the keys exist; a key given twice counts twice. `EXISTS key …`; on a client, keys of any slots, as {@link existsMany}
	 * @returns how many
	 * @throws as {@link del}
	 * @see https://valkey.io/commands/exists/
	 */
	exists(...keys: Keys): Result<S, number> {
		return this.send(append(["EXISTS"], keys));
	}

	/**
	 * Says that keys were used, for eviction and OBJECT IDLETIME. `TOUCH key …`; on a client, keys of any slots
	 * @returns how many there are
	 * @throws as {@link del}
	 * @see https://valkey.io/commands/touch/
	 */
	touch(...keys: Keys): Result<S, number> {
		return this.send(append(["TOUCH"], keys));
	}

	/**
	 * Copies a value and its time to live. `COPY source destination [DB n] [REPLACE]`
	 * @returns 1; 0 when there is no `source`, or something at `destination` that was not to be replaced
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, CROSSSLOT
	 * @see https://valkey.io/commands/copy/
	 */
	copy(source: Key, destination: Key, options?: CopyOptions): Result<S, 0 | 1> {
		return this.send(() => {
			const given = checkFields<CopyOptions>("COPY", options, ["db", "replace"]);
			const words: unknown[] = ["COPY", source, destination];
			appendInteger(words, "db", given.db, 0);
			appendFlags<CopyOptions>(words, given, ["replace"]);
			return words;
		});
	}

	/**
	 * A value as the server would save it, for {@link restore}. `DUMP key`
	 * @returns bytes, in every view; null when there is no such key
	 * @throws as {@link ttl}
	 * @see https://valkey.io/commands/dump/
	 */
	dump(key: Key): Result<S, Buffer | null> {
		return this.send(["DUMP", key], toBytes, true);
	}

	/**
	 * Makes a key of what {@link dump} gave. `RESTORE key ms bytes [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n]`
	 * @param ttlMs milliseconds to live, 0 for ever; with `absttl` a Unix time
	 * @returns `"OK"`
	 * @throws INVALID_ARGUMENT, INVALID_OPTION; BUSYKEY when the key is there and not to be replaced; ERR for bytes of a newer server, or damaged ones
	 * @see https://valkey.io/commands/restore/
	 */
	restore(key: Key, ttlMs: number, bytes: Uint8Array, options?: RestoreOptions): Result<S, "OK"> {
		return this.send(() => {
			if (!(bytes instanceof Uint8Array)) refuse(3, "must be a Buffer: what dump() gave");
			const words = ["RESTORE", key, integerAt(ttlMs, 2, "a number of milliseconds", 0), bytes];
			return appendRestoreOptions(words, options);
		});
	}

	/**
	 * Lets a key expire. `EXPIRE key seconds [NX|XX|GT|LT]`
	 * @param seconds whole seconds from now; 0 and below delete the key
	 * @returns 1; 0 when there is no such key, or an option forbade it
	 * @throws INVALID_ARGUMENT, INVALID_OPTION
	 * @see https://valkey.io/commands/expire/
	 */
	expire(key: Key, seconds: number, options?: ExpireOptions): Result<S, 0 | 1> {
		return this.send(() => expireWords("EXPIRE", key, seconds, "a number of seconds", options));
	}

	/**
	 * Lets a key expire, in milliseconds. `PEXPIRE key ms [NX|XX|GT|LT]`
	 * @returns as {@link expire}
	 * @throws as {@link expire}
	 * @see https://valkey.io/commands/pexpire/
	 */
	pexpire(key: Key, ms: number, options?: ExpireOptions): Result<S, 0 | 1> {
		return this.send(() => expireWords("PEXPIRE", key, ms, "a number of milliseconds", options));
	}

	/**
	 * Lets a key expire at a Unix time in seconds; one in the past deletes it. `EXPIREAT key time [NX|XX|GT|LT]`
	 * @returns as {@link expire}
	 * @throws as {@link expire}
	 * @see https://valkey.io/commands/expireat/
	 */
	expireat(key: Key, time: number, options?: ExpireOptions): Result<S, 0 | 1> {
		return this.send(() => expireWords("EXPIREAT", key, time, "a Unix time in seconds", options));
	}

	/**
	 * Lets a key expire at a Unix time in milliseconds; one in the past deletes it. `PEXPIREAT key time [NX|XX|GT|LT]`
	 * @returns as {@link expire}
	 * @throws as {@link expire}
	 * @see https://valkey.io/commands/pexpireat/
	 */
	pexpireat(key: Key, timeMs: number, options?: ExpireOptions): Result<S, 0 | 1> {
		return this.send(() => expireWords("PEXPIREAT", key, timeMs, "a Unix time in milliseconds", options));
	}

	/**
	 * When a key expires (7.0). `EXPIRETIME key`
	 * @returns a Unix time in seconds; -1 when it does not expire, -2 when there is no such key
	 * @throws as {@link ttl}; ERR of a server before 7.0
	 * @see https://valkey.io/commands/expiretime/
	 */
	expiretime(key: Key): Result<S, number> {
		return this.send(["EXPIRETIME", key]);
	}

	/**
	 * When a key expires (7.0). `PEXPIRETIME key`
	 * @returns a Unix time in milliseconds; -1 when it does not expire, -2 when there is no such key
	 * @throws as {@link expiretime}
	 * @see https://valkey.io/commands/pexpiretime/
	 */
	pexpiretime(key: Key): Result<S, number> {
		return this.send(["PEXPIRETIME", key]);
	}

	/**
	 * How long a key has to live. `TTL key`
	 * @returns seconds; -1 when it does not expire, -2 when there is no such key
	 * @throws INVALID_ARGUMENT, TIMEOUT, CONNECTION, ABORTED, CLOSED
	 * @see https://valkey.io/commands/ttl/
	 */
	ttl(key: Key): Result<S, number> {
		return this.send(["TTL", key]);
	}

	/**
	 * How long a key has to live. `PTTL key`
	 * @returns milliseconds; -1 when it does not expire, -2 when there is no such key
	 * @throws as {@link ttl}
	 * @see https://valkey.io/commands/pttl/
	 */
	pttl(key: Key): Result<S, number> {
		return this.send(["PTTL", key]);
	}

	/**
	 * Takes a key's time to live away. `PERSIST key`
	 * @returns 1; 0 when there is no such key, or it has none
	 * @throws as {@link ttl}
	 * @see https://valkey.io/commands/persist/
	 */
	persist(key: Key): Result<S, 0 | 1> {
		return this.send(["PERSIST", key]);
	}

	/**
	 * Gives a key another name, in place of what has it. `RENAME key name`
	 * @returns `"OK"`
	 * @throws INVALID_ARGUMENT, CROSSSLOT; ERR when there is no such key
	 * @see https://valkey.io/commands/rename/
	 */
	rename(key: Key, name: Key): Result<S, "OK"> {
		return this.send(["RENAME", key, name]);
	}

	/**
	 * Gives a key a name that no other has. `RENAMENX key name`
	 * @returns 1, or 0 when the name is taken
	 * @throws as {@link rename}
	 * @see https://valkey.io/commands/renamenx/
	 */
	renamenx(key: Key, name: Key): Result<S, 0 | 1> {
		return this.send(["RENAMENX", key, name]);
	}

	/**
	 * Moves a key to another database; a cluster has only one, and its servers refuse. `MOVE key db`
	 * @returns 1; 0 when there is no such key, or one of its name there
	 * @throws INVALID_ARGUMENT; ERR on a cluster, or when there is no such database
	 * @see https://valkey.io/commands/move/
	 */
	move(key: Key, db: number): Result<S, 0 | 1> {
		return this.send(() => ["MOVE", key, integerAt(db, 2, "the number of a database", 0)]);
	}

	/**
	 * Any key. `RANDOMKEY`; on a cluster every primary is asked, and the first that has one decides. Not in a pipeline of a cluster
	 * @returns null when there are no keys
	 * @throws on a cluster BATCH when a primary did not answer; UNSUPPORTED in a pipeline
	 * @see https://valkey.io/commands/randomkey/
	 */
	randomkey(): Result<S, Text | null> {
		return this.send(["RANDOMKEY"]);
	}

	/**
	 * All keys that match a glob. `KEYS pattern`; on a cluster of all primaries. A server does nothing else meanwhile: {@link scan} goes in steps
	 * @param pattern such as `user:*`; `*` for every key
	 * @returns a list in no order, empty when there are none
	 * @throws INVALID_ARGUMENT; on a cluster BATCH when a primary did not answer, UNSUPPORTED in a pipeline
	 * @see https://valkey.io/commands/keys/
	 */
	keys(pattern: string | Uint8Array): Result<S, Text[]> {
		return this.send(() => ["KEYS", checkText(pattern, 1)]);
	}

	/**
	 * What kind of value a key holds. `TYPE key`
	 * @returns `"string"`, `"list"`, `"set"`, `"zset"`, `"hash"`, `"stream"`, a module's own word; `"none"` when there is no such key
	 * @throws as {@link ttl}
	 * @see https://valkey.io/commands/type/
	 */
	type(key: Key): Result<S, string> {
		return this.send(["TYPE", key]);
	}

	/**
	 * The elements of a list, set or sorted set, sorted. `SORT key [BY p] [LIMIT o n] [GET p …] [ASC|DESC] [ALPHA] [STORE key]`. Servers of a
	 * cluster refuse GET, and BY but for `"nosort"`; newer ones those that lead out of the slot.
	 * @returns the elements, or for each what `get` leads to, null where it leads to nothing; empty when there is no such key. With `store`, their number
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, CROSSSLOT; WRONGTYPE; ERR for elements that are no numbers, without `alpha`
	 * @see https://valkey.io/commands/sort/
	 */
	sort(key: Key, options: SortOptions & { store: Key }): Result<S, number>;
	sort(key: Key, options?: SortRoOptions): Result<S, (Text | null)[]>;
	sort(key: Key, options?: SortOptions): Result<S, (Text | null)[] | number>;
	sort(key: Key, options?: SortOptions): Result<S, unknown> {
		return this.send(() => appendSortOptions(["SORT", key], "SORT", options));
	}

	/**
	 * As {@link sort}, without `store`: replicas may answer it (7.0). `SORT_RO key …`
	 * @returns as {@link sort} without `store`
	 * @throws as {@link sort}
	 * @see https://valkey.io/commands/sort_ro/
	 */
	sortRo(key: Key, options?: SortRoOptions): Result<S, (Text | null)[]> {
		return this.send(() => appendSortOptions(["SORT_RO", key], "SORT_RO", options));
	}

	/**
	 * How the server keeps a value: `"listpack"`, `"embstr"` … `OBJECT ENCODING key`
	 * @returns null when there is no such key
	 * @throws as {@link ttl}
	 * @see https://valkey.io/commands/object-encoding/
	 */
	objectEncoding(key: Key): Result<S, Text | null> {
		return this.send(["OBJECT", "ENCODING", key]);
	}

	/**
	 * How often a key is used, as a logarithm. `OBJECT FREQ key`
	 * @returns 0 to 255, null when there is no such key
	 * @throws ERR unless `maxmemory-policy` is one of LFU
	 * @see https://valkey.io/commands/object-freq/
	 */
	objectFreq(key: Key): Result<S, number | null> {
		return this.send(["OBJECT", "FREQ", key]);
	}

	/**
	 * How long a key was not used. `OBJECT IDLETIME key`
	 * @returns seconds, null when there is no such key
	 * @throws ERR when `maxmemory-policy` is one of LFU
	 * @see https://valkey.io/commands/object-idletime/
	 */
	objectIdletime(key: Key): Result<S, number | null> {
		return this.send(["OBJECT", "IDLETIME", key]);
	}

	/**
	 * How many references the server has to a value. `OBJECT REFCOUNT key`
	 * @returns null when there is no such key
	 * @throws as {@link ttl}
	 * @see https://valkey.io/commands/object-refcount/
	 */
	objectRefcount(key: Key): Result<S, number | null> {
		return this.send(["OBJECT", "REFCOUNT", key]);
	}
}

const conditions = ["nx", "xx", "gt", "lt"] as const;

function expireWords(name: string, key: Key, time: unknown, what: string, options: ExpireOptions | undefined): unknown[] {
	const words = [name, key, integerAt(time, 2, what)];
	if (options === undefined) return words;
	const given = checkFields(name, options, conditions);
	appendFlags<ExpireOptions>(words, given, conditions);
	atMostOne(given, ["nx", "xx"]);
	atMostOne(given, ["nx", "gt", "lt"]);
	return words;
}

function appendRestoreOptions(words: unknown[], options: RestoreOptions | undefined): unknown[] {
	const given = checkFields("RESTORE", options, ["replace", "absttl", "idletime", "freq"]);
	const { idletime, freq } = given;
	appendFlags<RestoreOptions>(words, given, ["replace", "absttl"]);
	appendInteger(words, "idletime", idletime, 0);
	appendInteger(words, "freq", freq, 0);
	atMostOne(given, ["idletime", "freq"]);
	return words;
}
