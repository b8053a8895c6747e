/** Feeds one sequence of bytes to decoders whole, byte by byte and cut anywhere, and shows what came out. */
import { ClientError } from "../../src/errors.js";
import { Resp3Decoder, type Resp3DecoderOptions } from "../../src/resp/decode.js";
import { Resp2Decoder, type Resp2DecoderOptions } from "../../src/resp/decode-resp2.js";
import { type Reply, type ReplyDecoder, ReplyMode, type ReplySink } from "../../src/resp/reply.js";

/** Everything a decoder told its sink, in order, and what `write` threw. */
export interface Decoded {
	events: ({ reply: Reply } | { push: Reply[] } | { attribute: Map<Reply, Reply> })[];
	thrown?: unknown;
}

export type DecoderName = "resp3" | "resp2";

export class RecordingSink implements ReplySink {
	readonly events: Decoded["events"] = [];
	/** One mode per reply; the last one counts for all that follow. */
	readonly #modes: ReplyMode[];
	targets: (Uint8Array | null)[] = [];
	modesAsked = 0;
	targetsAsked = 0;

	constructor(...modes: ReplyMode[]) {
		this.#modes = modes.length === 0 ? [ReplyMode.string] : modes;
	}

	get replies(): Reply[] {
		return this.events.flatMap((event) => ("reply" in event ? [event.reply] : []));
	}

	get pushes(): Reply[][] {
		return this.events.flatMap((event) => ("push" in event ? [event.push] : []));
	}

	mode(): ReplyMode {
		const index = Math.min(this.modesAsked++, this.#modes.length - 1);
		return this.#modes[index] as ReplyMode;
	}

	target(): Uint8Array | null {
		return this.targets[this.targetsAsked++] ?? null;
	}

	reply(value: Reply): void {
		this.events.push({ reply: value });
	}

	push(items: Reply[]): void {
		this.events.push({ push: items });
	}
}

export function createDecoder(
	name: DecoderName,
	sink: ReplySink,
	options?: Resp3DecoderOptions & Resp2DecoderOptions,
): ReplyDecoder {
	return name === "resp3" ? new Resp3Decoder(sink, options) : new Resp2Decoder(sink, options);
}

/** Decodes `chunks`, each from memory that is overwritten afterwards: whatever still aliases it shows. */
export function decodeChunks(
	name: DecoderName,
	chunks: readonly Buffer[],
	mode: ReplyMode = ReplyMode.string,
	options?: Resp3DecoderOptions & Resp2DecoderOptions,
): Decoded {
	const sink = new RecordingSink(mode);
	const decoder = createDecoder(name, sink, {
		onAttribute: undefined,
		...options,
	});
	try {
		for (const chunk of chunks) {
			const copy = Buffer.from(chunk);
			decoder.write(copy);
			copy.fill(0x2e);
		}
		return { events: sink.events };
	} catch (thrown) {
		return { events: sink.events, thrown };
	}
}

export function cut(bytes: Buffer, ...positions: number[]): Buffer[] {
	const edges = [0, ...positions.map((at) => Math.min(at, bytes.length)).sort((a, b) => a - b), bytes.length];
	return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}

export function byteByByte(bytes: Buffer): Buffer[] {
	return Array.from(bytes, (byte) => Buffer.of(byte));
}

/** The ways every frame is fed: whole, byte by byte, and in two at every position. */
export function* splittings(bytes: Buffer): Generator<Buffer[]> {
	yield [bytes];
	yield byteByByte(bytes);
	for (let at = 1; at < bytes.length; at++) yield cut(bytes, at);
}

export function bytesOf(wire: string | Buffer): Buffer {
	return typeof wire === "string" ? Buffer.from(wire, "latin1") : wire;
}

/** Replies in a form that `toEqual` compares strictly: errors by class, code and message; Buffers, -0, NaN and bigint as they are. */
export function comparable(value: unknown): unknown {
	if (value instanceof ClientError) return { error: value.constructor.name, code: value.code, message: value.message };
	if (Buffer.isBuffer(value)) return { bytes: value.toString("hex") };
	if (Array.isArray(value)) return value.map(comparable);
	if (value instanceof Map) return { map: Array.from(value, ([k, v]) => [comparable(k), comparable(v)]) };
	return value;
}

/** The only reply in `wire`, the same however it is cut. */
export function decodeOne(
	wire: string | Buffer,
	name: DecoderName = "resp3",
	mode: ReplyMode = ReplyMode.string,
	options?: Resp3DecoderOptions & Resp2DecoderOptions,
): unknown {
	const replies = decodeAll(wire, name, mode, options);
	if (replies.length !== 1) throw new Error(`expected one reply, got ${replies.length}`);
	return replies[0];
}

/** All replies in `wire`, after making sure that every splitting gives the same. */
export function decodeAll(
	wire: string | Buffer,
	name: DecoderName = "resp3",
	mode: ReplyMode = ReplyMode.string,
	options?: Resp3DecoderOptions & Resp2DecoderOptions,
): unknown[] {
	const events = decodeEvents(wire, name, mode, options);
	return events.flatMap((event) => ("reply" in event ? [event.reply] : []));
}

export function decodeEvents(
	wire: string | Buffer,
	name: DecoderName = "resp3",
	mode: ReplyMode = ReplyMode.string,
	options?: Resp3DecoderOptions & Resp2DecoderOptions,
): Decoded["events"] {
	const bytes = bytesOf(wire);
	let first: Decoded | undefined;
	for (const chunks of splittings(bytes)) {
		const decoded = decodeChunks(name, chunks, mode, options);
		if (decoded.thrown !== undefined) throw decoded.thrown;
		first ??= decoded;
		const [a, b] = [JSON.stringify(shown(first)), JSON.stringify(shown(decoded))];
		if (a !== b) throw new Error(`cut as [${chunks.map((c) => c.length)}] it gives ${b}, whole ${a}`);
	}
	return (first as Decoded).events;
}

function shown(decoded: Decoded): unknown {
	return decoded.events.map((event) => Object.entries(event).map(([kind, value]) => [kind, distinct(comparable(value))]));
}

/** JSON has no bigint, NaN, infinity or -0. */
function distinct(value: unknown): unknown {
	if (typeof value === "bigint") return `bigint ${value}`;
	if (typeof value === "number") return Object.is(value, -0) ? "number -0" : `number ${value}`;
	if (Array.isArray(value)) return value.map(distinct);
	if (typeof value === "object" && value !== null)
		return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, distinct(v)]));
	return value;
}

/** The error of the first splitting, after making sure that every splitting is refused with the same class. */
export function refusal(
	wire: string | Buffer,
	name: DecoderName = "resp3",
	mode: ReplyMode = ReplyMode.string,
	options?: Resp3DecoderOptions & Resp2DecoderOptions,
): Error {
	let first: unknown;
	for (const chunks of splittings(bytesOf(wire))) {
		const { thrown } = decodeChunks(name, chunks, mode, options);
		if (thrown === undefined) throw new Error(`cut as [${chunks.map((c) => c.length)}] it was accepted`);
		first ??= thrown;
		if ((thrown as Error).constructor !== (first as Error).constructor) throw thrown;
	}
	return first as Error;
}
