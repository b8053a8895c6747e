/** The rows of both tables before they are measured: what is read, in which way, by whom. */
import { type Shape, type Topology, type Workload, workload } from "../../src/cli/bench/workload.js";

export type TableName = "baseline" | "ab";

/** One row to be. */
export interface Job {
	readonly variant: string;
	readonly client: string;
	readonly workload: Workload;
}

/** Rows that are compared with each other, and therefore measured round by round in turn. */
export interface Group {
	readonly table: TableName;
	/** `cluster-3 untagged: 128 keys of 2KiB` */
	readonly name: string;
	readonly topology: Topology;
	readonly jobs: readonly Job[];
}

/** What is read. */
type Subject = Pick<Workload, "topology" | "tagged" | "keys" | "valueBytes">;

const KIB = 1024;
const KEYS = [32, 64, 128, 256];
const SIZES = [512, 2 * KIB, 8 * KIB];
/** The size at which everything else is varied. */
const MIDDLE_SIZE = 2 * KIB;
const CHUNKS = [64, 128, 256];
const POOLS = [1, 2, 4];

/** What slotwire does unless it is told otherwise. */
export const DEFAULT_CHUNK = 256;
export const DEFAULT_POOL = 1;

/**
 * Three ways of reading the values of a request, and the clients that show them. An awaited loop costs every client one round trip a key:
 * two are enough.
 */
const WAYS = [
	{ call: "loop", clients: ["slotwire", "ioredis"] },
	{ call: "concurrent", clients: ["slotwire", "ioredis", "node-redis"] },
	{ call: "mget", clients: ["slotwire", "ioredis", "node-redis", "glide"] },
] as const;

function baseline(subject: Subject): Group {
	const jobs = WAYS.flatMap(({ call, clients }) =>
		clients.map((client) => ({ variant: call, client, workload: build({ ...subject, call }) })),
	);
	return { table: "baseline", name: nameOf(subject), topology: subject.topology, jobs };
}

/** Null: not in the table. Smaller requests, and values of other sizes, are read with the defaults alone. */
function ab(subject: Subject): Group | null {
	const isLarge = subject.keys >= 128;
	const isMiddle = subject.valueBytes === MIDDLE_SIZE;
	if (subject.topology === "cluster-6" || !(isLarge || isMiddle)) return null;
	const pools = isLarge && isMiddle ? POOLS : [DEFAULT_POOL];
	const chunks = isLarge && isMiddle ? CHUNKS : [DEFAULT_CHUNK];
	const job = (variant: string, shape: Shape): Job => ({ variant, client: "slotwire", workload: build(shape) });
	const jobs = [
		// One GET at a time has no use for a second connection.
		job("A-loop", { ...subject, call: "loop" }),
		...pools.flatMap((poolSize) => [
			job("A-concurrent", { ...subject, call: "concurrent", poolSize }),
			...chunks.map((chunkSize) => job("B-mget", { ...subject, call: "mget", chunkSize, poolSize })),
		]),
	];
	return { table: "ab", name: nameOf(subject), topology: subject.topology, jobs };
}

/** How many rounds there are is for the run to say. */
function build(shape: Shape): Workload {
	return workload({ ...shape, rounds: 1 });
}

function nameOf({ topology, tagged, keys, valueBytes }: Subject): string {
	return `${topology} ${tagged ? "tagged" : "untagged"}: ${keys} keys of ${valueBytes} B`;
}

/** Topology by topology: servers are started once, and stopped when nothing is left for them. */
export function plan(): Group[] {
	const groups: Group[] = [];
	for (const topology of ["standalone", "cluster-3", "cluster-6"] as const) {
		// Tags keep the keys of a request on one node; a standalone server has no other.
		for (const tagged of topology === "standalone" ? [false] : [false, true]) {
			for (const valueBytes of SIZES) {
				for (const keys of KEYS) {
					const subject = { topology, tagged, keys, valueBytes };
					groups.push(baseline(subject));
					const compared = ab(subject);
					if (compared !== null) groups.push(compared);
				}
			}
		}
	}
	return groups;
}
