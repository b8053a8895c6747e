/** One curve: cost by size. */
import type { Series } from "../../growth/series.js";
import { type Chart, FAINT, LINES, markOf, renderSvg, titled } from "./render.js";

export function growthChart({ name, unit, x, points }: Series): Chart {
	const { color } = markOf("slotwire");
	// A logarithm needs something above nothing.
	const type = points.every((point) => point.x > 0) ? "log" : "value";
	const axis = { nameLocation: "middle" as const, nameTextStyle: { color: FAINT }, axisLabel: { color: FAINT } };
	const svg = renderSvg(
		{
			title: titled(name, `${unit}, by ${x}`),
			grid: { left: 64, right: 32, top: 76, bottom: 56 },
			xAxis: { type, name: x, nameGap: 32, ...axis, splitLine: { show: false } },
			yAxis: { type: "value", min: 0, ...axis, splitLine: { lineStyle: { color: LINES } } },
			series: [
				{
					type: "line",
					symbol: "circle",
					symbolSize: 7,
					itemStyle: { color },
					lineStyle: { color, width: 2 },
					data: points.map((point) => [point.x, point.y]),
				},
			],
		},
		760,
		340,
	);
	return { file: `growth-${slug(name)}.svg`, svg };
}

function slug(name: string): string {
	return name
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^-|-$/g, "");
}
