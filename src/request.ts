/**
 * The units that travel through the client.
 *
 *     Command   one server command: arguments, slot, how its reply is read
 *     Entry     commands that go to one connection together: written in one piece, answered in order, one place in its in-flight queue
 *     Request   an entry somebody waits for: `SingleRequest` (one command, one promise) or `GroupRequest` (a chunk of a batch)
 *     Attempt   one command of a request on its way again: redirected, held back, or waiting for a new connection
 */
import { type Endpoint, formatEndpoint } from "./endpoint.js";
import { ClientError, ReplyError } from "./errors.js";
import { type Argument, BORROWED_BYTES } from "./resp/encode.js";
import type { Reply, ReplyMode } from "./resp/reply.js";
import { isUnknownScript, type ScriptRun } from "./script.js";
import { keySlot } from "./slot.js";
import { Trail } from "./trail.js";

/** Bits of {@link Command.flags}. */
export const CommandFlag = {
	/** Changes nothing on the server: sent again when its connection is lost before the reply. */
	readOnly: 1,
	/** EVAL, FCALL and kin: an error code may come from inside the script, when effects already exist. */
	script: 2,
	/** A multi-key command of a batch: when the server cannot answer for all of its keys, the batch asks for fewer. */
	splittable: 4,
	/** An argument is borrowed from the caller, not copied. */
	borrows: 8,
	/** Inside a transaction: its reply says that it was queued, not that it was executed. */
	queued: 16,
	/** It calls a script by its hash; {@link Command.script} has the text, should the server not know it. */
	byHash: 32,
	/** Its reply is dealt out, or added up, by a batch: that it was queued would say nothing. */
	combined: 64,
	/** `args[1]` is its first key. The bits from here up are that index, see {@link keyedAt}. */
	keyed: 256,
} as const;

const KEY_SHIFT = 8;

/** The bits of {@link Command.flags} that say which argument is the first key; 0: none. */
export function keyedAt(index: number): number {
	return index << KEY_SHIFT;
}

/** `CommandFlag.borrows` when an argument is borrowed from the caller, 0 otherwise. */
export function borrowFlag(args: readonly Argument[]): number {
	for (const arg of args) if (typeof arg !== "string" && arg.byteLength >= BORROWED_BYTES) return CommandFlag.borrows;
	return 0;
}

/** What arguments weigh: their bytes, strings by their characters. */
export function weightOf(args: readonly Argument[]): number {
	let bytes = 0;
	for (let i = 0; i < args.length; i++) bytes += (args[i] as Argument).length;
	return bytes;
}

export interface Command {
	readonly args: readonly Argument[];
	/** Slot of its keys; -1 when it has none, or where the slot does not matter. */
	readonly slot: number;
	readonly flags: number;
	readonly mode: ReplyMode;
	/** The reply is an array of exactly this many elements, or the connection is out of step; 0: not checked. */
	readonly elements: number;
	/** Mode `into`: where the value goes. */
	readonly target: Uint8Array | null;
	/** {@link weightOf} its arguments. */
	readonly bytes: number;
	/** Milliseconds for which the server may rightly keep silent about it. */
	readonly blockMs: number;
	/** With `CommandFlag.byHash`. */
	readonly script?: ScriptRun;
}

/** The slot of its first key, within which a command keeps its place among others, also where slots do not matter for routing; -1: it has none. */
export function orderOf({ slot, flags, args }: Command): number {
	const key = flags >> KEY_SHIFT;
	// Of a standalone server's batch, `slot` is no more than the number of its lane.
	return key === 0 ? slot : keySlot(args[key] as Argument);
}

/** Told what becomes of the commands of one slot that a connection still owes. */
export interface SlotWatcher {
	/** A command that changes something was executed. */
	wrote(): void;
	/** None is left; said once. */
	cleared(): void;
}

/** A connection, as the commands see it that were written to it. */
export interface Link {
	readonly endpoint: Endpoint;
	/** It reads from a replica. */
	readonly readOnly: boolean;
	/**
	 * The caller gives up an entry. Null: nothing of the caller's memory is in use. Otherwise the connection was ended on that account, and the
	 * promise resolves once it is closed.
	 */
	giveUp(entry: Entry): Promise<void> | null;
	/** Tells `watcher` about the commands of a slot that were sent here and have not come back; false when there is none. */
	watch(slot: number, watcher: SlotWatcher): boolean;
	/** The slots of which something is owed. */
	owedSlots(): number[];
	/** Ends it. */
	destroy(cause: ClientError): void;
}

/** The bytes of an entry that were made at the call. Told what becomes of them, once. */
export interface Frames {
	readonly pieces: readonly Buffer[];
	/** Every command was answered: nothing reads these bytes any more. */
	done(): void;
	/** Something may. */
	keep(): void;
}

