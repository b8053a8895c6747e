/** Options of calls for many keys, checked where no client does it. */
import { ClientError, InvalidOptionError } from "../errors.js";
import { checkInteger, refuseRest } from "../util/options.js";
import type { ManyOptions } from "./backend.js";
import { checkObject } from "./entry-options.js";

/**
 * A store in this process answers within the call: there is nothing to cut into chunks, and nothing to wait for.
 * @throws INVALID_OPTION; ABORTED
 */
export function checkManyOptions(options: ManyOptions | undefined): void {
	if (options === undefined) return;
	const { signal, timeoutMs, chunkSize, batchSize, maxChunkBytes, expectedValueBytes, ...rest } = checkObject(options);
	refuseRest("this call", rest);
	for (const [field, value] of Object.entries({ chunkSize, batchSize, maxChunkBytes, expectedValueBytes })) {
		if (value !== undefined) checkInteger(value, field, 1);
	}
	if (timeoutMs !== undefined) checkInteger(timeoutMs, "timeoutMs", 0);
	if (signal === undefined) return;
	if (!(signal instanceof AbortSignal)) throw new InvalidOptionError("signal", "must be an AbortSignal");
	if (signal.aborted) throw new ClientError("ABORTED", "the call was aborted", { cause: signal.reason });
}
