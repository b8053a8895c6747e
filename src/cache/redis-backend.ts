/**
 * The store that all processes see: a server, or a cluster. Each call is one flight to a node, calls for many keys one to each node.
 *
 *     key            <prefix><key>          SET, GET, MGET, UNLINK
 *     its metadata   <prefix><key>:meta     or in braces, see `side-keys.ts`
 *     its lease      slotwire:lease:…       while somebody fills it
 */
import type { Client } from "../client.js";
import type { SetEntry } from "../commands/set-batch.js";
import type { PlainSetOptions } from "../commands/set-options.js";
import { createClient } from "../create-client.js";
import { ClientError, InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { optionsFromEnv } from "../options.js";
import { checkFlag } from "../util/options.js";
import { expiryOf } from "../util/ttl.js";
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
	TextReads,
} from "./backend.js";
import {
	checkHeads,
	checkObject,
	checkValue,
	type ResolvedItem,
	resolveEntry,
	resolveItems,
	resolveSetMany,
	setOptions,
} from "./entry-options.js";
import { CacheConnectionError, CacheError, cacheError, isConnectionError } from "./errors.js";
import { escapeGlob } from "./glob.js";
import { Invalidations } from "./invalidations.js";
import { checkKey, foundOf, resolveQuery } from "./keys.js";
import { ServerLeases } from "./leases.js";
import { checkManyOptions } from "./many-options.js";
import { decodeMetadata } from "./metadata.js";
import { maskUrl, type RedisBackendOptions, type RedisBackendSettings, resolveRedisOptions } from "./redis-options.js";
import { replaceHead } from "./replace-head.js";
import { serverStats } from "./server-stats.js";
import { isLease, isMetadataKey, mayMeanLeases, metadataKey, type SideKey } from "./side-keys.js";
import { BackendCounters, type BackendStats, type ServerStats, withJson } from "./stats.js";
import { storeEntry } from "./store-entry.js";

const PAGE = 512;
/** So long a server that could not be reached is not tried again, unless by `connect()`. */
const REFUSED_MS = 1000;

export class RedisBackend implements CacheBackend {
	readonly leases: ServerLeases;
	/** For a first level before it. */
	readonly invalidations: Invalidations;
	readonly text: TextReads = {
		get: (key) => this.#get(key, textOf),
		getMany: (keys, options) => this.#getMany(keys, options, textOf),
	};
	readonly #settings: RedisBackendSettings;
	/** A key behind the prefix may be a lease's name; seldom, and to look at each costs as much as the rest of the check. */
	readonly #mayMeanLeases: boolean;
	readonly #counters = new BackendCounters();
	/** Connected, or about to be. */
	#client: Promise<Client> | null = null;
	/** Until when calls are told at once that it could not be opened: each of them would wait for `startMs` otherwise. */
	#refusedUntil = 0;
	#refusal: unknown = null;
	#open: Client | null = null;
	#connected = false;

