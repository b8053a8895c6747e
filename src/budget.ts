/** What one node owes: the bounds of its queues. */
import { ClientError } from "./errors.js";
import type { PoolSettings } from "./options.js";
import type { Command, Request } from "./request.js";

/** How many budgets of a client are exhausted: while it is 0 nobody has to look which. */
export interface Crowd {
	full: number;
}

/** What the client itself keeps for a command: its request, its promise, its place in queues. */
const OVERHEAD_BYTES = 512;

/**
 * Counts the commands that were accepted for a node and have not come back: waiting for a connection, in flight, held by a fence, or given up
 * by their caller while the server still owes the reply. Once one was refused for want of room, all are until an eighth of it is free.
 */
export class Budget {
	commands = 0;
	bytes = 0;
	readonly #name: string;
	readonly #crowd: Crowd;
	readonly #maxCommands: number;
	readonly #maxBytes: number;
	#full = false;
	#refusal: Promise<never> | null = null;

	/** @param name of the node, for people */
	constructor(name: string, { maxQueuedCommands, maxQueuedBytes }: PoolSettings, crowd: Crowd) {
		this.#name = name;
		this.#crowd = crowd;
		this.#maxCommands = maxQueuedCommands;
		this.#maxBytes = maxQueuedBytes;
	}

	add(command: Command): void {
		this.commands += 1;
		this.bytes += command.bytes + OVERHEAD_BYTES;
	}

	remove(command: Command): void {
		this.commands -= 1;
		this.bytes -= command.bytes + OVERHEAD_BYTES;
		if (this.#full && !this.#isNearlyFull()) this.#setFull(false);
	}

	/** Whether one more command of so many bytes may be accepted. Alone, a command of any size may. */
	admits(bytes: number): boolean {
		if (this.#full) return false;
		const fits =
			this.commands < this.#maxCommands && (this.bytes + bytes + OVERHEAD_BYTES <= this.#maxBytes || this.commands === 0);
		if (!fits && this.#isNearlyFull()) this.#setFull(true);
		return fits;
	}

	/** Why a request is not accepted; null when it is. A batch waits for room. */
	overload(request: Request): ClientError | null {
		return request.mayWait || this.admits(request.command(0).bytes) ? null : this.error();
	}

	/**
	 * While nothing is accepted, the rejection of this tick, which all callers share; otherwise null. A flood of refused calls must not cost
	 * the memory that the bound saves: so it is one promise, and pending, for what waits on a settled one takes more.
	 */
	get refusal(): Promise<never> | null {
		if (this.#full && this.#refusal === null) {
			this.#refusal = new Promise((_, reject) => {
				process.nextTick(() => {
					this.#refusal = null;
					reject(this.error());
				});
			});
		}
		return this.#full ? this.#refusal : null;
	}

	error(): ClientError {
		return new ClientError(
			"OVERLOADED",
			`${this.#name} owes as many replies as pool.maxQueuedCommands or pool.maxQueuedBytes allow`,
		);
	}

	#isNearlyFull(): boolean {
		return this.commands * 8 > this.#maxCommands * 7 || this.bytes * 8 > this.#maxBytes * 7;
	}

	#setFull(full: boolean): void {
		this.#full = full;
		this.#crowd.full += full ? 1 : -1;
	}
}
