/** One connection beside the shared ones, from its credentials to the end of its handshake. */
import type { Connection, ConnectionObserver } from "./connection/connection.js";
import { credentialsFor } from "./connection/credentials.js";
import { ClientError } from "./errors.js";
import { connectTo, type NodeContext } from "./lane.js";
import type { ExpiringCredentials } from "./options.js";

export class Opening {
	/** Rejects with CONNECTION, TIMEOUT, AUTH, CLUSTER, or what it was destroyed with. */
	readonly ready: Promise<Connection>;
	readonly #node: NodeContext;
	#connection: Connection | null = null;
	#closed = false;
	#resolve!: (connection: Connection) => void;
	#reject!: (cause: ClientError) => void;

	/** @param observer hears of the connection once it is ready; before that its end is the end of `ready` */
	constructor(node: NodeContext, observer: Omit<ConnectionObserver, "ready">) {
		this.#node = node;
		this.ready = new Promise((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = reject;
		});
		// What is destroyed before anybody waited has nobody to tell.
		this.ready.catch(() => {});
		credentialsFor(node.endpoint, node.settings).then(
			(credentials) => {
				if (!this.#closed) this.#connect(credentials, observer);
			},
			(error) => this.#reject(error),
		);
	}

	destroy(cause: ClientError): void {
		this.#closed = true;
		this.#reject(cause);
		this.#connection?.destroy(cause);
	}

	#connect(credentials: ExpiringCredentials | undefined, later: Omit<ConnectionObserver, "ready">): void {
		let ready = false;
		const observer: ConnectionObserver = {
			...later,
			ready: (connection) => {
				ready = true;
				this.#resolve(connection);
			},
			lost: (connection, cause) => {
				if (ready) later.lost(connection, cause);
				else this.#reject(cause);
			},
		};
		const connection = connectTo(this.#node, credentials, observer);
		if (connection instanceof ClientError) this.#reject(connection);
		else this.#connection = connection;
	}
}
