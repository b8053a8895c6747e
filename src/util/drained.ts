import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 2;

/**
 * Waits until `isBusy` says no, at most `timeoutMs`; 0 waits as long as it takes. Polls: what is accepted may wait in queues, on connections,
 * for a backoff or for an earlier part of its batch, and none of them should pay for a count that only closing reads.
 */
export async function drained(isBusy: () => boolean, timeoutMs: number): Promise<void> {
	const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY;
	while (isBusy() && performance.now() < deadline) await sleep(POLL_MS);
}
