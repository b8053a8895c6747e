import fc from "fast-check";
import { expect, test } from "vitest";
import {
	type BatchCommand,
	type Chunk,
	type ChunkLimits,
	groupBySlot,
	type KeyCommand,
	planCommands,
	planKeys,
	sortedBySlot,
} from "../../../src/batch/plan.js";
import { ReplyMode } from "../../../src/resp/reply.js";
import { keySlot } from "../../../src/slot.js";

const mget: KeyCommand = { name: "MGET", flags: 0, mode: ReplyMode.string, elementPerKey: true };
const wide: ChunkLimits = { keys: 256, bytes: 1024 * 1024 };

const slotsOf = (keys: readonly string[]): Int32Array => Int32Array.from(keys, (key) => keySlot(key));
/** Three nodes with a third of the slots each. */
const threeNodes = (slot: number): number => Math.floor((slot * 3) / 16_384);

function plan(keys: readonly string[], limits: ChunkLimits, laneOf: (slot: number) => unknown = threeNodes): Chunk[][] {
	return planKeys(mget, keys, groupBySlot(slotsOf(keys), null, 0, keys.length), laneOf, limits);
}

function keysIn(chunk: Chunk): number {
	return chunk.reduce((sum, { items }) => sum + items.length, 0);
}

function bytesIn(chunk: Chunk): number {
	return chunk.reduce((sum, { args }) => sum + args.slice(1).reduce((bytes, arg) => bytes + arg.length, 0), 0);
}

function keys(count: number, tag = ""): string[] {
	return Array.from({ length: count }, (_, index) => `${tag}key:${index}`);
}

/** Few different keys, so that duplicates and shared slots are common. */
const someKeys = fc.array(fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("{a}1", "{a}2", "{b}1", "b")), { maxLength: 60 });
const someLimits = fc.record({ keys: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 30 }) });

test("E01 every input index is answered by exactly one command, at the place of its key", () => {
	fc.assert(
		fc.property(someKeys, someLimits, (input, limits) => {
			const seen = new Array<number>(input.length).fill(0);
			for (const { args, items, elements } of plan(input, limits).flat(2)) {
				expect(args.slice(1)).toEqual(items.map((item) => input[item]));
				expect(elements).toBe(items.length);
				for (const item of items) seen[item] = (seen[item] as number) + 1;
			}
			expect(seen.every((times) => times === 1)).toBe(true);
		}),
	);
});

test("E01 every command has keys of one slot, its own, and every chunk commands of one lane", () => {
	fc.assert(
		fc.property(someKeys, someLimits, (input, limits) => {
			for (const chunks of plan(input, limits)) {
				const lanes = new Set<number>();
				for (const { args, slot } of chunks.flat()) {
					for (const key of args.slice(1)) expect(keySlot(key)).toBe(slot);
					lanes.add(threeNodes(slot));
				}
				expect(lanes.size).toBe(1);
			}
		}),
	);
});

test("E02 a key given twice travels on one lane, its places in input order", () => {
	fc.assert(
		fc.property(someKeys, someLimits, (input, limits) => {
			const lanesOfKey = new Map<string, Set<number>>();
			for (const [lane, chunks] of plan(input, limits).entries()) {
				const placesOfKey = new Map<string, number>();
				for (const item of chunks.flat().flatMap(({ items }) => items)) {
					const key = input[item] as string;
					lanesOfKey.set(key, (lanesOfKey.get(key) ?? new Set()).add(lane));
					expect(item).toBeGreaterThan(placesOfKey.get(key) ?? -1);
					placesOfKey.set(key, item);
				}
			}
			for (const lanes of lanesOfKey.values()) expect(lanes.size).toBe(1);
		}),
	);
});

test("E05 no chunk has more keys or bytes than allowed, except one key that is larger alone", () => {
	fc.assert(
		fc.property(someKeys, someLimits, (input, limits) => {
			for (const chunk of plan(input, limits).flat()) {
				expect(keysIn(chunk)).toBeLessThanOrEqual(limits.keys);
				if (keysIn(chunk) > 1) expect(bytesIn(chunk)).toBeLessThanOrEqual(limits.bytes);
			}
		}),
	);
});

test("E05 512 untagged keys on three lanes are three chunks", () => {
	expect(plan(keys(512), wide).map((chunks) => chunks.length)).toEqual([1, 1, 1]);
});