	/** @throws INVALID_OPTION */
	constructor(options?: RedisBackendOptions) {
		this.#settings = resolveRedisOptions(options);
		this.#mayMeanLeases = mayMeanLeases(this.#settings.keyPrefix);
		this.leases = new ServerLeases(() => {
			const opening = this.#use();
			return this.#open ?? opening;
		}, this.#settings.keyPrefix);
		this.invalidations = new Invalidations(() => this.#use(), this.#settings.keyPrefix);
	}

	// ── connection ──

	async connect(): Promise<void> {
		this.#refusedUntil = 0;
		await this.#ask("connect", undefined, async (client) => {
			await client.ping();
			const config = Object.entries(this.#settings.serverConfig);
			await Promise.all(config.map(([name, value]) => client.command("CONFIG", "SET", name, value).catch(ignore)));
		});
	}

	async disconnect(): Promise<void> {
		const client = this.#client;
		this.#client = null;
		this.#open = null;
		this.#connected = false;
		await this.leases.end();
		if (this.#settings.client === null) await (await client?.catch(ignore))?.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.disconnect();
	}

	/** Whether the last call that had to do with the server reached it. */
	get isConnected(): boolean {
		return this.#connected;
	}

	async ping(): Promise<boolean> {
		const { ok } = await this.health();
		return ok;
	}

	async health(): Promise<Health> {
		const began = performance.now();
		try {
			await this.#ask("ping", undefined, (client) => client.ping());
			return { ok: true, latencyMs: performance.now() - began, error: null };
		} catch (error) {
			const { code, message } = error as ClientError;
			return { ok: false, latencyMs: null, error: { code, message } };
		}
	}

	// ── one key ──

	get(key: string): Promise<Buffer | null> {
		return this.#get(key, bytesOf);
	}

	#get<T extends string | Buffer>(key: string, as: (client: Client) => Client<T>): Promise<T | null> {
		return this.#ask("get", key, async (client) => this.#counters.read(await this.#value(as(client), this.#name(key))), null);
	}

	getEntry(key: string): Promise<Entry | null> {
		return this.#ask(
			"getEntry",
			key,
			async (client) => {
				const name = this.#name(key);
				const { buffers } = client;
				const [value, left, metadata] = await Promise.all([
					this.#value(buffers, name),
					buffers.pttl(name),
					this.#settings.metadata ? this.#value(buffers, metadataKey(name, client.mode === "cluster").name) : null,
				]);
				// Its time ended between the two answers.
				const found = this.#counters.read(left === -2 ? null : value);
				if (found === null) return null;
				return { value: found, metadata: decodeMetadata(metadata), ttlMs: left < 0 ? null : left };
			},
			null,
		);
	}

