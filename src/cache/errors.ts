/**
 * What goes wrong below a cache. The class says whose fault it is, `code` is that of the cause: a code of the client, or the server's word.
 *
 *     CacheError ─┬─ CacheConnectionError ── CacheTimeoutError    the store cannot be asked: a later try may succeed
 *                 └─ CacheOperationError ─── CacheBatchError      it was asked, and refused
 *
 * What the caller did wrong stays INVALID_ARGUMENT or INVALID_OPTION, and an aborted call stays ABORTED.
 */
import { BatchError, ClientError } from "../errors.js";

export class CacheError extends ClientError {
	constructor(code: string, message: string, options?: ErrorOptions) {
		super(code, message, options);
		const { maybeExecuted } = (options?.cause ?? {}) as Partial<ClientError>;
		if (maybeExecuted !== undefined) this.maybeExecuted = maybeExecuted;
	}

	static {
		CacheError.prototype.name = "CacheError";
	}
}

export class CacheConnectionError extends CacheError {
	static {
		CacheConnectionError.prototype.name = "CacheConnectionError";
	}
}

export class CacheTimeoutError extends CacheConnectionError {
	static {
		CacheTimeoutError.prototype.name = "CacheTimeoutError";
	}
}

export class CacheOperationError extends CacheError {
	static {
		CacheOperationError.prototype.name = "CacheOperationError";
	}
}

/** Some keys of a batch failed; `results` has what became of each, in the order of the keys: ABORTED among them where the caller gave up. */
export class CacheBatchError<T = unknown> extends CacheOperationError {
	declare readonly results: readonly (T | ClientError)[];

	constructor(message: string, results: readonly (T | ClientError)[], options?: ErrorOptions) {
		super("BATCH", message, options);
		// Not enumerable: whoever logs the error does not log the values of what worked.
		Object.defineProperty(this, "results", { value: results });
	}

	static {
		CacheBatchError.prototype.name = "CacheBatchError";
	}
}

/** The store cannot be asked; LOADING and the like: not now. */
const CONNECTION = new Set([
	"CONNECTION",
	"CLOSED",
	"CLUSTER",
	"AUTH",
	"NOAUTH",
	"WRONGPASS",
	"OVERLOADED",
	"PROTOCOL",
	"LOADING",
]);
const CONNECTION_REPLIES = new Set(["CLUSTERDOWN", "MASTERDOWN", "READONLY", "TRYAGAIN", "MOVED", "ASK"]);
const CALLERS = new Set(["INVALID_ARGUMENT", "INVALID_OPTION", "ABORTED", "CROSSSLOT"]);

/** What a failure of the client is to whoever asked a backend. */
export function cacheError(cause: unknown): ClientError {
	if (cause instanceof CacheError) return cause;
	if (cause instanceof BatchError) return batchError(cause);
	if (!(cause instanceof ClientError)) return new CacheOperationError("UNKNOWN", "an unexpected error", { cause });
	const { code, message } = cause;
	if (CALLERS.has(code)) return cause;
	if (code === "TIMEOUT") return new CacheTimeoutError(code, message, { cause });
	const kind = CONNECTION.has(code) || CONNECTION_REPLIES.has(code) ? CacheConnectionError : CacheOperationError;
	return new kind(code, message, { cause });
}

/** Of one key, or where nothing succeeded because the store could not be asked or the caller gave up, there is nothing to tell apart. */
function batchError(cause: BatchError): ClientError {
	const results = cause.results.map((result) => (result instanceof ClientError ? cacheError(result) : result));
	const [first] = results;
	if (results.length === 1 || results.every((result) => result instanceof CacheConnectionError || isAborted(result)))
		return first as ClientError;
	return new CacheBatchError(cause.message, results, { cause });
}

function isAborted(result: unknown): boolean {
	return result instanceof ClientError && result.code === "ABORTED";
}

/** Whether the store could not be asked, or not all of it: what a fallback, or another try, may mend. */
export function isConnectionError(error: unknown): boolean {
	if (error instanceof CacheBatchError) return error.results.some(isConnectionError);
	return error instanceof CacheConnectionError;
}
