import { expect, test } from "vitest";
import { SlotMap } from "../../../src/cluster/slot-map.js";
import { SLOT_COUNT } from "../../../src/slot.js";

test("D03 ranges include both ends", () => {
	const map = new SlotMap<string>();
	map.assign(100, 200, "a");
	map.assign(0, 0, "b");
	map.assign(16383, 16383, "c");
	expect([99, 100, 200, 201].map((slot) => map.get(slot))).toEqual([undefined, "a", "a", undefined]);
	expect([map.get(0), map.get(1), map.get(16382), map.get(16383)]).toEqual(["b", undefined, undefined, "c"]);
	expect(map.assigned).toBe(103);
});

test("an empty map serves nothing", () => {
	const map = new SlotMap<string>();
	expect(map.assigned).toBe(0);
	expect(map.shards).toEqual([]);
	for (let slot = 0; slot < SLOT_COUNT; slot++) expect(map.get(slot)).toBeUndefined();
});

test("D12 what is no slot names nobody", () => {
	const map = new SlotMap<string>();
	map.assign(0, 16383, "a");
	for (const wild of [-1, 16384, 65535, 1.5, Number.NaN]) expect(map.get(wild)).toBeUndefined();
});

test("one slot moves and its neighbours stay", () => {
	const map = new SlotMap<string>();
	map.assign(0, 16383, "a");
	map.assign(5061, 5061, "b");
	expect([map.get(5060), map.get(5061), map.get(5062)]).toEqual(["a", "b", "a"]);
	map.assign(5061, 5061, "a");
	expect(map.get(5061)).toBe("a");
	expect(map.shards).toEqual(["a", "b"]);
	expect(map.assigned).toBe(SLOT_COUNT);
});

test("every slot can have a shard of its own", () => {
	const map = new SlotMap<number>();
	for (let slot = 0; slot < SLOT_COUNT; slot++) map.assign(slot, slot, slot * 2);
	for (let slot = 0; slot < SLOT_COUNT; slot++) if (map.get(slot) !== slot * 2) throw new Error(`slot ${slot}`);
	expect(map.assigned).toBe(SLOT_COUNT);
});
