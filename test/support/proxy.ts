import { connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { type Cut, type Ending, Flow } from "./flow.js";
import { reset } from "./reset.js";

export type { Cut, Ending, Flow };

/**
 * A TCP proxy between a client and a real server that can be made slow, silent or brutal, per connection and per direction:
 *
 *     client  ── toServer ──▶  server
 *             ◀── toClient ──
 */
export class TcpProxy implements AsyncDisposable {
	readonly host = "127.0.0.1";
	readonly connections: ProxiedConnection[] = [];
	readonly #server: Server;
	readonly #target: { host: string; port: number };
	readonly #waiting: { count: number; resolve(): void }[] = [];
	#port = 0;
	#accepted = 0;
	#hook: (connection: ProxiedConnection) => void = () => {};

	private constructor(target: { host: string; port: number }) {
		this.#target = { host: target.host, port: target.port };
		this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
	}

	/** `port` where the server under the proxy announces a port of its own choosing; default any free one. */
	static async start(target: { host: string; port: number }, port = 0): Promise<TcpProxy> {
		const proxy = new TcpProxy(target);
		await new Promise<void>((resolve, reject) => {
			proxy.#server.once("error", reject).listen(port, proxy.host, resolve);
		});
		return proxy;
	}

	get port(): number {
		const address = this.#server.address();
		if (address === null) return this.#port;
		if (typeof address === "string") throw new Error("A proxy listens on a port.");
		return address.port;
	}

	/** The proxy's own address for a standalone client. */
	get url(): string {
		return `redis://${this.host}:${this.port}`;
	}

	get open(): number {
		return this.connections.filter((connection) => !connection.closed).length;
	}

	/** Forwarded so far, over all connections. */
	get bytes(): { toServer: number; toClient: number } {
		const sum = { toServer: 0, toClient: 0 };
		for (const { toServer, toClient } of this.connections) {
			sum.toServer += toServer.forwarded;
			sum.toClient += toClient.forwarded;
		}
		return sum;
	}

	/** Called for each new connection before its first byte moves: the place to set it up. */
	onConnection(hook: (connection: ProxiedConnection) => void): this {
		this.#hook = hook;
		return this;
	}

	/** Resolves with the n-th connection since the start, n from 1. */
	async accepted(count: number): Promise<ProxiedConnection> {
		if (this.connections.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
		return this.connections[count - 1]!;
	}

	/** Drops what is known of connections that are closed, for proxies that run for hours; the counts start anew with the open ones. */
	forgetClosed(): void {
		for (let i = this.connections.length - 1; i >= 0; i--) if (this.connections[i]!.closed) this.connections.splice(i, 1);
	}

	/** Cuts every open connection. */
	cut(how: Cut = "rst"): void {
		for (const connection of this.connections) connection.cut(how);
	}

	/** Accepts no more, until `welcome`; open connections stay. */
	refuse(): void {
		this.#port = this.port;
		if (this.#server.listening) this.#server.close();
	}

	async welcome(): Promise<void> {
		if (this.#server.listening) return;
		await new Promise<void>((resolve, reject) => {
			this.#server.once("error", reject).listen(this.#port, this.host, () => {
				this.#server.off("error", reject);
				resolve();
			});
		});
	}

	async close(): Promise<void> {
		const closed = new Promise((resolve) => (this.#server.listening ? this.#server.close(resolve) : resolve(undefined)));
		for (const connection of this.connections) connection.destroy();
		await closed;
		// The sockets' own "close" events come one turn later.
		await setImmediate();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#accept(client: Socket): void {
		const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
		const connection = new ProxiedConnection(this.#accepted++, client, server);
		this.connections.push(connection);
		this.#hook(connection);
		for (const waiting of this.#waiting) if (waiting.count <= this.connections.length) waiting.resolve();
	}
}

/** One client's connection and the one made for it to the server. */
export class ProxiedConnection {
	/** In order of arrival, from 0. */
	readonly index: number;
	readonly client: Socket;
	readonly server: Socket;
	readonly toServer: Flow;
	readonly toClient: Flow;
	/** What happens to one side is kept from the other. */
	#apart = false;
	/** Resolves when both sides are closed. */
	readonly ended: Promise<void>;

	constructor(index: number, client: Socket, server: Socket) {
		this.index = index;
		this.client = client;
		this.server = server;
		this.toServer = new Flow(client, server, (how) => this.cut(how));
		this.toClient = new Flow(server, client, (how) => this.cut(how));
		this.ended = Promise.all([closing(client), closing(server)]).then(() => {});
		this.#passOnEnd(client, server, this.toServer);
		this.#passOnEnd(server, client, this.toClient);
	}

	get closed(): boolean {
		return this.client.destroyed && this.server.destroyed;
	}

	/** Ends the connection now on both sides; what waits in a flow is thrown away. */
	cut(how: Cut = "rst"): void {
		const { client, server } = typeof how === "string" ? { client: how, server: how } : how;
		this.toServer.discard();
		this.toClient.discard();
		end(this.client, client);
		end(this.server, server);
	}

	/** The server's side is reset, the client's stays open and silent for ever: what a vanished host or a forgotten NAT entry looks like. */
	halfOpen(): void {
		this.toServer.discard();
		this.toClient.discard();
		this.#apart = true;
		this.client.on("end", () => this.client.destroy());
		reset(this.server);
	}

	destroy(): void {
		this.toServer.discard();
		this.toClient.discard();
		this.client.destroy();
		this.server.destroy();
	}

	/** A side that dies without a FIN takes the other one along, by the same means. */
	#passOnEnd(from: Socket, to: Socket, flow: Flow): void {
		from.on("error", () => this.#apart || reset(to));
		from.on("close", () => {
			if (flow.idle && !this.#apart) to.end();
		});
	}
}

function end(socket: Socket, how: Ending): void {
	if (socket.destroyed) return;
	if (how === "rst") reset(socket);
	// What still arrives is read and dropped: a close with unread bytes would turn into a reset.
	else socket.end();
}

function closing(socket: Socket): Promise<void> {
	return new Promise((resolve) => socket.once("close", () => resolve()));
}
