/** What `npm run chaos` runs. */
import { parseArgs } from "node:util";
import { saveJson, saveWhole } from "../../src/cli/bench/file.js";
import { makeFolderOf, numberOf, seedOf } from "./arguments.js";
import { conduct } from "./conductor.js";
import { faults } from "./faults.js";
import { SABOTAGES, type Sabotage } from "./messages.js";
import { failures, report } from "./verdict.js";

const HELP = `npm run chaos -- [options]

Four client processes against a cluster of 3 primaries and 3 replicas behind proxies, one fault after the other. Exits with 1 when a
reply was wrong, a write was lost that should not be, a call did not settle, a shard without a fault was slow or one with a fault did
not recover.

  --minutes N      how long (default 1)
  --seed S         which faults in which order (default 1)
  --only PART      faults whose name has this part
  --sabotage HOW   break the client on purpose: ${SABOTAGES.join(", ")}; the run must be red,
                   and begins with the fault that shows it
  --out FILE       FILE.json and FILE.md
  --json           the run as JSON instead of tables
  --help
`;

const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			minutes: { type: "string", default: "1" },
			seed: { type: "string", default: "1" },
			only: { type: "string", default: "" },
			sabotage: { type: "string" },
			out: { type: "string" },
			json: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) {
		process.stdout.write(HELP);
		return;
	}
	const sabotage = (values.sabotage ?? null) as Sabotage | null;
	if (sabotage !== null && !SABOTAGES.includes(sabotage)) throw new Error(`--sabotage is one of ${SABOTAGES.join(", ")}.`);
	const chosen = Object.keys(faults).filter((name) => name.includes(values.only));
	if (chosen.length === 0)
		throw new Error(`--only: no fault has ${JSON.stringify(values.only)} in its name: ${Object.keys(faults).join(", ")}.`);
	const [seed, minutes] = [seedOf(values.seed), numberOf("minutes", values.minutes, 0.1)];
	if (values.out !== undefined) await makeFolderOf(values.out);
	const run = await conduct({
		seed,
		minutes,
		nodeTimeoutMs: 1500,
		faults: chosen,
		restMs: [500, 2500],
		sabotage,
		deadlineMs: 5000,
		concurrency: 12,
		thinkMs: 40,
		sampleMs: 10_000,
		onFault: ({ number, fault, shards, recoveryMs, wholeMs, lost }) => {
			const slowest = Math.round(Math.max(0, ...recoveryMs));
			note(
				`${number} ${fault}, shard ${shards}: recovered in ${slowest} ms, whole in ${Math.round(wholeMs)} ms${lost ? `, ${lost} acknowledged writes lost` : ""}`,
			);
		},
	});
	const found = failures(run);
	if (values.out !== undefined) {
		await saveJson(`${values.out}.json`, { ...run, failures: found });
		await saveWhole(`${values.out}.md`, report(run));
	}
	process.stdout.write(values.json ? `${JSON.stringify({ ...run, failures: found })}\n` : `${report(run)}\n`);
	if (found.length > 0) process.exitCode = 1;
}

try {
	await main();
} catch (error) {
	note((error as Error).message);
	process.exitCode = 2;
}
