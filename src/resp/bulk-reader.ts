import { constants } from "node:buffer";
import { ClientError, ProtocolError } from "../errors.js";
import { allocate, asBuffer, Byte, type RawBuffer, utf8Text } from "./bytes.js";
import { ReplyMode } from "./reply.js";
import { SMALL_VALUE_BYTES, smallMemory } from "./slab.js";

const { MAX_STRING_LENGTH } = constants;

/** Beyond the modes a sink can ask for: the body is read and forgotten, its value is null. */
export const DROP = 3;
export type BulkMode = ReplyMode | typeof DROP;

/** Memory up to this size is taken on the word of the header, more only as bytes arrive. */
const TRUSTED_BYTES = 16 * 1024 * 1024;
/** The socket reads straight into the destination while at least this much is missing. */
const MIN_ROOM_BYTES = 32 * 1024;
/** Short split strings are gathered in one lasting scratch buffer. */
const MAX_SCRATCH_BYTES = 64 * 1024;
const EMPTY = allocate(0);

/** Replaces a string V8 cannot hold; the frame was read past, so the connection goes on. */
export function tooLongForString(length: number): ClientError {
	return new ClientError(
		"UNSUPPORTED",
		`a bulk string of ${length} bytes is longer than a JavaScript string can be; read it as a Buffer`,
	);
}

/** Whether `length` bytes may be too many for one string. Multi-byte text might still fit, but is not worth half a GiB of memory to find out. */
export function exceedsString(length: number): boolean {
	return length > MAX_STRING_LENGTH;
}

/**
 * Reads the body of one bulk string that did not arrive whole, straight into the memory it is handed out in.
 *
 *     idle ── begin ──► body ──► CR ──► LF ── take ──► idle
 */
export class BulkReader {
	/** Payload and CRLF still missing; 0: complete, or idle. */
	missing = 0;
	#length = 0;
	#mode: BulkMode = DROP;
	/** null: the body is dropped. */
	#memory: RawBuffer | null = null;
	#filled = 0;
	#scratch: RawBuffer = EMPTY;

	/** @param target where the body goes in mode `into`; null drops it */
	begin(length: number, mode: BulkMode, target: Uint8Array | null): void {
		this.#length = length;
		this.missing = length + 2;
		this.#filled = 0;
		this.#mode = mode;
		this.#memory = this.#destination(length, mode, target);
	}

	#destination(length: number, mode: BulkMode, target: Uint8Array | null): RawBuffer | null {
		if (mode === DROP) return null;
		// A target that is too small is as good as none; who lent it is told the length.
		if (mode === ReplyMode.into) return target !== null && target.byteLength >= length ? asBuffer(target) : null;
		if (mode === ReplyMode.string) {
			if (exceedsString(length)) return null;
			if (length <= MAX_SCRATCH_BYTES) {
				if (this.#scratch.length < length) this.#scratch = allocate(Math.min(MAX_SCRATCH_BYTES, Math.max(1024, 2 * length)));
				return this.#scratch;
			}
		} else if (length < SMALL_VALUE_BYTES) return smallMemory(length);
		return allocate(Math.min(length, TRUSTED_BYTES));
	}

	/** Takes what belongs to this bulk from `chunk[pos, end)`; returns the position after it. */
	read(chunk: RawBuffer, pos: number, end: number): number {
		const body = Math.min(this.missing - 2, end - pos);
		if (body > 0) {
			if (this.#memory !== null) chunk.copy(this.#memoryFor(body), this.#filled, pos, pos + body);
			this.#filled += body;
			this.missing -= body;
			pos += body;
		}
		while (pos < end && this.missing > 0 && this.missing <= 2) {
			if (chunk[pos++] !== (this.missing === 2 ? Byte.cr : Byte.lf))
				throw new ProtocolError("a bulk string does not end where its length says");
			this.missing--;
		}
		return pos;
	}

	/** Destination with space for `more` bytes after those filled. */
	#memoryFor(more: number): RawBuffer {
		const memory = this.#memory as RawBuffer;
		const needed = this.#filled + more;
		if (memory.length >= needed) return memory;
		if (this.#mode === ReplyMode.into)
			throw new ClientError("INVALID_ARGUMENT", "the target was detached while a value was read into it");
		const larger = allocate(Math.min(this.#length, Math.max(needed, 2 * memory.length)));
		memory.copy(larger, 0, 0, this.#filled);
		this.#memory = larger;
		return larger;
	}

	/** Its reader gave the value up. False: part of it lies in the reader's own target already. */
	drop(): boolean {
		if (this.missing === 0 || this.#mode !== ReplyMode.into || this.#memory === null) return true;
		if (this.#filled > 0) return false;
		this.#memory = null;
		return true;
	}

	room(): Buffer | null {
		const missing = this.missing - 2;
		if (missing < MIN_ROOM_BYTES || this.#memory === null) return null;
		// Until a byte has come the value may be given up, and what the kernel was lent could not be taken back.
		if (this.#mode === ReplyMode.into && this.#filled === 0) return null;
		let memory = this.#memory;
		// Detached: the next `read` says so.
		if (this.#mode === ReplyMode.into && memory.length < this.#length) return null;
		if (memory.length === this.#filled) memory = this.#memoryFor(MIN_ROOM_BYTES);
		return memory.subarray(this.#filled, this.#length);
	}

	filled(length: number): void {
		this.#filled += length;
		this.missing -= length;
	}

	/** The value of the complete bulk string: text, bytes, or their number in mode `into`. */
	take(): string | Buffer | number | null | ClientError {
		const memory = this.#memory;
		const length = this.#length;
		this.#memory = null;
		if (this.#mode === ReplyMode.into) return length;
		if (this.#mode === DROP) return null;
		if (memory === null) return tooLongForString(length);
		return this.#mode === ReplyMode.string ? utf8Text(memory, 0, length) : memory;
	}
}
