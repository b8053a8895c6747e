/**
 * Writes that the cache has at once, and the source a little later, in batches: one write of a key is under way at a time, and of those that
 * wait the last one counts.
 *
 *     set ──► cache, and waiting ──► write(batch) ──► done
 *                      ▲────────── failed: once more after a pause, at most `maxAttempts` times, then `onFailure`
 */
import { ClientError, InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { backoffMs } from "../util/backoff.js";
import { checkInteger, refuseRest } from "../util/options.js";
import { type Ttl, timerMs } from "../util/ttl.js";
import { quietly, type Reporter } from "./cache-events.js";
import { checkFunction, NOTHING, resolvePolicy, STORE_FIELDS, type StoreOptions } from "./cache-options.js";
import { checkKey } from "./keys.js";

export interface WriteBehindOptions<T> {
	/** Writes to the source. An undefined value: the key was deleted. When it throws, the whole batch is tried again. */
	write: (batch: [key: string, value: T | undefined][]) => unknown;
	/** Told of what could not be written at last; it is lost then. */
	onFailure?: (batch: [key: string, value: T | undefined][], error: unknown) => unknown;
	/** Keys that wait, at most: beyond that `set` rejects with OVERLOADED. Default 1000. */
	maxQueue?: number;
	/** Keys in one batch. Default 100. */
	maxBatch?: number;
	/** How long a write waits for others to go with it. Default 100 ms. */
	delay?: Ttl;
	/** Default 5. */
	maxAttempts?: number;
	/** The pause before another attempt, at most: doubled each time, up to 30 times that. Default 100 ms. */
	retryDelay?: Ttl;
}

interface Settings<T> {
	readonly write: WriteBehindOptions<T>["write"];
	readonly onFailure: NonNullable<WriteBehindOptions<T>["onFailure"]> | null;
	readonly maxQueue: number;
	readonly maxBatch: number;
	readonly delayMs: number;
	readonly maxAttempts: number;
	readonly retryMs: number;
}

/** The cache before it. */
interface Before<T> {
	/** @throws for a key or a value that `store` would refuse, as far as it can tell */
	check(key: string, value: T | undefined): void;
	store(key: string, value: T | undefined, options?: StoreOptions): Promise<unknown>;
}

export class WriteBehind<T> implements AsyncDisposable {
	readonly #settings: Settings<T>;
	readonly #cache: Before<T>;
	readonly #reporter: Reporter;
	readonly #ended: () => void;
	/** By key, in the order in which they began to wait. */
	readonly #waiting = new Map<string, T | undefined>();
	/** Keys that the cache is being given, and when it has them: the next value of one comes after that, as it does at the source. */
	readonly #storing = new Map<string, Promise<unknown>>();
	#timer: NodeJS.Timeout | null = null;
	/** Ends a pause. */
	#hurry: (() => void) | null = null;
	#running: Promise<void> | null = null;
	#closing = false;

	/** @internal */
	constructor(options: WriteBehindOptions<T>, cache: Before<T>, reporter: Reporter, ended: () => void) {
		this.#settings = resolve(options);
		this.#cache = cache;
		this.#reporter = reporter;
		this.#ended = ended;
	}

	/** Keys that the source does not have yet, those under way not counted. */
	get pending(): number {
		return this.#waiting.size;
	}

	/**
	 * Resolves when the cache has it.
	 * @throws OVERLOADED when too many wait, and then nothing was written; CLOSED
	 */
	async set(key: string, value: T, options?: StoreOptions): Promise<void> {
		if (value === undefined) throw new InvalidArgumentError(1, "undefined is no value; delete() the key");
		resolvePolicy(NOTHING, options, STORE_FIELDS);
		this.#queue(key, value);
		await this.#stored(key, value, options);
	}

	/** The same for a deletion. */
	async delete(key: string): Promise<void> {
		this.#queue(key, undefined);
		await this.#stored(key, undefined);
	}

	/** Resolves when all that waits was written, or given up. */
	async flush(): Promise<void> {
		while (this.#waiting.size > 0 || this.#running !== null) await this.#run();
	}

	/** Takes no more, and writes what waits: each attempt without a pause before it. */
	async close(): Promise<void> {
		this.#closing = true;
		this.#hurry?.();
		await this.flush();
		this.#ended();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#queue(key: string, value: T | undefined): void {
		if (this.#closing) throw new ClientError("CLOSED", "it is closed");
		checkKey(key, 0);
		// What the cache refuses the source must not get.
		this.#cache.check(key, value);
		if (this.#waiting.size >= this.#settings.maxQueue && !this.#waiting.has(key)) {
			throw new ClientError("OVERLOADED", `${this.#settings.maxQueue} keys wait to be written already`);
		}
		this.#waiting.set(key, value);
		this.#timer ??= setTimeout(() => void this.#run(), this.#settings.delayMs);
	}

	async #stored(key: string, value: T | undefined, options?: StoreOptions): Promise<void> {
		const before = this.#storing.get(key);
		const store = (): Promise<unknown> => this.#cache.store(key, value, options);
		const storing = before === undefined ? store() : before.then(store, store);
		this.#storing.set(key, storing);
		try {
			await storing;
		} catch (error) {
			// The backend has rules of its own for keys: none of its keys is one of the source's.
			if (error instanceof InvalidArgumentError) this.#waiting.delete(key);
			throw error;
		} finally {
			if (this.#storing.get(key) === storing) this.#storing.delete(key);
		}
	}

	#run(): Promise<void> {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
		this.#running ??= this.#drain().finally(() => {
			this.#running = null;
		});
		return this.#running;
	}

	/** One batch after the other, so that no key is written twice at a time. Never rejects. */
	async #drain(): Promise<void> {
		while (this.#waiting.size > 0) {
			const batch: [key: string, value: T | undefined][] = [];
			for (const entry of this.#waiting) {
				batch.push(entry);
				this.#waiting.delete(entry[0]);
				if (batch.length === this.#settings.maxBatch) break;
			}
			await this.#write(batch);
		}
	}

	async #write(batch: [key: string, value: T | undefined][]): Promise<void> {
		const { write, onFailure, maxAttempts, retryMs } = this.#settings;
		for (let attempt = 1; ; attempt++) {
			try {
				await write(batch);
				return;
			} catch (error) {
				this.#reporter.tell("error", { operation: "write-behind", error });
				if (attempt < maxAttempts) {
					await this.#pause(backoffMs(attempt - 1, retryMs, retryMs * 30));
					continue;
				}
				this.#reporter.counts.lostWrites += batch.length;
				quietly(() => onFailure?.(batch, error));
				return;
			}
		}
	}

	#pause(ms: number): Promise<void> {
		if (this.#closing) return Promise.resolve();
		return new Promise((resolve) => {
			const done = (): void => {
				clearTimeout(timer);
				this.#hurry = null;
				resolve();
			};
			const timer = setTimeout(done, ms);
			this.#hurry = done;
		});
	}
}

/** @throws INVALID_OPTION, INVALID_ARGUMENT */
function resolve<T>(options: WriteBehindOptions<T>): Settings<T> {
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object with `write`");
	const { write, onFailure, maxQueue = 1000, maxBatch = 100, delay = 100, maxAttempts = 5, retryDelay = 100, ...rest } = options;
	refuseRest("writeBehind()", rest);
	checkFunction(write, 0, "`write`");
	if (onFailure !== undefined) checkFunction(onFailure, 0, "`onFailure`");
	for (const [field, value] of Object.entries({ maxQueue, maxBatch, maxAttempts })) {
		checkInteger(value, field, 1);
	}
	const retryMs = timerMs(retryDelay, "retryDelay");
	return { write, onFailure: onFailure ?? null, maxQueue, maxBatch, delayMs: timerMs(delay, "delay"), maxAttempts, retryMs };
}
