/** Something to be subscribed to: a channel, a pattern or a sharded channel. */
import type { Pending } from "./pending.js";

export type Kind = "channel" | "pattern" | "shard";

/** The commands of a kind. */
export const verbs = {
	channel: { subscribe: "SUBSCRIBE", unsubscribe: "UNSUBSCRIBE" },
	pattern: { subscribe: "PSUBSCRIBE", unsubscribe: "PUNSUBSCRIBE" },
	shard: { subscribe: "SSUBSCRIBE", unsubscribe: "SUNSUBSCRIBE" },
} as const;

/** What arrived on a topic, as it was on the wire. */
export interface Arrival {
	readonly topic: Topic;
	readonly channel: Buffer;
	readonly message: Buffer;
}

/** Whoever wants a topic's messages. Called within the decoder's pass: nothing of a caller's may run in it. */
export interface Sink {
	deliver(arrival: Arrival): void;
	/** Messages of these topics may have been lost. */
	gap(reason: GapReason, topics: readonly Topic[]): void;
	/** The server refuses a topic from now on. */
	fail(error: Error): void;
}

/**
 * Why messages may have been lost: the connection was, the node left the cluster or its rank of a primary, the slot went to another node, or
 * they came faster than they were read.
 */
export type GapReason = "connection-lost" | "node-left" | "slot-moved" | "overflow";

/**
 *     off ──► asked ──► on
 *      ▲────────┴────────┘  connection lost, slot moved, refused for now
 */
export class Topic {
	readonly kind: Kind;
	/** One character per byte. */
	readonly key: string;
	readonly name: Buffer;
	readonly text: string;
	/** Of a sharded channel on a cluster; -1: any node will do. */
	readonly slot: number;
	readonly sinks = new Set<Sink>();
	readonly pendings = new Set<Pending>();
	state: "off" | "asked" | "on" = "off";
	/** What its state hangs on: changes with each command that names it. */
	order: object | null = null;
	/** Refused for the time being: it waits before it is asked for again. */
	held = false;
	refusals = 0;
	/** When it was subscribed last, and how often in a row a server took it back soon after. */
	since = 0;
	bounces = 0;
	/** It was among several that were refused together. */
	alone = false;

	constructor(kind: Kind, name: Buffer, slot: number) {
		this.kind = kind;
		this.name = name;
		this.key = keyOf(name);
		this.text = name.toString();
		this.slot = slot;
	}
}

export function keyOf(name: Buffer): string {
	return name.toString("latin1");
}
