/** Messages from publishers; how to be one is in `publishing.ts`. */
import type { SubscribeOptions } from "../pubsub/subscribe-options.js";
import type { Names, Subscription } from "../pubsub/subscription.js";
import { IteratingCommands } from "./iterating.js";
import { subscribe, unsubscribe } from "./subscribe.js";

export abstract class SubscribingCommands<Text extends string | Buffer> extends IteratingCommands<Text> {
	/**
	 * Subscribes to channels; resolves once the server confirmed all of them. `SUBSCRIBE channel …`
	 *
	 * Messages are read by `for await`, or handed to `options.listener`. What may have been lost, because a connection was, because a node left
	 * or because nobody read, is told to `options.onGap` at once, and by `gap: true` on the next message of each name concerned. Names are
	 * subscribed again by themselves. Several subscriptions may share a name.
	 *
	 * In RESP3 messages come on a connection that is shared with commands, which the server counts as a `pubsub` client from then on: replies
	 * that together exceed `client-output-buffer-limit pubsub` (32 MiB at once, 8 MiB for a minute, by default), a batch of large values say,
	 * end it, with all that is in flight. Where that may happen `pool: { subscriber: "dedicated" }` keeps subscriptions apart.
	 * @param channels one or several, any bytes
	 * @throws INVALID_ARGUMENT, INVALID_OPTION, NOPERM, TIMEOUT, ABORTED, CLOSED; then nothing of the call stays subscribed
	 * @see https://valkey.io/commands/subscribe/
	 */
	subscribe(channels: Names, options?: SubscribeOptions<Text>): Promise<Subscription<Text>> {
		return this.withCore((core, view) => subscribe(core, view, "channel", channels, options));
	}

	/**
	 * The same for all channels that match glob-style patterns; a message that matches several comes once for each. `PSUBSCRIBE pattern …`
	 * @see https://valkey.io/commands/psubscribe/
	 */
	psubscribe(patterns: Names, options?: SubscribeOptions<Text>): Promise<Subscription<Text>> {
		return this.withCore((core, view) => subscribe(core, view, "pattern", patterns, options));
	}

	/**
	 * The same for sharded channels, at the primaries of their slots, which they follow. `SSUBSCRIBE channel …` for each slot
	 *
	 * Behind a gap a message may come again: a primary that was succeeded and does not know it yet delivers it, and so does its successor.
	 * @see https://valkey.io/commands/ssubscribe/
	 */
	ssubscribe(channels: Names, options?: SubscribeOptions<Text>): Promise<Subscription<Text>> {
		return this.withCore((core, view) => subscribe(core, view, "shard", channels, options));
	}

	/**
	 * Ends channels for every subscription of this client; one that has none left ends. A channel that nobody subscribed to is none, and
	 * harmless. Resolves as {@link Subscription.unsubscribe}. `UNSUBSCRIBE channel …`
	 * @param channels without them: all channels, but neither patterns nor sharded channels
	 * @throws INVALID_ARGUMENT, CLOSED
	 * @see https://valkey.io/commands/unsubscribe/
	 */
	unsubscribe(channels?: Names): Promise<void> {
		return this.withCore((core, view) => unsubscribe(core, view, "channel", channels));
	}

	/**
	 * The same for patterns. `PUNSUBSCRIBE pattern …`
	 * @see https://valkey.io/commands/punsubscribe/
	 */
	punsubscribe(patterns?: Names): Promise<void> {
		return this.withCore((core, view) => unsubscribe(core, view, "pattern", patterns));
	}

	/**
	 * The same for sharded channels. `SUNSUBSCRIBE channel …`
	 * @see https://valkey.io/commands/sunsubscribe/
	 */
	sunsubscribe(channels?: Names): Promise<void> {
		return this.withCore((core, view) => unsubscribe(core, view, "shard", channels));
	}
}
