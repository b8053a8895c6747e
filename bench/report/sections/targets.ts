/** "What it must reach": every target with what was measured, also those that are missed or were not measured. */
import type { Results } from "../../../src/cli/bench/results.js";
import { type Call, type Topology, type Workload, workloads } from "../../../src/cli/bench/workload.js";
import { formatRatio, judge, type Verdict } from "../judge.js";
import { oneLine, table } from "../markdown.js";
import { describe, topologyTitles } from "../naming.js";
import { type Figure, type Reference, type Target, targetGroups } from "../targets.js";

const header = ["workload", "figure", "wanted", "measured", ""];

const figures: Record<Figure, string> = {
	rate: "requests/s",
	cpu: "CPU per request",
	p95: "p95",
	peakRss: "peak RSS",
};

const states: readonly Verdict["state"][] = ["reached", "not reached", "not measured", "failed"];

export function targetsSection(results: Results): string {
	const groups = targetGroups.map(({ title, targets }) => ({
		title,
		judged: targets.map((target) => ({ target, verdict: judge(target, results) })),
	}));
	const all = groups.flatMap(({ judged }) => judged.map(({ verdict }) => verdict.state));
	const counts = states.map((state) => `${all.filter((it) => it === state).length} ${state}`).join(", ");
	return `## What it must reach

${all.length} targets: ${counts}. A ratio divides slotwire's median by the other's, of the same run, and is rounded to slotwire's disadvantage. CPU "of the best peer" is that of the peer with the most requests a second, not of the one that uses least.

${groups
	.map(
		({ title, judged }) => `### ${title}

${table(
	header,
	judged.map(({ target, verdict }) => lineOf(target, verdict)),
	5,
)}`,
	)
	.join("\n")}`;
}

function lineOf(target: Target, verdict: Verdict): string[] {
	const { topology, figure, against, bound } = target;
	const workload = find(topology, target.workload);
	const where = topology === "standalone" ? "" : `; ${topologyTitles[topology].toLowerCase()}`;
	const wanted = `${figure === "rate" ? "≥" : "≤"} ${bound} × ${describeReference(topology, against)}`;
	return [`${describe(workload)}${where}`, figures[figure], wanted, ...describeVerdict(target, verdict)];
}

function describeVerdict(target: Target, verdict: Verdict): [measured: string, state: string] {
	const { state } = verdict;
	if ("why" in verdict) return [oneLine(verdict.why), state];
	const missing = verdict.failed.length > 0 ? ` (failed: ${verdict.failed.join(", ")})` : "";
	return [`${formatRatio(target, verdict.ratio)} × ${verdict.client}${missing}`, state === "reached" ? state : `**${state}**`];
}

const bestBy: Record<Figure, string> = {
	rate: "the best",
	cpu: "the thriftiest",
	p95: "the lowest of any",
	peakRss: "the leanest",
};

const callsOf: Partial<Record<Call, string>> = {
	concurrent: "with concurrent GETs",
	loop: "with awaited GETs, one after the other",
};

function describeReference(topology: Topology, reference: Reference): string {
	const who = "best" in reference ? `${bestBy[reference.by]} ${reference.best}` : reference.client;
	const call = reference.workload === undefined ? undefined : callsOf[find(topology, reference.workload).call];
	return call === undefined ? who : `${who} ${call}`;
}

function find(topology: Topology, name: string): Workload {
	return workloads.find((workload) => workload.topology === topology && workload.name === name)!;
}
