/**
 * Connections that one caller at a time has to itself.
 *
 *     opening ──► idle ──► lent ──► back, clean ──► idle for idleMs ──► ended
 *                  ▲                 └── not clean ──► ended
 *                  └── whoever waited longest comes first
 */
import type { Connection } from "./connection/connection.js";
import { Alarm } from "./deadline-clock.js";
import type { LeaseWait } from "./dispatcher.js";
import { formatEndpoint } from "./endpoint.js";
import { ClientError } from "./errors.js";
import type { NodeContext } from "./lane.js";
import { Opening } from "./opening.js";
import type { Entry, Link } from "./request.js";

interface Idle {
	readonly connection: Connection;
	readonly since: number;
}

export class DedicatedPool {
	readonly #node: NodeContext;
	readonly #suspected: (connection: Connection) => void;
	readonly #openings = new Set<Opening>();
	/** The one used last is at the end. */
	readonly #idle: Idle[] = [];
	readonly #lent = new Set<Connection>();
	/** Of those, the ones that nobody is to have after their callers. */
	readonly #outdated = new WeakSet<Connection>();
	/** In the order in which they came. */
	readonly #waiting = new Set<Waiter>();
	#trim: NodeJS.Timeout | null = null;
	#closed: ClientError | null = null;

	constructor(node: NodeContext, suspected: (connection: Connection) => void) {
		this.#node = node;
		this.#suspected = suspected;
	}

	/** Open, idle ones included. */
	get connections(): number {
		return this.#idle.length + this.#lent.size;
	}

	/** In use. */
	get lent(): number {
		return this.#lent.size;
	}

