/** slotwire's cache beside others. */
import { isMeasured } from "../../../src/cli/bench/results.js";
import { cellLines, columns } from "../../../src/cli/bench/table.js";
import { formatBytes } from "../../../src/cli/bench/workload.js";
import { caches } from "../../cache/driver.js";
import { type CacheResults, verdictColumns, verdictLines } from "../../cache/verdict.js";
import type { CacheWorkload } from "../../cache/workload.js";
import { table } from "../markdown.js";
import { topologyTitles } from "../naming.js";
import { machineText } from "./header.js";

export function cacheSection(results: CacheResults): string {
	const { date, machine, cells, rounds, roundMs } = results;
	const names = caches.map(({ name }) => name);
	const parts = cells.map(
		(cell) =>
			`**${describe(cell.workload)}** (\`${cell.workload.name}\`)\n\n${table(columns, cellLines(cell, names))}\n${callsText(cell.outcomes)}`,
	);
	return `## The cache beside others

From \`bench/cache.json\` (\`npm run bench:cache\`), ${date}, ${machineText(machine)}, Node ${machine.node}, ${machine.server}; ${rounds} rounds of ${roundMs} ms, all caches in turn. ${versionsText(results)}. The shared level alone: none of them keeps values in the process. What each row does is in \`bench/README.md\`.

Wanted are twice the requests a second of the best peer for many keys at once, and no fewer for one; ratios are medians of those within the rounds, rounded to slotwire's disadvantage. The last column is slotwire beside the best peer as it is installed; the best peer of the verdict may be one whose serializer was changed for a faster one.

${table(verdictColumns, verdictLines(results), 3)}
${parts.join("\n")}`;
}

function describe({ call, found, keys, valueBytes, inFlight, topology }: CacheWorkload): string {
	const what = `${call}, ${keys === 1 ? "" : `${keys} keys, `}${found}, ${formatBytes(valueBytes).replace(/(?:Ki)?B$/, " $&")}`;
	return `${what}, ${inFlight} in flight; ${topologyTitles[topology].toLowerCase()}`;
}

function versionsText({ cells }: CacheResults): string {
	const versions = new Map<string, string>();
	for (const { outcomes } of cells)
		for (const [name, outcome] of Object.entries(outcomes)) if (isMeasured(outcome)) versions.set(name, outcome.version);
	return caches
		.filter(({ name, kind }) => kind === "peer" && versions.has(name))
		.map(({ name }) => `${name} ${versions.get(name)}`)
		.join("; ");
}

/** Which commands a request was, those of scripts and transactions among them. */
function callsText(outcomes: CacheResults["cells"][number]["outcomes"]): string {
	const lines = caches.flatMap(({ name }) => {
		const outcome = outcomes[name];
		if (!isMeasured(outcome)) return [];
		const calls = Object.entries(outcome.calls ?? {}).map(([command, count]) => `${count} ${command.toUpperCase()}`);
		return [`${name}: ${calls.join(", ")}`];
	});
	return `Commands of a request: ${lines.join("; ")}.\n`;
}
