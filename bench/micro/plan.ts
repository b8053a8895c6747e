import { groupBySlot, type KeyCommand, planKeys } from "../../src/batch/plan.js";
import { ReplyMode } from "../../src/resp/reply.js";
import { keySlot, SLOT_COUNT } from "../../src/slot.js";
import type { Suite } from "./suite.js";

const mget: KeyCommand = { name: "MGET", flags: 0, mode: ReplyMode.buffer, elementPerKey: true };
const limits = { keys: 256, bytes: 1024 * 1024 };
const PRIMARIES = 3;
/** Slots in equal ranges, as a fresh cluster has them. */
const laneOf = (slot: number): number => Math.floor((slot * PRIMARIES) / SLOT_COUNT);

/** What the planner is measured against: a Map of arrays of keys, and a command of each. */
function naive(keys: readonly string[], slots: Int32Array): string[][] {
	const groups = new Map<number, string[]>();
	for (let i = 0; i < keys.length; i++) {
		const slot = slots[i] as number;
		const group = groups.get(slot);
		if (group === undefined) groups.set(slot, [keys[i] as string]);
		else group.push(keys[i] as string);
	}
	return Array.from(groups.values(), (group) => ["MGET", ...group]);
}

function suite(count: number, tagged: boolean): () => Suite {
	return () => {
		const keys = Array.from({ length: count }, (_, i) => (tagged ? `lm:{17}:chunk:${10000 + i}` : `lm:17:chunk:${10000 + i}`));
		const slots = Int32Array.from(keys, (key) => keySlot(key));
		return {
			name: `plan ${count} ${tagged ? "tagged" : "untagged"} keys`,
			operations: count,
			cases: [
				{ name: "Map of arrays", run: () => naive(keys, slots) },
				{ name: "groupBySlot", run: () => groupBySlot(slots, null, 0, count) },
				{
					name: "groupBySlot, planKeys",
					run: () => planKeys(mget, keys, groupBySlot(slots, null, 0, count), laneOf, limits),
				},
			],
		};
	};
}

export const planSuites: (() => Suite)[] = [suite(128, false), suite(128, true), suite(8192, false), suite(8192, true)];
