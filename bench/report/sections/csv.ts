/** The two files of earlier days: what a service did before batches, and the tuning of batches. */
import { formatCount } from "../../../src/cli/bench/table.js";
import { groupBy, parseCsv, pivot, type Row } from "../csv.js";
import { table } from "../markdown.js";

/** What a request is, before any tuning. */
const REQUEST = ["topology", "tagged", "value_bytes", "keys_per_request"];

export function baselineSection(text: string): string {
	const rows = readRows(text, "bench/results_baseline.csv", ["p95", "keys_per_request"]);
	const by = present(rows, ["client", "variant", "topology", "tagged", "value_bytes"]);
	const keys = (row: Row): string => `${row.keys_per_request} keys`;
	const { header, lines } = pivot(rows, by, keys, p95Of, formatCount);
	return `## Baseline

From \`bench/results_baseline.csv\`: p95 of a request in milliseconds, by its keys. A loop's is nearly its slowest request: a round has few of them.

${table(header, lines, by.length)}`;
}

export function abSection(text: string): string {
	const rows = sweptRequests(readRows(text, "bench/results_ab.csv", ["p95", "chunk_size", "pool_size"]));
	const by = present(rows, ["variant", "topology", "tagged"]);
	const least = new Map(
		groupBy(rows, REQUEST).flatMap((group) => {
			const lowest = Math.min(...group.map(p95Of));
			return group.map((row) => [row, lowest] as const);
		}),
	);
	const { header, lines } = pivot(
		rows,
		by,
		setting,
		(row) => p95Of(row) / least.get(row)!,
		(ratio) => ratio.toFixed(2),
	);
	return `## Chunk size × pool size

From \`bench/results_ab.csv\`: p95 relative to the lowest that any variant and setting reached for the same request (topology, tags, value size, keys), of those that were measured with every setting; the median over them. 1.00: always the lowest.

${table(header, lines, by.length)}`;
}

function setting({ chunk_size, pool_size }: Row): string {
	return `${chunk_size || "–"} × ${pool_size || "–"}`;
}

/** The rows of requests that were measured with every setting: where one setting has no competition, it would always be the best. */
function sweptRequests(rows: readonly Row[]): Row[] {
	const tuned = (group: readonly Row[]): Row[] => group.filter(({ chunk_size }) => chunk_size !== "");
	const groups = groupBy(rows, REQUEST).map((group) => ({ group, settings: new Set(tuned(group).map(setting)).size }));
	const most = Math.max(...groups.map(({ settings }) => settings));
	return groups.filter(({ settings }) => settings === most).flatMap(({ group }) => group);
}

function p95Of({ p95 }: Row): number {
	return Number(p95);
}

function readRows(text: string, file: string, columns: readonly string[]): Row[] {
	const rows = parseCsv(text);
	const missing = columns.filter((name) => rows.some((row) => row[name] === undefined));
	if (missing.length > 0) throw new Error(`${file} has no column ${missing.join(", ")}`);
	if (rows.length === 0) throw new Error(`${file} has no rows`);
	return rows;
}

function present(rows: readonly Row[], columns: readonly string[]): string[] {
	return columns.filter((name) => rows.some((row) => (row[name] ?? "") !== ""));
}
