/**
 * The RESP3 decoder. It takes chunks cut anywhere and keeps between them only what they cut:
 *
 *     at a frame ──► the first line was cut: `SplitLine` collects it ─────────┐
 *         ▲     └──► the body was cut: `BulkReader` fills its destination ──┐ │
 *         └─────────────────────────────────────────────────────────────────┴─┘
 *
 * What reads a frame returns its value, and leaves in `#after` where it ended. Open aggregates are linked, so depth costs no recursion.
 *
 * @see https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 */
import { ProtocolError } from "../errors.js";
import { Aggregate, Kind, UNCOUNTED } from "./aggregate.js";
import { type BulkMode, BulkReader, DROP, exceedsString, tooLongForString } from "./bulk-reader.js";
import {
	asBuffer,
	Byte,
	DEFAULT_MAX_BULK_BYTES,
	DEFAULT_MAX_DEPTH,
	MAX_LENGTH_LINE,
	MAX_LINE,
	type RawBuffer,
	utf8Text,
	viewOf,
} from "./bytes.js";
import { ChunkText } from "./chunk-text.js";
import { lineValue, replyError } from "./line-value.js";
import { lineEnd, SplitLine, unknownType } from "./lines.js";
import { joinInteger } from "./numbers.js";
import { type Reply, type ReplyDecoder, ReplyMode, type ReplySink } from "./reply.js";
import { IN_PLACE_BYTES, Lender, ReadSlab } from "./slab.js";
import { StreamedString } from "./streamed-string.js";

export interface Resp3DecoderOptions {
	/** A longer bulk string is a protocol error, before anything is allocated for it. */
	maxBulkBytes?: number | undefined;
	/** Aggregates open inside each other, pushes and attributes included. */
	maxDepth?: number | undefined;
	/** What bulk strings in pushes and attributes become. */
	outOfBand?: ReplyMode | undefined;
	/** Attributes are read past when absent. */
	onAttribute?: ((attribute: Map<Reply, Reply>) => void) | undefined;
	/** Verbatim strings keep their prefix, such as `txt:`. */
	rawVerbatim?: boolean | undefined;
}

/** In place of a value: the end of the chunk was met inside the frame's first line, or there is none to hand over. */
const INCOMPLETE = Symbol("incomplete");
const NONE = Symbol("none");
type Read = Reply | typeof INCOMPLETE | typeof NONE;

/** Results of `#length` that are no length. */
const NULL = -1;
const STREAMED = -2;
const CUT = -3;

/** More digits than any length below 2^63 has. */
const MAX_LENGTH_DIGITS = 19;
const MAX_ELEMENTS = 2 ** 32 - 1;
/** So many digits cannot leave the 31-bit integers, whose arithmetic is the cheapest; a 64-bit integer has up to ten more. */
const SMALL_DIGITS = 9;
const MORE_DIGITS = 10;

const NO_MEMORY = new ArrayBuffer(0);

const State = { idle: 0, writing: 1, failed: 2 } as const;

// Compiled code holds the constants of its own file; those of another are loaded and checked each time.
const { buffer, into, string } = ReplyMode;
const {
	bang,
	colon,
	comma,
	cr,
	dollar,
	dot,
	equals,
	greater,
	hash,
	lf,
	minus,
	paren,
	percent,
	pipe,
	plus,
	question,
	semicolon,
	star,
	tilde,
	underscore,
	zero,
} = Byte;

export class Resp3Decoder implements ReplyDecoder {
	readonly #sink: ReplySink;
	readonly #maxBulkBytes: number;
	readonly #maxDepth: number;
	readonly #outOfBand: BulkMode;
	readonly #attributeMode: BulkMode;
	readonly #onAttribute: ((attribute: Map<Reply, Reply>) => void) | undefined;
	readonly #rawVerbatim: boolean;
	/** Left at `writing` by whatever is thrown on the way: such a decoder lost its place. */
	#state: number = State.idle;
	/** Where what was read last ended: a frame, or its first line. */
	#after = 0;
	/** The innermost open aggregate; without one, what stands for the top level. */
	#top = new Aggregate(null);
	readonly #text = new ChunkText();
	readonly #line = new SplitLine();
	readonly #body = new BulkReader();
	/** The type byte of the bulk in `#body`. */
	#bodyType = 0;
	#streamed: StreamedString | null = null;
	readonly #lender = new Lender();
	readonly #slab = new ReadSlab();
	/** The last `room` was the body's own, not the slab's. */
	#roomIsBody = false;
	#inPlace = false;
	/** What the chunk at hand is a view of, and from where: asking it costs as much as making another view. */
	#memory: ArrayBufferLike = NO_MEMORY;
	#base = 0;
	/** Bytes of the chunk at hand that were handed out as small Buffers, or belong to one that was cut. */
	#lent = 0;
	/** The bulk in `#body` becomes a small Buffer. */
	#bodyIsSmall = false;

