/** Rate limits that all processes share: each decision is one script at one key, on the server's clock. */
import type { Client } from "../client.js";
import { ClientError, InvalidOptionError } from "../errors.js";
import { headersOf } from "./headers.js";
import {
	checkCallOptions,
	checkLimitedKey,
	checkLimiterOptions,
	checkPoints,
	type LimitCallOptions,
	type LimiterSettings,
	type RateLimiterOptions,
} from "./limit-options.js";
import type { LimitResult } from "./limit-result.js";

/** Figures since a limiter was made, of this process alone. */
export interface LimiterStats {
	/** Decisions of `consume` by the server, either way. */
	allowed: number;
	refused: number;
	/** Decisions of any call that were made without the server: `failOpen`. */
	degraded: number;
	/** Calls of any kind that rejected for another reason than their arguments. */
	errors: number;
}

/** The caller's own doing, which says nothing about whether Redis can be asked. */
const OWN = new Set(["INVALID_ARGUMENT", "INVALID_OPTION", "UNSUPPORTED", "CROSSSLOT", "ABORTED", "CLOSED"]);

/**
 * Limits how often something may happen, by key: a user, an address, a route.
 *
 *     const limiter = new RateLimiter(client, { algorithm: "sliding-window", limit: 100, window: "1m" });
 *     const { allowed, retryAfterMs } = await limiter.consume(`user:${id}`);
 *
 * On the wire: `EVALSHA` of one script at one key, `<prefix>:<fixed|sliding|bucket>:<key>`, which expires by itself once it says nothing any
 * more. However many processes ask, exactly the limit is allowed. On a cluster keys spread over all slots.
 */
export class RateLimiter {
	readonly #client: Client;
	readonly #settings: LimiterSettings;
	readonly #stats: LimiterStats = { allowed: 0, refused: 0, degraded: 0, errors: 0 };

	/** @throws INVALID_OPTION with the field. Nothing is sent */
	constructor(client: Client, options: RateLimiterOptions) {
		if (typeof (client as Partial<Client> | null)?.run !== "function") throw new InvalidOptionError("client", "must be a client");
		this.#settings = checkLimiterOptions(options);
		const { timeoutMs } = this.#settings;
		this.#client = timeoutMs === undefined ? client : client.with({ timeoutMs });
	}

	/**
	 * Takes points, all of them or none: a refused call takes nothing. One script, one flight, never repeated: an error with `maybeExecuted`
	 * says that they may have been taken.
	 * @param points whole, from 1 to the limit (`burst` of a token bucket)
	 * @throws INVALID_ARGUMENT by `index` (1: key, 2: points), INVALID_OPTION, ABORTED, CLOSED; unless `failOpen` also TIMEOUT, CONNECTION and
	 *   whatever the server says, such as WRONGTYPE when something else stands at the key
	 */
	async consume(key: string, points = 1, options?: LimitCallOptions): Promise<LimitResult> {
		const result = await this.#decide(key, points, options, 1);
		if (!result.degraded) this.#stats[result.allowed ? "allowed" : "refused"]++;
		return result;
	}

	/** What {@link consume} would say now; nothing is taken. The same script, the same errors. */
	peek(key: string, points = 1, options?: LimitCallOptions): Promise<LimitResult> {
		return this.#decide(key, points, options, 0);
	}

	/**
	 * Forgets what was taken: the key is as good as new. `DEL key`
	 * @returns whether there was anything to forget
	 * @throws as {@link consume}, whatever `failOpen` says
	 */
	async reset(key: string, options?: LimitCallOptions): Promise<boolean> {
		const name = this.#name(checkLimitedKey(key));
		const client = this.#view(options);
		try {
			return (await client.del(name)) > 0;
		} catch (error) {
			this.#stats.errors++;
			throw error;
		}
	}

	/** A decision as headers of an HTTP response: `RateLimit-Limit`, `-Remaining`, `-Reset`, `-Policy`, and `Retry-After` on a refusal. */
	headers(result: LimitResult): Record<string, string> {
		return headersOf(result, this.#settings.limit, this.#settings.windowMs);
	}

	stats(): LimiterStats {
		return { ...this.#stats };
	}

	async #decide(key: string, points: number, options: LimitCallOptions | undefined, take: 0 | 1): Promise<LimitResult> {
		const { algorithm, failOpen } = this.#settings;
		const { capacity, script, settings } = algorithm;
		const name = this.#name(checkLimitedKey(key));
		const args = [checkPoints(points, capacity), take, ...settings];
		const client = this.#view(options);
		try {
			return { limit: capacity, ...(await client.run(script, [name], args)) };
		} catch (error) {
			if (!failOpen || !(error instanceof ClientError) || OWN.has(error.code)) {
				this.#stats.errors++;
				throw error;
			}
			this.#stats.degraded++;
			const remaining = capacity - take * points;
			return { allowed: true, remaining, limit: capacity, retryAfterMs: 0, resetMs: 0, degraded: true, error };
		}
	}

	#view(options: LimitCallOptions | undefined): Client {
		const view = checkCallOptions(options);
		return view === null ? this.#client : this.#client.with(view);
	}

	#name(key: string): string {
		return `${this.#settings.prefix}:${this.#settings.algorithm.tag}:${key}`;
	}
}
