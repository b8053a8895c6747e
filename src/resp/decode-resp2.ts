/**
 * RESP2 by redis-parser 3, behind a guard.
 *
 * Alone the parser accepts `$-2`, `:12x` and `$5a`, recurses once per nesting level, gathers cut values in a pool of the module with a timer,
 * and believes any count. So the guard hops from header to header, refuses what is no RESP2, and hands over whole top-level replies only.
 * The adapter below it gives the parser's values their types.
 *
 * `_`, the null of RESP3, is accepted as well: a server that answers in the wrong protocol still means null.
 *
 * | | read by |
 * |---|---|
 * | replies that lie in one chunk | the parser, many at once |
 * | an array cut by the chunk's end | gathered, then the parser |
 * | a bulk string cut by the chunk's end | `BulkReader`, straight into its destination |
 */
import RedisParser from "redis-parser";
import { ProtocolError } from "../errors.js";
import { BulkReader, exceedsString, tooLongForString } from "./bulk-reader.js";
import { allocate, asBuffer, Byte, DEFAULT_MAX_BULK_BYTES, DEFAULT_MAX_DEPTH, type RawBuffer, utf8Text } from "./bytes.js";
import { Resp3Decoder } from "./decode.js";
import { Resp2Guard } from "./guard-resp2.js";
import { replyError } from "./line-value.js";
import { parseInteger } from "./numbers.js";
import { type Reply, type ReplyDecoder, ReplyMode, type ReplySink } from "./reply.js";
import { Lender } from "./slab.js";

export interface Resp2DecoderOptions {
	/** A longer bulk string is a protocol error, before anything is allocated for it. */
	maxBulkBytes?: number | undefined;
	/** Arrays open inside each other; at most 1024, for the parser recurses. */
	maxDepth?: number | undefined;
}

/** What the parser gives with `returnBuffers` and `stringNumbers`: strings are integers, Buffers simple or bulk strings. */
type Parsed = Buffer | string | null | Error | Parsed[];

/** A gathering buffer larger than this is not kept for the next reply. */
const MAX_KEPT_BYTES = 64 * 1024;

const EMPTY = allocate(0);

const State = { idle: 0, writing: 1, failed: 2 } as const;

export class Resp2Decoder implements ReplyDecoder {
	readonly #sink: ReplySink;
	readonly #guard: Resp2Guard;
	readonly #parser: RedisParser;
	/** Left at `writing` by whatever is thrown on the way: such a decoder lost its place. */
	#state: number = State.idle;
	readonly #body = new BulkReader();
	readonly #lender = new Lender();
	/** The beginning of a reply that a chunk cut, from its first byte. */
	#gathered: RawBuffer = EMPTY;
	#length = 0;
	/** Asked at the first byte of the reply that is gathered. */
	#mode: ReplyMode | undefined;
	/** What the parser is reading; its Buffers are views of it. */
	#source: RawBuffer = EMPTY;
	/** Decodes the replies that the parser misreads; the guard has found them legal. */
	readonly #own: Resp3Decoder;

