/** Every cell, grouped by topology. */
import type { Cell, Results } from "../../../src/cli/bench/results.js";
import { cellLines, columns } from "../../../src/cli/bench/table.js";
import type { Topology } from "../../../src/cli/bench/workload.js";
import { table } from "../markdown.js";
import { describe, topologyTitles } from "../naming.js";

export function cellsSection({ cells }: Results): string {
	const groups = (Object.keys(topologyTitles) as Topology[])
		.map((topology) => ({ topology, found: cells.filter(({ workload }) => workload.topology === topology) }))
		.filter(({ found }) => found.length > 0);
	const parts = groups.map(({ topology, found }) => `### ${topologyTitles[topology]}\n\n${found.map(cellPart).join("\n")}`);
	return `## All cells\n\n${parts.join("\n")}`;
}

function cellPart(cell: Cell): string {
	return `**${describe(cell.workload)}** (\`${cell.workload.name}\`)\n\n${table(columns, cellLines(cell))}`;
}
