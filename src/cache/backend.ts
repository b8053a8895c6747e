/**
 * A store of bytes under keys, with times to live and metadata: what a cache stands on, and what services swap without changing their code.
 *
 *     RedisBackend    a server or a cluster          every process sees it
 *     MemoryBackend   this process, bounded          the same contract, for tests and for when there is no server
 *     TieredBackend   a first level before another   each process drops what another one wrote
 *
 * One suite of tests runs on all of them (`test/support/backend-contract.ts`).
 */
import type { Ttl } from "../util/ttl.js";
import type { BackendStats, ServerStats } from "./stats.js";

/** What may be stored: bytes, or text as its UTF-8. Read back as a Buffer. */
export type Bytes = string | Uint8Array;

/** What is known of a value beside its bytes: anything that JSON can say. */
export type Metadata = Record<string, unknown>;

export interface EntryOptions {
	/** How long it lives, in milliseconds or such as `"5m"`; null: until it is deleted or evicted. Default: the backend's. */
	ttl?: Ttl | null;
	/**
	 * Stored beside the value, with the same time to live; without it the value has none, whatever it had before. False: for keys that never
	 * have any, so that nobody has to look.
	 */
	metadata?: Metadata | false;
	/** Only when there is no value yet. */
	nx?: boolean;
	/** Only when there is one already. */
	xx?: boolean;
}

/** A value as it is stored. */
export interface Entry {
	value: Buffer;
	metadata: Metadata | null;
	/** Milliseconds it lives still; null: for ever. */
	ttlMs: number | null;
}

/** Which of a backend's keys; what is given has to hold together. Without any: all of them. */
export interface KeyQuery {
	/** Those that begin with it and a colon: the keys of `cache.namespace(…)`. */
	namespace?: string;
	/** Those that begin so, behind the namespace. Taken as it is: nothing in it is a pattern. */
	prefix?: string;
	/** Those that match as a whole, behind namespace and prefix: `*`, `?`, `[a-z]`, `[^a]`, and `\` before one of them, as servers understand it. */
	match?: string;
}

export interface ScanQuery extends KeyQuery {
	/** How many keys are looked at in one step, about. Default 512. */
	count?: number;
}

/** Options of a call for many keys. Backends without a wire have no use for most of them. */
export interface ManyOptions {
	/** Keys in one command or pipeline, the unit that is written and answered together. Default 256. */
	chunkSize?: number;
	/** The same as `chunkSize`. */
	batchSize?: number;
	/** Bytes of values written in one chunk. Default 1 MiB. */
	maxChunkBytes?: number;
	/** What a value read is expected to have, to keep replies bounded. */
	expectedValueBytes?: number;
	signal?: AbortSignal;
	timeoutMs?: number;
}

export interface Item {
	key: string;
	value: Bytes;
	/** Default: the call's, then the backend's. */
	ttl?: Ttl | null;
}

export interface SetManyOptions extends ManyOptions {
	/** For items that do not say. */
	ttl?: Ttl | null;
	/** All or nothing, by MULTI; on a cluster their keys have to be of one slot. */
	atomic?: boolean;
	/** False: for keys that never have any. */
	metadata?: false;
}

export interface ClearQuery extends KeyQuery {
	/** FLUSHDB: everything in the database, whoever wrote it. Refused with a key prefix, unless `force` is set as well. */
	flushDb?: boolean;
	force?: boolean;
}

export interface Health {
	ok: boolean;
	/** Of the question that was asked, in milliseconds; null when it was not answered. */
	latencyMs: number | null;
	/** What stands in the way; null when it is well. */
	error: { code: string; message: string } | null;
	/** Of each level, where there are several. */
	levels?: Health[];
}

/**
 * @throws as the methods say, and everywhere: INVALID_ARGUMENT and INVALID_OPTION before anything is sent; {@link CacheConnectionError} when
 * the store does not answer, {@link CacheOperationError} when it refuses. See `onError` of {@link RedisBackend}.
 */
export interface CacheBackend extends AsyncDisposable {
	/** Ready to be asked; calls do that by themselves. */
	connect(): Promise<void>;
	/** Ends what it opened itself, a client that was given stays. Called again, it connects again. */
	disconnect(): Promise<void>;
	readonly isConnected: boolean;
	/** Whether it answers. Never rejects. */
	ping(): Promise<boolean>;
	/** The same with what there is to know. Never rejects. */
	health(): Promise<Health>;

