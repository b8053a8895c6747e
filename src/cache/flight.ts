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

interface Settle<T> {
	resolve(value: T): void;
	reject(error: unknown): void;
}

/** There may be one for each of many keys: what few of them need is made when somebody needs it, the promise too. */
export class Flight<T> {
	#work: Promise<T> | null = null;
	#settled: Settle<T> | null = null;
	/** What it was told meanwhile makes its result out of date: it is not to be stored. */
	outdated = false;
	#controller: AbortController | null = null;
	#aborted = false;
	#waiting = 0;
	#stale: (() => T) | null = null;
	#tags: Set<string> | null = null;
	#impatient: Set<() => void> | null = null;

	/** Since when it waits for nobody but its own factory, by `performance.now()`. */
	since: number;

	/**
	 * @param work absent: whoever began it calls `settle` or `fail` once, and nobody joins it afterwards
	 * @param since read once by those who begin many
	 */
	constructor(work?: (flight: Flight<T>) => Promise<T>, since = performance.now()) {
		this.since = since;
		if (work !== undefined) this.#work = heard(work(this));
	}

	get work(): Promise<T> {
		this.#work ??= heard(
			new Promise((resolve, reject) => {
				this.#settled = { resolve, reject };
			}),
		);
		return this.#work;
	}

	settle(value: T): void {
		this.#settled?.resolve(value);
	}

	fail(error: unknown): void {
		this.#settled?.reject(error);
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

	/** What it is made of changes with any of these. */
	dependsOn(tags: readonly string[]): void {
		if (tags.length === 0) return;
		this.#tags ??= new Set();
		for (const tag of tags) this.#tags.add(tag);
	}

	isOf(tag: string): boolean {
		return this.#tags?.has(tag) ?? false;
	}

	/** There is an old value for callers that cannot wait; `take` is called for each of them. */
	offer(take: () => T): void {
		this.#stale = take;
		for (const served of [...(this.#impatient ?? [])]) served();
	}

	/** Somebody waits for it as long as it takes. */
	hold(): void {
		this.#waiting = Number.POSITIVE_INFINITY;
	}

	/** @throws TIMEOUT, ABORTED; and why the work failed */
	join(patience: Patience): Promise<T> {
		if (isPatient(patience)) {
			this.hold();
			return this.work;
		}
		const { softMs, hardMs, signal } = patience;
		this.#waiting += 1;
		return new Promise<T>((resolve, reject) => {
			const timers: NodeJS.Timeout[] = [];
			let settled = false;
			const settle = (finish: () => void): void => {
				if (settled) return;
				settled = true;
				for (const timer of timers) clearTimeout(timer);
				this.#impatient?.delete(serve);
				signal?.removeEventListener("abort", abort);
				finish();
			};
			const serve = (): void => {
				this.#impatient ??= new Set();
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
		// Whoever asks from now on begins anew, and what that makes is newer.
		this.outdated = true;
		this.#controller?.abort();
	}
}

/** Waits as long as it takes. */
export function isPatient({ softMs, hardMs, signal }: Patience): boolean {
	return softMs === 0 && hardMs === 0 && signal === null;
}

/** Everybody may have given up by the time it fails. */
function heard<T>(work: Promise<T>): Promise<T> {
	work.catch(() => {});
	return work;
}

export function aborted(signal: AbortSignal | null): ClientError {
	return new ClientError("ABORTED", "the call was aborted", { cause: signal?.reason });
}
