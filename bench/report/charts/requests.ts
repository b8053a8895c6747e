/** Requests a second, and CPU for a request, of all standard cells that fit one scale. */
import type { Results } from "../../../src/cli/bench/results.js";
import type { Workload } from "../../../src/cli/bench/workload.js";
import { formatRatio } from "../judge.js";
import { describe, topologyTitles } from "../naming.js";
import { bestOf, clients, isFound, lookUp, peers } from "../rivals.js";
import type { Figure } from "../targets.js";
import { drawRelative, type RelativeRow } from "./relative.js";
import type { Chart } from "./render.js";

/** Batches and single keys; strings and TLS are variants of them, and repeated GETs have a chart of their own. */
function isPlain({ standard, replies, tls, call }: Workload): boolean {
	return standard && replies === "buffers" && !tls && call !== "concurrent" && call !== "loop";
}

function onOneServer(workload: Workload): boolean {
	return isPlain(workload) && workload.topology === "standalone";
}

function onClusters(workload: Workload): boolean {
	return isPlain(workload) && workload.topology !== "standalone";
}

/** Where slotwire or the reference has no figures, there is no row. */
export function requestCharts(results: Results): Chart[] {
	const subtitle = subtitleOf(results);
	const others = clients.filter((name) => name !== "slotwire");
	const best = (workload: Workload): number | undefined => {
		const found = bestOf(results, workload.topology, workload.name, peers, "rate");
		return isFound(found) ? found.summary.rate : undefined;
	};
	const floor = (workload: Workload): number | undefined => {
		const found = lookUp(results, workload.topology, workload.name, "floor");
		return isFound(found) ? found.summary.cpu : undefined;
	};
	const requests = {
		title: "Requests per second, relative to the best other Node client",
		reference: "best other Node client",
		subtitle,
		others,
	};
	const charts = [
		{ file: "requests.svg", ...requests, rows: rowsOf(results, onOneServer, "rate", best) },
		{
			file: "requests-cluster.svg",
			...requests,
			title: "Requests per second on clusters, relative to the best other Node client",
			rows: rowsOf(results, onClusters, "rate", best),
		},
		{
			file: "cpu.svg",
			title: "CPU per request, relative to the floor that node:net sets",
			reference: "floor",
			subtitle: `${subtitle}; less is better`,
			others,
			rows: rowsOf(results, onOneServer, "cpu", floor),
		},
	];
	return charts.filter(({ rows }) => rows.length > 0).map(({ file, ...chart }) => ({ file, svg: drawRelative(chart) }));
}

function rowsOf(
	results: Results,
	isShown: (workload: Workload) => boolean,
	figure: Figure,
	referenceOf: (workload: Workload) => number | undefined,
): RelativeRow[] {
	return results.cells
		.map(({ workload }) => workload)
		.filter(isShown)
		.flatMap((workload) => {
			const { topology, name } = workload;
			const reference = referenceOf(workload);
			const values: Record<string, number> = {};
			for (const client of clients) {
				const found = lookUp(results, topology, name, client);
				if (isFound(found) && reference !== undefined) values[client] = found.summary[figure] / reference;
			}
			const where = topology === "standalone" ? "" : `, ${topologyTitles[topology].replace(/^Cluster of (\d) .*/, "$1 nodes")}`;
			if (values.slotwire === undefined) return [];
			return [{ name: `${describe(workload)}${where}`, ratio: formatRatio({ figure }, values.slotwire), values }];
		});
}

export function subtitleOf({ slotwire, date, machine }: Results): string {
	return `slotwire ${slotwire}, ${machine.server}, Node ${machine.node.replace(/^v/, "")}, ${machine.cores} cores, ${date}`;
}
