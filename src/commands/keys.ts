/** Keys: their life, their type, their time to live. */
import { InvalidArgumentError } from "../errors.js";
import type { Key } from "./arguments.js";
import { CommandBase, type Keys, type Result, type Surface } from "./surface.js";
import { append } from "./words.js";

export abstract class KeyCommands<S extends Surface> extends CommandBase<S> {
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
	 * Lets a key expire. `EXPIRE key seconds`
	 * @param seconds whole seconds from now; 0 and below delete the key
	 * @returns 1, or 0 when there is no such key
	 * @see https://valkey.io/commands/expire/
	 */
	expire(key: Key, seconds: number): Result<S, 0 | 1> {
		return this.send(() => ["EXPIRE", key, wholeNumber(seconds, 2, "seconds")]);
	}

	/**
	 * How long a key has to live. `TTL key`
	 * @returns seconds; -1 when it does not expire, -2 when there is no such key
	 * @see https://valkey.io/commands/ttl/
	 */
	ttl(key: Key): Result<S, number> {
		return this.send(["TTL", key]);
	}
}

function wholeNumber(value: unknown, index: number, unit: string): number {
	if (!Number.isSafeInteger(value)) throw new InvalidArgumentError(index, `argument ${index} must be a whole number of ${unit}`);
	return value as number;
}
