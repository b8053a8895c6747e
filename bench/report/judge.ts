/** Whether a target is reached, by the results of a run. */
import type { Results } from "../../src/cli/bench/results.js";
import { type Best, bestOf, clients, type Found, isFound, lookUp, type Missing, peers } from "./rivals.js";
import type { Target } from "./targets.js";

export interface Judged {
	state: "reached" | "not reached";
	/** Of the medians: slotwire's by the other's. */
	ratio: number;
	/** Who the other is. */
	client: string;
	/** Those that failed, and so could not be the other. */
	failed: string[];
}

export type Verdict = Judged | Missing;

export function judge(target: Target, results: Results): Verdict {
	const { topology, workload, figure, bound } = target;
	const ours = lookUp(results, topology, workload, "slotwire");
	if (!isFound(ours)) return ours;
	const other = findReference(target, results);
	if (!isFound(other)) return other;
	const ratio = ours.summary[figure] / other.summary[figure];
	const reached = figure === "rate" ? ratio >= bound : ratio <= bound;
	return {
		state: reached ? "reached" : "not reached",
		ratio,
		client: other.client,
		failed: "failed" in other ? other.failed : [],
	};
}

function findReference({ topology, workload, against }: Target, results: Results): Best | Found | Missing {
	const name = against.workload ?? workload;
	if ("client" in against) return lookUp(results, topology, name, against.client);
	return bestOf(results, topology, name, against.best === "peer" ? peers : clients, against.by);
}

/** Two decimals, rounded to slotwire's disadvantage: what is not reached never looks as if it were. */
export function formatRatio({ figure }: Pick<Target, "figure">, ratio: number): string {
	// A ratio of exactly 1.1 is a hair more than 110 hundredths.
	const hundredths = figure === "rate" ? Math.floor(ratio * 100 + 1e-9) : Math.ceil(ratio * 100 - 1e-9);
	return (hundredths / 100).toFixed(2);
}