	get(key: string): Promise<Buffer | null>;
	/** With its metadata and the time that is left. */
	getEntry(key: string): Promise<Entry | null>;
	/** @returns whether it was stored: false when `nx` or `xx` spoke against it */
	set(key: string, value: Bytes, options?: EntryOptions): Promise<boolean>;
	/**
	 * Writes over the first bytes of a value, if they still are the expected ones, and as many: in one step, so that what was stored meanwhile
	 * stays. Time to live and metadata stay too. A cache whose backend cannot do it writes the whole value again.
	 * @returns whether it did
	 */
	replaceHead?(key: string, expected: Uint8Array, head: Uint8Array): Promise<boolean>;
	/** @returns whether there was one */
	delete(key: string): Promise<boolean>;
	exists(key: string): Promise<boolean>;

	/** @returns values in the order of the keys, null where there is none */
	getMany(keys: readonly string[], options?: ManyOptions): Promise<(Buffer | null)[]>;
	/** @returns those that there are */
	getManyMap(keys: readonly string[], options?: ManyOptions): Promise<Map<string, Buffer>>;
	/** @returns how many were stored */
	setMany(items: Iterable<Item>, options?: SetManyOptions): Promise<number>;
	/** @returns how many there were */
	deleteMany(keys: readonly string[], options?: ManyOptions): Promise<number>;

	/** All that there are, each once. */
	keys(query?: KeyQuery): Promise<string[]>;
	/** The same one by one. What is written or deleted meanwhile is there or is not. */
	scan(query?: ScanQuery): AsyncIterable<string>;
	/** Keys with their values, a page at a time; those that were gone when they were read are left out. */
	entries(query?: ScanQuery): AsyncIterable<[key: string, value: Buffer]>;
	count(query?: KeyQuery): Promise<number>;
	/** @returns how many keys were deleted */
	clear(query?: ClearQuery): Promise<number>;

	/** Since it was made; cheap. */
	stats(): BackendStats;
	/** The same, and what the store says of itself. Never rejects: null where it says nothing. */
	getStats(): Promise<BackendStats & ServerStats>;

	/** Reads for whoever stores only text: strings, where `get` and `getMany` give Buffers. Without it their bytes are read as UTF-8. */
	readonly text?: TextReads;
	/** Who fills a key is agreed on between processes. Without it a store is a process's own, and nobody else could. */
	readonly leases?: Leases;
}

export interface TextReads {
	get(key: string): Promise<string | null>;
	getMany(keys: readonly string[], options?: ManyOptions): Promise<(string | null)[]>;
}

/**
 * Which process fills a key that nobody has: `acquire` gives one of them the lease, which ends by itself after `ttlMs` should its holder die;
 * one that is at work calls `renew` every third of that. The others `wait`. Beside the key nothing is stored under a name that a reader could
 * mistake for a value. All of it is needed: a backend that cannot do one of these has no `leases`.
 */
export interface Leases {
	/**
	 * Asks to fill `key`, and reads it behind that, in the same flight: who was given the lease just after somebody filled it finds the value.
	 * @returns `granted`: the caller has the lease, known by `token`
	 */
	acquire(key: string, token: string, ttlMs: number): Promise<{ granted: boolean; value: Buffer | null }>;
	/** Stores the value, ends the lease and wakes those who wait. @returns false when the lease was lost: then nothing is stored */
	fill(key: string, token: string, value: Bytes, ttlMs: number | null): Promise<boolean>;
	/**
	 * Deletes the value, ends the lease and wakes those who wait.
	 * @returns whether there was one; null when the lease was lost: then nothing is deleted
	 */
	remove(key: string, token: string): Promise<boolean | null>;
	/** Makes the lease last `ttlMs` from now. It opens nothing: of a store that was disconnected there is none. @returns false when it was lost */
	renew(key: string, token: string, ttlMs: number): Promise<boolean>;
	/** Ends the lease without a value, and wakes those who wait. */
	release(key: string, token: string): Promise<void>;
	/** Ends whoever's leases of these keys: what their holders make of them is out of date. */
	cancel(keys: readonly string[]): Promise<void>;
	/** The same for all keys that begin so: of each that has a lease from before the call until it ends. */
	cancelAll(prefix: string): Promise<void>;
	/** Stands for what was heard of so far; to be read before `acquire`, whose answer may come behind the word that the key was filled. */
	readonly moment: number;
	/**
	 * Resolves when `key` was filled or given up by whoever holds it, since that moment, and at the latest after `ms`: that proves nothing, so
	 * look again.
	 */
	wait(key: string, since: number, ms: number, signal?: AbortSignal): Promise<void>;
}
