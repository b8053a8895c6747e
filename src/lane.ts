/**
 * One shared connection of a pool, and its successors: a lane always has a way to send, or a place to wait.
 *
 *     idle ──► opening ──► connected ──► backing off ──► opening …
 *       entries wait here in `#parked`       ▲ lost
 */
import Denque from "denque";
import type { Budget } from "./budget.js";
import { type Connection, type ConnectionContext, type ConnectionObserver, openConnection } from "./connection/connection.js";
import { credentialsFor } from "./connection/credentials.js";
import { isStubborn } from "./connection/stubborn.js";
import type { Endpoint } from "./endpoint.js";
import { ClientError } from "./errors.js";
import type { ExpiringCredentials } from "./options.js";
import { isHopeless } from "./refusal.js";
import { type Command, commandsOf, type Entry, handBack, isAwaited, type Link } from "./request.js";
import type { Reply } from "./resp/reply.js";
import { backoffMs } from "./util/backoff.js";

/** A connection that held this long was a good one: the next backoff starts from the beginning. */
export const STABLE_MS = 1000;

/** After a server refused HELLO, its successors start in RESP2 for this long. */
const RESP2_MEMORY_MS = 600_000;

export interface LaneObserver {
	ready(): void;
	suspected(connection: Connection): void;
	lost(cause: ClientError): void;
	/** The server knows the connection no more: it has to be renewed, and what it owes guarded. */
	expelled(connection: Connection, cause: ClientError): void;
}

/** Whoever is subscribed on a lane's connection hears of it, of its end, and of what it is sent unasked. */
export interface LaneFollower {
	ready(connection: Connection): void;
	lost(cause: ClientError): void;
	push(items: Reply[]): void;
}

/** What all connections to one node have in common. */
export interface NodeContext extends ConnectionContext {
	readonly endpoint: Endpoint;
	readonly budget: Budget;
	/** It is a replica that is read from. */
	readonly readOnly: boolean;
	/** Until then (on the scale of `performance.now()`), HELLO is not tried. */
	plainResp2Until: number;
	/** The id of the cluster node, where the topology told it: connections to anybody else are refused. */
	identity: string | undefined;
}

/** Begins a connection to the node; the error when not even that is possible. */
export function connectTo(
	node: NodeContext,
	credentials: ExpiringCredentials | undefined,
	observer: ConnectionObserver,
): Connection | ClientError {
	const { endpoint, budget, readOnly, identity } = node;
	const plainResp2 = performance.now() < node.plainResp2Until;
	return openConnection({ endpoint, budget, credentials, plainResp2, readOnly, identity }, node, observer);
}

export class Lane {
	readonly #node: NodeContext;
	readonly #observer: LaneObserver;
	#connection: Connection | null = null;
	/** Replaced, but not done with what they were asked. */
	readonly #retired = new Set<Connection>();
	#opening = false;
	#backoff: NodeJS.Timeout | null = null;
	#failures = 0;
	#readyAt = 0;
	#closed: ClientError | null = null;
	readonly #parked = new Denque<Entry>();
	/** What `keepAlive` saw last. */
	#bytesRead = -1;
	follower: LaneFollower | null = null;

	constructor(node: NodeContext, observer: LaneObserver) {
		this.#node = node;
		this.#observer = observer;
	}

	get isReady(): boolean {
		return this.#connection?.isReady ?? false;
	}

	/** What new commands go out on. */
	get current(): Connection | null {
		return this.#connection;
	}

	/** Ready, and not silent. */
	get answers(): boolean {
		return this.isReady && !this.#connection?.isSuspected;
	}

	/** Whether the script of a command is known to be there, should the command be sent now. */
	hasScript(command: Command): boolean {
		return this.#connection?.hasScript(command) ?? false;
	}

	/** Lost its connection, and has no other one yet; false when it never had to connect. */
	get isFailing(): boolean {
		return !this.isReady && this.#failures > 0;
	}

