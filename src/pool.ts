/** All connections to one server: shared lanes that slots are pinned to, and leased connections. By itself it is the standalone topology. */
import { Budget } from "./budget.js";
import type { Connection, ConnectionContext } from "./connection/connection.js";
import { DedicatedPool } from "./dedicated.js";
import type { Dispatcher, Gauges, Lease, LeaseTarget, LeaseWait, SlotRange } from "./dispatcher.js";
import { type Endpoint, formatEndpoint } from "./endpoint.js";
import { ClientError, WrongModeError } from "./errors.js";
import { Fences } from "./fences.js";
import type { Home, Homes } from "./home.js";
import { Lane, type NodeContext } from "./lane.js";
import { LeasedConnection } from "./leased-connection.js";
import { Probe } from "./probe.js";
import { ask } from "./question.js";
import { BUSY_ATTEMPTS, classify, FORGOTTEN_ATTEMPTS, isHopeless, mayRepeat, unanswered } from "./refusal.js";
import {
	type Attempt,
	type Carrier,
	type Command,
	CommandFlag,
	type Entry,
	EntryPart,
	type Link,
	type Request,
	settleAll,
} from "./request.js";
import { SLOT_COUNT } from "./slot.js";
import { Subscriber } from "./subscriber.js";
import { drained } from "./util/drained.js";

/** The layer above hears of nodes in trouble. */
export interface PoolObserver {
	/** A connection is silent though it owes replies; said again while that lasts. */
	suspected(pool: Pool): void;
	lost(pool: Pool): void;
	/** It is not the node that commands were sent to it for: a replica by now, or without their slot. `error` is what it said. */
	misplaced(pool: Pool, error: ClientError, link: Link): void;
	/** A node knows one of its connections no more: that has to be renewed, and what it owes guarded. */
	expelled?(connection: Connection, cause: ClientError): void;
}

export class Pool implements Dispatcher, Carrier {
	readonly endpoint: Endpoint;
	readonly keyGroups: number;
	/** What the node owes, and is owed to send to it. */
	readonly budget: Budget;
	readonly #node: NodeContext;
	readonly #lanes: Lane[];
	readonly #dedicated: DedicatedPool;
	/** Where its subscriptions live, once there were some. */
	#subscriber: Subscriber | null = null;
	readonly #fences: Fences;
	readonly #observer: PoolObserver | undefined;
	readonly #keepAlive: NodeJS.Timeout | null;
	#probe: Probe | null = null;
	#closed: ClientError | null = null;
	#starting: { resolve: () => void; reject: (error: ClientError) => void; cause: ClientError | null } | null = null;
	#startTimer: NodeJS.Timeout | undefined;

	/** @param readOnly it is a replica that is read from */
	constructor(endpoint: Endpoint, context: ConnectionContext, observer?: PoolObserver, readOnly = false) {
		const { settings } = context;
		const { shared, pingMs } = settings.pool;
		this.endpoint = endpoint;
		this.keyGroups = shared;
		this.budget = new Budget(formatEndpoint(endpoint), settings.pool, context.crowd);
		this.#observer = observer;
		this.#node = { ...context, endpoint, budget: this.budget, readOnly, plainResp2Until: 0, identity: undefined };
		const laneObserver = {
			ready: () => this.#starting?.resolve(),
			suspected: (connection: Connection) => this.#suspected(connection),
			lost: (cause: ClientError) => {
				this.#startFailed(cause);
				observer?.lost(this);
			},
			expelled: (connection: Connection, cause: ClientError) => this.#expelled(connection, cause),
		};
		this.#lanes = Array.from({ length: shared }, () => new Lane(this.#node, laneObserver));
		this.#dedicated = new DedicatedPool(this.#node, laneObserver.suspected);
		this.#fences = new Fences(settings.retry, (attempt) => this.send(attempt, attempt.subject.slot));
		this.#keepAlive = pingMs > 0 ? setInterval(() => this.#pingIdle(), pingMs).unref() : null;
	}

