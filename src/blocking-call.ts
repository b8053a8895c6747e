/**
 * A command that blocks, sent by a client that others use too: it has a leased connection to itself for as long as it takes.
 *
 *     search: a lease to the slot's primary ──► flight ──► the reply, or null at the end of its block time
 *        ▲                                        │ the server let go of it, or never took it: nothing was popped
 *        └── after a pause, or where MOVED or ASK lead ◄──┘    with the block time that is left
 *
 * A search takes the view's `timeoutMs` at most. The whole takes that and the block time; where that is for ever, only searches have an end.
 */
import type { CommandInfo } from "./command-info.js";
import { withBlockTime } from "./command-shared.js";
import { type Told, traceCommand } from "./commands/traced.js";
import { aborted, type Core, onAbort, type View } from "./core.js";
import type { Lease, LeaseTarget } from "./dispatcher.js";
import { type Endpoint, formatEndpoint } from "./endpoint.js";
import { ClientError, ReplyError } from "./errors.js";
import { BUSY_ATTEMPTS, classify, isForcedUnblock, isHopeless, MAX_LOSSES, type Refusal } from "./refusal.js";
import { type Command, CommandFlag } from "./request.js";
import type { Argument } from "./resp/encode.js";
import type { Reply } from "./resp/reply.js";
import { SingleRequest } from "./single-request.js";
import { Trail } from "./trail.js";
import { backoffMs } from "./util/backoff.js";

export interface BlockingCommand {
	readonly args: readonly Argument[];
	readonly info: CommandInfo;
	readonly slot: number;
	readonly flags: number;
}

/** Sends a command that blocks. Ends with ABORTED or TIMEOUT as any other does: its connection is closed then, and the server pops nothing for it. */
export function sendBlocking(core: Core, view: View, command: BlockingCommand): Promise<Reply> {
	const call = new BlockingCall(core, view, command);
	const { teller } = core.settings;
	if (!teller.tracesCommands) return begin(core, view, call);
	// One call is one event, however often it is sent.
	return new Promise((resolve, reject) => {
		let tell: Told = () => {};
		const trace = (told: Told): void => {
			tell = told;
		};
		traceCommand(teller, { name: command.args[0] ?? "", slot: command.slot, trace }, core.settings.mode === "cluster", () => {
			begin(core, view, call).then(
				(reply) => {
					tell(null, call.last, call.past);
					resolve(reply);
				},
				(error: ClientError) => {
					tell(error, call.last, call.past);
					reject(error);
				},
			);
		});
	});
}

async function begin(core: Core, view: View, call: BlockingCall): Promise<Reply> {
	const { signal } = view;
	if (core.closed !== null) throw core.closed;
	if (signal?.aborted) throw aborted(signal);
	const stopListening = signal === undefined ? null : onAbort(signal, () => call.cancel(aborted(signal)));
	const leave = core.onClosed(() => call.cancel(new ClientError("CLOSED", "the client is closed")));
	try {
		return await call.run();
	} finally {
		leave();
		stopListening?.();
	}
}

/** A flight that held for so long was a good one: troubles are counted anew after it. */
const STABLE_MS = 1000;

const AGAIN = Symbol("again");

class BlockingCall {
	readonly #core: Core;
	readonly #view: View;
	readonly #command: BlockingCommand;
	/** Infinity: for ever. */
	readonly #blockMs: number;
	/** On the scale of `performance.now()`, as all times here; Infinity: never. */
	readonly #end: number;
	#searchUntil: number;
	/** When its block time, which begins with the first flight, is over; 0: nothing was sent yet. */
	#blockUntil = 0;
	/** Where it is sent next; null: to the primary of its slot. */
	#ask: Extract<LeaseTarget, { ask: Endpoint }> | null = null;
	#attempts = 0;
	#losses = 0;
	#trail = new Trail();
	#error: ClientError | null = null;
	#sent = false;
	/** Where it was sent last; null: nowhere yet. */
	last: { readonly endpoint: Endpoint } | null = null;
	/** For whoever listens: how often it was sent again, and by whom sent on, in all. */
	readonly past = { count: 0, losses: 0, trail: { length: 0 } };
	/** How many pauses came before the one that is due; null: none is. */
	#pauses: number | null = null;
	#cancelled: ClientError | null = null;
	/** Ends what it waits for now. */
	#endStep: ((error: ClientError) => void) | null = null;

	constructor(core: Core, view: View, command: BlockingCommand) {
		this.#core = core;
		this.#view = view;
		this.#command = command;
		const blockMs = command.info.blockTimeoutMs(command.args);
		this.#blockMs = blockMs === 0 ? Number.POSITIVE_INFINITY : (blockMs ?? 0);
		this.#searchUntil = this.#inTime();
		this.#end = this.#searchUntil + this.#blockMs;
	}

