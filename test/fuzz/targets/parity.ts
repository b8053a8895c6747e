/**
 * Both decoders on the same bytes.
 *
 * | RESP2 decoder | RESP3 decoder |
 * |---|---|
 * | accepts | accepts, the same values |
 * | refuses bytes without a type that only RESP3 has | refuses, after the same values |
 * | refuses others | had at least the same values by then |
 */
import { Broken } from "../broken.js";
import { drawFor, feed, mustAgree, randomCuts, randomMode } from "../feed.js";
import { beginsWith } from "../same.js";
import type { Target } from "../targets.js";

const RESP3_ONLY = /[#,(!=%~>|.;?]/;

export const parity: Target = {
	name: "parity",
	share: 16,
	seeds: ({ resp2 }) => resp2,
	run: (input) => {
		const random = drawFor(input);
		const mode = randomMode(random);
		const chunks = randomCuts(input, random);
		const two = feed("resp2", input, chunks, mode);
		const three = feed("resp3", input, chunks, mode);
		if (two.refused === null || !RESP3_ONLY.test(input.toString("latin1"))) mustAgree("by both decoders", two, three);
		else if (!beginsWith(three.events, two.events))
			throw new Broken("what the RESP2 decoder read before it refused, the RESP3 decoder read otherwise");
		return two.refused ?? "accepted";
	},
};