	constructor(sink: ReplySink, options: Resp2DecoderOptions = {}) {
		this.#sink = sink;
		const maxDepth = Math.min(options.maxDepth ?? DEFAULT_MAX_DEPTH, DEFAULT_MAX_DEPTH);
		this.#guard = new Resp2Guard(options.maxBulkBytes ?? DEFAULT_MAX_BULK_BYTES, maxDepth);
		const own: ReplySink = {
			mode: () => this.#takeMode(),
			target: () => sink.target(),
			reply: (value) => sink.reply(value),
			push: (items) => sink.push(items),
		};
		this.#own = new Resp3Decoder(own, { maxBulkBytes: Number.POSITIVE_INFINITY, maxDepth: Number.POSITIVE_INFINITY });
		const emit = (value: Parsed): void => this.#emit(value);
		this.#parser = new RedisParser({
			returnReply: emit,
			returnError: emit,
			// Its error holds the whole chunk, with values in it.
			returnFatalError: () => {
				throw new ProtocolError("redis-parser refused a reply");
			},
			returnBuffers: true,
			stringNumbers: true,
		});
	}

	write(chunk: Uint8Array): void {
		this.#enter();
		const bytes = asBuffer(chunk);
		const end = bytes.length;
		let pos = 0;
		while (pos < end) {
			if (this.#body.missing > 0) {
				pos = this.#body.read(bytes, pos, end);
				if (this.#body.missing === 0) this.#sink.reply(this.#body.take());
			} else if (this.#length > 0) pos = this.#gatherMore(bytes, pos, end);
			else pos = this.#wholeReplies(bytes, pos, end);
		}
		this.#state = State.idle;
	}

	/** Parses the replies that lie in the chunk, and begins to keep the one that its end cuts. */
	#wholeReplies(chunk: RawBuffer, pos: number, end: number): number {
		const guard = this.#guard;
		let run = pos;
		let failure: unknown;
		try {
			while (pos < end) {
				const stop = guard.scan(chunk, pos, end);
				if (stop === -1) break;
				if (guard.odd) {
					this.#parse(chunk, run, pos);
					this.#own.write(chunk.subarray(pos, stop));
					run = stop;
				}
				pos = stop;
			}
		} catch (error) {
			failure = error;
		}
		this.#parse(chunk, run, pos);
		if (failure !== undefined) throw failure;
		if (pos === end) return end;
		this.#mode = this.#sink.mode();
		if (guard.cutBulk >= 0) return this.#beginBody(chunk, end);
		this.#gather(chunk, pos, end);
		return end;
	}

	#gatherMore(chunk: RawBuffer, pos: number, end: number): number {
		const stop = this.#guard.scan(chunk, pos, end);
		if (stop === -1 && this.#guard.cutBulk >= 0) {
			// Only its header had been gathered.
			this.#length = 0;
			return this.#beginBody(chunk, end);
		}
		this.#gather(chunk, pos, stop === -1 ? end : stop);
		if (stop === -1) return end;
		const gathered = this.#gathered;
		const length = this.#length;
		this.#length = 0;
		if (gathered.length > MAX_KEPT_BYTES) this.#gathered = EMPTY;
		if (this.#guard.odd) this.#own.write(gathered.subarray(0, length));
		else this.#parse(gathered, 0, length);
		return stop;
	}

	#gather(chunk: RawBuffer, pos: number, stop: number): void {
		const needed = this.#length + stop - pos;
		if (needed > this.#gathered.length) {
			const larger = allocate(Math.max(needed, 2 * this.#gathered.length, 1024));
			this.#gathered.copy(larger, 0, 0, this.#length);
			this.#gathered = larger;
		}
		chunk.copy(this.#gathered, this.#length, pos, stop);
		this.#length = needed;
	}

	#beginBody(chunk: RawBuffer, end: number): number {
		const mode = this.#takeMode();
		this.#body.begin(this.#guard.cutBulk, mode, mode === ReplyMode.into ? this.#sink.target() : null);
		return this.#body.read(chunk, this.#guard.cutBulkAt, end);
	}

	/** The mode of the reply at hand: what was said at its first byte when that came in an earlier chunk. */
	#takeMode(): ReplyMode {
		const mode = this.#mode ?? this.#sink.mode();
		this.#mode = undefined;
		return mode;
	}

	// ── adapter ──

	#parse(bytes: RawBuffer, from: number, stop: number): void {
		if (from === stop) return;
		const source = asBuffer(from === 0 && stop === bytes.length ? bytes : bytes.subarray(from, stop));
		this.#source = source;
		this.#lender.nextChunk();
		this.#parser.execute(source);
		this.#source = EMPTY;
	}

	#emit(value: Parsed): void {
		const mode = this.#takeMode();
		if (mode === ReplyMode.into && Buffer.isBuffer(value) && !this.#isSimple(value)) this.#sink.reply(this.#fillTarget(value));
		else this.#sink.reply(this.#convert(value, mode));
	}

	#fillTarget(value: Buffer): number {
		const target = this.#sink.target();
		if (target !== null && target.byteLength >= value.length) target.set(value);
		return value.length;
	}

	/** Simple strings and bulk strings look alike now; the byte before them tells: a plus sign, or the line feed of a header. */
	#isSimple(value: Buffer): boolean {
		return this.#source[value.byteOffset - this.#source.byteOffset - 1] === Byte.plus;
	}

	#convert(value: Parsed, mode: ReplyMode): Reply {
		if (value === null) return null;
		if (typeof value === "string") return value.length < 16 ? Number(value) + 0 : parseInteger(value);
		if (Array.isArray(value)) {
			const replies = value as Reply[];
			for (let i = 0; i < value.length; i++) replies[i] = this.#convert(value[i] as Parsed, mode);
			return replies;
		}
		if (!Buffer.isBuffer(value)) return replyError(value.message);
		const source = this.#source;
		const start = value.byteOffset - source.byteOffset;
		const end = start + value.length;
		// Nearly all replies to writes: no string is made for them.
		if (value.length === 2 && value[0] === 79 && value[1] === 75 && (mode === ReplyMode.string || this.#isSimple(value)))
			return "OK";
		if (mode === ReplyMode.string || this.#isSimple(value)) {
			return exceedsString(value.length) ? tooLongForString(value.length) : utf8Text(source, start, end);
		}
		return this.#lender.lend(source, start, end, source.length);
	}

	room(): Buffer | null {
		return this.#state === State.idle ? this.#body.room() : null;
	}

	filled(length: number): void {
		this.#enter();
		this.#body.filled(length);
		this.#state = State.idle;
	}

	dropBody(): boolean {
		return this.#body.drop();
	}

	#enter(): void {
		if (this.#state !== State.idle) {
			throw new ProtocolError("this decoder is unusable: it was given illegal bytes, or bytes from within its own callback");
		}
		this.#state = State.writing;
	}
}