	/** The end of a search that begins now. */
	#inTime(): number {
		const { timeoutMs } = this.#view;
		return timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
	}

	/** Gives it up, wherever it is. */
	cancel(error: ClientError): void {
		if (this.#cancelled !== null) return;
		this.#cancelled = error;
		this.#endStep?.(error);
	}

	async run(): Promise<Reply> {
		try {
			for (;;) {
				const reply = await this.#round();
				if (reply !== AGAIN) return reply;
				if (this.#pauses !== null) await this.#pause(this.#pauses);
				this.#pauses = null;
			}
		} catch (error) {
			throw this.#truth(error as ClientError);
		}
	}

	/** Nothing is held while it pauses: the lease ends with its flight. */
	async #round(): Promise<Reply | typeof AGAIN> {
		const lease = await this.#search();
		try {
			return await this.#fly(lease);
		} catch (error) {
			this.#comeBack(error as ClientError, lease);
			return AGAIN;
		} finally {
			lease.release();
		}
	}

	/** What was sent, and refused each time, was not executed; a read whose reply was lost may have been. */
	#truth(error: ClientError): ClientError {
		if (!this.#sent || !(error instanceof ClientError) || error.maybeExecuted !== undefined) return error;
		// Others may have been told the same.
		const own = error.code === "CLOSED" ? new ClientError(error.code, error.message, { cause: error.cause ?? error }) : error;
		own.maybeExecuted = this.#losses > 0;
		return own;
	}

	// ── search ──

	async #search(): Promise<Lease> {
		for (let failures = 0; ; failures++) {
			if (this.#cancelled !== null) throw this.#cancelled;
			const left = Math.min(this.#searchUntil, this.#end) - performance.now();
			if (left <= 0) throw this.#late();
			const target = this.#ask ?? { slot: this.#command.slot };
			const timeoutMs = left === Number.POSITIVE_INFINITY ? 0 : Math.ceil(left);
			try {
				const onWait = (cancel: (error: ClientError) => void): void => this.#step(cancel);
				const lease = await this.#core.dispatcher.lease(target, { timeoutMs, blocking: true, onWait });
				if (this.#cancelled === null) return lease;
				lease.release();
				throw this.#cancelled;
			} catch (error) {
				this.#unreachable(error as ClientError);
			} finally {
				this.#endStep = null;
			}
			await this.#pause(failures);
		}
	}

	/** No connection could be had. Throws unless one may be, later. */
	#unreachable(error: ClientError): void {
		if (this.#cancelled !== null) throw this.#cancelled;
		if (isHopeless(error) || !/^(CONNECTION|TIMEOUT|CLUSTER)$/.test(error.code)) throw error;
		if (performance.now() >= Math.min(this.#searchUntil, this.#end)) {
			throw error.code === "TIMEOUT" && this.#error === null ? error : this.#late(error);
		}
		this.#error = error;
		if (this.#ask !== null) this.#trail.end();
		this.#ask = null;
	}

	#late(error: ClientError | null = null): ClientError {
		const { info, slot } = this.#command;
		const cause = this.#error ?? error;
		const reason = cause === null ? "" : `: ${cause instanceof ReplyError ? `a server said ${cause.code}` : cause.message}`;
		const what = `${info.name}${slot === -1 ? "" : ` (slot ${slot})`} found no server that takes it within its deadline${reason}${this.#trail.way}`;
		return new ClientError("TIMEOUT", what, cause === null ? {} : { cause });
	}

	async #pause(attempt: number): Promise<void> {
		const { baseMs, maxMs } = this.#core.settings.retry;
		const left = Math.max(0, Math.min(this.#searchUntil, this.#end) - performance.now());
		await new Promise<void>((resolve, reject) => {
			const timer = setTimeout(resolve, Math.min(backoffMs(attempt, baseMs, maxMs), Math.ceil(left)));
			this.#step((error) => {
				clearTimeout(timer);
				reject(error);
			});
		}).finally(() => {
			this.#endStep = null;
		});
	}

	#step(end: (error: ClientError) => void): void {
		this.#endStep = end;
		if (this.#cancelled !== null) end(this.#cancelled);
	}

	// ── flight ──

	#fly(lease: Lease): Promise<Reply> {
		const { info, slot, flags } = this.#command;
		const now = performance.now();
		let { args } = this.#command;
		let left = this.#blockMs;
		if (this.#blockUntil === 0) this.#blockUntil = now + left;
		else if (left > 0 && left !== Number.POSITIVE_INFINITY) {
			left = Math.max(0, this.#blockUntil - now);
			args = withBlockTime(args, info, left);
		}
		const timeoutMs = this.#end === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(this.#end - now));
		return new Promise<Reply>((resolve, reject) => {
			const request = new SingleRequest(args, slot, flags, this.#view.mode, null, resolve as (value: never) => void, reject);
			request.blockMs = Math.ceil(left);
			const [endpoint] = lease.dispatcher.endpoints("all") as [Endpoint];
			this.last = { endpoint };
			this.#core.carry(request, timeoutMs, undefined, () => {
				if (this.#ask === null) lease.dispatcher.dispatch(request);
				else lease.ask(request);
			});
			this.#step((error) => request.cancel(error));
		}).finally(() => {
			this.#endStep = null;
			// The time of a flight is the server's.
			const flown = performance.now() - now;
			this.#searchUntil += flown;
			if (flown < STABLE_MS) return;
			this.#attempts = this.#losses = 0;
			this.#trail = new Trail();
			this.#searchUntil = this.#inTime();
		});
	}

	/** A flight ended without a reply. Throws unless it is flown again. */
	#comeBack(error: ClientError, lease: Lease): void {
		const asked = this.#ask !== null;
		this.#ask = null;
		// Refused, and cancelled before that was heard: whatever comes next ends at once.
		if (error === this.#cancelled || error.code === "TIMEOUT") throw error;
		if (error instanceof ReplyError) this.#sent = true;
		const refusal = error instanceof ReplyError ? classify(error, this.#command as BlockingCommand & Command) : null;
		if (refusal?.kind === "moved" || refusal?.kind === "ask") this.#redirected(refusal, error, lease, asked);
		else {
			if (asked) this.#trail.end();
			if (refusal === null) this.#lost(error);
			else this.#refused(refusal.kind, error, lease);
		}
		this.#error = error;
	}

	#refused(kind: Refusal["kind"], error: ClientError, lease: Lease): void {
		// The server hangs up behind that word.
		if (isForcedUnblock(error)) lease.dispatcher.destroy();
		else if (kind === "fail" || kind === "split") throw error;
		const { maxAttempts } = this.#core.settings.retry;
		if (this.#attempts >= (kind === "busy" ? Math.min(BUSY_ATTEMPTS, maxAttempts) : maxAttempts)) throw error;
		this.#core.counters.retries += 1;
		this.past.count += 1;
		this.#pauses = this.#attempts++;
	}

	/** Of MOVED the map has learned by now: the connection told. */
	#redirected(refusal: Extract<Refusal, { host: string }>, error: ClientError, lease: Lease, asked: boolean): void {
		const { counters, dispatcher, settings } = this.#core;
		if (dispatcher.redirected === undefined) throw error;
		const { kind, slot } = refusal;
		const [by] = lease.dispatcher.endpoints("all") as [Endpoint];
		const tooOften = this.#trail.add(formatEndpoint(by), slot, settings.cluster.maxRedirections, error);
		this.past.trail.length += 1;
		if (tooOften !== null) throw tooOften;
		const target = dispatcher.redirected(refusal, by);
		settings.teller.redirection(kind === "moved" ? "MOVED" : "ASK", slot, by, target);
		if (target === null) {
			this.#refused("later", error, lease);
			return;
		}
		counters.redirections += 1;
		const itself = formatEndpoint(target) === formatEndpoint(by);
		if (this.#trail.pauses(kind, asked, itself)) this.#pauses = this.#trail.length;
		else if (kind === "ask") this.#ask = { ask: target };
	}

	/** The connection ended. What was not written is sent elsewhere; of what was, only a read. */
	#lost(error: ClientError): void {
		const { settings, counters, closed } = this.#core;
		if (closed !== null || isHopeless(error)) throw error;
		if (error.maybeExecuted !== true) {
			// It ended before it was given anything.
			if (error.code !== "CONNECTION" && error.code !== "CLOSED") throw error;
			if (!this.#sent) this.#blockUntil = 0;
			this.#pauses = this.#attempts++;
			this.past.count += 1;
			return;
		}
		this.#sent = true;
		this.#losses += 1;
		const readOnly = (this.#command.flags & CommandFlag.readOnly) !== 0;
		if (!readOnly || error.code === "PROTOCOL" || this.#losses > Math.min(MAX_LOSSES, settings.retry.maxAttempts)) throw error;
		counters.retries += 1;
		this.past.count += 1;
		this.#pauses = this.#losses - 1;
	}
}
