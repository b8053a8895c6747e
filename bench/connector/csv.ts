/** A table of results as a CSV file: saved whole after every row, so that a run that was stopped can go on from there. */
import { readIfThere, saveWhole } from "../../src/cli/bench/file.js";

/** What was measured; no two rows of a table have the same. */
const subject = [
	"variant",
	"client",
	"topology",
	"tagged",
	"value_bytes",
	"keys_per_request",
	"chunk_size",
	"pool_size",
] as const;

/**
 * What came out. Percentiles are milliseconds of a request, `ops_sec` requests a second, `bytes_sec` bytes of values a second,
 * `round_trips_per_request` writes to sockets, and the other two what the servers counted.
 */
const figures = [
	"p50",
	"p95",
	"p99",
	"ops_sec",
	"bytes_sec",
	"round_trips_per_request",
	"commands_per_request",
	"keyspace_hits_per_request",
] as const;

const columns = [...subject, ...figures];

export type SubjectFields = Record<(typeof subject)[number], string | number | boolean>;
export type Row = SubjectFields & Record<(typeof figures)[number], string | number>;

export class Table {
	readonly file: string;
	/** By subject. No field has a comma or a quote. */
	readonly #lines = new Map<string, string>();

	private constructor(file: string) {
		this.file = file;
	}

	/** @param keep the rows that the file has already */
	static async open(file: string, keep: boolean): Promise<Table> {
		const table = new Table(file);
		const [header, ...lines] = ((keep ? await readIfThere(file) : null) ?? "").trimEnd().split("\n");
		if (header !== "" && header !== columns.join()) throw new Error(`${file} has other columns`);
		for (const line of lines) table.#lines.set(line.split(",").slice(0, subject.length).join(), line);
		return table;
	}

	get size(): number {
		return this.#lines.size;
	}

	has(fields: SubjectFields): boolean {
		return this.#lines.has(keyOf(fields));
	}

	async add(row: Row): Promise<void> {
		this.#lines.set(keyOf(row), columns.map((column) => row[column]).join());
		await saveWhole(this.file, `${[columns.join(), ...this.#lines.values()].join("\n")}\n`);
	}
}

function keyOf(fields: SubjectFields): string {
	return subject.map((column) => fields[column]).join();
}
