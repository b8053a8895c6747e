/**
 * The units that travel through the client.
 *
 *     Command   one server command: arguments, slot, how its reply is read
 *     Entry     commands that go to one connection together: written in one piece, answered in order, one place in its in-flight queue
 *     Request   an entry somebody waits for: `SingleRequest` (one command, one promise) or `GroupRequest` (a chunk of a batch)
 *     Attempt   one command of a request on its way again: redirected, retried, or waiting for a new connection
 */
import { Timed } from "./deadline-clock.js";
import { ClientError, ReplyError } from "./errors.js";
import { type Argument, BORROWED_BYTES } from "./resp/encode.js";
import type { Reply, ReplyMode } from "./resp/reply.js";

export interface Endpoint {
	readonly host: string;
	readonly port: number;
}

/** Bits of {@link Command.flags}. */
export const CommandFlag = {
	/** Changes nothing on the server: sent again when its connection is lost before the reply. */
	readOnly: 1,
	/** EVAL, FCALL and kin: an error code may come from inside the script, when effects already exist. */
	script: 2,
	/** A multi-key command of a batch: TRYAGAIN goes back to the batch, which sends one command per key. */
	splittable: 4,
	/** An argument is borrowed from the caller, not copied. */
	borrows: 8,
} as const;

/** `CommandFlag.borrows` when an argument is borrowed from the caller, 0 otherwise. */
export function borrowFlag(args: readonly Argument[]): number {
	for (const arg of args) if (typeof arg !== "string" && arg.byteLength >= BORROWED_BYTES) return CommandFlag.borrows;
	return 0;
}

export interface Command {
	readonly args: readonly Argument[];
	/** Slot of its keys, -1 when it has none. */
	readonly slot: number;
	readonly flags: number;
	readonly mode: ReplyMode;
	/** The reply is an array of exactly this many elements, or the connection is out of step; 0: not checked. */
	readonly elements: number;
	/** Mode `into`: where the value goes. */
	readonly target: Uint8Array | null;
}

export interface Entry {
	/** Commands, and replies expected. */
	readonly size: number;
	/** Nobody waits any more: skipped when not yet written, otherwise a tombstone that swallows its replies. */
	readonly abandoned: boolean;
	/** The client's own (handshake, refresh, PING): not counted in `stats()`. */
	readonly internal: boolean;
	/** Set by the connection that hands it to its socket: from then on the server may execute it. */
	written: boolean;
	command(index: number): Command;
	answered(index: number, reply: Reply, origin: Endpoint): void;
	/** The connection ended before the reply. `written`: the command had been handed to the socket. */
	lost(index: number, error: ClientError, written: boolean): void;
}

/** Whoever dispatched a request decides what happens to a command that came back without its reply. */
export interface Carrier {
	/** The server answered with an error: settles the attempt's command, or sends it again. */
	refused(attempt: Attempt, error: ClientError, origin: Endpoint): void;
	lost(attempt: Attempt, error: ClientError, written: boolean): void;
}

export interface Request extends Entry {
	carrier: Carrier;
	/** Takes the reply, or error, of one command. Each command settles exactly once; later calls are ignored. */
	settle(index: number, result: Reply | ClientError): void;
	/** When it ends at the latest, on the scale of `performance.now()`; 0: not known, or never. */
	readonly deadline: number;
}

/** Settles every command of a request alike. */
export function settleAll(request: Request, error: ClientError): void {
	for (let i = 0; i < request.size; i++) request.settle(i, error);
}

/** Gives the commands of an entry, from the one at `from` on, back to who sent them: their connection ended. */
export function handBack(entry: Entry, from: number, cause: ClientError, written: boolean): void {
	for (let i = from; i < entry.size; i++) entry.lost(i, cause, written);
}

const nobody: Carrier = {
	refused: (attempt, error) => attempt.settle(error),
	lost: (attempt, error) => attempt.settle(error),
};

/** An error reply as its caller gets it. It counts as nothing changed, unless it came out of a script that had begun. */
function failure(reply: ReplyError, { flags }: Command): ReplyError {
	const error = reply.withoutArguments();
	error.maybeExecuted = (flags & CommandFlag.script) !== 0 && error.code !== "NOSCRIPT";
	return error;
}

/** One command and the promise of its reply. It is its own `Command` and `Entry`: a GET allocates one object beside its promise. */
export class SingleRequest extends Timed implements Request, Command {
	readonly size = 1;
	readonly args: readonly Argument[];
	readonly slot: number;
	readonly flags: number;
	readonly mode: ReplyMode;
	readonly elements = 0;
	readonly target: Uint8Array | null;
	internal = false;
	carrier: Carrier = nobody;
	abandoned = false;
	written = false;
	#resolve: (value: never) => void;
	#reject: (error: ClientError) => void;
	/** Runs when the request settles; releases an abort listener. */
	onSettled: (() => void) | null = null;

	constructor(
		args: readonly Argument[],
		slot: number,
		flags: number,
		mode: ReplyMode,
		target: Uint8Array | null,
		resolve: (value: never) => void,
		reject: (error: ClientError) => void,
	) {
		super();
		this.args = args;
		this.slot = slot;
		this.flags = flags | borrowFlag(args);
		this.mode = mode;
		this.target = target;
		this.#resolve = resolve;
		this.#reject = reject;
	}

