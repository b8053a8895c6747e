/** Whether a run was good, and the tables that tell. Pure: a run in, text out. */
import { percentile } from "../../src/cli/percentile.js";
import type { Run, Sample } from "./run.js";
import { CLIENTS, SHARDS } from "./shards.js";

/** Over the node timeout: the most that recoveries may take in the median, and that any may take. */
const MEDIAN_OVER_MS = 3000;
const ANY_OVER_MS = 15_000;
/** Fewer have no median worth the name. */
const SOME_FAILOVERS = 3;
/** So many calls stand for one that was late because the machine stood still. */
const CALLS_PER_EXCUSE = 1000;
/** Growth is looked for in runs of so many minutes, from the second one on. */
const LONG_RUN_MIN = 10;
const SETTLED_MS = 2 * 60_000;
const WINDOW_MS = 2 * 60_000;
const HEAP_FACTOR = 1.15;
const HEAP_MIB = 4;
/** `watch()` leases connections, which end when nobody has needed them for half a minute: two minutes differ by that. */
const SOCKETS = 3;

export interface Recovery {
	median: number;
	max: number;
}

/** Why the run is red; empty when it is green. */
export function failures(run: Run): string[] {
	const calls = totals(run).calls;
	const unfit =
		run.excused.length > calls / CALLS_PER_EXCUSE ? ["too many calls were late with the machine: the run shows nothing"] : [];
	const idle = run.faults.length === 0 ? ["no fault came in that time: the run shows nothing"] : [];
	return [...run.wrong, ...idle, ...unfit, ...recoveryFailures(run), ...(run.minutes >= LONG_RUN_MIN ? growth(run.samples) : [])];
}

export function recoveryOf(times: readonly number[]): Recovery {
	const sorted = [...times].sort((a, b) => a - b);
	return sorted.length === 0 ? { median: 0, max: 0 } : { median: percentile(sorted, 0.5), max: sorted.at(-1)! };
}

/** What recovers from a fault, each for itself. */
const WAYS = [
	{ times: "recoveryMs", what: "recovery", expected: (shards: number) => shards * CLIENTS },
	// Each client has a channel in every shard, and one that is in none.
	{ times: "messagesMs", what: "the first message", expected: (shards: number) => (shards > 0 ? shards + 1 : 0) * CLIENTS },
	{ times: "entriesMs", what: "the first new entry", expected: (shards: number) => shards * CLIENTS },
] as const;

function recoveryFailures({ faults, nodeTimeoutMs }: Run): string[] {
	const mostInMedian = nodeTimeoutMs + MEDIAN_OVER_MS;
	return WAYS.flatMap(({ times, what, expected }) => {
		const found: string[] = [];
		for (const record of faults) {
			const missing = expected(record.shards.length) - record[times].length;
			if (missing > 0) found.push(`fault ${record.number} (${record.fault}): ${what} is missing ${missing} times`);
		}
		// Faults that hardly interrupt anything are in the majority: they would outvote the failovers.
		for (const row of faultRows({ faults })) {
			const { median } = row[times];
			if (row.promoted >= SOME_FAILOVERS && median > mostInMedian)
				found.push(`${what} after "${row.fault}" took ${Math.round(median)} ms in the median`);
		}
		const { median, max } = recoveryOf(faults.flatMap((record) => record[times]));
		if (median > mostInMedian) found.push(`${what} took ${Math.round(median)} ms in the median`);
		if (max > nodeTimeoutMs + ANY_OVER_MS) found.push(`${what} took ${Math.round(max)} ms once`);
		return found;
	});
}

/** What is more at the end than it was after two minutes, client by client. */
export function growth(samples: readonly Sample[]): string[] {
	const end = samples.at(-1)?.atMs ?? 0;
	const clients = [...new Set(samples.map(({ client }) => client))];
	return clients.flatMap((client) => {
		const own = samples.filter((sample) => sample.client === client);
		const early = own.filter(({ atMs }) => atMs >= SETTLED_MS && atMs < SETTLED_MS + WINDOW_MS);
		const late = own.filter(({ atMs }) => atMs >= end - WINDOW_MS);
		const [heap, heapThen] = [median(late, "heapMiB"), median(early, "heapMiB")];
		const [sockets, socketsThen] = [median(late, "sockets"), median(early, "sockets")];
		const found: string[] = [];
		if (heap > heapThen * HEAP_FACTOR + HEAP_MIB) found.push(`client ${client}: heap grew from ${mib(heapThen)} to ${mib(heap)}`);
		if (sockets > socketsThen + SOCKETS) found.push(`client ${client}: ${socketsThen} sockets became ${sockets}`);
		return found;
	});
}

function median(samples: readonly Sample[], field: "heapMiB" | "sockets"): number {
	return recoveryOf(samples.map((sample) => sample[field])).median;
}

function mib(value: number): string {
	return `${value.toFixed(1)} MiB`;
}

export interface FaultRow {
	fault: string;
	times: number;
	/** From the fault to each client's first success at the shard, first message and first new entry. */
	recoveryMs: Recovery;
	messagesMs: Recovery;
	entriesMs: Recovery;
	promoted: number;
	lost: number;
}

