import RedisParser from "redis-parser";
import { Resp3Decoder } from "../../src/resp/decode.js";
import { Resp2Decoder } from "../../src/resp/decode-resp2.js";
import { ReplyMode, type ReplySink } from "../../src/resp/reply.js";
import type { Suite } from "./suite.js";

const CHUNK_BYTES = 64 * 1024;

class CountingSink implements ReplySink {
	replies = 0;
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

	/** Reads the value: a string that is a rope of pieces is put together only then. */
	reply(value: unknown): void {
		this.replies += typeof value === "string" ? value.charCodeAt(0) : 1;
	}

	push(): void {}
}

function bulk(bytes: number): string {
	return `$${bytes}\r\n${"v".repeat(bytes)}\r\n`;
}

/** `frame` repeated to at least `bytes`, cut into chunks of 64 KiB without regard to frames, and the same with every chunk whole frames. */
function load(frame: string, bytes: number): { replies: number; cut: Buffer[]; whole: Buffer[] } {
	const one = Buffer.from(frame);
	const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / one.length));
	const chunks = Math.max(1, Math.ceil(bytes / (perChunk * one.length)));
	const chunk = Buffer.concat(Array.from({ length: perChunk }, () => one));
	const all = Buffer.concat(Array.from({ length: chunks }, () => chunk));
	const cut: Buffer[] = [];
	for (let at = 0; at < all.length; at += CHUNK_BYTES) cut.push(Buffer.from(all.subarray(at, at + CHUNK_BYTES)));
	return { replies: perChunk * chunks, cut, whole: Array.from({ length: chunks }, () => chunk) };
}

function suites(name: string, frame: string): Suite[] {
	const { replies, cut, whole } = load(frame, 4 * CHUNK_BYTES);
	const all: Suite[] = [];
	const shapes: [string, Buffer[]][] = [["cut at 64 KiB", cut]];
	if (frame.length <= CHUNK_BYTES) shapes.unshift(["whole chunks", whole]);
	for (const [shape, chunks] of shapes) {
		for (const mode of [ReplyMode.string, ReplyMode.buffer]) {
			const buffers = mode === ReplyMode.buffer;
			const sink = new CountingSink(mode);
			const parser = new RedisParser({ returnReply: (value) => sink.reply(value), returnError: ignore, returnBuffers: buffers });
			// Chunks of a socket do not stay: what its Buffers cost a client includes the copy.
			const copying = new RedisParser({ returnReply: copyOut, returnError: ignore, returnBuffers: buffers });
			const resp3 = new Resp3Decoder(sink);
			const resp2 = new Resp2Decoder(sink);
			const feed = (write: (chunk: Buffer) => void) => (): void => {
				for (const chunk of chunks) write(chunk);
			};
			all.push({
				name: `decode ${name}, ${shape}, ${buffers ? "Buffers" : "strings"}`,
				operations: replies,
				cases: [
					{ name: "redis-parser", run: feed((chunk) => parser.execute(chunk)) },
					...(buffers ? [{ name: "redis-parser + copies", run: feed((chunk) => copying.execute(chunk)) }] : []),
					{ name: "Resp3Decoder", run: feed((chunk) => resp3.write(chunk)) },
					{ name: "Resp2Decoder", run: feed((chunk) => resp2.write(chunk)) },
				],
			});
		}
	}
	return all;
}

function ignore(): void {}

function copyOut(value: unknown): void {
	if (Array.isArray(value)) for (const item of value) copyOut(item);
	else if (Buffer.isBuffer(value)) Buffer.from(value);
}

export const decodeSuites: Suite[] = [
	...suites("+OK", "+OK\r\n"),
	...suites(":integer", ":1234567\r\n"),
	...suites("$64", bulk(64)),
	...suites("$512", bulk(512)),
	...suites("null", "$-1\r\n"),
	...suites("128 x 64", `*128\r\n${bulk(64).repeat(128)}`),
	...suites("128 x 2 KiB", `*128\r\n${bulk(2048).repeat(128)}`),
	...suites("128 x 8 KiB", `*128\r\n${bulk(8192).repeat(128)}`),
	...suites("1 MiB", bulk(1024 * 1024)),
];
