/**
 * One socket's whole life. A connection that broke is replaced, never revived.
 *
 *     connecting ──► handshake ──► ready ──► closed
 *          └──────────────┴──────────┴──────────▲
 *
 * The hot path: `send` queues an entry ─► `#flush`, at the end of the tick, encodes what is queued and writes it in one piece
 * ─► the socket's bytes go to the decoder ─► `reply` pairs each reply with the oldest command in flight and settles it.
 */
import type { Socket } from "node:net";
import Denque from "denque";
import { isWord } from "../command-keys.js";
import { type DeadlineClock, Timed } from "../deadline-clock.js";
import type { Counters } from "../dispatcher.js";
import { ClientError, InvalidArgumentError, ProtocolError } from "../errors.js";
import type { Credentials, Settings } from "../options.js";
import { type Command, CommandFlag, type Endpoint, type Entry, EntryPart, handBack } from "../request.js";
import { Resp3Decoder } from "../resp/decode.js";
import { Resp2Decoder } from "../resp/decode-resp2.js";
import { CommandWriter, isDetached } from "../resp/encode.js";
import { type Reply, type ReplyDecoder, ReplyMode, type ReplySink } from "../resp/reply.js";
import { greet } from "./greeting.js";
import type { HandshakeOptions } from "./handshake.js";
import { connectionError, formatEndpoint, openSocket } from "./socket.js";
import { asReply, Subscriptions } from "./subscriptions.js";

/** What all connections of a client share. */
export interface ConnectionContext {
	readonly settings: Settings;
	readonly clock: DeadlineClock;
	readonly counters: Counters;
}

/** Connections report upward through this, given at construction. None of them may throw. */
export interface ConnectionObserver {
	/** The handshake is complete. `protocol` is 2 as well when the server knows no other. */
	ready(connection: Connection, protocol: 2 | 3): void;
	/** It ended, or never came to be. Called before its entries are handed back. */
	lost(connection: Connection, cause: ClientError): void;
	push(items: Reply[]): void;
}

/** A flush stops encoding here and goes on in the next write, so that a slow peer is noticed before everything queued was encoded. */
const FLUSH_BYTES = 1024 * 1024;

/** The first byte of a TLS record that refuses what is not TLS; no reply begins with it. */
const TLS_ALERT = 0x15;

type State = "connecting" | "handshake" | "ready" | "closed";

export class Connection implements ReplySink {
	readonly endpoint: Endpoint;
	readonly #context: ConnectionContext;
	readonly #observer: ConnectionObserver;
	#state: State = "connecting";
	readonly #socket: Socket;
	#decoder: ReplyDecoder;
	#protocol: 2 | 3 = 3;
	readonly #writer = new CommandWriter();
	/** Accepted, not yet written. */
	readonly #waiting = new Denque<Entry>();
	/** Written, not yet fully answered. */
	readonly #inFlight = new Denque<Entry>();
	/** The oldest entry in flight, and which of its commands the next reply answers. */
	#head: Entry | undefined = undefined;
	#cursor = 0;
	#flushScheduled = false;
	/** The socket's buffer is full: nothing is encoded until it drained. */
	#blocked = false;
	#commands = 0;
	/** Null on connections that many callers share: there nobody subscribes. */
	#subscriptions: Subscriptions | null = null;
	readonly #connectDeadline: ConnectDeadline;

