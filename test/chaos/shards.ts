/** The keys of the run, and which third of the slots each belongs to. A shard keeps its slots; the nodes that serve it change. */
import { keySlot, SLOT_COUNT } from "../../src/slot.js";

export const SHARDS = 3;
/** Processes, each with keys of its own. */
export const CLIENTS = 4;
const REGISTERS = 40;
const COUNTERS = 8;

export function shardOf(slot: number): number {
	return [1, 2, SHARDS].findIndex((end) => slot < Math.round((end * SLOT_COUNT) / SHARDS));
}

export interface ShardKeys {
	registers: string[];
	counters: string[];
	/** Two keys of one slot that are only incremented together. */
	twins: [string, string];
}

/** The keys that one client writes and nobody else does, by shard. Half of a shard's registers are in one slot. */
export function keysOf(client: number): ShardKeys[] {
	return Array.from({ length: SHARDS }, (_, shard) => {
		const [tag] = keysIn(shard, 1, (i) => `{chaos:${client}:${i}}`);
		return {
			registers: [
				...Array.from({ length: REGISTERS / 2 }, (_, i) => `${tag}:${i}`),
				...keysIn(shard, REGISTERS / 2, (i) => `chaos:${client}:${i}`),
			],
			counters: keysIn(shard, COUNTERS, (i) => `chaos:${client}:${i}:n`),
			twins: [`${tag}:twin`, `${tag}:other`],
		};
	});
}

export interface ChannelNames {
	/** A sharded one in each shard. */
	sharded: string[];
	classic: string;
}

/** What one client publishes to and is subscribed to, and nobody else is. */
export function channelsOf(client: number): ChannelNames {
	const sharded = Array.from({ length: SHARDS }, (_, shard) => keysIn(shard, 1, (i) => `chaos:${client}:${i}:news`)[0]!);
	return { sharded, classic: `chaos:${client}:news` };
}

/** The streams that one client adds to and consumes, one in each shard. */
export function streamsOf(client: number): string[] {
	return Array.from({ length: SHARDS }, (_, shard) => keysIn(shard, 1, (i) => `chaos:${client}:${i}:log`)[0]!);
}

function keysIn(shard: number, count: number, name: (i: number) => string): string[] {
	const keys: string[] = [];
	for (let i = 0; keys.length < count; i++) if (shardOf(keySlot(name(i))) === shard) keys.push(name(i));
	return keys;
}
