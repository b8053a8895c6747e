/** A connection one caller has to itself, for commands that change its state or block it. Nothing is retried or redirected here. */
import type { Budget } from "./budget.js";
import { asText, isWord } from "./command-keys.js";
import { connectionRefusal } from "./command-shared.js";
import { lookup } from "./command-table.js";
import type { Connection } from "./connection/connection.js";
import { isSubscription } from "./connection/subscriptions.js";
import type { Dispatcher, Gauges, Lease, SlotRange } from "./dispatcher.js";
import type { Endpoint } from "./endpoint.js";
import { ClientError } from "./errors.js";
import { classify, isForcedUnblock, unanswered } from "./refusal.js";
import { type Attempt, type Carrier, type Command, CommandFlag, type Entry, type Request, settleAll } from "./request.js";
import { ReplyMode } from "./resp/reply.js";
import { SingleRequest } from "./single-request.js";
import { SLOT_COUNT } from "./slot.js";
import { notExecuted } from "./transaction-request.js";
import { drained } from "./util/drained.js";

/** Words of a node that is not, or no more, the one to ask. A script can say them too. */
const ASTRAY: ReadonlySet<string> = new Set(["READONLY", "MOVED", "CLUSTERDOWN"]);

/** Words that end a transaction. */
const ENDS: ReadonlySet<string> = new Set(["EXEC", "DISCARD", "RESET"]);

export class LeasedConnection implements Dispatcher, Carrier {
	readonly keyGroups: number;
	readonly #connection: Connection;
	readonly #budget: Budget;
	readonly #astray: (error: ClientError) => void;
	#closed: ClientError | null = null;
	/** The command that turned the connection into a stream: nothing can be asked on it any more. */
	#stream: string | null = null;
	/** What a caller left behind decides whether the next one may have the connection. */
	#inTransaction = false;
	/** Said MULTI or WATCH: whether what was to end it was ever written, and accepted, is not known here. */
	#transacted = false;
	/** Said WATCH, and nothing since that ends it. */
	#watching = false;
	/** Transactions that were to be executed only if nothing changed. */
	readonly #watched = new WeakSet<Request>();
	#changed = false;
	/** Sent behind all others. */
	#last: Request | null = null;

	/**
	 * @param budget of its node
	 * @param astray called when the node says that it is not the one to ask
	 */
	constructor(connection: Connection, budget: Budget, mode: "standalone" | "cluster", astray: (error: ClientError) => void) {
		this.#connection = connection;
		this.#budget = budget;
		this.#astray = astray;
		this.keyGroups = mode === "cluster" ? SLOT_COUNT : 1;
	}

	/** Nothing is owed, and nothing is set that its next user would not expect, but for what DISCARD and UNWATCH undo if it `transacted`. */
	get isClean(): boolean {
		return !this.#changed && !this.#inTransaction && this.#connection.isIdle;
	}

	get transacted(): boolean {
		return this.#transacted;
	}

	dispatch(request: Request): void {
		this.#send(request, request);
	}

	/** Behind ASKING, in one entry: nothing comes between. */
	ask(request: Request): void {
		const attempt = request.attempt(0);
		attempt.asking = true;
		this.#send(request, attempt);
	}

	#send(request: Request, entry: Entry): void {
		request.carrier = this;
		if (this.#watching && isTransaction(request)) this.#watched.add(request);
		const refusal = this.#lostWatch(request) ?? this.closed ?? this.#refusal(request) ?? this.#budget.overload(request);
		if (refusal !== null) settleAll(request, refusal);
		else {
			// What is encoded already are SETs, which leave nothing behind.
			if (request.frames === null) for (let i = 0; i < request.size; i++) this.#note(request.command(i));
			this.#last = request;
			this.#connection.send(entry);
			if (request.frames === null) this.#fence(request);
		}
	}

	/** The connection ended that watched keys for this transaction. */
	#lostWatch(request: Request): ClientError | null {
		if (!this.#connection.isClosed || !this.#watched.has(request)) return null;
		return notExecuted("the connection was lost, and the watch with it: nothing was executed");
	}

	/** A SUNSUBSCRIBE whose slot is leaving may be refused after it was answered: the error has to find a PING, and not the next command. */
	#fence(request: Request): void {
		const last = request.command(request.size - 1).args[0] ?? "";
		if (this.#inTransaction || !isWord(last, "SUNSUBSCRIBE")) return;
		const fence = new SingleRequest(["PING"], -1, 0, ReplyMode.buffer, null, ignore, ignore);
		fence.internal = true;
		this.#connection.send(fence);
	}