	/** Whether a caller waits for an answer on a connection of its own. */
	get isAwaited(): boolean {
		for (const connection of this.#lent) if (connection.isAwaited) return true;
		return false;
	}

	/** Opens connections ahead of their use, up to `minDedicated`. */
	warm(): void {
		while (this.#closed === null && this.#total < this.#node.settings.pool.minDedicated) this.#open();
	}

	/**
	 * A connection for one caller, until `release`.
	 * @throws TIMEOUT when none became free in time, OVERLOADED when too many wait, UNSUPPORTED when none is allowed, and what a connection cannot be opened with
	 */
	acquire({ timeoutMs, onWait }: LeaseWait): Promise<Connection> {
		const { maxDedicated, maxQueuedCommands } = this.#node.settings.pool;
		const node = formatEndpoint(this.#node.endpoint);
		if (this.#closed !== null) return Promise.reject(this.#closed);
		if (maxDedicated === 0)
			return Promise.reject(new ClientError("UNSUPPORTED", "pool.maxDedicated is 0: no connection is leased"));
		if (this.#waiting.size >= maxQueuedCommands) {
			return Promise.reject(new ClientError("OVERLOADED", `${node}: too many callers wait for a connection of their own`));
		}
		return new Promise((resolve, reject) => {
			const late = (): ClientError => {
				const all = `all ${maxDedicated} leased connections to ${node} are in use`;
				return new ClientError(
					"TIMEOUT",
					this.#lent.size >= maxDedicated ? `${all}, and none came free in time` : `${node} took too long to connect`,
				);
			};
			const waiter = new Waiter(this.#waiting, resolve, reject, late);
			this.#node.clock.add(waiter.deadline, timeoutMs);
			onWait((error) => waiter.fail(error));
			this.#waiting.add(waiter);
			this.#serve();
		});
	}

	/** Takes a connection back. Unless it is `clean`, as good as new, it is ended. */
	release(connection: Connection, clean: boolean): void {
		if (!this.#lent.delete(connection)) return;
		const reusable = clean && !this.#outdated.has(connection) && !connection.isClosed;
		if (reusable && this.#closed === null) {
			connection.login?.giveBack();
			this.#rest(connection);
		} else connection.destroy(new ClientError("CLOSED", "the leased connection was released"));
		this.#serve();
	}

	/** Whether it is lent, and would be lent again. */
	has(link: Link): boolean {
		const connection = link as Connection;
		return this.#lent.has(connection) && !this.#outdated.has(connection);
	}

	/** Nobody gets one of the connections that there are any more: idle ones end now, the others when they come back. */
	renew(cause: ClientError): void {
		for (const connection of this.#lent) this.#outdated.add(connection);
		for (const { connection } of [...this.#idle]) connection.destroy(cause);
	}

	/** Has a PING sent on each idle connection, and makes up for those that were lost. */
	keepAlive(ping: (send: (entry: Entry) => void) => void): void {
		for (const { connection } of this.#idle) if (connection.isIdle) ping((entry) => connection.send(entry));
		this.warm();
	}

	destroy(cause: ClientError): void {
		this.#closed ??= cause;
		if (this.#trim !== null) clearTimeout(this.#trim);
		this.#trim = null;
		for (const waiter of this.#waiting) waiter.fail(cause);
		for (const opening of this.#openings) opening.destroy(cause);
		for (const connection of [...this.#idle.map((idle) => idle.connection), ...this.#lent]) connection.destroy(cause);
	}

	get #total(): number {
		return this.#openings.size + this.#idle.length + this.#lent.size;
	}

	/** Gives what is idle to those who wait, and opens more where that is not enough. */
	#serve(): void {
		for (const waiter of this.#waiting) {
			const connection = this.#takeIdle();
			if (connection === undefined) break;
			this.#lent.add(connection);
			connection.login?.lend();
			waiter.take(connection);
		}
		const { maxDedicated } = this.#node.settings.pool;
		while (this.#closed === null && this.#openings.size < this.#waiting.size && this.#total < maxDedicated) this.#open();
	}

	/** The one used last, unless the answer to its PING is overdue. */
	#takeIdle(): Connection | undefined {
		let connection = this.#idle.pop()?.connection;
		while (connection?.isSuspected) {
			connection.destroy(new ClientError("CONNECTION", "the idle connection is silent"));
			connection = this.#idle.pop()?.connection;
		}
		return connection;
	}

	#open(): void {
		const opening = new Opening(this.#node, {
			suspected: this.#suspected,
			lost: (connection) => this.#lost(connection),
			push: () => {},
			expelled: (connection, cause) => {
				// Whoever has it goes on with it; nobody gets it after that.
				if (this.#lent.has(connection)) this.#outdated.add(connection);
				else connection.destroy(cause);
			},
		});
		this.#openings.add(opening);
		opening.ready.then(
			(connection) => {
				this.#openings.delete(opening);
				// Lost again, before this was heard.
				if (connection.isClosed) this.#serve();
				else {
					this.#rest(connection);
					this.#serve();
				}
			},
			(error: ClientError) => {
				this.#openings.delete(opening);
				// Whoever waited longest learns why; the others try for themselves.
				const [longest] = this.#waiting;
				longest?.fail(error);
				this.#serve();
			},
		);
	}

	#rest(connection: Connection): void {
		this.#idle.push({ connection, since: performance.now() });
		const { idleMs } = this.#node.settings.pool;
		if (idleMs > 0) this.#trim ??= setTimeout(this.#endIdle, idleMs).unref();
	}

	#endIdle = (): void => {
		this.#trim = null;
		const { idleMs, minDedicated } = this.#node.settings.pool;
		const now = performance.now();
		while (this.#total > minDedicated && this.#idle.length > 0 && now - (this.#idle[0] as Idle).since >= idleMs) {
			const { connection } = this.#idle[0] as Idle;
			connection.destroy(new ClientError("CLOSED", "the connection was idle"));
		}
		const oldest = this.#idle[0];
		if (oldest !== undefined && this.#total > minDedicated) {
			this.#trim = setTimeout(this.#endIdle, Math.max(1, oldest.since + idleMs - now)).unref();
		}
	};

	#lost(connection: Connection): void {
		const at = this.#idle.findIndex((idle) => idle.connection === connection);
		if (at !== -1) this.#idle.splice(at, 1);
		this.#lent.delete(connection);
		if (this.#closed === null) this.#serve();
	}
}

/** Somebody who waits for a connection, until it is in no queue any more. */
class Waiter {
	readonly deadline: Alarm;
	readonly #queue: Set<Waiter>;
	readonly #resolve: (connection: Connection) => void;
	readonly #reject: (error: ClientError) => void;

	constructor(
		queue: Set<Waiter>,
		resolve: (connection: Connection) => void,
		reject: (error: ClientError) => void,
		late: () => ClientError,
	) {
		this.#queue = queue;
		this.#resolve = resolve;
		this.#reject = reject;
		this.deadline = new Alarm(() => this.fail(late()));
	}

	take(connection: Connection): void {
		this.#queue.delete(this);
		this.deadline.unlink();
		this.#resolve(connection);
	}

	fail(error: ClientError): void {
		if (!this.#queue.delete(this)) return;
		this.deadline.unlink();
		this.#reject(error);
	}
}
