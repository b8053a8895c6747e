import { ProtocolError } from "../errors.js";
import { Byte, MAX_LENGTH_LINE, MAX_LINE, type RawBuffer } from "./bytes.js";
import { lineEnd, SplitLine, unknownType } from "./lines.js";
import { parseInteger } from "./numbers.js";

const MAX_LENGTH_DIGITS = 19;
const MAX_ELEMENTS = 2 ** 32 - 1;

/** Results of `#frame` that are no position. */
const CUT = -1;
const OPENED = -2;

/** Hops over RESP2 from header to header, across chunks, and finds where top-level replies end. Copies nothing but cut lines. */
export class Resp2Guard {
	/**
	 * The reply scanned last, though legal, is one that redis-parser misreads: it holds a `:+1` or a `_`.
	 * Meaningful when `scan` found an end.
	 */
	odd = false;
	/** `scan` stopped at a top-level bulk string that goes on after the chunk: its length, and where its body begins. -1: it did not. */
	cutBulk = -1;
	cutBulkAt = 0;
	readonly #maxBulkBytes: number;
	readonly #maxDepth: number;
	readonly #line = new SplitLine();
	/** Bytes of a bulk string, CRLF included, that lie in chunks to come. */
	#skip = 0;
	/** Arrays open, and elements missing in the innermost one and in those around it. */
	#depth = 0;
	#left = 0;
	readonly #lefts: number[] = [];
	/** Where the chunk goes on behind the header of the array just opened. */
	#after = 0;

	constructor(maxBulkBytes: number, maxDepth: number) {
		this.#maxBulkBytes = maxBulkBytes;
		this.#maxDepth = maxDepth;
	}

	/**
	 * The position after the top-level reply that `pos` stands in or before; -1: it does not end in this chunk.
	 *
	 * @throws ProtocolError on anything that is not RESP2
	 */
	scan(chunk: RawBuffer, pos: number, end: number): number {
		this.cutBulk = -1;
		if (this.#depth === 0 && this.#line.length === 0) this.odd = false;
		while (pos < end) {
			if (this.#skip === 0) {
				pos = this.#frame(chunk, pos, end);
				if (pos === OPENED) {
					pos = this.#after;
					continue;
				}
				if (pos === CUT) return -1;
			}
			if (this.#skip > 0) {
				pos = this.#body(chunk, pos, end);
				if (this.#skip > 0) return -1;
			}
			if (this.#elementEnded()) return pos;
		}
		return -1;
	}

	/** Reads a frame's first line; returns the position after it, or CUT, or OPENED when elements of an array follow. */
	#frame(chunk: RawBuffer, pos: number, end: number): number {
		const line = this.#line;
		if (line.length > 0) {
			const next = line.read(chunk, pos, end);
			if (!line.complete) return CUT;
			const { bytes, length } = line;
			line.end();
			return this.#header(bytes, 0, lineEnd(bytes, 1, length, MAX_LINE), next, end);
		}
		const stop = this.#firstLineEnd(chunk, pos, end);
		if (stop === -1) {
			line.begin(chunk, pos, end);
			return CUT;
		}
		return this.#header(chunk, pos, stop, stop + 2, end);
	}

	/** Where the first line of the frame at `pos` ends; refuses unknown types at their first byte. */
	#firstLineEnd(chunk: RawBuffer, pos: number, end: number): number {
		switch (chunk[pos]) {
			case Byte.dollar:
			case Byte.star:
			case Byte.colon:
			case Byte.underscore:
				return lineEnd(chunk, pos + 1, end, MAX_LENGTH_LINE);
			case Byte.plus:
			case Byte.minus:
				return lineEnd(chunk, pos + 1, end, MAX_LINE);
			default:
				throw unknownType(chunk, pos, end, this.#depth);
		}
	}

	/** @param after where the chunk goes on behind this line, which may itself have been collected elsewhere */
	#header(line: RawBuffer, pos: number, stop: number, after: number, end: number): number {
		switch (line[pos]) {
			case Byte.dollar: {
				const length = readLength(line, pos + 1, stop);
				if (length === -1) return after;
				if (length > this.#maxBulkBytes)
					throw new ProtocolError(`a bulk string of ${length} bytes is longer than the ${this.#maxBulkBytes} allowed`);
				if (this.#depth === 0 && after + length + 2 > end) {
					this.cutBulk = length;
					this.cutBulkAt = after;
					return CUT;
				}
				this.#skip = length + 2;
				return after;
			}
			case Byte.star: {
				const count = readLength(line, pos + 1, stop);
				if (count === -1) return after;
				if (count > MAX_ELEMENTS) throw new ProtocolError("an aggregate has an illegal count");
				if (this.#depth >= this.#maxDepth) throw new ProtocolError(`a reply is nested deeper than ${this.#maxDepth}`);
				if (count === 0) return after;
				this.#lefts[this.#depth++] = this.#left;
				this.#left = count;
				this.#after = after;
				return OPENED;
			}
			case Byte.colon:
				this.#integer(line, pos + 1, stop);
				return after;
			case Byte.underscore:
				if (stop !== pos + 1) throw new ProtocolError("a null has content");
				this.odd = true;
				return after;
			default:
				return after;
		}
	}

	#integer(line: RawBuffer, from: number, stop: number): void {
		if (line[from] === Byte.plus) this.odd = true;
		// Up to 15 digits nothing but their being digits can be wrong.
		let at = line[from] === Byte.minus ? from + 1 : from;
		if (stop - at > 0 && stop - at <= 15) {
			while (at < stop && isDigit(line[at] as number)) at++;
			if (at === stop) return;
		}
		if (parseInteger(line.latin1Slice(from, stop)) === null) throw new ProtocolError("an integer is not a 64-bit number");
	}

	#body(chunk: RawBuffer, pos: number, end: number): number {
		const body = Math.min(this.#skip - 2, end - pos);
		if (body > 0) {
			this.#skip -= body;
			pos += body;
		}
		while (pos < end && this.#skip > 0 && this.#skip <= 2) {
			if (chunk[pos++] !== (this.#skip === 2 ? Byte.cr : Byte.lf))
				throw new ProtocolError("a bulk string does not end where its length says");
			this.#skip--;
		}
		return pos;
	}

	/** One element is complete, and with it the arrays it was the last one of. True: so is the top-level reply. */
	#elementEnded(): boolean {
		while (this.#depth > 0) {
			if (--this.#left > 0) return false;
			this.#left = this.#lefts[--this.#depth] as number;
		}
		return true;
	}
}

function isDigit(byte: number): boolean {
	return byte >= Byte.zero && byte <= Byte.zero + 9;
}

/** The count in a header: 0 or more, or -1. */
function readLength(line: RawBuffer, from: number, stop: number): number {
	let length = 0;
	let at = from;
	for (; at < stop; at++) {
		const byte = line[at] as number;
		if (!isDigit(byte)) break;
		length = length * 10 + byte - Byte.zero;
	}
	if (at === stop && stop > from && stop - from <= MAX_LENGTH_DIGITS) return length;
	if (stop === from + 2 && line[from] === Byte.minus && line[from + 1] === Byte.zero + 1) return -1;
	throw new ProtocolError(`the length in a header "${String.fromCharCode(line[from - 1] as number)}" is not a number`);
}
