/** Results as text. */
import { adapters } from "./adapter.js";
import { type Cell, isMeasured, ratioWithinRounds, summarize } from "./results.js";
import { formatBytes } from "./workload.js";

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

/** A line for each client, in the order of `columns`. A client without figures has its name and a word about it, and no more. */
export function cellLines({ workload, outcomes }: Cell): string[][] {
	const ours = outcomes.slotwire;
	return adapters
		.filter(({ name }) => name in outcomes)
		.map(({ name }) => {
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
export function cellTable(cell: Cell): string {
	const lines = [[...columns], ...cellLines(cell)];
	const widths = columns.map((_, i) =>
		Math.max(...lines.filter(({ length }) => length === columns.length).map((line) => line[i]!.length)),
	);
	const format = (line: string[]): string =>
		line.map((text, i) => (i === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[i]!))).join("  ");
	const { keys, valueBytes, inFlight, topology, name } = cell.workload;
	const what = `${topology} ${name}: ${keys} ${keys === 1 ? "key" : "keys"} of ${formatBytes(valueBytes)}, ${inFlight} in flight`;
	return `${what}\n${lines.map((line) => format(line).trimEnd()).join("\n")}\n`;
}

/** Three figures that matter. */
export function formatCount(value: number): string {
	if (value >= 100) return Math.round(value).toLocaleString("en");
	return value >= 10 ? value.toFixed(1) : value.toFixed(2).replace(/\.00$/, "");
}
