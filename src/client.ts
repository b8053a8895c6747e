/** The client as its users see it. Every method only rejects; nothing is sent when an argument is refused. */
import { type BatchWork, finishBatch } from "./batch/batch.js";
import { sendScript, sendWords } from "./commands/any-command.js";
import { checkKey, type Key, setArguments, type Value } from "./commands/arguments.js";
import {
	type BatchOptions,
	type CountName,
	checkKeys,
	countWork,
	mgetWork,
	type ResolvedBatchOptions,
	refuseUnknown,
	resolveBatchOptions,
} from "./commands/batches.js";
import { type SetEntry, setWork } from "./commands/set-batch.js";
import type { PlainSetOptions, SetOptions } from "./commands/set-options.js";
import { SubscribingCommands } from "./commands/subscribing.js";
import type { Keys, Results, Words } from "./commands/surface.js";
import { append } from "./commands/words.js";
import { aborted, Core, onAbort, type View } from "./core.js";
import type { Counters, Gauges, Lease, LeaseTarget } from "./dispatcher.js";
import { formatEndpoint } from "./endpoint.js";
import { BatchError, ClientError, InvalidArgumentError, InvalidOptionError, TargetTooSmallError } from "./errors.js";
import { Pipeline } from "./pipeline.js";
import { CommandFlag } from "./request.js";
import { type Argument, isDetached } from "./resp/encode.js";
import { type Reply, ReplyMode } from "./resp/reply.js";
import { SingleRequest } from "./single-request.js";
import { keySlot } from "./slot.js";
import { startBatch } from "./start-batch.js";
import { checkConsumerOptions, type StreamConsumerOptions } from "./streams/consumer-options.js";
import { StreamConsumer } from "./streams/stream-consumer.js";
import { Transaction } from "./transaction.js";
import { checkFlag, checkInteger, checkObject } from "./util/options.js";
import { type WatchOptions, watch } from "./watch.js";

/** Figures since the client was created, and two gauges. */
export type Stats = Counters & Gauges;

export interface ViewOptions {
	/** Milliseconds a call may take in all; 0: for ever. */
	timeoutMs?: number;
	/** Gives up the calls of this view that are unsettled when it aborts. */
	signal?: AbortSignal;
	/** Copies every Buffer at the call. Otherwise those of 16 KiB and more are borrowed until the promise settles. */
	copy?: boolean;
}

/** Which node a leased connection leads to: the primary of a key's slot, a node by its `host:port`, or any primary. */
export interface LeaseOptions {
	key?: Key;
	node?: string;
}

/**
 * A client, or a view of one. `Text` is what bulk replies become: strings, or Buffers in the view `client.buffers`.
 *
 * @see https://valkey.io/commands/
 */
export class Client<Text extends string | Buffer = string> extends SubscribingCommands<Text> implements AsyncDisposable {
	readonly #core: Core;
	readonly #view: View;

	/** @internal */
	constructor(core: Core, view: View) {
		super();
		this.#core = core;
		this.#view = view;
	}

	// ── views ──

