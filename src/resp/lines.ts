/** Lines end with CRLF; a CR or LF alone is no RESP. */
import { ProtocolError } from "../errors.js";
import { allocate, Byte, MAX_LENGTH_LINE, MAX_LINE, type RawBuffer } from "./bytes.js";

const { comma, cr, lf, minus, paren, plus } = Byte;

const strayLineEnd = (): ProtocolError => new ProtocolError("a carriage return or a line feed stands alone in a line");

/** How many bytes a frame's first line may have after its type byte. */
export function lineLimit(type: number): number {
	return type === plus || type === minus || type === comma || type === paren ? MAX_LINE : MAX_LENGTH_LINE;
}

/** Position of the CR that ends the line starting at `from`; -1: the line goes on after `end`. */
export function lineEnd(chunk: RawBuffer, from: number, end: number, limit: number): number {
	const last = Math.min(end, from + limit + 1);
	for (let at = from; at < last; at++) {
		const byte = chunk[at] as number;
		// Nearly every byte of a line is above CR, so one comparison decides.
		if (byte > cr) continue;
		if (byte === lf) throw strayLineEnd();
		if (byte !== cr) continue;
		if (at + 1 === end) return -1;
		if (chunk[at + 1] !== lf) throw strayLineEnd();
		return at;
	}
	if (end - from > limit) throw new ProtocolError(`a line is longer than ${limit} bytes`);
	return -1;
}

/** Collects a frame's first line when chunks divide it. Nothing after the line is copied. */
export class SplitLine {
	/** Type byte, text, CRLF, once `complete`. */
	bytes: RawBuffer = allocate(64);
	length = 0;
	complete = false;

	/** Keeps `chunk[pos, end)`, the beginning of a line. */
	begin(chunk: RawBuffer, pos: number, end: number): void {
		this.length = 0;
		this.complete = false;
		this.#append(chunk, pos, end);
	}

	/** Takes what belongs to the line from `chunk[pos, end)`; returns the position after it. */
	read(chunk: RawBuffer, pos: number, end: number): number {
		if (this.bytes[this.length - 1] === cr && chunk[pos] !== lf) throw strayLineEnd();
		const lfAt = chunk.indexOf(lf, pos);
		const stop = lfAt === -1 || lfAt >= end ? end : lfAt + 1;
		const crAt = chunk.indexOf(cr, pos);
		this.complete = stop > pos && chunk[stop - 1] === lf;
		if (crAt !== -1 && crAt < stop - (this.complete ? 2 : 1)) throw strayLineEnd();
		const limit = lineLimit(this.bytes[0] as number);
		const tail = this.complete ? 2 : chunk[stop - 1] === cr ? 1 : 0;
		if (this.length - 1 + stop - pos - tail > limit) throw new ProtocolError(`a line is longer than ${limit} bytes`);
		this.#append(chunk, pos, stop);
		return stop;
	}

	#append(chunk: RawBuffer, pos: number, end: number): void {
		const needed = this.length + end - pos;
		if (needed > this.bytes.length) {
			const larger = allocate(Math.max(needed, 2 * this.bytes.length));
			this.bytes.copy(larger, 0, 0, this.length);
			this.bytes = larger;
		}
		chunk.copy(this.bytes, this.length, pos, end);
		this.length = needed;
	}

	/** Memory of an extraordinarily long line is not kept. */
	end(): void {
		this.length = 0;
		if (this.bytes.length > 64 * 1024) this.bytes = allocate(64);
	}
}

/** What a server sends that is none (HTTP, a TLS alert, a banner) is best recognised by its first bytes; inside a reply they may be a value. */
export function unknownType(chunk: RawBuffer, pos: number, end: number, depth: number): ProtocolError {
	const type = `0x${(chunk[pos] as number).toString(16).padStart(2, "0")}`;
	if (depth > 0) return new ProtocolError(`${type} is not the type byte of a reply (at depth ${depth})`);
	return new ProtocolError(
		`${type} is not the type byte of a reply; received ${chunk.toString("hex", pos, Math.min(end, pos + 32))}`,
	);
}
