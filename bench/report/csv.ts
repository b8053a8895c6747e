/** Comma-separated files of figures, whatever columns they have. */
import { median } from "../../src/cli/bench/results.js";

export type Row = Readonly<Record<string, string>>;

/** The first line names the columns. Nothing is quoted. */
export function parseCsv(text: string): Row[] {
	const [header, ...lines] = text
		.split(/\r?\n/)
		.filter((line) => line !== "")
		.map((line) => line.split(","));
	return lines.map((cells) => Object.fromEntries(header!.map((name, i) => [name.trim(), cells[i]?.trim() ?? ""])));
}

/** Rows that are equal in these columns, together. */
export function groupBy(rows: readonly Row[], columns: readonly string[]): Row[][] {
	const groups = new Map<string, Row[]>();
	for (const row of rows) {
		const key = JSON.stringify(columns.map((name) => row[name] ?? ""));
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [row]);
		else group.push(row);
	}
	return [...groups.values()];
}

export interface Pivot {
	header: string[];
	lines: string[][];
}

/** A line for each combination of `by`, a column for each value of `across`; where several rows meet, the median of their figures. */
export function pivot(
	rows: readonly Row[],
	by: readonly string[],
	across: (row: Row) => string,
	figure: (row: Row) => number,
	format: (figure: number) => string,
): Pivot {
	const columns = [...new Set(rows.map(across))].sort(numerically);
	const lines = groupBy(rows, by).map((group) => [
		...by.map((name) => group[0]?.[name] ?? ""),
		...columns.map((column) => {
			const figures = group.filter((row) => across(row) === column).map(figure);
			return figures.length === 0 ? "" : format(median(figures));
		}),
	]);
	return { header: [...by, ...columns], lines };
}

function numerically(one: string, other: string): number {
	return one.localeCompare(other, "en", { numeric: true });
}
