/**
 * Publishes past the client while a shard has a fault. A client's own calls mostly lose their replies together with the messages, so that nobody
 * would know what should have come.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RawConnection } from "../../src/cli/servers/raw-connection.js";
import type { Channel } from "./channel.js";
import { clock } from "./messages.js";

const EVERY_MS = 20;
const BYTES = 64;

export class Witness {
	readonly #connection: RawConnection;
	readonly #done: Promise<void>;
	#stopped = false;

	private constructor(connection: RawConnection, channel: Channel) {
		this.#connection = connection;
		this.#done = this.#run(channel);
	}

	static async start(node: { host: string; port: number }, channel: Channel): Promise<Witness> {
		return new Witness(await RawConnection.open(node), channel);
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		await this.#done;
		this.#connection.close();
	}

	/** Ends by itself when the server does not answer. */
	async #run(channel: Channel): Promise<void> {
		while (!this.#stopped) {
			const { number, text } = channel.issue(BYTES, clock(), false);
			try {
				channel.acknowledged(number, Number(await this.#connection.command("SPUBLISH", channel.name, text)), clock());
			} catch {
				return;
			}
			await sleep(EVERY_MS);
		}
	}
}
