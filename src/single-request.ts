import { Timed } from "./deadline-clock.js";
import { ClientError, ReplyError } from "./errors.js";
import {
	Attempt,
	type Carrier,
	type Command,
	CommandFlag,
	type Entry,
	failure,
	goOn,
	type Link,
	lateError,
	nobody,
	type Request,
	tellTruth,
	type Witness,
	witnessed,
} from "./request.js";
import { type Argument, BORROWED_BYTES } from "./resp/encode.js";
import type { Reply, ReplyMode } from "./resp/reply.js";
import type { ScriptRun } from "./script.js";

/** One command and the promise of its reply. It is its own `Command` and `Entry`: a GET allocates one object beside its promise. */
export class SingleRequest extends Timed implements Request, Command {
	// The same for all, so kept once: tens of thousands of these may wait.
	declare readonly size: number;
	declare readonly units: number;
	declare readonly elements: number;
	declare readonly losses: number;
	declare readonly mayWait: boolean;
	declare readonly frames: null;
	/** Set where there is one, before it is started. */
	declare script?: ScriptRun;

	static {
		Object.assign(SingleRequest.prototype, { size: 1, units: 1, elements: 0, losses: 0, mayWait: false, frames: null });
	}

	readonly args: readonly Argument[];
	readonly slot: number;
	readonly flags: number;
	readonly mode: ReplyMode;
	readonly target: Uint8Array | null;
	readonly bytes: number;
	blockMs = 0;
	internal = false;
	carrier: Carrier = nobody;
	abandoned = false;
	link: Link | null = null;
	borrowedUpTo = 0;
	#attempt: Attempt | null = null;
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
		let bytes = 0;
		for (let i = 0; i < args.length; i++) {
			const arg = args[i] as Argument;
			bytes += arg.length;
			if (arg.length >= BORROWED_BYTES && typeof arg !== "string") flags |= CommandFlag.borrows;
		}
		this.flags = flags;
		this.bytes = bytes;
		this.mode = mode;
		this.target = target;
		this.#resolve = resolve;
		this.#reject = reject;
	}

	command(): Command {
		return this;
	}

	get name(): Argument {
		return this.args[0] ?? "";
	}

	/** Has `told` hear of its settlement ahead of its caller. */
	trace(told: Witness): void {
		[this.#resolve, this.#reject] = witnessed(this.#resolve, this.#reject, told, this, () => this.#attempt);
	}

	attempt(): Attempt {
		this.#attempt ??= new Attempt(this, 0);
		return this.#attempt;
	}

	answered(_index: number, reply: Reply, link: Link): void {
		if (reply instanceof ClientError) {
			this.link = null;
			this.attempt().refused(reply, link);
		} else this.settle(0, reply);
	}

	/** The connection that its reply came from, once it has one. */
	get answeredBy(): Link | null {
		return this.#attempt?.link ?? this.link;
	}

	lost(_index: number, error: ClientError, written: boolean): void {
		goOn(this, 0, error, written);
	}

	settle(_index: number, result: Reply | ClientError): void {
		if (this.abandoned) return;
		this.#leave();
		this.#finish(result);
	}

	override expire(): void {
		const slot = this.slot === -1 ? "" : ` (slot ${this.slot})`;
		this.cancel(lateError(`${this.args[0]}${slot} did not settle within its deadline`, this.#attempt));
	}

	/** Gives it up: a reply that still comes is swallowed. It settles once nothing of the caller's memory is in use. */
	cancel(error: ClientError): void {
		if (this.abandoned) return;
		// From here on the connection it is given back by, if it is, has nobody to tell.
		this.#leave();
		const held: Entry = this.#attempt ?? this;
		tellTruth(error, held.link, this.#attempt);
		const closed = held.link?.giveUp(held) ?? null;
		if (closed === null) this.#finish(error);
		else void closed.then(() => this.#finish(error));
	}

	#leave(): void {
		this.abandoned = true;
		this.unlink();
		if (this.onSettled !== null) this.onSettled();
	}

	#finish(result: Reply | ClientError): void {
		if (result instanceof ClientError) this.#reject(result instanceof ReplyError ? failure(result, this) : result);
		else this.#resolve(result as never);
	}
}
