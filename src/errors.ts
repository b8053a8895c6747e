/**
 * Every error this package gives out. Match on `code`; messages are for people.
 * Messages name node, command and slot, never a value or a secret.
 */

/** The codes of {@link ClientError}; a {@link ReplyError} carries the server's own first word instead. */
export type ErrorCode =
	| "INVALID_ARGUMENT"
	| "INVALID_OPTION"
	| "CROSSSLOT"
	| "CONNECTION"
	| "AUTH"
	| "TIMEOUT"
	| "ABORTED"
	| "PROTOCOL"
	| "OVERLOADED"
	| "CLOSED"
	| "CLUSTER"
	| "BATCH"
	| "TARGET_TOO_SMALL"
	| "UNSUPPORTED"
	| "WATCH";

export class ClientError extends Error {
	readonly code: string;
	/**
	 * Stands on the error of a command that was handed to a socket: `true` when the server may have executed it,
	 * `false` when it certainly did not. Absent when nothing was sent.
	 */
	declare maybeExecuted?: boolean;

	constructor(code: ErrorCode | (string & {}), message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}

	static {
		ClientError.prototype.name = "ClientError";
	}
}

/** An argument of a command was refused before any byte of its call was queued. `index` counts from the command name, 0. */
export class InvalidArgumentError extends ClientError {
	readonly index: number;

	constructor(index: number, message: string) {
		super("INVALID_ARGUMENT", message);
		this.index = index;
	}
}

/** An option was refused; `field` is its path, such as `pool.shared`. */
export class InvalidOptionError extends ClientError {
	readonly field: string;

	constructor(field: string, message: string) {
		super("INVALID_OPTION", `${field}: ${message}`);
		this.field = field;
	}
}

/** The bytes received are not RESP, or answer nothing that was asked. The connection that read them is destroyed. */
export class ProtocolError extends ClientError {
	constructor(message: string, options?: ErrorOptions) {
		super("PROTOCOL", message, options);
	}

	/** The same error without the bytes that it quotes: they may be a value. */
	withoutBytes(): ProtocolError {
		const [message] = this.message.split("; received ") as [string];
		return message === this.message ? this : new ProtocolError(message);
	}
}

/** The server is of another kind than the client was made for; no retry mends that. */
export class WrongModeError extends ClientError {
	constructor(message: string, options?: ErrorOptions) {
		super("CLUSTER", message, options);
	}
}

/** Where servers begin to quote arguments: of commands they do not know, and of rules for users, passwords among them. */
const ECHO = /, with args beginning with:|(ACL SETUSER modifier) '|(Invalid argument) '/;

/** An error reply of the server. `code` is its first word (`WRONGTYPE`, `MOVED`, `OOM` …), `message` the whole line. */
export class ReplyError extends ClientError {
	constructor(message: string) {
		const space = message.indexOf(" ");
		super(space === -1 ? message : message.slice(0, space), message);
	}

	static {
		ReplyError.prototype.name = "ReplyError";
	}

	/** The same error without the arguments that a server echoed: they may be secrets. */
	withoutArguments(): ReplyError {
		const echo = ECHO.exec(this.message);
		return echo === null ? this : new ReplyError(this.message.slice(0, echo.index + (echo[1] ?? "").length));
	}
}

/** `getInto` met a value longer than its target; `needed` is the value's length in bytes. */
export class TargetTooSmallError extends ClientError {
	readonly needed: number;

	constructor(needed: number, available: number) {
		super("TARGET_TOO_SMALL", `the value has ${needed} bytes, the target holds ${available}`);
		this.needed = needed;
	}
}

/** Some items of a batch failed. `results` has one entry per item, in the order they were given: its result or its error. */
export class BatchError<T = unknown> extends ClientError {
	declare readonly results: (T | ClientError)[];
	/** `delMany` and `existsMany` only: the sum over the parts that answered. */
	declare readonly total?: number;

	constructor(results: (T | ClientError)[], total?: number) {
		const failed = results.filter((result) => result instanceof ClientError) as ClientError[];
		const first = failed[0];
		super("BATCH", `${failed.length} of ${results.length} items failed, the first with ${first?.code}`, { cause: first });
		// Not enumerable: whoever logs the error does not log the values of what worked.
		Object.defineProperty(this, "results", { value: results });
		if (total !== undefined) Object.assign(this, { total });
	}
}