	constructor(sink: ReplySink, options: Resp3DecoderOptions = {}) {
		this.#sink = sink;
		this.#maxBulkBytes = options.maxBulkBytes ?? DEFAULT_MAX_BULK_BYTES;
		this.#maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
		this.#outOfBand = options.outOfBand ?? ReplyMode.buffer;
		this.#onAttribute = options.onAttribute;
		this.#attributeMode = options.onAttribute === undefined ? DROP : this.#outOfBand;
		this.#rawVerbatim = options.rawVerbatim ?? false;
	}

	write(chunk: Uint8Array): void {
		this.#enter();
		this.#decode(asBuffer(chunk), false);
		this.#state = State.idle;
	}

	room(): Buffer | null {
		if (this.#state !== State.idle) return null;
		const body = this.#body.room();
		this.#roomIsBody = body !== null;
		return body ?? this.#slab.room();
	}

	filled(length: number): void {
		this.#enter();
		if (this.#roomIsBody) this.#body.filled(length);
		else this.#decode(this.#slab.take(length), true);
		this.#state = State.idle;
	}

	dropBody(): boolean {
		return this.#body.drop();
	}

	/** @param inPlace the chunk is ours and nobody writes to it again: small Buffers may be parts of it */
	#decode(bytes: RawBuffer, inPlace: boolean): void {
		this.#lender.nextChunk();
		this.#text.nextChunk();
		this.#inPlace = inPlace;
		if (inPlace) {
			this.#memory = bytes.buffer;
			this.#base = bytes.byteOffset;
		}
		this.#lent = 0;
		const end = bytes.length;
		let pos = 0;
		while (pos < end) {
			if (this.#body.missing > 0) {
				pos = this.#readBody(bytes, pos, end);
				if (this.#body.missing === 0) this.#bodyComplete();
			} else if (this.#line.length > 0) pos = this.#resumeLine(bytes, pos, end);
			else pos = this.#frames(bytes, pos, end, false);
		}
		this.#memory = NO_MEMORY;
		this.#slab.observe(end, this.#lent);
	}

	#enter(): void {
		if (this.#state !== State.idle) {
			throw new ProtocolError("this decoder is unusable: it was given illegal bytes, or bytes from within its own callback");
		}
		this.#state = State.writing;
	}

	#resumeLine(chunk: RawBuffer, pos: number, end: number): number {
		const line = this.#line;
		const next = line.read(chunk, pos, end);
		if (line.complete) {
			const { bytes, length } = line;
			line.end();
			this.#frames(bytes, 0, length, true);
			// What was found out about the line's memory does not hold for the chunk.
			this.#text.nextChunk();
		}
		return next;
	}

	/**
	 * Decodes frames until the chunk ends or cuts one. A reader is given where a frame begins; it returns the frame's value and leaves in
	 * `#after` where the frame ended, or returns NONE when it has none to hand over (it opened or closed an aggregate, or its body is to come),
	 * or INCOMPLETE when not even its first line is there.
	 *
	 * @param resumed the chunk is one collected line, whose mode was asked when its first byte came
	 */
	#frames(chunk: RawBuffer, pos: number, end: number, resumed: boolean): number {
		while (pos < end) {
			const type = chunk[pos] as number;
			const top = this.#top;
			if (this.#streamed !== null) {
				if (type !== semicolon) throw new ProtocolError("a streamed string was interrupted");
			} else if (top.outer === null && !resumed && type !== greater && type !== pipe) top.mode = this.#sink.mode();
			// Most integers are 0 or 1.
			if (type === colon && pos + 3 < end && chunk[pos + 2] === cr && chunk[pos + 3] === lf) {
				const digit = ((chunk[pos + 1] as number) - zero) >>> 0;
				if (digit <= 9) {
					pos += 4;
					this.#handOver(digit, top);
					continue;
				}
			}
			let value: Read;
			if (type === dollar) value = this.#bulk(chunk, pos, end);
			else if (type === colon) value = this.#integer(chunk, pos, end);
			else if (type === star) value = this.#array(chunk, pos, end);
			else if (type === plus) value = this.#simple(chunk, pos, end);
			else if (type === underscore) value = this.#null(chunk, pos, end);
			else value = this.#other(type, chunk, pos, end);
			if (value === INCOMPLETE) {
				this.#line.begin(chunk, pos, end);
				return end;
			}
			pos = this.#after;
			// What has no value may have opened or closed an aggregate; what has one did not.
			if (value !== NONE) this.#handOver(value, top);
		}
		return pos;
	}

