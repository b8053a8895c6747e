/** What the benchmark must reach, as data: `judge.ts` evaluates it and RESULTS.md shows it. */
import type { Summary } from "../../src/cli/bench/results.js";
import { type Topology, workloads } from "../../src/cli/bench/workload.js";

/** Of `rate` more is better, of all others less. */
export type Figure = keyof Pick<Summary, "rate" | "cpu" | "p95" | "peakRss">;

/**
 * Whose figure slotwire's is divided by: a client, or the best by some figure of all peers (Node's other clients) or of all clients.
 * It is looked for in the same cell, or in that of another workload on the same topology.
 */
export type Reference = ({ readonly client: string } | { readonly best: "peer" | "client"; readonly by: Figure }) & {
	readonly workload?: string;
};

export interface Target {
	readonly topology: Topology;
	/** A workload's name. */
	readonly workload: string;
	readonly figure: Figure;
	readonly against: Reference;
	/** The least ratio of rates, the greatest of anything else. */
	readonly bound: number;
}

export interface TargetGroup {
	readonly title: string;
	readonly targets: readonly Target[];
}

/** The peer with the most requests a second; its CPU is what ours is compared with, also where another peer uses less. */
const bestPeer: Reference = { best: "peer", by: "rate" };
const leanestPeer: Reference = { best: "peer", by: "peakRss" };
const floor: Reference = { client: "floor" };
const bun: Reference = { client: "bun" };

function pair(topology: Topology, workload: string, rate: number, cpu: number, cpuOf: Reference): Target[] {
	return [
		{ topology, workload, figure: "rate", against: bestPeer, bound: rate },
		{ topology, workload, figure: "cpu", against: cpuOf, bound: cpu },
	];
}

const standalone: readonly Target[] = [
	...pair("standalone", "get-512B-x1", 0.97, 1.1, floor),
	...pair("standalone", "get-64B-x16", 2, 1.2, floor),
	...pair("standalone", "get-512B-x256", 5, 1.5, floor),
	...pair("standalone", "mget-128-512B", 1.25, 1.5, floor),
	...pair("standalone", "mget-128-2KiB", 1.15, 1.35, floor),
	...pair("standalone", "mget-128-8KiB", 1.05, 1.2, floor),
	...pair("standalone", "setMany-128-512B", 1.9, 1.6, floor),
	...pair("standalone", "setMany-128-2KiB", 1.9, 1.6, floor),
	...pair("standalone", "get-1MiB-x4", 1.05, 0.9, bestPeer),
	...pair("standalone", "getInto-1MiB-x4", 1.15, 0.6, bestPeer),
	...pair("standalone", "set-1MiB-x4", 1.1, 0.8, bestPeer),
];

const againstBun: readonly Target[] = Object.entries({
	"get-512B-x1": 0.97,
	"get-64B-x16": 1.8,
	"get-512B-x256": 5,
	"mget-128-2KiB": 1.2,
	"setMany-128-2KiB": 0.9,
}).map(([workload, bound]) => ({ topology: "standalone", workload, figure: "rate", against: bun, bound }));

const clusters: readonly Target[] = (["cluster-3", "cluster-6"] as const).flatMap((topology): Target[] => [
	...pair(topology, "mget-128-2KiB-untagged", 3.5, 0.3, bestPeer),
	...pair(topology, "setMany-128-2KiB-untagged", 2.5, 0.35, bestPeer),
	{ topology, workload: "mget-128-2KiB-tagged", figure: "rate", against: bestPeer, bound: 1.2 },
]);

const tails: readonly Target[] = [
	...(["untagged", "tagged"] as const).flatMap((keys): Target[] => {
		const read = { topology: "cluster-3", workload: `mget-128-2KiB-${keys}`, figure: "p95" } as const;
		return [
			{ ...read, against: { best: "peer", by: "p95", workload: `concurrent-128-2KiB-${keys}` }, bound: 0.5 },
			{ ...read, against: { best: "client", by: "p95", workload: `loop-128-2KiB-${keys}` }, bound: 0.1 },
		];
	}),
	{
		topology: "cluster-3",
		workload: "mget-128-2KiB-tagged",
		figure: "p95",
		against: { client: "slotwire", workload: "concurrent-128-2KiB-tagged" },
		bound: 0.9,
	},
];

const memory: readonly Target[] = workloads
	.filter(({ standard }) => standard)
	.map(({ topology, name }) => ({ topology, workload: name, figure: "peakRss", against: leanestPeer, bound: 1.3 }));

export const targetGroups: readonly TargetGroup[] = [
	{ title: "One server", targets: standalone },
	{ title: "One server, against Bun's native client", targets: againstBun },
	{ title: "Clusters of 3 and of 6 primaries", targets: clusters },
	{ title: "The tail of a 128-key read on a cluster of 3", targets: tails },
	{ title: "Peak memory, every standard cell", targets: memory },
];
