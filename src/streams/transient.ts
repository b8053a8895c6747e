/** What a consumer waits out, however long it takes, and what ends it. */
import { onAbort } from "../core.js";
import { ClientError, WrongModeError } from "../errors.js";
import { backoffMs } from "../util/backoff.js";

/**
 * Nobody is reached, or a node that cannot serve now: all of it may pass. Anything else (a right that is missing, a key of another type,
 * arguments that are refused) is as wrong the next time.
 */
const TRANSIENT: ReadonlySet<string> = new Set([
	"CONNECTION",
	// A slot that nobody serves at the moment.
	"CLUSTER",
	"TIMEOUT",
	"OVERLOADED",
	"MOVED",
	"ASK",
	"TRYAGAIN",
	"READONLY",
	"UNBLOCKED",
	"LOADING",
	"MASTERDOWN",
	"CLUSTERDOWN",
	"BUSY",
	"NOREPLICAS",
	"MISCONF",
]);

const BASE_MS = 20;
const MAX_MS = 1000;

export function isTransient(error: unknown): error is ClientError {
	return error instanceof ClientError && TRANSIENT.has(error.code) && !(error instanceof WrongModeError);
}

/** Waits before the next try, until `signal` aborts. */
export async function backOff(failures: number, signal: AbortSignal): Promise<void> {
	await pause(backoffMs(failures, BASE_MS, MAX_MS), signal);
}

/** Many may wait for one signal: it has one listener for all of them. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve();
		const done = (): void => {
			clearTimeout(timer);
			unfollow();
			resolve();
		};
		const timer = setTimeout(done, ms);
		const unfollow = onAbort(signal, done);
	});
}
