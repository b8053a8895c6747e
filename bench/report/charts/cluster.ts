/** The tail of reading 128 keys on a cluster, by the way in which they are read. */
import type { EChartsOption } from "echarts";
import type { Results } from "../../../src/cli/bench/results.js";
import { clients, isFound, lookUp } from "../rivals.js";
import { type Chart, FAINT, INK, LINES, renderSvg, titled } from "./render.js";
import { subtitleOf } from "./requests.js";

const methods = [
	{ name: "one by one, awaited", call: "loop", color: "#afb8c1" },
	{ name: "concurrent GETs", call: "concurrent", color: "#54aeff" },
	{ name: "one call for all keys", call: "mget", color: "#0550ae" },
] as const;

const panels = [
	{ keys: "untagged", title: "untagged keys, all slots", left: 96, labels: true },
	{ keys: "tagged", title: "tagged keys, one slot", left: 520, labels: false },
] as const;

const WIDTH = 920;
const PANEL = 340;
const TOP = 132;
const BOTTOM = 40;
const BAR = 13;

export function clusterChart(results: Results): Chart | null {
	const p95 = (keys: string, call: string, client: string): number | null => {
		const found = lookUp(results, "cluster-3", `${call}-128-2KiB-${keys}`, client);
		return isFound(found) ? found.summary.p95 / 1000 : null;
	};
	const shown = clients.filter((client) =>
		panels.some(({ keys }) => methods.some(({ call }) => p95(keys, call, client) !== null)),
	);
	if (shown.length === 0) return null;
	const all = panels.flatMap(({ keys }) => methods.flatMap(({ call }) => shown.map((client) => p95(keys, call, client) ?? 0)));
	const height = TOP + shown.length * (methods.length * BAR + 16) + BOTTOM;
	const option: EChartsOption = {
		title: [
			titled("95th percentile of reading 128 values of 2 KiB, cluster of 3 primaries", `${subtitleOf(results)}; less is better`),
			...panels.map(({ title, left }) => ({ text: title, left, top: TOP - 28, textStyle: { fontSize: 13, color: INK } })),
		],
		legend: { data: methods.map(({ name }) => name), top: 62, left: 12, itemWidth: 14, itemHeight: 9, textStyle: { color: INK } },
		grid: panels.map(({ left }) => ({ left, width: PANEL, top: TOP, bottom: BOTTOM })),
		xAxis: panels.map((_, gridIndex) => ({
			type: "value",
			gridIndex,
			max: roundUp(Math.max(...all)),
			axisLabel: { color: FAINT, formatter: "{value} ms" },
			splitLine: { lineStyle: { color: LINES } },
		})),
		yAxis: panels.map(({ labels }, gridIndex) => ({
			type: "category",
			gridIndex,
			inverse: true,
			data: [...shown],
			axisTick: { show: false },
			axisLine: { lineStyle: { color: LINES } },
			axisLabel: { show: labels, color: INK, fontSize: 13, interval: 0 },
		})),
		series: panels.flatMap(({ keys }, i) =>
			methods.map(({ name, call, color }) => ({
				name,
				type: "bar" as const,
				xAxisIndex: i,
				yAxisIndex: i,
				barWidth: BAR,
				barGap: "0%",
				itemStyle: { color },
				label: { show: true, position: "right" as const, fontSize: 10, color: FAINT, formatter: format },
				data: shown.map((client) => p95(keys, call, client)),
			})),
		),
	};
	return { file: "cluster-p95.svg", svg: renderSvg(option, WIDTH, height) };
}

/** To half a power of ten, so that the last label of the axis stands at its end. */
function roundUp(value: number): number {
	const step = 10 ** Math.floor(Math.log10(value)) / 2;
	return Math.ceil(value / step) * step;
}

function format({ value }: { value?: unknown }): string {
	return typeof value === "number" ? value.toPrecision(2) : "";
}
