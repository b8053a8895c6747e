/** Replies to HELLO and to what follows it: the connection is ready, or refused with one of four codes, and nothing tells the password. */
import { followUps, type HandshakeOptions, readHello } from "../../../src/connection/handshake.js";
import { ClientError } from "../../../src/errors.js";
import type { Reply } from "../../../src/resp/reply.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import { Broken } from "../broken.js";
import { drawFor, feed, randomCuts } from "../feed.js";
import type { Target } from "../targets.js";

const PASSWORD = "a secret of the caller's";
const CODES = new Set(["AUTH", "CLUSTER", "CONNECTION", "PROTOCOL"]);

/** "accepted", or the code of the refusal. */
function greeted(replies: readonly Reply[], options: HandshakeOptions): string {
	try {
		const verdict = readHello(replies[0] as Reply, options);
		if (verdict !== "fallback") {
			if (verdict.protocol !== options.protocol) throw new Broken("another protocol was agreed on");
			if (verdict.id !== null && typeof verdict.id !== "number") throw new Broken("the connection's number is none");
		}
		for (const [index, step] of followUps(verdict, options).entries()) {
			const reply = replies[index + 1];
			if (reply === undefined) break;
			step.accept(reply);
		}
		return "accepted";
	} catch (error) {
		if (!(error instanceof ClientError) || !CODES.has(error.code)) throw error;
		if (error.message.includes(PASSWORD)) throw new Broken("an error of the handshake tells the password");
		return error.code;
	}
}

export const handshake: Target = {
	name: "handshake",
	share: 6,
	seeds: ({ handshakes }) => handshakes,
	run: (input) => {
		const random = drawFor(input);
		const { events, refused } = feed("resp3", input, randomCuts(input, random), ReplyMode.string);
		const replies = events.flatMap((event) => ("reply" in event ? [event.reply] : []));
		if (replies.length === 0) return refused ?? "accepted";
		return greeted(replies, {
			node: "10.0.0.1:6379",
			protocol: random.pick([2, 3] as const),
			credentials: random.pick([undefined, { username: "alice", password: PASSWORD }]),
			name: random.pick([undefined, "worker"]),
			database: random.pick([0, 7]),
			mode: random.pick(["standalone", "cluster"] as const),
			readOnly: random.below(2) === 0,
		});
	},
};
