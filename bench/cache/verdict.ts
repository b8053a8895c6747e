/** Whether slotwire's cache is as fast as it must be. */
import { type Cell, isMeasured, type Measured, type Results, ratioWithinRounds, summarize } from "../../src/cli/bench/results.js";
import { caches } from "./driver.js";
import type { CacheWorkload } from "./workload.js";

export type CacheResults = Results<CacheWorkload>;

/** The least ratio of requests a second to the best peer's. */
const BOUNDS: Record<CacheWorkload["call"], number> = { getOrSet: 1, getOrSetMany: 2 };

export interface CacheVerdict {
	readonly workload: CacheWorkload;
	readonly bound: number;
	/** The peer with the most requests a second; null: none was measured. */
	readonly peer: string | null;
	/** The median of the ratios within the rounds, by row of slotwire. */
	readonly ratios: Record<string, number>;
	readonly failed: readonly string[];
}

export function judgeCell({ workload, outcomes }: Cell<CacheWorkload>): CacheVerdict {
	const of = (kind: "slotwire" | "peer") =>
		caches.flatMap(({ name, kind: its }): [string, Measured][] => {
			const outcome = outcomes[name];
			return its === kind && isMeasured(outcome) ? [[name, outcome]] : [];
		});
	const [best = null] = of("peer").sort(([, one], [, other]) => rate(other, workload) - rate(one, workload));
	const ratios = best === null ? [] : of("slotwire").map(([name, ours]) => [name, ratioWithinRounds(ours, best[1])]);
	const failed = Object.entries(outcomes).flatMap(([name, outcome]) => ("failed" in outcome ? [name] : []));
	return { workload, bound: BOUNDS[workload.call], peer: best?.[0] ?? null, ratios: Object.fromEntries(ratios), failed };
}

function rate(measured: Measured, workload: CacheWorkload): number {
	return summarize(measured, workload).rate;
}

export const verdictColumns: readonly string[] = ["workload", "topology", "wanted", ...slotwires(), "best peer", ""];

/** A line for each cell, in the order of `verdictColumns`. What is not reached never looks as if it were. */
export function verdictLines({ cells }: CacheResults): string[][] {
	return cells.map(judgeCell).map(({ workload, bound, peer, ratios, failed }) => {
		const values = slotwires().map((name) => (ratios[name] === undefined ? "–" : `${floor(ratios[name]).toFixed(2)} x`));
		const own = ratios.slotwire;
		const state = own === undefined ? "not measured" : own >= bound ? "reached" : "not reached";
		const word = failed.length === 0 ? state : `${state} (failed: ${failed.join(", ")})`;
		return [workload.name, workload.topology, `≥ ${bound} x`, ...values, peer ?? "–", word];
	});
}

function slotwires(): string[] {
	return caches.filter(({ kind }) => kind === "slotwire").map(({ name }) => name);
}

function floor(ratio: number): number {
	return Math.floor(ratio * 100 + 1e-9) / 100;
}
