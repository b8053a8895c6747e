/**
 * A transaction on its way: MULTI, its commands, EXEC. They are written in one piece, so nothing of others comes between, and they come back as
 * one: a redirection at any point means that nothing was executed, and that all of it goes elsewhere.
 *
 *     MULTI ─► OK      command ─► QUEUED …      EXEC ─► [replies]    executed; a command that failed is an error in its place
 *                                                    ─► null         not executed: a watched key changed
 *                      command ─► error …       EXEC ─► EXECABORT    not executed: the command's error says what to do
 *                                               EXEC ─► MOVED …      not executed: what a server finds out only at the end
 *     MULTI ─► error   command ─► reply …       EXEC ─► error        executed one by one, outside of any transaction
 *
 * @see https://valkey.io/topics/transactions/
 */
import { Alarm } from "./deadline-clock.js";
import { ClientError, ProtocolError, ReplyError } from "./errors.js";
import {
	Attempt,
	type Carrier,
	type Command,
	CommandFlag,
	failure,
	goOn,
	type Link,
	lateError,
	nobody,
	type Request,
	tellTruth,
	type Witness,
	weightOf,
	witnessed,
} from "./request.js";
import type { Argument } from "./resp/encode.js";
import { type Reply, ReplyMode } from "./resp/reply.js";

/** One of the commands of a transaction. */
export interface QueuedCommand {
	readonly args: readonly Argument[];
	/** Bits of `CommandFlag`. */
	readonly flags: number;
}

/** What the replies of one try come to. */
type Verdict =
	| { readonly kind: "executed"; readonly replies: Reply[] }
	/** Nothing was executed; whoever carries it knows what the error asks for. `at`: the command that met it, -1 for MULTI or EXEC. */
	| { readonly kind: "refused"; readonly error: ClientError; readonly at: number }
	/** For the caller as it is. `stuck`: the connection may still be inside the transaction. */
	| { readonly kind: "failed"; readonly error: ClientError; readonly stuck: boolean };

