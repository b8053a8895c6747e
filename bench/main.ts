/** What `npm run bench` runs: `slotwire bench` with the servers and certificates of the fixtures, and a progress bar. */
import { Presets, SingleBar } from "cli-progress";
import { certificates, serverTls } from "../fixtures/certificates.js";
import { findRuntime } from "../fixtures/servers.js";
import { runBench } from "../src/cli/bench/bench.js";

const bar = new SingleBar(
	{ format: "{bar} {percentage}% | {eta_formatted} left | {what}", etaBuffer: 200 },
	Presets.shades_classic,
);

try {
	await runBench(process.argv.slice(2), {
		findRuntime,
		makeCertificates: async () => serverTls(await certificates()),
		print: (text) => process.stdout.write(text),
		note: (text) => process.stderr.write(`${text}\n`),
		progress: {
			start: (steps) => bar.start(steps, 0, { what: "" }),
			step: (what) => bar.increment({ what }),
			stop: () => bar.stop(),
		},
	});
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 1;
}
