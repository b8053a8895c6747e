/** The cache as its users see it. */
import { ClientError, InvalidArgumentError } from "../errors.js";
import { type Ttl, timerMs } from "../util/ttl.js";
import type { Bytes } from "./backend.js";
import { type CacheEvents, type CacheStats, Reporter } from "./cache-events.js";
import {
	CALL_FIELDS,
	type CacheOptions,
	type CacheSettings,
	checkFunction,
	checkTags,
	type GetOrSetOptions,
	type Policy,
	prefixOf,
	resolveCacheOptions,
	resolvePolicy,
	STORE_FIELDS,
	type StoreOptions,
} from "./cache-options.js";
import { EntryStore } from "./entry-store.js";
import { type ManyFactory, ManyFetcher } from "./fetch-many.js";
import { type Factory, Fetcher } from "./fetcher.js";
import { Flights } from "./flights.js";
import { isFresh } from "./freshness.js";
import { checkKeys } from "./keys.js";
import { failuresIn } from "./partial.js";
import { isTagKey } from "./tags.js";
import { WriteBehind, type WriteBehindOptions } from "./write-behind.js";

interface ItemOf {
	readonly key: string;
	readonly value: unknown;
	/** Default: the call's. */
	readonly ttl?: Ttl | null;
}

/** What `setMany` takes for each key. */
export type CacheEntry = readonly [key: string, value: unknown] | ItemOf;

