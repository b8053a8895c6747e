/** What one client did since it was asked last. */
export interface Tally {
	calls: number;
	/** Values and writes, single and in batches. */
	items: number;
	errors: Record<string, number>;
	/** Items that may or may not have been written. */
	unknown: number;
	/** Of calls that only shards without a fault had a part in, in milliseconds. */
	healthy: { p50: number; p99: number; max: number };
	/** Of all calls. */
	all: { p50: number; p99: number; max: number };
	/** After a collection. */
	heapMiB: number;
	rssMiB: number;
	sockets: number;
}
