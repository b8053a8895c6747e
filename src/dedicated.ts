/**
 * Connections that one caller at a time has to itself.
 *
 *     opening ──► idle ──► lent ──► back, clean ──► idle for idleMs ──► ended
 *                  ▲                 └── not clean ──► ended
 *                  └── whoever waited longest comes first
 *
 * Commands that block have a bound of their own, `maxBlocked`: however many wait for ever, whoever wants a connection gets one of `maxDedicated`.
 * Idle connections serve both.
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

/** Where silence is not watched, a node that lost slots is still left. */
const SUSPECT_MS = 1500;

/** What connections are lent for. */
interface Kind {
	readonly option: "maxDedicated" | "maxBlocked";
	/** For people. */
	readonly what: string;
	readonly max: number;
	lent: number;
	/** In the order in which they came. */
	readonly waiting: Set<Waiter>;
}

export class DedicatedPool {
	readonly #node: NodeContext;
	readonly #suspected: (connection: Connection) => void;
	readonly #openings = new Set<Opening>();
	/** The one used last is at the end. */
	readonly #idle: Idle[] = [];
	readonly #lent = new Map<Connection, Kind>();
	/** Of those, the ones that nobody is to have after their callers. */
	readonly #outdated = new WeakSet<Connection>();
	readonly #use: Kind;
	readonly #block: Kind;
	#arrivals = 0;
	#trim: NodeJS.Timeout | null = null;
	#closed: ClientError | null = null;

	constructor(node: NodeContext, suspected: (connection: Connection) => void) {
		this.#node = node;
		this.#suspected = suspected;
		const { maxDedicated, maxBlocked } = node.settings.pool;
		this.#use = { option: "maxDedicated", what: "leased connections", max: maxDedicated, lent: 0, waiting: new Set() };
		this.#block = {
			option: "maxBlocked",
			what: "connections for blocking commands",
			max: maxBlocked,
			lent: 0,
			waiting: new Set(),
		};
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
		for (const connection of this.#lent.keys()) if (connection.isAwaited) return true;
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
	acquire({ timeoutMs, blocking, onWait }: LeaseWait): Promise<Connection> {
		const { maxQueuedCommands } = this.#node.settings.pool;
		const node = formatEndpoint(this.#node.endpoint);
		const kind = blocking ? this.#block : this.#use;
		if (this.#closed !== null) return Promise.reject(this.#closed);
		if (kind.max === 0)
			return Promise.reject(new ClientError("UNSUPPORTED", `pool.${kind.option} is 0: no connection is leased`));
		if (this.#use.waiting.size + this.#block.waiting.size >= maxQueuedCommands) {
			return Promise.reject(new ClientError("OVERLOADED", `${node}: too many callers wait for a connection of their own`));
		}
		return new Promise((resolve, reject) => {
			const late = (): ClientError => {
				const all = `all ${kind.max} ${kind.what} to ${node} are in use (pool.${kind.option})`;
				return new ClientError(
					"TIMEOUT",
					kind.lent >= kind.max ? `${all}, and none came free in time` : `${node} took too long to connect`,
				);
			};
			const waiter = new Waiter(kind.waiting, this.#arrivals++, resolve, reject, late);
			this.#node.clock.add(waiter.deadline, timeoutMs);
			onWait((error) => waiter.fail(error));
			kind.waiting.add(waiter);
			this.#serve();
		});
	}

	/** Takes a connection back. Unless it is `clean`, as good as new, it is ended. */
	release(connection: Connection, clean: boolean): void {
		if (!this.#takeBack(connection)) return;
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

	/** Nobody gets this one after the caller who has it. */
	retire(link: Link): void {
		if (this.has(link)) this.#outdated.add(link as Connection);
	}

	/** Nobody gets one of the connections that there are any more: idle ones end now, the others when they come back. */
	renew(cause: ClientError): void {
		for (const connection of this.#lent.keys()) this.#outdated.add(connection);
		for (const { connection } of [...this.#idle]) connection.destroy(cause);
	}

	/**
	 * Other nodes say that these slots are served elsewhere. A server tells those whom it blocks for them, and so does one that became a replica;
	 * one that stands still never will. So whoever it has not let go of by twice `suspectMs` does not wait for it any more.
	 */
	leaveBlocked(slots: ReadonlySet<number>): void {
		const { suspectMs } = this.#node.settings.timeouts;
		for (const [connection, kind] of this.#lent) {
			const blocked = connection.owed();
			if (kind !== this.#block || blocked === undefined || !slots.has(blocked.command(blocked.size - 1).slot)) continue;
			const where = formatEndpoint(this.#node.endpoint);
			const cause = new ClientError("CONNECTION", `${where} does not serve the slot any more, and let a command block for it`);
			const give = new Alarm(() => {
				if (connection.owed() === blocked) connection.destroy(cause);
			});
			this.#node.clock.add(give, 2 * (suspectMs || SUSPECT_MS));
		}
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
		for (const waiter of [...this.#use.waiting, ...this.#block.waiting]) waiter.fail(cause);
		for (const opening of this.#openings) opening.destroy(cause);
		for (const connection of [...this.#idle.map((idle) => idle.connection), ...this.#lent.keys()]) connection.destroy(cause);
	}

	get #total(): number {
		return this.#openings.size + this.#idle.length + this.#lent.size;
	}

	#lend(connection: Connection, kind: Kind): void {
		this.#lent.set(connection, kind);
		kind.lent += 1;
	}

	#takeBack(connection: Connection): boolean {
		const kind = this.#lent.get(connection);
		if (kind === undefined) return false;
		kind.lent -= 1;
		return this.#lent.delete(connection);
	}

	/** Gives what is idle to those who wait, and opens more where that is not enough. */
	#serve(): void {
		for (let next = this.#longest(); next !== null; next = this.#longest()) {
			const connection = this.#takeIdle();
			if (connection === undefined) break;
			this.#lend(connection, next.kind);
			connection.login?.lend();
			next.waiter.take(connection);
		}
		const wanted = mayHave(this.#use) + mayHave(this.#block);
		while (this.#closed === null && this.#openings.size < wanted) this.#open();
	}

	/** Whoever waited longest, of those that may have a connection. */
	#longest(): { waiter: Waiter; kind: Kind } | null {
		let longest: { waiter: Waiter; kind: Kind } | null = null;
		for (const kind of [this.#use, this.#block]) {
			const [waiter] = kind.waiting;
			if (waiter === undefined || kind.lent >= kind.max) continue;
			if (longest === null || waiter.arrival < longest.waiter.arrival) longest = { waiter, kind };
		}
		return longest;
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
				this.#longest()?.waiter.fail(error);
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
		this.#takeBack(connection);
		if (this.#closed === null) this.#serve();
	}
}

/** How many of those who wait its bound allows to be served now. */
function mayHave({ waiting, max, lent }: Kind): number {
	return Math.min(waiting.size, max - lent);
}

/** Somebody who waits for a connection, until it is in no queue any more. */
class Waiter {
	readonly deadline: Alarm;
	/** Counts up. */
	readonly arrival: number;
	readonly #queue: Set<Waiter>;
	readonly #resolve: (connection: Connection) => void;
	readonly #reject: (error: ClientError) => void;

	constructor(
		queue: Set<Waiter>,
		arrival: number,
		resolve: (connection: Connection) => void,
		reject: (error: ClientError) => void,
		late: () => ClientError,
	) {
		this.#queue = queue;
		this.arrival = arrival;
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
