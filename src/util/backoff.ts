/** Exponential backoff with full jitter: anything between 0 and `min(maxMs, baseMs * 2^attempt)` milliseconds; attempt counts from 0. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number): number {
	return Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
}
