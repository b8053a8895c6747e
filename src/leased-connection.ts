/** A connection one caller has to itself, for commands that change its state or block it. Nothing is retried or redirected here. */
import { asText, isWord } from "./command-keys.js";
import { type Connection, type ConnectionContext, openConnection } from "./connection/connection.js";
import { credentialsFor } from "./connection/credentials.js";
import { isSubscription } from "./connection/subscriptions.js";
import type { Dispatcher, Gauges, Lease } from "./dispatcher.js";
import { ClientError } from "./errors.js";
import type { Credentials } from "./options.js";
import { type Attempt, type Carrier, type Endpoint, type Request, settleAll } from "./request.js";
import { unanswered } from "./retry-queue.js";
import { SLOT_COUNT } from "./slot.js";
import { drained } from "./util/drained.js";

export class LeasedConnection implements Dispatcher, Carrier {
	readonly keyGroups: number;
	/** Settles with the handshake, or with the end of the connection before it. */
	readonly ready: Promise<void>;
	readonly #endpoint: Endpoint;
	#connection: Connection | null = null;
	#closed: ClientError | null = null;
	#abandon: (cause: ClientError) => void = () => {};
	/** The command that turned the connection into a stream: nothing can be asked on it any more. */
	#stream: string | null = null;

	/** Starts connecting. `ready` rejects with CONNECTION, TIMEOUT, AUTH, CLUSTER, or CLOSED when it is destroyed meanwhile. */
	constructor(endpoint: Endpoint, context: ConnectionContext) {
		this.#endpoint = endpoint;
		this.keyGroups = context.settings.mode === "cluster" ? SLOT_COUNT : 1;
		this.ready = new Promise((resolve, reject) => {
			this.#abandon = reject;
			credentialsFor(endpoint, context.settings).then((credentials) => {
				if (this.#closed === null) this.#connect(context, credentials, resolve);
			}, reject);
		});
		// Whoever leases it awaits `ready`; a lease that is destroyed first has nobody to tell.
		this.ready.catch(() => {});
	}

	#connect(context: ConnectionContext, credentials: Credentials | undefined, ready: () => void): void {
		const observer = { ready, lost: (_: Connection, cause: ClientError) => this.#abandon(cause), push: () => {} };
		const connection = openConnection(this.#endpoint, context, observer, credentials);
		if (connection instanceof ClientError) this.#abandon(connection);
		else this.#connection = connection;
	}

	dispatch(request: Request): void {
		request.carrier = this;
		const connection = this.#connection;
		const refusal = this.closed ?? this.#refusal(request);
		if (refusal === null) connection?.send(request);
		else settleAll(request, refusal);
	}

	/** Why replies to these commands could not be told apart; null when they can. */
	#refusal(request: Request): ClientError | null {
		for (let i = 0; i < request.size; i++) {
			if (this.#stream !== null) return new ClientError("UNSUPPORTED", `nothing can follow ${this.#stream} on its connection`);
			const [first = "", second = "", third = ""] = request.command(i).args;
			const name = asText(first, 16)?.toUpperCase() ?? "";
			if (isSubscription(name) || name === "HELLO" || name === "RESET") this.#connection?.expectSubscriptions();
			if (name === "HELLO" && isWord(second, "3") && this.#connection?.protocol === 2) {
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

	lane(): this {
		return this;
	}

	endpoints(): Endpoint[] {
		return [this.#endpoint];
	}

	dispatchTo(_node: Endpoint, request: Request): void {
		this.dispatch(request);
	}

	lease(): Promise<Lease> {
		return Promise.reject(new ClientError("UNSUPPORTED", "a leased connection leases no other"));
	}

	get closed(): ClientError | null {
		if (this.#connection?.isClosed === false) return null;
		return this.#closed ?? new ClientError("CLOSED", "the leased connection is closed");
	}

	gauges(): Gauges {
		const open = this.#connection?.isClosed === false;
		return { inFlight: this.#connection?.commandsPending ?? 0, connections: open ? 1 : 0 };
	}

	async close(timeoutMs: number): Promise<void> {
		await drained(() => this.gauges().inFlight, timeoutMs);
		this.destroy();
	}

	destroy(cause?: Error): void {
		this.#closed ??= new ClientError("CLOSED", "the leased connection was released", cause === undefined ? {} : { cause });
		this.#abandon(this.#closed);
		this.#connection?.destroy(this.#closed);
	}

	refused(attempt: Attempt, error: ClientError): void {
		attempt.settle(error);
	}

	lost(attempt: Attempt, cause: ClientError, written: boolean): void {
		attempt.settle(unanswered(cause, written));
	}
}
