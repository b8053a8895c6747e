/**
 * The way of a socket: bytes are read straight into the memory that the decoder offers, where it offers some. In mode `into` that is the
 * caller's: what lies there in the end is what reads as a Buffer otherwise.
 */

import { type Reply, ReplyMode } from "../../../src/resp/reply.js";
import { createDecoder, type DecoderName, RecordingSink } from "../../support/frames.js";
import type { Random } from "../../support/random.js";
import { bounded } from "../allocation.js";
import { drawFor, type Fed, feed, mustAgree, randomMode, refusalOf } from "../feed.js";
import { MAX_INPUT_BYTES } from "../mutate.js";
import type { Target } from "../targets.js";

/** Larger than any value in an input. */
const lent = Buffer.allocUnsafeSlow(MAX_INPUT_BYTES);

/** Replies that were read into the lent memory, as Buffers. */
class LendingSink extends RecordingSink {
	#isLent = false;

	override target(): Uint8Array {
		this.#isLent = true;
		return lent;
	}

	override reply(value: Reply): void {
		super.reply(this.#isLent ? Buffer.from(lent.subarray(0, value as number)) : value);
		this.#isLent = false;
	}
}

/** As `socket.ts` does it; every chunk is overwritten behind the decoder's back, except where the memory is its own. */
function feedAsSocket(name: DecoderName, input: Buffer, mode: ReplyMode, random: Random, mostBytes: number): Fed {
	const sink = new LendingSink(mode);
	const decoder = createDecoder(name, sink);
	let thrown: unknown;
	try {
		for (let at = 0; at < input.length; ) {
			const read = input.subarray(at, at + random.between(1, mostBytes));
			const room = decoder.room();
			const length = room === null ? read.length : Math.min(room.length, read.length);
			if (room === null) {
				const chunk = Buffer.from(read);
				decoder.write(chunk);
				chunk.fill(0x2e);
			} else {
				read.copy(room, 0, 0, length);
				decoder.filled(length);
			}
			at += length;
		}
	} catch (error) {
		thrown = error;
	}
	return { events: sink.events, refused: refusalOf(thrown) };
}

/** @param mostBytes that one read of the socket brings */
function readAsSocket(mostBytes: number): Target["run"] {
	return (input) => {
		const random = drawFor(input);
		const mode = randomMode(random);
		const name = random.pick(["resp3", "resp2"] as const);
		const whole = feed(name, input, [input], mode === ReplyMode.into ? ReplyMode.buffer : mode);
		const read = bounded(input.length, () => feedAsSocket(name, input, mode, random, mostBytes));
		mustAgree("whole and read in place", whole, read);
		return whole.refused ?? "accepted";
	};
}

/** Values that span reads, slabs and the sizes at which memory is taken differently. */
export const inPlaceLong: Target = {
	name: "in-place-long",
	share: 0.2,
	seeds: ({ long }) => long,
	run: readAsSocket(64 * 1024),
};

/** Any reply, cut anywhere by reads of a few bytes. */
export const inPlace: Target = {
	name: "in-place",
	share: 10,
	seeds: ({ resp2, resp3 }) => [...resp2, ...resp3],
	run: readAsSocket(40),
};
