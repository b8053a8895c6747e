/** What one node owes: the bounds of its queues. */
import type { PoolSettings } from "./options.js";
import type { Command } from "./request.js";

/**
 * Counts the commands that were accepted for a node and have not come back: waiting for a connection, in flight, held by a fence, or given up
 * by their caller while the server still owes the reply.
 */
export class Budget {
	commands = 0;
	bytes = 0;
	readonly #maxCommands: number;
	readonly #maxBytes: number;

	constructor({ maxQueuedCommands, maxQueuedBytes }: PoolSettings) {
		this.#maxCommands = maxQueuedCommands;
		this.#maxBytes = maxQueuedBytes;
	}

	add(command: Command): void {
		this.commands += 1;
		this.bytes += command.bytes;
	}

	remove(command: Command): void {
		this.commands -= 1;
		this.bytes -= command.bytes;
	}

	/** Whether one more command of so many bytes may be accepted. Alone, a command of any size may. */
	admits(bytes: number): boolean {
		return this.commands < this.#maxCommands && (this.bytes + bytes <= this.#maxBytes || this.commands === 0);
	}
}
