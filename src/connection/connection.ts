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
import type { Budget, Crowd } from "../budget.js";
import { isWord } from "../command-keys.js";
import { Alarm, type DeadlineClock } from "../deadline-clock.js";
import type { Counters } from "../dispatcher.js";
import { type Endpoint, formatEndpoint } from "../endpoint.js";
import { ClientError, ProtocolError } from "../errors.js";
import type { ConnectionState } from "../events.js";
import type { ExpiringCredentials, Settings } from "../options.js";
import { Attempt, type Command, CommandFlag, type Entry, handBack, type Link, type SlotWatcher } from "../request.js";
import { Resp3Decoder } from "../resp/decode.js";
import { Resp2Decoder } from "../resp/decode-resp2.js";
import { CommandWriter } from "../resp/encode.js";
import { type Reply, type ReplyDecoder, ReplyMode, type ReplySink } from "../resp/reply.js";
import { borrows, withoutDetached } from "./borrowed.js";
import { type Greeting, greet } from "./greeting.js";
import { type HandshakeOptions, strangerError } from "./handshake.js";
import { KnownScripts, type Trust } from "./known-scripts.js";
import { Ledger } from "./ledger.js";
import { type Login, type LoginSubject, loginOf } from "./login.js";
import { type SilenceSubject, SilenceWatch } from "./silence.js";
import { connectionError, openSocket } from "./socket.js";
import { asReply, isSubscription, Subscriptions } from "./subscriptions.js";

/** What all connections of a client share. */
export interface ConnectionContext {
	readonly settings: Settings;
	readonly clock: DeadlineClock;
	readonly counters: Counters;
	readonly crowd: Crowd;
}

/** Connections report upward through this, given at construction. None of them may throw. */
export interface ConnectionObserver {
	/** The handshake is complete. */
	ready(connection: Connection): void;
	/** It owes replies and is silent; said again while that lasts. */
	suspected(connection: Connection): void;
	/** It ended, or never came to be. Called before its entries are handed back. */
	lost(connection: Connection, cause: ClientError): void;
	push(items: Reply[]): void;
	/** The server does not know it by its credentials any more: another has to take its place. Absent: it is retired. */
	expelled?(connection: Connection, cause: ClientError): void;
}

/** How one connection differs from the others of its client. */
export interface ConnectionOptions {
	readonly endpoint: Endpoint;
	/** Of its node. */
	readonly budget: Budget;
	readonly credentials: ExpiringCredentials | undefined;
	/** HELLO is left out: this server refused it lately. */
	readonly plainResp2?: boolean;
	/** It reads from a replica: READONLY belongs to the handshake. */
	readonly readOnly?: boolean;
	/** The id of the cluster node that it has to lead to. */
	readonly identity?: string | undefined;
}

/**
 * A flush stops encoding here and goes on in the next write, so that a slow peer is noticed before everything queued was encoded. Half of
 * what the encoder's memory grows to: what was written is written over, not beside.
 */
const FLUSH_BYTES = 512 * 1024;

/**
 * An entry that was lost with so many connections is written alone from then on: if its reply is what makes the server hang up (it is
 * larger than the server's output limit, say), nobody else's replies are lost with it any more.
 */
const ALONE_FROM_LOSSES = 2;

/** The first byte of a TLS record that refuses what is not TLS; no reply begins with it. */
const TLS_ALERT = 0x15;

const skipped = new ClientError("ABORTED", "the command was given up before it was written");

/** Connections of this process so far: each has its number. */
let connections = 0;

type State = "connecting" | "handshake" | "ready" | "closed";

export class Connection implements ReplySink, Link, SilenceSubject, LoginSubject {
	readonly endpoint: Endpoint;
	readonly readOnly: boolean;
	/** In what is told of it. */
	readonly number = ++connections;
	/** Null where its credentials do not expire. */
	login: Login | null = null;
	/** The server's own number for this connection; null when it did not tell. */
	id: number | null = null;
	/** The cluster node that it said to be; null when it did not. */
	#nodeId: string | null = null;
	readonly #context: ConnectionContext;
	readonly #options: ConnectionOptions;
	readonly #observer: ConnectionObserver;
	#state: State = "connecting";
	readonly #socket: Socket;
	#decoder: ReplyDecoder;
	#protocol: 2 | 3 = 3;
	readonly #writer = new CommandWriter();
	readonly #ledger: Ledger;
	readonly #maxBytesInFlight: number;
	/** Bytes handed to the socket since its start. */
	#output = 0;
	#flushScheduled = false;
	/** The socket's buffer is full: nothing is encoded until it drained. */
	#blocked = false;
	/** Nothing is encoded until an entry in flight is answered. */
	#held = false;
	/** The last entry written has to be alone in flight. */
	#alone = false;
	/** No new entries: it ends, for this reason, once those in flight are answered. */
	#retired: ClientError | null = null;
	/** Null on connections where nobody subscribes. */
	#subscriptions: Subscriptions | null = null;
	readonly #connectDeadline: Alarm;
	readonly #silence: SilenceWatch;
	readonly #scripts = new KnownScripts();

