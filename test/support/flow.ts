import type { Socket } from "node:net";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { ReplyBoundaries } from "./reply-boundaries.js";

/** How one side learns of a cut. With "rst" the kernel may throw away what that side has not read yet. */
export type Ending = "fin" | "rst";
export type Cut = Ending | { client: Ending; server: Ending };

const PIECE_MS = 20;

interface Waiting {
	bytes: Buffer;
	since: number;
}

/** One direction of a proxied connection. Settings may change at any time and hold for what has not been forwarded yet. */
export class Flow {
	/** Bytes handed to the receiver. */
	forwarded = 0;
	/** Bytes read from the sender. */
	received = 0;
	readonly #from: Socket;
	readonly #to: Socket;
	readonly #cut: (how: Cut) => void;
	#queue: Waiting[] = [];
	#fin = false;
	#discarding = false;
	#pumping = false;
	#resumed: (() => void) | undefined;
	#stalled: Promise<void> | undefined;
	#delay: Promise<unknown> | number | (() => number) = 0;
	#bytesPerSecond = Number.POSITIVE_INFINITY;
	readonly #boundaries = new ReplyBoundaries();
	#injected: Buffer[] = [];
	#sizes: readonly number[] = [];
	#piece = 0;
	#coalesce = 0;
	#cutAt: { byte: number; how: Cut } | undefined;
	#tap: (bytes: Buffer) => void = () => {};

	constructor(from: Socket, to: Socket, cut: (how: Cut) => void) {
		this.#from = from;
		this.#to = to;
		this.#cut = cut;
		from.on("data", (bytes) => this.#receive(bytes));
		from.on("end", () => {
			this.#fin = true;
			void this.#pump();
		});
	}

	/** Nothing waits to be forwarded. */
	get idle(): boolean {
		return this.#queue.length === 0 && !this.#pumping;
	}

	/** Holds everything until the promise resolves, or what arrives for so many milliseconds; jitter is a function that draws them. */
	delay(by: Promise<unknown> | number | (() => number)): this {
		this.#delay = by;
		return this;
	}

	/** Forwards no more than so many bytes a second, in pieces of 20 ms; Infinity ends it. */
	throttle(bytesPerSecond: number): this {
		this.#bytesPerSecond = bytesPerSecond;
		return this;
	}

	/** Puts bytes of the test's own between two whole replies: at once if none is open, else behind the next. For the way to the client. */
	inject(bytes: Buffer): this {
		this.#injected.push(bytes);
		if (this.idle && this.#boundaries.between) this.#to.write(this.#takeInjected());
		return this;
	}

	/** Forwards nothing and reads nothing until `resume`: the sender's kernel buffers fill, as with a stopped peer. */
	stall(): this {
		this.#stalled ??= new Promise((resolve) => {
			this.#resumed = resolve;
		});
		this.#from.pause();
		return this;
	}

	resume(): this {
		this.#resumed?.();
		this.#stalled = undefined;
		this.#from.resume();
		void this.#pump();
		return this;
	}

	/** After exactly `byte` bytes in this direction, counted from the start of the connection, the connection is cut; 0 is before the first. */
	cutAt(byte: number, how: Cut = "rst"): this {
		this.#cutAt = { byte, how };
		void this.#pump();
		return this;
	}

	/**
	 * Forwards in pieces of these sizes, in turn and over again, each in a write and an event-loop turn of its own.
	 * The receiver normally reads them one by one, but nothing in TCP promises that.
	 */
	split(...sizes: readonly number[]): this {
		this.#sizes = sizes.filter((size) => size > 0);
		return this;
	}

	/** Holds bytes back until so many are there (or the sender ends), then forwards them in one write. */
	coalesce(bytes: number): this {
		this.#coalesce = bytes;
		return this;
	}

	/** Sees every chunk as it is forwarded. */
	tap(see: (bytes: Buffer) => void): this {
		this.#tap = see;
		return this;
	}

	/** Throws away what waits and what is still to come. */
	discard(): void {
		this.#discarding = true;
		this.#queue = [];
		this.#resumed?.();
		this.#from.resume();
	}

	#receive(bytes: Buffer): void {
		this.received += bytes.length;
		if (this.#discarding) return;
		this.#queue.push({ bytes, since: performance.now() });
		void this.#pump();
	}

	async #pump(): Promise<void> {
		if (this.#pumping) return;
		this.#pumping = true;
		try {
			while (!this.#discarding && !this.#cutNow() && this.#enough()) {
				await this.#hold(this.#queue[0]!.since);
				// The settings may have changed meanwhile.
				if (this.#discarding || this.#cutNow() || !this.#enough()) continue;
				const bytes = this.#take();
				this.#tap(bytes);
				this.forwarded += bytes.length;
				await this.#write(this.#withInjected(bytes));
				if (this.#bytesPerSecond !== Number.POSITIVE_INFINITY) await sleep(PIECE_MS, undefined, { ref: false });
				else if (this.#sizes.length > 0) await turn();
			}
		} finally {
			this.#pumping = false;
		}
		if (this.#fin && this.idle && !this.#discarding && !this.#to.writableEnded) this.#to.end();
	}

	#enough(): boolean {
		const waiting = this.#queue.reduce((sum, { bytes }) => sum + bytes.length, 0);
		return waiting > 0 && (waiting >= this.#coalesce || this.#fin);
	}

	/** The next piece to forward, shortened to the split sizes and to the cut. */
	#take(): Buffer {
		const { since } = this.#queue[0]!;
		const all = Buffer.concat(this.#queue.map(({ bytes }) => bytes));
		let size = this.#sizes.length > 0 ? this.#sizes[this.#piece++ % this.#sizes.length]! : all.length;
		size = Math.min(size, Math.max(1, Math.floor((this.#bytesPerSecond * PIECE_MS) / 1000)));
		if (this.#cutAt) size = Math.min(size, this.#cutAt.byte - this.forwarded);
		const rest = all.subarray(size);
		this.#queue = rest.length > 0 ? [{ bytes: rest, since }] : [];
		return all.subarray(0, size);
	}

	async #hold(since: number): Promise<void> {
		await this.#stalled;
		const delay = typeof this.#delay === "function" ? this.#delay() : this.#delay;
		if (typeof delay !== "number") await delay;
		else if (delay > 0) await sleep(Math.max(0, since + delay - performance.now()), undefined, { ref: false });
	}

	#withInjected(bytes: Buffer): Buffer {
		const at = this.#boundaries.pass(bytes);
		if (at < 0 || this.#injected.length === 0) return bytes;
		return Buffer.concat([bytes.subarray(0, at), this.#takeInjected(), bytes.subarray(at)]);
	}

	#takeInjected(): Buffer {
		return Buffer.concat(this.#injected.splice(0));
	}

	/** Resolves when the kernel has the bytes, so that a cut by FIN loses none of them. */
	#write(bytes: Buffer): Promise<void> {
		return new Promise((resolve) => this.#to.write(bytes, () => resolve()));
	}

	#cutNow(): boolean {
		if (this.#cutAt === undefined || this.forwarded < this.#cutAt.byte) return false;
		this.#cut(this.#cutAt.how);
		return true;
	}
}
