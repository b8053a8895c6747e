import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes bytes on without a look at them: for an address that a fake node or a proxy cannot have, or that changes hands. */
export class Relay implements AsyncDisposable {
	readonly host: string;
	/** Accepted so far, in order. */
	readonly accepted: Socket[] = [];
	readonly #server: Server;

	private constructor(host: string, targetOf: (index: number) => { host: string; port: number }) {
		this.host = host;
		this.#server = createServer((socket) => {
			const { host, port } = targetOf(this.accepted.push(socket) - 1);
			const onward = connect(port, host);
			socket.pipe(onward).pipe(socket);
			for (const [one, other] of [
				[socket, onward],
				[onward, socket],
			] as const) {
				one.on("error", () => other.destroy());
				one.on("close", () => other.destroy());
			}
		});
	}

	/** `targetOf` says where the connection with this index, from 0, leads. `port` where an address of a certain port is needed. */
	static async start(host: string, targetOf: (index: number) => { host: string; port: number }, port = 0): Promise<Relay> {
		const relay = new Relay(host, targetOf);
		await new Promise<void>((resolve, reject) => relay.#server.once("error", reject).listen(port, host, resolve));
		return relay;
	}

	get port(): number {
		return (this.#server.address() as { port: number }).port;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const closed = new Promise((resolve) => this.#server.close(resolve));
		for (const socket of this.accepted) socket.destroy();
		await closed;
	}
}
