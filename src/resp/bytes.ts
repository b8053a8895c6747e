/** The bytes RESP frames are made of, and the Buffer methods the codec calls directly. */

import { isAscii } from "node:buffer";

/** @see https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md */
export const Byte = {
	lf: 10,
	cr: 13,
	bang: 33,
	hash: 35,
	dollar: 36,
	percent: 37,
	paren: 40,
	star: 42,
	plus: 43,
	comma: 44,
	minus: 45,
	dot: 46,
	zero: 48,
	colon: 58,
	semicolon: 59,
	equals: 61,
	greater: 62,
	question: 63,
	underscore: 95,
	pipe: 124,
	tilde: 126,
} as const;

/** A server refuses longer bulk strings by default (`proto-max-bulk-len`), so neither side of the codec lets one pass. */
export const DEFAULT_MAX_BULK_BYTES = 512 * 1024 * 1024;
export const DEFAULT_MAX_DEPTH = 1024;
/** A length or count never needs more; whoever sends more is not a RESP server. */
export const MAX_LENGTH_LINE = 32;
/** Simple strings, errors, numbers. */
export const MAX_LINE = 1024 * 1024;

/**
 * What every Buffer has and `@types/node` does not declare: `toString` and `write` without their dispatch on the encoding's name,
 * a fifth of the cost of a short string.
 */
export interface RawBuffer extends Buffer {
	latin1Slice(start: number, end: number): string;
	utf8Slice(start: number, end: number): string;
	latin1Write(text: string, offset: number): number;
	utf8Write(text: string, offset: number): number;
}

/** From here on the check for ASCII pays: V8 keeps long one-byte strings outside its heap, but builds those it decoded from UTF-8 inside. */
const LONG_TEXT_BYTES = 8 * 1024;

/** `bytes[start, end)` read as UTF-8. */
export function utf8Text(bytes: RawBuffer, start: number, end: number): string {
	if (end - start >= LONG_TEXT_BYTES && isAscii(bytes.subarray(start, end))) return bytes.latin1Slice(start, end);
	return bytes.utf8Slice(start, end);
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): RawBuffer {
	return (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as RawBuffer;
}

/** The class behind `Buffer`, which `subarray` makes its results of, by way of checks and conversions that cost more than the rest (bench `slice`). */
const BufferView = (
	Buffer as unknown as Record<symbol, new (memory: ArrayBufferLike, offset: number, length: number) => RawBuffer>
)[Symbol.species] as new (
	memory: ArrayBufferLike,
	offset: number,
	length: number,
) => RawBuffer;

/** `length` bytes of `memory` as a Buffer. */
export function viewOf(memory: ArrayBufferLike, offset: number, length: number): RawBuffer {
	return new BufferView(memory, offset, length);
}

/** Memory of its own, outside Node's shared pool, not zeroed. */
export function allocate(size: number): RawBuffer {
	return Buffer.allocUnsafeSlow(size) as RawBuffer;
}
