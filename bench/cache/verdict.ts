/** Whether slotwire's cache is as fast as it must be. */
import { type Cell, isMeasured, type Measured, type Results, ratioWithinRounds, summarize } from "../../src/cli/bench/results.js";
import { type CacheEntry, caches } from "./driver.js";
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
	/** The same of slotwire to the best peer as it is installed; null: not measured. */
	readonly installed: number | null;
	readonly failed: readonly string[];
}

export function judgeCell({ workload, outcomes }: Cell<CacheWorkload>): CacheVerdict {
	const of = (kind: CacheEntry["kind"]) =>
		caches.flatMap((entry): Row[] => {
			const measured = outcomes[entry.name];
			return entry.kind === kind && isMeasured(measured) ? [{ entry, measured }] : [];
		});
	const peers = of("peer").sort((one, other) => rate(other.measured, workload) - rate(one.measured, workload));
	const [best] = peers;
	const installed = peers.find(({ entry }) => entry.installed);
	const ours = outcomes.slotwire;
	const ratios =
		best === undefined
			? []
			: of("slotwire").map(({ entry, measured }) => [entry.name, ratioWithinRounds(measured, best.measured)]);
	return {
		workload,
		bound: BOUNDS[workload.call],
		peer: best?.entry.name ?? null,
		ratios: Object.fromEntries(ratios),
		installed: installed !== undefined && isMeasured(ours) ? ratioWithinRounds(ours, installed.measured) : null,
		failed: Object.entries(outcomes).flatMap(([name, outcome]) => ("failed" in outcome ? [name] : [])),
	};
}

interface Row {
	readonly entry: CacheEntry;
	readonly measured: Measured;
}

function rate(measured: Measured, workload: CacheWorkload): number {
	return summarize(measured, workload).rate;
}

export const verdictColumns: readonly string[] = [
	"workload",
	"topology",
	"wanted",
	...slotwires(),
	"best peer",
	"",
	"as installed",
];

/** A line for each cell, in the order of `verdictColumns`. What is not reached never looks as if it were. */
export function verdictLines({ cells }: CacheResults): string[][] {
	return cells.map(judgeCell).map(({ workload, bound, peer, ratios, installed, failed }) => {
		const values = slotwires().map((name) => times(ratios[name]));
		const own = ratios.slotwire;
		const state = own === undefined ? "not measured" : own >= bound ? "reached" : "not reached";
		const word = failed.length === 0 ? state : `${state} (failed: ${failed.join(", ")})`;
		return [workload.name, workload.topology, `≥ ${bound} x`, ...values, peer ?? "–", word, times(installed)];
	});
}

function slotwires(): string[] {
	return caches.filter(({ kind }) => kind === "slotwire").map(({ name }) => name);
}

function times(ratio: number | null | undefined): string {
	return ratio === null || ratio === undefined ? "–" : `${floor(ratio).toFixed(2)} x`;
}

function floor(ratio: number): number {
	return Math.floor(ratio * 100 + 1e-9) / 100;
}
