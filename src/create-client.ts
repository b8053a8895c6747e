import { Client } from "./client.js";
import { Cluster } from "./cluster/cluster.js";
import { Core, newCounters } from "./core.js";
import { DeadlineClock } from "./deadline-clock.js";
import type { Endpoint } from "./endpoint.js";
import { InvalidOptionError } from "./errors.js";
import { type ClientOptions, resolveOptions } from "./options.js";
import { Pool } from "./pool.js";
import { ReplyMode } from "./resp/reply.js";

/**
 * Connects to a server, or to a cluster of which any node is given.
 * @param options a URL, or options with `url` or `nodes`
 * @returns a client with one connection ready and, on a cluster, a slot map
 * @throws INVALID_OPTION; AUTH and CLUSTER (the server is of the other kind) at once; CONNECTION by `timeouts.startMs`, naming each seed and its cause
 */
export async function createClient(options: string | ClientOptions, ...more: never[]): Promise<Client> {
	if (more.length > 0) throw new InvalidOptionError("options", "are one object, with the URL in it as `url`");
	const settings = resolveOptions(options);
	const context = { settings, clock: new DeadlineClock(), counters: newCounters(), crowd: { full: 0 } };
	const dispatcher = settings.mode === "cluster" ? new Cluster(context) : new Pool(settings.seeds[0] as Endpoint, context);
	try {
		await dispatcher.start();
	} catch (error) {
		dispatcher.destroy();
		context.clock.stop();
		throw error;
	}
	const core = new Core(settings, context.clock, context.counters, dispatcher, context.crowd);
	return new Client(core, {
		mode: ReplyMode.string,
		limits: { maxBulkBytes: settings.socket.maxBulkBytes, copy: settings.copy },
		timeoutMs: settings.timeouts.commandMs,
		signal: undefined,
		dedicated: false,
	});
}
