/**
 * Two levels: a part of what the shared store has is kept in this process, and answers without a round trip. Every process that writes tells the
 * others, which drop the keys; where a message may have been lost, a process drops all that it has.
 *
 *     get ──► first level, while the subscription is live ──► value
 *      └────► store ──► value, and into the first level, unless the key was written, or the subscription lost, since it was asked for
 *
 * Between a write and the message of it, milliseconds mostly and tens of them on a busy cluster, another process may still read the old
 * value. A writer that dies in between leaves it to them for `maxTtl` at most.
 */
import { ClientError, InvalidArgumentError, InvalidOptionError } from "../errors.js";
import type { Subscription } from "../pubsub/subscription.js";
import { checkInteger, refuseRest } from "../util/options.js";
import { type Ttl, ttlMs } from "../util/ttl.js";
import type {
	Bytes,
	CacheBackend,
	ClearQuery,
	Entry,
	EntryOptions,
	Health,
	Item,
	KeyQuery,
	Leases,
	ManyOptions,
	ScanQuery,
	SetManyOptions,
} from "./backend.js";
import { cacheError, isConnectionError } from "./errors.js";
import type { InvalidationListener } from "./invalidations.js";
import { checkKey, checkKeys, foundOf } from "./keys.js";
import { Lru } from "./lru.js";
import { widened } from "./partial.js";
import { RedisBackend } from "./redis-backend.js";
import { BackendCounters, type BackendStats, type ServerStats, withJson } from "./stats.js";

export interface TieredBackendOptions {
	/** The store that all processes share. It is ended with this one. */
	backend: RedisBackend;
	/** Of the first level. Default 10,000. */
	maxEntries?: number;
	/** Keys and values. Default 64 MiB. */
	maxBytes?: number;
	/** How long a value is kept there at most. Default `"1m"`. */
	maxTtl?: Ttl;
}

/** What a first level does for this process. */
export interface FirstLevelStats {
	hits: number;
	entries: number;
	bytes: number;
	/** Whether it is in use: other processes' writes are heard of. */
	live: boolean;
	/** How often all of it was dropped, because a message may have been lost. */
	dropped: number;
}

/** How long a refused subscription, and word that could not be sent, are not tried again. */
const PAUSE_MS = 1000;
/** Keys whose word is owed; of more the others are told that it may be any. */
const MAX_UNTOLD = 1000;

/** Of one key, by those who began between two writes of it. */
interface Reading {
	readers: number;
	written: boolean;
}

export class TieredBackend implements CacheBackend {
	readonly leases: Leases;
	readonly #second: RedisBackend;
	readonly #first: Lru<Buffer>;
	readonly #maxTtlMs: number;
	readonly #counters = new BackendCounters();
	#firstHits = 0;
	#dropped = 0;
	/** Counts what emptied the first level: what was asked for before is not kept. */
	#era = 0;
	/** Keys that are being read from the store, by those who would keep them. */
	readonly #reading = new Map<string, Reading>();
	/** Writes whose word is not out: without them nothing is ended, or they would open the store anew. */
	readonly #writing = new Set<Promise<void>>();
	/** Keys that others were to be told of when the connection was lost; null: all. */
	#untold: Set<string> | null = new Set();
	#retry: NodeJS.Timeout | null = null;
	/** Counts `disconnect()`. */
	#ended = 0;
	#subscription: Subscription | null = null;
	#subscribing: Promise<void> | null = null;
	#triedAt = Number.NEGATIVE_INFINITY;

