/**
 * What `npm run bench:connector` runs: the old way of reading a request's values beside the new one, as two CSV files.
 *
 * | file | rows |
 * |---|---|
 * | `results_baseline.csv` | awaited GETs, concurrent GETs and each client's own call for many keys, on every topology |
 * | `results_ab.csv` | A: single GETs by slotwire; B: its `mget`, by chunk size and by connections of a node |
 *
 * Every row was checked against the servers before it was timed: a client whose requests did not find all their keys has no row, and the
 * run ends with an error.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findRuntime } from "../fixtures/servers.js";
import { adapters } from "../src/cli/bench/adapter.js";
import { isInstalled } from "../src/cli/bench/bench.js";
import { runSides } from "../src/cli/bench/cell.js";
import { isMeasured, type Measured, type Outcome } from "../src/cli/bench/results.js";
import { Stage } from "../src/cli/bench/stage.js";
import { Table } from "./connector/csv.js";
import { type Group, plan, type TableName } from "./connector/plan.js";
import { rowOf, subjectOf } from "./connector/row.js";

const help = `npm run bench:connector -- [--table baseline|ab] [--only PART] [--resume] [--rounds N] [--round-ms N] [--to FOLDER]

  --table NAME   one of the tables
  --only PART    only groups whose name has this part, such as "cluster-3 untagged: 128 keys of 2048 B"
  --resume       keep the rows that the files have already; by default everything is measured anew
  --rounds N     measured rounds of each row (default 3 for baseline, 5 for ab)
  --round-ms N   length of a round (default 150)
  --to FOLDER    where the files go (default bench)
`;

const ROUNDS = { baseline: 3, ab: 5 };
const ROUND_MS = 150;

const { values: options } = parseArgs({
	options: {
		table: { type: "string" },
		only: { type: "string", default: "" },
		resume: { type: "boolean", default: false },
		rounds: { type: "string" },
		"round-ms": { type: "string" },
		to: { type: "string", default: "bench" },
		help: { type: "boolean", default: false },
	},
});

const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
	const groups = plan().filter(({ table, name }) => (options.table ?? table) === table && name.includes(options.only));
	if (groups.length === 0) throw new Error("nothing is named so; --help tells the options");
	const tables: Record<TableName, Table> = {
		baseline: await Table.open(join(options.to, "results_baseline.csv"), options.resume),
		ab: await Table.open(join(options.to, "results_ab.csv"), options.resume),
	};
	const failures: string[] = [];
	await using stage = new Stage(await findRuntime(), undefined);
	for (const [i, group] of groups.entries()) {
		note(`${i + 1} of ${groups.length}, ${group.table}: ${group.name}`);
		failures.push(...(await measure(group, tables[group.table], stage)));
		await stage.keepOnly(groups.slice(i + 1).map(({ jobs }) => jobs[0]!.workload));
	}
	for (const { file, size } of Object.values(tables)) if (size > 0) note(`${file}: ${size} rows`);
	if (failures.length > 0) throw new Error(`${failures.length} rows are missing:\n${failures.join("\n")}`);
}

/** Resolves with what has no row, and why. */
async function measure({ table: name, name: subject, jobs }: Group, table: Table, stage: Stage): Promise<string[]> {
	const left = jobs.filter((job) => !table.has(subjectOf(job)));
	const sides = left.flatMap((job) => {
		const entry = adapters.find(({ name }) => name === job.client)!;
		return isInstalled(entry) ? [{ job, entry, workload: job.workload }] : [];
	});
	const missing = left.length - sides.length;
	if (missing > 0) note(`${missing} rows are left out: their clients are not installed here`);
	if (sides.length === 0) return [];
	const rounds = Number(options.rounds ?? ROUNDS[name]);
	const roundMs = Number(options["round-ms"] ?? ROUND_MS);
	const outcomes = await runSides(sides, stage, { rounds, roundMs, step: () => {} });
	const failures: string[] = [];
	for (const [i, { job }] of sides.entries()) {
		try {
			await table.add(rowOf(job, measuredOf(outcomes[i]!)));
		} catch (error) {
			failures.push(`${subject}, ${job.client} ${job.variant}: ${(error as Error).message}`);
		}
	}
	return failures;
}

function measuredOf(outcome: Outcome): Measured {
	if (isMeasured(outcome)) return outcome;
	throw new Error("failed" in outcome ? outcome.failed : "it has no such call");
}

if (options.help) process.stdout.write(help);
else {
	try {
		await main();
	} catch (error) {
		note((error as Error).message);
		process.exitCode = 1;
	}
}
