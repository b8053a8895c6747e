/** Which fault comes when: out of a seed, and of nothing else. */
import { Random } from "../support/random.js";
import { SHARDS } from "./shards.js";

export interface Step {
	/** From 1. */
	number: number;
	/** Rest before it, after the one before was over. */
	restMs: number;
	fault: string;
	/** The shard that it is about, and another one for faults that need two. */
	shard: number;
	other: number;
	/** From 0 to 1: how long or how hard, within what the fault allows. */
	force: number;
	/** For what a fault draws itself. */
	seed: number;
}

/** Without an end: every fault once in an order of its own, then all again in another. `first` comes before all, if it is one of them. */
export function* schedule(
	seed: number,
	faults: readonly string[],
	restMs: readonly [least: number, most: number],
	first: string | null = null,
): Generator<Step> {
	const random = new Random(seed);
	for (let number = 1; ; ) {
		const order = random.shuffled(faults);
		if (number === 1) order.sort((one, other) => Number(other === first) - Number(one === first));
		for (const fault of order) {
			const shard = random.between(0, SHARDS - 1);
			const other = (shard + random.between(1, SHARDS - 1)) % SHARDS;
			const step = { number, restMs: random.between(...restMs), fault, shard, other };
			yield { ...step, force: random.between(0, 100) / 100, seed: random.between(0, 0x7fffffff) };
			number += 1;
		}
	}
}
