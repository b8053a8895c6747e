/** Reading in place: while small Buffers are most of what comes, the socket reads into memory they are cut from. */
import { expect, test } from "vitest";
import { Resp3Decoder } from "../../../src/resp/decode.js";
import { type Reply, ReplyMode } from "../../../src/resp/reply.js";

function decoderOf(mode: ReplyMode): { decoder: Resp3Decoder; replies: Reply[] } {
	const replies: Reply[] = [];
	const sink = { mode: () => mode, target: () => null, reply: (value: Reply) => replies.push(value), push: () => {} };
	return { decoder: new Resp3Decoder(sink), replies };
}

function bulk(size: number, fill: number): Buffer {
	return Buffer.concat([Buffer.from(`$${size}\r\n`), Buffer.alloc(size, fill), Buffer.from("\r\n")]);
}

/** Feeds `bytes` as a socket does: into `room()` where there is one, as a chunk that is overwritten afterwards where there is none. */
function feed(decoder: Resp3Decoder, bytes: Buffer, readBytes: number): { inPlace: number } {
	// A connection reads so many bytes at most where the decoder offers no room.
	const chunk = Buffer.alloc(Math.min(readBytes, 64 * 1024));
	let inPlace = 0;
	for (let at = 0; at < bytes.length; ) {
		const room = decoder.room();
		const length = Math.min(bytes.length - at, (room ?? chunk).length, readBytes);
		bytes.copy(room ?? chunk, 0, at, at + length);
		if (room === null) decoder.write(chunk.subarray(0, length));
		else {
			inPlace += length;
			decoder.filled(length);
		}
		chunk.fill(0x2a);
		at += length;
	}
	return { inPlace };
}

test.each([
	64 * 1024,
	40_000,
	16 * 1024,
])("A28 small Buffers are read in place, %i bytes a read, and stay as they were", (readBytes) => {
	const { decoder, replies } = decoderOf(ReplyMode.buffer);
	const sizes = Array.from({ length: 600 }, (_, i) => (i * 37) % 9000);
	const { inPlace } = feed(decoder, Buffer.concat(sizes.map((size, i) => bulk(size, i % 256))), readBytes);
	expect(inPlace).toBeGreaterThan(1_000_000);
	expect(replies).toHaveLength(sizes.length);
	for (const [i, value] of replies.entries())
		expect((value as Buffer).equals(Buffer.alloc(sizes[i] as number, i % 256))).toBe(true);
});

test.each([
	["64 KiB", 60_000, 64 * 1024],
	["128 KiB, in a stream of them,", 1024 * 1024, 128 * 1024],
])("A28 a Buffer read in place keeps at most %s alive, a large one its own bytes", (_, readBytes, most) => {
	const { decoder, replies } = decoderOf(ReplyMode.buffer);
	feed(decoder, Buffer.concat(Array.from({ length: 200 }, (_, i) => bulk(i % 10 === 0 ? 20_000 : 3000, 7))), readBytes);
	for (const value of replies as Buffer[]) {
		expect(value.buffer.byteLength).toBeLessThanOrEqual(value.length >= 16 * 1024 ? value.length : most);
	}
	expect((replies as Buffer[]).some((value) => value.buffer.byteLength === most)).toBe(true);
});

test("A28 values cut by the ends of reads do not end reading in place", () => {
	const { decoder } = decoderOf(ReplyMode.buffer);
	const frames = Buffer.concat(Array.from({ length: 400 }, () => bulk(2000, 1)));
	feed(decoder, frames, 64 * 1024);
	// The last bytes of a value, and nothing else.
	feed(decoder, bulk(9000, 1).subarray(0, 8900), 64 * 1024);
	feed(decoder, bulk(9000, 1).subarray(8900), 64 * 1024);
	expect(decoder.room()).not.toBeNull();
});

test("A28 where text is most of what comes, nothing is read in place", () => {
	const { decoder } = decoderOf(ReplyMode.string);
	const frames = Buffer.concat(Array.from({ length: 300 }, () => bulk(2000, 0x61)));
	expect(feed(decoder, frames, 64 * 1024).inPlace).toBe(0);
});

test("A28 reading in place ends with the first chunk that is mostly something else", () => {
	const { decoder, replies } = decoderOf(ReplyMode.buffer);
	feed(decoder, Buffer.concat(Array.from({ length: 40 }, () => bulk(2000, 1))), 64 * 1024);
	expect(decoder.room()).not.toBeNull();
	feed(decoder, Buffer.from("+OK\r\n".repeat(100)), 64 * 1024);
	expect(decoder.room()).toBeNull();
	expect(replies).toHaveLength(140);
});

test("A25 a header or value cut between two reads in place is put together", () => {
	const { decoder, replies } = decoderOf(ReplyMode.buffer);
	const frames = Buffer.concat([
		...Array.from({ length: 40 }, () => bulk(2000, 1)),
		Buffer.from("*3\r\n:12\r\n"),
		bulk(5000, 2),
		Buffer.from("+simple\r\n"),
		...Array.from({ length: 40 }, () => bulk(2000, 3)),
	]);
	for (let cut = 80_000; cut < 85_300; cut += 53) {
		replies.length = 0;
		feed(decoder, frames.subarray(0, 70_000), 64 * 1024);
		feed(decoder, frames.subarray(70_000, cut), 64 * 1024);
		feed(decoder, frames.subarray(cut), 64 * 1024);
		expect(replies[40]).toEqual([12, Buffer.alloc(5000, 2), "simple"]);
		expect(replies).toHaveLength(81);
	}
});
