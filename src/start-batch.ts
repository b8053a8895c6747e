import { BatchRun, type BatchWork } from "./batch/batch.js";
import type { ResolvedBatchOptions } from "./commands/batches.js";
import { traceBatch } from "./commands/traced.js";
import { aborted, type Core, onAbort, type View } from "./core.js";
import type { ClientError } from "./errors.js";

/**
 * Starts a batch under its own deadline and signal, or the view's.
 * @param blockMs what its commands may block in all; Infinity: for ever
 * @throws CLOSED
 */
export function startBatch<T>(
	core: Core,
	view: View,
	work: BatchWork<T>,
	batch: ResolvedBatchOptions,
	finish: (results: (T | ClientError)[], failed: boolean) => void,
	blockMs = 0,
): void {
	if (core.closed !== null) throw core.closed;
	const { teller } = core.settings;
	if (teller.tracesBatches) {
		traceBatch(teller, work, finish, (traced) => begin(core, view, work, batch, traced, blockMs));
	} else begin(core, view, work, batch, finish, blockMs);
}

function begin<T>(
	core: Core,
	view: View,
	work: BatchWork<T>,
	batch: ResolvedBatchOptions,
	finish: (results: (T | ClientError)[], failed: boolean) => void,
	blockMs: number,
): void {
	const run = new BatchRun<T>(work, core.dispatcher, batch.maxInflight, (results, failed) => {
		core.batches -= 1;
		finish(results, failed);
	});
	core.batches += 1;
	const signal = batch.signal ?? view.signal;
	if (signal?.aborted && work.items > 0) {
		run.cancel(() => aborted(signal));
		return;
	}
	if (signal !== undefined) run.onSettled = onAbort(signal, () => run.cancel(() => aborted(signal)));
	const timeoutMs = batch.timeoutMs ?? view.timeoutMs;
	if (timeoutMs > 0 && blockMs !== Number.POSITIVE_INFINITY) core.clock.add(run, timeoutMs + blockMs);
	run.start();
}
