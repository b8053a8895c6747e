/**
 * Pairs SUBSCRIBE, UNSUBSCRIBE and their kin with what answers them: not one reply, but one confirmation per channel,
 *
 *     [kind, channel, count]      kind: the command's name in lower case
 *
 * a push in RESP3 and an ordinary array in RESP2. Only a connection that was told to expect them looks for them.
 *
 * A server says `sunsubscribe` unasked as well, when a slot leaves it. Where a SUNSUBSCRIBE of that very channel is under way nobody can tell
 * whose word it is: it counts as the answer, and an error that the command gets all the same arrives late, under the PING that whoever
 * shares a connection sends behind each SUNSUBSCRIBE.
 *
 * @see https://valkey.io/topics/pubsub/
 */
import { asText, isWord } from "../command-keys.js";
import type { ClientError } from "../errors.js";
import type { Command } from "../request.js";
import { type Reply, ReplyMode } from "../resp/reply.js";

const COMMAND = /^([ps]?)(un)?subscribe$/;
const MESSAGE = /^[ps]?message$/;
/** What SUNSUBSCRIBE is refused with once its slot is gone; PING never is. */
const SLOT_GONE = /^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|NOSUB)$/;

/** Whether confirmations answer a command of this name, in any case. */
export function isSubscription(name: string): boolean {
	return COMMAND.test(name.toLowerCase());
}

export class Subscriptions {
	/** Subscribed names by kind: `s` of sharded channels, `p` of patterns, `` of channels. */
	readonly #names = new Map<string, Set<string>>();
	/** Confirmations that the command at hand still waits for; 0: it has got none yet. */
	#left = 0;
	/** The command that was answered last is a SUNSUBSCRIBE, and may be refused still. */
	#mayBeRefused = false;

	/** Whether messages may come. */
	get active(): boolean {
		for (const names of this.#names.values()) if (names.size > 0) return true;
		return false;
	}

	/** Whether `items` answers `command`: "last" settles it. "unasked": it is the server's own word. */
	confirms(items: readonly Reply[], command: Command | undefined): "no" | "more" | "last" | "unasked" {
		const kind = String(items[0]);
		const match = COMMAND.exec(kind);
		if (match === null) return "no";
		const names = this.#namesOf(match[1] as string);
		const name = textOf(items[1]);
		const answers = command !== undefined && kind === asText(command.args[0] ?? "", 16)?.toLowerCase();
		if (!answers || !this.#isNext(kind, name, command)) return kind === "sunsubscribe" && names.delete(name) ? "unasked" : "no";
		// Without arguments: one per name that was subscribed, and one with null when none was.
		if (this.#left === 0) this.#left = command.args.length > 1 ? command.args.length - 1 : Math.max(1, names.size);
		if (match[2] === undefined) names.add(name);
		else names.delete(name);
		this.#left -= 1;
		this.#mayBeRefused = kind === "sunsubscribe";
		return this.#left === 0 ? "last" : "more";
	}

	/** Channels are confirmed in the order of the command; any other is one that its slot took along. */
	#isNext(kind: string, name: string, { args }: Command): boolean {
		if (kind !== "sunsubscribe" || args.length === 1) return true;
		const next = args[args.length - (this.#left === 0 ? args.length - 1 : this.#left)];
		return name === (typeof next === "string" ? textOf(next) : Buffer.from(next ?? "").toString("latin1"));
	}

	/** Whether an array on a RESP2 connection is a message and no reply. */
	isMessage(items: readonly Reply[]): boolean {
		return this.active && MESSAGE.test(String(items[0]));
	}

	/** Whether an error is the late answer to a SUNSUBSCRIBE that counted as confirmed, and none to `command`. */
	isLate(error: ClientError, command: Command | undefined): boolean {
		return this.#mayBeRefused && command !== undefined && isWord(command.args[0] ?? "", "PING") && SLOT_GONE.test(error.code);
	}

	/** The command at hand was answered, whole; or that was the late answer to the one before. */
	answered(command: Command | null): void {
		this.#left = 0;
		if (command === null || !isWord(command.args[0] ?? "", "SUNSUBSCRIBE")) this.#mayBeRefused = false;
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