test.each([
	[1, 512],
	[7, 74],
	[256, 2],
	[1000, 1],
])("E05 512 keys of one slot in chunks of %i are %i chunks, of one command each", (chunkSize, count) => {
	const [chunks, ...others] = plan(keys(512, "{t}"), { ...wide, keys: chunkSize });
	expect(others).toEqual([]);
	expect(chunks).toHaveLength(count);
	for (const chunk of chunks as Chunk[]) expect(chunk).toHaveLength(1);
	expect((chunks as Chunk[]).flat().flatMap(({ items }) => items)).toEqual(Array.from({ length: 512 }, (_, index) => index));
});

test("E05 a group that does not fit into the rest of a chunk fills it and goes on in the next", () => {
	const input = [...keys(5, "{a}"), ...keys(5, "{b}")];
	const chunks = plan(input, { ...wide, keys: 7 }, () => "one")[0] as Chunk[];
	expect(chunks.map((chunk) => chunk.map(({ items }) => items.length))).toEqual([[5, 2], [3]]);
});

test("E05 keys are cut by bytes; one that is too large is a chunk alone", () => {
	const input = [60, 60, 30, 200, 10].map((length, index) => `{t}${index}`.padEnd(length, "x"));
	const chunks = plan(input, { keys: 256, bytes: 100 })[0] as Chunk[];
	expect(chunks.map(bytesIn)).toEqual([60, 90, 200, 10]);
});

test("E02 writes of one lane keep their order over all its chunks", () => {
	fc.assert(
		fc.property(someKeys, someLimits, (input, limits) => {
			const commands = input.map((key, index) => set(key, index));
			const lanes = planCommands(commands, threeNodes, limits);
			for (const chunks of lanes) {
				const order = chunks.flat().flatMap(({ items }) => items);
				expect(order).toEqual(order.toSorted((a, b) => a - b));
			}
			expect(lanes.flat(2)).toHaveLength(input.length);
		}),
	);
});

test("E05 writes are cut by count and by bytes of all arguments", () => {
	const commands = Array.from({ length: 10 }, (_, index) => set("{t}", index, 97));
	const byCount = planCommands(commands, threeNodes, { keys: 4, bytes: 1e6 })[0] as Chunk[];
	expect(byCount.map(keysIn)).toEqual([4, 4, 2]);
	// SET {t} and 97 bytes are 103.
	const byBytes = planCommands(commands, threeNodes, { keys: 256, bytes: 309 })[0] as Chunk[];
	expect(byBytes.map(keysIn)).toEqual([3, 3, 3, 1]);
	const oneByOne = planCommands(commands, threeNodes, { keys: 256, bytes: 1 })[0] as Chunk[];
	expect(oneByOne.map(keysIn)).toEqual(new Array(10).fill(1));
});

test("E05 only the window asked for is grouped", () => {
	const input = keys(50, "{t}");
	expect(groupBySlot(slotsOf(input), null, 10, 13)).toEqual([{ slot: keySlot("{t}"), items: [10, 11, 12] }]);
	expect(groupBySlot(null, null, 10, 13)).toEqual([{ slot: -1, items: [10, 11, 12] }]);
	const order = Int32Array.of(40, 3, 17, 8);
	expect(groupBySlot(slotsOf(input), order, 1, 3)).toEqual([{ slot: keySlot("{t}"), items: [3, 17] }]);
	expect(groupBySlot(null, order, 1, 3)).toEqual([{ slot: -1, items: [3, 17] }]);
});

function set(key: string, item: number, valueBytes = 1): BatchCommand {
	const args = ["SET", key, "v".repeat(valueBytes)];
	const bytes = args.reduce((sum, arg) => sum + arg.length, 0);
	return {
		args,
		slot: keySlot(key),
		flags: 0,
		mode: ReplyMode.string,
		elements: 0,
		target: null,
		bytes,
		blockMs: 0,
		items: [item],
	};
}

test("E05 items sorted by slot: slots in order, those without one first, and items of a slot in their own order", () => {
	fc.assert(
		fc.property(fc.array(fc.constantFrom(-1, 0, 1, 7, 16_383), { maxLength: 200 }), (slots) => {
			const expected = slots.map((_, item) => item).sort((a, b) => slots[a]! - slots[b]! || a - b);
			expect([...sortedBySlot(Int32Array.from(slots))]).toEqual(expected);
		}),
	);
});
