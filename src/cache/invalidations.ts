/**
 * What writers tell first levels of: keys that are not what they were.
 *
 *     channel   slotwire:changed:<key prefix>
 *     message   ["<who>", "<key>", …], without the prefix; ["<who>"] alone: all of them
 */
import { randomBytes } from "node:crypto";
import type { Client } from "../client.js";
import type { Subscription } from "../pubsub/subscription.js";

/** Keys in one message. */
const MAX_KEYS = 1000;

export interface InvalidationListener {
	changed(keys: readonly string[]): void;
	/** Any key may have changed: somebody said so, or messages were `lost`. */
	changedAll(lost: boolean): void;
}

export class Invalidations {
	readonly #client: () => Promise<Client>;
	readonly #channel: string;
	/** Who one's own messages are from: they are old news. */
	readonly #own = randomBytes(9).toString("base64url");

	constructor(client: () => Promise<Client>, prefix: string) {
		this.#client = client;
		this.#channel = `slotwire:changed:${prefix}`;
	}

	/** To be called once the server has them: a reader that heard of it sooner might read the old value again. Null: all keys. */
	async publish(keys: readonly string[] | null): Promise<void> {
		const client = await this.#client();
		const messages: Promise<unknown>[] = [];
		for (let i = 0; i < (keys?.length ?? 1); i += MAX_KEYS) {
			const part = keys?.slice(i, i + MAX_KEYS) ?? [];
			messages.push(client.publish(this.#channel, JSON.stringify([this.#own, ...part])));
		}
		await Promise.all(messages);
	}

	/** @throws what `client.subscribe` does */
	async subscribe(listener: InvalidationListener): Promise<Subscription> {
		const client = await this.#client();
		return await client.subscribe(this.#channel, {
			listener: ({ message, gap }) => {
				const keys = gap === true ? null : this.#keysOf(message);
				if (keys === null) listener.changedAll(false);
				else if (keys.length > 0) listener.changed(keys);
			},
			onGap: () => listener.changedAll(true),
		});
	}

	/** None: it is one's own word. Null: all, or nobody can tell. */
	#keysOf(message: string): string[] | null {
		try {
			const [who, ...keys] = JSON.parse(message) as unknown[];
			if (who === this.#own) return [];
			return keys.length > 0 && keys.every((key) => typeof key === "string") ? keys : null;
		} catch {
			return null;
		}
	}
}
