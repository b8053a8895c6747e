/** What all views of one client share: the dispatcher, the clock, and how a request is started. */
import { CommandTable } from "./command-table.js";
import type { DeadlineClock } from "./deadline-clock.js";
import type { Counters, Dispatcher } from "./dispatcher.js";
import { ClientError } from "./errors.js";
import type { Settings } from "./options.js";
import type { SingleRequest } from "./request.js";
import type { ReplyMode } from "./resp/reply.js";

/** How a view of the client differs from the client itself. */
export interface View {
	readonly mode: ReplyMode;
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
	/** What this client knows of commands; shared with its leased connections. */
	readonly table: CommandTable;
	/** Moving average of bytes per value read by `mget`; 0 until one was read. */
	valueBytes = 0;
	/** Targets of `getInto` in use. */
	readonly lent = new WeakSet<Uint8Array>();

	constructor(settings: Settings, clock: DeadlineClock, counters: Counters, dispatcher: Dispatcher, table = new CommandTable()) {
		this.settings = settings;
		this.clock = clock;
		this.counters = counters;
		this.dispatcher = dispatcher;
		this.table = table;
	}

	/** Starts a request: its deadline, its abort signal, its way to a server. */
	start(
		request: SingleRequest,
		timeoutMs: number,
		signal: AbortSignal | undefined,
		dispatch?: (request: SingleRequest) => void,
	): void {
		if (signal !== undefined && !listen(request, signal)) return;
		this.clock.add(request, timeoutMs);
		if (dispatch === undefined) this.dispatcher.dispatch(request);
		else dispatch(request);
	}
}

export function newCounters(): Counters {
	return { commands: 0, flights: 0, bytesWritten: 0, bytesRead: 0, redirections: 0, retries: 0, reconnects: 0 };
}

/** Cancels `request` when `signal` aborts; false when it has already. */
function listen(request: SingleRequest, signal: AbortSignal): boolean {
	if (signal.aborted) {
		request.settle(0, aborted(signal));
		return false;
	}
	const onAbort = (): void => request.cancel(aborted(signal));
	signal.addEventListener("abort", onAbort, { once: true });
	request.onSettled = () => signal.removeEventListener("abort", onAbort);
	return true;
}

export function aborted(signal: AbortSignal): ClientError {
	return new ClientError("ABORTED", "the caller aborted", { cause: signal.reason });
}