	/**
	 * Connects; resolves once one connection is ready.
	 * @throws AUTH, CLUSTER at once; CONNECTION by `startMs`, with the last cause
	 */
	start(): Promise<void> {
		const { startMs } = this.#node.settings.timeouts;
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
		const { startMs } = this.#node.settings.timeouts;
		starting.reject(
			cause ?? new ClientError("CONNECTION", `no connection within ${startMs} ms: ${reason}`, { cause: starting.cause }),
		);
	}

	// ── Dispatcher ──

	dispatch(request: Request): void {
		request.carrier = this;
		const refusal = this.#closed ?? this.budget.overload(request);
		if (refusal !== null) {
			settleAll(request, refusal);
			return;
		}
		const free = this.#fences.size === 0 ? null : this.#fences.screen(request);
		if (free === null) this.#start(request, request.command(0));
		else if (free.length > 0) this.send(new EntryPart(request, free), request.command(0).slot);
	}

	#start(request: Request, command: Command): void {
		const { slot, flags } = command;
		const leads = (flags & CommandFlag.byHash) !== 0 && isProbe(request, command, this.lane(slot));
		if (leads) this.#fences.lead(request.attempt(0), this.budget);
		else this.send(request, slot);
	}

	lane(slot: number): Lane {
		return this.#lanes[slot <= 0 ? 0 : slot % this.#lanes.length] as Lane;
	}

	refusal(): Promise<never> | null {
		return this.budget.refusal;
	}

	endpoints(): Endpoint[] {
		return [this.endpoint];
	}

	dispatchTo(_node: Endpoint, request: Request): void {
		this.dispatch(request);
	}

	slotsOf(): SlotRange[] {
		return [[0, SLOT_COUNT - 1]];
	}

	refresh(): Promise<void> {
		return Promise.resolve();
	}

	async lease(target: LeaseTarget, wait: LeaseWait): Promise<Lease> {
		const node = "ask" in target ? formatEndpoint(target.ask) : "node" in target ? target.node : null;
		if (node !== null && node !== formatEndpoint(this.endpoint)) {
			throw new ClientError("INVALID_ARGUMENT", `${node} is not a node of this client`);
		}
		const connection = await this.#dedicated.acquire(wait);
		const astray = (error: ClientError): void => this.#astray(connection, error);
		const dispatcher = new LeasedConnection(connection, this.budget, this.#node.settings.mode, astray);
		return { dispatcher, ask: (request) => dispatcher.ask(request), release: () => this.#release(dispatcher, connection) };
	}

	#release(lease: LeasedConnection, connection: Connection): void {
		const clean = lease.isClean;
		lease.detach();
		if (clean && lease.transacted) {
			// Their replies come before that of whatever the next caller asks. Inside a transaction UNWATCH would only be queued.
			for (const word of ["DISCARD", "UNWATCH"]) void this.#ask([word], (request) => connection.send(request));
		}
		this.#dedicated.release(connection, clean);
	}

	gauges(): Gauges {
		let connections = this.#dedicated.connections + (this.#subscriber?.own ? 1 : 0);
		for (const lane of this.#lanes) connections += lane.connections;
		return { inFlight: this.budget.commands, connections };
	}

	async close(timeoutMs: number, cause?: Error): Promise<void> {
		// The client ends its leases; a node that is let go of leaves them their time.
		await drained(() => this.isAwaited || (cause !== undefined && this.#dedicated.lent > 0), timeoutMs);
		this.destroy(cause);
	}

	/** @param cause a ClientError is what callers get, as it is */
	destroy(cause?: Error): void {
		const closed = new ClientError("CLOSED", "the client is closed", cause === undefined ? {} : { cause });
		const error = cause instanceof ClientError ? cause : closed;
		this.#closed ??= error;
		if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
		this.#probe?.destroy();
		this.#starting?.reject(error);
		for (const lane of this.#lanes) lane.destroy(error);
		this.#dedicated.destroy(error);
		this.#subscriber?.destroy(error);
		this.#fences.clear(error);
	}

	// ── where subscriptions live ──

	get home(): Home {
		this.#subscriber ??= new Subscriber(this.#node, this.#lanes[0] as Lane, {
			suspected: (connection) => this.#suspected(connection),
			expelled: (connection, cause) => this.#expelled(connection, cause),
		});
		return this.#subscriber;
	}

	/** There is no other server. */
	get homes(): Homes {
		return { homeOf: () => this.home, isHome: () => true, refused: () => {}, watchHomes: () => {} };
	}

	// ── for the layer above, which keeps its own counsel about errors ──

	/** Sends an entry whose carrier is already set. */
	send(entry: Entry, slot: number): void {
		this.lane(slot).send(entry);
	}

	/** Connections made from now on have to lead to the cluster node of this id, and shared ones that were made to any; undefined: to any. */
	set identity(id: string | undefined) {
		if (id === this.#node.identity) return;
		this.#node.identity = id;
		for (const connection of this.live()) connection.endUnlessTo(id);
	}

	/** Connects every lane that is not, ahead of the first command. */
	warm(): void {
		for (const lane of this.#lanes) lane.open();
		if (!this.#node.readOnly) this.#dedicated.warm();
	}

	get isReady(): boolean {
		return this.#lanes.some((lane) => lane.isReady);
	}

	/** Whether a caller waits for an answer of this node. */
	get isAwaited(): boolean {
		return this.#lanes.some((lane) => lane.isAwaited) || this.#fences.isAwaited || this.#dedicated.isAwaited;
	}

	/** Whether a caller has a connection of its own. */
	get isLeased(): boolean {
		return this.#dedicated.lent > 0;
	}

	get isReader(): boolean {
		return this.#node.readOnly;
	}

	get isSuspected(): boolean {
		return this.live().some((connection) => connection.isSuspected);
	}

	/** The node is silent, or cannot be connected to. */
	get isFailing(): boolean {
		return this.isSuspected || this.#lanes.some((lane) => lane.isFailing);
	}

	get closed(): ClientError | null {
		return this.#closed;
	}

	/** The shared connections, and that of subscriptions. */
	live(): Connection[] {
		const own = this.#subscriber?.own;
		return [...this.#lanes.flatMap((lane) => [...lane.live()]), ...(own ? [own] : [])];
	}

	/** Commands of these slots that block here, and that the server does not let go of: their connections end. */
	leaveBlocked(slots: ReadonlySet<number>): void {
		this.#dedicated.leaveBlocked(slots);
	}

	/** Ends the connections that owe replies and are silent. */
	dropSuspects(cause: ClientError): void {
		for (const connection of this.live()) if (connection.isSuspected) connection.destroy(cause);
	}

	/** Whether new commands go out on it. */
	sendsOn(link: Link): boolean {
		return this.#lanes.some((lane) => lane.current === link);
	}

	/** Another connection takes the place of this one. What this one still owes has to be guarded before. */
	renew(link: Link, cause: ClientError): void {
		for (const lane of this.#lanes) lane.renew(link, cause);
	}

	/** Whoever has this connection to himself is its last user. */
	retire(link: Link): void {
		this.#dedicated.retire(link);
	}

	/** Hands back what was not written. */
	unqueue(cause: ClientError): void {
		for (const lane of this.#lanes) lane.unqueue(cause);
	}

	// ── Carrier ──

	refused(attempt: Attempt, error: ClientError, link: Link): void {
		const { kind } = classify(error, attempt.subject);
		const { retry, mode } = this.#node.settings;
		const cluster = mode === "cluster";
		if (kind === "moved" || kind === "ask") {
			const where = formatEndpoint(this.endpoint);
			// On a cluster it was meant for this very node, whatever it serves.
			const wrong = new WrongModeError(`${where} is a cluster node: use a redis-cluster:// URL`, { cause: error });
			wrong.maybeExecuted = false;
			attempt.settle(cluster ? error : wrong);
		} else if (this.#closed !== null || kind === "split" || kind === "fail" || (cluster && kind === "demoted")) {
			attempt.settle(error);
		} else {
			const few = kind === "busy" ? BUSY_ATTEMPTS : kind === "forgotten" ? FORGOTTEN_ATTEMPTS : retry.maxAttempts;
			const maxAttempts = Math.min(few, retry.maxAttempts);
			const pause = kind !== "unknown-script";
			const held = this.#fences.hold(attempt, { error, link, budget: this.budget, pause, maxAttempts });
			if (held) this.#node.counters.retries += 1;
			if (kind === "forgotten") this.#replace(link, forgotten(link.endpoint, error));
		}
		// The word of a script as well, although that is not sent again.
		if (error.code === "READONLY") this.#astray(link, error);
	}

	/** The server named another, or refused a write as a replica does. On a cluster the other nodes know who is meant. */
	#astray(link: Link, error: ClientError): void {
		if (this.#closed !== null) return;
		if (this.#node.settings.mode === "cluster") this.#observer?.misplaced(this, error, link);
		else if (error.code === "READONLY") this.#demoted(link, error);
	}

	/** The name may lead to another server by now, and every connection leads to the old one: all are replaced, once, whoever hears of it. */
	#demoted(link: Link, error: ClientError): void {
		const ready = this.#lanes.map((lane) => lane.current).filter((connection) => connection?.isReady) as Connection[];
		if (!ready.some((connection) => connection === link) && !this.#dedicated.has(link)) return;
		const cause = new ClientError("CONNECTION", `${formatEndpoint(this.endpoint)} is no primary any more`, { cause: error });
		for (const connection of ready) this.#replace(connection, cause);
		this.#dedicated.renew(cause);
		this.#subscriber?.renew(cause);
	}

	#expelled(connection: Connection, cause: ClientError): void {
		if (this.#observer?.expelled !== undefined) this.#observer.expelled(connection, cause);
		else this.#replace(connection, cause);
	}

	#replace(link: Link, cause: ClientError): void {
		if (!this.sendsOn(link)) return;
		this.#fences.guardAll(link, this.budget);
		this.renew(link, cause);
	}

	lost(attempt: Attempt, cause: ClientError, written: boolean): void {
		const { maxAttempts } = this.#node.settings.retry;
		if (this.#closed !== null || !mayRepeat(attempt, cause, written, maxAttempts)) {
			attempt.settle(unanswered(attempt, this.#closed ?? cause, written));
			return;
		}
		if (written) this.#node.counters.retries += 1;
		this.#fences.resend(attempt);
	}

	// ── liveness ──

	#suspected(connection: Connection): void {
		this.#observer?.suspected(this);
		this.#subscriber?.check();
		if (this.#probe !== null || this.#closed !== null) return;
		const probe = new Probe(this.#node, connection.id);
		this.#probe = probe;
		void probe.verdict.then((verdict) => {
			this.#probe = null;
			if (verdict === "stuck") connection.condemn();
		});
	}

	/** A connection whose peer is gone shows it when something is written: it becomes a suspect, or is reset. */
	#pingIdle(): void {
		const ping = (send: (entry: Entry) => void): void => void this.#ask(["PING"], send);
		for (const lane of this.#lanes) lane.keepAlive(ping);
		this.#dedicated.keepAlive(ping);
		this.#subscriber?.keepAlive();
	}

	/** What the answer is does not matter here. */
	#ask(args: string[], send: (entry: Entry) => void): Promise<unknown> {
		const { clock, settings } = this.#node;
		return ask(args, clock, settings.timeouts.commandMs || 5000, send).catch(() => {});
	}
}

/** Why a connection whose commands are refused with NOAUTH is made anew. */
export function forgotten(node: Endpoint, error: ClientError): ClientError {
	return new ClientError("CONNECTION", `${formatEndpoint(node)} does not know the connection any more`, { cause: error });
}

/**
 * Whether the call of a script is a single one, and may meet a server that does not know it: should it be refused, later commands of its
 * slot must not have overtaken it. A batch sends the text.
 */
export function isProbe(request: Request, command: Command, lane: Lane): boolean {
	return !request.mayWait && !lane.hasScript(command);
}
