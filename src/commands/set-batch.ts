/**
 * `setMany` as work for a batch: one SET per entry, each with its own options or the defaults.
 *
 * What a caller may change after the call has one of three ways to the server:
 *
 *     encoded    up to 4 MiB in a batch that is planned at once: the bytes for the wire are made at the call (`FrameWriter`)
 *     copied     the rest, and small values beside borrowed ones in a chunk: at the call, and encoded when they are written
 *     borrowed   Buffers of 16 KiB and more: written from the caller's memory, which is theirs again when the promise settles
 */
import { type BatchWork, isWhole, windowOf } from "../batch/batch.js";
import type { EncodedFrames, FrameWriter } from "../batch/frames.js";
import type { BatchCommand } from "../batch/plan.js";
import type { Core, View } from "../core.js";
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { borrowFlag, CommandFlag, weightOf } from "../request.js";
import { type Argument, checkArgument, snapshot } from "../resp/encode.js";
import type { ReplyMode } from "../resp/reply.js";
import { keySlot } from "../slot.js";
import { checkKey, type Key, type Value } from "./arguments.js";
import { commandWork, type ResolvedBatchOptions } from "./batches.js";
import { appendSetOptions, type SetOptions } from "./set-options.js";

/** Values of a batch up to here are encoded at the call; more are copied, and encoded when they are written. */
const ENCODED_BYTES = 4 * 1024 * 1024;

export type SetEntry<Options = SetOptions> = readonly [key: Key, value: Value, options?: Options];

/**
 * One SET per entry, each with its own options or the defaults. Kept as columns: of a million entries only those under way are commands.
 */
export function setWork<T>(
	core: Core,
	entries: unknown,
	setDefaults: SetOptions | undefined,
	view: Pick<View, "mode" | "limits">,
	options: ResolvedBatchOptions,
): BatchWork<T> {
	if (!Array.isArray(entries)) throw new InvalidArgumentError(0, "entries must be an array of [key, value]");
	// Wrong defaults are refused even where no entry uses them.
	const defaultTail = setTail(setDefaults);
	const { dispatcher } = core;
	const count = entries.length;
	const keys = new Array<Argument>(count);
	const values = new Array<Argument>(count);
	const tails: Argument[][] | null = entries.some((entry) => entry?.[2] !== undefined)
		? new Array(count).fill(defaultTail)
		: null;
	const slots = dispatcher.keyGroups > 1 ? new Int32Array(count) : null;
	// Whatever is not encoded by then is copied before the call returns.
	const limits = { ...view.limits, encodedAtOnce: true };
	let bytes = 0;
	let i = 0;
	try {
		for (; i < count; i++) {
			const entry: SetEntry = entries[i];
			if (!Array.isArray(entry) || entry.length < 2 || entry.length > 3) {
				throw new InvalidArgumentError(i, "it must be [key, value] or [key, value, options]");
			}
			keys[i] = checkKey(entry[0], 1, limits);
			values[i] = checkArgument(entry[1], 2, limits);
			bytes += (values[i] as Argument).length;
			if (tails !== null && entry[2] !== undefined) tails[i] = setTail(entry[2]);
			if (slots !== null) slots[i] = keySlot(keys[i] as Argument);
		}
	} catch (error) {
		throw ofEntry(i, error);
	}
	const encoded = isWhole(count, windowOf(options.chunkSize)) && bytes <= ENCODED_BYTES;
	if (!encoded) for (const column of [keys, values]) snapshotAll(column);
	const slotOf = (item: number): number => slots?.[item] ?? -1;
	const command = (item: number): SetCommand => {
		const args = ["SET", keys[item] as Argument, values[item] as Argument, ...(tails?.[item] ?? defaultTail)];
		return new SetCommand(args, slotOf(item), view.mode, item);
	};
	return {
		name: "SET",
		...commandWork<T>(core, count, command, slotOf, options, ({ items }, reply, results) => {
			results[items[0] as number] = reply as T;
		}),
		encode: (chunk) => (encoded ? encodeSets(chunk as SetCommand[], core.frameWriter) : null),
	};
}

/** Makes what callers may change their own; the same bytes in a row are copied once. */
function snapshotAll(column: Argument[]): void {
	let before: Argument = "";
	for (const [i, value] of column.entries()) {
		column[i] = i > 0 && value === before ? (column[i - 1] as Argument) : snapshot(value);
		before = value;
	}
}

/** One SET. Once it is encoded, that is the snapshot of what its caller may change: `args` are made of it when they are needed. */
class SetCommand implements BatchCommand {
	readonly slot: number;
	readonly flags: number;
	readonly mode: ReplyMode;
	readonly elements = 0;
	readonly target = null;
	readonly bytes: number;
	readonly blockMs = 0;
	readonly items: readonly number[];
	#args: readonly Argument[];
	#frames: EncodedFrames | null = null;
	#place = 0;

	constructor(args: readonly Argument[], slot: number, mode: ReplyMode, item: number) {
		this.#args = args;
		this.slot = slot;
		this.flags = CommandFlag.keyed | borrowFlag(args);
		this.mode = mode;
		this.bytes = weightOf(args);
		this.items = [item];
	}

	get args(): readonly Argument[] {
		const frames = this.#frames;
		if (frames !== null) {
			this.#frames = null;
			this.#args = this.#args.map((arg, at) => (typeof arg === "string" ? arg : frames.argument(this.#place, at)));
		}
		return this.#args;
	}

	/** Its bytes are the command at `place` in `frames`. */
	encoded(frames: EncodedFrames, place: number): void {
		this.#frames = frames;
		this.#place = place;
	}

	/** It was not encoded at the call: what may change is copied. */
	snapshot(): void {
		this.#args = this.#args.map(snapshot);
	}
}

/** Null where a value is borrowed: it is written by reference, from the caller's memory. */
function encodeSets(commands: readonly SetCommand[], writer: FrameWriter): EncodedFrames | null {
	if (commands.some(({ flags }) => (flags & CommandFlag.borrows) !== 0)) {
		for (const command of commands) command.snapshot();
		return null;
	}
	const frames = writer.encode(commands);
	for (const [place, command] of commands.entries()) command.encoded(frames, place);
	return frames;
}

function setTail(options: SetOptions | undefined): Argument[] {
	const tail: Argument[] = [];
	appendSetOptions(tail, options);
	return tail;
}

/** An error of an entry's arguments or options names the entry. */
function ofEntry(index: number, error: unknown): unknown {
	if (error instanceof InvalidArgumentError) return new InvalidArgumentError(index, `entry ${index}: ${error.message}`);
	if (error instanceof InvalidOptionError) {
		const reason = error.message.slice(error.field.length + 2);
		return new InvalidOptionError(error.field, `of entry ${index} ${reason}`);
	}
	return error;
}
