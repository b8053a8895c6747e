/** What the conductor and its clients say to each other. Times are milliseconds of the clock that all processes of a machine share. */
import type { Tally } from "./tally.js";

export const clock = (): number => performance.timeOrigin + performance.now();

/** What a client is used for, each of which a fault may break for itself: calls, subscriptions, consumers of streams. */
export type Way = "calls" | "messages" | "entries";

export const SABOTAGES = ["desync", "double-send", "lost-settle", "deaf", "untold-gap", "twice", "lost-ack"] as const;
export type Sabotage = (typeof SABOTAGES)[number];

/** How a client is set up and how hard it works. */
export interface DriverSetup {
	index: number;
	url: string;
	protocol: 2 | 3;
	shared: number;
	deadlineMs: number;
	/** Loops that each have one call under way. */
	concurrency: number;
	/** Most milliseconds that a loop rests between two calls. */
	thinkMs: number;
	seed: number;
	sabotage: Sabotage | null;
}

/** Who serves a shard, past the proxies. */
export interface ShardNode {
	shard: number;
	host: string;
	port: number;
}

export type Order =
	/** A fault is about to begin at these shards; `steady` are those that the same servers serve all the while. */
	| { order: "expect"; shards: number[]; mayLose: boolean; steady: ShardNode[] }
	/** It has begun. */
	| { order: "begun"; step: number; at: number }
	/** It is over, recovery included: read the shards' keys at these nodes, which are the baseline from now on. */
	| { order: "rebase"; nodes: (ShardNode & { lossSince: number | null })[] }
	/** What ran so far was without a fault. */
	| { order: "calibrate" }
	/** Block the event loop. */
	| { order: "block"; ms: number }
	| { order: "tally" }
	| { order: "finish" };

export type Report =
	| { report: "ready" }
	/** The answer to an order; with `failed`, why it could not be followed. */
	| { report: "done"; lost?: number; tally?: Tally; failed?: string }
	/** The first success after a fault of what was broken at a shard, or anywhere. */
	| { report: "recovered"; way: Way; step: number; ms: number }
	/** What nothing excuses. */
	| { report: "wrong"; what: string }
	/** A call to shards that had no fault took too long, or one settled too long after its deadline: wrong unless the machine stood still. */
	| { report: "late"; what: string; from: number; to: number };
