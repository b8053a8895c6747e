/**
 * Tells hooks and `node:diagnostics_channel` what happens to a client. Free where nobody listens: one look per call, and nothing is made.
 *
 *     slotwire:command       slotwire:batch        at settlement; as tracing channels also when they begin, with the same object
 *     slotwire:connection    slotwire:redirection    slotwire:topology    slotwire:error
 *
 * Only the beginning of a call is told at once, inside of it, so that a tracer finds the caller's context. All else is told in a microtask of
 * its own: whoever listens may close the client, or call it, and finds it in a state between two steps, never within one.
 *
 * What a subscriber of a channel throws is an uncaught exception: that is Node's rule for them. What a hook throws is caught here.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html
 */
import { channel, tracingChannel } from "node:diagnostics_channel";
import { type Endpoint, formatEndpoint } from "./endpoint.js";
import type { ConnectionState, Events, Hooks } from "./events.js";

const channels = {
	command: channel("slotwire:command"),
	batch: channel("slotwire:batch"),
	connection: channel("slotwire:connection"),
	redirection: channel("slotwire:redirection"),
	topology: channel("slotwire:topology"),
	error: channel("slotwire:error"),
};

const commandTrace = tracingChannel<unknown, Events["command"]>("slotwire:command");
const batchTrace = tracingChannel<unknown, Events["batch"]>("slotwire:batch");
const traces = { command: commandTrace, batch: batchTrace };

type Call = keyof typeof traces;
type Kind = keyof Events;
/** An event as it is given in: whose it is, is known here. */
type Told<K extends Kind> = Events[K] extends infer Event ? (Event extends unknown ? Omit<Event, "client"> : never) : never;

export const eventKinds = Object.keys(channels) as readonly Kind[];

/**
 * So many calls that failed at once are told of before the event loop goes on. Whoever listens may answer each by another call, which fails
 * at once as well: without end, and microtasks let nothing else run.
 */
const MAX_FAILED_AT_ONCE = 64;

let clients = 0;

export class Teller {
	/** In every event of this client. */
	readonly client: string;
	readonly #hooks: Hooks;
	/** Hooks whose failure was told. */
	readonly #failed = new Set<string>();
	/** Calls that are being made right now, one inside of the other, */
	#beginning = 0;
	/** and those that failed by then, since the event loop went on. */
	#failedAtOnce = 0;

	constructor(hooks: Hooks = {}, name = "slotwire") {
		clients += 1;
		this.client = `${name}#${clients}`;
		this.#hooks = hooks;
	}

	/** Somebody wants to know of each command. */
	get tracesCommands(): boolean {
		return channels.command.hasSubscribers || commandTrace.hasSubscribers || this.#hooks.command !== undefined;
	}

	get tracesBatches(): boolean {
		return channels.batch.hasSubscribers || batchTrace.hasSubscribers || this.#hooks.batch !== undefined;
	}

	/** Makes a call within the context that tracers give it. `event` is the one that `ended` gets, then complete. */
	begin<K extends Call>(kind: K, event: Events[K], call: () => void): void {
		const { start, end } = traces[kind];
		this.#beginning += 1;
		try {
			start.runStores(event as never, call);
		} finally {
			this.#beginning -= 1;
		}
		end.publish(event);
	}

	ended<K extends Call>(kind: K, event: Events[K]): void {
		const later = event.error !== null && this.#beginning > 0 && this.#isFlooded() ? setImmediate : queueMicrotask;
		later(() => {
			const { asyncStart, asyncEnd, error } = traces[kind];
			if (event.error !== null) error.publish(event);
			asyncStart.publish(event);
			asyncEnd.publish(event);
			this.#publish(kind, event);
		});
	}

	#isFlooded(): boolean {
		if (this.#failedAtOnce === 0) {
			setImmediate(() => {
				this.#failedAtOnce = 0;
			});
		}
		this.#failedAtOnce += 1;
		return this.#failedAtOnce > MAX_FAILED_AT_ONCE;
	}

	connection(state: ConnectionState, node: Endpoint, connection: number, cause: Error | null = null): void {
		if (!this.#isHeard("connection")) return;
		this.#tell("connection", { state, node: formatEndpoint(node), connection, cause: cause?.message ?? null });
	}

	redirection(kind: "MOVED" | "ASK", slot: number, from: Endpoint, to: Endpoint | null): void {
		if (!this.#isHeard("redirection")) return;
		this.#tell("redirection", { kind, slot, from: formatEndpoint(from), to: to === null ? null : formatEndpoint(to) });
	}

	/** @param event made only when somebody listens */
	topology(event: () => Told<"topology">): void {
		if (this.#isHeard("topology")) this.#tell("topology", event());
	}

	/** Something went wrong that has no caller. */
	report(source: string, error: unknown): void {
		if (this.#isHeard("error")) this.#tell("error", { source, error });
	}

	#isHeard(kind: Kind): boolean {
		return channels[kind].hasSubscribers || this.#hooks[kind] !== undefined;
	}

	#tell<K extends Kind>(kind: K, event: Told<K>): void {
		const whole = { client: this.client, ...event } as unknown as Events[K];
		queueMicrotask(() => this.#publish(kind, whole));
	}

	#publish<K extends Kind>(kind: K, event: Events[K]): void {
		channels[kind].publish(event);
		const hook = this.#hooks[kind] as ((event: Events[K]) => unknown) | undefined;
		if (hook === undefined) return;
		try {
			const result = hook(event);
			if (result instanceof Promise) result.catch((error) => this.#hookFailed(kind, error));
		} catch (error) {
			this.#hookFailed(kind, error);
		}
	}

	/** Once: it may fail on every command. And what fails on errors is told none. */
	#hookFailed(kind: Kind, error: unknown): void {
		if (kind === "error" || this.#failed.has(kind)) return;
		this.#failed.add(kind);
		this.report(`hook ${kind}`, error);
	}
}

/** Tells that something went wrong that has no caller: a listener that threw, say. */
export function report(teller: Teller, source: string, error: unknown): void {
	teller.report(source, error);
}
