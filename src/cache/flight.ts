/**
 * Something that is being made for everybody who asks for it meanwhile. Each caller waits as long as it likes: the work goes on without it, and
 * is told to stop when the last one has given up.
 */
import { ClientError } from "../errors.js";
import { CacheTimeoutError } from "./errors.js";

/** How long one caller waits; 0: as long as it takes. */
export interface Patience {
	/** After so long an old value will do, once there is one. */
	readonly softMs: number;
	readonly hardMs: number;
	readonly signal: AbortSignal | null;
}

export class Flight<T> {
	readonly work: Promise<T>;
	/** What it was told meanwhile makes its result out of date: it is not to be stored. */
	outdated = false;
	/** What it is made of changes with any of these. */
	readonly tags = new Set<string>();
	#controller: AbortController | null = null;
	#aborted = false;
	#waiting = 0;
	#stale: (() => T) | null = null;
	readonly #impatient = new Set<() => void>();

	constructor(work: (flight: Flight<T>) => Promise<T>) {
		this.work = work(this);
		// Everybody may have given up by the time it fails.
		this.work.catch(() => {});
	}

	/** Everybody has given up, and it was told to stop: nothing for anybody else to wait for. */
	get abandoned(): boolean {
		return this.#aborted;
	}

	/** Aborts when the last caller has given up by a signal of its own. */
	get signal(): AbortSignal {
		this.#controller ??= new AbortController();
		if (this.#aborted) this.#controller.abort();
		return this.#controller.signal;
	}

	dependsOn(tags: readonly string[]): void {
		for (const tag of tags) this.tags.add(tag);
	}

	/** There is an old value for callers that cannot wait; `take` is called for each of them. */
	offer(take: () => T): void {
		this.#stale = take;
		for (const served of [...this.#impatient]) served();
	}

	/** @throws TIMEOUT, ABORTED; and why the work failed */
	join({ softMs, hardMs, signal }: Patience): Promise<T> {
		if (softMs === 0 && hardMs === 0 && signal === null) {
			this.#waiting = Number.POSITIVE_INFINITY;
			return this.work;
		}
		this.#waiting += 1;
		return new Promise<T>((resolve, reject) => {
			const timers: NodeJS.Timeout[] = [];
			let settled = false;
			const settle = (finish: () => void): void => {
				if (settled) return;
				settled = true;
				for (const timer of timers) clearTimeout(timer);
				this.#impatient.delete(serve);
				signal?.removeEventListener("abort", abort);
				finish();
			};
			const serve = (): void => {
				if (this.#stale === null) this.#impatient.add(serve);
				else settle(() => resolve((this.#stale as () => T)()));
			};
			const abort = (): void => {
				settle(() => reject(aborted(signal)));
				this.#left();
			};
			if (softMs > 0) timers.push(setTimeout(serve, softMs));
			if (hardMs > 0) {
				const late = (): void => reject(new CacheTimeoutError("TIMEOUT", `the value was not there after ${hardMs} ms`));
				timers.push(setTimeout(() => settle(late), hardMs));
			}
			this.work.then(
				(value) => settle(() => resolve(value)),
				(error) => settle(() => reject(error)),
			);
			if (signal?.aborted) abort();
			else signal?.addEventListener("abort", abort, { once: true });
		});
	}

	#left(): void {
		this.#waiting -= 1;
		if (this.#waiting > 0) return;
		this.#aborted = true;
		this.#controller?.abort();
	}
}

export function aborted(signal: AbortSignal | null): ClientError {
	return new ClientError("ABORTED", "the call was aborted", { cause: signal?.reason });
}
