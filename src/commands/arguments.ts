/** Keys and values as callers give them, and the arguments of SET, which is on the hot path. */
import { InvalidArgumentError } from "../errors.js";
import { type Argument, type ArgumentOptions, BORROWED_BYTES, checkArgument } from "../resp/encode.js";
import { appendSetOptions, type SetOptions } from "./set-options.js";

/** A key, binary-safe. Strings are sent as UTF-8. */
export type Key = string | Uint8Array;
/** A value. Numbers must be safe integers. */
export type Value = string | Uint8Array | number | bigint;

/** What holds for every argument of a view's calls. */
export type Limits = ArgumentOptions;

export function checkKey(key: unknown, index: number, limits: Limits): Argument {
	if (typeof key !== "string" && !(key instanceof Uint8Array)) {
		throw new InvalidArgumentError(index, `argument ${index} must be a key: a string, a Buffer or a Uint8Array`);
	}
	return ownKey(checkArgument(key, index, limits));
}

/** Keys are never borrowed: the order of commands hangs on them as long as one of them is under way. */
export function ownKey(key: Argument): Argument {
	return typeof key === "string" || key.byteLength < BORROWED_BYTES ? key : Uint8Array.prototype.slice.call(key);
}

export function setArguments(key: unknown, value: unknown, options: SetOptions | undefined, limits: Limits): Argument[] {
	const args = ["SET", checkKey(key, 1, limits), checkArgument(value, 2, limits)];
	appendSetOptions(args, options);
	return args;
}
