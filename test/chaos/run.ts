/** What a run leaves behind. */
import type { Sabotage } from "./messages.js";
import type { Step } from "./schedule.js";
import type { Tally } from "./tally.js";

export interface FaultRecord extends Step {
	shards: number[];
	/** Since the start of the run. */
	atMs: number;
	/** From the fault to the first success of each client at each of the shards. */
	recoveryMs: number[];
	/** To the first message of each channel, of those in the shards and of each client's one that is in none. */
	messagesMs: number[];
	/** To the first new entry of each stream in the shards. */
	entriesMs: number[];
	/** From the fault to the moment in which the cluster was whole and all keys were read again. */
	wholeMs: number;
	/** Shards with another primary than before. */
	promoted: number;
	/** Acknowledged writes that a failover lost. */
	lost: number;
}

export interface Sample extends Tally {
	atMs: number;
	client: number;
}

export interface Run {
	seed: number;
	minutes: number;
	nodeTimeoutMs: number;
	sabotage: Sabotage | null;
	startedAt: number;
	faults: FaultRecord[];
	samples: Sample[];
	/** Each of them fails the run. */
	wrong: string[];
	/** Late calls while the machine itself stood still. */
	excused: string[];
}
