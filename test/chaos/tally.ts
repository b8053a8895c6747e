/** What one client did since it was asked last. */
export interface Tally {
	calls: number;
	/** Values and writes, single and in batches. */
	items: number;
	errors: Record<string, number>;
	/** Items that may or may not have been written. */
	unknown: number;
	/** Received by subscriptions. */
	messages: number;
	/** Told to subscriptions. */
	gaps: number;
	/** Handed out by consumers of streams, */
	entries: number;
	/** and as ones that somebody may have had before. */
	redelivered: number;
	/** Of calls that only shards without a fault had a part in, in milliseconds. */
	healthy: { p50: number; p99: number; max: number };
	/** Of all calls. */
	all: { p50: number; p99: number; max: number };
	/** After a collection. */
	heapMiB: number;
	rssMiB: number;
	sockets: number;
}

/** What the parts of a load count as they go. */
export type Counts = Pick<Tally, "items" | "unknown" | "messages" | "gaps" | "entries" | "redelivered">;

export function noCounts(): Counts {
	return { items: 0, unknown: 0, messages: 0, gaps: 0, entries: 0, redelivered: 0 };
}