	/** @throws INVALID_OPTION */
	constructor(options: TieredBackendOptions) {
		if (typeof options !== "object" || options === null)
			throw new InvalidOptionError("options", "must be an object with a backend");
		const { backend, maxEntries = 10_000, maxBytes = 64 * 1024 * 1024, maxTtl = "1m", ...rest } = options;
		refuseRest("TieredBackend", rest);
		if (!(backend instanceof RedisBackend)) throw new InvalidOptionError("backend", "must be a RedisBackend");
		checkInteger(maxEntries, "maxEntries", 1);
		checkInteger(maxBytes, "maxBytes", 1);
		this.#second = backend;
		this.#first = new Lru({ maxEntries, maxBytes, now: () => performance.now() });
		this.#maxTtlMs = ttlMs(maxTtl, "maxTtl");
		this.leases = this.#telling(backend.leases);
	}

	// ── connection ──

	/** Also subscribes; where that is refused the first level stays unused. */
	async connect(): Promise<void> {
		const ended = this.#ended;
		await this.#second.connect();
		this.#triedAt = Number.NEGATIVE_INFINITY;
		if (ended === this.#ended) await this.#subscribe();
	}

	/** Once the writes under way are told of. */
	async disconnect(): Promise<void> {
		this.#ended += 1;
		await Promise.all([this.#subscribing, ...this.#writing]);
		clearTimeout(this.#retry ?? undefined);
		this.#retry = null;
		const subscription = this.#subscription;
		this.#subscription = null;
		this.#triedAt = Number.NEGATIVE_INFINITY;
		this.#drop();
		await subscription?.unsubscribe();
		await this.#second.disconnect();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.disconnect();
	}

	get isConnected(): boolean {
		return this.#second.isConnected;
	}

	ping(): Promise<boolean> {
		return this.#second.ping();
	}

	async health(): Promise<Health> {
		const second = await this.#second.health();
		const error = this.#isLive ? null : { code: "CONNECTION", message: "the first level is not told of what others write" };
		return { ...second, levels: [{ ok: this.#isLive, latencyMs: 0, error }, second] };
	}

	// ── reading ──

	async get(key: string): Promise<Buffer | null> {
		const [value = null] = await this.#read([checkKey(key, 0)]);
		return value;
	}

	async getEntry(key: string): Promise<Entry | null> {
		return this.#counters.read(await this.#second.getEntry(key));
	}

	async exists(key: string): Promise<boolean> {
		return (this.#isLive && this.#first.peek(checkKey(key, 0)) !== undefined) || (await this.#second.exists(key));
	}

	async getMany(keys: readonly string[], options?: ManyOptions): Promise<(Buffer | null)[]> {
		return await this.#read(checkKeys(keys), options);
	}

	async getManyMap(keys: readonly string[], options?: ManyOptions): Promise<Map<string, Buffer>> {
		return foundOf(keys, (own) => this.getMany(own, options));
	}

	keys(query?: KeyQuery): Promise<string[]> {
		return this.#second.keys(query);
	}

	scan(query?: ScanQuery): AsyncIterable<string> {
		return this.#second.scan(query);
	}

	entries(query?: ScanQuery): AsyncIterable<[key: string, value: Buffer]> {
		return this.#second.entries(query);
	}

	count(query?: KeyQuery): Promise<number> {
		return this.#second.count(query);
	}

	// ── writing ──

	set(key: string, value: Bytes, options?: EntryOptions): Promise<boolean> {
		return this.#write([key], () => this.#second.set(key, value, options));
	}

	replaceHead(key: string, expected: Uint8Array, head: Uint8Array): Promise<boolean> {
		return this.#write([key], () => this.#second.replaceHead(key, expected, head));
	}

	delete(key: string): Promise<boolean> {
		return this.#write([key], () => this.#second.delete(key));
	}

	async setMany(items: Iterable<Item>, options?: SetManyOptions): Promise<number> {
		const list = typeof (items as Iterable<Item> | null)?.[Symbol.iterator] === "function" ? [...items] : items;
		const keys = Array.isArray(list) ? list.map((item: Item | null) => item?.key as string) : [];
		return await this.#write(keys, () => this.#second.setMany(list, options));
	}

	async deleteMany(keys: readonly string[], options?: ManyOptions): Promise<number> {
		// Others are told behind the write, whatever became of the caller's list.
		const own = [...checkKeys(keys)];
		return await this.#write(own, () => this.#second.deleteMany(own, options));
	}

	clear(query?: ClearQuery): Promise<number> {
		return this.#write(null, () => this.#second.clear(query));
	}

	// ── figures ──

	/** Reads of both levels; all else is the store's. */
	stats(): BackendStats {
		const { hits, misses } = this.#counters;
		const hitRate = hits + misses === 0 ? null : hits / (hits + misses);
		return withJson({ ...this.#second.stats(), hits, misses, hitRate });
	}

	async getStats(): Promise<BackendStats & ServerStats> {
		return withJson({ ...(await this.#second.getStats()), ...this.stats() });
	}

	/** What the first level does. */
	get firstLevel(): FirstLevelStats {
		const { size: entries, bytes } = this.#first;
		return { hits: this.#firstHits, entries, bytes, live: this.#isLive, dropped: this.#dropped };
	}

	// ── the first level ──

	get #isLive(): boolean {
		return this.#subscription?.live === true;
	}

	async #read(keys: readonly string[], options?: ManyOptions): Promise<(Buffer | null)[]> {
		const values = new Array<Buffer | null>(keys.length).fill(null);
		const missing: number[] = [];
		const live = this.#isLive;
		for (let i = 0; i < keys.length; i++) {
			const known = live ? this.#first.get(keys[i] as string) : undefined;
			// Its owner may change it.
			if (known !== undefined) values[i] = Buffer.from(known.value);
			else missing.push(i);
		}
		this.#firstHits += keys.length - missing.length;
		if (missing.length > 0) {
			const found = await this.#load(
				missing.map((i) => keys[i] as string),
				options,
			).catch((error) => {
				throw widened(error, values, missing);
			});
			for (const [j, i] of missing.entries()) values[i] = found[j] ?? null;
		}
		return this.#counters.readMany(values);
	}

	/** From the store; what nobody wrote meanwhile is kept. */
	async #load(keys: readonly string[], options: ManyOptions | undefined): Promise<(Buffer | null)[]> {
		if (!this.#isLive) {
			void this.#subscribe();
			return await this.#second.getMany(keys, options);
		}
		const era = this.#era;
		const asked = performance.now();
		const readings = keys.map((key) => this.#readingOf(key));
		let found: Awaited<ReturnType<RedisBackend["getWithTtl"]>> = [];
		try {
			found = await this.#second.getWithTtl(keys, options);
		} finally {
			const whole = this.#isLive && era === this.#era;
			for (const [i, key] of keys.entries()) {
				const reading = readings[i] as Reading;
				const entry = found[i];
				if (whole && entry && !reading.written) this.#keep(key, entry.value, entry.ttlMs, asked);
				reading.readers -= 1;
				if (reading.readers === 0 && this.#reading.get(key) === reading) this.#reading.delete(key);
			}
		}
		return found.map((entry) => entry?.value ?? null);
	}

	#readingOf(key: string): Reading {
		const reading = this.#reading.get(key) ?? { readers: 0, written: false };
		reading.readers += 1;
		this.#reading.set(key, reading);
		return reading;
	}

	/** Its time runs since it was asked for: nobody knows how long the answer took. */
	#keep(key: string, value: Buffer, ttl: number | null, asked: number): void {
		const end = asked + Math.min(this.#maxTtlMs, ttl ?? Number.POSITIVE_INFINITY);
		if (end > performance.now()) this.#first.set(key, Buffer.from(value), key.length + value.length, end);
	}

	/** Null: all keys. Whatever becomes of it, nobody keeps what was there before; told once the store has it. */
	#write<T>(keys: readonly string[] | null, write: () => Promise<T>): Promise<T> {
		return this.#tracked(this.#writeAndTell(keys, write));
	}

	#tracked<T>(work: Promise<T>): Promise<T> {
		const over = work.then(ignore, ignore).then(() => {
			this.#writing.delete(over);
		});
		this.#writing.add(over);
		return work;
	}

	async #writeAndTell<T>(keys: readonly string[] | null, write: () => Promise<T>): Promise<T> {
		this.#forget(keys);
		let sent = true;
		try {
			return await write();
		} catch (error) {
			sent = !(error instanceof InvalidArgumentError || error instanceof InvalidOptionError);
			throw error;
		} finally {
			this.#forget(keys);
			if (sent) await this.#tell(keys);
		}
	}

	/** Never rejects. What a lost connection keeps from the others, who may have theirs still, is said with the next word, or after a while. */
	async #tell(keys: readonly string[] | null): Promise<void> {
		const owed = keys === null || this.#untold === null ? null : [...new Set([...this.#untold, ...keys])];
		if (owed?.length === 0) return;
		this.#untold = new Set();
		try {
			await this.#second.invalidations.publish(owed);
		} catch (error) {
			const cause = error instanceof ClientError ? cacheError(error) : error;
			// Who may not tell never will.
			if (!isConnectionError(cause)) return;
			this.#owe(owed);
			if ((cause as ClientError).code === "CLOSED") return;
			this.#retry ??= setTimeout(() => {
				this.#retry = null;
				void this.#tracked(this.#tell([]));
			}, PAUSE_MS).unref();
		}
	}

	#owe(keys: readonly string[] | null): void {
		const all = keys === null || this.#untold === null ? null : new Set([...this.#untold, ...keys]);
		this.#untold = all === null || all.size > MAX_UNTOLD ? null : all;
	}

	#forget(keys: readonly string[] | null): void {
		if (keys === null) return this.#drop();
		for (const key of keys) {
			this.#first.delete(key);
			const reading = this.#reading.get(key);
			if (reading === undefined) continue;
			reading.written = true;
			// Who asks from now on reads what was written.
			this.#reading.delete(key);
		}
	}

	#drop(): void {
		this.#era += 1;
		this.#first.clear();
	}

	/** Never rejects: without messages the first level is not used, and the next call tries again after a while. */
	#subscribe(): Promise<void> {
		if (this.#subscription !== null && !this.#subscription.ended) return Promise.resolve();
		if (this.#subscribing === null && performance.now() - this.#triedAt > PAUSE_MS) {
			this.#triedAt = performance.now();
			const ended = this.#ended;
			const listener: InvalidationListener = {
				changed: (keys) => this.#forget(keys),
				changedAll: (lost) => {
					this.#drop();
					if (lost) this.#dropped += 1;
				},
			};
			this.#subscribing = this.#second.invalidations
				.subscribe(listener)
				.then(async (subscription) => {
					if (ended !== this.#ended) return await subscription.unsubscribe();
					// What was kept under an earlier one may have been written since.
					this.#drop();
					this.#subscription = subscription;
				})
				.catch(ignore)
				.finally(() => {
					this.#subscribing = null;
				});
		}
		return this.#subscribing ?? Promise.resolve();
	}

	/** Whoever fills a key, or removes what is there, writes it. */
	#telling(leases: Leases): Leases {
		return {
			acquire: (key, token, ms) => leases.acquire(key, token, ms),
			fill: (key, token, value, ms) => this.#write([key], () => leases.fill(key, token, value, ms)),
			remove: (key, token) => this.#write([key], () => leases.remove(key, token)),
			renew: (key, token, ms) => leases.renew(key, token, ms),
			release: (key, token) => leases.release(key, token),
			cancel: (keys) => leases.cancel(keys),
			cancelAll: (prefix) => leases.cancelAll(prefix),
			get moment() {
				return leases.moment;
			},
			wait: (key, since, ms, signal) => leases.wait(key, since, ms, signal),
		};
	}
}

function ignore(): void {}
