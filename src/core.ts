/** What all views of one client share: the dispatcher, the clock, and how a request is started. */
import { FrameWriter } from "./batch/frames.js";
import type { Crowd } from "./budget.js";
import { CommandTable } from "./command-table.js";
import { traceCommand } from "./commands/traced.js";
import type { DeadlineClock } from "./deadline-clock.js";
import type { Counters, Dispatcher } from "./dispatcher.js";
import { ClientError } from "./errors.js";
import type { Settings } from "./options.js";
import { Hub } from "./pubsub/hub.js";
import type { ArgumentOptions } from "./resp/encode.js";
import type { ReplyMode } from "./resp/reply.js";
import type { SingleRequest } from "./single-request.js";
import { TransactionRequest } from "./transaction-request.js";
import { drained } from "./util/drained.js";

/** How a view of the client differs from the client itself. */
export interface View {
	readonly mode: ReplyMode;
	readonly limits: ArgumentOptions;
	readonly timeoutMs: number;
	readonly signal: AbortSignal | undefined;
	/** The connection is leased: commands that change its state, or block it, are allowed. */
	readonly dedicated: boolean;
}

export class Core {
	readonly settings: Settings;
	readonly clock: DeadlineClock;
	readonly counters: Counters;
	readonly dispatcher: Dispatcher;
	readonly crowd: Crowd;
	/** What this client knows of commands; shared with its leased connections. */
	readonly table: CommandTable;
	/** Moving average of bytes per value read by `mget`; 0 until one was read. */
	valueBytes = 0;
	readonly frameWriter = new FrameWriter();
	/** Targets of `getInto` in use. */
	readonly lent: WeakSet<Uint8Array>;
	/** Batches that have not settled: a number, for a Set that they come to and go from keeps what they read until a full collection. */
	batches = 0;
	/** All subscriptions; null until there was one. */
	hub: Hub | null = null;
	/** What goes on by itself until the client is closed. */
	readonly #runs = new Set<(closed: ClientError, gently: boolean) => void>();
	#closing: ClientError | null = null;

	/** @param owner the client whose connection `dispatcher` is leased from */
	constructor(
		settings: Settings,
		clock: DeadlineClock,
		counters: Counters,
		dispatcher: Dispatcher,
		crowd: Crowd = { full: 0 },
		owner?: Core,
	) {
		this.settings = settings;
		this.clock = clock;
		this.counters = counters;
		this.dispatcher = dispatcher;
		this.crowd = crowd;
		this.table = owner?.table ?? new CommandTable();
		this.lent = owner?.lent ?? new WeakSet();
	}

	/** Null where nobody can subscribe. */
	openHub(): Hub | null {
		const { homes } = this.dispatcher;
		if (this.hub === null && homes !== undefined) this.hub = new Hub(homes, this.settings, this.clock);
		return this.hub;
	}

	/** Why no call is accepted any more; null while they are. */
	get closed(): ClientError | null {
		return this.#closing ?? this.dispatcher.closed;
	}

	/** Calls `end` as soon as the client is being closed, `gently` unless it is destroyed; the function returned takes that back. */
	onClosed(end: (closed: ClientError, gently: boolean) => void): () => void {
		if (this.closed !== null) {
			end(this.closed, false);
			return () => {};
		}
		this.#runs.add(end);
		return () => this.#runs.delete(end);
	}

	/**
	 * Refuses new calls, waits for those accepted and all that they still send, then ends every connection. Commands that block are ended at once:
	 * nobody knows whether anything will ever come for them.
	 */
	async close(timeoutMs: number): Promise<void> {
		this.#refuse(true);
		this.hub?.close();
		const started = performance.now();
		await drained(() => this.batches > 0, timeoutMs);
		const left = timeoutMs > 0 ? Math.max(1, timeoutMs - (performance.now() - started)) : 0;
		await this.dispatcher.close(left);
	}

	destroy(): void {
		this.#refuse(false);
		this.hub?.destroy();
		this.dispatcher.destroy();
	}

	/** Waits, until the signal aborts or the client is closed. */
	pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
		return pause(ms, signal, (end) => this.onClosed(end));
	}

	#refuse(gently: boolean): void {
		this.#closing ??= new ClientError("CLOSED", "the client is closed");
		for (const end of [...this.#runs]) end(this.#closing, gently);
	}

	/** Starts a request: its deadline, its abort signal, its way to a server. */
	start(
		request: SingleRequest | TransactionRequest,
		timeoutMs: number,
		signal: AbortSignal | undefined,
		dispatch?: () => void,
	): void {
		const { teller } = this.settings;
		if (teller.tracesCommands && !request.internal) {
			traceCommand(teller, request, this.settings.mode === "cluster", () => this.carry(request, timeoutMs, signal, dispatch));
		} else this.carry(request, timeoutMs, signal, dispatch);
	}

	/** {@link start} for a part of a call of which more is told than this. */
	carry(
		request: SingleRequest | TransactionRequest,
		timeoutMs: number,
		signal: AbortSignal | undefined,
		dispatch?: () => void,
	): void {
		if (this.#closing !== null) {
			request.settle(0, this.#closing);
			return;
		}
		if (signal !== undefined) {
			if (signal.aborted) {
				request.settle(0, aborted(signal));
				return;
			}
			request.onSettled = onAbort(signal, () => request.cancel(aborted(signal)));
		}
		this.clock.add(request instanceof TransactionRequest ? request.timer : request, timeoutMs);
		if (dispatch === undefined) this.dispatcher.dispatch(request);
		else dispatch();
	}
}

export function newCounters(): Counters {
	return { commands: 0, flights: 0, bytesWritten: 0, bytesRead: 0, redirections: 0, retries: 0, reconnects: 0 };
}

/** What to cancel when a signal aborts: one listener per signal, however many calls follow it. */
const followers = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `cancel` when `signal` aborts; the function returned takes that back. */
export function onAbort(signal: AbortSignal, cancel: () => void): () => void {
	const cancels = followers.get(signal) ?? new Set();
	if (cancels.size === 0) {
		followers.set(signal, cancels);
		signal.addEventListener("abort", cancelAll);
	}
	cancels.add(cancel);
	return () => {
		cancels.delete(cancel);
		if (cancels.size === 0) signal.removeEventListener("abort", cancelAll);
	};
}

function cancelAll(this: AbortSignal): void {
	for (const cancel of [...(followers.get(this) ?? [])]) cancel();
}

/**
 * Waits, until the signal aborts.
 * @param follow what else ends it: calls `end`, now or later; the function it returns takes that back
 */
export function pause(ms: number, signal: AbortSignal | undefined, follow?: (end: () => void) => () => void): Promise<void> {
	return new Promise((resolve) => {
		let leave: (() => void) | undefined;
		let stopListening: (() => void) | undefined;
		const end = (): void => {
			clearTimeout(timer);
			leave?.();
			stopListening?.();
			resolve();
		};
		const timer = setTimeout(end, ms);
		if (signal !== undefined) stopListening = onAbort(signal, end);
		leave = follow?.(end);
		if (signal?.aborted) end();
	});
}

export function aborted(signal: AbortSignal): ClientError {
	return new ClientError("ABORTED", "the caller aborted", { cause: signal.reason });
}
