/** Strings: values of one key each. */
import type { Key, Value } from "./arguments.js";
import { KeyCommands } from "./keys.js";
import { appendSetOptions, type PlainSetOptions, type SetOptions } from "./set-options.js";
import type { Result, Surface } from "./surface.js";

export abstract class StringCommands<Text extends string | Buffer, S extends Surface> extends KeyCommands<S> {
	/**
	 * The value of a key. `GET key`
	 * @returns the value, null when there is none
	 * @throws INVALID_ARGUMENT, WRONGTYPE, TIMEOUT, CONNECTION, ABORTED, CLOSED
	 * @see https://valkey.io/commands/get/
	 */
	get(key: Key): Result<S, Text | null> {
		return this.send(["GET", key]);
	}

	/**
	 * Sets a key. `SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]`
	 * @returns `"OK"`; null when `nx` or `xx` forbade it; with `get` the old value, null when there was none
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, and as {@link get}; a timeout or lost connection leaves it open whether it was set
	 * @see https://valkey.io/commands/set/
	 */
	set(key: Key, value: Value, options: SetOptions & { get: true }): Result<S, Text | null>;
	set(key: Key, value: Value, options?: PlainSetOptions): Result<S, "OK" | null>;
	set(key: Key, value: Value, options?: SetOptions): Result<S, Text | "OK" | null>;
	set(key: Key, value: Value, options?: SetOptions): Result<S, unknown> {
		return this.send(() => {
			const words: string[] = [];
			appendSetOptions(words, options);
			return ["SET", key, value, ...words];
		});
	}

	/**
	 * Adds one to the number a key holds. `INCR key`
	 * @returns the new value, a bigint beyond 2^53
	 * @see https://valkey.io/commands/incr/
	 */
	incr(key: Key): Result<S, number | bigint> {
		return this.send(["INCR", key]);
	}
}