	set(key: string, value: Bytes, options?: EntryOptions): Promise<boolean> {
		return this.#ask(
			"set",
			key,
			async (client) => {
				const { metadata, defaultTtlMs } = this.#settings;
				const name = this.#name(key);
				checkValue(value, 1);
				const entry = resolveEntry(options, defaultTtlMs);
				if (entry.metadata && !metadata) throw new InvalidOptionError("metadata", "this backend stores none");
				const stored =
					metadata && entry.metadata !== undefined
						? await storeEntry(client, name, metadataKey(name, client.mode === "cluster"), value, entry)
						: (await client.set(name, value, setOptions(entry))) !== null;
				if (stored) this.#counters.sets += 1;
				return stored;
			},
			false,
		);
	}

	replaceHead(key: string, expected: Uint8Array, head: Uint8Array): Promise<boolean> {
		const work = async (client: Client): Promise<boolean> => {
			checkHeads(expected, head);
			return await replaceHead(client, this.#name(key), expected, head);
		};
		return this.#ask("replaceHead", key, work, false);
	}

	delete(key: string): Promise<boolean> {
		return this.#ask("delete", key, async (client) => (await this.#unlink(client, [this.#name(key)])) > 0, false);
	}

	exists(key: string): Promise<boolean> {
		return this.#ask("exists", key, async (client) => (await client.exists(this.#name(key))) > 0, false);
	}

	// ── many keys ──

	getMany(keys: readonly string[], options?: ManyOptions): Promise<(Buffer | null)[]> {
		return this.#getMany(keys, options, bytesOf);
	}

	#getMany<T extends string | Buffer>(
		keys: readonly string[],
		options: ManyOptions | undefined,
		as: (client: Client) => Client<T>,
	): Promise<(T | null)[]> {
		return this.#ask(
			"getMany",
			undefined,
			async (client) => {
				checkManyOptions(options);
				return this.#counters.readMany(await as(client).mget(this.#names(keys), this.#manyOf(options)));
			},
			() => new Array<T | null>(keys.length).fill(null),
		);
	}

	async getManyMap(keys: readonly string[], options?: ManyOptions): Promise<Map<string, Buffer>> {
		return await foundOf(keys, (own) => this.getMany(own, options));
	}

	/** The same with how long each value lives still, in the same flight: what a first level needs to know. `MGET`, and `PTTL` of each key */
	getWithTtl(keys: readonly string[], options?: ManyOptions): Promise<({ value: Buffer; ttlMs: number | null } | null)[]> {
		const work = async (client: Client) => {
			checkManyOptions(options);
			const names = this.#names(keys);
			const lives = client.pipeline();
			for (const name of names) lives.pttl(name);
			const [values, left] = await Promise.all([
				client.buffers.mget(names, this.#manyOf(options)),
				names.length === 0 ? [] : lives.exec(),
			]);
			return this.#counters.readMany(values).map((value, i) => {
				if (value === null) return null;
				const ms = left[i];
				// Of one that ended in between nobody keeps the value.
				return { value, ttlMs: typeof ms !== "number" || ms === -2 ? 0 : ms === -1 ? null : ms };
			});
		};
		return this.#ask("getMany", undefined, work, () => keys.map(() => null));
	}

	setMany(items: Iterable<Item>, options?: SetManyOptions): Promise<number> {
		return this.#ask(
			"setMany",
			undefined,
			async (client) => {
				const { ttl, atomic, plain, many } = resolveSetMany(options);
				checkManyOptions(many);
				const { metadata, defaultTtlMs } = this.#settings;
				const resolved = resolveItems(items, ttl, defaultTtlMs);
				// What all of them have in common is said, and checked, once.
				const common = atomic ? undefined : commonTtl(resolved);
				const entries = resolved.map(({ key, value, ttlMs }, i): SetEntry<PlainSetOptions> => {
					const name = this.#name(key, i);
					return common === undefined ? [name, value, expiry(ttlMs)] : [name, value];
				});
				if (entries.length === 0) return 0;
				const view = viewOf(client, many);
				const side = metadata && !plain ? entries.map(([name]) => metadataKey(name as string, client.mode === "cluster")) : [];
				// Only what is beside its key has its slot.
				const inside = atomic ? side.filter(({ beside }) => beside) : [];
				const outside = side.filter((key) => !inside.includes(key));
				await Promise.all([
					atomic
						? setAtomically(view, entries, namesOf(inside))
						: client.setMany(entries, { ...this.#manyOf(many), ...expiry(common ?? null) }),
					outside.length === 0 ? 0 : view.unlink(namesOf(outside)),
				]);
				this.#counters.sets += entries.length;
				return entries.length;
			},
			0,
		);
	}

	deleteMany(keys: readonly string[], options?: ManyOptions): Promise<number> {
		return this.#ask(
			"deleteMany",
			undefined,
			async (client) => {
				checkManyOptions(options);
				return await this.#unlink(viewOf(client, options), this.#names(keys));
			},
			0,
		);
	}

	// ── all keys ──

	async keys(query?: KeyQuery): Promise<string[]> {
		const found: string[] = [];
		for await (const page of this.#pages("keys", query)) found.push(...page);
		return found;
	}

	async *scan(query?: ScanQuery): AsyncIterable<string> {
		for await (const page of this.#pages("scan", query)) yield* page;
	}

	async *entries(query?: ScanQuery): AsyncIterable<[key: string, value: Buffer]> {
		for await (const page of this.#pages("entries", query)) {
			const values = await this.getMany(page);
			for (let i = 0; i < page.length; i++) {
				const value = values[i];
				if (value) yield [page[i] as string, value];
			}
		}
	}

	async count(query?: KeyQuery): Promise<number> {
		let count = 0;
		for await (const page of this.#pages("count", query)) count += page.length;
		return count;
	}

	async clear(query?: ClearQuery): Promise<number> {
		const { flushDb = false, force = false, ...which } = checkObject(query);
		checkFlag(flushDb, "flushDb");
		checkFlag(force, "force");
		if (flushDb) return await this.#flush(which, force);
		let count = 0;
		for await (const page of this.#pages("clear", which)) {
			count += await this.#ask("clear", undefined, (client) => this.#unlink(client, this.#names(page)), 0);
		}
		return count;
	}

	#flush(which: KeyQuery, force: boolean): Promise<number> {
		const prefix = this.#settings.keyPrefix;
		return this.#ask(
			"clear",
			undefined,
			async (client) => {
				if (Object.keys(which).length > 0) throw new InvalidOptionError("flushDb", "takes everything: it contradicts a query");
				if (prefix !== "" && !force) {
					throw new InvalidOptionError("flushDb", "deletes what is not of this backend's key prefix too: say `force` as well");
				}
				const [count] = await Promise.all([client.dbsize(), client.flushdb()]);
				return count;
			},
			0,
		);
	}

	/** Keys as callers know them, each once. A server may show one twice, and slots that move from one to another do as well. */
	async *#pages(operation: string, query: ScanQuery | undefined): AsyncGenerator<string[], void, void> {
		const { prefix, match } = resolveQuery(query, ["count"]);
		const { count = PAGE } = query ?? {};
		const { keyPrefix, metadata } = this.#settings;
		const scan = await this.#ask(operation, undefined, async (client) =>
			client.scan({ match: `${escapeGlob(keyPrefix + prefix)}${match ?? "*"}`, count }).pages(),
		);
		const seen = new Set<string>();
		const opened = this.#client;
		// Going on would open a client again, behind the back of whoever ended it.
		const going = () => {
			if (this.#settings.client === null && this.#client !== opened)
				throw new CacheConnectionError("CLOSED", "disconnected before all keys were seen");
		};
		for (;;) {
			going();
			const { done, value } = await this.#ask(operation, undefined, () => scan.next());
			if (done) return;
			going();
			// Without the prefix: it may end with the colon of ":meta".
			const page = value
				.filter((name) => !isLease(name) && !seen.has(name))
				.map((name) => name.slice(keyPrefix.length))
				.filter((key) => !(metadata && isMetadataKey(key)));
			for (const key of page) seen.add(keyPrefix + key);
			if (page.length > 0) yield page;
		}
	}

	// ── figures ──

	stats(): BackendStats {
		const { commands, flights } = (this.#open ?? this.#settings.client)?.stats() ?? { commands: 0, flights: 0 };
		return this.#counters.stats({ commands, flights, connected: this.#connected });
	}

	async getStats(): Promise<BackendStats & ServerStats> {
		const client = await this.#use().catch(() => null);
		const server = await serverStats(client);
		return withJson({ ...this.stats(), ...server });
	}

	/** Where it leads and how it is set, without secrets: for logs. */
	get config(): Record<string, unknown> {
		const { keyPrefix, defaultTtlMs, metadata, onError, connection } = this.#settings;
		const url = connection.url === undefined ? undefined : maskUrl(connection.url);
		return { ...(url === undefined ? {} : { url }), keyPrefix, defaultTtlMs, metadata: metadata ? "sidecar" : false, onError };
	}

	// ── what calls have in common ──

	#manyOf(options: ManyOptions | undefined): ManyOptions | undefined {
		const { many } = this.#settings;
		if (many === null || options === undefined) return many ?? options;
		const said: ManyOptions = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
		// One name of it at a time.
		const { chunkSize: _chunkSize, batchSize: _batchSize, ...rest } = many;
		return (said.chunkSize ?? said.batchSize) === undefined ? { ...many, ...said } : { ...rest, ...said };
	}

	/** @throws what the policy does not turn into `miss`; without one: everything */
	async #ask<T>(
		operation: string,
		key: string | undefined,
		work: (client: Client) => Promise<T>,
		...miss: [] | [T | (() => T)]
	): Promise<T> {
		try {
			const result = await work(this.#open ?? (await this.#use()));
			this.#connected = true;
			return result;
		} catch (cause) {
			// The caller's own, thrown by what it gave us to go through.
			if (!(cause instanceof ClientError)) throw cause;
			const error = cacheError(cause);
			if (!(error instanceof CacheError)) throw error;
			this.#counters.errors += 1;
			if (isConnectionError(error)) this.#connected = false;
			this.#tell(operation, key, error);
			const [instead] = miss;
			if (miss.length === 0 || this.#settings.onError === "throw" || isConnectionError(error)) throw error;
			return typeof instead === "function" ? (instead as () => T)() : (instead as T);
		}
	}

	#tell(operation: string, key: string | undefined, error: CacheError): void {
		try {
			this.#settings.log?.({ operation, key: this.#settings.redactKeys ? undefined : key, error });
		} catch {
			// Nobody's failure but the log's.
		}
	}

	#use(): Promise<Client> {
		if (this.#client !== null) return this.#client;
		const { client } = this.#settings;
		if (client !== null) {
			this.#open = client;
			this.#client = Promise.resolve(client);
			return this.#client;
		}
		if (performance.now() < this.#refusedUntil) return Promise.reject(this.#refusal);
		const starting: Promise<Client> = this.#start().then(
			(opened) => {
				// Otherwise it was let go meanwhile, and is being closed.
				if (this.#client === starting) this.#open = opened;
				return opened;
			},
			(error) => {
				if (this.#client === starting) this.#client = null;
				this.#refusal = error;
				this.#refusedUntil = performance.now() + REFUSED_MS;
				throw error;
			},
		);
		this.#client = starting;
		return starting;
	}

	async #start(): Promise<Client> {
		const { connection } = this.#settings;
		return await createClient(Object.keys(connection).length === 0 ? optionsFromEnv() : connection);
	}

	/** A key of another type is nobody's value. */
	async #value<T extends string | Buffer>(client: Client<T>, name: string): Promise<T | null> {
		try {
			return await client.get(name);
		} catch (error) {
			if (!(error instanceof ClientError) || error.code !== "WRONGTYPE") throw error;
			this.#counters.errors += 1;
			return null;
		}
	}

	async #unlink(client: Client, names: readonly string[]): Promise<number> {
		const side = this.#settings.metadata ? names.map((name) => metadataKey(name, client.mode === "cluster")) : [];
		const [deleted] = await Promise.all([client.unlink(names), side.length === 0 ? 0 : client.unlink(namesOf(side))]);
		this.#counters.deletes += deleted;
		return deleted;
	}

	#name(key: string, position = 0): string {
		checkKey(key, position);
		if (this.#settings.metadata && isMetadataKey(key)) {
			throw new InvalidArgumentError(position, "a key must not end in :meta, which is where metadata is stored");
		}
		const name = this.#settings.keyPrefix + key;
		if (this.#mayMeanLeases && isLease(name)) throw new InvalidArgumentError(position, "a key must not begin as leases do");
		return name;
	}

	#names(keys: readonly string[]): string[] {
		if (!Array.isArray(keys)) throw new InvalidArgumentError(0, "keys must be an array");
		// Not by `map`, which would pass over holes.
		const names = new Array<string>(keys.length);
		for (let i = 0; i < keys.length; i++) names[i] = this.#name(keys[i], i);
		return names;
	}
}

