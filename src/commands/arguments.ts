/** The arguments of the typed commands: what the client and a pipeline send for the same call. */
import { InvalidArgumentError } from "../errors.js";
import { type Argument, checkArgument } from "../resp/encode.js";
import { appendSetOptions, type SetOptions } from "./set-options.js";

/** A key, binary-safe. Strings are sent as UTF-8. */
export type Key = string | Uint8Array;
/** A value. Numbers must be safe integers. */
export type Value = string | Uint8Array | number | bigint;

export function checkKey(key: unknown, index = 1): Argument {
	if (typeof key !== "string" && !(key instanceof Uint8Array)) {
		throw new InvalidArgumentError(index, `argument ${index} must be a key: a string, a Buffer or a Uint8Array`);
	}
	return checkArgument(key, index);
}

export function keyArguments(name: string, key: unknown): Argument[] {
	return [name, checkKey(key)];
}

export function setArguments(key: unknown, value: unknown, options: SetOptions | undefined): Argument[] {
	const args = ["SET", checkKey(key), checkArgument(value, 2)];
	appendSetOptions(args, options);
	return args;
}

export function expireArguments(key: unknown, seconds: unknown): Argument[] {
	if (!Number.isSafeInteger(seconds)) throw new InvalidArgumentError(2, "argument 2 must be a whole number of seconds");
	return ["EXPIRE", checkKey(key), String(seconds)];
}