export function faultRows({ faults }: Pick<Run, "faults">): FaultRow[] {
	const names = [...new Set(faults.map(({ fault }) => fault))].sort();
	return names.map((fault) => {
		const records = faults.filter((record) => record.fault === fault);
		return {
			fault,
			times: records.length,
			recoveryMs: recoveryOf(records.flatMap(({ recoveryMs }) => recoveryMs)),
			messagesMs: recoveryOf(records.flatMap(({ messagesMs }) => messagesMs)),
			entriesMs: recoveryOf(records.flatMap(({ entriesMs }) => entriesMs)),
			promoted: sum(records.map(({ promoted }) => promoted)),
			lost: sum(records.map(({ lost }) => lost)),
		};
	});
}

export function totals({ samples }: Run) {
	const errors: Record<string, number> = {};
	for (const sample of samples)
		for (const [code, count] of Object.entries(sample.errors)) errors[code] = (errors[code] ?? 0) + count;
	return {
		calls: sum(samples.map(({ calls }) => calls)),
		items: sum(samples.map(({ items }) => items)),
		unknown: sum(samples.map(({ unknown }) => unknown)),
		messages: sum(samples.map(({ messages }) => messages)),
		gaps: sum(samples.map(({ gaps }) => gaps)),
		entries: sum(samples.map(({ entries }) => entries)),
		redelivered: sum(samples.map(({ redelivered }) => redelivered)),
		errors,
		healthyP99: recoveryOf(samples.map(({ healthy }) => healthy.p99)).median,
		healthyMax: Math.max(0, ...samples.map(({ healthy }) => healthy.max)),
	};
}

function sum(numbers: readonly number[]): number {
	return numbers.reduce((total, each) => total + each, 0);
}

/** The run as Markdown: the tables for people, readable in a terminal too. */
export function report(run: Run): string {
	const found = failures(run);
	const { calls, items, unknown, errors, messages, gaps, entries, redelivered, healthyP99, healthyMax } = totals(run);
	const rows = faultRows(run);
	const all = {
		fault: "all",
		times: run.faults.length,
		recoveryMs: recoveryOf(run.faults.flatMap(({ recoveryMs }) => recoveryMs)),
		messagesMs: recoveryOf(run.faults.flatMap(({ messagesMs }) => messagesMs)),
		entriesMs: recoveryOf(run.faults.flatMap(({ entriesMs }) => entriesMs)),
		promoted: sum(rows.map((row) => row.promoted)),
		lost: sum(rows.map((row) => row.lost)),
	};
	const table = align([
		["fault", "times", "calls: median", "max", "messages: median", "max", "entries: median", "max", "promotions", "acks lost"],
		...[...rows, all].map(({ fault, times, recoveryMs, messagesMs, entriesMs, promoted, lost }) => [
			fault,
			times,
			...[recoveryMs, messagesMs, entriesMs].flatMap(({ median, max }) => [ms(median), ms(max)]),
			promoted,
			lost,
		]),
	]);
	const first = run.samples.filter(({ atMs }) => atMs >= Math.min(SETTLED_MS, (run.samples.at(-1)?.atMs ?? 0) / 2));
	const growthRows = align([
		["client", "heap MiB, first", "last", "RSS MiB, first", "last", "sockets, first", "last"],
		...Array.from({ length: CLIENTS }, (_, client) => {
			const own = first.filter((sample) => sample.client === client);
			const [a, b] = [own[0], own.at(-1)];
			return [
				client,
				a?.heapMiB.toFixed(1),
				b?.heapMiB.toFixed(1),
				a?.rssMiB.toFixed(0),
				b?.rssMiB.toFixed(0),
				a?.sockets,
				b?.sockets,
			];
		}),
	]);
	const codes = Object.entries(errors).map(([code, count]) => `${code} ${count}`);
	return [
		`# Chaos, seed ${run.seed}, ${run.minutes} minutes${run.sabotage ? `, client broken on purpose: ${run.sabotage}` : ""}: ${found.length === 0 ? "green" : "RED"}`,
		"",
		`${CLIENTS} clients, ${SHARDS} primaries and ${SHARDS} replicas, node timeout ${run.nodeTimeoutMs} ms; ${run.faults.length} faults.`,
		`${calls} calls with ${items} values read or written and checked; ${unknown} writes of unknown outcome; errors: ${codes.join(", ") || "none"}.`,
		`${messages} messages received and ${gaps} gaps told; ${entries} entries of streams consumed, ${redelivered} of them as redelivered.`,
		`Calls to shards without a fault: p99 ${ms(healthyP99)} ms (median of samples), slowest ${ms(healthyMax)} ms; ${run.excused.length} late calls excused, because the machine stood still for everybody.`,
		"",
		table,
		"",
		"Milliseconds from the fault, its own length included: to each client's first success at the shard, to the first message of each channel, to the first new entry of each stream.",
		"",
		growthRows,
		"",
		...(found.length === 0
			? []
			: [
					"Wrong:",
					"",
					...found.slice(0, 50).map((what) => `- ${what}`),
					found.length > 50 ? `- and ${found.length - 50} more` : "",
				]),
	].join("\n");
}

function ms(value: number): string {
	return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

function align(rows: readonly (readonly unknown[])[]): string {
	const cells = rows.map((row) => row.map((cell) => String(cell ?? "")));
	const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
	const line = (row: readonly string[]): string =>
		`| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |`;
	const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
	return [line(cells[0]!), line(rule), ...cells.slice(1).map(line)].join("\n");
}
