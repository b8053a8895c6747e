/** What `mget`, `setMany`, `delMany` and `existsMany` are, as work for a batch. */
import { type BatchWork, windowOf } from "../batch/batch.js";
import {
	type BatchCommand,
	type Chunk,
	groupBySlot,
	type KeyCommand,
	keyCommand,
	type LaneOf,
	planCommands,
	planKeys,
} from "../batch/plan.js";
import type { Core } from "../core.js";
import { type ClientError, InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { borrowFlag, CommandFlag, weightOf } from "../request.js";
import type { Argument } from "../resp/encode.js";
import { type Reply, ReplyMode } from "../resp/reply.js";
import { keySlot } from "../slot.js";
import { refuseRest } from "../util/options.js";
import { checkKey, type Limits } from "./arguments.js";

export interface BatchOptions {
	/** Keys in one chunk, the unit that is written and answered together. Default 256. */
	chunkSize?: number;
	/** The same as `chunkSize`. */
	batchSize?: number;
	/** Bytes of arguments in one chunk, strings counted by their characters. One item larger than this is a chunk alone. Default 1 MiB. */
	maxChunkBytes?: number;
	/** What a value read is expected to have; by default an average of those read before. Chunks shrink so that a reply stays near 16 MiB. */
	expectedValueBytes?: number;
	/** Unanswered chunks per connection. Default 2. */
	maxInflight?: number;
	signal?: AbortSignal;
	timeoutMs?: number;
}

/** A read's chunk should not be answered by much more than this. */
const REPLY_BYTES = 16 * 1024 * 1024;

export interface ResolvedBatchOptions {
	chunkSize: number;
	maxChunkBytes: number;
	maxInflight: number;
	expectedValueBytes: number | undefined;
	signal: AbortSignal | undefined;
	timeoutMs: number | undefined;
	partial: boolean;
}

/** Options of a batch, and the fields that are not its own. */
interface Resolved {
	readonly batch: Readonly<ResolvedBatchOptions>;
	readonly rest: Readonly<Record<string, unknown>>;
}

function defaults(): ResolvedBatchOptions {
	return {
		chunkSize: 256,
		maxChunkBytes: 1024 * 1024,
		maxInflight: 2,
		expectedValueBytes: undefined,
		signal: undefined,
		timeoutMs: undefined,
		partial: false,
	};
}

const withoutOptions: Resolved = { batch: defaults(), rest: {} };

/**
 * Checks batch options; fields that are not theirs come back in `rest`.
 * @throws INVALID_OPTION, naming the field
 */
export function resolveBatchOptions(options: object | undefined): Resolved {
	if (options === undefined) return withoutOptions;
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	const batch = defaults();
	const rest: Record<string, unknown> = {};
	for (const [field, value] of Object.entries(options)) {
		const known = field === "batchSize" ? "chunkSize" : field;
		if (!Object.hasOwn(batch, known)) rest[field] = value;
		else if (value !== undefined) (batch as unknown as Record<string, unknown>)[known] = checkField(field, value);
	}
	return { batch, rest };
}

export function refuseUnknown(rest: Record<string, unknown>): void {
	refuseRest("this batch", rest);
}

function checkField(field: string, value: unknown): unknown {
	if (field === "signal") {
		if (!(value instanceof AbortSignal)) throw new InvalidOptionError(field, "must be an AbortSignal");
	} else if (field === "partial") {
		if (typeof value !== "boolean") throw new InvalidOptionError(field, "must be true or false");
	} else {
		const least = field === "timeoutMs" ? 0 : 1;
		if (!Number.isSafeInteger(value) || (value as number) < least) {
			throw new InvalidOptionError(field, `must be an integer from ${least}`);
		}
	}
	return value;
}

/** @throws INVALID_ARGUMENT with the index of the key in the list */
export function checkKeys(keys: unknown, limits: Limits): Argument[] {
	if (!Array.isArray(keys)) throw new InvalidArgumentError(0, "keys must be an array");
	const checked = new Array<Argument>(keys.length);
	for (let i = 0; i < keys.length; i++) checked[i] = checkKey(keys[i], i, limits);
	return checked;
}

export function mgetWork<T>(core: Core, keys: Argument[], mode: ReplyMode, options: ResolvedBatchOptions): BatchWork<T> {
	const flags = CommandFlag.readOnly | CommandFlag.keyed | CommandFlag.combined;
	const kind: KeyCommand = { name: "MGET", flags: flags | CommandFlag.splittable, mode, elementPerKey: true };
	const single: KeyCommand = { name: "GET", flags, mode, elementPerKey: false };
	const valueBytes = options.expectedValueBytes ?? core.valueBytes;
	const fitting = valueBytes > 0 ? Math.max(1, Math.floor(REPLY_BYTES / valueBytes)) : options.chunkSize;
	return {
		name: "MGET",
		...keyWork(core, keys, kind, single, { keys: Math.min(options.chunkSize, fitting), bytes: options.maxChunkBytes }),
		take({ items, elements }, reply, results) {
			if (elements === 0) {
				results[items[0] as number] = reply as T;
				return;
			}
			const values = reply as T[];
			for (let i = 0; i < items.length; i++) results[items[i] as number] = values[i] as T;
		},
		finished(results) {
			core.valueBytes = averageBytes(core.valueBytes, results);
		},
		// MGET answers null for a key that holds no string; a GET in its place does the same.
		pardon: ({ elements }, error) => (elements === 0 && error.code === "WRONGTYPE" ? null : undefined),
	};
}

/** Commands that count keys. */
export type CountName = "DEL" | "UNLINK" | "EXISTS" | "TOUCH";

/** `onCount` gets what each command answers; a key's own result is only whether its part was answered. */
export function countWork(
	core: Core,
	name: CountName,
	keys: Argument[],
	options: ResolvedBatchOptions,
	onCount: (count: number) => void,
): BatchWork<true> {
	const reads = name === "EXISTS" || name === "TOUCH";
	const flags = CommandFlag.keyed | CommandFlag.combined | (reads ? CommandFlag.readOnly : 0);
	const single: KeyCommand = { name, flags, mode: ReplyMode.string, elementPerKey: false };
	const kind = { ...single, flags: flags | CommandFlag.splittable };
	return {
		name,
		...keyWork(core, keys, kind, single, { keys: options.chunkSize, bytes: options.maxChunkBytes }),
		take({ items }, reply, results) {
			onCount(reply as number);
			for (const item of items) results[item] = true;
		},
	};
}

function keyWork(
	core: Core,
	keys: Argument[],
	kind: KeyCommand,
	single: KeyCommand,
	limits: { keys: number; bytes: number },
): Pick<BatchWork<never>, "items" | "window" | "slots" | "laneOf" | "plan" | "split"> {
	const { dispatcher } = core;
	const { keyGroups } = dispatcher;
	const slots = keyGroups === 1 ? null : new Int32Array(keys.length);
	if (slots !== null) for (let i = 0; i < keys.length; i++) slots[i] = keySlot(keys[i] as Argument) % keyGroups;
	const laneOf: LaneOf = (slot, flags) => dispatcher.lane(slot, flags);
	return {
		items: keys.length,
		window: windowOf(limits.keys),
		slots,
		laneOf: (item) => dispatcher.lane(slots?.[item] ?? -1, kind.flags),
		plan: (order, from, to) => planKeys(kind, keys, groupBySlot(slots, order, from, to), laneOf, limits),
		split({ items, slot }, parts) {
			const size = Math.ceil(items.length / parts);
			return Array.from({ length: Math.ceil(items.length / size) }, (_, part) => {
				const some = items.slice(part * size, (part + 1) * size);
				return keyCommand(some.length > 1 ? kind : single, keys, slot, some);
			});
		},
	};
}

export function singleCommand(
	args: Argument[],
	slot: number,
	flags: number,
	mode: ReplyMode,
	item: number,
	blockMs = 0,
): BatchCommand {
	const bytes = weightOf(args);
	return { args, slot, flags: flags | borrowFlag(args), mode, elements: 0, target: null, bytes, blockMs, items: [item] };
}

/** Commands that answer one item each. */
export function commandWork<T>(
	core: Core,
	items: number,
	command: (item: number) => BatchCommand,
	slotOf: (item: number) => number,
	options: ResolvedBatchOptions,
	take: (command: BatchCommand, reply: Exclude<Reply, ClientError>, results: (T | ClientError)[]) => void,
): BatchWork<T> {
	const laneOf: LaneOf = (slot, flags) => core.dispatcher.lane(slot, flags);
	const limits = { keys: options.chunkSize, bytes: options.maxChunkBytes };
	return {
		items,
		window: windowOf(limits.keys),
		// Each is a command of its own, and keeps its place: one that has no slot may belong to those around it.
		slots: null,
		laneOf: (item) => laneOf(slotOf(item), 0),
		plan(order, from, to): Chunk[][] {
			const commands = new Array<BatchCommand>(to - from);
			for (let i = from; i < to; i++) commands[i - from] = command(order === null ? i : (order[i] as number));
			return planCommands(commands, laneOf, limits);
		},
		take,
	};
}

/** Weighs in the values of one batch; a sample is enough to size chunks. */
function averageBytes(before: number, values: readonly unknown[]): number {
	let bytes = 0;
	let count = 0;
	const step = Math.max(1, values.length >> 3);
	for (let i = 0; i < values.length; i += step) {
		const value = values[i];
		if (typeof value === "string" || Buffer.isBuffer(value)) {
			bytes += value.length;
			count += 1;
		}
	}
	if (count === 0) return before;
	const average = bytes / count;
	return before === 0 ? average : before + (average - before) / 8;
}
