/** A decoder by itself: what it makes of bytes does not depend on where they are cut. */
import type { DecoderName } from "../../support/frames.js";
import type { Corpus } from "../corpus.js";
import { drawFor, feed, mustAgree, randomCuts, randomMode } from "../feed.js";
import type { Target } from "../targets.js";

function splitTarget(name: DecoderName, share: number, seeds: (corpus: Corpus) => readonly Buffer[]): Target {
	return {
		name,
		share,
		seeds,
		run: (input) => {
			const random = drawFor(input);
			const mode = randomMode(random);
			const whole = feed(name, input, [input], mode);
			mustAgree("whole and in parts", whole, feed(name, input, randomCuts(input, random), mode));
			return whole.refused ?? "accepted";
		},
	};
}

export const resp3 = splitTarget("resp3", 34, ({ resp3 }) => resp3);
export const resp2 = splitTarget("resp2", 22, ({ resp2 }) => resp2);
