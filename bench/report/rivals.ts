/** Who a client's figures are compared with, and where they are. */
import { adapters } from "../../src/cli/bench/adapter.js";
import { type Cell, isMeasured, type Results, type Summary, summarize } from "../../src/cli/bench/results.js";
import type { Topology } from "../../src/cli/bench/workload.js";
import type { Figure } from "./targets.js";

/** Node's other clients: neither the floor, nor what runs in another runtime. */
export const peers: readonly string[] = adapters
	.filter(({ peer, runtime, floor }) => peer !== null && runtime === "node" && !floor)
	.map(({ name }) => name);

/** All but the floor, which is no client. */
export const clients: readonly string[] = adapters.filter(({ floor }) => !floor).map(({ name }) => name);

/** Why there is no figure. */
export interface Missing {
	state: "not measured" | "failed";
	why: string;
}

export interface Found {
	client: string;
	summary: Summary;
}

export function isFound<T extends object>(found: T | Missing): found is T {
	return !("why" in found);
}

export function findCell(results: Results, topology: Topology, name: string): Cell | undefined {
	return results.cells.find(({ workload }) => workload.topology === topology && workload.name === name);
}

export function lookUp(results: Results, topology: Topology, name: string, client: string): Found | Missing {
	const cell = findCell(results, topology, name);
	const outcome = cell?.outcomes[client];
	if (cell === undefined || outcome === undefined) return { state: "not measured", why: `${client} was not measured` };
	if ("unsupported" in outcome) return { state: "not measured", why: `${client} has no call for it` };
	if (!isMeasured(outcome)) return { state: "failed", why: `${client}: ${outcome.failed}` };
	return { client, summary: summarize(outcome, cell.workload) };
}

export interface Best extends Found {
	/** Candidates that failed: the best might have been one of them. */
	failed: string[];
}

/** Of those that were measured. */
export function bestOf(
	results: Results,
	topology: Topology,
	name: string,
	candidates: readonly string[],
	by: Figure,
): Best | Missing {
	const all = candidates.map((client) => ({ client, result: lookUp(results, topology, name, client) }));
	const failures = all.filter(({ result }) => !isFound(result) && result.state === "failed");
	const measured = all.map(({ result }) => result).filter(isFound);
	const [first, ...rest] = measured;
	if (first === undefined) return (failures[0]?.result as Missing) ?? { state: "not measured", why: "nobody else was measured" };
	const best = rest.reduce((one, other) => (isBetter(by, other.summary[by], one.summary[by]) ? other : one), first);
	return { ...best, failed: failures.map(({ client }) => client) };
}

function isBetter(figure: Figure, one: number, other: number): boolean {
	return figure === "rate" ? one > other : one < other;
}