	/** Why replies to these commands could not be told apart; null when they can. */
	#refusal(request: Request): ClientError | null {
		if (this.#inTransaction && isTransaction(request)) {
			return new ClientError("UNSUPPORTED", "MULTI was said on this connection: what comes next is part of that transaction");
		}
		if (request.frames !== null && this.#stream === null) return null;
		let inside = this.#inTransaction;
		for (let i = 0; i < request.size; i++) {
			if (this.#stream !== null) return new ClientError("UNSUPPORTED", `nothing can follow ${this.#stream} on its connection`);
			const { args, flags } = request.command(i);
			const [first = "", second = "", third = ""] = args;
			const name = asText(first, 16)?.toUpperCase() ?? "";
			if (inside && (isSubscription(name) || (flags & CommandFlag.combined) !== 0)) {
				const why = isSubscription(name)
					? "confirmations would stand in the reply of EXEC"
					: "replies come with EXEC: use command()";
				return new ClientError(
					"UNSUPPORTED",
					`not in a transaction: MULTI was said on this connection, and the ${why} (${name})`,
				);
			}
			if (name === "MULTI") inside = true;
			else if (ENDS.has(name)) inside = false;
			if (isSubscription(name) || name === "HELLO" || name === "RESET") this.#connection.expectSubscriptions();
			if (name === "HELLO" && isWord(second, "3") && this.#connection.protocol === 2) {
				return new ClientError("UNSUPPORTED", "a connection that began in RESP2 stays there; create the client with protocol 3");
			}
			if (isSubscription(name)) continue;
			if (name === "MONITOR" || name === "SYNC" || name === "PSYNC") this.#stream = name;
			else if (name === "CLIENT" && isWord(second, "REPLY") && !isWord(third, "ON")) {
				return new ClientError("UNSUPPORTED", "CLIENT REPLY OFF and SKIP leave commands without the replies they wait for");
			}
		}
		return null;
	}

	/** What a command leaves behind. One that nobody knows here may leave anything. */
	#note({ args, script }: Command): void {
		if (script !== undefined) script.queued = this.#inTransaction;
		const info = lookup(args);
		switch (info?.name) {
			case "MULTI":
				this.#inTransaction = true;
				this.#transacted = true;
				return;
			case "WATCH":
				this.#transacted = true;
				this.#watching = true;
				return;
			case "EXEC":
			case "DISCARD":
				this.#inTransaction = false;
				this.#watching = false;
				return;
			case "RESET":
				this.#inTransaction = false;
				this.#watching = false;
				this.#changed = true;
				return;
			case "UNWATCH":
				this.#watching = false;
				return;
			default:
				if (info === undefined || connectionRefusal(info.name) !== null) this.#changed = true;
		}
	}

	lane(): this {
		return this;
	}

	refusal(): null {
		return null;
	}

	endpoints(): Endpoint[] {
		return [this.#connection.endpoint];
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

	lease(): Promise<Lease> {
		return Promise.reject(new ClientError("UNSUPPORTED", "a leased connection leases no other"));
	}

	get closed(): ClientError | null {
		if (this.#closed === null && !this.#connection.isClosed) return null;
		return this.#closed ?? new ClientError("CLOSED", "the leased connection is closed");
	}

	gauges(): Gauges {
		return { inFlight: this.#connection.commandsPending, connections: this.#connection.isClosed ? 0 : 1 };
	}

	async close(timeoutMs: number): Promise<void> {
		await drained(() => this.#connection.isAwaited, timeoutMs);
		this.destroy();
	}

	/** Ends the connection as well. */
	destroy(cause?: Error): void {
		this.detach(cause);
		this.#connection.destroy(this.#closed as ClientError);
	}

	/** Its caller is done with it: what is called from now on is refused. */
	detach(cause?: Error): void {
		this.#closed ??= new ClientError("CLOSED", "the leased connection was released", cause === undefined ? {} : { cause });
	}

	refused(attempt: Attempt, error: ClientError): void {
		// What a script says may be meant for nobody; but only a replica says READONLY.
		const script = (attempt.subject.flags & CommandFlag.script) !== 0 && error.code !== "READONLY";
		if (!script && (ASTRAY.has(error.code) || isForcedUnblock(error))) this.#astray(error);
		// The server knows it no more; inside a script the word means nothing.
		if (error.code === "NOAUTH") this.#changed = true;
		const { request, index, subject } = attempt;
		// Nothing is behind it that the text would come after.
		const isLast = request === this.#last && index === request.size - 1;
		if (isLast && this.closed === null && classify(error, subject).kind === "unknown-script") {
			this.#connection.send(attempt);
			return;
		}
		const elsewhere = error.code === "READONLY" || error.code === "MOVED" || error.code === "ASK";
		const lost = elsewhere && this.#watched.has(request);
		attempt.settle(lost ? notExecuted(`the watch is lost, as ${error.code} shows: nothing was executed`, error) : error);
	}

	lost(attempt: Attempt, cause: ClientError, written: boolean): void {
		attempt.settle(unanswered(attempt, cause, written));
	}
}

function isTransaction(request: Request): boolean {
	return request.units < request.size;
}

function ignore(): void {}