export interface Entry {
	/** Commands, and replies expected. */
	readonly size: number;
	/** Nobody waits any more: skipped when not yet written, otherwise a tombstone that swallows its replies. */
	readonly abandoned: boolean;
	/** The client's own (refresh, PING): not counted in `stats()`. */
	readonly internal: boolean;
	/** On the scale of `performance.now()`; 0: not known, or never. */
	readonly deadline: number;
	/** Connections that were lost while they owed its reply. */
	readonly losses: number;
	/** The connection that wrote it, and owes its reply; set by that connection. */
	link: Link | null;
	/** The byte of that connection's output behind which nothing borrowed is left. */
	borrowedUpTo: number;
	/** All of it as bytes; null: it is encoded when it is written. */
	readonly frames: Frames | null;
	command(index: number): Command;
	/** What is given to a connection comes back command by command: answered, or lost. */
	answered(index: number, reply: Reply, link: Link): void;
	/** The connection ended before the reply, or never wrote the command. `written`: it had been handed to the socket. */
	lost(index: number, error: ClientError, written: boolean): void;
}

/** Whoever dispatched a request decides what happens to a command that came back without its reply. */
export interface Carrier {
	/** The server answered with an error: settles the attempt's command, or sends it again. */
	refused(attempt: Attempt, error: ClientError, link: Link): void;
	lost(attempt: Attempt, error: ClientError, written: boolean): void;
}

export interface Request extends Entry {
	carrier: Carrier;
	/** It is part of a batch, whose deadline runs while it waits for room; anything else is refused when there is none. */
	readonly mayWait: boolean;
	/** How many parts of it can come back by themselves: its commands, or 1 for a transaction, which stays whole. */
	readonly units: number;
	/** The further life of one of its commands, from the first time that it came back. */
	attempt(index: number): Attempt;
	/** Takes the reply, or error, of one command. Each command settles exactly once; later calls are ignored. */
	settle(index: number, result: Reply | ClientError): void;
}

/** A request that comes back as one was lost: from here on its attempt stands for it. `index`: of the command that says so. */
export function goOn(request: Request, index: number, error: ClientError, written: boolean): void {
	const { link } = request;
	request.link = null;
	if (request.abandoned) return;
	const attempt = request.attempt(0);
	attempt.last = link;
	attempt.lost(index, error, written);
}

/** Settles every command of a request alike. */
export function settleAll(request: Request, error: ClientError): void {
	for (let i = 0; i < request.units; i++) request.settle(i, error);
}

/** Somebody waits for it who is not the client itself. */
export function isAwaited(entry: Entry): boolean {
	return !entry.abandoned && !entry.internal;
}

/** The commands of an entry from the one at `from` on. Taken before it is given back: it may be sent again with others, without its ASKING. */
export function commandsOf(entry: Entry, from = 0): Command[] {
	const commands: Command[] = [];
	for (let i = from; i < entry.size; i++) commands.push(entry.command(i));
	return commands;
}

/** Gives the commands of an entry, from the one at `from` on, back to who sent them. */
export function handBack(entry: Entry, from: number, cause: ClientError, written: boolean): void {
	for (let i = from; i < entry.size; i++) entry.lost(i, cause, written);
}

/** Of requests that nobody sends again. */
export const nobody: Carrier = {
	refused: (attempt, error) => attempt.settle(error),
	lost: (attempt, error) => attempt.settle(error),
};

/** An error reply as its caller gets it. It counts as nothing changed, unless it came out of a script that had begun. */
export function failure(reply: ReplyError, command: Command): ReplyError {
	const error = reply.withoutArguments();
	error.maybeExecuted = (command.flags & CommandFlag.script) !== 0 && !isUnknownScript(error, command);
	return error;
}

/** Says in the error of a command that is given up whether it may have been executed; nothing, when it was never sent. */
export function tellTruth(error: ClientError, link: Link | null, attempt: Attempt | null): void {
	if (link !== null || (attempt !== null && attempt.losses > 0)) error.maybeExecuted = true;
	else if (attempt !== null && attempt.node !== "") error.maybeExecuted = false;
}

/** The error of what did not settle in time: what went wrong last, where, and by which way it came there. */
export function lateError(message: string, attempt: Attempt | null): ClientError {
	const cause = attempt?.error ?? null;
	if (attempt === null || cause === null) return new ClientError("TIMEOUT", message);
	const reason = cause instanceof ReplyError ? `${attempt.node} said ${cause.code}` : cause.message;
	return new ClientError("TIMEOUT", `${message}: ${reason}${attempt.trail.way}`, { cause: withoutArguments(cause) });
}

function withoutArguments(error: ClientError): ClientError {
	return error instanceof ReplyError ? error.withoutArguments() : error;
}

const asking: Command = { args: ["ASKING"], slot: -1, flags: 0, mode: 0, elements: 0, target: null, bytes: 6, blockMs: 0 };

/** A part of a request on its way again, mostly one command. With `asking`, ASKING travels in front of it, in the same entry: nothing can come between. */
export class Attempt implements Entry {
	readonly request: Request;
	readonly index: number;
	/** Times it was held back and sent again so far. */
	count = 0;
	losses: number;
	asking = false;
	link: Link | null = null;
	borrowedUpTo = 0;
	readonly frames = null;
	readonly trail = new Trail();
	/** Refreshes of the topology that were over when its slot was first found to be nobody's; -1: it never was. */
	unservedAt = -1;
	/** What went wrong last, and the node that said so. */
	error: ClientError | null = null;
	node = "";
	/** The connection that brought it back last. */
	last: Link | null = null;
	/** Whoever waits for it to come back, whatever it brings; called once, after its carrier was. */
	onBack: (() => void) | null = null;
	#askError: ClientError | null = null;
	#settled = false;

