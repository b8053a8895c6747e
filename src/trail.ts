import { ClientError } from "./errors.js";

/** So many redirections are followed at once; MOVED behind them waits for the nodes to agree. */
const FREE_HOPS = 2;

/** The nodes that sent a command on, and what that says of the next step: the same for every command, whoever carries it. Pure. */
export class Trail {
	/** `host:port` each. */
	readonly #nodes: string[] = [];
	/** Where the last of them led, it could not be answered. */
	#deadEnd = false;

	get length(): number {
		return this.#nodes.length;
	}

	/** For people. */
	get way(): string {
		return this.length === 0 ? "" : `, ${this.#redirected}`;
	}

	get #redirected(): string {
		return `redirected ${this.length} times, by ${this.#nodes.join(", ")}`;
	}

	/**
	 * `node` sent it on.
	 * @returns the error that ends it, when that was once too often
	 */
	add(node: string, slot: number, maxRedirections: number, cause: ClientError): ClientError | null {
		// The way began again at the slot's owner.
		if (this.#deadEnd) this.#nodes.pop();
		this.#deadEnd = false;
		this.#nodes.push(node);
		if (this.length <= maxRedirections) return null;
		const error = new ClientError("CLUSTER", `slot ${slot} was ${this.#redirected}`, { cause });
		error.maybeExecuted = false;
		return error;
	}

	/** It came back from where ASK had led, and was not sent on from there. */
	end(): void {
		this.#deadEnd = true;
	}

	/**
	 * Whether it goes on after a pause only, and then to the owner of its slot, whoever that is by then.
	 * @param asked it had been led by ASK to the node that sent it on last: nodes that ask each other go in a circle
	 * @param itself that node named itself
	 */
	pauses(kind: "moved" | "ask", asked: boolean, itself: boolean): boolean {
		return kind === "ask" ? asked : itself || this.length > FREE_HOPS;
	}
}
