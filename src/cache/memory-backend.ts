/**
 * The store of one process: the same contract without a server, for tests, for a machine that has none, and for when there is none.
 *
 * It is bounded, by entries and by bytes: of each entry its key and metadata (as JSON) in UTF-8, and its value. What Node needs for an entry
 * itself, some 300 bytes, is not among them; `maxEntries` bounds that. What was not used for longest goes first, after what has expired. Reading
 * and writing a value is a use; `exists`, `count` and going through all keys are none.
 *
 * Values are copied when they are stored and when they are handed out. Each instance has keys of its own, whatever its `keyPrefix`.
 */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { checkFlag, checkInteger, refuseRest } from "../util/options.js";
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
	ManyOptions,
	ScanQuery,
	SetManyOptions,
} from "./backend.js";
import {
	checkHeads,
	checkObject,
	checkValue,
	type ResolvedItem,
	resolveEntry,
	resolveItems,
	resolveSetMany,
} from "./entry-options.js";
import { escapeGlob, globMatcher } from "./glob.js";
import { checkKey, checkKeys, foundOf, resolveQuery } from "./keys.js";
import { Lru } from "./lru.js";
import { checkManyOptions } from "./many-options.js";
import { isLease, isMetadataKey } from "./side-keys.js";
import { BackendCounters, type BackendStats, type ServerStats, withJson } from "./stats.js";

export interface MemoryBackendOptions {
	/** Default 10,000. */
	maxEntries?: number;
	/**
	 * Default 64 MiB. A value that is larger than that with its key is not stored: `set` gives false, the value that was there is gone (it would be
	 * out of date), and `evictedKeys` counts it. With `setMany({ atomic: true })` nothing is stored then, nor what together is too large.
	 */
	maxBytes?: number;
	/** For values stored without a time to live of their own; null: they have none. Default null. */
	defaultTtl?: Ttl | null;
	/**
	 * Taken so that backends can be swapped, and checked like theirs. Default `""`. No other store sees these keys, so nothing is put before them;
	 * but `clear({ flushDb: true })` is refused with one, as it is there.
	 */
	keyPrefix?: string;
	/** False: there is no metadata, as on a backend that stores none, and keys may end in `:meta`. Default `"sidecar"`. */
	metadata?: "sidecar" | false;
	/** Milliseconds, of any origin: the clock of tests. Default: one that no change of the date moves. */
	now?: () => number;
}

interface Stored {
	readonly value: Buffer;
	/** As JSON. */
	readonly metadata: string | null;
}

export class MemoryBackend implements CacheBackend {
	readonly #entries: Lru<Stored>;
	readonly #counters = new BackendCounters();
	readonly #settings: Required<MemoryBackendOptions> & { defaultTtlMs: number | null };
	readonly #since: number;
	#connected = false;

	/** @throws INVALID_OPTION */
	constructor(options?: MemoryBackendOptions) {
		this.#settings = resolveMemoryOptions(options);
		this.#entries = new Lru(this.#settings);
		this.#since = this.#settings.now();
	}

	// ── connection: there is none, but what uses one is to see what it would see elsewhere ──

	async connect(): Promise<void> {
		this.#connected = true;
	}

	/** Everything that is stored stays. */
	async disconnect(): Promise<void> {
		this.#connected = false;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.disconnect();
	}

	get isConnected(): boolean {
		return this.#connected;
	}

	async ping(): Promise<boolean> {
		this.#connected = true;
		return true;
	}

	async health(): Promise<Health> {
		this.#connected = true;
		return { ok: true, latencyMs: 0, error: null };
	}

	// ── one key ──

	async get(key: string): Promise<Buffer | null> {
		return this.#read(this.#key(key));
	}

