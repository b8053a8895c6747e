import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { reset } from "./reset.js";

export type Bytes = string | Uint8Array;
export type CommandMatch = readonly Bytes[] | ((args: readonly string[], connection: FakeConnection) => boolean);
export type Answer = Bytes | ((args: readonly string[], connection: FakeConnection) => Bytes | undefined);

/** One step of the script: which command has to come, and what happens then. */
export interface Expectation {
	/** Bytes to write, as they are. Without a reply the command is swallowed. */
	reply(answer: Answer): Expectation;
	/** Everything that was said before this goes out only when the promise resolves; later commands wait behind it. */
	after(opened: Promise<unknown>): Expectation;
	/** FIN after what was replied. */
	close(): Expectation;
	/** RST, what was replied before may get lost. */
	reset(): Expectation;
	/** Resolves with the command's arguments and connection when it was received and acted upon. */
	readonly met: Promise<{ args: readonly string[]; connection: FakeConnection }>;
}

/** One client's connection as the node saw it. Strings are latin1: one character per byte. */
export interface FakeConnection {
	/** In order of arrival, from 0. */
	readonly index: number;
	readonly socket: Socket;
	/** Every command received on this connection, the handshake included. */
	readonly commands: readonly (readonly string[])[];
	/** Every byte received. */
	readonly received: Buffer;
	readonly closed: boolean;
	/** Writes bytes that nobody asked for: pushes, garbage, half a reply. Resolves when the kernel has them. */
	write(bytes: Bytes): Promise<void>;
	/** FIN. */
	end(): void;
	/** RST. */
	reset(): void;
}

interface Step {
	match: CommandMatch;
	actions: ((args: readonly string[], connection: Connection) => void | Promise<void>)[];
	met: PromiseWithResolversLike<{ args: readonly string[]; connection: FakeConnection }>;
}

interface PromiseWithResolversLike<T> {
	promise: Promise<T>;
	resolve(value: T): void;
}

const HELLO_3 =
	"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n" +
	"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
const HELLO_2 = HELLO_3.replace("%7", "*14").replace(":3\r\n", ":2\r\n");

/**
 * A scripted RESP node on a free loopback port. Commands are met in the order of the script, over all connections; those of the
 * handshake (HELLO, AUTH, CLIENT, CLUSTER MYID, SELECT, READONLY) are answered by default and stand in the script only if a test wants them there.
 * A command that the script does not expect next is answered `-ERR unexpected` and, like a step that was never met, makes `dispose` reject.
 */
export class FakeNode implements AsyncDisposable {
	readonly host = "127.0.0.1";
	readonly connections: readonly FakeConnection[];
	readonly #connections: Connection[] = [];
	readonly #server: Server;
	#port = 0;
	readonly #script: Step[] = [];
	readonly #standing: { match: CommandMatch; answer: Answer }[] = [];
	readonly #unexpected: string[] = [];
	readonly #waiting: { count: number; resolve(): void }[] = [];

	private constructor() {
		this.connections = this.#connections;
		this.always(["SELECT"], "+OK\r\n").always(["AUTH"], "+OK\r\n").always(["CLIENT"], "+OK\r\n").always(["READONLY"], "+OK\r\n");
		// Who it is it does not say.
		this.always(["CLUSTER", "MYID"], "-NOPERM this user has no permissions to run the 'cluster|myid' command\r\n");
		this.always(["HELLO"], ([, version]) => (version === "3" ? HELLO_3 : HELLO_2));
		this.#server = createServer((socket) => this.#accept(socket));
	}

	static async start(): Promise<FakeNode> {
		const node = new FakeNode();
		await new Promise<void>((resolve, reject) => {
			node.#server.once("error", reject).listen(0, node.host, resolve);
		});
		node.#port = (node.#server.address() as AddressInfo).port;
		return node;
	}

	/** Also when it listens no more: others may still name it. */
	get port(): number {
		return this.#port;
	}

	/** Standalone, RESP3. */
	get url(): string {
		return `redis://${this.host}:${this.port}`;
	}

	/** Every command on every connection in order of arrival, handshakes left out. */
	readonly commands: (readonly string[])[] = [];

	/** The next step of the script: `expect(["GET", "k"]).reply("$1\r\nv\r\n")`. An array has to match whole. */
	expect(match: CommandMatch): Expectation {
		const step: Step = { match, actions: [], met: withResolvers() };
		this.#script.push(step);
		const expectation: Expectation = {
			reply: (answer) => {
				step.actions.push((args, connection) => connection.answer(answer, args));
				return expectation;
			},
			after: (opened) => {
				step.actions.unshift(() => opened.then(() => {}));
				return expectation;
			},
			close: () => {
				step.actions.push((_, connection) => connection.end());
				return expectation;
			},
			reset: () => {
				step.actions.push((_, connection) => connection.reset());
				return expectation;
			},
			met: step.met.promise,
		};
		return expectation;
	}

	/** A standing answer for commands that begin with these words, outside the script; the latest one wins. */
	always(match: CommandMatch, answer: Answer): this {
		this.#standing.unshift({ match, answer });
		return this;
	}

	/** Resolves when so many connections were accepted since the start. */
	accepted(count: number): Promise<void> {
		if (this.#connections.length >= count) return Promise.resolve();
		return new Promise((resolve) => this.#waiting.push({ count, resolve }));
	}

	/** Accepts no more; open connections stay. New ones are refused by the kernel. */
	async refuse(): Promise<void> {
		if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve).unref());
	}

