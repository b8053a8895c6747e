/**
 * One shared connection of a pool, and its successors: a lane always has a way to send, or a place to wait.
 *
 *     idle ──► opening ──► connected ──► backing off ──► opening …
 *       entries wait here in `#parked`       ▲ lost
 */
import Denque from "denque";
import { type Connection, type ConnectionContext, type ConnectionObserver, openConnection } from "./connection/connection.js";
import { credentialsFor } from "./connection/credentials.js";
import { ClientError } from "./errors.js";
import type { Credentials } from "./options.js";
import { type Endpoint, type Entry, handBack } from "./request.js";
import { backoffMs } from "./util/backoff.js";

/** A connection that held this long was a good one: the next backoff starts from the beginning. */
const STABLE_MS = 1000;

/** After a server refused HELLO, its successors start in RESP2 for this long. */
const RESP2_MEMORY_MS = 600_000;

export interface LaneObserver {
	ready(): void;
	lost(cause: ClientError): void;
}

/** What the lanes of one pool remember about their server. */
export interface ServerMemory {
	/** Until then (on the scale of `performance.now()`), HELLO is not tried. */
	plainResp2Until: number;
}

export class Lane {
	readonly #endpoint: Endpoint;
	readonly #context: ConnectionContext;
	readonly #observer: LaneObserver;
	readonly #memory: ServerMemory;
	#connection: Connection | null = null;
	#opening = false;
	#backoff: NodeJS.Timeout | null = null;
	#failures = 0;
	#readyAt = 0;
	#closed: ClientError | null = null;
	readonly #parked = new Denque<Entry>();

	constructor(endpoint: Endpoint, context: ConnectionContext, observer: LaneObserver, memory: ServerMemory) {
		this.#endpoint = endpoint;
		this.#context = context;
		this.#observer = observer;
		this.#memory = memory;
	}

	get isReady(): boolean {
		return this.#connection?.isReady ?? false;
	}

	get connections(): number {
		return this.#connection === null ? 0 : 1;
	}

	/** Commands accepted and not yet answered. */
	get commandsPending(): number {
		let pending = this.#connection?.commandsPending ?? 0;
		for (let i = 0; i < this.#parked.length; i++) pending += (this.#parked.peekAt(i) as Entry).size;
		return pending;
	}

	send(entry: Entry): void {
		if (this.#connection !== null) this.#connection.send(entry);
		else if (this.#closed !== null) handBack(entry, 0, this.#closed, false);
		else {
			this.#parked.push(entry);
			this.open();
		}
	}

	/** Makes sure a connection exists or is on its way. */
	open(): void {
		if (this.#connection !== null || this.#opening || this.#backoff !== null || this.#closed !== null) return;
		const { auth } = this.#context.settings;
		if (typeof auth !== "function") {
			this.#connect(auth);
			return;
		}
		this.#opening = true;
		credentialsFor(this.#endpoint, this.#context.settings).then(
			(credentials) => {
				this.#opening = false;
				if (this.#closed === null) this.#connect(credentials);
			},
			(error) => {
				this.#opening = false;
				this.#lost(error);
			},
		);
	}

	destroy(cause: ClientError): void {
		if (this.#closed !== null) return;
		this.#closed = cause;
		if (this.#backoff !== null) clearTimeout(this.#backoff);
		this.#backoff = null;
		this.#connection?.destroy(cause);
		this.#loseParked(cause);
	}

	#connect(credentials: Credentials | undefined): void {
		const plainResp2 = performance.now() < this.#memory.plainResp2Until;
		// Nobody subscribes on a shared connection yet.
		const observer: ConnectionObserver = {
			ready: (_connection, protocol) => this.#ready(protocol),
			lost: (_connection, cause) => this.#lost(cause),
			push: () => {},
		};
		const connection = openConnection(this.#endpoint, this.#context, observer, credentials, plainResp2);
		if (connection instanceof ClientError) {
			this.#lost(connection);
			return;
		}
		this.#connection = connection;
		for (let entry = this.#parked.shift(); entry !== undefined; entry = this.#parked.shift()) connection.send(entry);
	}

	#ready(protocol: 2 | 3): void {
		this.#readyAt = performance.now();
		if (protocol < this.#context.settings.protocol && this.#memory.plainResp2Until < this.#readyAt) {
			this.#memory.plainResp2Until = this.#readyAt + RESP2_MEMORY_MS;
		}
		this.#observer.ready();
	}

	#lost(cause: ClientError): void {
		this.#connection = null;
		if (this.#readyAt !== 0 && performance.now() - this.#readyAt > STABLE_MS) this.#failures = 0;
		if (this.#readyAt !== 0 && this.#closed === null) this.#context.counters.reconnects += 1;
		this.#readyAt = 0;
		if (this.#closed === null) this.#reopenLater(cause);
		this.#observer.lost(cause);
		// What waited for this connection learns why it could not be had; its carrier decides whether it waits for the next.
		this.#loseParked(cause);
	}

	#reopenLater(cause: ClientError): void {
		const { baseMs, maxMs } = this.#context.settings.retry;
		// A server that refuses credentials will not change its mind in milliseconds: never spin on it.
		const delay = cause.code === "AUTH" || cause.code === "CLUSTER" ? maxMs : backoffMs(this.#failures, baseMs, maxMs);
		this.#failures += 1;
		this.#backoff = setTimeout(() => {
			this.#backoff = null;
			this.open();
		}, delay);
	}

	#loseParked(cause: ClientError): void {
		// Counted first: a carrier may park an entry here again at once.
		for (let left = this.#parked.length; left > 0; left--) handBack(this.#parked.shift() as Entry, 0, cause, false);
	}
}
