/** The encoder: every command is an array of bulk strings, `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`. */
import { InvalidArgumentError } from "../errors.js";
import { type Argument, type CommandArgument, checkArguments, isDetached } from "./arguments.js";
import { allocate, asBuffer, Byte, type RawBuffer } from "./bytes.js";

export {
	type Argument,
	type ArgumentOptions,
	BORROWED_BYTES,
	type CommandArgument,
	checkArgument,
	checkArguments,
	isDetached,
	snapshot,
} from "./arguments.js";

const FIRST_SLAB_BYTES = 16 * 1024;
const MAX_SLAB_BYTES = 1024 * 1024;
/** Up to this length a loop over char codes beats the call into native code (bench `encode`). */
const MAX_LOOP_CHARS = 20;
/** A longer string becomes a piece of its own. */
const MAX_SLAB_CHARS = 64 * 1024;
/** Views from this size are handed to the socket by reference; below, one more piece costs more than the copy (bench `encode`). */
const REFERENCE_BYTES = 8 * 1024;
/** `$` or `*`, at most ten digits, CRLF, and the CRLF after a body. */
const HEADER_BYTES = 16;
const EMPTY = allocate(0);

/**
 * Collects the bytes of one flush.
 *
 * Everything goes into one slab that lives as long as the connection, so that a flush is usually one `subarray` of it. A full slab is sealed
 * and a larger one begun: what was written is never moved. Large values lie between two parts of a slab, by reference:
 *
 *     slab   │ taken before │ *3 SET key $65536 │ \r\n *2 GET k │ free │
 *     pieces                  [       0        ][1: the value][    2   ]
 */
export class CommandWriter {
	#slab: RawBuffer = EMPTY;
	/** The bytes of the slab in [#from, #at) belong to no piece yet. */
	#from = 0;
	#at = 0;
	#pieces: Buffer[] = [];
	#sealed = 0;
	readonly #referenceBytes: number;

	/** @param referenceBytes views from this size are referenced, not copied */
	constructor(referenceBytes = REFERENCE_BYTES) {
		this.#referenceBytes = referenceBytes;
	}

	/** Bytes collected since the last `take`. */
	get length(): number {
		return this.#sealed + this.#at - this.#from;
	}

