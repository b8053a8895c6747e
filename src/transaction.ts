/** MULTI … EXEC: commands gathered by calls, sent in one piece, executed one after the other with nothing in between. */

import { commandSlot, sharedRefusal } from "./command-table.js";
import { fanOutScope, type Placed, place, remaining } from "./commands/any-command.js";
import type { Value } from "./commands/arguments.js";
import { Commands } from "./commands/commands.js";
import { taken } from "./commands/replies.js";
import type { Result, Results, Surface, Words } from "./commands/surface.js";
import type { Core, View } from "./core.js";
import { ClientError } from "./errors.js";
import type { Argument } from "./resp/encode.js";
import { type Reply, ReplyMode } from "./resp/reply.js";
import { keySlot } from "./slot.js";
import { TransactionRequest } from "./transaction-request.js";

/** In a transaction every call gives the transaction, which knows one type more. */
interface Queued<Text extends string | Buffer, T extends readonly unknown[]> extends Surface {
	readonly result: Transaction<Text, [...T, this["reply"]]>;
}

interface Item {
	readonly placed: Placed | Promise<Placed>;
	readonly name: string;
	readonly take: ((reply: never) => unknown) | undefined;
}

/**
 * The commands of one transaction. On a cluster all their keys have one slot: the first key pins it. `T` are the types of the replies, in call
 * order.
 *
 * @see https://valkey.io/topics/transactions/
 */
export class Transaction<Text extends string | Buffer = string, T extends readonly unknown[] = []> extends Commands<
	Text,
	Queued<Text, T>
> {
	readonly #core: Core;
	readonly #view: View;
	readonly #items: Item[] = [];
	/** Of the keys so far; -1: there were none. */
	#slot = -1;
	#executed = false;

	/** @internal */
	constructor(core: Core, view: View) {
		super();
		this.#core = core;
		// Nothing is borrowed: a transaction is sent whole, or not at all.
		this.#view = { ...view, limits: { ...view.limits, copy: true } };
	}

	/** Whether it is sent on the same connection as another, or by the same client. @internal */
	isFor(other: Transaction<Text, readonly []>): boolean {
		return other.#core === this.#core;
	}

	/** Commands gathered so far. */
	get length(): number {
		return this.#items.length;
	}

	/**
	 * Any command that goes to one node and leaves its connection as it was.
	 * @throws INVALID_ARGUMENT, CROSSSLOT, UNSUPPORTED
	 */
	command(name: string, ...args: Value[]): Transaction<Text, [...T, Reply<Text>]> {
		return this.#add([name, ...args], false);
	}

	/** @throws INVALID_ARGUMENT, CROSSSLOT and their kin, at once; so do all methods but `exec` */
	protected override send<R>(
		words: Words | (() => Words),
		take?: (reply: never) => R,
		bytes?: boolean,
	): Result<Queued<Text, T>, R> {
		return this.#add(typeof words === "function" ? words() : words, true, take, bytes);
	}

	#add<R>(words: Words, typed: boolean, take?: (reply: never) => R, bytes?: boolean): Result<Queued<Text, T>, R> {
		if (this.#executed) throw executedAlready();
		const placed = place(this.#core, this.#view, words, typed);
		// The reply to EXEC is one, and read in one way.
		if (bytes && this.#view.mode !== ReplyMode.buffer) {
			throw new ClientError("UNSUPPORTED", `${words[0]} is answered with bytes that are no text: use client.buffers.multi()`);
		}
		if (placed instanceof Promise) {
			// A refusal is reported by exec(); until then nobody else listens.
			placed.catch(() => {});
		} else this.#slot = this.#join(placed, this.#slot);
		this.#items.push({ placed, name: words[0] as string, take });
		return this as never;
	}

	/** The slot with one more command. @throws CROSSSLOT, UNSUPPORTED */
	#join(placed: Placed, pinned: number): number {
		const { args, info } = placed;
		const refusal = info === null ? null : sharedRefusal(args, info);
		if (refusal !== null) throw new ClientError("UNSUPPORTED", `not in a transaction: ${refusal}`);
		if (fanOutScope(this.#core, this.#view, placed) !== null) {
			throw new ClientError("UNSUPPORTED", `${info?.name} goes to several nodes of a cluster; use client.command()`);
		}
		const cluster = this.#core.settings.mode === "cluster";
		// Where slots do not matter for routing, the first key gives the transaction its place among other commands.
		if (!cluster && pinned !== -1) return pinned;
		const slot = cluster && placed.slot !== -1 ? placed.slot : slotOf(placed, cluster);
		if (slot === -1 || pinned === -1 || slot === pinned) return slot === -1 ? pinned : slot;
		const message = `${args[0]} has keys of slot ${slot}, and the transaction is pinned to slot ${pinned}; a {tag} puts keys into one slot`;
		throw new ClientError("CROSSSLOT", message);
	}

	/**
	 * Executes them: `MULTI`, the commands, `EXEC` in one write. A redirection means that nothing was executed, and takes all of them elsewhere.
	 * With no commands nothing is sent.
	 * @returns for each command its reply, or its error: the others were executed all the same
	 * @throws EXECABORT when a command was refused, with its error as `cause`: nothing was executed; WATCH when a key changed that this connection
	 * watches, or the watch was lost: nothing was executed; TIMEOUT, CONNECTION with `maybeExecuted`: all of it was executed or nothing
	 * @see https://valkey.io/commands/exec/
	 */
	exec(): Promise<Results<Text, T>> {
		return this.execWithin(this.#view.timeoutMs);
	}

	/** @internal */
	async execWithin(timeoutMs: number): Promise<Results<Text, T>> {
		if (this.#executed) throw executedAlready();
		this.#executed = true;
		const items = this.#items;
		if (items.length === 0) return [] as never;
		const started = performance.now();
		const pending = items.some(({ placed }) => placed instanceof Promise);
		// Awaited only where a server had to be asked about a command: otherwise it keeps its place among the calls of its tick.
		const all = (pending ? await Promise.all(items.map(({ placed }) => placed)) : items.map(({ placed }) => placed)) as Placed[];
		const slot = pending ? all.reduce((pinned, placed) => this.#join(placed, pinned), this.#slot) : this.#slot;
		return new Promise((resolve, reject) => {
			const request = new TransactionRequest(all, slot, this.#view.mode, (replies) => resolve(this.#take(replies)), reject);
			const view = { ...this.#view, timeoutMs };
			this.#core.start(request, pending ? remaining(view, started).timeoutMs : timeoutMs, view.signal);
		});
	}

	#take(replies: Reply[]): Results<Text, T> {
		const results = this.#items.map(({ name, take }, i) => {
			const reply = replies[i] as Reply;
			return take === undefined || reply instanceof ClientError ? reply : taken(name, reply, take);
		});
		return results as Results<Text, T>;
	}
}

/** The slot of a command's keys; on one server that of the first of them. */
function slotOf({ args, info }: Placed, cluster: boolean): number {
	if (info === null || !info.keysKnown) return -1;
	if (cluster) return commandSlot(args, info);
	const first = info.keys(args)[0];
	return first === undefined ? -1 : keySlot(args[first] as Argument);
}

function executedAlready(): ClientError {
	return new ClientError("INVALID_ARGUMENT", "the transaction was executed already");
}
