/** What an error reply asks of the client. Pure: one classifier for every topology. */
import type { ClientError } from "./errors.js";
import { type Command, CommandFlag, type Endpoint } from "./request.js";
import { SLOT_COUNT } from "./slot.js";

/**
 * | kind | server's word | remedy |
 * |---|---|---|
 * | moved | MOVED slot host:port | the slot lives there now: remember it, send again there |
 * | ask | ASK slot host:port | this one command goes there, behind ASKING; remember nothing |
 * | split | TRYAGAIN to a multi-key command of a batch | one command per key |
 * | later | TRYAGAIN, LOADING, CLUSTERDOWN, MASTERDOWN | nothing was executed: send again after a pause |
 * | fail | anything else | the caller's |
 *
 * `host` is empty where the server named none: the node that answered is meant. `?` is a node whose address nobody knows.
 */
export type Refusal =
	| { readonly kind: "moved" | "ask"; readonly slot: number; readonly host: string; readonly port: number }
	| { readonly kind: "split" | "later" | "fail" };

const fail: Refusal = { kind: "fail" };
const later: Refusal = { kind: "later" };

export function classify(error: ClientError, command: Command): Refusal {
	const script = (command.flags & CommandFlag.script) !== 0;
	switch (error.code) {
		case "MOVED":
		case "ASK": {
			const target = parseRedirection(error.message);
			if (target === null || (script && target.slot !== command.slot)) return fail;
			return { kind: error.code === "MOVED" ? "moved" : "ask", ...target };
		}
		case "TRYAGAIN":
			if (script) return fail;
			return (command.flags & CommandFlag.splittable) !== 0 ? { kind: "split" } : later;
		case "LOADING":
		case "CLUSTERDOWN":
		case "MASTERDOWN":
			return script ? fail : later;
		default:
			return fail;
	}
}

/** `MOVED 5061 host:port`, the address split at its last colon: IPv6 comes bare or in brackets. Null: not a legal redirection. */
export function parseRedirection(message: string): { slot: number; host: string; port: number } | null {
	const match = /^\S+ (\d{1,5}) (\S*):(\d{1,5})$/.exec(message);
	if (match === null) return null;
	const slot = Number(match[1]);
	const port = Number(match[3]);
	if (slot >= SLOT_COUNT || port < 1 || port > 65_535) return null;
	const host = (match[2] as string).replace(/^\[(.*)\]$/, "$1");
	return { slot, host, port };
}

/** Where a redirection leads, given who answered; null for a node of unknown address. */
export function resolveRedirection(target: { host: string; port: number }, origin: Endpoint): Endpoint | null {
	if (target.host === "?") return null;
	return { host: target.host === "" ? origin.host : target.host, port: target.port };
}
