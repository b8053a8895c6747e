import type { ClientError } from "../errors.js";
import type { Topic } from "./topic.js";

/** A call that waits until the server has confirmed all of its topics. */
export class Pending {
	readonly done: Promise<void>;
	/** What went wrong last. */
	cause: ClientError | null = null;
	/** What its owner did not want before: nor does it when this fails. */
	readonly added: Topic[];
	readonly owner: object;
	readonly #open: Set<Topic>;
	#resolve!: () => void;
	#reject!: (error: ClientError) => void;

	constructor(topics: readonly Topic[], owner: object, added: Topic[]) {
		this.owner = owner;
		this.added = added;
		this.done = new Promise((resolve, reject) => {
			this.#resolve = resolve;
			this.#reject = reject;
		});
		this.#open = new Set(topics.filter((topic) => topic.state !== "on"));
		for (const topic of this.#open) topic.pendings.add(this);
		if (this.#open.size === 0) this.#resolve();
	}

	/** The topic is subscribed, or nobody wants it any more. */
	settled(topic: Topic): void {
		this.#open.delete(topic);
		topic.pendings.delete(this);
		if (this.#open.size === 0) this.#resolve();
	}

	fail(error: ClientError): void {
		for (const topic of this.#open) topic.pendings.delete(this);
		this.#open.clear();
		this.#reject(error);
	}
}
