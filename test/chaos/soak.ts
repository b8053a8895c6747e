/** What `npm run soak` runs: steady load for an hour with a light fault every minute. The CSV has a line for each minute as it ends. */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { saveWhole } from "../../src/cli/bench/file.js";
import { makeFolderOf, numberOf, seedOf } from "./arguments.js";
import { conduct } from "./conductor.js";
import { faults } from "./faults.js";
import { soakChart } from "./soak-chart.js";
import { CSV_HEADER, csvLine, minuteOf, parseMinutes, trends } from "./soak-minutes.js";
import { failures } from "./verdict.js";

const HELP = `npm run soak -- [--minutes 60] [--seed 1] [--out test/chaos/reports/soak]

Writes FILE.csv as it goes, and FILE.svg at the end. Exits with 1 when anything that a chaos run would call wrong happened, or when
errors, p99, heap, RSS or sockets are higher at the end than after the first two minutes.
`;

const MINUTE_MS = 60_000;
const note = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			minutes: { type: "string", default: "60" },
			seed: { type: "string", default: "1" },
			out: { type: "string", default: "test/chaos/reports/soak" },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) return note(HELP);
	const [seed, minutes] = [seedOf(values.seed), numberOf("minutes", values.minutes, 1)];
	await makeFolderOf(values.out);
	const csv = `${values.out}.csv`;
	await writeFile(csv, CSV_HEADER);
	let told = 0;
	const run = await conduct({
		seed,
		minutes,
		nodeTimeoutMs: 1500,
		faults: Object.entries(faults).flatMap(([name, { light }]) => (light ? [name] : [])),
		restMs: [MINUTE_MS - 6000, MINUTE_MS - 2000],
		sabotage: null,
		deadlineMs: 5000,
		concurrency: 12,
		thinkMs: 60,
		sampleMs: MINUTE_MS,
		onSample: async (samples, { faults }) => {
			// The first sample ends the warm-up.
			if (samples[0]!.atMs >= MINUTE_MS / 2) await appendFile(csv, csvLine(minuteOf(samples, faults.slice(told))));
			told = faults.length;
		},
	});
	const rows = parseMinutes(await readFile(csv, "utf8"));
	await saveWhole(`${values.out}.svg`, soakChart(rows));
	for (const { column, first, last, rises } of trends(rows)) {
		note(`${column}: ${first.toPrecision(3)} in the first minutes, ${last.toPrecision(3)} in the last${rises ? ": RISES" : ""}`);
		if (rises) process.exitCode = 1;
	}
	const found = failures(run);
	for (const what of found) note(what);
	note(found.length === 0 ? "nothing was wrong" : `${found.length} things were wrong`);
	if (found.length > 0) process.exitCode = 1;
}

try {
	await main();
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 2;
}