	/** The same client on the same connections, with Buffers for bulk replies. Simple strings such as `"OK"` stay strings. */
	get buffers(): Client<Buffer> {
		return new Client<Buffer>(this.#core, { ...this.#view, mode: ReplyMode.buffer });
	}

	/** The same client with another deadline or an abort signal for each call. */
	with(options: ViewOptions): Client<Text> {
		const { limits } = this.#view;
		const given = checkObject("with()", options, ["timeoutMs", "signal", "copy"]);
		const { timeoutMs = this.#view.timeoutMs, signal = this.#view.signal, copy = limits.copy } = given;
		checkInteger(timeoutMs, "timeoutMs", 0);
		if (signal !== undefined && !(signal instanceof AbortSignal))
			throw new InvalidOptionError("signal", "must be an AbortSignal");
		checkFlag(copy, "copy");
		return new Client<Text>(this.#core, { ...this.#view, timeoutMs, signal, limits: { ...limits, copy } });
	}

	// ── single commands: the typed ones are in `commands/`, these two on the hot path ──

	override get(key: Key): Promise<Text | null> {
		return this.#core.crowd.full === 0 ? this.#get(key) : (this.#refusal(key, CommandFlag.readOnly) ?? this.#get(key));
	}

	/** No closure but the executor's, and what it throws rejects. */
	#get(key: Key): Promise<Text | null> {
		return new Promise((resolve, reject) => {
			const core = this.#core;
			const view = this.#view;
			const checked = checkKey(key, 1, view.limits);
			const slot = core.dispatcher.keyGroups === 1 ? -1 : keySlot(checked);
			core.start(
				new SingleRequest(["GET", checked], slot, CommandFlag.readOnly | CommandFlag.keyed, view.mode, null, resolve, reject),
				view.timeoutMs,
				view.signal,
			);
		});
	}

	override set(key: Key, value: Value, options: SetOptions & { get: true }): Promise<Text | null>;
	override set(key: Key, value: Value, options?: PlainSetOptions): Promise<"OK" | null>;
	override set(key: Key, value: Value, options?: SetOptions): Promise<Text | "OK" | null>;
	override set(key: Key, value: Value, options?: SetOptions): Promise<Text | "OK" | null> {
		return this.#core.crowd.full === 0
			? this.#set(key, value, options)
			: (this.#refusal(key, 0) ?? this.#set(key, value, options));
	}

	#set(key: Key, value: Value, options: SetOptions | undefined): Promise<Text | "OK" | null> {
		return new Promise((resolve, reject) => {
			const core = this.#core;
			const view = this.#view;
			const args = setArguments(key, value, options, view.limits);
			const slot = core.dispatcher.keyGroups === 1 ? -1 : keySlot(args[1] as Argument);
			const request = new SingleRequest(args, slot, CommandFlag.keyed, view.mode, null, resolve, reject);
			core.start(request, view.timeoutMs, view.signal);
		});
	}

	protected override send<R>(words: Words | (() => Words), take?: (reply: never) => R, bytes?: boolean): Promise<R> {
		const view = bytes ? { ...this.#view, mode: ReplyMode.buffer } : this.#view;
		return sendWords(this.#core, view, words, true, take);
	}

	protected override sendScript(script: unknown, keys: unknown, args: unknown): Promise<unknown> {
		return sendScript(this.#core, this.#view, script, keys, args);
	}

	/** @internal */
	protected override withCore<R>(use: (core: Core, view: View) => R): R {
		return use(this.#core, this.#view);
	}

	/**
	 * Reads a value straight into a Buffer of the caller's, which belongs to the client until the promise settles. `GET key`
	 * @returns the number of bytes written at the start of `target`, null when there is no such key
	 * @throws TARGET_TOO_SMALL with `needed` in bytes; the target is untouched then
	 * @see https://valkey.io/commands/get/
	 */
	getInto(key: Key, target: Uint8Array): Promise<number | null> {
		const { lent } = this.#core;
		const request = new Promise<number | null>((resolve, reject) => {
			if (!(target instanceof Uint8Array)) throw new InvalidArgumentError(2, "the target must be a Buffer or Uint8Array");
			if (isDetached(target)) throw new InvalidArgumentError(2, "the ArrayBuffer of the target is detached");
			if (lent.has(target)) throw new InvalidArgumentError(2, "the target is lent to a call that has not settled");
			const checked = checkKey(key, 1, this.#view.limits);
			const slot = this.#core.dispatcher.keyGroups === 1 ? -1 : keySlot(checked);
			lent.add(target);
			const { timeoutMs, signal } = this.#view;
			const settled = (length: number | null): void => {
				lent.delete(target);
				if (length !== null && length > target.length) reject(new TargetTooSmallError(length, target.length));
				else resolve(length);
			};
			const failed = (error: ClientError): void => {
				lent.delete(target);
				reject(error);
			};
			this.#core.start(
				new SingleRequest(
					["GET", checked],
					slot,
					CommandFlag.readOnly | CommandFlag.keyed,
					ReplyMode.into,
					target,
					settled,
					failed,
				),
				timeoutMs,
				signal,
			);
		});
		return request;
	}

	/**
	 * Any command the server knows, routed by its keys; without keys to one primary, or where the command's policy says.
	 * @returns the server's reply; see {@link Reply}
	 * @throws INVALID_ARGUMENT, CROSSSLOT, UNSUPPORTED (it subscribes or changes its connection: use {@link withConnection}; or it blocks: use its own
	 * method, such as {@link blpop}), and the server's own
	 */
	command(name: string, ...args: Value[]): Promise<Reply<Text>> {
		return sendWords(this.#core, this.#view, [name, ...args], false);
	}

	// ── many keys ──

	/**
	 * The values of many keys of any slots, in as many flights as there are nodes. `MGET key …` for each slot
	 * @returns values in the order of the keys, null where there is none or it is no string
	 * @throws INVALID_ARGUMENT, INVALID_OPTION; BATCH with a result or an error per key when any failed
	 * @see https://valkey.io/commands/mget/
	 */
	override mget(keys: readonly Key[], options: BatchOptions & { partial: true }): Promise<(Text | null | ClientError)[]>;
	override mget(keys: readonly Key[], options?: BatchOptions): Promise<(Text | null)[]>;
	override mget(keys: readonly Key[], options?: BatchOptions & { partial?: boolean }): Promise<(Text | null | ClientError)[]> {
		return this.#batch<Text | null>(options, (batch, rest) => {
			refuseUnknown(rest);
			return mgetWork(this.#core, checkKeys(keys, this.#view.limits), this.#view.mode, batch);
		});
	}

	/**
	 * Sets many keys of any slots. `SET key value …` for each entry, pipelined. Entries of one slot keep their order among themselves; other
	 * calls made before this settles may come between its chunks.
	 * @param entries `[key, value]` or `[key, value, options]`; an entry's own options replace the default ones whole
	 * @param options default SET options, and options of the batch
	 * @returns what each SET answers, in the order of the entries
	 * @throws INVALID_ARGUMENT, INVALID_OPTION; BATCH with a result or an error per entry when any failed
	 * @see https://valkey.io/commands/set/
	 */
	setMany(
		entries: readonly SetEntry<PlainSetOptions>[],
		options: PlainSetOptions & BatchOptions & { partial: true },
	): Promise<("OK" | null | ClientError)[]>;
	setMany(entries: readonly SetEntry<PlainSetOptions>[], options?: PlainSetOptions & BatchOptions): Promise<("OK" | null)[]>;
	setMany(
		entries: readonly SetEntry[],
		options: SetOptions & BatchOptions & { partial: true },
	): Promise<(Text | "OK" | null | ClientError)[]>;
	setMany(entries: readonly SetEntry[], options?: SetOptions & BatchOptions): Promise<(Text | "OK" | null)[]>;
	setMany(
		entries: readonly SetEntry[],
		options?: SetOptions & BatchOptions & { partial?: boolean },
	): Promise<(Text | "OK" | null | ClientError)[]> {
		return this.#batch<Text | "OK" | null>(options, (batch, rest) =>
			setWork(this.#core, entries, rest as SetOptions, this.#view, batch),
		);
	}

	/**
	 * Deletes many keys of any slots. `DEL key …` for each slot
	 * @returns how many there were
	 * @throws INVALID_ARGUMENT, INVALID_OPTION; BATCH with `total`, the known sum, when any failed
	 * @see https://valkey.io/commands/del/
	 */
	delMany(keys: readonly Key[], options?: BatchOptions): Promise<number> {
		return this.#count("DEL", keys, options);
	}

	/**
	 * Counts which of many keys of any slots exist; a key given twice counts twice. `EXISTS key …` for each slot
	 * @throws INVALID_ARGUMENT, INVALID_OPTION; BATCH with `total`, the known sum, when any failed
	 * @see https://valkey.io/commands/exists/
	 */
	existsMany(keys: readonly Key[], options?: BatchOptions): Promise<number> {
		return this.#count("EXISTS", keys, options);
	}

	override del(...keys: Keys): Promise<number> {
		return this.#countOf("DEL", keys);
	}

	override unlink(...keys: Keys): Promise<number> {
		return this.#countOf("UNLINK", keys);
	}

	override exists(...keys: Keys): Promise<number> {
		return this.#countOf("EXISTS", keys);
	}

	override touch(...keys: Keys): Promise<number> {
		return this.#countOf("TOUCH", keys);
	}

	/** Commands gathered by calls and sent by `exec()`, grouped by node: one write for each. */
	pipeline(): Pipeline<Text> {
		return new Pipeline<Text>(this.#core, this.#view);
	}

	// ── streams ──

	/**
	 * A consumer of a stream's group, which survives failovers. `XREADGROUP`, `XACK`, `XPENDING`, and `XCLAIM` for what others left behind; with
	 * `createGroup` also `XGROUP CREATE`, `XINFO GROUPS`, `XINFO STREAM`; `INFO replication` and `XINFO STREAM` where they are allowed. Reads from the
	 * first `next()` on, on a leased connection.
	 * @throws INVALID_OPTION; UNSUPPORTED on a leased connection. Everything else rejects the iteration
	 * @see https://valkey.io/commands/xreadgroup/
	 */
	streamConsumer(options: StreamConsumerOptions): StreamConsumer<Text> {
		const settings = checkConsumerOptions(options);
		if (this.#view.dedicated)
			throw new ClientError("UNSUPPORTED", "a consumer leases a connection of its own; make it of the client");
		const signals = [this.#view.signal, settings.signal];
		return new StreamConsumer<Text>(this, settings, signals).onClientClosed((closed) => this.#core.onClosed(closed));
	}

	// ── connections ──

	/** Commands gathered by calls and executed by `exec()`, with nothing in between; on a cluster their keys have one slot. */
	multi(): Transaction<Text> {
		return new Transaction<Text>(this.#core, this.#view);
	}

	/**
	 * Executes a transaction only if keys did not change since they were read, and tries again when they did: `WATCH key …` on a connection of its
	 * own, then `attempt` reads there and gives back what is to be executed. A connection that was lost before EXEC was sent, or a slot that moved,
	 * takes the watch with it: that is one more reason to try again.
	 * Between slots on their way, keys that are not there yet wait for the end of it.
	 * @param attempt called anew for each try, and so is all that it does; gives back `connection.multi()…` without `exec()`, or null when there
	 * is nothing to do
	 * @returns the replies of the transaction, null when `attempt` gave null
	 * @throws what `attempt` throws; WATCH when a key changed in every try; EXECABORT, and the server's own; TIMEOUT when the view's time is over; CONNECTION with `maybeExecuted` when the reply of EXEC was lost; CROSSSLOT
	 * @see https://valkey.io/topics/transactions/
	 */
	watch<T extends readonly unknown[]>(
		keys: Key | readonly Key[],
		attempt: (connection: Client<Text>) => Promise<Transaction<Text, T>> | Transaction<Text, T>,
		options?: WatchOptions,
	): Promise<Results<Text, T>>;
	watch<T extends readonly unknown[]>(
		keys: Key | readonly Key[],
		attempt: (connection: Client<Text>) => Promise<Transaction<Text, T> | null> | Transaction<Text, T> | null,
		options?: WatchOptions,
	): Promise<Results<Text, T> | null>;
	watch<T extends readonly unknown[]>(
		keys: Key | readonly Key[],
		attempt: (connection: Client<Text>) => Promise<Transaction<Text, T> | null> | Transaction<Text, T> | null,
		options?: WatchOptions,
	): Promise<Results<Text, T> | null> {
		return watch(this.#core, this.#view, (view) => new Client<Text>(this.#core, view), keys, attempt, options);
	}

	/**
	 * Runs `use` with a connection of its own, for commands that block or change their connection. Callers get one of `pool.maxDedicated` per
	 * node, in the order in which they asked. A connection that comes back as good as new serves the next caller; one that was left inside a
	 * transaction, with replies owed, or in another state is ended. Nothing on it is retried or redirected.
	 * @throws what `use` throws; TIMEOUT when none came free within the view's deadline, ABORTED, OVERLOADED; CONNECTION, AUTH when none could be opened
	 */
	async withConnection<T>(options: LeaseOptions, use: (connection: Client<Text>) => Promise<T>): Promise<T> {
		const { key, node } = checkObject("withConnection()", options, ["key", "node"]);
		if (key !== undefined && node !== undefined) throw new InvalidOptionError("node", "contradicts key");
		const core = this.#core;
		const slot = key === undefined ? -1 : keySlot(checkKey(key, 0, this.#view.limits));
		if (core.closed !== null) throw core.closed;
		const lease = await this.#lease(node === undefined ? { slot } : { node });
		try {
			const own = new Core(core.settings, core.clock, core.counters, lease.dispatcher, { full: 0 }, core);
			return await use(new Client<Text>(own, { ...this.#view, dedicated: true }));
		} finally {
			lease.release();
		}
	}

	/** Waits for a connection of one's own, no longer than the view allows. */
	async #lease(target: LeaseTarget): Promise<Lease> {
		const { timeoutMs, signal } = this.#view;
		if (signal?.aborted) throw aborted(signal);
		let stopListening = (): void => {};
		try {
			return await this.#core.dispatcher.lease(target, {
				timeoutMs,
				onWait(cancel) {
					if (signal !== undefined) stopListening = onAbort(signal, () => cancel(aborted(signal)));
				},
			});
		} finally {
			stopListening();
		}
	}

	/** What it is connected to. */
	get mode(): "standalone" | "cluster" {
		return this.#core.settings.mode;
	}

	/** The primaries that are known, as `host:port`, which is what `withConnection({ node })` takes. */
	primaries(): string[] {
		return this.#core.dispatcher.endpoints("primaries").map(formatEndpoint);
	}

	/** Counters since the start and two gauges; cheap. */
	stats(): Stats {
		return { ...this.#core.counters, ...this.#core.dispatcher.gauges() };
	}

	/**
	 * Refuses new calls, waits for those accepted (at most `timeouts.closeMs`), then ends every connection. Commands that block end at once, with
	 * CLOSED: nobody knows whether anything will ever come for them. Idempotent.
	 */
	async close(): Promise<void> {
		await this.#core.close(this.#core.settings.timeouts.closeMs);
		if (!this.#view.dedicated) this.#core.clock.stop();
	}

	/** Ends every connection now; what was accepted rejects with CLOSED. Idempotent. */
	destroy(): void {
		this.#core.destroy();
		if (!this.#view.dedicated) this.#core.clock.stop();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	// ── how calls become requests ──

	/** Before anything is copied or made for a call that has no room. */
	#refusal(key: Key, flags: number): Promise<never> | null {
		// Whoever listens hears of calls that are refused for want of room too.
		if (this.#core.closed !== null || this.#core.settings.teller.tracesCommands) return null;
		try {
			return this.#core.dispatcher.refusal(keySlot(key), flags);
		} catch {
			// Whoever checks the arguments says what is wrong with them.
			return null;
		}
	}

	#batch<T>(
		options: object | undefined,
		plan: (batch: ResolvedBatchOptions, rest: Record<string, unknown>) => BatchWork<T>,
	): Promise<(T | ClientError)[]> {
		return new Promise((resolve, reject) => {
			const { batch, rest } = resolveBatchOptions(options);
			startBatch(this.#core, this.#view, plan(batch, rest), batch, finishBatch(resolve, reject, batch.partial));
		});
	}

	#countOf(name: CountName, keys: Keys): Promise<number> {
		const [only] = keys;
		return keys.length === 1 && !Array.isArray(only)
			? this.send([name, only])
			: this.#count(name, append([], keys) as Key[], undefined);
	}

	#count(name: CountName, keys: readonly Key[], options: BatchOptions | undefined): Promise<number> {
		return new Promise((resolve, reject) => {
			const { batch, rest } = resolveBatchOptions(options);
			if (batch.partial) throw new InvalidOptionError("partial", "is not an option of this batch");
			refuseUnknown(rest);
			let total = 0;
			const work = countWork(this.#core, name, checkKeys(keys, this.#view.limits), batch, (count) => {
				total += count;
			});
			startBatch(this.#core, this.#view, work, batch, (results, failed) => {
				if (failed) reject(new BatchError(results, total));
				else resolve(total);
			});
		});
	}
}
