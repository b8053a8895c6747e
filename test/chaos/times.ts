/** What `npm run chaos:times` prints: the times in the README's table of faults, out of the runs in `reports/`. */
import { readFile } from "node:fs/promises";
import { table } from "../../bench/report/markdown.js";
import type { Run } from "./run.js";
import { recoveryOf } from "./verdict.js";

const REPORTS = ["chaos-1", "chaos-2", "chaos-3"].map((name) => `test/chaos/reports/${name}.json`);

/** The rows of that table, each of one fault or of several that a caller cannot tell apart. */
const ROWS = [
	["connections reset", "connections ended", "CLIENT KILL", "cut inside a command", "cut inside a reply"],
	["replies lost"],
	["half-open connections"],
	["silence both ways", "replies held"],
	["connections refused"],
	["jitter", "throttled", "split bytes", "foreign pushes"],
	["primary killed"],
	["primary stopped"],
	["failover by hand", "slots moved there and back"],
];

const runs = await Promise.all(REPORTS.map(async (file) => JSON.parse(await readFile(file, "utf8")) as Run));
const faults = runs.flatMap((run) => run.faults);
const lines = ROWS.map((names) => {
	const { median, max } = recoveryOf(faults.filter(({ fault }) => names.includes(fault)).flatMap(({ recoveryMs }) => recoveryMs));
	return [names.join(", "), shown(median), shown(max)];
});
process.stdout.write(table(["faults", "median", "longest"], lines));

function shown(ms: number): string {
	return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`;
}
