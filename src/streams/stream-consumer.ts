/** A consumer of a group as an async iterable. An entry comes once, or says that it may have come before; none is left out. */
import { aborted, onAbort } from "../core.js";
import type { ClientError } from "../errors.js";
import { Bell } from "./bell.js";
import type { ConsumedEntry } from "./consumed-entry.js";
import type { ConsumerHost } from "./consumer-host.js";
import type { ConsumerSettings } from "./consumer-options.js";
import { wholeId } from "./ids.js";
import { Ledger } from "./ledger.js";
import { Reader } from "./reader.js";
import { backOff, isTransient } from "./transient.js";

/** For giving back what nobody took, when it ends. */
const RELEASE_MS = 1000;

/**
 * Entries of one stream for one consumer of a group, in an async iterable:
 *
 *     await using consumer = client.streamConsumer({ key: "orders", group: "billing", consumer: hostname(), createGroup: { id: "0" } });
 *     for await (const entry of consumer) {
 *       await bill(entry.fields);
 *       await entry.ack();
 *     }
 *
 * **At least once.** Every entry that is in the stream, and that the group has not acknowledged, is handed out in the end: also those of replies
 * that were lost, and those that another consumer left behind. An entry is handed out a second time only where nobody can know whether the
 * first time counted, and then it says `redelivered`: after the process that had it ended without an acknowledgement, or was idle for
 * `minIdleMs`, or after a failover that lost what the group knew. While this object lives it hands out no entry twice.
 *
 * It waits out lost connections, failovers, moving slots and servers that load, for as long as they last; `trouble` says what it waits for.
 * What a failover takes along before it reached the replica, no client can bring back.
 *
 * Loops over the same consumer share its entries. Reads as the entries are taken: at most `count` wait here.
 */