	constructor(
		endpoint: Endpoint,
		context: ConnectionContext,
		observer: ConnectionObserver,
		credentials?: Credentials,
		plainResp2 = false,
	) {
		this.endpoint = endpoint;
		this.#context = context;
		this.#observer = observer;
		const { settings, clock } = context;
		const { maxBulkBytes } = settings.socket;
		this.#decoder = new Resp3Decoder(this, { maxBulkBytes });
		this.#socket = openSocket(endpoint, settings, {
			room: () => this.#decoder.room(),
			filled: (length) => this.#decode(length, null),
			received: (chunk) => this.#decode(chunk.length, chunk),
			connected: () => this.#handshake(credentials, plainResp2),
			drained: () => {
				this.#blocked = false;
				this.#writer.recycle();
				this.#flush();
			},
			ended: (cause) => this.#end(connectionError(endpoint, this.#doing(), cause, settings.tls !== undefined)),
		});
		this.#connectDeadline = new ConnectDeadline(() => {
			const { connectMs } = settings.timeouts;
			this.#end(new ClientError("TIMEOUT", `${formatEndpoint(endpoint)} did not ${this.#missing()} within ${connectMs} ms`));
		});
		clock.add(this.#connectDeadline, settings.timeouts.connectMs);
	}

	get isReady(): boolean {
		return this.#state === "ready";
	}

	get isClosed(): boolean {
		return this.#state === "closed";
	}

	/** What the handshake agreed on. */
	get protocol(): 2 | 3 {
		return this.#decoder instanceof Resp2Decoder ? 2 : 3;
	}

	/** Commands accepted and not yet answered, tombstones included. */
	get commandsPending(): number {
		return this.#commands;
	}

	/** Takes an entry; it is written at the end of the tick, or when the handshake is complete. */
	send(entry: Entry): void {
		this.#commands += entry.size;
		this.#waiting.push(entry);
		if (!this.#flushScheduled && this.#state === "ready") {
			this.#flushScheduled = true;
			process.nextTick(this.#flush);
		}
	}

	/** From now on commands that subscribe, or change the protocol, may be sent. */
	expectSubscriptions(): void {
		this.#subscriptions ??= new Subscriptions();
	}

	/** Ends the connection; its entries are handed back with `cause`. */
	destroy(cause: ClientError): void {
		this.#end(cause);
	}

	// ── flush ──

	#flush = (): void => {
		this.#flushScheduled = false;
		while (this.#state === "ready" && !this.#blocked && this.#waiting.length > 0) {
			const commands = this.#encodeWaiting();
			if (this.#writer.length > 0) this.#write(commands);
		}
	};

	/** Encodes queued entries up to `FLUSH_BYTES`; returns how many commands of users that were. */
	#encodeWaiting(): number {
		const writer = this.#writer;
		let commands = 0;
		while (writer.length < FLUSH_BYTES) {
			let entry = this.#waiting.shift();
			if (entry === undefined) break;
			if (!entry.abandoned && hasDetached(entry)) entry = this.#refuseDetached(entry);
			const size = entry.size;
			if (entry.abandoned) {
				this.#forget(size);
				continue;
			}
			for (let i = 0; i < size; i++) writer.command(entry.command(i).args);
			entry.written = true;
			if (!entry.internal) commands += size;
			if (this.#head === undefined) this.#head = entry;
			else this.#inFlight.push(entry);
		}
		return commands;
	}

	#write(commands: number): void {
		const { counters } = this.#context;
		const socket = this.#socket;
		counters.commands += commands;
		if (commands > 0) counters.flights += 1;
		counters.bytesWritten += this.#writer.length;
		const pieces = this.#writer.take();
		if (pieces.length === 1) socket.write(pieces[0] as Buffer);
		else {
			socket.cork();
			for (const piece of pieces) socket.write(piece);
			socket.uncork();
		}
		if (socket.writableLength === 0) this.#writer.recycle();
		else if (socket.writableNeedDrain) this.#blocked = true;
	}

	/** Refuses the commands whose borrowed value was detached since the call; the entry returned holds the others, in their place. */
	#refuseDetached(entry: Entry): Entry {
		const sound: number[] = [];
		for (let i = 0; i < entry.size; i++) {
			const at = detachedArgument(entry.command(i));
			if (at === -1) sound.push(i);
			else entry.answered(i, new InvalidArgumentError(at, "a borrowed value was detached before it was written"), this.endpoint);
		}
		this.#forget(entry.size - sound.length);
		return new EntryPart(entry, sound);
	}

	// ── replies: what the decoder asks and tells (ReplySink) ──

	mode(): ReplyMode {
		const head = this.#head;
		if (head === undefined) return ReplyMode.buffer;
		// Nobody waits for it: mode `into` without a target drops the body unread.
		return head.abandoned ? ReplyMode.into : head.command(this.#cursor).mode;
	}

	target(): Uint8Array | null {
		const head = this.#head;
		return head === undefined || head.abandoned ? null : head.command(this.#cursor).target;
	}

	reply(value: Reply): void {
		if (this.#subscriptions !== null && Array.isArray(value) && this.#isPubSub(value)) return;
		this.#answer(value);
	}

	#answer(value: Reply): void {
		const head = this.#head;
		if (head === undefined) {
			throw new ProtocolError(`${formatEndpoint(this.endpoint)} sent a reply nobody asked for`);
		}
		const index = this.#cursor;
		const command = head.command(index);
		if (command.elements !== 0 && !hasElements(value, command) && !head.abandoned) {
			throw new ProtocolError(`${formatEndpoint(this.endpoint)} answered ${command.args[0]} with a reply of the wrong shape`);
		}
		if (index + 1 < head.size) this.#cursor = index + 1;
		else {
			this.#cursor = 0;
			this.#head = this.#inFlight.shift();
		}
		this.#forget(1);
		if (this.#subscriptions !== null) this.#followProtocol(command, value);
		head.answered(index, value, this.endpoint);
	}

	/** On a connection of its own a caller may say HELLO 2 or RESET: messages come as arrays from then on. */
	#followProtocol({ args }: Command, value: Reply): void {
		const [name = "", version = ""] = args;
		if (value instanceof ClientError) return;
		if (isWord(name, "RESET") || (isWord(name, "HELLO") && isWord(version, "2"))) this.#protocol = 2;
		else if (isWord(name, "HELLO") && isWord(version, "3")) this.#protocol = 3;
	}

	push(items: Reply[]): void {
		if (this.#subscriptions === null || !this.#confirms(items)) this.#observer.push(items);
	}

	/** Takes a confirmation, or in RESP2 a message, out of the replies. */
	#isPubSub(items: Reply[]): boolean {
		if (this.#confirms(items)) return true;
		if (this.#protocol === 3 || !this.#subscriptions?.isMessage(items)) return false;
		this.#observer.push(items);
		return true;
	}

	#confirms(items: Reply[]): boolean {
		const command = this.#head?.command(this.#cursor);
		if (command === undefined) return false;
		const verdict = this.#subscriptions?.confirms(items, command) ?? "no";
		if (verdict === "last") this.#answer(asReply(items, command.mode));
		return verdict !== "no";
	}

	/** Feeds the decoder: a chunk, or bytes that were read straight into its `room()`. */
	#decode(length: number, chunk: Buffer | null): void {
		if (this.#state === "closed") return;
		this.#context.counters.bytesRead += length;
		try {
			if (chunk === null) this.#decoder.filled(length);
			else this.#decoder.write(chunk);
		} catch (error) {
			if (this.#state === "handshake" && chunk?.[0] === TLS_ALERT) this.#end(this.#speaksTls(error));
			else this.#end(error instanceof ClientError ? error : new ProtocolError("the decoder failed", { cause: error }));
		}
	}

	// ── handshake ──

	#handshake(credentials: Credentials | undefined, plainResp2: boolean): void {
		if (this.#state !== "connecting") return;
		this.#state = "handshake";
		const { settings } = this.#context;
		const options: HandshakeOptions = {
			node: formatEndpoint(this.endpoint),
			protocol: settings.protocol,
			credentials,
			name: settings.name,
			database: settings.database,
			mode: settings.mode,
		};
		greet(
			options,
			plainResp2,
			(entry) => this.#say(entry),
			(protocol) => this.#becomeReady(protocol),
		);
	}

	/** Writes commands of the handshake, which count as no flight; nothing else is in flight then. */
	#say(entry: Entry): void {
		for (let i = 0; i < entry.size; i++) this.#writer.command(entry.command(i).args);
		this.#commands += entry.size;
		this.#head = entry;
		for (const piece of this.#writer.take()) this.#socket.write(piece);
	}

	#becomeReady(protocol: 2 | 3): void {
		this.#connectDeadline.unlink();
		this.#state = "ready";
		this.#protocol = protocol;
		// The last reply of the handshake is the last byte received: nothing was asked after it.
		if (protocol === 2) this.#decoder = new Resp2Decoder(this, { maxBulkBytes: this.#context.settings.socket.maxBulkBytes });
		this.#observer.ready(this, protocol);
		this.#flush();
	}

	/** What was under way when the socket ended, for people. */
	#doing(): string {
		if (this.#state === "ready") return "(connection lost)";
		if (this.#state === "connecting") return "during connect";
		return this.#socket.bytesRead > 0 || !this.#isPlainTcp
			? "during the handshake"
			: "during the handshake, before any reply: if this port speaks TLS, use rediss://";
	}

	/** What did not happen in time, for people. */
	#missing(): string {
		if (this.#state !== "connecting") return "complete the handshake";
		const accepted = this.#context.settings.tls !== undefined && !this.#socket.connecting;
		return accepted ? "answer the TLS handshake (it may not speak TLS on this port)" : "connect";
	}

	#speaksTls(cause: unknown): ClientError {
		return new ProtocolError(`${formatEndpoint(this.endpoint)} speaks TLS on this port: use rediss://`, { cause });
	}

	get #isPlainTcp(): boolean {
		return this.#context.settings.tls === undefined && this.endpoint.port !== 0;
	}

	// ── end ──

	#end(cause: ClientError): void {
		if (this.#state === "closed") return;
		this.#state = "closed";
		this.#connectDeadline.unlink();
		this.#socket.destroy();
		this.#observer.lost(this, cause);
		const head = this.#head;
		this.#head = undefined;
		if (head !== undefined) handBack(head, this.#cursor, cause, true);
		for (let entry = this.#inFlight.shift(); entry !== undefined; entry = this.#inFlight.shift()) handBack(entry, 0, cause, true);
		for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) handBack(entry, 0, cause, false);
		this.#forget(this.#commands);
	}

	#forget(commands: number): void {
		this.#commands -= commands;
	}
}

/** Starts a connection; an error when the endpoint or the TLS options are such that Node does not even try. */
export function openConnection(...args: ConstructorParameters<typeof Connection>): Connection | ClientError {
	try {
		return new Connection(...args);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		return new ClientError("CONNECTION", `${formatEndpoint(args[0])}: ${reason}`, { cause: error });
	}
}

function hasElements(value: Reply, command: Command): boolean {
	return value instanceof ClientError || (Array.isArray(value) && value.length === command.elements);
}

function hasDetached(entry: Entry): boolean {
	for (let i = 0; i < entry.size; i++) if (detachedArgument(entry.command(i)) !== -1) return true;
	return false;
}

/** Index of an argument that was borrowed and is detached; -1: none. */
function detachedArgument({ args, flags }: Command): number {
	return (flags & CommandFlag.borrows) === 0 ? -1 : args.findIndex(isDetached);
}

class ConnectDeadline extends Timed {
	override readonly expire: () => void;

	constructor(expire: () => void) {
		super();
		this.expire = expire;
	}
}
