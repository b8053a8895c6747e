/** HyperLogLog: how many different things, in 12 KiB. */
import type { Key } from "./arguments.js";
import { BitmapCommands } from "./bitmaps.js";
import type { Keys, Result, Surface, Values } from "./surface.js";
import { append } from "./words.js";

export abstract class HyperLogLogCommands<Text extends string | Buffer, S extends Surface> extends BitmapCommands<Text, S> {
	/**
	 * Adds things to count; with none, only makes the key. `PFADD key element …`
	 * @returns 1 when the count may have changed, or the key was made, else 0
	 * @throws INVALID_ARGUMENT, WRONGTYPE
	 * @see https://valkey.io/commands/pfadd/
	 */
	pfadd(key: Key, ...elements: Values): Result<S, 0 | 1> {
		return this.send(append(["PFADD", key], elements));
	}

	/**
	 * How many different things were added, to any of the keys; off by 0.81 % as a rule. `PFCOUNT key …`
	 * @returns 0 when there is no such key
	 * @throws INVALID_ARGUMENT, CROSSSLOT, WRONGTYPE
	 * @see https://valkey.io/commands/pfcount/
	 */
	pfcount(...keys: Keys): Result<S, number> {
		return this.send(append(["PFCOUNT"], keys));
	}

	/**
	 * Adds what was counted under `sources` to `destination`. `PFMERGE destination source …`
	 * @returns `"OK"`
	 * @throws INVALID_ARGUMENT, CROSSSLOT, WRONGTYPE
	 * @see https://valkey.io/commands/pfmerge/
	 */
	pfmerge(destination: Key, ...sources: Keys): Result<S, "OK"> {
		return this.send(append(["PFMERGE", destination], sources));
	}
}