function bytesOf(client: Client): Client<Buffer> {
	return client.buffers;
}

/** As it was given, which may be a view of Buffers: they are read as text as well. */
function textOf(client: Client): Client {
	return client;
}

/** Undefined where there is none. */
function commonTtl(items: readonly ResolvedItem[]): number | null | undefined {
	const ttl = items[0]?.ttlMs;
	return items.every(({ ttlMs }) => ttlMs === ttl) ? ttl : undefined;
}

function expiry(ms: number | null): { ex?: number; px?: number } {
	return ms === null ? {} : expiryOf(ms);
}

/** For what takes no options of a batch. */
function viewOf(client: Client, { signal, timeoutMs }: ManyOptions = {}): Client {
	if (signal === undefined && timeoutMs === undefined) return client;
	return client.with({ ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) });
}

function namesOf(side: readonly SideKey[]): string[] {
	return side.map(({ name }) => name);
}

/** All entries or none, and nothing of what they had beside them. */
async function setAtomically(
	client: Client,
	entries: readonly SetEntry<PlainSetOptions>[],
	side: readonly string[],
): Promise<void> {
	const block = client.multi();
	for (const [name, value, options] of entries) block.set(name, value, options ?? {});
	if (side.length > 0) block.unlink(side);
	for (const reply of await block.exec()) if (reply instanceof ClientError) throw reply;
}

function ignore(): void {}