function isThenable(value: unknown): boolean {
	return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

/** @throws INVALID_ARGUMENT with the place of the first one that is none */
function checkEntries(entries: unknown): ItemOf[] {
	if (typeof entries === "string" || typeof (entries as Iterable<unknown> | null)?.[Symbol.iterator] !== "function") {
		throw new InvalidArgumentError(0, "entries must be a list of [key, value] or { key, value, ttl? }, or a Map");
	}
	return Array.from(entries as Iterable<CacheEntry | null>, (entry, i) => {
		if (typeof entry !== "object" || entry === null) {
			throw new InvalidArgumentError(i, "an entry must be [key, value] or { key, value, ttl? }");
		}
		return Array.isArray(entry) ? { key: entry[0], value: entry[1] } : (entry as ItemOf);
	});
}

/**
 * A cache before a source that is slow or dear: what is asked for is read from the backend, made by the caller's factory when it is not there,
 * and made once however many ask. A value is anything that the serializer can write; callers that share one get the same object, so they should
 * not change it.
 *
 * | there is | `get` | `getOrSet` |
 * |---|---|---|
 * | a value, `null` too | it | it |
 * | word that there is none (`negativeTtl`) | `undefined` | `undefined` |
 * | nothing | `undefined` | what the factory makes |
 * | an old value within `swr` | `undefined` | it, and it is made anew behind it |
 *
 * Key on the backend: `<namespace>:<key>`; tags: `<namespace>:~tag:<tag>`.
 */
export class Cache implements AsyncDisposable {
	readonly #settings: CacheSettings;
	readonly #reporter: Reporter;
	readonly #store: EntryStore;
	readonly #fetcher: Fetcher;
	readonly #many: ManyFetcher;
	/** Shared with the namespaces of it. */
	readonly #owned: { closed: boolean; readonly queues: Set<WriteBehind<unknown>>; readonly flights: Flights };

	/** @throws INVALID_OPTION, naming the field */
	constructor(options: CacheOptions);
	/** @internal */
	constructor(options: CacheOptions, parent?: Cache, settings?: CacheSettings);
	constructor(options: CacheOptions, parent?: Cache, settings: CacheSettings = resolveCacheOptions(options)) {
		this.#settings = settings;
		this.#reporter = parent === undefined ? new Reporter() : parent.#reporter;
		this.#store = new EntryStore(settings, this.#reporter);
		this.#owned = parent === undefined ? { closed: false, queues: new Set(), flights: new Flights() } : parent.#owned;
		this.#fetcher = new Fetcher(settings, this.#store, this.#reporter, this.#owned.flights);
		this.#many = new ManyFetcher(settings, this.#store, this.#fetcher, this.#reporter);
	}

	// ── reading ──

	/**
	 * The value that is stored and fresh.
	 * @returns undefined when there is none; what a factory would say is not asked
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, CLOSED; the store's own with `failOpen: false`
	 */
	async get<T>(
		key: string,
		options?: { validate?: (value: unknown) => value is T; tags?: readonly string[] },
	): Promise<T | undefined> {
		const name = this.#name(key);
		const policy = resolvePolicy(this.#settings.policy, options, CALL_FIELDS);
		const looks = await this.#asked("read", () => this.#store.read(name, policy), key);
		const found = looks?.found ?? null;
		if (found !== null && isFresh(found)) {
			this.#reporter.hit(name, found.absent);
			return found.value as T;
		}
		this.#reporter.miss(name, looks?.reason ?? "unavailable");
		return undefined;
	}

	/** The same for many keys, in one read. @returns those that there are */
	async getMany<T, K extends string = string>(keys: readonly K[]): Promise<Map<K, T>> {
		const own = [...checkKeys(keys)] as K[];
		const names = this.#names(own);
		const looks = (await this.#asked("read", () => this.#store.readMany(names, this.#settings.policy))) ?? [];
		const found = new Map<K, T>();
		own.forEach((key, i) => {
			const entry = looks[i]?.found ?? null;
			if (entry === null || !isFresh(entry)) this.#reporter.miss(names[i] as string, looks[i]?.reason ?? "unavailable");
			else {
				this.#reporter.hit(names[i] as string, entry.absent);
				if (!entry.absent) found.set(key, entry.value as T);
			}
		});
		return found;
	}

	/** Whether a fresh value is stored; that there is no such thing is none. */
	async has(key: string): Promise<boolean> {
		const name = this.#name(key);
		const look = await this.#asked("read", () => this.#store.read(name, this.#settings.policy), key);
		return look !== undefined && look.found !== null && isFresh(look.found) && !look.found.absent;
	}

	/**
	 * The value that is stored, or else the one that `factory` makes, which is stored then. However many callers ask for it meanwhile, in this
	 * process or, with leases, in all that share the backend, one factory runs. What it throws rejects all of this process, stores nothing, and
	 * the next caller tries again. A factory that asks for its own key is refused when it does so before it awaits anything; later on nobody can
	 * tell who asks, and it waits for itself: only `hardTimeout` ends that.
	 * @returns undefined when the factory says that there is no such thing; then an old value that is stored is deleted, or with `negativeTtl`
	 * makes room for that word
	 * @throws what the factory throws; TIMEOUT after `hardTimeout`, ABORTED; INVALID_ARGUMENT, INVALID_OPTION, CLOSED
	 */
	getOrSet<T>(key: string, factory: Factory<T>, options?: GetOrSetOptions<T>): Promise<T> {
		try {
			const name = this.#name(key);
			checkFunction(factory, 1, "the factory");
			return this.#fetcher.fetch(name, factory, resolvePolicy(this.#settings.policy, options, CALL_FIELDS)) as Promise<T>;
		} catch (error) {
			return Promise.reject(error);
		}
	}

	/**
	 * The same for many keys: one read, one call of `factory` with those that are missing, one write. A factory that throws rejects the call,
	 * unless an old value within `grace` is there for each. Who makes them is agreed on within this process only: what another one deletes or
	 * sets meanwhile may be overwritten by what is older.
	 * @param factory gives a Map by key, or a list with a value, or a promise of one, for each missing key; what it leaves out there is not
	 * @returns those that there are, in the order of the keys
	 * @throws as {@link getOrSet}
	 */
	async getOrSetMany<K extends string, T>(
		keys: readonly K[],
		factory: ManyFactory<K, T>,
		options?: GetOrSetOptions<Awaited<T>>,
	): Promise<Map<K, Awaited<T>>> {
		// Each key once, and in the end the result: one Map for both.
		const found = new Map<K, Awaited<T>>();
		for (const key of checkKeys(keys)) found.set(key as K, undefined as Awaited<T>);
		const names = this.#names(found.size === keys.length ? keys : [...found.keys()]);
		checkFunction(factory, 1, "the factory");
		const policy = resolvePolicy(this.#settings.policy, options, CALL_FIELDS);
		const skipped = this.#settings.prefix.length;
		const values = await this.#many.fetch(
			names,
			async (missing, context) => {
				const own = missing.map((name) => name.slice(skipped) as K);
				const made = await factory([...own], context);
				const list = made instanceof Map ? own.map((key) => made.get(key)) : made;
				// What is written as JSON of a promise is `{}`.
				return Array.isArray(list) && list.some(isThenable) ? await Promise.all(list) : (list as readonly (T | undefined)[]);
			},
			policy,
		);
		let place = 0;
		for (const key of found.keys()) {
			const value = values[place++];
			if (value === undefined) found.delete(key);
			else found.set(key, value as Awaited<T>);
		}
		return found;
	}

	/**
	 * `fn` with a cache before it.
	 * @param options `key` names the value for its arguments
	 */
	wrap<A extends unknown[], T>(
		fn: (...args: A) => T | Promise<T>,
		options: GetOrSetOptions<T> & { key: (...args: A) => string },
	): (...args: A) => Promise<T> {
		checkFunction(fn, 0, "what is wrapped");
		const { key, ...rest } = options ?? ({} as { key: never });
		checkFunction(key, 1, "`key`");
		resolvePolicy(this.#settings.policy, rest, CALL_FIELDS);
		return async (...args) => await this.getOrSet<T>(key(...args), () => fn(...args), rest);
	}

	// ── writing ──

	/**
	 * Stores a value. What is being made of the key meanwhile is older, and not stored.
	 * @returns whether it was stored: false when the store failed, which is counted
	 * @throws INVALID_ARGUMENT for what the serializer cannot write, INVALID_OPTION, CLOSED
	 */
	async set(key: string, value: unknown, options?: StoreOptions): Promise<boolean> {
		return (await this.#setMany([{ key, value }], options, () => 1)) === 1;
	}

	/**
	 * The same for many, in one write: a Map, pairs, or items as a backend takes them, whose own `ttl` comes before that of the call.
	 * @returns how many were stored
	 * @throws as {@link set}; INVALID_ARGUMENT has the place of the entry
	 */
	async setMany(entries: Iterable<CacheEntry>, options?: StoreOptions): Promise<number> {
		return await this.#setMany(checkEntries(entries), options, (i) => i);
	}

	/** @returns whether there was one; false when the store failed, which is counted */
	async delete(key: string): Promise<boolean> {
		return (await this.deleteMany([key])) === 1;
	}

	/** What is being made of the keys meanwhile is not stored. @returns how many there were */
	async deleteMany(keys: readonly string[]): Promise<number> {
		const names = this.#names(keys);
		const { done: deleted } = await this.#written("delete", names, (backend) =>
			names.length === 1 ? backend.delete(names[0] as string).then(Number) : backend.deleteMany(names),
		);
		if (deleted === undefined) return 0;
		this.#reporter.counts.deletes += deleted;
		for (const key of names) this.#reporter.tell("delete", { key });
		return deleted;
	}

	/**
	 * Makes a value an old one: readers make it anew, and may have it meanwhile within `grace`. One that is stored at the same time stays as it is.
	 * @returns whether it did
	 */
	async expire(key: string): Promise<boolean> {
		const name = this.#name(key);
		return (await this.#written("expire", [name], () => this.#store.purge(name))).done ?? false;
	}

	/**
	 * Ends all that was stored with any of these tags, wherever it is: one write.
	 * @returns whether it did: false when the store failed, which is counted
	 */
	async invalidateTags(...tags: string[]): Promise<boolean> {
		this.#check();
		const checked = checkTags(tags);
		if (checked.length === 0) return true;
		this.#owned.flights.outdateTags(this.#settings.prefix, checked);
		const done = (await this.#asked("invalidate", () => this.#store.tags.invalidate(checked))) ?? false;
		if (done) this.#reporter.tell("invalidate", { tags: checked });
		else this.#reporter.counts.lostWrites += checked.length;
		return done;
	}

	/**
	 * Deletes all keys of this cache, its namespaces' and its tags' among them. What is being made of them meanwhile, here or by leases elsewhere,
	 * is not stored. Goes through all keys of the database, twice with leases.
	 * @returns how many
	 */
	async clear(): Promise<number> {
		this.#check();
		const { backend, prefix, crossProcess } = this.#settings;
		this.#owned.flights.outdateAll(prefix);
		// Before, and not along with it: what is filled in until the last lease is ended is there when the first key is looked at.
		if (crossProcess) await this.#asked("clear", async () => await backend.leases?.cancelAll(prefix));
		return (await this.#asked("clear", () => backend.clear({ prefix }))) ?? 0;
	}

	/**
	 * Writes to the source, then to the cache. When either fails the value is deleted: nobody knows what the source has, or the cache has an
	 * older one.
	 * @throws what `write` throws; as {@link set}, before anything is written
	 */
	async writeThrough<T>(key: string, value: T, write: (value: T) => unknown, options?: StoreOptions): Promise<void> {
		this.#name(key);
		checkFunction(write, 2, "`write`");
		resolvePolicy(this.#settings.policy, options, STORE_FIELDS);
		if (value === undefined) throw new InvalidArgumentError(1, "undefined is no value; delete() the key");
		this.#store.encode(value);
		let stored = false;
		try {
			await write(value);
			stored = await this.set(key, value, options);
		} finally {
			if (!stored) await this.delete(key).catch(() => {});
		}
	}

	/** Writes to the cache at once, and to the source behind it, in batches; `close()` waits for that. */
	writeBehind<T>(options: WriteBehindOptions<T>): WriteBehind<T> {
		this.#check();
		const { queues } = this.#owned;
		const store = (key: string, value: T | undefined, how?: StoreOptions) =>
			value === undefined ? this.delete(key) : this.set(key, value, how);
		const check = (key: string, value: T | undefined): void => {
			this.#name(key);
			if (value !== undefined) this.#store.encode(value);
		};
		const queue: WriteBehind<T> = new WriteBehind<T>(options, { check, store }, this.#reporter, () =>
			queues.delete(queue as WriteBehind<unknown>),
		);
		queues.add(queue as WriteBehind<unknown>);
		return queue;
	}

	// ── all of it ──

	/** The same cache for keys of their own: its options but for those that are given, its events and figures. */
	namespace(namespace: string, options: Omit<CacheOptions, "backend" | "namespace"> = {}): Cache {
		const { backend, prefix } = this.#settings;
		const own = prefixOf(namespace);
		const settings = resolveCacheOptions({ ...options, backend }, this.#settings);
		return new Cache({ backend }, this, { ...settings, prefix: prefix + own });
	}

	on<K extends keyof CacheEvents>(event: K, listener: (event: CacheEvents[K]) => void): this {
		this.#reporter.on(event, listener);
		return this;
	}

	off<K extends keyof CacheEvents>(event: K, listener: (event: CacheEvents[K]) => void): this {
		this.#reporter.off(event, listener);
		return this;
	}

	/** Since it was made, namespaces included; cheap. */
	stats(): CacheStats {
		return { ...this.#reporter.counts };
	}

	/**
	 * Refuses new calls, flushes what is written behind, and waits for what is being made and stored: at most `timeout`, for nobody can end a
	 * factory. The backend is its owner's.
	 * @param options `timeout`: default `"5s"`
	 * @throws INVALID_OPTION
	 */
	async close({ timeout = "5s" }: { timeout?: Ttl } = {}): Promise<void> {
		const ms = timerMs(timeout, "timeout");
		const { queues, flights } = this.#owned;
		this.#owned.closed = true;
		await Promise.all([...queues].map((queue) => queue.close()));
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<void>((resolve) => {
			timer = setTimeout(resolve, ms);
		});
		await Promise.race([flights.idle(), late]);
		clearTimeout(timer);
		flights.left = true;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	// ── what calls have in common ──

	/** @param place of an entry's value in the caller's arguments */
	async #setMany(entries: readonly ItemOf[], options: StoreOptions | undefined, place: (i: number) => number): Promise<number> {
		const names = this.#names(entries.map(({ key }) => key));
		const policy = resolvePolicy(this.#settings.policy, options, STORE_FIELDS);
		const policies = entries.map(({ ttl }) => (ttl === undefined ? policy : resolvePolicy(policy, { ttl }, STORE_FIELDS)));
		const encoded = entries.map(({ value }, i) => {
			if (value === undefined) throw new InvalidArgumentError(place(i), "undefined is no value; delete() the key");
			try {
				return this.#store.encode(value);
			} catch (error) {
				if (error instanceof InvalidArgumentError) throw new InvalidArgumentError(place(i), error.message);
				throw error;
			}
		});
		const tags = policy.tags.length === 0 ? [] : await this.#asked("tags", () => this.#store.tags.fix(policy.tags, new Map()));
		if (tags === undefined) {
			this.#reporter.counts.lostWrites += names.length;
			return 0;
		}
		const items = names.map((key, i) => {
			const { bytes, ttlMs } = this.#store.sealBytes(encoded[i] as Bytes, policies[i] as Policy, tags, 0);
			return { key, value: bytes, ttl: ttlMs };
		});
		const { done, lost } = await this.#written("set", names, async (backend) => {
			const [only] = items;
			if (items.length !== 1 || only === undefined) return await backend.setMany(items, { metadata: false });
			return Number(await backend.set(only.key, only.value, { ttl: only.ttl, metadata: false }));
		});
		const stored = done ?? items.length - lost;
		this.#reporter.counts.sets += stored;
		// A store that throws nothing has refused it, or has no room.
		if (done !== undefined) this.#reporter.counts.lostWrites += items.length - stored;
		if (stored === items.length) for (const key of names) this.#reporter.tell("set", { key });
		return stored;
	}

	/** A write of the caller's: whatever is being made of these keys is older. `lost`: of so many of them it failed, and that is counted. */
	async #written<T>(
		operation: string,
		keys: readonly string[],
		write: (backend: CacheSettings["backend"]) => Promise<T>,
	): Promise<{ done: T | undefined; lost: number }> {
		const { backend, crossProcess } = this.#settings;
		this.#owned.flights.outdate(keys);
		let lost = 0;
		const done = await this.#asked(operation, async () => {
			// First, in the same flight: between the two nobody can fill in what is out of date.
			const cancelled = crossProcess ? backend.leases?.cancel(keys) : undefined;
			const [written, freed] = await Promise.allSettled([write(backend), cancelled]);
			const errors = [written, freed].flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
			if (written.status === "fulfilled" && errors.length === 0) return written.value;
			lost = failuresIn(errors, keys.length);
			throw errors[0];
		});
		this.#reporter.counts.lostWrites += lost;
		return { done, lost };
	}

	/** Undefined when the store fails and the cache goes on without it. */
	async #asked<T>(operation: string, ask: () => Promise<T>, key?: string): Promise<T | undefined> {
		try {
			return await ask();
		} catch (error) {
			if (error instanceof InvalidArgumentError) throw error;
			this.#fetcher.failed(operation, error, key);
			return undefined;
		}
	}

	#check(): void {
		if (this.#owned.closed) throw new ClientError("CLOSED", "the cache is closed");
	}

	#name(key: string): string {
		this.#check();
		return this.#names([key])[0] as string;
	}

	#names(keys: readonly string[]): string[] {
		this.#check();
		return checkKeys(keys).map((key, i) => {
			if (isTagKey(key)) throw new InvalidArgumentError(i, "a key must not begin with ~tag:, where versions of tags are");
			return this.#settings.prefix + key;
		});
	}
}