export class StreamConsumer<Text extends string | Buffer = string>
	implements AsyncIterable<ConsumedEntry<Text>>, AsyncDisposable
{
	readonly #host: ConsumerHost<Text>;
	readonly #settings: ConsumerSettings;
	readonly #ledger = new Ledger();
	readonly #bell = new Bell();
	readonly #ended = new AbortController();
	readonly #reader: Reader<Text>;
	readonly #automatic = new Set<Promise<unknown>>();
	/** What is listened to, as long as it runs. */
	readonly #unfollow: (() => void)[] = [];
	#running: Promise<void> | null = null;
	#failure: unknown = null;
	#closing: Promise<void> | null = null;
	/** The client is closed: acknowledgements are not tried again either. */
	readonly #hopeless = new AbortController();

	/** @internal */
	constructor(host: ConsumerHost<Text>, settings: ConsumerSettings, signals: readonly (AbortSignal | null | undefined)[]) {
		this.#host = host;
		this.#settings = settings;
		this.#reader = new Reader(host, settings, this.#ledger, this.#bell, this.#ended.signal, (id) => this.ack(id));
		for (const signal of signals) if (signal) this.#follow(signal);
	}

	/** @internal Calls `closed` when the client does not take calls any more. */
	onClientClosed(follow: (closed: (error: ClientError, gently: boolean) => void) => () => void): this {
		this.#unfollow.push(
			follow((error, gently) => {
				this.#hopeless.abort();
				if (gently) void this.close();
				else this.#fail(error);
			}),
		);
		return this;
	}

	/** Why nothing can be read at the moment; null while all is well. */
	get trouble(): ClientError | null {
		return this.#reader.trouble;
	}

	/** Entries handed out, or waiting to be, and not acknowledged. */
	get unacked(): number {
		return this.#ledger.size;
	}

	/**
	 * Entries in the order in which the group gives them. `break` and an error in the loop end the consumer as {@link close} does, and so does
	 * `client.close()`.
	 * @throws ABORTED; CLOSED when the client is destroyed; what does not pass: NOPERM, WRONGTYPE, NOGROUP without `createGroup`, AUTH …
	 */
	[Symbol.asyncIterator](): AsyncIterableIterator<ConsumedEntry<Text>> {
		let last: ConsumedEntry<Text> | undefined;
		const iterator: AsyncIterableIterator<ConsumedEntry<Text>> = {
			next: async () => {
				if (this.#settings.autoAck && last !== undefined) this.#ackBehind(last);
				last = await this.#next();
				return last === undefined ? { done: true, value: undefined } : { done: false, value: last };
			},
			return: async () => {
				await this.close();
				return { done: true, value: undefined };
			},
			[Symbol.asyncIterator]: () => iterator,
		};
		return iterator;
	}

	/**
	 * Says that entries were dealt with. `XACK key group id …`, again and again while the server cannot be reached, for `ackTimeoutMs`.
	 * Also after the consumer was closed.
	 * @returns how many of them were pending. 0 does not mean that something is wrong: it may be the second try whose first was lost on the way
	 *   back, or the failover that forgot the delivery. An id that the group does not know is harmless
	 * @throws INVALID_ARGUMENT, TIMEOUT, CONNECTION, CLOSED, WRONGTYPE, NOPERM; the entries stay pending, unless the error is `maybeExecuted`
	 */
	async ack(...ids: readonly (string | readonly string[])[]): Promise<number> {
		return await this.#ack(ids.flat(), () => false);
	}

	/**
	 * Ends it: the read under way is given up, and a loop ends as if there were nothing more. Entries that were read and not handed out stay
	 * pending in the group, where the next search of any consumer finds them. Those handed out can be acknowledged still. Idempotent.
	 */
	close(): Promise<void> {
		this.#closing ??= this.#close();
		return this.#closing;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #next(): Promise<ConsumedEntry<Text> | undefined> {
		for (;;) {
			if (this.#failure !== null) throw this.#failure;
			if (this.#closing !== null) return undefined;
			this.#running ??= this.#reader.run().catch((error) => this.#fail(error));
			const entry = this.#reader.take();
			if (entry !== null) return entry;
			await this.#bell.wait();
		}
	}

	async #ack(given: readonly string[], enough: () => boolean): Promise<number> {
		const ids = given.map((id) => (typeof id === "string" ? wholeId(id) : id));
		for (const id of ids) this.#ledger.acking(id);
		const { key, group, ackTimeoutMs } = this.#settings;
		const until = performance.now() + ackTimeoutMs;
		for (let failures = 0; ; failures++) {
			try {
				const count = await this.#host.xack(key, group, ids);
				for (const id of ids) this.#ledger.acked(id);
				this.#bell.ring();
				return count;
			} catch (error) {
				if (isTransient(error) && performance.now() < until && !enough()) await backOff(failures, this.#hopeless.signal);
				else {
					for (const id of ids) this.#ledger.failed(id);
					throw error;
				}
			}
		}
	}

	/** Nobody waits for it; if it fails the loop does. */
	#ackBehind({ id }: ConsumedEntry<Text>): void {
		const acked = this.#ack([id], () => this.#closing !== null).catch((error) => this.#fail(error));
		this.#automatic.add(acked);
		void acked.then(() => this.#automatic.delete(acked));
	}

	#follow(signal: AbortSignal): void {
		if (signal.aborted) this.#fail(aborted(signal));
		else this.#unfollow.push(onAbort(signal, () => this.#fail(aborted(signal))));
	}

	#fail(error: unknown): void {
		if (this.#closing === null) this.#failure ??= error;
		this.#end();
	}

	#end(): void {
		for (const unfollow of this.#unfollow.splice(0)) unfollow();
		this.#ended.abort();
		this.#bell.ring();
	}

	async #close(): Promise<void> {
		const release = this.#failure === null || (this.#failure as ClientError).code === "ABORTED";
		this.#end();
		await this.#running;
		await Promise.all(this.#automatic);
		const { left } = this.#reader;
		if (release && left.length > 0 && this.trouble === null) await this.#release(left);
	}

	/** As if they had been idle for ever, so that whoever searches next finds them. Best effort: else they are found after `minIdleMs`. */
	async #release(ids: readonly string[]): Promise<void> {
		const { key, group, consumer } = this.#settings;
		const host = this.#host.with({ timeoutMs: RELEASE_MS });
		await host.xclaim(key, group, consumer, 0, ids, { time: 0, justid: true }).catch(() => {});
	}
}
