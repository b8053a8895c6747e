/** What `npm run bench` runs: `slotwire bench` with the servers and certificates of the fixtures, and a progress bar. */
import { Presets, SingleBar } from "cli-progress";
import { certificates, serverTls } from "../fixtures/certificates.js";
import { findRuntime } from "../fixtures/servers.js";
import { runBench } from "../src/cli/bench/bench.js";
import { reportAfterRun } from "./report/report.js";

/** The standard run's results, which the report is made of. */
const RESULTS = "bench/results.json";

const bar = new SingleBar(
	{ format: "{bar} {percentage}% | {eta_formatted} left | {what}", etaBuffer: 200, clearOnComplete: true },
	Presets.shades_classic,
);
/** Nothing stands on the bar's line when something else is printed; the next step draws it again. */
const clearBar = (): void => {
	if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
};

try {
	const given = process.argv.slice(2);
	const args = given.length === 0 ? ["--out", RESULTS] : given;
	const results = await runBench(args, {
		findRuntime,
		makeCertificates: async () => serverTls(await certificates()),
		print: (text) => {
			clearBar();
			process.stdout.write(text);
		},
		note: (text) => {
			clearBar();
			process.stderr.write(`${text}\n`);
		},
		progress: {
			start: (steps) => bar.start(steps, 0, { what: "" }),
			step: (what) => bar.increment({ what }),
			stop: () => bar.stop(),
		},
	});
	if (results !== undefined) await reportAfterRun(args);
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 1;
}
