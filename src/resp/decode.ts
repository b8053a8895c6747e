/**
 * The RESP3 decoder. It takes chunks cut anywhere and keeps between them only what they cut:
 *
 *     at a frame ──► the first line was cut: `SplitLine` collects it ─────────┐
 *         ▲     └──► the body was cut: `BulkReader` fills its destination ──┐ │
 *         └─────────────────────────────────────────────────────────────────┴─┘
 *
 * Open aggregates lie on an explicit stack, so depth costs no recursion. The innermost one is held in fields of its own.
 *
 * @see https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 */
import { ClientError, ProtocolError, ReplyError } from "../errors.js";
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
} from "./bytes.js";
import { lineEnd, SplitLine, unknownType } from "./lines.js";
import { parseBigNumber, parseDouble, parseInteger } from "./numbers.js";
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

type Container = Reply[] | Map<Reply, Reply> | null;

const Kind = { list: 0, push: 1, map: 2, attribute: 3 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];

/** Results of `#length` that are no length. */
const NULL = -1;
const STREAMED = -2;
/** A helper met the end of the chunk inside the frame's first line. */
const INCOMPLETE = -3;

/** `left` of an aggregate without a count: it only ever moves away from 0. */
const UNCOUNTED = -1;
/** More digits than any length below 2^63 has. */
const MAX_LENGTH_DIGITS = 19;
const MAX_ELEMENTS = 2 ** 32 - 1;
/** V8's own bound. */
const MAX_MAP_SIZE = 2 ** 24;
/** This many digits cannot leave the safe integers. */
const SAFE_DIGITS = 15;
const NO_KEY = Symbol("no key");

