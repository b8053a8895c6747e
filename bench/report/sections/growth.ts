/** How cost grows with size. */
import { formatCount } from "../../../src/cli/bench/table.js";
import type { Growth, Series } from "../../growth/series.js";
import { growthChart } from "../charts/growth.js";
import type { Chart } from "../charts/render.js";
import { table } from "../markdown.js";
import { machineText } from "./header.js";

export function growthSection({ date, machine, series }: Growth): { text: string; charts: Chart[] } {
	const drawn = series.filter(({ points }) => points.length > 0);
	const charts = drawn.map(growthChart);
	const parts = drawn.map(
		(it, i) => `### ${it.name}\n\n![${it.name}: ${it.unit} by ${it.x}](charts/${charts[i]!.file})\n\n${pointsTable(it)}`,
	);
	return {
		text: `## How cost grows\n\nFrom \`bench/growth.json\`, ${date}, ${machineText(machine)}.\n\n${parts.join("\n")}`,
		charts,
	};
}

function pointsTable({ x, unit, points }: Series): string {
	const more = [...new Set(points.flatMap((point) => Object.keys(point.more ?? {})))];
	const lines = points.map((point) => [
		point.x.toLocaleString("en"),
		formatCount(point.y),
		...more.map((name) => (point.more?.[name] === undefined ? "" : formatCount(point.more[name]))),
	]);
	return table([x, unit, ...more], lines, 0);
}
