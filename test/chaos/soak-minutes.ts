/** A soak by the minute: the rows of its CSV, and whether anything in them rises. Pure. */

import type { FaultRecord, Sample } from "./run.js";
import { recoveryOf as spread } from "./verdict.js";

/** All clients together, but for the latencies, which are those of the slowest. */
export interface Minute {
	minute: number;
	calls: number;
	items: number;
	errors: number;
	error_rate: number;
	p50_ms: number;
	p99_ms: number;
	max_ms: number;
	heap_mib: number;
	rss_mib: number;
	sockets: number;
	fault: string;
}

const COLUMNS = [
	"minute",
	"calls",
	"items",
	"errors",
	"error_rate",
	"p50_ms",
	"p99_ms",
	"max_ms",
	"heap_mib",
	"rss_mib",
	"sockets",
	"fault",
] as const;
export const CSV_HEADER = `${COLUMNS.join(",")}\n`;

export function minuteOf(samples: readonly Sample[], faults: readonly FaultRecord[]): Minute {
	const sum = (of: (sample: Sample) => number): number => samples.reduce((total, sample) => total + of(sample), 0);
	const most = (of: (sample: Sample) => number): number => Math.max(...samples.map(of));
	const errors = sum(({ errors }) => Object.values(errors).reduce((total, count) => total + count, 0));
	const items = sum((sample) => sample.items);
	return {
		minute: Math.round(most(({ atMs }) => atMs) / 60_000),
		calls: sum(({ calls }) => calls),
		items,
		errors,
		error_rate: errors / Math.max(1, items + errors),
		p50_ms: most(({ all }) => all.p50),
		p99_ms: most(({ all }) => all.p99),
		max_ms: most(({ all }) => all.max),
		heap_mib: sum(({ heapMiB }) => heapMiB),
		rss_mib: sum(({ rssMiB }) => rssMiB),
		sockets: sum(({ sockets }) => sockets),
		fault: faults.map(({ fault, shards }) => `${fault} at shard ${shards.join(" and ")}`).join("; "),
	};
}

export function csvLine(minute: Minute): string {
	const cells = COLUMNS.map((column) => {
		const value = minute[column];
		return typeof value === "number" && !Number.isInteger(value) ? String(Number(value.toPrecision(4))) : String(value);
	});
	return `${cells.join(",")}\n`;
}

export function parseMinutes(csv: string): Minute[] {
	const [, ...lines] = csv.trim().split("\n");
	return lines.map((line) => {
		const cells = line.split(",");
		return Object.fromEntries(
			COLUMNS.map((column, i) => [column, column === "fault" ? cells[i] : Number(cells[i])]),
		) as unknown as Minute;
	});
}

/** How far above its beginning the end of each column may be, as a factor and as a number. */
const ALLOWED = {
	error_rate: [1.5, 0.0005],
	p99_ms: [1.5, 10],
	heap_mib: [1.1, 4],
	rss_mib: [1.1, 16],
	sockets: [1, 1],
} as const;

/** The minutes that are compared: after the first two, and the last ones, up to ten of each. */
const SETTLED = 2;
const WINDOW = 10;

export interface Trend {
	column: keyof typeof ALLOWED;
	first: number;
	last: number;
	rises: boolean;
}

/** Medians of the beginning and of the end. */
export function trends(minutes: readonly Minute[]): Trend[] {
	const settled = minutes.filter(({ minute }) => minute > SETTLED);
	const size = Math.min(WINDOW, Math.floor(settled.length / 2));
	return Object.entries(ALLOWED).map(([name, [factor, more]]) => {
		const column = name as keyof typeof ALLOWED;
		const median = (rows: readonly Minute[]): number => spread(rows.map((row) => row[column])).median;
		const [first, last] = [median(settled.slice(0, size)), size === 0 ? 0 : median(settled.slice(-size))];
		return { column, first, last, rises: last > first * factor + more };
	});
}
