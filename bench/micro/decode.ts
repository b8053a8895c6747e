/** The decoders on the same bytes, cut in the same places. */
import RedisParser from "redis-parser";
import { Resp3Decoder } from "../../src/resp/decode.js";
import { Resp2Decoder } from "../../src/resp/decode-resp2.js";
import { ReplyMode, type ReplySink } from "../../src/resp/reply.js";
import { type FrameMix, frameMixes } from "./frames.js";
import type { Case, Suite } from "./suite.js";

/** Cases that the verdict is about, and those that it compares them with. */
export const OURS = "Resp3Decoder";
export const PLAIN = "redis-parser";
export const COPIED = "redis-parser + copies";

export interface DecodeSuite extends Suite {
	readonly mix: FrameMix;
	readonly cut: string;
	readonly replies: "strings" | "buffers";
}

/** What a socket reads at once; what one packet holds. */
const CHUNK_BYTES = 64 * 1024;
const PACKET_BYTES = 1460;
/** One run decodes at least so much, so that runs are long against the clock's step. */
const RUN_BYTES = 128 * 1024;

/** Where replies go. Looks at each value: a string that is a rope of pieces is put together only then. */
class CountingSink implements ReplySink {
	seen = 0;
	readonly #mode: ReplyMode;

	constructor(mode: ReplyMode) {
		this.#mode = mode;
	}

	mode(): ReplyMode {
		return this.#mode;
	}

	target(): null {
		return null;
	}

	reply(value: unknown): void {
		if (typeof value === "string") this.seen += value.charCodeAt(0);
		else if (Array.isArray(value)) for (const item of value) this.reply(item);
		else this.seen += 1;
	}

	push(): void {}
}

/** `wire` repeated, as chunks of so many bytes without regard to frames; null: as many whole ones as a read holds. */
function load(wire: Buffer, chunkBytes: number | null): { times: number; chunks: Buffer[] } {
	if (chunkBytes === null) {
		const perChunk = Math.floor(CHUNK_BYTES / wire.length);
		const chunk = Buffer.concat(Array.from({ length: perChunk }, () => wire));
		const count = Math.ceil(RUN_BYTES / chunk.length);
		return { times: perChunk * count, chunks: Array.from({ length: count }, () => chunk) };
	}
	const times = Math.ceil(RUN_BYTES / wire.length);
	const all = Buffer.concat(Array.from({ length: times }, () => wire));
	const chunks: Buffer[] = [];
	for (let at = 0; at < all.length; at += chunkBytes) chunks.push(Buffer.from(all.subarray(at, at + chunkBytes)));
	return { times, chunks };
}

function suite(mix: FrameMix, cut: string, chunkBytes: number | null, replies: DecodeSuite["replies"]): DecodeSuite {
	const { times, chunks } = load(mix.wire, chunkBytes);
	const sink = new CountingSink(replies === "buffers" ? ReplyMode.buffer : ReplyMode.string);
	const feed = (name: string, write: (chunk: Buffer) => void): Case => ({
		name,
		run: () => {
			for (const chunk of chunks) write(chunk);
		},
	});
	const resp3 = new Resp3Decoder(sink);
	const cases = [...parserCases(mix, sink, replies, feed), feed(OURS, (chunk) => resp3.write(chunk))];
	if (chunkBytes === CHUNK_BYTES) {
		const resp2 = new Resp2Decoder(sink);
		cases.push(feed("Resp2Decoder", (chunk) => resp2.write(chunk)));
	}
	return { name: `decode ${mix.name}, ${cut}, ${replies}`, operations: times * mix.replies, cases, mix, cut, replies };
}

/** redis-parser as it is, and so that its Buffers outlive the chunk, whose memory the next read overwrites. */
function parserCases(
	{ bigIntegers }: FrameMix,
	sink: CountingSink,
	replies: DecodeSuite["replies"],
	feed: (name: string, write: (chunk: Buffer) => void) => Case,
): Case[] {
	const parser = (returnReply: (value: unknown) => void): RedisParser =>
		new RedisParser({
			// As text they cost more, and are exact only then.
			returnReply: bigIntegers ? (value) => returnReply(BigInt(value as string)) : returnReply,
			returnError: returnReply,
			returnBuffers: replies === "buffers",
			stringNumbers: bigIntegers === true,
		});
	const plain = parser((value) => sink.reply(value));
	const cases = [feed(PLAIN, (chunk) => plain.execute(chunk))];
	if (replies === "strings") return cases;
	const copying = parser((value) => sink.reply(copyOf(value)));
	cases.push(feed(COPIED, (chunk) => copying.execute(chunk)));
	return cases;
}

function copyOf(value: unknown): unknown {
	if (Array.isArray(value)) {
		for (let i = 0; i < value.length; i++) value[i] = copyOf(value[i]);
		return value;
	}
	return Buffer.isBuffer(value) ? Buffer.from(value) : value;
}

export const decodeSuites: (() => DecodeSuite)[] = frameMixes.flatMap((mix) =>
	(["strings", "buffers"] as const).flatMap((replies) => [
		// No read holds more.
		...(mix.wire.length > CHUNK_BYTES ? [] : [() => suite(mix, "whole", null, replies)]),
		() => suite(mix, "cut at 64 KiB", CHUNK_BYTES, replies),
		() => suite(mix, "cut at 1460 B", PACKET_BYTES, replies),
	]),
);
