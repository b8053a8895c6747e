/** All connections to one server: shared lanes that slots are pinned to, and leased connections. By itself it is the standalone topology. */
import type { ConnectionContext } from "./connection/connection.js";
import { formatEndpoint } from "./connection/socket.js";
import type { Dispatcher, Gauges, Lease, LeaseTarget } from "./dispatcher.js";
import { ClientError, WrongModeError } from "./errors.js";
import { Lane, type ServerMemory } from "./lane.js";
import { LeasedConnection } from "./leased-connection.js";
import { classify } from "./refusal.js";
import { type Attempt, type Carrier, type Endpoint, type Entry, type Request, settleAll } from "./request.js";
import { mayRepeat, RetryQueue, unanswered } from "./retry-queue.js";
import { drained } from "./util/drained.js";

/** The layer above hears of nodes that went away. */
export interface PoolObserver {
	lost(pool: Pool): void;
}

/** Errors that no reconnection mends: waiting callers are told at once. */
export function isHopeless(error: ClientError): boolean {
	return error.code === "AUTH" || error instanceof WrongModeError;
}

export class Pool implements Dispatcher, Carrier {
	readonly endpoint: Endpoint;
	readonly keyGroups: number;
	readonly #context: ConnectionContext;
	readonly #lanes: Lane[];
	readonly #leased = new Set<LeasedConnection>();
	readonly #retries: RetryQueue;
	#closed: ClientError | null = null;
	#starting: { resolve: () => void; reject: (error: ClientError) => void; cause: ClientError | null } | null = null;
	#startTimer: NodeJS.Timeout | undefined;

	constructor(endpoint: Endpoint, context: ConnectionContext, observer?: PoolObserver) {
		this.endpoint = endpoint;
		this.#context = context;
		const { shared } = context.settings.pool;
		this.keyGroups = shared;
		const laneObserver = {
			ready: () => this.#starting?.resolve(),
			lost: (cause: ClientError) => {
				this.#startFailed(cause);
				observer?.lost(this);
			},
		};
		const memory: ServerMemory = { plainResp2Until: 0 };
		this.#lanes = Array.from({ length: shared }, () => new Lane(endpoint, context, laneObserver, memory));
		this.#retries = new RetryQueue(context.settings, (attempt) => this.send(attempt, attempt.subject.slot));
	}

	/**
	 * Connects; resolves once one connection is ready.
	 * @throws AUTH, CLUSTER at once; CONNECTION by `startMs`, with the last cause
	 */
	start(): Promise<void> {
		const { startMs } = this.#context.settings.timeouts;
		return new Promise<void>((resolve, reject) => {
			this.#starting = { resolve, reject, cause: null };
			this.warm();
			if (startMs > 0) this.#startTimer = setTimeout(() => this.#startFailed(null), startMs);
		}).finally(() => {
			clearTimeout(this.#startTimer);
			this.#starting = null;
		});
	}

	#startFailed(cause: ClientError | null): void {
		const starting = this.#starting;
		if (starting === null) return;
		if (cause !== null) starting.cause = cause;
		if (cause !== null && !isHopeless(cause)) return;
		const reason = starting.cause?.message ?? `${formatEndpoint(this.endpoint)} did not answer`;
		const { startMs } = this.#context.settings.timeouts;
		starting.reject(
			cause ?? new ClientError("CONNECTION", `no connection within ${startMs} ms: ${reason}`, { cause: starting.cause }),
		);
	}

	// ── Dispatcher ──

	dispatch(request: Request): void {
		request.carrier = this;
		if (this.#closed !== null) {
			settleAll(request, this.#closed);
			return;
		}
		this.send(request, request.command(0).slot);
	}

	lane(slot: number): Lane {
		return this.#lanes[slot <= 0 ? 0 : slot % this.#lanes.length] as Lane;
	}

	endpoints(): Endpoint[] {
		return [this.endpoint];
	}

	dispatchTo(_node: Endpoint, request: Request): void {
		this.dispatch(request);
	}

	async lease(target: LeaseTarget): Promise<Lease> {
		if ("node" in target && target.node !== formatEndpoint(this.endpoint)) {
			throw new ClientError("INVALID_ARGUMENT", `${target.node} is not a node of this client`);
		}
		if (this.#closed !== null) throw this.#closed;
		const dispatcher = new LeasedConnection(this.endpoint, this.#context);
		const release = (): void => {
			this.#leased.delete(dispatcher);
			dispatcher.destroy();
		};
		// Known from its first moment: whoever ends the pool ends it too.
		this.#leased.add(dispatcher);
		try {
			await dispatcher.ready;
		} catch (error) {
			release();
			throw error;
		}
		return { dispatcher, release };
	}

	gauges(): Gauges {
		let inFlight = this.#retries.size;
		let connections = 0;
		for (const lane of this.#lanes) {
			inFlight += lane.commandsPending;
			connections += lane.connections;
		}
		for (const leased of this.#leased) {
			const gauges = leased.gauges();
			inFlight += gauges.inFlight;
			connections += gauges.connections;
		}
		return { inFlight, connections };
	}

	async close(timeoutMs: number): Promise<void> {
		await drained(() => this.gauges().inFlight, timeoutMs);
		this.destroy();
	}

	destroy(cause?: Error): void {
		const error = new ClientError("CLOSED", "the client is closed", cause === undefined ? {} : { cause });
		this.#closed ??= error;
		for (const lane of this.#lanes) lane.destroy(error);
		for (const leased of this.#leased) leased.destroy(error);
		this.#retries.clear(error);
	}

	// ── for the layer above, which keeps its own counsel about errors ──

	/** Sends an entry whose carrier is already set. */
	send(entry: Entry, slot: number): void {
		this.lane(slot).send(entry);
	}

	/** Connects every lane that is not, ahead of the first command. */
	warm(): void {
		for (const lane of this.#lanes) lane.open();
	}

	get isReady(): boolean {
		return this.#lanes.some((lane) => lane.isReady);
	}

	get closed(): ClientError | null {
		return this.#closed;
	}

	// ── Carrier ──

	refused(attempt: Attempt, error: ClientError): void {
		const refusal = classify(error, attempt.subject);
		if (refusal.kind === "later" && this.#closed === null) {
			this.#context.counters.retries += 1;
			this.#retries.add(attempt, error);
		} else if (refusal.kind === "moved" || refusal.kind === "ask") {
			const where = formatEndpoint(this.endpoint);
			attempt.settle(new WrongModeError(`${where} is a cluster node: use a redis-cluster:// URL`, { cause: error }));
		} else attempt.settle(error);
	}

	lost(attempt: Attempt, cause: ClientError, written: boolean): void {
		const closed = this.#closed;
		if (closed !== null || !mayRepeat(attempt, cause, written) || isHopeless(cause)) {
			attempt.settle(unanswered(closed ?? cause, written));
			return;
		}
		if (attempt.abandoned) return;
		if (!written) this.send(attempt, attempt.subject.slot);
		else {
			this.#context.counters.retries += 1;
			this.#retries.add(attempt, unanswered(cause, true));
		}
	}
}
