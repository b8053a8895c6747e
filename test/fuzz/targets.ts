/** All that reads bytes, or replies, of a peer: each with what it may make of an input. Everything else is a finding. */
import type { Corpus } from "./corpus.js";
import { handshake } from "./targets/handshake.js";
import { inPlace, inPlaceLong } from "./targets/in-place.js";
import { parity } from "./targets/parity.js";
import { publicDecoder } from "./targets/public-decoder.js";
import { redirection } from "./targets/redirection.js";
import { resp2, resp3 } from "./targets/split.js";
import { topology } from "./targets/topology.js";

export interface Target {
	readonly name: string;
	/** Of all inputs, out of 100. */
	readonly share: number;
	seeds(corpus: Corpus): readonly Buffer[];
	/**
	 * Reads one input; the same input is always read in the same way.
	 *
	 * | outcome | means |
	 * |---|---|
	 * | "accepted" | values, or the beginning of some |
	 * | a code | refused with this error, as the contract says |
	 * | throws | a finding: the contract is broken |
	 */
	run(input: Buffer): string;
}

export const targets: readonly Target[] = [
	resp3,
	resp2,
	parity,
	publicDecoder,
	inPlace,
	inPlaceLong,
	topology,
	redirection,
	handshake,
];
