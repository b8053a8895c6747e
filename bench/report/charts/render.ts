/** Charts as SVG: the same bytes for the same figures, readable on light and on dark pages. */
import { type EChartsOption, init, type TitleComponentOption } from "echarts";

export interface Chart {
	/** Below `bench/charts/`. */
	file: string;
	svg: string;
}

export const INK = "#1f2328";
export const FAINT = "#59636e";
export const LINES = "#d8dee4";

/** Distinct by colour and by shape: not everyone tells colours apart. */
const marks: Record<string, { color: string; symbol: string }> = {
	slotwire: { color: "#0969da", symbol: "circle" },
	floor: { color: "#1f2328", symbol: "rect" },
	ioredis: { color: "#d1242f", symbol: "circle" },
	"ioredis-auto": { color: "#e16f24", symbol: "triangle" },
	"node-redis": { color: "#1a7f37", symbol: "rect" },
	glide: { color: "#8250df", symbol: "diamond" },
	iovalkey: { color: "#bf3989", symbol: "path://M0,0 L10,0 L5,9 Z" },
	bun: { color: "#1f2328", symbol: "path://M0,3 L3,3 L3,0 L6,0 L6,3 L9,3 L9,6 L6,6 L6,9 L3,9 L3,6 L0,6 Z" },
};

export function markOf(client: string): { color: string; symbol: string } {
	return marks[client] ?? { color: FAINT, symbol: "emptyCircle" };
}

export function renderSvg(option: EChartsOption, width: number, height: number): string {
	const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
	chart.setOption({
		animation: false,
		backgroundColor: "#ffffff",
		textStyle: { fontFamily: "Helvetica, Arial, sans-serif", color: INK },
		...option,
	});
	const svg = chart.renderToSVGString();
	chart.dispose();
	return `${withoutTraces(svg)}\n`;
}

/** A picture is not pointed at; and echarts numbers ids and classes through all charts of a process. */
function withoutTraces(svg: string): string {
	return svg
		.replace(/<style ?>.*?<\/style>\n?/gs, "")
		.replace(/ (?:class|ecmeta_\w+)="[^"]*"/g, "")
		.replace(/\bzr\d+-/g, "zr-");
}

export function titled(text: string, subtext: string): TitleComponentOption {
	return {
		text,
		subtext,
		left: 16,
		top: 12,
		itemGap: 6,
		textStyle: { color: INK, fontSize: 17, fontWeight: "bold" },
		subtextStyle: { color: FAINT, fontSize: 12, lineHeight: 16 },
	};
}
