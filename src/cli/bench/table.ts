/** Results as text. */
import { adapters } from "./adapter.js";
import { type Cell, isMeasured, ratioWithinRounds, summarize } from "./results.js";
import { formatBytes, type Workload } from "./workload.js";

export const columns: readonly string[] = [
	"client",
	"requests/s",
	"slotwire is",
	"MiB/s",
	"CPU us",
	"p50 us",
	"p95 us",
	"p99 us",
	"RSS MiB",
	"commands",
	"flights",
];

/** What a table says of a workload. */
type Shown = Pick<Workload, "name" | "topology" | "keys" | "valueBytes" | "inFlight">;

/** A line for each client, in the order of `columns`. A client without figures has its name and a word about it, and no more. */
export function cellLines({ workload, outcomes }: Cell<Shown>, names = adapters.map(({ name }) => name)): string[][] {
	const ours = outcomes.slotwire;
	return names
		.filter((name) => name in outcomes)
		.map((name) => {
			const outcome = outcomes[name]!;
			if ("unsupported" in outcome) return [name, "–"];
			if (!isMeasured(outcome)) return [name, `failed: ${outcome.failed}`];
			const { rate, bytesRate, cpu, p50, p95, p99, peakRss } = summarize(outcome, workload);
			const ratio = name !== "slotwire" && isMeasured(ours) ? `${ratioWithinRounds(ours, outcome).toFixed(2)} x` : "";
			return [
				name,
				formatCount(rate),
				ratio,
				formatCount(bytesRate / 2 ** 20),
				formatCount(cpu),
				...[p50, p95, p99].map(formatCount),
				formatCount(peakRss / 2 ** 20),
				formatCount(outcome.commands),
				outcome.flights === null ? "?" : formatCount(outcome.flights),
			];
		});
}

/** One cell, for a terminal. */
export function cellTable(cell: Cell<Shown>, names?: string[]): string {
	const { keys, valueBytes, inFlight, topology, name } = cell.workload;
	const what = `${topology} ${name}: ${keys} ${keys === 1 ? "key" : "keys"} of ${formatBytes(valueBytes)}, ${inFlight} in flight`;
	return `${what}\n${alignedLines([columns, ...cellLines(cell, names)])}\n`;
}

/** Lines below a header, their columns as wide as they have to be; a line that is shorter has a word to say instead of figures. */
export function alignedLines(lines: readonly (readonly string[])[]): string {
	const [header = []] = lines;
	const full = lines.filter(({ length }) => length === header.length);
	const widths = header.map((_, i) => Math.max(...full.map((line) => line[i]!.length)));
	const format = (line: readonly string[]): string =>
		line.map((text, i) => (i === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[i]!))).join("  ");
	return lines.map((line) => format(line).trimEnd()).join("\n");
}

/** Three figures that matter. */
export function formatCount(value: number): string {
	if (value >= 100) return Math.round(value).toLocaleString("en");
	return value >= 10 ? value.toFixed(1) : value.toFixed(2).replace(/\.00$/, "");
}