	constructor(request: Request, index: number) {
		this.request = request;
		this.index = index;
		this.losses = request.losses;
	}

	get size(): number {
		return this.asking ? this.span + 1 : this.span;
	}

	/** Commands it is written as, without ASKING. */
	get span(): number {
		return 1;
	}

	get abandoned(): boolean {
		return this.#settled || this.request.abandoned;
	}

	get internal(): boolean {
		return this.request.internal;
	}

	get deadline(): number {
		return this.request.deadline;
	}

	/** Whether it may have been executed when it was written, and its reply is missing. */
	get inDoubt(): boolean {
		return true;
	}

	/** What it is, without ASKING. */
	get subject(): Command {
		return this.request.command(this.index);
	}

	command(index: number): Command {
		if (this.asking) return index === 0 ? asking : this.part(index - 1);
		return this.part(index);
	}

	protected part(_index: number): Command {
		return this.subject;
	}

	/** The reply of all of it, undefined while there is more to come. */
	protected collect(_index: number, reply: Reply, _link: Link): Reply | undefined {
		return reply;
	}

	answered(index: number, reply: Reply, link: Link): void {
		if (this.asking && index === 0) {
			this.#askError = reply instanceof ClientError ? reply : null;
			return;
		}
		const whole = this.collect(this.asking ? index - 1 : index, reply, link);
		if (whole === undefined) return;
		// A transaction that was executed was, whatever became of ASKING.
		const result = this.span > 1 && !(whole instanceof ClientError) ? whole : (this.#askError ?? whole);
		this.#askError = null;
		this.last = link;
		if (result instanceof ClientError) {
			this.link = null;
			this.refused(result, link);
		} else this.settle(result);
		this.#back();
	}

	refused(error: ClientError, link: Link): void {
		if (this.abandoned) return;
		this.error = error;
		this.last = link;
		this.node = formatEndpoint(link.endpoint);
		this.request.carrier.refused(this, error, link);
	}

	lost(index: number, error: ClientError, written: boolean): void {
		if (this.asking && index === 0) return;
		this.last = this.link ?? this.last;
		this.link = null;
		this.#askError = null;
		if (written) this.losses += 1;
		if (!this.abandoned) {
			this.error = error;
			this.request.carrier.lost(this, error, written);
		}
		this.#back();
	}

	settle(result: Reply | ClientError): void {
		this.#settled = true;
		this.request.settle(this.index, result);
	}

	#back(): void {
		const { onBack } = this;
		this.onBack = null;
		if (onBack !== null) onBack();
	}
}

/** Some commands of an entry, in its place. */
export class EntryPart implements Entry {
	readonly frames = null;
	readonly #whole: Entry;
	readonly #indexes: readonly number[];

	constructor(whole: Entry, indexes: readonly number[]) {
		this.#whole = whole;
		this.#indexes = indexes;
	}

	get size(): number {
		return this.#indexes.length;
	}

	get abandoned(): boolean {
		return this.#indexes.length === 0 || this.#whole.abandoned;
	}

	get internal(): boolean {
		return this.#whole.internal;
	}

	get deadline(): number {
		return this.#whole.deadline;
	}

	get losses(): number {
		return this.#whole.losses;
	}

	get link(): Link | null {
		return this.#whole.link;
	}

	set link(link: Link | null) {
		this.#whole.link = link;
	}

	get borrowedUpTo(): number {
		return this.#whole.borrowedUpTo;
	}

	set borrowedUpTo(byte: number) {
		this.#whole.borrowedUpTo = byte;
	}

	command(index: number): Command {
		return this.#whole.command(this.#indexes[index] as number);
	}

	answered(index: number, reply: Reply, link: Link): void {
		this.#whole.answered(this.#indexes[index] as number, reply, link);
	}

	lost(index: number, error: ClientError, written: boolean): void {
		this.#whole.lost(this.#indexes[index] as number, error, written);
	}
}

/** Hears of a settlement ahead of the caller: with the error, the last connection, and what the request went through. */
export type Witness = (error: ClientError | null, link: Link | null, attempt: Attempt | null) => void;

/** A promise's two ends, of which `told` hears first. */
export function witnessed<V>(
	resolve: (value: V) => void,
	reject: (error: ClientError) => void,
	told: Witness,
	request: Pick<Entry, "link">,
	attemptOf: () => Attempt | null,
): [resolve: (value: V) => void, reject: (error: ClientError) => void] {
	const tell = (error: ClientError | null): void => {
		const attempt = attemptOf();
		told(error, (attempt ?? request).link ?? attempt?.last ?? null, attempt);
	};
	return [
		(value) => {
			tell(null);
			resolve(value);
		},
		(error) => {
			tell(error);
			reject(error);
		},
	];
}
