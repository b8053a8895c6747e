/** Scripts of two keys, one of them new, in a slot that is being moved: both nodes refuse them with TRYAGAIN until all of it has arrived. */
import { setTimeout as sleep } from "node:timers/promises";
import { ClientError, ReplyError } from "../errors.js";
import { backoffMs } from "../util/backoff.js";

const PATIENCE_MS = 5000;

/**
 * Asks again until the slot has arrived. The client itself would hold up everything of the slot behind such a refusal; here nothing waits but
 * the call. No script of ours says TRYAGAIN from within, so what was refused was not executed.
 * @throws TIMEOUT when its patience is over, and all else that `run` throws
 */
export async function onArrival<T>(run: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
	const end = performance.now() + patienceMs;
	for (let attempt = 0; ; attempt++) {
		try {
			return await run();
		} catch (error) {
			if (!(error instanceof ReplyError) || error.code !== "TRYAGAIN") throw error;
			if (performance.now() > end) {
				const late = new ClientError("TIMEOUT", `its slot was on the way for ${patienceMs} ms`, { cause: error });
				throw Object.assign(late, { maybeExecuted: false });
			}
		}
		await sleep(backoffMs(attempt, 20, 250));
	}
}