	/** The types that are not worth a test of their own on the way to them. */
	#other(type: number, chunk: RawBuffer, pos: number, end: number): Read {
		switch (type) {
			case tilde:
				return this.#aggregate(Kind.list, chunk, pos, end);
			case percent:
				return this.#aggregate(Kind.map, chunk, pos, end);
			case greater:
				return this.#aggregate(Kind.push, chunk, pos, end);
			case pipe:
				return this.#aggregate(Kind.attribute, chunk, pos, end);
			case equals:
			case bang:
				return this.#typedBulk(type, chunk, pos, end);
			case semicolon:
				return this.#part(chunk, pos, end);
			case minus:
			case comma:
			case paren:
				return this.#textLine(type, chunk, pos, end, MAX_LINE);
			case hash:
			case dot:
				return this.#textLine(type, chunk, pos, end, MAX_LENGTH_LINE);
			default:
				throw unknownType(chunk, pos, end, this.#top.depth);
		}
	}

	// ── first lines ──

	/** The count after a type byte: 0 or more, NULL, STREAMED or CUT. `#after` is where the line ended. */
	#length(chunk: RawBuffer, from: number, end: number): number {
		let at = from;
		let length = 0;
		for (; at < end; at++) {
			// Unsigned, so that what is below "0" is above 9 as well.
			const digit = ((chunk[at] as number) - zero) >>> 0;
			if (digit > 9) break;
			length = length * 10 + digit;
		}
		if (at + 1 < end && chunk[at] === cr && chunk[at + 1] === lf && at > from && at - from <= MAX_LENGTH_DIGITS) {
			this.#after = at + 2;
			return length;
		}
		return this.#unusualLength(chunk, from, end);
	}

	#unusualLength(chunk: RawBuffer, from: number, end: number): number {
		const stop = lineEnd(chunk, from, end, MAX_LENGTH_LINE);
		if (stop === -1) return CUT;
		this.#after = stop + 2;
		if (isMinusOne(chunk, from, end)) return NULL;
		if (stop === from + 1 && chunk[from] === question) return STREAMED;
		throw new ProtocolError(`the length in a header "${String.fromCharCode(chunk[from - 1] as number)}" is not a number`);
	}

	#simple(chunk: RawBuffer, pos: number, end: number): Read {
		// "+OK\r\n"
		if (pos + 4 < end && chunk[pos + 1] === 79 && chunk[pos + 2] === 75 && chunk[pos + 3] === cr && chunk[pos + 4] === lf) {
			this.#after = pos + 5;
			return "OK";
		}
		return this.#textLine(plus, chunk, pos, end, MAX_LINE);
	}

	#null(chunk: RawBuffer, pos: number, end: number): Read {
		if (pos + 2 < end && chunk[pos + 1] === cr && chunk[pos + 2] === lf) {
			this.#after = pos + 3;
			return null;
		}
		return this.#textLine(underscore, chunk, pos, end, MAX_LENGTH_LINE);
	}

	#integer(chunk: RawBuffer, pos: number, end: number): Read {
		let at = pos + 1;
		const negative = at < end && chunk[at] === minus;
		if (negative) at += 1;
		const from = at;
		// What has no room for its line feed is not complete.
		const last = from + SMALL_DIGITS < end ? from + SMALL_DIGITS : end - 1;
		let number = 0;
		for (; at < last; at++) {
			const digit = ((chunk[at] as number) - zero) >>> 0;
			if (digit > 9) {
				if (at === from || chunk[at] !== cr || chunk[at + 1] !== lf) break;
				this.#after = at + 2;
				return negative ? 0 - number : number;
			}
			number = (number * 10 + digit) | 0;
		}
		if (at === from + SMALL_DIGITS) return this.#longInteger(number, chunk, pos, at, end);
		return this.#textLine(colon, chunk, pos, end, MAX_LENGTH_LINE);
	}

	/** The digits of `high` were read; those from `from` on are a number of their own. Whatever has still more is read as text. */
	#longInteger(high: number, chunk: RawBuffer, pos: number, from: number, end: number): Read {
		const last = from + MORE_DIGITS + 1 < end ? from + MORE_DIGITS + 1 : end - 1;
		let low = 0;
		for (let at = from; at < last; at++) {
			const digit = ((chunk[at] as number) - zero) >>> 0;
			if (digit > 9) {
				const value = joinInteger(high, low, at - from);
				if (value === null || chunk[at] !== cr || chunk[at + 1] !== lf) break;
				this.#after = at + 2;
				// There is no -0 among integers.
				return chunk[pos + 1] === minus && value !== 0 ? -value : value;
			}
			low = low * 10 + digit;
		}
		return this.#textLine(colon, chunk, pos, end, MAX_LENGTH_LINE);
	}

	/** The frames that are one line, read as text. */
	#textLine(type: number, chunk: RawBuffer, pos: number, end: number, limit: number): Read {
		const stop = lineEnd(chunk, pos + 1, end, limit);
		if (stop === -1) return INCOMPLETE;
		const text = this.#text.read(chunk, pos + 1, stop);
		this.#after = stop + 2;
		if (type !== dot) return lineValue(type, text);
		this.#endStreamedAggregate(text);
		return NONE;
	}

	// ── bulk strings ──

	#bulk(chunk: RawBuffer, pos: number, end: number): Read {
		if (isMinusOne(chunk, pos + 1, end)) {
			this.#after = pos + 5;
			return null;
		}
		const length = this.#length(chunk, pos + 1, end);
		if (length < 0) {
			if (length === CUT) return INCOMPLETE;
			this.#streamed = new StreamedString(this.#maxBulkBytes);
			return NONE;
		}
		const start = this.#after;
		const stop = start + length;
		const { mode } = this.#top;
		if (stop + 2 > end || mode > buffer || length > this.#maxBulkBytes) return this.#beginBody(dollar, length, chunk, end);
		if (chunk[stop] !== cr || chunk[stop + 1] !== lf) throw new ProtocolError("a bulk string does not end where its length says");
		this.#after = stop + 2;
		if (mode === buffer) return this.#lend(chunk, start, stop, end);
		return exceedsString(length) ? tooLongForString(length) : this.#text.read(chunk, start, stop);
	}

	#lend(chunk: RawBuffer, start: number, stop: number, end: number): Buffer {
		const length = stop - start;
		if (length >= IN_PLACE_BYTES) return this.#lender.lend(chunk, start, stop, end);
		this.#lent += length;
		return this.#inPlace ? viewOf(this.#memory, this.#base + start, length) : this.#lender.lend(chunk, start, stop, end);
	}

	/** Verbatim strings and bulk errors: no null, not streamed. */
	#typedBulk(type: number, chunk: RawBuffer, pos: number, end: number): Read {
		const length = this.#length(chunk, pos + 1, end);
		if (length === CUT) return INCOMPLETE;
		if (length < (type === equals ? 4 : 0)) throw new ProtocolError("a verbatim string or bulk error has an illegal length");
		return this.#beginBody(type, length, chunk, end);
	}

	/** `;n`: a part of a streamed string; `;0` ends it. */
	#part(chunk: RawBuffer, pos: number, end: number): Read {
		const streamed = this.#streamed;
		if (streamed === null) throw new ProtocolError("a part of a streamed string stands outside of one");
		const length = this.#length(chunk, pos + 1, end);
		if (length === CUT) return INCOMPLETE;
		if (length < 0) throw new ProtocolError("a part of a streamed string has an illegal length");
		if (length > 0) {
			streamed.reserve(length);
			return this.#beginBody(semicolon, length, chunk, end);
		}
		this.#streamed = null;
		const { mode } = this.#top;
		return mode === DROP ? null : streamed.take(mode === string);
	}

	/** Reads a body by way of `#body`: one that is cut, or is not handed out as it stands. */
	#beginBody(type: number, length: number, chunk: RawBuffer, end: number): Read {
		if (length > this.#maxBulkBytes)
			throw new ProtocolError(`a bulk string of ${length} bytes is longer than the ${this.#maxBulkBytes} allowed`);
		let { mode } = this.#top;
		let target: Uint8Array | null = null;
		if (mode === into) {
			if (type !== dollar) mode = buffer;
			else target = this.#sink.target();
		}
		// Errors are text in every mode; parts, and the format of a verbatim string, are looked at as bytes.
		if (type === bang) mode = string;
		else if (type !== dollar && mode !== DROP) mode = buffer;
		this.#bodyType = type;
		this.#bodyIsSmall = mode === ReplyMode.buffer && length < IN_PLACE_BYTES;
		this.#body.begin(length, mode, target);
		this.#after = this.#readBody(chunk, this.#after, end);
		return this.#body.missing === 0 ? this.#bodyValue() : NONE;
	}

	#readBody(chunk: RawBuffer, pos: number, end: number): number {
		const next = this.#body.read(chunk, pos, end);
		if (this.#bodyIsSmall) this.#lent += next - pos;
		return next;
	}

	#bodyComplete(): void {
		const value = this.#bodyValue();
		if (value !== NONE) this.#handOver(value, this.#top);
	}

	#bodyValue(): Reply | typeof NONE {
		const value = this.#body.take();
		const type = this.#bodyType;
		if (type === semicolon) {
			if (value !== null) (this.#streamed as StreamedString).append(value as RawBuffer);
			return NONE;
		}
		if (type === equals && value !== null) return this.#verbatim(value as RawBuffer);
		return type === bang && typeof value === "string" ? replyError(value) : value;
	}

	/** Without its three-byte format and colon, unless asked for raw. */
	#verbatim(bytes: RawBuffer): Reply {
		if (bytes[3] !== colon) throw new ProtocolError("a verbatim string has no format");
		const from = this.#rawVerbatim ? 0 : 4;
		if (this.#top.mode !== string) return bytes.subarray(from);
		return exceedsString(bytes.length) ? tooLongForString(bytes.length) : utf8Text(bytes, from, bytes.length);
	}

	// ── aggregates ──

	/** RESP2 has a null of this type. */
	#array(chunk: RawBuffer, pos: number, end: number): Read {
		if (!isMinusOne(chunk, pos + 1, end)) return this.#aggregate(Kind.list, chunk, pos, end);
		this.#after = pos + 5;
		return null;
	}

	#aggregate(kind: Kind, chunk: RawBuffer, pos: number, end: number): Read {
		const count = this.#length(chunk, pos + 1, end);
		if (count === CUT) return INCOMPLETE;
		if (count === NULL || count > MAX_ELEMENTS) throw new ProtocolError("an aggregate has an illegal count");
		if (count === STREAMED && (kind === Kind.push || kind === Kind.attribute))
			throw new ProtocolError("a push or attribute has no count");
		const outer = this.#top;
		if (outer.depth >= this.#maxDepth) throw new ProtocolError(`a reply is nested deeper than ${this.#maxDepth}`);
		if (count === 0 && kind === Kind.list) return [];
		this.#open(kind, outer, count === STREAMED ? UNCOUNTED : count);
		return NONE;
	}

	#open(kind: Kind, outer: Aggregate, count: number): void {
		let { mode } = outer;
		if (kind === Kind.push) mode = this.#outOfBand;
		else if (kind === Kind.attribute) mode = this.#attributeMode;
		else if (mode === into) mode = buffer;
		this.#top = outer.open(kind, count, mode);
		if (count === 0) this.#close();
	}

	/** Hands a complete value to the innermost aggregate, which it may complete in turn, or to the sink. */
	#handOver(value: Reply, top: Aggregate): void {
		if (top.outer === null) this.#sink.reply(value);
		else if (top.add(value)) this.#close();
	}

	/** Closes the innermost aggregate, and those around it that it completes. */
	#close(): void {
		let top = this.#top;
		for (;;) {
			const outer = top.outer as Aggregate;
			const elements = top.take();
			this.#top = outer;
			if (top.kind === Kind.push) {
				this.#sink.push(elements as Reply[]);
				return;
			}
			if (top.kind === Kind.attribute) {
				this.#onAttribute?.(elements as Map<Reply, Reply>);
				return;
			}
			if (outer.outer === null) {
				this.#sink.reply(elements);
				return;
			}
			if (!outer.add(elements)) return;
			top = outer;
		}
	}

	#endStreamedAggregate(text: string): void {
		const top = this.#top;
		if (text !== "" || top.outer === null || top.isCounted)
			throw new ProtocolError("an end of a streamed aggregate stands where none is open");
		if (top.hasKey) throw new ProtocolError("a streamed map ended between a key and its value");
		this.#close();
	}
}

/** Whether the line that starts at `from` is complete, and says -1. */
function isMinusOne(chunk: RawBuffer, from: number, end: number): boolean {
	return (
		from + 3 < end && chunk[from] === minus && chunk[from + 1] === zero + 1 && chunk[from + 2] === cr && chunk[from + 3] === lf
	);
}