	async getEntry(key: string): Promise<Entry | null> {
		const entry = this.#entries.get(this.#key(key));
		if (this.#counters.read(entry?.value ?? null) === null || entry === undefined) return null;
		const { value, metadata } = entry.value;
		// Not the reading of an instant later, when it may have expired.
		const left = Math.max(1, Math.ceil(entry.expiresAt - this.#settings.now()));
		return {
			value: Buffer.from(value),
			metadata: metadata === null ? null : JSON.parse(metadata),
			ttlMs: entry.expiresAt === Number.POSITIVE_INFINITY ? null : left,
		};
	}

	async set(key: string, value: Bytes, options?: EntryOptions): Promise<boolean> {
		this.#key(key);
		checkValue(value, 1);
		const { ttlMs, metadata, condition } = resolveEntry(options, this.#settings.defaultTtlMs);
		if (metadata && this.#settings.metadata === false) throw new InvalidOptionError("metadata", "this backend stores none");
		if (condition !== null && (this.#entries.peek(key) === undefined) !== (condition === "nx")) return false;
		return this.#store({ key, value, ttlMs }, metadata ?? null);
	}

	async replaceHead(key: string, expected: Uint8Array, head: Uint8Array): Promise<boolean> {
		checkHeads(expected, head);
		const value = this.#entries.peek(this.#key(key))?.value.value;
		if (value === undefined || !value.subarray(0, expected.length).equals(expected)) return false;
		value.set(head);
		return true;
	}

	async delete(key: string): Promise<boolean> {
		return this.#delete(this.#key(key));
	}

	async exists(key: string): Promise<boolean> {
		return this.#entries.peek(this.#key(key)) !== undefined;
	}

	// ── many keys ──

	async getMany(keys: readonly string[], options?: ManyOptions): Promise<(Buffer | null)[]> {
		checkManyOptions(options);
		return this.#keys(keys).map((key) => this.#read(key));
	}

	async getManyMap(keys: readonly string[], options?: ManyOptions): Promise<Map<string, Buffer>> {
		return await foundOf(keys, (own) => this.getMany(own, options));
	}

	async setMany(items: Iterable<Item>, options?: SetManyOptions): Promise<number> {
		const { ttl, atomic, many } = resolveSetMany(options);
		checkManyOptions(many);
		const resolved = resolveItems(items, ttl, this.#settings.defaultTtlMs);
		resolved.forEach(({ key }, i) => {
			this.#key(key, i);
		});
		if (atomic) return this.#storeAll(resolved);
		return resolved.filter((item) => this.#store(item, null)).length;
	}

	async deleteMany(keys: readonly string[], options?: ManyOptions): Promise<number> {
		checkManyOptions(options);
		return this.#keys(keys).filter((key) => this.#delete(key)).length;
	}

	// ── all keys ──

	async keys(query?: KeyQuery): Promise<string[]> {
		return this.#matching(query);
	}

	async *scan(query?: ScanQuery): AsyncGenerator<string, void, void> {
		if (query?.count !== undefined) checkInteger(query.count, "count", 1);
		for (const key of this.#matching(query, ["count"])) if (this.#entries.peek(key) !== undefined) yield key;
	}

	async *entries(query?: ScanQuery): AsyncGenerator<[key: string, value: Buffer], void, void> {
		if (query?.count !== undefined) checkInteger(query.count, "count", 1);
		for (const key of this.#matching(query, ["count"])) {
			const entry = this.#entries.peek(key);
			if (entry !== undefined) yield [key, Buffer.from(this.#counters.read(entry.value.value) as Buffer)];
		}
	}

	async count(query?: KeyQuery): Promise<number> {
		return query === undefined ? this.#ready().size : this.#matching(query).length;
	}

	async clear(query?: ClearQuery): Promise<number> {
		const { flushDb = false, force = false, ...which } = checkObject(query);
		checkFlag(flushDb, "flushDb");
		checkFlag(force, "force");
		if (flushDb) checkFlush(which, force, this.#settings.keyPrefix);
		return this.#matching(which).filter((key) => this.#delete(key)).length;
	}

	// ── figures ──

	stats(): BackendStats {
		return this.#counters.stats({ commands: 0, flights: 0, connected: this.#connected });
	}

	async getStats(): Promise<BackendStats & ServerStats> {
		const { size: keys, bytes: usedMemoryBytes } = this.#ready();
		const { evicted: evictedKeys, expired: expiredKeys } = this.#entries;
		const uptimeS = Math.floor((this.#settings.now() - this.#since) / 1000);
		return withJson({ ...this.stats(), keys, usedMemoryBytes, evictedKeys, expiredKeys, uptimeS });
	}

	// ── what calls have in common ──

	#ready(): Lru<Stored> {
		this.#connected = true;
		return this.#entries;
	}

	#key(key: string, position = 0): string {
		checkKey(key, position);
		if (this.#settings.metadata !== false && isMetadataKey(key)) {
			throw new InvalidArgumentError(position, "a key must not end in :meta, which is where metadata is stored");
		}
		if (isLease(this.#settings.keyPrefix + key)) throw new InvalidArgumentError(position, "a key must not begin as leases do");
		this.#connected = true;
		return key;
	}

	#keys(keys: readonly string[]): readonly string[] {
		return checkKeys(keys).map((key, i) => this.#key(key, i));
	}

	#read(key: string): Buffer | null {
		const value = this.#counters.read(this.#entries.get(key)?.value.value ?? null);
		return value === null ? null : Buffer.from(value);
	}

	#store({ key, value, ttlMs }: ResolvedItem, metadata: string | null): boolean {
		const bytes = bytesOf(key, value, metadata);
		const expiresAt = ttlMs === null ? Number.POSITIVE_INFINITY : this.#settings.now() + ttlMs;
		const copy = bytes > this.#settings.maxBytes ? EMPTY : copyOf(value);
		const stored = this.#entries.set(key, { value: copy, metadata }, bytes, expiresAt);
		if (stored) this.#counters.sets += 1;
		return stored;
	}

	#delete(key: string): boolean {
		const deleted = this.#entries.delete(key);
		if (deleted) this.#counters.deletes += 1;
		return deleted;
	}

	/** All of them, or none where there is no room for all at the same time. Of one key twice the first would only take room from the others. */
	#storeAll(items: readonly ResolvedItem[]): number {
		const { maxEntries, maxBytes } = this.#settings;
		const last = [...new Map(items.map((item) => [item.key, item])).values()];
		const bytes = last.reduce((sum, { key, value }) => sum + bytesOf(key, value, null), 0);
		if (last.length > maxEntries || bytes > maxBytes) return 0;
		for (const item of last) this.#store(item, null);
		this.#counters.sets += items.length - last.length;
		return items.length;
	}

	#matching(query: KeyQuery | undefined, known?: readonly string[]): string[] {
		const { prefix, match } = resolveQuery(query, known);
		const keys = this.#ready().keys();
		if (match === null) return prefix === "" ? keys : keys.filter((key) => key.startsWith(prefix));
		return keys.filter(globMatcher(`${escapeGlob(prefix)}${match}`));
	}
}

/** @throws INVALID_OPTION where a server's backend would */
function checkFlush(which: KeyQuery, force: boolean, keyPrefix: string): void {
	if (Object.keys(which).length > 0) throw new InvalidOptionError("flushDb", "takes everything: it contradicts a query");
	if (keyPrefix !== "" && !force) {
		throw new InvalidOptionError("flushDb", "deletes what is not of this backend's key prefix too: say `force` as well");
	}
}

const EMPTY = Buffer.alloc(0);

function bytesOf(key: string, value: Bytes, metadata: string | null): number {
	return Buffer.byteLength(key) + Buffer.byteLength(value) + (metadata === null ? 0 : Buffer.byteLength(metadata));
}

/** Memory of its own: a slice of a shared one would keep all of that alive, which nobody counts. */
function copyOf(value: Bytes): Buffer {
	const copy = Buffer.allocUnsafeSlow(Buffer.byteLength(value));
	if (typeof value === "string") copy.write(value);
	else copy.set(value);
	return copy;
}

function resolveMemoryOptions(
	options: MemoryBackendOptions = {},
): Required<MemoryBackendOptions> & { defaultTtlMs: number | null } {
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	const {
		maxEntries = 10_000,
		maxBytes = 64 * 1024 * 1024,
		defaultTtl = null,
		keyPrefix = "",
		metadata = "sidecar",
		now = () => performance.now(),
		...rest
	} = options;
	refuseRest("MemoryBackend", rest);
	for (const [field, value] of Object.entries({ maxEntries, maxBytes })) {
		if (value !== Number.POSITIVE_INFINITY) checkInteger(value, field, 1);
	}
	if (typeof keyPrefix !== "string") throw new InvalidOptionError("keyPrefix", "must be a string");
	if (metadata !== "sidecar" && metadata !== false) throw new InvalidOptionError("metadata", 'must be "sidecar" or false');
	if (typeof now !== "function") throw new InvalidOptionError("now", "must be a function");
	const defaultTtlMs = defaultTtl === null ? null : ttlMs(defaultTtl, "defaultTtl");
	return { maxEntries, maxBytes, defaultTtl, keyPrefix, metadata, now, defaultTtlMs };
}
