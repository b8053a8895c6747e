/** A connection one caller has to itself, for commands that change its state or block it. Nothing is retried or redirected here. */
import { asText, isWord } from "./command-keys.js";
import { Connection, type ConnectionContext } from "./connection/connection.js";
import { credentialsFor } from "./connection/handshake.js";
import { isSubscription } from "./connection/subscriptions.js";
import type { Dispatcher, Gauges, Lease } from "./dispatcher.js";
import { ClientError } from "./errors.js";
import type { Attempt, Carrier, Endpoint, Request } from "./request.js";
import { unanswered } from "./retry-queue.js";

export class LeasedConnection implements Dispatcher, Carrier {
	readonly keyGroups = 1;
	readonly #endpoint: Endpoint;
	readonly #connection: Connection;
	/** The command that turned the connection into a stream: nothing can be asked on it any more. */
	#stream: string | null = null;

	private constructor(endpoint: Endpoint, connection: Connection) {
		this.#endpoint = endpoint;
		this.#connection = connection;
	}

	/**
	 * Connects and waits for the handshake.
	 * @throws CONNECTION, TIMEOUT, AUTH, CLUSTER
	 */
	static async open(endpoint: Endpoint, context: ConnectionContext): Promise<LeasedConnection> {
		const credentials = await credentialsFor(endpoint, context.settings);
		return new Promise((resolve, reject) => {
			const connection: Connection = new Connection(
				endpoint,
				context,
				{
					ready: () => resolve(new LeasedConnection(endpoint, connection)),
					lost: (_connection, cause) => reject(cause),
					push: () => {},
				},
				credentials,
			);
		});
	}

	dispatch(request: Request): void {
		request.carrier = this;
		const refusal = this.closed ?? this.#refusal(request);
		if (refusal === null) this.#connection.send(request);
		else for (let i = 0; i < request.size; i++) request.settle(i, refusal);
	}

	/** Why replies to these commands could not be told apart; null when they can. */
	#refusal(request: Request): ClientError | null {
		for (let i = 0; i < request.size; i++) {
			if (this.#stream !== null) return new ClientError("UNSUPPORTED", `nothing can follow ${this.#stream} on its connection`);
			const [first = "", second = "", third = ""] = request.command(i).args;
			const name = asText(first, 16)?.toUpperCase() ?? "";
			if (isSubscription(name)) this.#connection.expectSubscriptions();
			else if (name === "MONITOR" || name === "SYNC" || name === "PSYNC") this.#stream = name;
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
		return this.#connection.isClosed ? new ClientError("CLOSED", "the leased connection is closed") : null;
	}

	gauges(): Gauges {
		return { inFlight: this.#connection.commandsPending, connections: this.#connection.isClosed ? 0 : 1 };
	}

	close(): Promise<void> {
		return this.#connection.idle().then(() => this.destroy());
	}

	destroy(cause?: Error): void {
		this.#connection.destroy(
			new ClientError("CLOSED", "the leased connection was released", cause === undefined ? {} : { cause }),
		);
	}

	refused(attempt: Attempt, error: ClientError): void {
		attempt.settle(error);
	}

	lost(attempt: Attempt, cause: ClientError, written: boolean): void {
		attempt.settle(unanswered(cause, written));
	}
}
