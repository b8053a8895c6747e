/** Sets: members without an order, each of them once. */
import type { Key, Value } from "./arguments.js";
import { ListCommands } from "./lists.js";
import type { Keys, Result, Surface, Values } from "./surface.js";
import { append, appendCount, appendCounted, appendInteger, checkFields } from "./words.js";

export abstract class SetCommands<Text extends string | Buffer, S extends Surface> extends ListCommands<Text, S> {
	/**
	 * Adds members. `SADD key member …`
	 * @returns how many are new
	 * @throws INVALID_ARGUMENT, WRONGTYPE, and as {@link set}
	 * @see https://valkey.io/commands/sadd/
	 */
	sadd(key: Key, ...members: Values): Result<S, number> {
		return this.send(append(["SADD", key], members));
	}

	/**
	 * Removes members; a set without any is removed. `SREM key member …`
	 * @returns how many there were
	 * @throws as {@link sadd}
	 * @see https://valkey.io/commands/srem/
	 */
	srem(key: Key, ...members: Values): Result<S, number> {
		return this.send(append(["SREM", key], members));
	}

	/**
	 * All members, in no order. `SMEMBERS key`
	 * @returns a list, empty when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/smembers/
	 */
	smembers(key: Key): Result<S, Text[]> {
		return this.send(["SMEMBERS", key]);
	}

	/**
	 * Whether something is a member. `SISMEMBER key member`
	 * @returns 1, or 0 when it is none or there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/sismember/
	 */
	sismember(key: Key, member: Value): Result<S, 0 | 1> {
		return this.send(["SISMEMBER", key, member]);
	}

	/**
	 * Which of some things are members (6.2). `SMISMEMBER key member …`
	 * @returns 1 or 0 for each, in their order
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/smismember/
	 */
	smismember(key: Key, ...members: Values): Result<S, (0 | 1)[]> {
		return this.send(append(["SMISMEMBER", key], members));
	}

	/**
	 * Counts the members. `SCARD key`
	 * @returns 0 when there is no such key
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/scard/
	 */
	scard(key: Key): Result<S, number> {
		return this.send(["SCARD", key]);
	}

	/**
	 * Takes members at random. `SPOP key [count]`
	 * @param count up to so many
	 * @returns the member, null when there is none; with `count` a list
	 * @throws as {@link sadd}
	 * @see https://valkey.io/commands/spop/
	 */
	spop(key: Key): Result<S, Text | null>;
	spop(key: Key, count: number): Result<S, Text[]>;
	spop(key: Key, count?: number): Result<S, unknown> {
		return this.send(() => appendCount(["SPOP", key], count, 0));
	}

	/**
	 * Members picked at random, which stay. `SRANDMEMBER key [count]`
	 * @param count up to so many different ones; below 0 exactly so many, of which some may be the same
	 * @returns the member, null when there is none; with `count` a list
	 * @throws as {@link get}
	 * @see https://valkey.io/commands/srandmember/
	 */
	srandmember(key: Key): Result<S, Text | null>;
	srandmember(key: Key, count: number): Result<S, Text[]>;
	srandmember(key: Key, count?: number): Result<S, unknown> {
		return this.send(() => appendCount(["SRANDMEMBER", key], count));
	}

	/**
	 * Moves a member to another set. `SMOVE source destination member`
	 * @returns 1, or 0 when `source` does not have it
	 * @throws CROSSSLOT, and as {@link sadd}
	 * @see https://valkey.io/commands/smove/
	 */
	smove(source: Key, destination: Key, member: Value): Result<S, 0 | 1> {
		return this.send(["SMOVE", source, destination, member]);
	}

	/**
	 * What is in all of the sets. `SINTER key …`
	 * @returns a list in no order
	 * @throws CROSSSLOT, and as {@link get}
	 * @see https://valkey.io/commands/sinter/
	 */
	sinter(...keys: Keys): Result<S, Text[]> {
		return this.send(append(["SINTER"], keys));
	}

	/**
	 * Makes a set of what is in all of the sets; none is left where that is nothing. `SINTERSTORE destination key …`
	 * @returns how many members it has
	 * @throws CROSSSLOT, and as {@link sadd}
	 * @see https://valkey.io/commands/sinterstore/
	 */
	sinterstore(destination: Key, ...keys: Keys): Result<S, number> {
		return this.send(append(["SINTERSTORE", destination], keys));
	}

	/**
	 * Counts what is in all of the sets (7.0). `SINTERCARD n key … [LIMIT n]`
	 * @param options `limit`: do not count further, 0 for no limit
	 * @returns how many; 0 when one of the keys is missing
	 * @throws INVALID_OPTION, CROSSSLOT, and as {@link get}
	 * @see https://valkey.io/commands/sintercard/
	 */
	sintercard(keys: Key | readonly Key[], options?: { limit?: number }): Result<S, number> {
		return this.send(() => {
			const { limit } = checkFields("SINTERCARD", options, ["limit"]);
			const words = appendCounted(["SINTERCARD"], keys);
			appendInteger(words, "limit", limit, 0);
			return words;
		});
	}

	/**
	 * What is in any of the sets. `SUNION key …`
	 * @returns a list in no order
	 * @throws as {@link sinter}
	 * @see https://valkey.io/commands/sunion/
	 */
	sunion(...keys: Keys): Result<S, Text[]> {
		return this.send(append(["SUNION"], keys));
	}

	/**
	 * Makes a set of what is in any of the sets. `SUNIONSTORE destination key …`
	 * @returns how many members it has
	 * @throws as {@link sinterstore}
	 * @see https://valkey.io/commands/sunionstore/
	 */
	sunionstore(destination: Key, ...keys: Keys): Result<S, number> {
		return this.send(append(["SUNIONSTORE", destination], keys));
	}

	/**
	 * What is in the first set, and in none of the others. `SDIFF key …`
	 * @returns a list in no order
	 * @throws as {@link sinter}
	 * @see https://valkey.io/commands/sdiff/
	 */
	sdiff(...keys: Keys): Result<S, Text[]> {
		return this.send(append(["SDIFF"], keys));
	}

	/**
	 * Makes a set of what is in the first set, and in none of the others; none is left where that is nothing. `SDIFFSTORE destination key …`
	 * @returns how many members it has
	 * @throws as {@link sinterstore}
	 * @see https://valkey.io/commands/sdiffstore/
	 */
	sdiffstore(destination: Key, ...keys: Keys): Result<S, number> {
		return this.send(append(["SDIFFSTORE", destination], keys));
	}
}
