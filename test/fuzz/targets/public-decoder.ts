/** The Decoder of `slotwire/resp`: attributes and pushes handed over, and bounds of the caller's own. */
import { Decoder, type DecoderOptions } from "../../../src/resp/index.js";
import type { Decoded } from "../../support/frames.js";
import { bounded } from "../allocation.js";
import { drawFor, type Fed, mustAgree, randomCuts, refusalOf } from "../feed.js";
import type { Target } from "../targets.js";

type Options = Omit<DecoderOptions<"string" | "buffer">, "onReply" | "onPush" | "onAttribute">;

function decode(chunks: readonly Buffer[], options: Options): Fed {
	const events: Decoded["events"] = [];
	const decoder = new Decoder({
		...options,
		onReply: (reply) => events.push({ reply }),
		onPush: (push) => events.push({ push }),
		onAttribute: (attribute) => events.push({ attribute }),
	});
	let thrown: unknown;
	try {
		for (const chunk of chunks) decoder.write(chunk);
	} catch (error) {
		thrown = error;
	}
	return { events, refused: refusalOf(thrown) };
}

export const publicDecoder: Target = {
	name: "decoder",
	share: 6,
	seeds: ({ resp3 }) => resp3,
	run: (input) => {
		const random = drawFor(input);
		const options: Options = {
			replyType: random.pick(["string", "buffer"]),
			verbatim: random.pick([undefined, "raw"]),
			maxBulkBytes: random.pick([undefined, 1, 64, 4096]),
			maxDepth: random.pick([undefined, 1, 3]),
		};
		const whole = bounded(input.length, () => decode([input], options));
		const chunks = randomCuts(input, random);
		const parts = bounded(input.length, () => decode(chunks, options));
		mustAgree("whole and in parts", whole, parts);
		return whole.refused ?? "accepted";
	},
};
