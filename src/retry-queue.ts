import { ClientError } from "./errors.js";
import type { Settings } from "./options.js";
import { type Attempt, CommandFlag } from "./request.js";
import { backoffMs } from "./util/backoff.js";

/** Attempts that wait out a backoff before they are sent again. */
export class RetryQueue {
	readonly #timers = new Map<Attempt, NodeJS.Timeout>();
	readonly #settings: Settings;
	readonly #send: (attempt: Attempt) => void;

	constructor(settings: Settings, send: (attempt: Attempt) => void) {
		this.#settings = settings;
		this.#send = send;
	}

	get size(): number {
		return this.#timers.size;
	}

	/** Sends `attempt` again after a pause that grows with its count, or settles it with `error` once its attempts are used up. */
	add(attempt: Attempt, error: ClientError): void {
		const { maxAttempts, baseMs, maxMs } = this.#settings.retry;
		if (attempt.abandoned) return;
		if (attempt.count >= maxAttempts) {
			attempt.settle(error);
			return;
		}
		const delay = backoffMs(attempt.count, baseMs, maxMs);
		attempt.count += 1;
		const timer = setTimeout(() => {
			this.#timers.delete(attempt);
			if (!attempt.abandoned) this.#send(attempt);
		}, delay);
		this.#timers.set(attempt, timer);
	}

	/** Ends every wait; each attempt is settled with the error. */
	clear(error: ClientError): void {
		for (const [attempt, timer] of this.#timers) {
			clearTimeout(timer);
			attempt.settle(error);
		}
		this.#timers.clear();
	}
}

/** Whether a command whose connection ended may be sent again: it was never written, or changes nothing and its reply was not garbage. */
export function mayRepeat(attempt: Attempt, cause: ClientError, written: boolean): boolean {
	return !written || ((attempt.subject.flags & CommandFlag.readOnly) !== 0 && cause.code !== "PROTOCOL");
}

/** The error of a command whose connection ended before its reply. */
export function unanswered(cause: ClientError, written: boolean): ClientError {
	const error = new ClientError(cause.code, cause.message, { cause: cause.cause ?? cause });
	if (written) error.maybeExecuted = true;
	return error;
}
