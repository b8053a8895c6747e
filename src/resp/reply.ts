import type { ClientError } from "../errors.js";

/**
 * A decoded reply. `Text` is what bulk strings become: `string`, or `Buffer`.
 *
 * | wire | value |
 * |---|---|
 * | simple string `+`, verbatim `=` in string mode | string |
 * | bulk `$`, verbatim `=` | `Text` |
 * | integer `:` | number, bigint beyond 2^53 |
 * | double `,` | number |
 * | big number `(` | bigint |
 * | boolean `#` | boolean |
 * | null `_`, `$-1`, `*-1` | null |
 * | array `*`, set `~` | array |
 * | map `%` | Map |
 * | error `-`, `!` | a `ReplyError` *value* |
 * | big number that is none | a `ClientError` value, PROTOCOL |
 * | bulk longer than a string can be, read as one | a `ClientError` value, UNSUPPORTED |
 */
export type Reply<Text extends string | Buffer = string | Buffer> =
	| Text
	| string
	| number
	| bigint
	| boolean
	| null
	| ClientError
	| Reply<Text>[]
	| Map<Reply<Text>, Reply<Text>>;

/** How the bulk strings of one top-level reply are handed over. */
export const ReplyMode = {
	string: 0,
	buffer: 1,
	/** A top-level bulk string `$n` is written into `ReplySink.target()`; its reply is the number of bytes. Any other reply is read as with `buffer`. */
	into: 2,
} as const;
export type ReplyMode = (typeof ReplyMode)[keyof typeof ReplyMode];

/**
 * What a connection gives its decoder. `mode` is asked once, at the first byte of each top-level reply that is not a push.
 * What these throw passes through `ReplyDecoder.write`; the decoder is unusable from then on.
 */
export interface ReplySink {
	mode(): ReplyMode;
	/**
	 * Asked once the header of a top-level bulk string was read in mode `into`. null, or fewer bytes than the string has: the body is read and
	 * dropped, the reply is its length all the same.
	 */
	target(): Uint8Array | null;
	reply(value: Reply): void;
	/** A push at any depth. Bulk strings in it are Buffers. */
	push(items: Reply[]): void;
}

/** One connection's decoder: RESP3 by our own, RESP2 by redis-parser behind its guard. */
export interface ReplyDecoder {
	/**
	 * Decodes every reply that `chunk` completes. The chunk may be overwritten afterwards: nothing handed out aliases it.
	 * @throws ProtocolError on bytes that are not RESP; the decoder is unusable from then on.
	 */
	write(chunk: Buffer): void;
	/**
	 * Where the next read should go: the destination of a large bulk string, or memory that small Buffers are cut from in place.
	 * Null: anywhere, and `write` gets it.
	 */
	room(): Buffer | null;
	/** `length` bytes were read into the start of `room()`. */
	filled(length: number): void;
	/** Nobody wants the reply at hand any more. False: it is being read into a target, and part of it is there. */
	dropBody(): boolean;
}
