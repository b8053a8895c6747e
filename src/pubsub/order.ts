import { ClientError } from "../errors.js";
import { type Command, type Entry, type Link, weightOf } from "../request.js";
import type { Argument } from "../resp/encode.js";
import { type Reply, ReplyMode } from "../resp/reply.js";

const ping = commandOf(["PING"]);

/**
 * One command that subscribes or unsubscribes, on its way. It is never given up: what became of it has to be known. Behind SUNSUBSCRIBE
 * travels a PING, under which a late refusal is found (see `connection/subscriptions.ts`).
 */
export class Order implements Entry {
	readonly abandoned = false;
	readonly internal = true;
	readonly losses = 0;
	readonly frames = null;
	readonly deadline: number;
	link: Link | null = null;
	borrowedUpTo = 0;
	readonly #commands: readonly Command[];
	/** Null: confirmed. */
	readonly #done: (error: ClientError | null, lost: boolean) => void;
	#refusal: ClientError | null = null;

	/**
	 * @param timeoutMs how long a connection that is silent meanwhile is believed in
	 * @param done called once; `lost`: with the connection
	 */
	constructor(args: readonly Argument[], timeoutMs: number, done: (error: ClientError | null, lost: boolean) => void) {
		const command = commandOf(args);
		this.#commands = args[0] === "SUNSUBSCRIBE" ? [command, ping] : [command];
		this.deadline = performance.now() + timeoutMs;
		this.#done = done;
	}

	get size(): number {
		return this.#commands.length;
	}

	command(index: number): Command {
		return this.#commands[index] as Command;
	}

	answered(index: number, reply: Reply): void {
		if (index === 0) this.#refusal = reply instanceof ClientError ? reply : null;
		if (index === this.size - 1) this.#done(this.#refusal, false);
	}

	lost(index: number, error: ClientError): void {
		if (index === this.size - 1) this.#done(error, true);
	}
}

/** Read as Buffers, so that what comes between is: in RESP2 messages are arrays like any reply. */
function commandOf(args: readonly Argument[]): Command {
	return { args, slot: -1, flags: 0, mode: ReplyMode.buffer, elements: 0, target: null, bytes: weightOf(args), blockMs: 0 };
}
