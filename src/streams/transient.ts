/** What a consumer waits out, however long it takes, and what ends it. */
import { pause } from "../core.js";
import { ClientError } from "../errors.js";
import { isHopeless, mayPass } from "../refusal.js";
import { backoffMs } from "../util/backoff.js";

/**
 * Beside what is only refused for now: nobody is reached, or a node that cannot serve. Anything else (a right that is missing, a key of another
 * type, arguments that are refused) is as wrong the next time.
 */
const TRANSIENT: ReadonlySet<string> = new Set([
	"CONNECTION",
	// A slot that nobody serves at the moment.
	"CLUSTER",
	"TIMEOUT",
	"OVERLOADED",
	"UNBLOCKED",
	"MISCONF",
]);

const BASE_MS = 20;
const MAX_MS = 1000;

export function isTransient(error: unknown): error is ClientError {
	return error instanceof ClientError && !isHopeless(error) && (TRANSIENT.has(error.code) || mayPass(error));
}

/** Waits before the next try, until `signal` aborts. */
export async function backOff(failures: number, signal: AbortSignal): Promise<void> {
	await pause(backoffMs(failures, BASE_MS, MAX_MS), signal);
}