	command(): Command {
		return this;
	}

	answered(_index: number, reply: Reply, origin: Endpoint): void {
		if (reply instanceof ClientError) {
			this.written = false;
			this.carrier.refused(new Attempt(this, 0), reply, origin);
		} else this.settle(0, reply);
	}

	lost(_index: number, error: ClientError, written: boolean): void {
		this.carrier.lost(new Attempt(this, 0), error, written);
	}

	settle(_index: number, result: Reply | ClientError): void {
		if (this.abandoned) return;
		this.abandoned = true;
		this.unlink();
		if (this.onSettled !== null) this.onSettled();
		if (result instanceof ClientError) this.#reject(result instanceof ReplyError ? failure(result, this) : result);
		else this.#resolve(result as never);
	}

	override expire(): void {
		const slot = this.slot === -1 ? "" : ` (slot ${this.slot})`;
		this.cancel(new ClientError("TIMEOUT", `${this.args[0]}${slot} did not settle within its deadline`));
	}

	/** Gives it up: a reply that still comes is swallowed. */
	cancel(error: ClientError): void {
		if (this.written) error.maybeExecuted = true;
		this.settle(0, error);
	}
}

/** Commands of one batch that were planned for one connection. Its owner keeps the deadline. */
export class GroupRequest implements Request {
	readonly commands: readonly Command[];
	readonly size: number;
	readonly deadline = 0;
	readonly internal = false;
	carrier: Carrier = nobody;
	abandoned = false;
	written = false;
	/** Commands not yet settled. */
	pending: number;
	#settled: Uint8Array;
	#onSettle: (index: number, result: Reply | ClientError, group: GroupRequest) => void;

	constructor(commands: readonly Command[], onSettle: (index: number, result: Reply | ClientError, group: GroupRequest) => void) {
		this.commands = commands;
		this.size = commands.length;
		this.pending = commands.length;
		this.#settled = new Uint8Array(commands.length);
		this.#onSettle = onSettle;
	}

	command(index: number): Command {
		return this.commands[index] as Command;
	}

	answered(index: number, reply: Reply, origin: Endpoint): void {
		if (reply instanceof ClientError) this.carrier.refused(new Attempt(this, index), reply, origin);
		else this.settle(index, reply);
	}

	lost(index: number, error: ClientError, written: boolean): void {
		this.carrier.lost(new Attempt(this, index), error, written);
	}

	settle(index: number, result: Reply | ClientError): void {
		if (this.#settled[index] === 1) return;
		this.#settled[index] = 1;
		this.pending -= 1;
		this.#onSettle(index, result instanceof ReplyError ? failure(result, this.command(index)) : result, this);
	}
}

const asking: Command = { args: ["ASKING"], slot: -1, flags: 0, mode: 0, elements: 0, target: null };

/** One command of a request on its way again. With `asking`, ASKING travels in front of it, in the same entry: nothing can come between. */
export class Attempt implements Entry {
	readonly request: Request;
	readonly index: number;
	/** Times it was sent again so far. */
	count = 0;
	asking = false;
	/** Nodes that redirected it, `host:port` each. */
	readonly trail: string[] = [];
	#askError: ClientError | null = null;
	#settled = false;

	constructor(request: Request, index: number) {
		this.request = request;
		this.index = index;
	}

	get size(): number {
		return this.asking ? 2 : 1;
	}

	get abandoned(): boolean {
		return this.#settled || this.request.abandoned;
	}

	get internal(): boolean {
		return this.request.internal;
	}

	get written(): boolean {
		return this.request.written;
	}

	set written(value: boolean) {
		this.request.written = value;
	}

	/** The command itself, without ASKING. */
	get subject(): Command {
		return this.request.command(this.index);
	}

	command(index: number): Command {
		return this.asking && index === 0 ? asking : this.subject;
	}

	answered(index: number, reply: Reply, origin: Endpoint): void {
		if (this.asking && index === 0) {
			this.#askError = reply instanceof ClientError ? reply : null;
			return;
		}
		const result = this.#askError ?? reply;
		this.#askError = null;
		if (result instanceof ClientError) {
			if (this.request.size === 1) this.written = false;
			this.request.carrier.refused(this, result, origin);
		} else this.settle(result);
	}

	lost(index: number, error: ClientError, written: boolean): void {
		if (this.asking && index === 0) return;
		this.request.carrier.lost(this, error, written);
	}

	settle(result: Reply | ClientError): void {
		this.#settled = true;
		this.request.settle(this.index, result);
	}
}

/** Some commands of an entry, in its place. */
export class EntryPart implements Entry {
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

	get written(): boolean {
		return this.#whole.written;
	}

	set written(value: boolean) {
		this.#whole.written = value;
	}

	command(index: number): Command {
		return this.#whole.command(this.#indexes[index] as number);
	}

	answered(index: number, reply: Reply, origin: Endpoint): void {
		this.#whole.answered(this.#indexes[index] as number, reply, origin);
	}

	lost(index: number, error: ClientError, written: boolean): void {
		this.#whole.lost(this.#indexes[index] as number, error, written);
	}
}
