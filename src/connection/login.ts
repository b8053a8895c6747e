/** Who a connection is to its server, where that has to be renewed while it lives. */
import type { Endpoint } from "../endpoint.js";
import { formatEndpoint } from "../endpoint.js";
import { ClientError, ReplyError } from "../errors.js";
import type { Credentials, ExpiringCredentials } from "../options.js";
import { ask } from "../question.js";
import type { SingleRequest } from "../single-request.js";
import type { ConnectionContext } from "./connection.js";
import { type Renewable, renewalsOf } from "./renewal.js";

/** The connection, as far as its login goes. */
export interface LoginSubject {
	readonly endpoint: Endpoint;
	send(request: SingleRequest): void;
	/** It is who it says by new credentials. */
	reauthenticated(): void;
	/** Its credentials expired, and the server takes no new ones. */
	expelled(cause: ClientError): void;
}

/** A subscribed RESP2 connection may say next to nothing; it is left to the server, and to those who subscribe again. */
const MAY_NOT_SAY_IT = /^ERR Can't execute 'auth'/i;

export class Login implements Renewable {
	readonly #context: ConnectionContext;
	readonly #subject: LoginSubject;
	readonly #leave: () => void;
	/** A caller has the connection: nothing of the client's own may come between its commands, which may be those of a transaction. */
	#lent = false;
	/** What came meanwhile. */
	#missed: Credentials | null = null;

	constructor(subject: LoginSubject, context: ConnectionContext, lifeMs: number) {
		this.#subject = subject;
		this.#context = context;
		this.#leave = renewalsOf(context.settings).join(subject.endpoint, this, lifeMs);
	}

	end(): void {
		this.#leave();
	}

	lend(): void {
		this.#lent = true;
	}

	/** The caller is done; the next one's commands come behind what was missed. */
	giveBack(): void {
		this.#lent = false;
		const missed = this.#missed;
		this.#missed = null;
		if (missed !== null) {
			this.authenticate(missed).catch((error: ClientError) => {
				if (error instanceof ReplyError) this.refused(error);
			});
		}
	}

	async authenticate(credentials: Credentials): Promise<void> {
		if (this.#lent) {
			this.#missed = credentials;
			return;
		}
		const { username, password } = credentials;
		if (username === undefined && password === undefined) return;
		const { clock, settings } = this.#context;
		const args = ["AUTH", ...(username === undefined ? [] : [username]), password ?? ""];
		try {
			await ask(args, clock, settings.timeouts.commandMs || 5000, (request) => this.#subject.send(request));
		} catch (error) {
			if (error instanceof ReplyError && MAY_NOT_SAY_IT.test(error.message)) return;
			throw error;
		}
		this.#subject.reauthenticated();
	}

	refused(error: ClientError): void {
		const where = formatEndpoint(this.#subject.endpoint);
		this.#subject.expelled(new ClientError("CONNECTION", `${where} refused the new credentials (${error.code})`));
	}
}

/** The login of a connection whose credentials expire; null where none do. */
export function loginOf(
	subject: LoginSubject,
	context: ConnectionContext,
	credentials: ExpiringCredentials | undefined,
): Login | null {
	return credentials?.expiresInMs === undefined ? null : new Login(subject, context, credentials.expiresInMs);
}
