import { ClientError, ReplyError } from "./errors.js";
import {
	Attempt,
	type Carrier,
	type Command,
	type Frames,
	failure,
	type Link,
	nobody,
	type Request,
	tellTruth,
} from "./request.js";
import type { Reply } from "./resp/reply.js";

/** Commands of one batch that were planned for one connection. Its owner keeps the deadline. */
export class GroupRequest implements Request {
	readonly commands: readonly Command[];
	readonly size: number;
	readonly internal = false;
	readonly mayWait = true;
	readonly losses: number;
	carrier: Carrier = nobody;
	abandoned = false;
	link: Link | null = null;
	borrowedUpTo = 0;
	frames: Frames | null;
	/** Commands not yet settled. */
	pending: number;
	readonly #settled: Uint8Array;
	readonly #owner: { readonly deadline: number };
	readonly #onSettle: (index: number, result: Reply | ClientError, group: GroupRequest) => void;
	#attempts: Map<number, Attempt> | null = null;

	/**
	 * @param owner whose deadline holds for it
	 * @param losses of the command that these were split from
	 * @param frames the commands as bytes
	 */
	constructor(
		commands: readonly Command[],
		owner: { readonly deadline: number },
		onSettle: (index: number, result: Reply | ClientError, group: GroupRequest) => void,
		losses = 0,
		frames: Frames | null = null,
	) {
		this.commands = commands;
		this.size = commands.length;
		this.losses = losses;
		this.frames = frames;
		this.pending = commands.length;
		this.#settled = new Uint8Array(commands.length);
		this.#owner = owner;
		this.#onSettle = onSettle;
	}

	get units(): number {
		return this.size;
	}

	get deadline(): number {
		return this.#owner.deadline;
	}

	command(index: number): Command {
		return this.commands[index] as Command;
	}

	attempt(index: number): Attempt {
		this.#attempts ??= new Map();
		let attempt = this.#attempts.get(index);
		if (attempt === undefined) {
			attempt = new Attempt(this, index);
			this.#attempts.set(index, attempt);
		}
		return attempt;
	}

	answered(index: number, reply: Reply, link: Link): void {
		if (reply instanceof ClientError) this.attempt(index).refused(reply, link);
		else this.settle(index, reply);
	}

	lost(index: number, error: ClientError, written: boolean): void {
		this.#keepFrames();
		if (!this.abandoned) this.attempt(index).lost(0, error, written);
	}

	settle(index: number, result: Reply | ClientError): void {
		if (this.abandoned || this.#settled[index] === 1) return;
		this.#settled[index] = 1;
		this.pending -= 1;
		if (this.pending === 0 && this.frames !== null) this.#freeFrames(this.frames);
		this.#onSettle(index, result instanceof ReplyError ? failure(result, this.command(index)) : result, this);
	}

	#freeFrames(frames: Frames): void {
		this.frames = null;
		frames.done();
	}

	/** A socket may hold them still, or a command be made of them anew. */
	#keepFrames(): void {
		this.frames?.keep();
		this.frames = null;
	}

	/**
	 * Gives up what is unsettled; `makeError` is asked for the error of each command, given its attempt, if it had one.
	 * @returns what to wait for before memory of the caller's is free again
	 */
	cancel(
		makeError: (attempt: Attempt | null) => ClientError,
		tell: (index: number, error: ClientError) => void,
	): Promise<void>[] {
		this.abandoned = true;
		this.#keepFrames();
		const closing: Promise<void>[] = [];
		for (let i = 0; i < this.size; i++) {
			if (this.#settled[i] === 1) continue;
			const attempt = this.#attempts?.get(i) ?? null;
			const error = makeError(attempt);
			tellTruth(error, (attempt ?? this).link, attempt);
			tell(i, error);
			const closed = attempt?.link?.giveUp(attempt);
			if (closed) closing.push(closed);
		}
		const closed = this.link?.giveUp(this);
		if (closed) closing.push(closed);
		return closing;
	}
}
