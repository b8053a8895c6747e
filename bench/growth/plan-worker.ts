/**
 * What it costs to plan an `mget` of so many keys over so many primaries. `node plan-worker.js PRIMARIES KEYS` prints its figures as JSON.
 */
import { groupBySlot, type KeyCommand, planKeys } from "../../src/batch/plan.js";
import { SlotMap } from "../../src/cluster/slot-map.js";
import { CommandFlag } from "../../src/request.js";
import { ReplyMode } from "../../src/resp/reply.js";
import { keySlot } from "../../src/slot.js";
import { costOf } from "./cost.js";
import { evenRanges } from "./slots-reply.js";

export interface PlanFigures {
	/** CPU nanoseconds. */
	perKey: number;
	/** Each of them is a flight. */
	chunks: number;
}

const kind: KeyCommand = {
	name: "MGET",
	flags: CommandFlag.readOnly | CommandFlag.keyed | CommandFlag.splittable,
	mode: ReplyMode.buffer,
	elementPerKey: true,
};
const limits = { keys: 256, bytes: 1024 * 1024 };

const [primaries, count] = process.argv.slice(2).map(Number) as [number, number];
const map = new SlotMap<object>();
for (const { first, last } of evenRanges(primaries)) map.assign(first, last, {});
const keys = Array.from({ length: count }, (_, i) => `lm:growth:chunk:${1000 + i}`);

/** As `mget` does it: slots, groups, commands, chunks. */
function plan() {
	const slots = new Int32Array(keys.length);
	for (let i = 0; i < keys.length; i++) slots[i] = keySlot(keys[i]!);
	return planKeys(kind, keys, groupBySlot(slots, null, 0, keys.length), (slot) => map.get(slot), limits);
}

const figures: PlanFigures = { perKey: (costOf(plan) * 1000) / count, chunks: plan().flat().length };
process.stdout.write(JSON.stringify(figures));
