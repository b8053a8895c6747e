/**
 * Pairs SUBSCRIBE, UNSUBSCRIBE and their kin with what answers them: not one reply, but one confirmation per channel,
 *
 *     [kind, channel, count]      kind: the command's name in lower case
 *
 * a push in RESP3 and an ordinary array in RESP2. Only a connection that was told to expect them looks for them.
 *
 * @see https://valkey.io/topics/pubsub/
 */
import { asText } from "../command-keys.js";
import type { Command } from "../request.js";
import { type Reply, ReplyMode } from "../resp/reply.js";

const COMMAND = /^([ps]?)(un)?subscribe$/;
const MESSAGE = /^[ps]?message$/;

/** Whether confirmations answer a command of this name, in any case. */
export function isSubscription(name: string): boolean {
	return COMMAND.test(name.toLowerCase());
}

export class Subscriptions {
	/** Subscribed names by kind: `s` of sharded channels, `p` of patterns, `` of channels. */
	readonly #names = new Map<string, Set<string>>();
	/** Confirmations that the command at hand still waits for; 0: it has got none yet. */
	#left = 0;

	/** Whether messages may come. */
	get active(): boolean {
		for (const names of this.#names.values()) if (names.size > 0) return true;
		return false;
	}

	/** Whether `items` answers `command`: "last" settles it. */
	confirms(items: readonly Reply[], command: Command): "no" | "more" | "last" {
		const kind = String(items[0]);
		const match = COMMAND.exec(kind);
		if (match === null || kind !== asText(command.args[0] ?? "", 16)?.toLowerCase()) return "no";
		const names = this.#namesOf(match[1] as string);
		// Without arguments: one per name that was subscribed, and one with null when none was.
		if (this.#left === 0) this.#left = command.args.length > 1 ? command.args.length - 1 : Math.max(1, names.size);
		const name = textOf(items[1]);
		if (match[2] === undefined) names.add(name);
		else names.delete(name);
		this.#left -= 1;
		return this.#left === 0 ? "last" : "more";
	}

	/** Whether an array on a RESP2 connection is a message and no reply. */
	isMessage(items: readonly Reply[]): boolean {
		return this.active && MESSAGE.test(String(items[0]));
	}

	#namesOf(type: string): Set<string> {
		const known = this.#names.get(type);
		if (known !== undefined) return known;
		const names = new Set<string>();
		this.#names.set(type, names);
		return names;
	}
}

/** A confirmation as its caller gets it: pushes come with Buffers, whatever the caller's mode. */
export function asReply(items: readonly Reply[], mode: ReplyMode): Reply {
	const [kind, name, count] = items;
	return [String(kind), mode === ReplyMode.string && Buffer.isBuffer(name) ? name.toString() : (name ?? null), count ?? null];
}

/** One character per byte: names are bytes. */
function textOf(name: Reply | undefined): string {
	return Buffer.isBuffer(name) ? name.toString("latin1") : Buffer.from(String(name)).toString("latin1");
}