	get connections(): number {
		return (this.#connection === null ? 0 : 1) + this.#retired.size;
	}

	/** Whether a caller waits for an answer. */
	get isAwaited(): boolean {
		for (const connection of this.live()) if (connection.isAwaited) return true;
		for (let at = 0; at < this.#parked.length; at++) if (isAwaited(this.#parked.peekAt(at) as Entry)) return true;
		return false;
	}

	/** The connections that commands may be in flight on. */
	*live(): Generator<Connection> {
		if (this.#connection !== null) yield this.#connection;
		yield* this.#retired;
	}

	send(entry: Entry): void {
		if (this.#connection !== null) this.#connection.send(entry);
		else if (this.#closed !== null) handBack(entry, 0, this.#closed, false);
		else {
			this.#park(entry);
			this.open();
		}
	}

	/** Makes sure a connection exists or is on its way. */
	open(): void {
		if (this.#connection !== null || this.#opening || this.#backoff !== null || this.#closed !== null) return;
		const { settings, endpoint } = this.#node;
		if (typeof settings.auth !== "function") {
			this.#connect(settings.auth);
			return;
		}
		this.#opening = true;
		credentialsFor(endpoint, settings).then(
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

	/** Another connection takes over, and with it another look at where the name leads; this one answers what it was asked. */
	renew(link: Link, cause: ClientError): void {
		const connection = this.#connection;
		if (connection === null || connection !== link) return;
		this.#connection = null;
		this.#retired.add(connection);
		this.#reopenLater(cause);
		this.follower?.lost(cause);
		connection.retire(cause);
	}

	/** Hands back what was not written. */
	unqueue(cause: ClientError): void {
		this.#connection?.unqueue(cause);
		this.#unpark(cause);
	}

	#unpark(cause: ClientError): void {
		// Counted first: a carrier may park an entry here again at once.
		for (let left = this.#parked.length; left > 0; left--) {
			const entry = this.#parked.shift() as Entry;
			const commands = commandsOf(entry);
			handBack(entry, 0, cause, false);
			if (!entry.internal) for (const command of commands) this.#node.budget.remove(command);
		}
	}

	/** Has a PING sent when nothing was heard since the last call and nothing is owed. */
	keepAlive(ping: (send: (entry: Entry) => void) => void): void {
		const connection = this.#connection;
		if (connection === null || !connection.isReady) return;
		const { bytesRead } = connection;
		if (bytesRead === this.#bytesRead && connection.isIdle) ping((entry) => connection.send(entry));
		this.#bytesRead = bytesRead;
	}

	destroy(cause: ClientError): void {
		if (this.#closed !== null) return;
		this.#closed = cause;
		if (this.#backoff !== null) clearTimeout(this.#backoff);
		this.#backoff = null;
		for (const connection of [...this.live()]) connection.destroy(cause);
		this.#unpark(cause);
	}

	#connect(credentials: ExpiringCredentials | undefined): void {
		const node = this.#node;
		const observer: ConnectionObserver = {
			ready: (connection) => this.#ready(connection),
			suspected: (connection) => this.#observer.suspected(connection),
			lost: (connection, cause) => {
				if (!this.#retired.delete(connection)) this.#lost(cause);
			},
			push: (items) => {
				if (this.#connection === connection) this.follower?.push(items);
			},
			expelled: (connection, cause) => this.#observer.expelled(connection, cause),
		};
		const connection = connectTo(node, credentials, observer);
		if (connection instanceof ClientError) {
			this.#lost(connection);
			return;
		}
		this.#connection = connection;
		for (let entry = this.#parked.shift(); entry !== undefined; entry = this.#parked.shift()) {
			connection.send(entry);
			this.#count(entry, -1);
		}
	}

	#ready(connection: Connection): void {
		this.#readyAt = performance.now();
		if (connection.protocol < this.#node.settings.protocol && this.#node.plainResp2Until < this.#readyAt) {
			this.#node.plainResp2Until = this.#readyAt + RESP2_MEMORY_MS;
		}
		this.#observer.ready();
		// The topology may have told since this connection began. What waits for it was not written yet.
		connection.endUnlessTo(this.#node.identity);
		if (connection.isReady) this.follower?.ready(connection);
	}

	#lost(cause: ClientError): void {
		this.#connection = null;
		if (this.#closed === null) this.#reopenLater(cause);
		this.#observer.lost(cause);
		this.follower?.lost(cause);
		// What waited for this connection learns why it could not be had; its carrier decides whether it waits for the next.
		this.#unpark(cause);
	}

	#reopenLater(cause: ClientError): void {
		if (this.#readyAt !== 0) {
			if (performance.now() - this.#readyAt > STABLE_MS) this.#failures = 0;
			this.#node.counters.reconnects += 1;
			this.#readyAt = 0;
		}
		const { baseMs, maxMs } = this.#node.settings.retry;
		// A server that refuses credentials or certificates will not change its mind in milliseconds: never spin on it.
		const delay = isHopeless(cause) || isStubborn(cause) ? maxMs : backoffMs(this.#failures, baseMs, maxMs);
		this.#failures += 1;
		this.#backoff = setTimeout(() => {
			this.#backoff = null;
			this.open();
		}, delay);
	}

	#park(entry: Entry): void {
		this.#parked.push(entry);
		this.#count(entry, 1);
	}

	#count(entry: Entry, sign: 1 | -1): void {
		if (entry.internal) return;
		const { budget } = this.#node;
		for (let i = 0; i < entry.size; i++) {
			if (sign === 1) budget.add(entry.command(i));
			else budget.remove(entry.command(i));
		}
	}
}
