/** What a consumer of a stream is told. */
import type { Key, Value } from "../commands/arguments.js";
import { checkId, type StreamId } from "../commands/stream-words.js";
import { InvalidOptionError } from "../errors.js";
import { checkFlag, checkInteger, checkObject } from "../util/options.js";

export interface StreamConsumerOptions {
	/** The stream. */
	key: Key;
	group: string | Uint8Array;
	/** Its name in the group: one consumer at a time. After a restart the same name takes up what was not acknowledged before. */
	consumer: string | Uint8Array;
	/** Entries in one reply, and entries that wait here to be taken, at most. Default 100. */
	count?: number;
	/** Milliseconds the server waits for entries before it says that there are none; 0: until there are. Default 5000. */
	blockMs?: number;
	/**
	 * Claims what another consumer has had for so many milliseconds without acknowledging it; 0: never. Every consumer of a group should have
	 * the same, above the longest time that the work for an entry takes. Default 60000.
	 */
	minIdleMs?: number;
	/** Milliseconds from one search for such entries to the next. By default half of `minIdleMs`. */
	claimIntervalMs?: number;
	/** Creates the group where it is missing, at the start and whenever it was lost. Without it NOGROUP ends the iteration. */
	createGroup?: {
		/** Behind which it reads: `"0"` for all there is, `"$"` for what is added from now on. */
		id: StreamId;
		/** Also the stream. Default true. */
		mkstream?: boolean;
	};
	/** Acknowledges each entry when the loop asks for the next one. The last before `break` or an error stays pending. Default false. */
	autoAck?: boolean;
	/** Milliseconds in which an acknowledgement is tried again while the server cannot be reached. Default 30000. */
	ackTimeoutMs?: number;
	/** Entries handed out and not acknowledged, at which no more are read. Default 65536. */
	maxUnacked?: number;
	/** Ends the iteration with ABORTED. */
	signal?: AbortSignal;
}

export interface ConsumerSettings {
	readonly key: Key;
	readonly group: Value;
	readonly consumer: Value;
	readonly count: number;
	readonly blockMs: number;
	readonly minIdleMs: number;
	readonly claimIntervalMs: number;
	readonly createGroup: { readonly id: StreamId; readonly mkstream: boolean } | null;
	readonly autoAck: boolean;
	readonly ackTimeoutMs: number;
	readonly maxUnacked: number;
	readonly signal: AbortSignal | null;
}

const fields = [
	"key",
	"group",
	"consumer",
	"count",
	"blockMs",
	"minIdleMs",
	"claimIntervalMs",
	"createGroup",
	"autoAck",
	"ackTimeoutMs",
	"maxUnacked",
	"signal",
] as const;

/** @throws INVALID_OPTION, naming the field */
export function checkConsumerOptions(given: StreamConsumerOptions): ConsumerSettings {
	const options = checkObject("streamConsumer()", given, fields);
	const integer = (field: "count" | "blockMs" | "minIdleMs" | "ackTimeoutMs" | "maxUnacked", least: number, otherwise: number) =>
		options[field] === undefined ? otherwise : checkInteger(options[field], field, least);
	const minIdleMs = integer("minIdleMs", 0, 60_000);
	if (options.claimIntervalMs !== undefined && minIdleMs === 0)
		throw new InvalidOptionError("claimIntervalMs", "contradicts a minIdleMs of 0");
	if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
		throw new InvalidOptionError("signal", "must be an AbortSignal");
	return {
		key: checkName(options.key, "key"),
		group: checkName(options.group, "group"),
		consumer: checkName(options.consumer, "consumer"),
		count: integer("count", 1, 100),
		blockMs: integer("blockMs", 0, 5000),
		minIdleMs,
		claimIntervalMs:
			options.claimIntervalMs === undefined
				? Math.max(1, Math.ceil(minIdleMs / 2))
				: checkInteger(options.claimIntervalMs, "claimIntervalMs", 1),
		createGroup: checkCreateGroup(options.createGroup),
		autoAck: checkFlag(options.autoAck, "autoAck"),
		ackTimeoutMs: integer("ackTimeoutMs", 0, 30_000),
		maxUnacked: integer("maxUnacked", 1, 65_536),
		signal: options.signal ?? null,
	};
}

/** Its own copy: what the caller lent may change. */
function checkName(name: unknown, field: string): Key {
	if (typeof name !== "string" && !(name instanceof Uint8Array)) {
		throw new InvalidOptionError(field, "must be a string, a Buffer or a Uint8Array");
	}
	if (name.length === 0 && field !== "key") throw new InvalidOptionError(field, "must not be empty");
	return typeof name === "string" ? name : Buffer.from(name);
}

function checkCreateGroup(given: StreamConsumerOptions["createGroup"]): ConsumerSettings["createGroup"] {
	if (given === undefined) return null;
	if (typeof given !== "object" || given === null) throw new InvalidOptionError("createGroup", "must be an object");
	for (const field of Object.keys(given)) {
		if (field !== "id" && field !== "mkstream") throw new InvalidOptionError(`createGroup.${field}`, "is unknown");
	}
	const { id, mkstream = true } = given;
	return { id: checkId(id, "createGroup.id") as StreamId, mkstream: checkFlag(mkstream, "createGroup.mkstream") };
}
