/**
 * Error replies as a cluster reads them: MOVED and ASK lead to a slot that exists and an address that can be dialled, or are the caller's.
 */
import { formatEndpoint } from "../../../src/endpoint.js";
import { ReplyError } from "../../../src/errors.js";
import { classify, type Refusal, resolveRedirection } from "../../../src/refusal.js";
import { type Command, CommandFlag } from "../../../src/request.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import { SLOT_COUNT } from "../../../src/slot.js";
import { Broken } from "../broken.js";
import { drawFor, feed, randomCuts } from "../feed.js";
import type { Target } from "../targets.js";

const origin = { host: "10.0.0.1", port: 7000 };
const SLOT = 5061;

const command = (flags: number): Command => ({
	args: ["GET", "bar"],
	slot: SLOT,
	flags,
	mode: ReplyMode.string,
	elements: 0,
	target: null,
	bytes: 6,
	blockMs: 0,
});
const plain = command(CommandFlag.readOnly);
const batch = command(CommandFlag.splittable);
const script = command(CommandFlag.script);

function check(refusal: Refusal, asked: Command): void {
	if (refusal.kind !== "moved" && refusal.kind !== "ask") {
		if (asked === script && refusal.kind !== "fail") throw new Broken("a script that may have run would be sent again");
		if (refusal.kind === "split" && asked !== batch) throw new Broken("a single command cannot be split");
		return;
	}
	const { slot } = refusal;
	if (!Number.isInteger(slot) || slot < 0 || slot >= SLOT_COUNT) throw new Broken("a redirection names no slot");
	if (asked === script && slot !== SLOT) throw new Broken("a script follows a redirection of another slot");
	const endpoint = resolveRedirection(refusal, origin);
	// An owner whose address is not known: a refresh will tell.
	if (endpoint === null) return;
	const { port } = endpoint;
	if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Broken("a redirection leads to no port");
	if (endpoint.host === "" || /\s/.test(endpoint.host)) throw new Broken("a redirection leads to no host");
	formatEndpoint(endpoint);
}

export const redirection: Target = {
	name: "redirection",
	share: 6,
	seeds: ({ redirections }) => redirections,
	run: (input) => {
		const random = drawFor(input);
		const { events, refused } = feed("resp3", input, randomCuts(input, random), ReplyMode.string);
		let outcome = refused ?? "accepted";
		for (const event of events) {
			if (!("reply" in event) || !(event.reply instanceof ReplyError)) continue;
			event.reply.withoutArguments();
			for (const asked of [plain, batch, script]) {
				const refusal = classify(event.reply, asked);
				check(refusal, asked);
				if (asked === plain) outcome = refusal.kind;
			}
		}
		return outcome;
	},
};
