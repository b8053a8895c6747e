/** Cells of different sizes in one chart: a bar for slotwire, below it a mark for each other client, all in units of one reference. */
import type { EChartsOption } from "echarts";
import { FAINT, INK, LINES, markOf, renderSvg, titled } from "./render.js";

export interface RelativeRow {
	name: string;
	/** Slotwire's, as text. */
	ratio: string;
	/** By client; the reference is 1. */
	values: Record<string, number>;
}

export interface RelativeChart {
	title: string;
	subtitle: string;
	/** What stands at 1. */
	reference: string;
	/** Their marks, in this order. */
	others: readonly string[];
	rows: readonly RelativeRow[];
}

const WIDTH = 900;
const ROW = 44;
const BAR = 16;
const TOP = 122;
const BOTTOM = 36;

export function drawRelative({ title, subtitle, reference, others, rows }: RelativeChart): string {
	const shown = others.filter((client) => rows.some(({ values }) => client in values));
	const { color } = markOf("slotwire");
	const option: EChartsOption = {
		title: titled(title, subtitle),
		legend: { data: ["slotwire", ...shown], top: 62, left: 12, itemWidth: 14, itemHeight: 9, textStyle: { color: INK } },
		grid: { left: 208, right: 78, top: TOP, bottom: BOTTOM },
		xAxis: {
			type: "value",
			min: 0,
			axisLabel: { color: FAINT, formatter: "{value} ×" },
			splitLine: { lineStyle: { color: LINES } },
		},
		yAxis: [
			categories(
				rows.map(({ name }) => name),
				"left",
				{ color: INK },
			),
			// Figures stand in a column of their own: at the ends of bars they would meet the marks.
			categories(
				rows.map(({ ratio }) => `${ratio} ×`),
				"right",
				{ color, fontWeight: "bold" },
			),
		],
		series: [
			{
				name: "slotwire",
				type: "bar",
				barWidth: BAR,
				itemStyle: { color },
				data: rows.map(({ values }) => values.slotwire!),
				markLine: {
					symbol: "none",
					silent: true,
					lineStyle: { color: INK, type: "solid", width: 1.5 },
					label: { formatter: reference, color: INK, position: "start", distance: 6 },
					data: [{ xAxis: 1 }],
				},
			},
			...shown.map((client) => ({
				name: client,
				type: "scatter" as const,
				// Above the line at 1.
				z: 6,
				symbol: markOf(client).symbol,
				symbolSize: 10,
				symbolOffset: [0, BAR - 1] as [number, number],
				itemStyle: { color: markOf(client).color, borderColor: "#ffffff", borderWidth: 1 },
				data: rows.flatMap(({ values }, i) => (client in values ? [[values[client]!, i]] : [])),
			})),
		],
	};
	return renderSvg(option, WIDTH, TOP + rows.length * ROW + BOTTOM);
}

function categories(data: string[], position: "left" | "right", label: { color: string; fontWeight?: "bold" }) {
	return {
		type: "category" as const,
		position,
		data,
		inverse: true,
		axisTick: { show: false },
		axisLine: { show: position === "left", lineStyle: { color: LINES } },
		axisLabel: { fontSize: 13, interval: 0, ...label },
	};
}
