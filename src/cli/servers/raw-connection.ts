import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

/** What a server answered, RESP2 or RESP3; bulks are read as UTF-8, maps are flat lists of keys and values. */
export type RawReply = string | number | bigint | boolean | null | Error | RawReply[];
export type RawArgument = string | number | Uint8Array;

export interface RawTarget {
	host?: string;
	port?: number;
	/** A unix socket, instead of host and port. */
	path?: string;
	tls?: ConnectionOptions;
	username?: string;
	password?: string;
}

interface Waiter {
	resolve(reply: Buffer): void;
	reject(error: Error): void;
}

const TIMEOUT_MS = 5000;
const CRLF = Buffer.from("\r\n");
const PUSH = 0x3e;

/** The command as a RESP array of bulks. */
export function encodeRaw(args: readonly RawArgument[]): Buffer {
	const parts = [Buffer.from(`*${args.length}\r\n`)];
	for (const arg of args) {
		const bytes = typeof arg === "object" ? arg : Buffer.from(String(arg));
		parts.push(Buffer.from(`$${bytes.length}\r\n`), Buffer.from(bytes), CRLF);
	}
	return Buffer.concat(parts);
}

/** One whole reply that starts at `offset` and where it ends; undefined while bytes are missing. */
export function parseRaw(bytes: Buffer, offset = 0): { reply: RawReply; end: number } | undefined {
	const lineEnd = bytes.indexOf(CRLF, offset);
	if (lineEnd < 0) return undefined;
	const type = String.fromCharCode(bytes[offset]!);
	const text = bytes.toString("utf8", offset + 1, lineEnd);
	const next = lineEnd + 2;
	switch (type) {
		case "+":
			return { reply: text, end: next };
		case "-":
			return { reply: new Error(text), end: next };
		case ":":
			return { reply: exactInteger(text), end: next };
		case ",":
			return { reply: Number(text.replace("inf", "Infinity")), end: next };
		case "(":
			// Scripts may write any text here, and the server passes it on.
			return { reply: /^[+-]?\d+$/.test(text) ? BigInt(text) : text, end: next };
		case "#":
			return { reply: text === "t", end: next };
		case "_":
			return { reply: null, end: next };
		case "$":
		case "=":
		case "!":
			return parseBulk(bytes, type, Number(text), next);
		case "*":
		case "~":
		case ">":
			return parseItems(bytes, Number(text), next);
		case "%":
			return parseItems(bytes, 2 * Number(text), next);
		case "|": {
			const attribute = parseItems(bytes, 2 * Number(text), next);
			return attribute && parseRaw(bytes, attribute.end);
		}
		default:
			throw new Error(`not a RESP reply: ${JSON.stringify(bytes.toString("latin1", offset, offset + 32))}`);
	}
}

function exactInteger(text: string): number | bigint {
	const value = Number(text);
	return Number.isSafeInteger(value) ? value : BigInt(text);
}

function parseBulk(bytes: Buffer, type: string, length: number, start: number) {
	if (length < 0) return { reply: null, end: start };
	if (bytes.length < start + length + 2) return undefined;
	const text = bytes.toString("utf8", type === "=" ? start + 4 : start, start + length);
	return { reply: type === "!" ? new Error(text) : text, end: start + length + 2 };
}

function parseItems(bytes: Buffer, count: number, start: number) {
	if (count < 0) return { reply: null, end: start };
	const items: RawReply[] = [];
	let end = start;
	while (items.length < count) {
		const item = parseRaw(bytes, end);
		if (item === undefined) return undefined;
		// A push between the elements of a reply is not one of them (Redis 6 and 7.0 write such).
		if (bytes[end] !== PUSH) items.push(item.reply);
		end = item.end;
	}
	return { reply: items, end };
}

/**
 * The few lines of RESP that the launcher and the tests need to talk to a server without the client under test.
 * Replies pair with commands by order; a broken or silent connection rejects everything that waits.
 */
export class RawConnection implements AsyncDisposable {
	readonly socket: Socket;
	readonly #waiters: Waiter[] = [];
	readonly #pushes: RawReply[] = [];
	#received: Buffer = Buffer.alloc(0);
	#failure: Error | undefined;

	private constructor(socket: Socket) {
		this.socket = socket;
		socket.setNoDelay(true);
		socket.on("data", (chunk) => this.#read(chunk));
		socket.on("error", (error) => this.#fail(error));
		socket.on("close", () => this.#fail(new Error("the server closed the connection")));
	}

	static async open(target: RawTarget): Promise<RawConnection> {
		const address = target.path ? { path: target.path } : { host: target.host ?? "127.0.0.1", port: target.port ?? 6379 };
		const socket = target.tls ? connectTls({ ...address, ...target.tls }) : connect(address);
		const connection = new RawConnection(socket);
		await new Promise<void>((resolve, reject) => {
			socket.once(target.tls ? "secureConnect" : "connect", resolve);
			socket.once("error", reject);
		});
		if (target.password !== undefined) {
			const user = target.username === undefined ? [] : [target.username];
			await connection.command("AUTH", ...user, target.password);
		}
		return connection;
	}

	/** The pushes (`>`) that arrived so far, oldest first. */
	get pushes(): readonly RawReply[] {
		return this.#pushes;
	}

	/** Sends one command; resolves with its reply, rejects when the server answers an error. */
	async command(...args: RawArgument[]): Promise<RawReply> {
		const { reply } = parseRaw(await this.exchange(args))!;
		if (reply instanceof Error) throw reply;
		return reply;
	}

	/** Sends one command; resolves with the very bytes of its reply. */
	exchange(args: readonly RawArgument[], timeoutMs = TIMEOUT_MS): Promise<Buffer> {
		return this.send(encodeRaw(args), timeoutMs);
	}

	/** Sends bytes as they are; resolves with the bytes of the next reply. */
	send(bytes: Uint8Array, timeoutMs = TIMEOUT_MS): Promise<Buffer> {
		return new Promise((resolve, reject) => {
			if (this.#failure) return reject(this.#failure);
			const timer = setTimeout(() => this.#fail(new Error(`no reply within ${timeoutMs} ms`)), timeoutMs);
			const settled = <T>(settle: (value: T) => void) => {
				return (value: T) => {
					clearTimeout(timer);
					settle(value);
				};
			};
			this.#waiters.push({ resolve: settled(resolve), reject: settled(reject) });
			this.socket.write(bytes);
		});
	}

	close(): void {
		this.socket.destroy();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.close();
	}

	#read(chunk: Buffer): void {
		this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
		try {
			this.#take();
		} catch (error) {
			this.#fail(error as Error);
		}
	}

	#take(): void {
		for (;;) {
			const parsed = this.#received.length === 0 ? undefined : parseRaw(this.#received);
			if (parsed === undefined) return;
			const bytes = this.#received.subarray(0, parsed.end);
			this.#received = this.#received.subarray(parsed.end);
			if (bytes[0] === PUSH) this.#pushes.push(parsed.reply);
			else this.#waiters.shift()?.resolve(bytes);
		}
	}

	#fail(error: Error): void {
		this.#failure ??= error;
		this.socket.destroy();
		for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
	}
}

/** One command on a connection of its own. */
export async function raw(target: RawTarget, ...args: RawArgument[]): Promise<RawReply> {
	await using connection = await RawConnection.open(target);
	return await connection.command(...args);
}
