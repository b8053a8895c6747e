/** The soak as curves over its minutes. */
import type { EChartsOption } from "echarts";
import { FAINT, INK, LINES, markOf, renderSvg, titled } from "../../bench/report/charts/render.js";
import type { Minute } from "./soak-minutes.js";

const panels = [
	{ column: "error_rate", title: "errors, % of values", factor: 100 },
	{ column: "p99_ms", title: "p99 of all calls, ms (the slowest client)", factor: 1 },
	{ column: "rss_mib", title: "RSS of the four clients, MiB", factor: 1 },
	{ column: "sockets", title: "sockets of the four clients", factor: 1 },
] as const;

const WIDTH = 920;
const LEFT = 64;
const TOP = 108;
const PANEL = { width: 370, height: 150 };
const STEP = { x: 446, y: 216 };

export function soakChart(minutes: readonly Minute[]): string {
	const places = panels.map((panel, i) => ({ ...panel, left: LEFT + (i % 2) * STEP.x, top: TOP + Math.floor(i / 2) * STEP.y }));
	const last = minutes.at(-1)?.minute ?? 0;
	const axis = { axisLabel: { color: FAINT } };
	const option: EChartsOption = {
		title: [
			titled(
				`Soak: ${last} minutes, a light fault every minute`,
				"4 clients, 3 primaries and 3 replicas behind proxies; one point a minute",
			),
			...places.map(({ title, left, top }) => ({ text: title, left, top: top - 26, textStyle: { fontSize: 13, color: INK } })),
		],
		grid: places.map(({ left, top }) => ({ left, top, ...PANEL })),
		xAxis: places.map((_, gridIndex) => ({ type: "value", min: 0, max: last, gridIndex, ...axis, splitLine: { show: false } })),
		yAxis: places.map((_, gridIndex) => ({
			type: "value",
			min: 0,
			gridIndex,
			...axis,
			splitLine: { lineStyle: { color: LINES } },
		})),
		series: places.map(({ column, factor }, i) => ({
			type: "line",
			xAxisIndex: i,
			yAxisIndex: i,
			showSymbol: false,
			lineStyle: { color: markOf("slotwire").color, width: 2 },
			data: minutes.map((row) => [row.minute, row[column] * factor]),
		})),
	};
	return renderSvg(option, WIDTH, TOP + STEP.y * 2 - 16);
}