/** Why EXEC was refused that found out for itself. */
const REASON = /^EXECABORT .*because of: -?(.*)$/s;
/** What EXEC may say that ends the transaction; after any other error it may still be open. */
const DISCARDS = new Set(["EXECABORT", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT"]);

/** Follows the replies of one try. Pure. */
export class TransactionReplies {
	readonly #commands: number;
	readonly #isScript: (index: number) => boolean;
	#begin: ClientError | null = null;
	#refusal: ClientError | null = null;
	#refusedAt = -1;
	/** A command was answered as if there were no transaction. */
	#outside = false;

	/** @param isScript whether the error of a command may come out of a script that had begun */
	constructor(commands: number, isScript: (index: number) => boolean = () => false) {
		this.#commands = commands;
		this.#isScript = isScript;
	}

	/** A command of the try under way was not queued: whatever becomes of EXEC, it executes nothing. */
	get isRefused(): boolean {
		return this.#begin === null && this.#refusal !== null && !this.#outside;
	}

	/** The try under way is over. */
	reset(): void {
		this.#begin = null;
		this.#refusal = null;
		this.#refusedAt = -1;
		this.#outside = false;
	}

	/** Takes the next reply; undefined until it is that of EXEC. */
	take(index: number, reply: Reply): Verdict | undefined {
		if (index === 0) {
			if (reply instanceof ClientError) this.#begin = reply;
			return undefined;
		}
		if (index > this.#commands) {
			const verdict = this.#judge(reply);
			this.reset();
			return verdict;
		}
		if (reply instanceof ClientError) {
			if (this.#refusal === null) {
				this.#refusal = reply;
				this.#refusedAt = index - 1;
			}
			const begun = this.#begin;
			if (begun !== null && reply.code !== begun.code && this.#isScript(index - 1)) this.#outside = true;
		} else if (this.#begin !== null || String(reply) !== "QUEUED") this.#outside = true;
		return undefined;
	}

	#judge(reply: Reply): Verdict {
		const begin = this.#begin;
		if (begin !== null) {
			if (!this.#outside) return { kind: "refused", error: begin, at: -1 };
			begin.maybeExecuted = true;
			return { kind: "failed", error: begin, stuck: false };
		}
		if (reply === null)
			return { kind: "failed", error: notExecuted("a watched key changed: nothing was executed"), stuck: false };
		if (reply instanceof ClientError) {
			if (!DISCARDS.has(reply.code)) return { kind: "failed", error: reply, stuck: true };
			if (this.#refusal !== null) return { kind: "refused", error: this.#refusal, at: this.#refusedAt };
			const reason = REASON.exec(reply.message)?.[1];
			return { kind: "refused", error: reason === undefined ? reply : new ReplyError(reason), at: -1 };
		}
		if (Array.isArray(reply) && reply.length === this.#commands && this.#refusal === null)
			return { kind: "executed", replies: reply };
		const error = new ProtocolError("EXEC was answered with a reply of an unexpected shape");
		error.maybeExecuted = true;
		return { kind: "failed", error, stuck: true };
	}
}

export function notExecuted(message: string, cause?: ClientError): ClientError {
	const error = new ClientError("WATCH", message, cause === undefined ? {} : { cause });
	error.maybeExecuted = false;
	return error;
}

export class TransactionRequest implements Request {
	readonly size: number;
	readonly units = 1;
	readonly internal = false;
	readonly mayWait = false;
	readonly losses = 0;
	readonly frames = null;
	/** All of it as one command, for whoever carries it. */
	readonly subject: Command;
	carrier: Carrier = nobody;
	abandoned = false;
	link: Link | null = null;
	borrowedUpTo = 0;
	/** Runs when the request settles; releases an abort listener. */
	onSettled: (() => void) | null = null;
	readonly #commands: readonly QueuedCommand[];
	readonly #wire: Command[];
	readonly replies: TransactionReplies;
	#attempt: TransactionAttempt | null = null;
	/** The command that was refused when it was to be queued, in the last try. */
	#refusedAt = -1;
	readonly name = "MULTI";
	/** Not a class under `Timed` of its own: those are few, see {@link Alarm}. */
	readonly timer = new Alarm(() => this.#expire());
	#resolve: (replies: (Reply | ClientError)[]) => void;
	#reject: (error: ClientError) => void;

	/** @param slot of its keys, also where slots do not matter for routing: it keeps its place among the commands of that slot; -1: it has none */
	constructor(
		commands: readonly QueuedCommand[],
		slot: number,
		mode: ReplyMode,
		resolve: (replies: (Reply | ClientError)[]) => void,
		reject: (error: ClientError) => void,
	) {
		const flags = commands.every((command) => (command.flags & CommandFlag.readOnly) !== 0) ? CommandFlag.readOnly : 0;
		const bytes = commands.reduce((sum, { args }) => sum + weightOf(args), 0);
		const wire = (args: readonly Argument[], weight: number, more: number, replyMode: ReplyMode): Command => ({
			args,
			slot,
			flags: flags | more,
			mode: replyMode,
			elements: 0,
			target: null,
			bytes: weight,
			blockMs: 0,
		});
		// The first weighs as much as all: whether there is room is decided by it.
		this.#wire = [
			wire(["MULTI"], bytes, CommandFlag.queued, ReplyMode.string),
			...commands.map(({ args }) => wire(args, 0, CommandFlag.queued, ReplyMode.string)),
			wire(["EXEC"], 0, 0, mode),
		];
		this.subject = wire(["EXEC"], bytes, 0, mode);
		this.size = this.#wire.length;
		this.#commands = commands;
		const isScript = (index: number): boolean => ((commands[index] as QueuedCommand).flags & CommandFlag.script) !== 0;
		this.replies = new TransactionReplies(commands.length, isScript);
		this.#resolve = resolve;
		this.#reject = reject;
	}

	command(index: number): Command {
		return this.#wire[index] as Command;
	}

	get slot(): number {
		return this.subject.slot;
	}

	get deadline(): number {
		return this.timer.deadline;
	}

	/** Has `told` hear of its settlement ahead of its caller. */
	trace(told: Witness): void {
		[this.#resolve, this.#reject] = witnessed(this.#resolve, this.#reject, told, this, () => this.#attempt);
	}

	attempt(): TransactionAttempt {
		this.#attempt ??= new TransactionAttempt(this);
		return this.#attempt;
	}

	answered(index: number, reply: Reply, link: Link): void {
		const whole = this.collect(index, reply, link);
		if (whole === undefined) return;
		if (whole instanceof ClientError) {
			this.link = null;
			this.attempt().refused(whole, link);
		} else this.settle(0, whole);
	}

	lost(index: number, error: ClientError, written: boolean): void {
		// The last of them speaks for all.
		if (index === this.size - 1) goOn(this, index, error, written);
	}

	/**
	 * Takes one reply of a try. The error of one that was refused, its replies when it was executed; undefined until then, null when it has
	 * settled.
	 */
	collect(index: number, reply: Reply, link: Link): Reply | undefined {
		const verdict = this.replies.take(index, reply);
		if (verdict === undefined) return undefined;
		if (verdict.kind === "executed") return verdict.replies;
		if (verdict.kind === "refused") {
			this.#refusedAt = verdict.at;
			return verdict.error;
		}
		this.#refusedAt = -1;
		this.#settleWith(verdict.error);
		if (verdict.stuck) link.destroy(new ClientError("CONNECTION", "a transaction could not be ended; its connection was"));
		return null;
	}

	settle(_index: number, result: Reply | ClientError): void {
		if (result instanceof ClientError) this.#settleWith(result instanceof ReplyError ? this.#refused(result) : result);
		else if (!this.abandoned) {
			this.#leave();
			this.#resolve(
				(result as Reply[]).map((reply, i) => (reply instanceof ReplyError ? failure(reply, this.#commands[i] as never) : reply)),
			);
		}
	}

	/** The answer of the server that is left to the caller. */
	#refused(reply: ReplyError): ClientError {
		const error = failure(reply, this.subject);
		const name = this.#commands[this.#refusedAt]?.args[0];
		if (name === undefined) return error;
		const abort = new ReplyError(
			`EXECABORT nothing was executed: command ${this.#refusedAt} (${name}) was refused: ${error.message}`,
		);
		abort.cause = error;
		abort.maybeExecuted = false;
		return abort;
	}

	#settleWith(error: ClientError): void {
		if (this.abandoned) return;
		this.#leave();
		this.#reject(error instanceof ReplyError && error.maybeExecuted === undefined ? failure(error, this.subject) : error);
	}

	#expire(): void {
		const slot = this.subject.slot === -1 ? "" : ` (slot ${this.subject.slot})`;
		this.cancel(lateError(`the transaction${slot} did not settle within its deadline`, this.#attempt));
	}

	/** Gives it up. It was written whole, or not at all: its replies are swallowed, and its connection is in no transaction after them. */
	cancel(error: ClientError): void {
		if (this.abandoned) return;
		this.#leave();
		tellTruth(error, (this.#attempt ?? this).link, this.#attempt);
		if (this.replies.isRefused && (this.#attempt === null || this.#attempt.losses === 0)) error.maybeExecuted = false;
		this.#reject(error);
	}

	#leave(): void {
		this.abandoned = true;
		this.timer.unlink();
		if (this.onSettled !== null) this.onSettled();
	}
}

class TransactionAttempt extends Attempt {
	declare readonly request: TransactionRequest;

	constructor(request: TransactionRequest) {
		super(request, 0);
	}

	override get subject(): Command {
		return this.request.subject;
	}

	override get span(): number {
		return this.request.size;
	}

	override get inDoubt(): boolean {
		return !this.request.replies.isRefused;
	}

	override lost(index: number, error: ClientError, written: boolean): void {
		if (index < this.size - 1) return;
		super.lost(index, error, written);
		this.request.replies.reset();
	}

	protected override part(index: number): Command {
		return this.request.command(index);
	}

	protected override collect(index: number, reply: Reply, link: Link): Reply | undefined {
		return this.request.collect(index, reply, link);
	}
}