	/**
	 * Appends a command.
	 *
	 * @throws INVALID_ARGUMENT when a borrowed value was detached; then nothing of the command was appended
	 */
	command(args: readonly Argument[]): void {
		const count = args.length;
		for (let i = 0; i < count; i++) {
			const value = args[i] as Argument;
			if (typeof value !== "string" && value.byteLength === 0 && isDetached(value)) {
				throw new InvalidArgumentError(i, "a borrowed value was detached before it was written");
			}
		}
		if (this.#slab.length - this.#at < HEADER_BYTES) this.#nextSlab(HEADER_BYTES);
		this.#at = writeHeader(this.#slab, this.#at, Byte.star, count);
		for (let i = 0; i < count; i++) {
			const value = args[i] as Argument;
			if (typeof value !== "string") this.#bytes(value);
			else if (value.length <= MAX_LOOP_CHARS) this.#short(value);
			else this.#long(value);
		}
	}

	/** Appends commands that are encoded already, by reference. */
	append(pieces: readonly Buffer[]): void {
		this.#seal();
		for (const piece of pieces) {
			this.#pieces.push(piece);
			this.#sealed += piece.length;
		}
	}

	/** The bytes collected, in order; usually one piece. They stay as they are until `recycle`. */
	take(): Buffer[] {
		this.#seal();
		const pieces = this.#pieces;
		this.#pieces = [];
		this.#sealed = 0;
		return pieces;
	}

	/** Every byte taken so far was handed to the kernel: their memory may be written again. */
	recycle(): void {
		if (this.#at === this.#from && this.#pieces.length === 0) {
			this.#from = 0;
			this.#at = 0;
		}
	}

	/** Char codes while they are ASCII, which nearly every key and option is. */
	#short(text: string): void {
		const length = text.length;
		if (this.#slab.length - this.#at < length * 3 + HEADER_BYTES) this.#nextSlab(length * 3 + HEADER_BYTES);
		const slab = this.#slab;
		let at = writeHeader(slab, this.#at, Byte.dollar, length);
		for (let i = 0; i < length; i++) {
			const code = text.charCodeAt(i);
			// Starts over: the header is written again with the length in bytes.
			if (code > 127) {
				this.#long(text);
				return;
			}
			slab[at++] = code;
		}
		this.#at = endLine(slab, at);
	}

	#long(text: string): void {
		const chars = text.length;
		if (chars > MAX_SLAB_CHARS) {
			this.#reference(Buffer.from(text));
			return;
		}
		if (this.#slab.length - this.#at < chars * 3 + HEADER_BYTES) this.#nextSlab(chars * 3 + HEADER_BYTES);
		const slab = this.#slab;
		// Written as if it were ASCII; when it was not, the header gets the length found and the body is moved behind it.
		const body = writeHeader(slab, this.#at, Byte.dollar, chars);
		const length = slab.utf8Write(text, body);
		if (length === chars) {
			this.#at = endLine(slab, body + length);
			return;
		}
		const moved = body + digits(length) - digits(chars);
		if (moved !== body) slab.copyWithin(moved, body, body + length);
		writeHeader(slab, this.#at, Byte.dollar, length);
		this.#at = endLine(slab, moved + length);
	}

	#bytes(value: Uint8Array): void {
		const length = value.byteLength;
		if (length >= this.#referenceBytes) {
			this.#reference(asBuffer(value));
			return;
		}
		if (this.#slab.length - this.#at < length + HEADER_BYTES) this.#nextSlab(length + HEADER_BYTES);
		const slab = this.#slab;
		const body = writeHeader(slab, this.#at, Byte.dollar, length);
		slab.set(value, body);
		this.#at = endLine(slab, body + length);
	}

	/** Puts `value` between the bytes before and after it without copying it. */
	#reference(value: Buffer): void {
		if (this.#slab.length - this.#at < HEADER_BYTES) this.#nextSlab(HEADER_BYTES);
		this.#at = writeHeader(this.#slab, this.#at, Byte.dollar, value.length);
		this.#seal();
		this.#pieces.push(value);
		this.#sealed += value.length;
		this.#at = endLine(this.#slab, this.#at);
	}

	/** Makes what is written so far a piece. */
	#seal(): void {
		if (this.#at === this.#from) return;
		this.#pieces.push(this.#slab.subarray(this.#from, this.#at));
		this.#sealed += this.#at - this.#from;
		this.#from = this.#at;
	}

	/** Goes on in a new slab with room for `size` bytes. */
	#nextSlab(size: number): void {
		this.#seal();
		this.#slab = allocate(Math.max(size, Math.min(MAX_SLAB_BYTES, Math.max(FIRST_SLAB_BYTES, 2 * this.#slab.length))));
		this.#from = 0;
		this.#at = 0;
	}
}

/** Writes `*n\r\n` or `$n\r\n`; returns the position after it. */
function writeHeader(slab: Buffer, at: number, type: number, value: number): number {
	slab[at++] = type;
	if (value < 10) slab[at++] = Byte.zero + value;
	else if (value < 100) {
		const tens = (value / 10) | 0;
		slab[at++] = Byte.zero + tens;
		slab[at++] = Byte.zero + value - 10 * tens;
	} else {
		const end = at + digits(value);
		for (let i = end - 1; i >= at; i--) {
			const rest = (value / 10) | 0;
			slab[i] = Byte.zero + value - 10 * rest;
			value = rest;
		}
		at = end;
	}
	return endLine(slab, at);
}

function endLine(slab: Buffer, at: number): number {
	slab[at] = Byte.cr;
	slab[at + 1] = Byte.lf;
	return at + 2;
}

/** Decimal digits of a length, which is below 2^31. */
function digits(value: number): number {
	if (value < 10) return 1;
	if (value < 100) return 2;
	if (value < 1000) return 3;
	if (value < 10_000) return 4;
	if (value < 100_000) return 5;
	let count = 5;
	for (let rest = (value / 100_000) | 0; rest > 0; rest = (rest / 10) | 0) count++;
	return count;
}

/** Shared by all calls of `encodeCommand`, each of which leaves it empty. */
const scratch = new CommandWriter();

/**
 * The bytes of one command, in a Buffer of its own. Sends nothing.
 *
 * Strings are encoded as UTF-8; numbers must be safe integers, or fractions where the command takes them (`INCRBYFLOAT`, `ZADD` …).
 *
 * ```ts
 * encodeCommand(["SET", "k", "v", "EX", 60]);
 * ```
 *
 * @param args the command name, a string that is not empty, and its arguments, each at most 512 MiB
 * @throws INVALID_ARGUMENT with the `index` of an argument that cannot be sent
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#sending-commands-to-a-redis-server
 */
export function encodeCommand(args: readonly CommandArgument[]): Buffer {
	scratch.command(checkArguments(args));
	const bytes = Buffer.concat(scratch.take());
	scratch.recycle();
	return bytes;
}