const State = { idle: 0, writing: 1, failed: 2 } as const;

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
	/** Where the frame's first line ended, set by `#length`. */
	#after = 0;
	#mode: BulkMode = ReplyMode.string;
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
	/** Bytes of the chunk at hand that were handed out as small Buffers, or belong to one that was cut. */
	#lent = 0;
	/** The bulk in `#body` becomes a small Buffer. */
	#bodyIsSmall = false;

	// The innermost open aggregate ...
	#depth = 0;
	#kind: Kind = Kind.list;
	/** Its elements: in one of the two, the other is null. */
	#list: Reply[] | null = null;
	#map: Map<Reply, Reply> | null = null;
	#left = 0;
	#key: Reply | typeof NO_KEY = NO_KEY;
	// ... and those around it, from depth 0.
	readonly #kinds: Kind[] = [];
	readonly #containers: Container[] = [];
	readonly #lefts: number[] = [];
	readonly #keys: (Reply | typeof NO_KEY)[] = [];
	readonly #modes: BulkMode[] = [];

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
		this.#inPlace = inPlace;
		this.#lent = 0;
		const end = bytes.length;
		let pos = 0;
		while (pos < end) {
			if (this.#body.missing > 0) {
				pos = this.#readBody(bytes, pos, end);
			} else if (this.#line.length > 0) pos = this.#resumeLine(bytes, pos, end);
			else pos = this.#frames(bytes, pos, end, false);
		}
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
		}
		return next;
	}

	/**
	 * Decodes frames until the chunk ends or cuts one.
	 *
	 * @param resumed the chunk is one collected line, whose mode was asked when its first byte came
	 */
	#frames(chunk: RawBuffer, pos: number, end: number, resumed: boolean): number {
		while (pos < end) {
			const type = chunk[pos] as number;
			if (this.#streamed !== null) {
				if (type !== Byte.semicolon) throw new ProtocolError("a streamed string was interrupted");
			} else if (this.#depth === 0 && !resumed && type !== Byte.greater && type !== Byte.pipe) this.#mode = this.#sink.mode();
			let next: number;
			if (type === Byte.dollar) next = this.#bulk(chunk, pos, end);
			else if (type === Byte.plus) next = this.#simple(chunk, pos, end);
			else if (type === Byte.colon) next = this.#integer(chunk, pos, end);
			else if (type === Byte.underscore && pos + 2 < end && chunk[pos + 1] === Byte.cr && chunk[pos + 2] === Byte.lf) {
				this.#value(null);
				next = pos + 3;
			} else next = this.#other(type, chunk, pos, end);
			if (next === INCOMPLETE) {
				this.#line.begin(chunk, pos, end);
				return end;
			}
			pos = next;
		}
		return pos;
	}

	/** The types that are not worth a test of their own on the way to them. */
	#other(type: number, chunk: RawBuffer, pos: number, end: number): number {
		switch (type) {
			case Byte.star:
			case Byte.tilde:
				return this.#aggregate(type, Kind.list, chunk, pos, end);
			case Byte.percent:
				return this.#aggregate(type, Kind.map, chunk, pos, end);
			case Byte.greater:
				return this.#aggregate(type, Kind.push, chunk, pos, end);
			case Byte.pipe:
				return this.#aggregate(type, Kind.attribute, chunk, pos, end);
			case Byte.equals:
			case Byte.bang:
				return this.#typedBulk(type, chunk, pos, end);
			case Byte.semicolon:
				return this.#part(chunk, pos, end);
			case Byte.minus:
			case Byte.comma:
			case Byte.paren:
				return this.#textLine(type, chunk, pos, end, MAX_LINE);
			case Byte.underscore:
			case Byte.hash:
			case Byte.dot:
				return this.#textLine(type, chunk, pos, end, MAX_LENGTH_LINE);
			default:
				throw unknownType(chunk, pos, end, this.#depth);
		}
	}

	// ── first lines ──

	/** The count after a type byte: 0 or more, NULL, STREAMED or INCOMPLETE. `#after` is where the line ended. */
	#length(chunk: RawBuffer, from: number, end: number): number {
		let at = from;
		let length = 0;
		for (; at < end; at++) {
			// Unsigned, so that what is below "0" is above 9 as well.
			const digit = ((chunk[at] as number) - Byte.zero) >>> 0;
			if (digit > 9) break;
			length = length * 10 + digit;
		}
		if (at + 1 < end && chunk[at] === Byte.cr && chunk[at + 1] === Byte.lf && at > from && at - from <= MAX_LENGTH_DIGITS) {
			this.#after = at + 2;
			return length;
		}
		return this.#unusualLength(chunk, from, end);
	}

	#unusualLength(chunk: RawBuffer, from: number, end: number): number {
		const minusOne = from + 1 < end && chunk[from] === Byte.minus && chunk[from + 1] === Byte.zero + 1;
		const stop =
			minusOne && chunk[from + 2] === Byte.cr && chunk[from + 3] === Byte.lf && from + 3 < end
				? from + 2
				: lineEnd(chunk, from, end, MAX_LENGTH_LINE);
		if (stop === -1) return INCOMPLETE;
		this.#after = stop + 2;
		if (minusOne && stop === from + 2) return NULL;
		if (stop === from + 1 && chunk[from] === Byte.question) return STREAMED;
		throw new ProtocolError(`the length in a header "${String.fromCharCode(chunk[from - 1] as number)}" is not a number`);
	}

	#simple(chunk: RawBuffer, pos: number, end: number): number {
		// "+OK\r\n"
		if (
			pos + 4 < end &&
			chunk[pos + 1] === 79 &&
			chunk[pos + 2] === 75 &&
			chunk[pos + 3] === Byte.cr &&
			chunk[pos + 4] === Byte.lf
		) {
			this.#value("OK");
			return pos + 5;
		}
		return this.#textLine(Byte.plus, chunk, pos, end, MAX_LINE);
	}

	#integer(chunk: RawBuffer, pos: number, end: number): number {
		let at = pos + 1;
		const negative = at < end && chunk[at] === Byte.minus;
		if (negative) at++;
		const from = at;
		let number = 0;
		let digit = 0;
		for (; at < end; at++) {
			digit = (chunk[at] as number) - Byte.zero;
			if (digit < 0 || digit > 9) break;
			number = number * 10 + digit;
		}
		const digits = at - from;
		if (digit === Byte.cr - Byte.zero && at + 1 < end && chunk[at + 1] === Byte.lf && digits > 0 && digits <= SAFE_DIGITS) {
			this.#value(negative ? 0 - number : number);
			return at + 2;
		}
		return this.#textLine(Byte.colon, chunk, pos, end, MAX_LENGTH_LINE);
	}

	/** The frames that are one line, read as text. */
	#textLine(type: number, chunk: RawBuffer, pos: number, end: number, limit: number): number {
		const stop = lineEnd(chunk, pos + 1, end, limit);
		if (stop === -1) return INCOMPLETE;
		const text = utf8Text(chunk, pos + 1, stop);
		if (type === Byte.dot) this.#endStreamedAggregate(text);
		else this.#value(readLine(type, text));
		return stop + 2;
	}

	// ── bulk strings ──

	#bulk(chunk: RawBuffer, pos: number, end: number): number {
		const length = this.#length(chunk, pos + 1, end);
		if (length < 0) return length === INCOMPLETE ? INCOMPLETE : this.#bulkWithoutLength(length);
		const start = this.#after;
		const stop = start + length;
		const mode = this.#mode;
		if (stop + 2 > end || mode > ReplyMode.buffer || length > this.#maxBulkBytes) {
			return this.#beginBody(Byte.dollar, length, chunk, end);
		}
		if (chunk[stop] !== Byte.cr || chunk[stop + 1] !== Byte.lf)
			throw new ProtocolError("a bulk string does not end where its length says");
		if (mode === ReplyMode.buffer) this.#value(this.#lend(chunk, start, stop, end));
		else this.#value(exceedsString(length) ? tooLongForString(length) : utf8Text(chunk, start, stop));
		return stop + 2;
	}

	#lend(chunk: RawBuffer, start: number, stop: number, end: number): Buffer {
		const length = stop - start;
		if (length >= IN_PLACE_BYTES) return this.#lender.lend(chunk, start, stop, end);
		this.#lent += length;
		return this.#inPlace ? chunk.subarray(start, stop) : this.#lender.lend(chunk, start, stop, end);
	}

	#bulkWithoutLength(length: number): number {
		const after = this.#after;
		if (length === NULL) this.#value(null);
		else this.#streamed = new StreamedString(this.#maxBulkBytes);
		return after;
	}

	/** Verbatim strings and bulk errors: no null, not streamed. */
	#typedBulk(type: number, chunk: RawBuffer, pos: number, end: number): number {
		const length = this.#length(chunk, pos + 1, end);
		if (length === INCOMPLETE) return INCOMPLETE;
		if (length < (type === Byte.equals ? 4 : 0)) throw new ProtocolError("a verbatim string or bulk error has an illegal length");
		return this.#beginBody(type, length, chunk, end);
	}

	/** `;n`: a part of a streamed string; `;0` ends it. */
	#part(chunk: RawBuffer, pos: number, end: number): number {
		const streamed = this.#streamed;
		if (streamed === null) throw new ProtocolError("a part of a streamed string stands outside of one");
		const length = this.#length(chunk, pos + 1, end);
		if (length === INCOMPLETE) return INCOMPLETE;
		if (length < 0) throw new ProtocolError("a part of a streamed string has an illegal length");
		if (length > 0) {
			streamed.reserve(length);
			return this.#beginBody(Byte.semicolon, length, chunk, end);
		}
		const after = this.#after;
		this.#streamed = null;
		this.#value(this.#mode === DROP ? null : streamed.take(this.#mode === ReplyMode.string));
		return after;
	}

	/** Reads a body by way of `#body`: one that is cut, or is not handed out as it stands. */
	#beginBody(type: number, length: number, chunk: RawBuffer, end: number): number {
		if (length > this.#maxBulkBytes)
			throw new ProtocolError(`a bulk string of ${length} bytes is longer than the ${this.#maxBulkBytes} allowed`);
		let mode = this.#mode;
		let target: Uint8Array | null = null;
		if (mode === ReplyMode.into) {
			if (type !== Byte.dollar) mode = ReplyMode.buffer;
			else target = this.#sink.target();
		}
		// Errors are text in every mode; parts, and the format of a verbatim string, are looked at as bytes.
		if (type === Byte.bang) mode = ReplyMode.string;
		else if (type !== Byte.dollar && mode !== DROP) mode = ReplyMode.buffer;
		this.#bodyType = type;
		this.#bodyIsSmall = mode === ReplyMode.buffer && length < IN_PLACE_BYTES;
		this.#body.begin(length, mode, target);
		return this.#readBody(chunk, this.#after, end);
	}

	#readBody(chunk: RawBuffer, pos: number, end: number): number {
		const next = this.#body.read(chunk, pos, end);
		if (this.#bodyIsSmall) this.#lent += next - pos;
		if (this.#body.missing === 0) this.#bodyComplete();
		return next;
	}

	#bodyComplete(): void {
		const value = this.#body.take();
		const type = this.#bodyType;
		if (type === Byte.semicolon) {
			if (value !== null) (this.#streamed as StreamedString).append(value as RawBuffer);
		} else if (type === Byte.equals && value !== null) this.#value(this.#verbatim(value as RawBuffer));
		else if (type === Byte.bang && typeof value === "string") this.#value(new ReplyError(value));
		else this.#value(value);
	}

	/** Without its three-byte format and colon, unless asked for raw. */
	#verbatim(bytes: RawBuffer): Reply {
		if (bytes[3] !== Byte.colon) throw new ProtocolError("a verbatim string has no format");
		const from = this.#rawVerbatim ? 0 : 4;
		if (this.#mode !== ReplyMode.string) return bytes.subarray(from);
		return exceedsString(bytes.length) ? tooLongForString(bytes.length) : utf8Text(bytes, from, bytes.length);
	}

	// ── aggregates ──

	#aggregate(type: number, kind: Kind, chunk: RawBuffer, pos: number, end: number): number {
		const count = this.#length(chunk, pos + 1, end);
		if (count === INCOMPLETE) return INCOMPLETE;
		const after = this.#after;
		if (count === NULL && type === Byte.star) this.#value(null);
		else if (count === NULL || count > MAX_ELEMENTS) throw new ProtocolError("an aggregate has an illegal count");
		else if (count === STREAMED && (kind === Kind.push || kind === Kind.attribute))
			throw new ProtocolError("a push or attribute has no count");
		else this.#open(kind, count === STREAMED ? UNCOUNTED : kind >= Kind.map ? 2 * count : count);
		return after;
	}

	#open(kind: Kind, elements: number): void {
		const depth = this.#depth;
		if (depth >= this.#maxDepth) throw new ProtocolError(`a reply is nested deeper than ${this.#maxDepth}`);
		this.#kinds[depth] = this.#kind;
		this.#containers[depth] = this.#list ?? this.#map;
		this.#lefts[depth] = this.#left;
		this.#keys[depth] = this.#key;
		this.#modes[depth] = this.#mode;
		this.#depth = depth + 1;
		this.#kind = kind;
		// Grows as elements arrive: the count is only the peer's word.
		this.#list = kind >= Kind.map ? null : [];
		this.#map = kind >= Kind.map ? new Map() : null;
		this.#left = elements;
		this.#key = NO_KEY;
		if (kind === Kind.push) this.#mode = this.#outOfBand;
		else if (kind === Kind.attribute) this.#mode = this.#attributeMode;
		else if (this.#mode === ReplyMode.into) this.#mode = ReplyMode.buffer;
		if (elements === 0) this.#close();
	}

	/** Hands a complete value to the innermost aggregate, which it may complete in turn, or to the sink. */
	#value(value: Reply): void {
		if (this.#depth === 0) {
			this.#sink.reply(value);
			return;
		}
		if (this.#list !== null) this.#list.push(value);
		else this.#mapItem(value);
		if (--this.#left === 0) this.#close();
	}

	#mapItem(value: Reply): void {
		if (this.#key === NO_KEY) {
			this.#key = value;
			return;
		}
		const map = this.#map as Map<Reply, Reply>;
		if (map.size === MAX_MAP_SIZE) throw new ProtocolError(`a map has more than ${MAX_MAP_SIZE} entries`);
		if (this.#mode !== DROP) map.set(this.#key, value);
		this.#key = NO_KEY;
	}

	/** Closes the innermost aggregate, and those around it that it completes. */
	#close(): void {
		do {
			const kind = this.#kind;
			const container = (this.#list ?? this.#map) as Reply[] | Map<Reply, Reply>;
			const depth = this.#depth - 1;
			this.#restore(depth);
			if (kind === Kind.push) {
				this.#sink.push(container as Reply[]);
				return;
			}
			if (kind === Kind.attribute) {
				this.#onAttribute?.(container as Map<Reply, Reply>);
				return;
			}
			if (depth === 0) {
				this.#sink.reply(container);
				return;
			}
			if (this.#list !== null) this.#list.push(container);
			else this.#mapItem(container);
		} while (--this.#left === 0);
	}

	/** Makes the enclosing aggregate the innermost one, and lets go of what the stack kept alive. */
	#restore(depth: number): void {
		this.#depth = depth;
		this.#kind = this.#kinds[depth] as Kind;
		const container = this.#containers[depth] as Container;
		this.#list = Array.isArray(container) ? container : null;
		this.#map = this.#list === null ? (container as Map<Reply, Reply> | null) : null;
		this.#left = this.#lefts[depth] as number;
		this.#key = this.#keys[depth] as Reply | typeof NO_KEY;
		this.#mode = this.#modes[depth] as BulkMode;
		this.#keys[depth] = NO_KEY;
		this.#containers[depth] = null;
	}

	#endStreamedAggregate(text: string): void {
		if (text !== "" || this.#depth === 0 || this.#left >= 0)
			throw new ProtocolError("an end of a streamed aggregate stands where none is open");
		if (this.#key !== NO_KEY) throw new ProtocolError("a streamed map ended between a key and its value");
		this.#close();
	}
}

function readLine(type: number, text: string): Reply {
	switch (type) {
		case Byte.plus:
			return text;
		case Byte.minus:
			return new ReplyError(text);
		case Byte.colon:
			return legal(parseInteger(text), "an integer is not a 64-bit number");
		case Byte.comma:
			return legal(parseDouble(text), "a double is not a number");
		case Byte.paren:
			// Scripts can make the server send anything here. The frame is whole, so only this value is lost.
			return parseBigNumber(text) ?? new ClientError("PROTOCOL", "a big number is not a number, or has too many digits");
		case Byte.hash:
			return legal(text === "t" ? true : text === "f" ? false : null, "a boolean is neither t nor f");
		default:
			if (text !== "") throw new ProtocolError("a null has content");
			return null;
	}
}

function legal<T>(value: T | null, otherwise: string): T {
	if (value === null) throw new ProtocolError(otherwise);
	return value;
}
