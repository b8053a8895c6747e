/** Messages to subscribers; how to be one is in `Client`. */
import { InvalidArgumentError } from "../errors.js";
import type { Key, Value } from "./arguments.js";
import { ServerCommands } from "./server.js";
import type { Result, Surface } from "./surface.js";

export abstract class PublishCommands<Text extends string | Buffer, S extends Surface> extends ServerCommands<Text, S> {
	/**
	 * Sends a message to whoever is subscribed to a channel, anywhere in the cluster, or to a pattern that matches it. `PUBLISH channel message`
	 *
	 * Messages arrive in the order of the calls, but on a cluster where the primary that is asked changes meanwhile, with the topology say; those
	 * of {@link spublish} do so too.
	 * @returns how many received it at the node that was asked, which is any primary
	 * @throws INVALID_ARGUMENT, and as {@link set}
	 * @see https://valkey.io/commands/publish/
	 */
	publish(channel: Key, message: Value): Result<S, number> {
		return this.send(() => {
			// No key to the server, which finds subscribers anywhere: nobody else looks at it.
			if (typeof channel === "string" || (channel as unknown) instanceof Uint8Array) return ["PUBLISH", channel, message];
			throw new InvalidArgumentError(1, "argument 1 must be a channel: a string, a Buffer or a Uint8Array");
		});
	}

	/**
	 * Sends a message to whoever is subscribed to a sharded channel, at the primary of its slot. `SPUBLISH channel message`
	 * @returns how many received it there
	 * @throws INVALID_ARGUMENT, and as {@link set}
	 * @see https://valkey.io/commands/spublish/
	 */
	spublish(channel: Key, message: Value): Result<S, number> {
		return this.send(["SPUBLISH", channel, message]);
	}
}
