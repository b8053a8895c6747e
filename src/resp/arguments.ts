/** What may be sent, and how long the caller must leave it alone: arguments are checked and made stable at the call. */
import { InvalidArgumentError } from "../errors.js";
import { DEFAULT_MAX_BULK_BYTES } from "./bytes.js";
import { copyOfSmall } from "./slab.js";

/** What a caller may pass. Numbers and bigints are sent as their decimal digits. */
export type CommandArgument = string | Uint8Array | number | bigint;

/** Checked, and safe from later changes unless it is a view of 16 KiB or more, which is borrowed. */
export type Argument = string | Uint8Array;

/** Views from this size are kept by reference. */
export const BORROWED_BYTES = 16 * 1024;

export interface ArgumentOptions {
	/** A longer argument is refused: the server would answer it by closing the connection, under every command in flight. */
	maxBulkBytes?: number | undefined;
	/** Copies views of any size. */
	copy?: boolean | undefined;
	/** Does not copy small views either: the caller encodes them before its call returns. */
	encodedAtOnce?: boolean | undefined;
}

/** Commands that read an argument as a floating point number; all others answer a fraction with an error, or store it as text. */
const FLOAT_COMMANDS = new Set([
	"INCRBYFLOAT",
	"HINCRBYFLOAT",
	"ZADD",
	"ZINCRBY",
	"ZCOUNT",
	"ZRANGE",
	"ZRANGESTORE",
	"ZRANGEBYSCORE",
	"ZREVRANGEBYSCORE",
	"ZREMRANGEBYSCORE",
	"ZUNION",
	"ZUNIONSTORE",
	"ZINTER",
	"ZINTERSTORE",
	"GEOADD",
	"GEORADIUS",
	"GEORADIUS_RO",
	"GEORADIUSBYMEMBER",
	"GEORADIUSBYMEMBER_RO",
	"GEOSEARCH",
	"GEOSEARCHSTORE",
	// Blocking commands take their timeout in seconds.
	"BLPOP",
	"BRPOP",
	"BLMOVE",
	"BLMPOP",
	"BRPOPLPUSH",
	"BZPOPMIN",
	"BZPOPMAX",
	"BZMPOP",
]);

interface WellFormed {
	/** ES2024, in every Node supported. */
	isWellFormed(): boolean;
}

/**
 * Checks a whole command and makes its arguments stable.
 *
 * @throws INVALID_ARGUMENT with the index of the argument; nothing was sent
 */
export function checkArguments(args: readonly unknown[], options?: ArgumentOptions): Argument[] {
	if (!Array.isArray(args)) throw new InvalidArgumentError(0, "a command must be an array of its name and arguments");
	const count = args.length;
	const name: unknown = args[0];
	// A server sends no reply at all to an empty command.
	if (count === 0) throw new InvalidArgumentError(0, "a command must not be empty");
	if (typeof name !== "string" || name === "")
		throw new InvalidArgumentError(0, "the command name must be a string that is not empty");
	const checked = new Array<Argument>(count);
	for (let i = 0; i < count; i++) {
		const value: unknown = args[i];
		checked[i] = isFraction(value) && takesFloats(name) ? `${value}` : checkArgument(value, i, options);
	}
	return checked;
}

/**
 * One argument of a command whose name and place the caller knows.
 *
 * @throws INVALID_ARGUMENT with `index`
 */
export function checkArgument(value: unknown, index: number, options?: ArgumentOptions): Argument {
	if (typeof value === "string") {
		// Unpaired surrogates have no UTF-8: they would all be sent as the same three bytes, and different keys become one.
		if (!(value as unknown as WellFormed).isWellFormed())
			throw new InvalidArgumentError(index, "the string has a lone surrogate, which UTF-8 cannot express");
		// Every character takes at most three bytes.
		if (value.length * 3 > (options?.maxBulkBytes ?? DEFAULT_MAX_BULK_BYTES))
			checkLength(Buffer.byteLength(value), index, options);
		return value;
	}
	return value instanceof Uint8Array ? checkBytes(value, index, options) : checkNumber(value, index);
}

function checkBytes(value: Uint8Array, index: number, options: ArgumentOptions | undefined): Argument {
	const length = value.byteLength;
	if (length === 0 && isDetached(value)) throw new InvalidArgumentError(index, "the ArrayBuffer of this argument is detached");
	checkLength(length, index, options);
	if (length < BORROWED_BYTES) return options?.encodedAtOnce ? value : copyOfSmall(value);
	// What can shrink while it is borrowed would break the frame.
	const { resizable, growable } = value.buffer as { resizable?: boolean; growable?: boolean };
	return options?.copy || resizable || growable ? Uint8Array.prototype.slice.call(value) : value;
}

/** An argument that was let through uncopied because it would be encoded at once, and was not. */
export function snapshot(value: Argument): Argument {
	return typeof value === "string" || value.byteLength >= BORROWED_BYTES ? value : copyOfSmall(value);
}

function checkNumber(value: unknown, index: number): string {
	if (typeof value === "bigint") return `${value}`;
	if (typeof value !== "number")
		throw new InvalidArgumentError(
			index,
			`${describe(value)} cannot be sent; pass a string, a Uint8Array, a safe integer or a bigint`,
		);
	if (Number.isSafeInteger(value)) return `${value}`;
	if (isFraction(value))
		throw new InvalidArgumentError(index, "this command takes no fractions; pass a string to send one all the same");
	throw new InvalidArgumentError(
		index,
		"NaN, infinities and integers beyond 2^53 cannot be sent as numbers; pass a bigint or a string",
	);
}

function checkLength(length: number, index: number, options: ArgumentOptions | undefined): void {
	const limit = options?.maxBulkBytes ?? DEFAULT_MAX_BULK_BYTES;
	if (length > limit)
		throw new InvalidArgumentError(index, `the argument has ${length} bytes, more than the ${limit} a server accepts`);
}

function isFraction(value: unknown): value is number {
	return typeof value === "number" && Number.isFinite(value) && !Number.isInteger(value);
}

function takesFloats(name: string): boolean {
	return FLOAT_COMMANDS.has(name.toUpperCase());
}

/** What it is, never its content. */
function describe(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "an array";
	if (value instanceof Date) return "a Date";
	if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return "binary data that is not a Uint8Array";
	if (typeof value === "undefined") return "undefined";
	return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Whether the memory under an argument was taken away by a transfer. */
export function isDetached(value: Argument): boolean {
	if (typeof value === "string" || value.byteLength > 0) return false;
	try {
		new Uint8Array(value.buffer);
		return false;
	} catch {
		return true;
	}
}