	constructor(options: ConnectionOptions, context: ConnectionContext, observer: ConnectionObserver) {
		const { endpoint, budget, readOnly = false } = options;
		this.endpoint = endpoint;
		this.readOnly = readOnly;
		this.#options = options;
		this.#ledger = new Ledger(budget);
		this.#context = context;
		this.#observer = observer;
		const { settings, clock } = context;
		this.#maxBytesInFlight = settings.pool.maxQueuedBytes;
		const { maxBulkBytes } = settings.socket;
		this.#decoder = new Resp3Decoder(this, { maxBulkBytes });
		this.#socket = openSocket(endpoint, settings, {
			room: () => this.#decoder.room(),
			filled: (length) => this.#decode(length, null),
			received: (chunk) => this.#decode(chunk.length, chunk),
			connected: () => this.#handshake(),
			drained: () => {
				this.#blocked = false;
				this.#writer.recycle();
				this.#flush();
			},
			ended: (cause) => this.#end(connectionError(endpoint, this.#doing(), cause, settings.tls !== undefined)),
		});
		this.#silence = new SilenceWatch(clock, settings.timeouts.suspectMs, settings.timeouts.commandMs, this);
		this.#connectDeadline = new Alarm(() => {
			const { connectMs } = settings.timeouts;
			this.#end(new ClientError("TIMEOUT", `${formatEndpoint(endpoint)} did not ${this.#missing()} within ${connectMs} ms`));
		});
		clock.add(this.#connectDeadline, settings.timeouts.connectMs);
		this.#tell("connecting");
	}

	get isReady(): boolean {
		return this.#state === "ready";
	}

	get isClosed(): boolean {
		return this.#state === "closed";
	}

	/** Nothing waits, and nothing is owed. */
	get isIdle(): boolean {
		return this.#ledger.isEmpty;
	}

	/** Whether a caller waits for an answer. */
	get isAwaited(): boolean {
		return this.#ledger.isAwaited;
	}

	/** Commands accepted and not yet answered, tombstones included. */
	get commandsPending(): number {
		return this.#ledger.size;
	}

	/** Owes replies, and has been silent for longer than is usual. */
	get isSuspected(): boolean {
		return this.#silence.suspects;
	}

	/** What the handshake agreed on. */
	get protocol(): 2 | 3 {
		return this.#decoder instanceof Resp2Decoder ? 2 : 3;
	}

	get bytesRead(): number {
		return this.#socket.bytesRead;
	}

	/** Whether the script of a command is known to be there when the command is written. */
	hasScript(command: Command): boolean {
		return this.#scripts.has(command);
	}

	/** Takes an entry; it is written at the end of the tick, or when the handshake is complete. */
	send(entry: Entry): void {
		if (this.#state === "closed" || this.#retired !== null) {
			handBack(entry, 0, this.#retired ?? closedError(this.endpoint), false);
			return;
		}
		this.#ledger.accept(entry);
		if (this.#state === "ready") this.#scheduleFlush();
	}

	/** From now on commands that subscribe, or change the protocol, may be sent. */
	expectSubscriptions(): void {
		this.#subscriptions ??= new Subscriptions();
	}

	/** Ends the connection; its entries are handed back with `cause`. */
	destroy(cause: ClientError): void {
		this.#end(cause, "closed");
	}

	/** Takes nothing more: what was not written is handed back, and it ends, with `cause`, once what was is answered. */
	retire(cause: ClientError): void {
		if (this.#state === "closed" || this.#retired !== null) return;
		if (this.#state !== "ready") {
			this.#end(cause, "closed");
			return;
		}
		this.#retired = cause;
		this.login?.end();
		this.#tell("retired", cause);
		this.unqueue(cause);
		if (this.#ledger.head === undefined) this.#end(cause, "closed");
	}

	/** Ends a connection that began when nobody knew who was to be expected, if it is known to lead to another cluster node than this. */
	endUnlessTo(identity: string | undefined): void {
		// One that led to the right node once stays: views that are behind would end it whenever one of them is adopted.
		if (identity === undefined || this.#options.identity !== undefined) return;
		if (this.#nodeId !== null && this.#nodeId !== identity) this.#end(strangerError(formatEndpoint(this.endpoint)));
	}

	/** Hands back what was not written. */
	unqueue(cause: ClientError): void {
		this.#ledger.giveBackWaiting(cause);
	}

	// ── Link ──

	giveUp(entry: Entry): Promise<void> | null {
		const unsent = entry.borrowedUpTo > this.#output - this.#socket.writableLength;
		const filling = entry === this.#ledger.head && !this.#decoder.dropBody();
		if (!unsent && !filling) return null;
		const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
		const what = unsent ? "before its value was sent" : "while its value was read into the caller's buffer";
		this.#end(new ClientError("CONNECTION", `${formatEndpoint(this.endpoint)}: a command was given up ${what}`));
		return closed;
	}

	watch(slot: number, watcher: SlotWatcher): boolean {
		return this.#ledger.watch(slot, watcher);
	}

	/** The slots of which something is owed. */
	owedSlots(): number[] {
		return this.#ledger.slots();
	}

	// ── SilenceSubject ──

	owed(): Entry | undefined {
		return this.#ledger.head;
	}

	get cursor(): number {
		return this.#ledger.cursor;
	}

	blockMs(): number {
		const { head, cursor } = this.#ledger;
		return head?.command(cursor).blockMs ?? 0;
	}

	suspected(): void {
		this.#tell("suspected");
		this.#observer.suspected(this);
	}

	dead(reason: string): void {
		this.#end(new ClientError("CONNECTION", `${formatEndpoint(this.endpoint)}: the connection was given up, ${reason}`));
	}

	/** The server answers others: it ends unless it is heard of within another `suspectMs`. */
	condemn(): void {
		this.#silence.condemn();
	}

	// ── LoginSubject ──

	reauthenticated(): void {
		this.#tell("reauthenticated");
	}

	expelled(cause: ClientError): void {
		if (this.#state === "closed" || this.#retired !== null) return;
		if (this.#observer.expelled === undefined) this.retire(cause);
		else this.#observer.expelled(this, cause);
	}

	// ── flush ──

	#scheduleFlush(): void {
		if (this.#flushScheduled) return;
		this.#flushScheduled = true;
		process.nextTick(this.#flush);
	}

	#flush = (): void => {
		this.#flushScheduled = false;
		while (this.#state === "ready" && !this.#blocked && !this.#held && this.#ledger.next !== undefined) {
			const commands = this.#encodeWaiting();
			if (this.#writer.length > 0) this.#write(commands);
		}
	};

	/** Encodes queued entries up to `FLUSH_BYTES`; returns how many commands of users that were. */
	#encodeWaiting(): number {
		const writer = this.#writer;
		const ledger = this.#ledger;
		let commands = 0;
		while (writer.length < FLUSH_BYTES) {
			let entry = ledger.next;
			if (entry === undefined) break;
			if (ledger.head !== undefined && this.#mustWait(entry)) {
				this.#held = true;
				break;
			}
			if (entry.abandoned) {
				ledger.giveBack(ledger.take(), 0, skipped, false);
				continue;
			}
			const borrowing = borrows(entry);
			if (borrowing) {
				ledger.take();
				entry = withoutDetached(entry, this, (whole, command) => ledger.drop(whole, command));
				if (entry.size === 0) continue;
			}
			const { size, frames } = entry;
			if (frames !== null) writer.append(frames.pieces);
			for (let i = 0; i < size; i++) {
				const command = entry.command(i);
				if (frames === null) {
					const byHash = (command.flags & CommandFlag.byHash) !== 0;
					writer.command(byHash ? this.#scripts.words(command, this.#trustOf(entry)) : command.args);
				}
				ledger.bytesInFlight += command.bytes;
			}
			entry.link = this;
			if (borrowing) entry.borrowedUpTo = this.#output + writer.length;
			if (!entry.internal) commands += size;
			this.#alone = entry.losses >= ALONE_FROM_LOSSES;
			if (borrowing ? ledger.write(entry) : ledger.writeNext()) this.#silence.begin();
		}
		return commands;
	}

	/**
	 * What is lost when its script is unknown here. Nothing, where nothing of its slot follows it, or where it reads from a replica, in no
	 * order. Behind ASKING its place: others of its slot are on their way here by another node, and no fence holds them.
	 */
	#trustOf(entry: Entry): Trust {
		if (entry instanceof Attempt) return entry.asking ? "none" : entry.onBack === null ? "known" : "blind";
		return this.readOnly && entry.size === 1 ? "blind" : "known";
	}

	/** Something is in flight: whether `entry` waits for an answer to it. What a server has not read costs it memory, and it hangs up in the end. */
	#mustWait(entry: Entry): boolean {
		return this.#alone || this.#ledger.bytesInFlight >= this.#maxBytesInFlight || entry.losses >= ALONE_FROM_LOSSES;
	}

	#write(commands: number): void {
		const { counters } = this.#context;
		const socket = this.#socket;
		counters.commands += commands;
		if (commands > 0) counters.flights += 1;
		counters.bytesWritten += this.#writer.length;
		this.#output += this.#writer.length;
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

	// ── replies: what the decoder asks and tells (ReplySink) ──

	mode(): ReplyMode {
		const { head, cursor } = this.#ledger;
		// In RESP2 what comes may be a message, whatever is due: the client's own questions are answered by simple strings, or by nothing of use.
		if (head === undefined || (this.#subscriptions !== null && this.#protocol === 2 && head.internal)) return ReplyMode.buffer;
		// Nobody waits for it: mode `into` without a target drops the body unread.
		return head.abandoned ? ReplyMode.into : head.command(cursor).mode;
	}

	target(): Uint8Array | null {
		const { head, cursor } = this.#ledger;
		return head === undefined || head.abandoned ? null : head.command(cursor).target;
	}

	reply(value: Reply): void {
		if (this.#subscriptions !== null && this.#isPubSub(value, this.#subscriptions)) return;
		this.#answer(value);
	}

	#answer(value: Reply): void {
		const ledger = this.#ledger;
		const { head, cursor } = ledger;
		if (head === undefined) {
			throw new ProtocolError(`${formatEndpoint(this.endpoint)} sent a reply nobody asked for`);
		}
		const command = head.command(cursor);
		if (command.elements !== 0 && !hasElements(value, command) && !head.abandoned) {
			throw new ProtocolError(`${formatEndpoint(this.endpoint)} answered ${command.args[0]} with a reply of the wrong shape`);
		}
		// In a transaction that nobody knows of here (its EXEC was given up, say): nobody could tell confirmations from the reply of EXEC.
		if (this.#subscriptions !== null && value === "QUEUED" && isSubscription(String(command.args[0]))) {
			throw new ProtocolError(`${formatEndpoint(this.endpoint)} queued ${command.args[0]} in a transaction`);
		}
		const last = ledger.advance(head, command);
		if (this.#subscriptions !== null) {
			this.#subscriptions.answered(command);
			this.#followProtocol(command, value);
		}
		if ((command.flags & CommandFlag.byHash) !== 0) this.#scripts.answered(command, value);
		// A census made by that very answer does not count it.
		const { census } = ledger;
		head.answered(cursor, value, this);
		if (census !== null) ledger.countOff(census, command, value);
		if (last && (this.#held || this.#retired !== null)) this.#entryDone();
	}

	/** An entry was answered whole, and something waited for that. */
	#entryDone(): void {
		if (this.#state === "closed") return;
		if (this.#retired !== null && this.#ledger.head === undefined) this.#end(this.#retired, "closed");
		else if (this.#held) {
			this.#held = false;
			this.#scheduleFlush();
		}
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

	/** Takes what is no reply out of the replies: in RESP2 confirmations and messages, in both an error that comes late. */
	#isPubSub(value: Reply, subscriptions: Subscriptions): boolean {
		if (value instanceof ClientError) {
			const { head, cursor } = this.#ledger;
			if (!subscriptions.isLate(value, head?.command(cursor))) return false;
			subscriptions.answered(null);
			return true;
		}
		if (this.#protocol === 3 || !Array.isArray(value)) return false;
		if (this.#confirms(value)) return true;
		if (!subscriptions.isMessage(value)) return false;
		this.#observer.push(value);
		return true;
	}

	#confirms(items: Reply[]): boolean {
		const { head, cursor } = this.#ledger;
		const command = head?.command(cursor);
		const verdict = this.#subscriptions?.confirms(items, command) ?? "no";
		if (verdict === "last") this.#answer(asReply(items, (command as Command).mode));
		else if (verdict === "unasked") this.#observer.push(items);
		return verdict !== "no";
	}

	/** Feeds the decoder: a chunk, or bytes that were read straight into its `room()`. */
	#decode(length: number, chunk: Buffer | null): void {
		if (this.#state === "closed") return;
		this.#context.counters.bytesRead += length;
		this.#silence.heard = true;
		try {
			if (chunk === null) this.#decoder.filled(length);
			else this.#decoder.write(chunk);
		} catch (error) {
			if (this.#state === "handshake" && chunk?.[0] === TLS_ALERT) this.#end(this.#speaksTls(error));
			else if (!(error instanceof ClientError)) this.#end(new ProtocolError("the decoder failed", { cause: error }));
			// Once values are read, what is no reply may be a part of one.
			else this.#end(this.#state === "ready" && error instanceof ProtocolError ? error.withoutBytes() : error);
		}
	}

	// ── handshake ──

	#handshake(): void {
		if (this.#state !== "connecting") return;
		this.#state = "handshake";
		const { settings } = this.#context;
		const { credentials, plainResp2 = false, readOnly = false, identity } = this.#options;
		const options: HandshakeOptions = {
			node: formatEndpoint(this.endpoint),
			protocol: settings.protocol,
			credentials,
			name: settings.name,
			database: settings.database,
			mode: settings.mode,
			readOnly,
			identity,
		};
		greet(
			options,
			plainResp2,
			(entry) => this.#say(entry),
			(verdict) => this.#becomeReady(verdict),
		);
	}

	/** Writes commands of the handshake, which count as no flight; nothing else is in flight then. */
	#say(entry: Entry): void {
		for (let i = 0; i < entry.size; i++) this.#writer.command(entry.command(i).args);
		this.#ledger.write(entry);
		this.#output += this.#writer.length;
		for (const piece of this.#writer.take()) this.#socket.write(piece);
	}

	#becomeReady({ protocol, id, nodeId }: Greeting): void {
		this.#connectDeadline.unlink();
		this.#state = "ready";
		this.#protocol = protocol;
		this.id = id;
		this.#nodeId = nodeId;
		// The last reply of the handshake is the last byte received: nothing was asked after it.
		if (protocol === 2) this.#decoder = new Resp2Decoder(this, { maxBulkBytes: this.#context.settings.socket.maxBulkBytes });
		this.#tell("ready");
		this.login = loginOf(this, this.#context, this.#options.credentials);
		this.#observer.ready(this);
		// Not at once: what else this chunk holds came before anything was asked, and must find nothing in flight.
		if (this.#ledger.next !== undefined) this.#scheduleFlush();
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

	#end(cause: ClientError, state: "lost" | "closed" = "lost"): void {
		if (this.#state === "closed") return;
		this.#state = "closed";
		this.#tell(state, cause);
		this.login?.end();
		this.#connectDeadline.unlink();
		this.#silence.end();
		this.#socket.destroy();
		this.#observer.lost(this, cause);
		this.#ledger.giveBackAll(cause);
	}

	#tell(state: ConnectionState, cause?: ClientError): void {
		this.#context.settings.teller.connection(state, this.endpoint, this.number, cause);
	}
}

function closedError(endpoint: Endpoint): ClientError {
	return new ClientError("CONNECTION", `${formatEndpoint(endpoint)}: the connection is closed`);
}

/** Starts a connection; an error when the endpoint or the TLS options are such that Node does not even try. */
export function openConnection(
	options: ConnectionOptions,
	context: ConnectionContext,
	observer: ConnectionObserver,
): Connection | ClientError {
	try {
		return new Connection(options, context, observer);
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		const failure = new ClientError("CONNECTION", `${formatEndpoint(options.endpoint)}: ${reason}`, { cause: error });
		context.settings.teller.connection("lost", options.endpoint, 0, failure);
		return failure;
	}
}

function hasElements(value: Reply, command: Command): boolean {
	return value instanceof ClientError || (Array.isArray(value) && value.length === command.elements);
}
