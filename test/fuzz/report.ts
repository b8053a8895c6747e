/** What a run found, as a table for people and as it is saved. */
import { table as aligned } from "../../bench/report/markdown.js";
import type { Machine } from "../../src/cli/bench/results.js";
import type { TargetReport } from "./run.js";

export interface FuzzReport {
	/** What makes the same inputs again. */
	readonly command: string;
	readonly slotwire: string;
	readonly date: string;
	readonly machine: Omit<Machine, "server">;
	readonly seed: number;
	readonly inputs: number;
	readonly seconds: number;
	readonly hangMs: number;
	readonly targets: readonly TargetReport[];
}

const HEAD = [
	"target",
	"inputs",
	"accepted",
	"refused, by code",
	"slowest, ms",
	"most memory: outside the heap, in it",
	"inputs per CPU second",
];

export function isClean({ targets }: FuzzReport): boolean {
	return targets.every(({ failure, inputs }) => failure === null && inputs > 0);
}

/** Markdown, readable as it is. */
export function table({ targets }: FuzzReport): string {
	const rows = targets.map(({ name, inputs, outcomes, slowestMs, externalBytes, heapBytes, cpuSeconds }) => {
		const { accepted = 0, ...refused } = outcomes;
		const codes = Object.entries(refused).sort(([, a], [, b]) => b - a);
		return [
			name,
			grouped(inputs),
			grouped(accepted),
			codes.map(([code, count]) => `${code} ${grouped(count)}`).join(", ") || "none",
			slowestMs.toFixed(1),
			`${kib(externalBytes)}, ${kib(heapBytes)}`,
			grouped(Math.round(inputs / Math.max(cpuSeconds, 0.001))),
		];
	});
	return aligned(HEAD, rows);
}

/** One paragraph for each finding, with what repeats it. */
export function findings({ targets }: FuzzReport): string {
	return targets
		.flatMap(({ name, failure }) => (failure === null ? [] : [{ name, failure }]))
		.map(({ name, failure: { kind, message, stack, input } }) => {
			const where = stack === "" ? "" : `${stack}\n`;
			return `${name}: ${kind}: ${message}\n${where}repeat it: npm run fuzz -- --target ${name} --replay ${input || "''"}\n`;
		})
		.join("\n");
}

export function markdown(report: FuzzReport): string {
	const { slotwire, command, date, machine, seconds, hangMs, targets } = report;
	const cpu = targets.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
	const slowest = Math.max(...targets.map(({ slowestMs }) => slowestMs));
	const count = (...kinds: string[]): number =>
		targets.filter(({ failure }) => failure !== null && kinds.includes(failure.kind)).length;
	return `# Hostile bytes

\`${command}\` on ${date.slice(0, 10)}: slotwire ${slotwire}, Node ${machine.node}, ${machine.cpu}, ${machine.system}.

${grouped(targets.reduce((sum, target) => sum + target.inputs, 0))} inputs in ${Math.round(seconds)} s (${Math.round(cpu)} s of CPU): ${count("hang")} hangs (none may take ${hangMs} ms, the slowest took ${slowest.toFixed(1)}), ${count("crash", "died")} crashes, ${count("broken")} broken invariants.

${table(report)}
"Accepted" also counts the beginning of a reply whose end never came. Memory is the most that any one input took; what it may take is in \`allocation.ts\`, what each target promises in \`targets/\`.
${isClean(report) ? "" : `\n## Findings\n\n\`\`\`\n${findings(report)}\`\`\`\n`}`;
}

function grouped(count: number): string {
	return count.toLocaleString("en-US");
}

function kib(bytes: number): string {
	return `${grouped(Math.round(bytes / 1024))} KiB`;
}
