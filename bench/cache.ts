/**
 * What `npm run bench:cache` runs: slotwire's `Cache` beside others on the same servers, a process for each, in turn round by round. Only the
 * shared level is compared: no cache has one of its own before it.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findRuntime } from "../fixtures/servers.js";
import { saveJson } from "../src/cli/bench/file.js";
import { buildOf, newResults } from "../src/cli/bench/results.js";
import { Stage } from "../src/cli/bench/stage.js";
import { alignedLines, cellTable } from "../src/cli/bench/table.js";
import { VERSION } from "../src/version.js";
import { runCacheCell } from "./cache/cell.js";
import { caches } from "./cache/driver.js";
import { type CacheResults, verdictColumns, verdictLines } from "./cache/verdict.js";
import { cacheWorkloads } from "./cache/workload.js";

const RESULTS = "bench/cache.json";

const WARM_ROUNDS = 3;

const help = `npm run bench:cache -- [--only PART]... [--client NAME]... [--rounds N] [--round-ms N] [--out FILE] [--json]

Without options: every workload by every cache, about seven minutes, saved to ${RESULTS}.

  --only PART      workloads with this part in "topology name"; --list shows them
  --client NAME    only these, and slotwire: ${caches.map(({ name }) => name).join(", ")}
  --rounds N       default 7
  --round-ms N     default 200
  --out FILE       save after each cell
  --json           print the results as JSON instead of tables
  --cpu-prof DIR   leave a CPU profile of each process there
  --list           print the workloads and end
  --help           this text
`;

const { values: options } = parseArgs({
	options: {
		only: { type: "string", multiple: true, default: [] },
		client: { type: "string", multiple: true, default: [] },
		rounds: { type: "string", default: "7" },
		"round-ms": { type: "string", default: "200" },
		out: { type: "string" },
		json: { type: "boolean", default: false },
		"cpu-prof": { type: "string" },
		list: { type: "boolean", default: false },
		help: { type: "boolean", default: false },
	},
});
/** What is measured as slotwire. */
const sources = fileURLToPath(new URL("../src/", import.meta.url));
const print = (text: string): void => void process.stdout.write(text);
const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
	const selected = cacheWorkloads.filter(
		({ topology, name }) => options.only.length === 0 || options.only.some((part) => `${topology} ${name}`.includes(part)),
	);
	if (options.help) return print(help);
	if (selected.length === 0) throw new Error("no workload here is named so; --list shows them");
	if (options.list) return print(selected.map(({ topology, name }) => `${topology} ${name}\n`).join(""));
	const unknown = options.client.find((name) => !caches.some((entry) => entry.name === name));
	if (unknown !== undefined) throw new Error(`${unknown} is no cache of this benchmark; --help names them`);
	const entries = caches.filter(
		({ name }) => options.client.length === 0 || name === "slotwire" || options.client.includes(name),
	);
	const rounds = positive("rounds");
	const roundMs = positive("round-ms");
	const out = options.out ?? (process.argv.length === 2 ? RESULTS : undefined);
	const profile = options["cpu-prof"];
	const flags = profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-interval", "200", "--cpu-prof-dir", profile];

	await using stage = new Stage(await findRuntime(), undefined);
	const started = newResults(VERSION, await buildOf(sources), stage.servers, { rounds, roundMs });
	const results: CacheResults = { ...started, cells: [] };
	for (const [i, workload] of selected.entries()) {
		note(`${i + 1} of ${selected.length}: ${workload.topology} ${workload.name}`);
		const cell = await runCacheCell(
			workload,
			entries,
			stage,
			{ rounds, roundMs, warmMs: WARM_ROUNDS * roundMs, step: () => {} },
			flags,
		);
		results.cells.push(cell);
		if (out !== undefined) await saveJson(out, results);
		if (!options.json)
			print(
				`${cellTable(
					cell,
					caches.map(({ name }) => name),
				)}\n`,
			);
		await stage.keepOnly(selected.slice(i + 1));
	}
	print(options.json ? `${JSON.stringify(results, null, 2)}\n` : `${alignedLines([verdictColumns, ...verdictLines(results)])}\n`);
}

function positive(option: "rounds" | "round-ms"): number {
	const value = Number(options[option]);
	if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${option} must be an integer from 1`);
	return value;
}

try {
	await main();
} catch (error) {
	note((error as Error).message);
	process.exitCode = 1;
}