	/** Throws when the script was not played to its end, or when something came that is not in it. */
	verify(): void {
		if (this.#unexpected.length > 0) throw new Error(`The fake node got what it did not expect: ${this.#unexpected.join("; ")}.`);
		if (this.#script.length > 0) {
			throw new Error(`The fake node never got: ${this.#script.map(({ match }) => describe(match)).join("; ")}.`);
		}
	}

	/** Closes everything without a look at the script. */
	async close(): Promise<void> {
		for (const { socket } of this.#connections) socket.destroy();
		if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
		// The sockets' own "close" events come one turn later.
		await setImmediate();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
		this.verify();
	}

	#accept(socket: Socket): void {
		const connection = new Connection(this.#connections.length, socket, {
			command: (args) => this.#command(args, connection),
			garbage: (error) => this.#unexpected.push(error.message),
		});
		this.#connections.push(connection);
		for (const waiting of this.#waiting) if (waiting.count <= this.#connections.length) waiting.resolve();
	}

	async #command(args: readonly string[], connection: Connection): Promise<void> {
		const standing = this.#standing.find(({ match }) => matches(match, args, connection, "prefix"));
		const step = this.#script[0];
		if (step && matches(step.match, args, connection, "whole")) {
			this.#script.shift();
			this.commands.push(args);
			for (const action of step.actions) await action(args, connection);
			step.met.resolve({ args, connection });
		} else if (standing) {
			if (!isHandshake(args)) this.commands.push(args);
			connection.answer(standing.answer, args);
		} else {
			this.commands.push(args);
			const wanted = step ? `instead of ${describe(step.match)}` : "after the end of the script";
			this.#unexpected.push(`${describe(args)} ${wanted}`);
			connection.answer("-ERR unexpected\r\n", args);
		}
	}
}

interface NodeSide {
	command(args: readonly string[]): Promise<void>;
	garbage(error: Error): void;
}

class Connection implements FakeConnection {
	readonly index: number;
	readonly socket: Socket;
	readonly commands: (readonly string[])[] = [];
	received: Buffer = Buffer.alloc(0);
	closed = false;
	readonly #node: NodeSide;
	#parsed = 0;
	/** Commands are acted upon one after the other, as a server does: a gate holds those behind it. */
	#turn: Promise<void> = Promise.resolve();

	constructor(index: number, socket: Socket, node: NodeSide) {
		this.index = index;
		this.socket = socket;
		this.#node = node;
		socket.setNoDelay(true);
		socket.on("data", (chunk) => this.#read(chunk));
		socket.on("error", () => {});
		socket.on("close", () => {
			this.closed = true;
		});
	}

	write(bytes: Bytes): Promise<void> {
		return new Promise((resolve, reject) => {
			this.socket.write(toBuffer(bytes), (error) => (error ? reject(error) : resolve()));
		});
	}

	answer(answer: Answer, args: readonly string[]): void {
		const bytes = typeof answer === "function" ? answer(args, this) : answer;
		if (bytes !== undefined && this.socket.writable) this.socket.write(toBuffer(bytes));
	}

	end(): void {
		this.socket.end();
	}

	reset(): void {
		reset(this.socket);
	}

	#read(chunk: Buffer): void {
		this.received = Buffer.concat([this.received, chunk]);
		try {
			for (;;) {
				const command = parseCommand(this.received, this.#parsed);
				if (command === undefined) return;
				this.#parsed = command.end;
				this.commands.push(command.args);
				this.#turn = this.#turn.then(() => this.#node.command(command.args));
			}
		} catch (error) {
			this.#node.garbage(error as Error);
			this.socket.destroy();
		}
	}
}

/** A whole command at `offset`: an array of bulks, the only form that a client may send. */
function parseCommand(bytes: Buffer, offset: number): { args: string[]; end: number } | undefined {
	const header = parseHeader(bytes, offset, "*");
	if (header === undefined) return undefined;
	const args: string[] = [];
	let end = header.end;
	while (args.length < header.count) {
		const bulk = parseHeader(bytes, end, "$");
		if (bulk === undefined || bytes.length < bulk.end + bulk.count + 2) return undefined;
		args.push(bytes.toString("latin1", bulk.end, bulk.end + bulk.count));
		end = bulk.end + bulk.count + 2;
	}
	return { args, end };
}

function parseHeader(bytes: Buffer, offset: number, type: string): { count: number; end: number } | undefined {
	const lineEnd = bytes.indexOf("\r\n", offset);
	if (lineEnd < 0) return undefined;
	const line = bytes.toString("latin1", offset, lineEnd);
	if (line[0] !== type || !/^\d+$/.test(line.slice(1)))
		throw new Error(`The fake node read ${JSON.stringify(line)}, which is no command.`);
	return { count: Number(line.slice(1)), end: lineEnd + 2 };
}

function matches(match: CommandMatch, args: readonly string[], connection: FakeConnection, how: "whole" | "prefix"): boolean {
	if (typeof match === "function") return match(args, connection);
	if (how === "whole" ? match.length !== args.length : match.length > args.length) return false;
	return match.every((word, index) => {
		const wanted = toBuffer(word).toString("latin1");
		return index === 0 ? wanted.toUpperCase() === args[0]!.toUpperCase() : wanted === args[index];
	});
}

function isHandshake([name = "", sub = ""]: readonly string[]): boolean {
	return /^(HELLO|AUTH|CLIENT|SELECT|READONLY|CLUSTER MYID)$/i.test(/^CLUSTER$/i.test(name) ? `${name} ${sub}` : name);
}

function describe(match: CommandMatch): string {
	return typeof match === "function"
		? "a command of its own choosing"
		: match.map((word) => toBuffer(word).toString("latin1")).join(" ");
}

function toBuffer(bytes: Bytes): Buffer {
	return typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes);
}

function withResolvers<T>(): PromiseWithResolversLike<T> {
	let resolve!: (value: T) => void;
	const promise = new Promise<T>((settle) => {
		resolve = settle;
	});
	return { promise, resolve };
}
