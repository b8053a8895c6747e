/** `npm run bench:report`: the report on the figures in `bench/`, or in the folder that is given. */
import { writeReport } from "./report.js";

try {
	await writeReport(process.argv[2]);
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 1;
}
