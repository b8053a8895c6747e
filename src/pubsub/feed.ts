/**
 * What arrives for one subscription, until it is read: by loops, or by a listener.
 *
 *     the wire ──► deliver: into the backlog ──► next(), or the listener, one message at a time
 *
 * `deliver`, `gap`, `fail` and `end` run within the decoder's pass; everything of the caller's runs behind it.
 */
import { ClientError } from "../errors.js";
import { ReplyMode } from "../resp/reply.js";
import { Backlog, type Weighed } from "./backlog.js";
import type { Subscriber } from "./hub.js";
import type { Message, ResolvedSubscribeOptions } from "./subscribe-options.js";
import type { Arrival, GapReason, Topic } from "./topic.js";

interface Waiting<Text> extends Weighed {
	readonly channel: Text;
	readonly message: Text;
}

interface Reader<Text extends string | Buffer> {
	resolve(result: IteratorResult<Message<Text>, undefined>): void;
	reject(error: unknown): void;
}

export class Feed<Text extends string | Buffer> implements Subscriber {
	readonly topics = new Set<Topic>();
	/** Messages dropped for want of room. */
	dropped = 0;
	/** Failures of what is the caller's. */
	errors = 0;
	readonly #options: ResolvedSubscribeOptions<Text>;
	readonly #mode: ReplyMode;
	/** It has to go: more came than may wait. */
	readonly #overflowed: () => void;
	readonly #backlog: Backlog<Waiting<Text>>;
	readonly #readers: Reader<Text>[] = [];
	#ended = false;
	/** What a loop ends with once the backlog is read. */
	#failure: Error | null = null;
	#pumping = false;
	#trimming = false;

	constructor(options: ResolvedSubscribeOptions<Text>, mode: ReplyMode, overflowed: () => void) {
		this.#options = options;
		this.#mode = mode;
		this.#overflowed = overflowed;
		this.#backlog = new Backlog(options);
	}

	get buffered(): number {
		return this.#backlog.length;
	}

	get ended(): boolean {
		return this.#ended;
	}

