/**
 * The connection of a node that is subscribed: in RESP3 the first of the shared ones, where messages travel between replies; in RESP2, where
 * a subscribed connection can ask nothing else, and with `pool.subscriber: "dedicated"`, one that carries nothing else and counts as no lease.
 *
 *     shared    lane ready ──► ready ──► lost with the lane's connection ──► lane ready …
 *     its own   lane ready ──► opening ──► ready ──► lost ──► backing off ──► opening …
 */
import type { Connection, ConnectionObserver } from "./connection/connection.js";
import { isStubborn } from "./connection/stubborn.js";
import { type Endpoint, formatEndpoint } from "./endpoint.js";
import { ClientError } from "./errors.js";
import type { Home, HomeObserver } from "./home.js";
import { type Lane, type LaneFollower, type NodeContext, STABLE_MS } from "./lane.js";
import { Opening } from "./opening.js";
import { isHopeless } from "./refusal.js";
import type { Entry } from "./request.js";
import { type Reply, ReplyMode } from "./resp/reply.js";
import { SingleRequest } from "./single-request.js";
import { backoffMs } from "./util/backoff.js";

export class Subscriber implements Home, LaneFollower {
	readonly endpoint: Endpoint;
	readonly #node: NodeContext;
	readonly #lane: Lane;
	readonly #observed: Required<Pick<ConnectionObserver, "suspected" | "expelled">>;
	#observer: HomeObserver | null = null;
	/** Ready, and in use. */
	#connection: Connection | null = null;
	/** It is the lane's. */
	#shared = false;
	#opening: Opening | null = null;
	#backoff: NodeJS.Timeout | null = null;
	#failures = 0;
	#readyAt = 0;
	#closed = false;
	/** What `keepAlive` saw last. */
	#bytesRead = -1;

	/** @param observed what else there is to be told of a connection; `expelled`: of the lane's */
	constructor(node: NodeContext, lane: Lane, observed: Required<Pick<ConnectionObserver, "suspected" | "expelled">>) {
		this.endpoint = node.endpoint;
		this.#node = node;
		this.#lane = lane;
		this.#observed = observed;
	}

	get isReady(): boolean {
		return this.#connection !== null;
	}

	/** The connection that is its own, if it has one. */
	get own(): Connection | null {
		return this.#shared ? null : this.#connection;
	}

	open(observer: HomeObserver): void {
		this.#observer = observer;
		if (this.#closed) return;
		this.#lane.follower = this;
		const { current } = this.#lane;
		if (current?.isReady) this.ready(current);
		else this.#lane.open();
	}

	leave(): void {
		this.#observer = null;
		this.#lane.follower = null;
		this.#end(new ClientError("CLOSED", "nobody is subscribed any more"));
	}

	send(entry: Entry): void {
		this.#connection?.send(entry);
	}

	forgotten(error: ClientError): void {
		const cause = new ClientError("CONNECTION", `${formatEndpoint(this.endpoint)} does not know the connection any more`, {
			cause: error,
		});
		if (this.#connection === null) return;
		if (this.#shared) this.#observed.expelled(this.#connection, cause);
		else this.#connection.destroy(cause);
	}

	/** Another connection takes over where this one is its own: the node's name may lead elsewhere by now. */
	renew(cause: ClientError): void {
		this.own?.destroy(cause);
	}

	/** Has a PING sent when nothing was heard since the last call; the lane looks after its own. */
	keepAlive(): void {
		const connection = this.own;
		if (connection === null) return;
		const { bytesRead } = connection;
		if (bytesRead === this.#bytesRead && connection.isIdle) this.#ping(connection);
		this.#bytesRead = bytesRead;
	}

	/** Another connection to the node is silent. This one may be as dead, and with nothing owed nobody would see it before the next `keepAlive`. */
	check(): void {
		const connection = this.own;
		if (connection?.isIdle) this.#ping(connection);
	}

	destroy(cause: ClientError): void {
		this.#closed = true;
		this.#lane.follower = null;
		const observer = this.#observer;
		const wasReady = this.isReady;
		this.#observer = null;
		this.#end(cause);
		if (wasReady) observer?.lost(cause);
	}

	// ── LaneFollower ──

	ready(connection: Connection): void {
		if (this.#connection !== null || this.#opening !== null || this.#backoff !== null) return;
		if (connection.protocol === 3 && this.#node.settings.pool.subscriber === "shared") this.#take(connection, true);
		else this.#open();
	}

	lost(cause: ClientError): void {
		if (this.#connection === null ? this.#opening !== null || this.#backoff !== null : !this.#shared) return;
		this.#connection = null;
		this.#observer?.lost(cause);
	}

	push(items: Reply[]): void {
		if (this.#shared && this.#connection !== null) this.#observer?.push(items);
	}

	// ── a connection of its own ──

	#take(connection: Connection, shared: boolean): void {
		connection.expectSubscriptions();
		this.#connection = connection;
		this.#shared = shared;
		this.#observer?.ready();
	}

	#open(): void {
		const opening = new Opening(this.#node, {
			suspected: this.#observed.suspected,
			lost: (connection, cause) => {
				if (connection === this.#connection) this.#ownLost(cause);
			},
			push: (items) => this.#observer?.push(items),
		});
		this.#opening = opening;
		opening.ready.then(
			(connection) => {
				if (this.#opening !== opening) return;
				this.#opening = null;
				if (connection.isClosed) this.#ownLost(new ClientError("CONNECTION", "the connection was lost at once"));
				else {
					this.#readyAt = performance.now();
					this.#take(connection, false);
				}
			},
			(cause: ClientError) => {
				if (this.#opening !== opening) return;
				this.#opening = null;
				this.#ownLost(cause);
			},
		);
	}

	#ownLost(cause: ClientError): void {
		const { counters, settings } = this.#node;
		if (this.#connection !== null) {
			counters.reconnects += 1;
			if (performance.now() - this.#readyAt > STABLE_MS) this.#failures = 0;
		}
		this.#connection = null;
		const { baseMs, maxMs } = settings.retry;
		const delay = isHopeless(cause) || isStubborn(cause) ? maxMs : backoffMs(this.#failures, baseMs, maxMs);
		this.#failures += 1;
		this.#backoff = setTimeout(() => {
			this.#backoff = null;
			this.#open();
		}, delay);
		this.#observer?.lost(cause);
	}

	#end(cause: ClientError): void {
		const { own } = this;
		const opening = this.#opening;
		this.#connection = null;
		this.#opening = null;
		if (this.#backoff !== null) clearTimeout(this.#backoff);
		this.#backoff = null;
		opening?.destroy(cause);
		own?.destroy(cause);
	}

	/** Its reply is read as Buffers, so that the messages behind it are: in RESP2 they are arrays like any reply. */
	#ping(connection: Connection): void {
		const { clock, settings } = this.#node;
		const request = new SingleRequest(["PING"], -1, 0, ReplyMode.buffer, null, ignore, ignore);
		request.internal = true;
		clock.add(request, settings.timeouts.commandMs || 5000);
		connection.send(request);
	}
}

function ignore(): void {}
