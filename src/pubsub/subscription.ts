import { ClientError } from "../errors.js";
import type { Feed } from "./feed.js";
import type { Message } from "./subscribe-options.js";

/** Channels or patterns. Strings are sent as UTF-8. */
export type Names = string | Uint8Array | readonly (string | Uint8Array)[];

/** How a subscription is changed; the names are checked there. */
export interface SubscriptionActions {
	add(names: Names): Promise<void>;
	remove(names: Names): Promise<void>;
	end(): Promise<void>;
}

/**
 * Names that were subscribed to in one call, and what arrives on them: read by `for await`, unless a listener gets it. It ends with
 * `unsubscribe()`, when a loop is left, by `await using`, when the last of its names is taken away, or with its client: a loop once it has
 * read what is buffered, a listener at once. `client.destroy()`, and a server that refuses a name after a reconnection, end it with an error.
 */
export class Subscription<Text extends string | Buffer = string> implements AsyncIterable<Message<Text>>, AsyncDisposable {
	readonly #feed: Feed<Text>;
	readonly #actions: SubscriptionActions;

	/** @internal */
	constructor(feed: Feed<Text>, actions: SubscriptionActions) {
		this.#feed = feed;
		this.#actions = actions;
	}

	/**
	 * Servers have confirmed all of its names, on connections that are there: what is published now will come. While it is not, messages are
	 * lost: a gap was told, and `live` comes back by itself.
	 */
	get live(): boolean {
		return this.#feed.live;
	}

	/** What it is subscribed to. */
	get names(): Text[] {
		return this.#feed.names;
	}

	/** Messages dropped for want of room, so far. */
	get dropped(): number {
		return this.#feed.dropped;
	}

	/** Failures of `listener`, `onGap` and `onError`, so far. */
	get errors(): number {
		return this.#feed.errors;
	}

	/** Messages that wait to be read. */
	get buffered(): number {
		return this.#feed.buffered;
	}

	/** Nothing arrives any more; what is buffered can be read still. */
	get ended(): boolean {
		return this.#feed.ended;
	}

	/**
	 * Subscribes to more names of the same kind. `SUBSCRIBE channel …` or its kin
	 * @throws as {@link Client.subscribe}; then it is left as it was
	 */
	async add(names: Names): Promise<void> {
		if (this.#feed.ended) throw new ClientError("CLOSED", "the subscription has ended");
		await this.#actions.add(names);
	}

	/**
	 * Leaves some of its names; one that it does not have is left alone. Resolves as `unsubscribe`. `UNSUBSCRIBE channel …` or its kin
	 * @throws INVALID_ARGUMENT
	 */
	async remove(names: Names): Promise<void> {
		await this.#actions.remove(names);
	}

	/**
	 * Leaves all of its names; those that nobody else of this client wants are unsubscribed. Resolves once the server confirmed it, or cannot:
	 * its connection is gone, or the view's deadline has passed. Never rejects. `UNSUBSCRIBE channel …` or its kin
	 */
	async unsubscribe(): Promise<void> {
		await this.#actions.end();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.unsubscribe();
	}

	/** Several loops share the messages: each of them is read once. Leaving one ends the subscription. */
	[Symbol.asyncIterator](): AsyncIterator<Message<Text>, undefined> {
		return {
			next: () => this.#feed.next(),
			return: async () => {
				this.#feed.discard();
				await this.unsubscribe();
				return { done: true, value: undefined };
			},
		};
	}
}
