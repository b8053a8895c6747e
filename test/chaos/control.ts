/** Tells a stall of the machine from one of the client: PINGs, by no client, through a proxy in this process, to a server of their own. */
import { setTimeout as sleep } from "node:timers/promises";
import { RawConnection, type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { TcpProxy } from "../support/proxy.js";
import { clock } from "./messages.js";

const EVERY_MS = 25;
/** Half of the least time that counts as late. */
const SLOW_MS = 250;

export class Control implements AsyncDisposable {
	/** When a PING was slow: from its sending to its reply. */
	readonly stalls: { from: number; to: number }[] = [];
	readonly #server: ServerNode;
	readonly #proxy: TcpProxy;
	readonly #connection: RawConnection;
	readonly #done: Promise<void>;
	#stopped = false;

	private constructor(server: ServerNode, proxy: TcpProxy, connection: RawConnection) {
		this.#server = server;
		this.#proxy = proxy;
		this.#connection = connection;
		// Where it breaks off nothing is excused any more.
		this.#done = this.#run().catch(() => {});
	}

	static async start(): Promise<Control> {
		const server = await startStandalone();
		const proxy = await TcpProxy.start(server);
		return new Control(server, proxy, await RawConnection.open(proxy));
	}

	/** The machine itself stood still somewhere between these moments. */
	excuses({ from, to }: { from: number; to: number }): boolean {
		return this.stalls.some((stall) => stall.from < to && stall.to > from);
	}

	async #run(): Promise<void> {
		while (!this.#stopped) {
			const from = clock();
			await this.#connection.exchange(["PING"], 60_000);
			// The rest counts too: a process that does not run cannot send either.
			await sleep(EVERY_MS);
			const to = clock();
			if (to - from - EVERY_MS > SLOW_MS) this.stalls.push({ from, to });
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stopped = true;
		await this.#done;
		this.#connection.close();
		await this.#proxy.close();
		await this.#server.stop();
	}
}
