import type { DeadlineClock } from "./deadline-clock.js";
import { type Reply, ReplyMode } from "./resp/reply.js";
import { SingleRequest } from "./single-request.js";

/**
 * Asks a server on the client's own behalf: not counted in `stats()` or against the bounds, and never sent again.
 * @throws TIMEOUT after `timeoutMs`, the server's error, or that of its connection
 */
export function ask(
	args: readonly string[],
	clock: DeadlineClock,
	timeoutMs: number,
	send: (request: SingleRequest) => void,
): Promise<Reply> {
	return new Promise((resolve, reject) => {
		const request = new SingleRequest(args, -1, 0, ReplyMode.string, null, resolve as (value: never) => void, reject);
		request.internal = true;
		clock.add(request, timeoutMs);
		send(request);
	});
}
