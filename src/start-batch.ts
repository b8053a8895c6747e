import { BatchRun, type BatchWork } from "./batch/batch.js";
import type { ResolvedBatchOptions } from "./commands/batches.js";
import { aborted, type Core, type View } from "./core.js";
import type { ClientError } from "./errors.js";

/**
 * Starts a batch under its own deadline and signal, or the view's.
 * @throws CLOSED
 */
export function startBatch<T>(
	core: Core,
	view: View,
	work: BatchWork<T>,
	batch: ResolvedBatchOptions,
	finish: (results: (T | ClientError)[], failed: boolean) => void,
): void {
	if (core.dispatcher.closed !== null) throw core.dispatcher.closed;
	const run = new BatchRun(work, core.dispatcher, batch.maxInflight, finish);
	const signal = batch.signal ?? view.signal;
	if (signal?.aborted && work.items > 0) {
		run.cancel(() => aborted(signal));
		return;
	}
	if (signal !== undefined) {
		const onAbort = (): void => run.cancel(() => aborted(signal));
		signal.addEventListener("abort", onAbort, { once: true });
		run.onSettled = () => signal.removeEventListener("abort", onAbort);
	}
	core.clock.add(run, batch.timeoutMs ?? view.timeoutMs);
	run.start();
}
