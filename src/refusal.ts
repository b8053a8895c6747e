/** What an error reply, or a lost connection, asks of the client. Pure: one classifier for every topology. */
import type { Endpoint } from "./endpoint.js";
import { ClientError, WrongModeError } from "./errors.js";
import { type Attempt, type Command, CommandFlag } from "./request.js";
import { ReplyMode } from "./resp/reply.js";
import { isUnknownScript } from "./script.js";
import { SLOT_COUNT } from "./slot.js";

/**
 * | kind | server's word | remedy |
 * |---|---|---|
 * | moved | MOVED slot host:port | the slot lives there now: remember it, send again there |
 * | ask | ASK slot host:port | this one command goes there, behind ASKING; remember nothing |
 * | split | TRYAGAIN to a multi-key command of a batch | one command per key |
 * | later | TRYAGAIN, LOADING, MASTERDOWN | nothing was executed: send again after a pause |
 * | down | CLUSTERDOWN | one node's opinion: ask the others for theirs, send again after a pause |
 * | demoted | READONLY | the node is no primary any more: find out who is, send again after a pause |
 * | forgotten | NOAUTH, or that the command is too long for a stranger | the server does not know the connection any more: make it anew, send again there |
 * | busy | BUSY, NOREPLICAS | the node is well and may be ready soon: a few pauses, then the caller's |
 * | unknown-script | NOSCRIPT to a script whose text is known here | nothing was executed: send again with the text |
 * | fail | anything else | the caller's |
 *
 * `host` is empty where the server named none: the node that answered is meant. `?` is a node whose address nobody knows.
 */
export type Refusal =
	| { readonly kind: "moved" | "ask"; readonly slot: number; readonly host: string; readonly port: number }
	| { readonly kind: "split" | "later" | "down" | "demoted" | "forgotten" | "busy" | "unknown-script" | "fail" };

/** How often a command that met a busy node is sent again. */
export const BUSY_ATTEMPTS = 5;
/** The same for one whose connection the server forgot: each time it had been greeted anew. */
export const FORGOTTEN_ATTEMPTS = 3;

const fail: Refusal = { kind: "fail" };
const later: Refusal = { kind: "later" };
const forgotten: Refusal = { kind: "forgotten" };

/** Instead of NOAUTH, when a command has more than 10 arguments or one of more than 16 KiB; the server hangs up after it. */
const TOO_LONG_FOR_A_STRANGER = /^ERR Protocol error: unauthenticated (multi)?bulk length/;

/** @param byReplica it was answered by a node where nothing can have been changed */
export function classify(error: ClientError, command: Command, byReplica = false): Refusal {
	const script = (command.flags & CommandFlag.script) !== 0;
	if (error.code === "MOVED" || error.code === "ASK") {
		const target = parseRedirection(error.message);
		if (target === null || (script && target.slot !== command.slot)) return fail;
		return { kind: error.code === "MOVED" ? "moved" : "ask", ...target };
	}
	if (command.script !== undefined && isUnknownScript(error, command)) return { kind: "unknown-script" };
	// Any other code may come from inside the script, when effects already exist.
	if (script && !byReplica) return fail;
	switch (error.code) {
		case "TRYAGAIN":
			return (command.flags & CommandFlag.splittable) !== 0 ? { kind: "split" } : later;
		case "LOADING":
		case "MASTERDOWN":
			return later;
		case "CLUSTERDOWN":
			return { kind: "down" };
		case "READONLY":
			return { kind: "demoted" };
		case "NOAUTH":
			return forgotten;
		case "ERR":
			return TOO_LONG_FOR_A_STRANGER.test(error.message) ? forgotten : fail;
		case "BUSY":
		case "NOREPLICAS":
			return { kind: "busy" };
		default:
			return fail;
	}
}

const anything: Command = {
	args: [],
	slot: -1,
	flags: 0,
	mode: ReplyMode.string,
	elements: 0,
	target: null,
	bytes: 0,
	blockMs: 0,
};

/** Whether a server's word is one after which the same may be said again later: nothing of it was executed. */
export function mayPass(error: ClientError): boolean {
	return classify(error, anything).kind !== "fail";
}

/**
 * A command that was in flight on so many connections when they were lost is given up. From its third time on it was alone in flight:
 * it is its own reply that the server hangs up on.
 */
export const MAX_LOSSES = 5;

/**
 * Whether a command whose connection was lost is sent again: it was never written, or it changes nothing and may work next time.
 * A batch's command for several keys is not: the batch asks for fewer.
 */
export function mayRepeat(attempt: Attempt, cause: ClientError, written: boolean, maxAttempts: number): boolean {
	if (isHopeless(cause)) return false;
	if (!written) return true;
	const { flags } = attempt.subject;
	if ((flags & CommandFlag.readOnly) === 0 || (flags & CommandFlag.splittable) !== 0) return false;
	return cause.code !== "PROTOCOL" && attempt.losses < MAX_LOSSES && attempt.losses <= maxAttempts;
}

/** Errors that no reconnection mends: waiting callers are told at once. */
export function isHopeless(error: ClientError): boolean {
	return error.code === "AUTH" || error instanceof WrongModeError;
}

/** A primary became a replica, or lost the slot, and let go of those whom it blocked; CLIENT UNBLOCK has the same code. */
export function isForcedUnblock(error: ClientError): boolean {
	return error.code === "UNBLOCKED" && /force unblock/i.test(error.message);
}

/** The error of a command whose connection ended before its reply. */
export function unanswered(attempt: Attempt, cause: ClientError, written: boolean): ClientError {
	const error = new ClientError(cause.code, cause.message, { cause: cause.cause ?? cause });
	if (written) error.maybeExecuted = attempt.inDoubt;
	return error;
}

/** `MOVED 5061 host:port`, the address split at its last colon: IPv6 comes bare or in brackets. Null: not a legal redirection. */
export function parseRedirection(message: string): { slot: number; host: string; port: number } | null {
	const match = /^\S+ (\d{1,5}) (\S*):(\d{1,5})$/.exec(message);
	if (match === null) return null;
	const slot = Number(match[1]);
	const port = Number(match[3]);
	const host = (match[2] as string).replace(/^\[(.*)\]$/, "$1");
	// Redis knows the owner and has lost its address: it met another node there.
	if (host === "" && port === 0 && slot < SLOT_COUNT) return { slot, host: "?", port };
	if (slot >= SLOT_COUNT || port < 1 || port > 65_535) return null;
	return { slot, host, port };
}

/** Where a redirection leads, given who answered; null for a node of unknown address. */
export function resolveRedirection(target: { host: string; port: number }, origin: Endpoint): Endpoint | null {
	if (target.host === "?") return null;
	return { host: target.host === "" ? origin.host : target.host, port: target.port };
}
