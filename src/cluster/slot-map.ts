/** Which shard serves a slot: one small integer per slot, so that a lookup is one array read and a MOVED changes exactly one slot. */
import { SLOT_COUNT } from "../slot.js";

const UNASSIGNED = 0xffff;

export class SlotMap<Shard> {
	readonly #shardOf = new Uint16Array(SLOT_COUNT).fill(UNASSIGNED);
	readonly #shards: Shard[] = [];

	get shards(): readonly Shard[] {
		return this.#shards;
	}

	/** The shard that serves `slot`; undefined when none is known. */
	get(slot: number): Shard | undefined {
		return this.#shards[this.#shardOf[slot] as number];
	}

	/** Gives the slots `start` to `end`, both included, to `shard`. */
	assign(start: number, end: number, shard: Shard): void {
		let id = this.#shards.indexOf(shard);
		if (id === -1) id = this.#shards.push(shard) - 1;
		this.#shardOf.fill(id, start, end + 1);
	}

	/** How many slots have a shard. */
	get assigned(): number {
		let count = 0;
		for (const id of this.#shardOf) if (id !== UNASSIGNED) count += 1;
		return count;
	}
}
