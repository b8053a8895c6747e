/** Gives an input to a decoder, whole and in parts, and holds what came out against what may. */
import { ProtocolError } from "../../src/errors.js";
import { ReplyMode } from "../../src/resp/reply.js";
import { byteByByte, cut, type Decoded, type DecoderName, decodeChunks } from "../support/frames.js";
import { Random } from "../support/random.js";
import { bounded } from "./allocation.js";
import { Broken } from "./broken.js";
import { hashOf } from "./hash.js";
import { sameEvents } from "./same.js";

export interface Fed {
	events: Decoded["events"];
	/** The code of the error that ended it; null: it waits for more. */
	refused: string | null;
}

/** Longer inputs are not given byte by byte. */
const MAX_SINGLE_BYTES = 2048;

/** What is drawn for an input is drawn from its bytes. */
export function drawFor(input: Buffer): Random {
	return new Random(hashOf(input));
}

export function randomMode(random: Random): ReplyMode {
	return random.pick([ReplyMode.string, ReplyMode.buffer, ReplyMode.into]);
}

export function randomCuts(input: Buffer, random: Random): Buffer[] {
	if (input.length <= MAX_SINGLE_BYTES && random.below(24) === 0) return byteByByte(input);
	return cut(input, ...Array.from({ length: random.between(1, 4) }, () => random.below(input.length + 1)));
}

/** @throws whatever is thrown that is no ProtocolError: only that is allowed. Broken: too much was allocated */
export function feed(name: DecoderName, input: Buffer, chunks: readonly Buffer[], mode: ReplyMode): Fed {
	const { events, thrown } = bounded(input.length, () => decodeChunks(name, chunks, mode));
	return { events, refused: refusalOf(thrown) };
}

export function refusalOf(thrown: unknown): string | null {
	if (thrown === undefined) return null;
	if (thrown instanceof ProtocolError) return thrown.code;
	throw thrown;
}

/** @throws Broken when the same bytes, cut elsewhere, were read otherwise */
export function mustAgree(what: string, one: Fed, other: Fed): void {
	if (one.refused !== other.refused) throw new Broken(`${what}: one is ${verdict(one)}, the other ${verdict(other)}`);
	if (!sameEvents(one.events, other.events)) throw new Broken(`${what}: the values differ`);
}

function verdict({ refused, events }: Fed): string {
	return `${refused === null ? "accepted" : "refused"} after ${events.length} values`;
}