	get live(): boolean {
		if (this.#ended || this.topics.size === 0) return false;
		for (const { state } of this.topics) if (state !== "on") return false;
		return true;
	}

	get names(): Text[] {
		return this.#namesOf(this.topics);
	}

	next(): Promise<IteratorResult<Message<Text>, undefined>> {
		if (this.#options.listener !== undefined) {
			return Promise.reject(new ClientError("UNSUPPORTED", "a subscription with a listener is not read by a loop"));
		}
		return new Promise((resolve, reject) => {
			this.#readers.push({ resolve, reject });
			this.#serveReaders();
		});
	}

	// ── Subscriber ──

	deliver({ topic, channel, message }: Arrival): void {
		if (this.#ended) return;
		this.#backlog.push({
			topic,
			channel: topic.kind === "pattern" ? this.#textOf(channel) : this.#nameOf(topic),
			message: this.#textOf(message),
			bytes: channel.length + message.length,
		});
		this.#pump();
		if (!this.#backlog.isOver || this.#trimming) return;
		// One read may bring more than the bound: whoever keeps up has taken it by then, and no more than a few reads can come before.
		this.#trimming = true;
		setImmediate(() => this.#trim());
	}

	gap(reason: GapReason, topics: readonly Topic[]): void {
		if (this.#ended) return;
		for (const topic of topics) this.#backlog.mark(topic);
		const { onGap } = this.#options;
		if (onGap !== undefined) queueMicrotask(() => void this.#call(() => onGap({ reason, names: this.#namesOf(topics) })));
	}

	/** A loop hears of it once it has read what is buffered. */
	fail(error: Error): void {
		if (this.#ended) return;
		this.#ended = true;
		if (this.#options.listener === undefined) {
			this.#failure = error;
			this.#pump();
		} else queueMicrotask(() => this.#report(error));
	}

	end(): void {
		this.#ended = true;
		this.#pump();
	}

	discard(): void {
		this.#backlog.clear();
	}

	// ── what is the caller's, behind the decoder's pass ──

	#pump(): void {
		if (this.#pumping) return;
		this.#pumping = true;
		queueMicrotask(() => void this.#run());
	}

	/** Ends when the backlog is empty. Nothing in it throws. */
	async #run(): Promise<void> {
		const { listener } = this.#options;
		if (listener === undefined) this.#serveReaders();
		else {
			for (let next = this.#backlog.shift(); next !== undefined; next = this.#backlog.shift()) {
				// Unsubscribed while it waited.
				if (!this.topics.has(next.item.topic)) continue;
				const message = this.#messageOf(next.item, next.gap);
				const result = this.#call(() => listener(message));
				if (result !== undefined) await result;
			}
		}
		this.#pumping = false;
	}

	#serveReaders(): void {
		while (this.#readers.length > 0) {
			const next = this.#backlog.shift();
			if (next === undefined && !this.#ended) return;
			const { resolve, reject } = this.#readers.shift() as Reader<Text>;
			if (next !== undefined) resolve({ done: false, value: this.#messageOf(next.item, next.gap) });
			else if (this.#failure === null) resolve({ done: true, value: undefined });
			else {
				reject(this.#failure);
				this.#failure = null;
			}
		}
	}

	#trim(): void {
		this.#trimming = false;
		const dropped = this.#backlog.trim();
		if (dropped.length === 0) return;
		this.dropped += dropped.length;
		const { onGap, overflow, maxBuffered, maxBufferedBytes } = this.#options;
		if (onGap !== undefined) {
			const names = this.#namesOf(new Set(dropped.map(({ topic }) => topic)));
			void this.#call(() => onGap({ reason: "overflow", names, dropped: dropped.length }));
		}
		if (overflow !== "fail" || this.#ended) return;
		const bounds = `${maxBuffered} messages or ${maxBufferedBytes} bytes`;
		this.fail(new ClientError("OVERLOADED", `messages came faster than they were read, and ${bounds} wait already`));
		this.#overflowed();
	}

	/** Calls something of the caller's. A promise: it returned one, which is over when this is, however it ended. */
	#call(callback: () => unknown): Promise<void> | undefined {
		try {
			const result = callback();
			if (!isThenable(result)) return undefined;
			return Promise.resolve(result).then(ignore, (error) => this.#report(error));
		} catch (error) {
			this.#report(error);
			return undefined;
		}
	}

	#report(error: unknown): void {
		this.errors += 1;
		const { onError } = this.#options;
		if (onError === undefined) return;
		try {
			const result = onError(error);
			if (isThenable(result)) Promise.resolve(result).then(ignore, () => this.#countError());
		} catch {
			this.#countError();
		}
	}

	#countError(): void {
		this.errors += 1;
	}

	#messageOf({ topic, channel, message }: Waiting<Text>, gap: boolean): Message<Text> {
		return {
			channel,
			message,
			...(topic.kind === "pattern" ? { pattern: this.#nameOf(topic) } : {}),
			...(gap ? { gap: true } : {}),
		};
	}

	/** Small Buffers are cut from memory that their neighbours share: what waits may not pin it. */
	#textOf(bytes: Buffer): Text {
		if (this.#mode === ReplyMode.string) return bytes.toString() as Text;
		return (bytes.length < SHARED_BYTES ? Buffer.from(bytes) : bytes) as Text;
	}

	/** A copy: the caller may change what it gets. */
	#nameOf(topic: Topic): Text {
		return (this.#mode === ReplyMode.string ? topic.text : Buffer.from(topic.name)) as Text;
	}

	#namesOf(topics: Iterable<Topic>): Text[] {
		return Array.from(topics, (topic) => this.#nameOf(topic));
	}
}

/** Larger ones own their memory. */
const SHARED_BYTES = 16 * 1024;

function isThenable(value: unknown): value is PromiseLike<unknown> {
	return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

function ignore(): void {}
