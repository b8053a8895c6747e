/**
 * Turns the items of a batch into commands and the commands into chunks. Pure.
 *
 *     items ──► commands: keys of one slot (one lane, on a standalone server) share a command
 *           ──► lanes: commands for one connection
 *           ──► chunks: what is written to it in one piece, cut by keys and by bytes
 *
 * A command remembers which items it answers, so results find their way back to input order.
 */
import { borrowFlag, type Command, CommandFlag } from "../request.js";
import type { Argument } from "../resp/encode.js";
import type { ReplyMode } from "../resp/reply.js";
import { SLOT_COUNT } from "../slot.js";

export interface BatchCommand extends Command {
	/** Indexes of the items it answers, in the order of its keys. */
	readonly items: readonly number[];
}

/** Commands written together, and answered together. */
export type Chunk = BatchCommand[];

export interface ChunkLimits {
	/** Keys in a chunk. */
	readonly keys: number;
	/** Bytes of arguments in a chunk, unless one item alone has more. Strings count by their characters. */
	readonly bytes: number;
}

/** How a multi-key command is made of keys. */
export interface KeyCommand {
	readonly name: string;
	readonly flags: number;
	readonly mode: ReplyMode;
	/** The reply has one element per key. */
	readonly elementPerKey: boolean;
}

/** What stands for the connection that commands of a slot, with these flags, go to. */
export type LaneOf = (slot: number, flags: number) => unknown;

/** Group of each slot while one plan is made; all -1 in between. */
const groupOfSlot = new Int32Array(SLOT_COUNT).fill(-1);

/**
 * The items `order[from]` to `order[to - 1]` (`order` null: those from `from` on) grouped by slot, groups in order of first appearance.
 * `slots` null: one group of all.
 */
export function groupBySlot(
	slots: Int32Array | null,
	order: Int32Array | null,
	from: number,
	to: number,
): { slot: number; items: number[] }[] {
	const groups: { slot: number; items: number[] }[] = [];
	if (slots === null) {
		const items = new Array<number>(to - from);
		for (let i = from; i < to; i++) items[i - from] = order === null ? i : (order[i] as number);
		return [{ slot: -1, items }];
	}
	for (let i = from; i < to; i++) {
		const item = order === null ? i : (order[i] as number);
		const slot = slots[item] as number;
		let group = groupOfSlot[slot] as number;
		if (group === -1) {
			group = groups.push({ slot, items: [] }) - 1;
			groupOfSlot[slot] = group;
		}
		(groups[group] as { items: number[] }).items.push(item);
	}
	for (const group of groups) groupOfSlot[group.slot] = -1;
	return groups;
}

/** Numbers of the items in the order of their slots, -1 first; those of one slot stay in their own order. */
export function sortedBySlot(slots: Int32Array): Int32Array {
	// Where the next item of each slot belongs, slot -1 at the front.
	const next = new Int32Array(SLOT_COUNT + 2);
	for (const slot of slots) (next[slot + 2] as number) += 1;
	for (let at = 1; at < next.length; at++) (next[at] as number) += next[at - 1] as number;
	const sorted = new Int32Array(slots.length);
	for (let item = 0; item < slots.length; item++) sorted[(next[(slots[item] as number) + 1] as number)++] = item;
	return sorted;
}

/** One multi-key command per group and chunk. A group larger than what is left of a chunk is cut there. */
export function planKeys(
	kind: KeyCommand,
	keys: readonly Argument[],
	groups: readonly { slot: number; items: number[] }[],
	laneOf: LaneOf,
	limits: ChunkLimits,
): Chunk[][] {
	const lanes = new LaneChunks(limits);
	for (const { slot, items } of groups) {
		const lane = lanes.of(laneOf(slot, kind.flags));
		for (let start = 0; start < items.length; ) {
			let end = start;
			let bytes = 0;
			const space = lanes.space(lane);
			while (end < items.length && end - start < space) {
				const more = (keys[items[end] as number] as Argument).length;
				if (end > start && bytes + more > limits.bytes) break;
				bytes += more;
				end += 1;
			}
			const taken = start === 0 && end === items.length ? items : items.slice(start, end);
			lanes.add(lane, keyCommand(kind, keys, slot, taken), taken.length, bytes);
			start = end;
		}
	}
	return lanes.all();
}

/** The command for some of the keys. */
export function keyCommand(kind: KeyCommand, keys: readonly Argument[], slot: number, items: readonly number[]): BatchCommand {
	const args = new Array<Argument>(items.length + 1);
	args[0] = kind.name;
	let bytes = kind.name.length;
	for (let i = 0; i < items.length; i++) {
		const key = keys[items[i] as number] as Argument;
		args[i + 1] = key;
		bytes += key.length;
	}
	const elements = kind.elementPerKey ? items.length : 0;
	// One key is not to be split any further.
	const flags = (items.length > 1 ? kind.flags : kind.flags & ~CommandFlag.splittable) | borrowFlag(args);
	return { args, slot, flags, mode: kind.mode, elements, target: null, bytes, blockMs: 0, items };
}

/** Chunks of commands that are one item each; commands for one lane keep their order. */
export function planCommands(commands: readonly BatchCommand[], laneOf: LaneOf, limits: ChunkLimits): Chunk[][] {
	const lanes = new LaneChunks(limits);
	for (const command of commands) lanes.add(lanes.of(laneOf(command.slot, command.flags)), command, 1, command.bytes);
	return lanes.all();
}

interface LaneState {
	readonly chunks: Chunk[];
	/** Keys and bytes in the last chunk. */
	keys: number;
	bytes: number;
}

class LaneChunks {
	readonly #limits: ChunkLimits;
	readonly #lanes = new Map<unknown, LaneState>();

	constructor(limits: ChunkLimits) {
		this.#limits = limits;
	}

	of(lane: unknown): LaneState {
		let state = this.#lanes.get(lane);
		if (state === undefined) {
			state = { chunks: [[]], keys: 0, bytes: 0 };
			this.#lanes.set(lane, state);
		}
		return state;
	}

	/** Keys that the next command of this lane may have: what the last chunk has room for, or a whole chunk. */
	space(state: LaneState): number {
		const left = this.#limits.keys - state.keys;
		return left > 0 && state.bytes < this.#limits.bytes ? left : this.#limits.keys;
	}

	add(state: LaneState, command: BatchCommand, keys: number, bytes: number): void {
		const full = state.keys + keys > this.#limits.keys || state.bytes + bytes > this.#limits.bytes;
		if (full && state.keys > 0) {
			state.chunks.push([]);
			state.keys = 0;
			state.bytes = 0;
		}
		(state.chunks[state.chunks.length - 1] as Chunk).push(command);
		state.keys += keys;
		state.bytes += bytes;
	}

	all(): Chunk[][] {
		return [...this.#lanes.values()].map((state) => state.chunks);
	}
}
