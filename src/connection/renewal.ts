/**
 * New credentials for the live connections of a node, before those that they have expire.
 *
 *     join ──► waiting, until 80 % or so of the shortest life ──► provider asked, once for all ──► AUTH on each ──► waiting …
 *                 ▲                                                    │ failed, or refused
 *                 └──────────────── asked again, with backoff ◄────────┘
 *
 * An AUTH that is refused changes nothing: the connection goes on as who it was. Only when the time of its old credentials is over as well
 * does it make room for a new one; where the provider has nothing new by then, it is left to the server's word.
 */
import type { Endpoint } from "../endpoint.js";
import { formatEndpoint } from "../endpoint.js";
import { type ClientError, ReplyError } from "../errors.js";
import type { Credentials, ExpiringCredentials, Settings } from "../options.js";
import { credentialsFor } from "./credentials.js";

/** A provider is asked no more often than this for the renewals of one node, ms. */
const LEAST_MS = 1000;
/** One that fails is asked again after so long at most. */
const MOST_BACKOFF_MS = 30_000;
/** Timers of Node that are set for longer fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A connection that can be given new credentials. */
export interface Renewable {
	/** Rejects with the server's refusal, or why it could not be asked. */
	authenticate(credentials: Credentials): Promise<void>;
	/** Its old credentials have expired, and the server refused the new ones. */
	refused(error: ClientError): void;
}

export class Renewals {
	readonly #settings: Settings;
	readonly #byNode = new Map<string, NodeRenewal>();

	constructor(settings: Settings) {
		this.#settings = settings;
	}

	/** From now on the connection is given new credentials in time; the function returned ends that. */
	join(node: Endpoint, connection: Renewable, lifeMs: number): () => void {
		const address = formatEndpoint(node);
		const renewal = this.#byNode.get(address) ?? new NodeRenewal(node, this.#settings);
		this.#byNode.set(address, renewal);
		renewal.join(connection, lifeMs);
		return () => {
			if (renewal.leave(connection) === 0 && this.#byNode.get(address) === renewal) this.#byNode.delete(address);
		};
	}
}

const ofClients = new WeakMap<Settings, Renewals>();

/** Those of all connections that were made with these settings: two pools of one node ask once. */
export function renewalsOf(settings: Settings): Renewals {
	let renewals = ofClients.get(settings);
	if (renewals === undefined) {
		renewals = new Renewals(settings);
		ofClients.set(settings, renewals);
	}
	return renewals;
}

class NodeRenewal {
	readonly #node: Endpoint;
	readonly #settings: Settings;
	/** When the credentials of each expire, on the scale of `performance.now()`. */
	readonly #expiry = new Map<Renewable, number>();
	#timer: NodeJS.Timeout | null = null;
	#dueAt = Number.POSITIVE_INFINITY;
	/** The provider is being asked, or servers are told. */
	#busy = false;
	#failures = 0;

	constructor(node: Endpoint, settings: Settings) {
		this.#node = node;
		this.#settings = settings;
	}

	join(connection: Renewable, lifeMs: number): void {
		this.#expiry.set(connection, performance.now() + lifeMs);
		if (!this.#busy) this.#schedule(renewAfter(lifeMs));
	}

	/** How many are left. */
	leave(connection: Renewable): number {
		this.#expiry.delete(connection);
		if (this.#expiry.size === 0) this.#stop();
		return this.#expiry.size;
	}

	#stop(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		this.#dueAt = Number.POSITIVE_INFINITY;
	}

	/** Unless it is due earlier anyway. */
	#schedule(delayMs: number): void {
		const dueAt = performance.now() + delayMs;
		if (dueAt >= this.#dueAt) return;
		this.#stop();
		this.#dueAt = dueAt;
		// Connections keep the process alive, not what is planned for them.
		this.#timer = setTimeout(() => void this.#renew(), Math.min(delayMs, MAX_TIMER_MS)).unref();
	}

	async #renew(): Promise<void> {
		this.#stop();
		this.#busy = true;
		let next = LEAST_MS;
		try {
			const credentials = await credentialsFor(this.#node, this.#settings);
			if (this.#expiry.size > 0) await this.#giveOut(credentials ?? {});
			this.#failures = 0;
			const firstExpiry = Math.min(...this.#expiry.values());
			next = Number.isFinite(firstExpiry) ? renewAfter(firstExpiry - performance.now()) : Number.POSITIVE_INFINITY;
		} catch (error) {
			// What the provider did wrong was told where it was asked.
			if (error instanceof ReplyError) this.#settings.teller.report("reauthentication", error.withoutArguments());
			next = Math.min(MOST_BACKOFF_MS, LEAST_MS * 2 ** Math.min(this.#failures, 10)) * (1 + Math.random() / 4);
			this.#failures += 1;
		}
		this.#busy = false;
		if (this.#expiry.size > 0 && next !== Number.POSITIVE_INFINITY) this.#schedule(next);
	}

	/** @throws the first failure, when all connections were told */
	async #giveOut(credentials: ExpiringCredentials): Promise<void> {
		const expiresAt = performance.now() + (credentials.expiresInMs ?? Number.POSITIVE_INFINITY);
		const attempts = [...this.#expiry.keys()].map(async (connection) => {
			try {
				await connection.authenticate(credentials);
				if (this.#expiry.has(connection)) this.#expiry.set(connection, expiresAt);
			} catch (error) {
				const expired = (this.#expiry.get(connection) ?? 0) <= performance.now();
				// One that ended meanwhile needs nothing more.
				if (!this.#expiry.has(connection)) return;
				if (expired && error instanceof ReplyError) connection.refused(error);
				throw error;
			}
		});
		const failed = (await Promise.allSettled(attempts)).find((result) => result.status === "rejected");
		if (failed !== undefined) throw failed.reason;
	}
}

/** Around 80 % of a life: connections that began together, and clients, do not ask together. */
function renewAfter(lifeMs: number): number {
	return Math.max(LEAST_MS, lifeMs * (0.75 + Math.random() / 10));
}
