/** What `npm run fuzz` runs. */
import { parseArgs } from "node:util";
import { saveJson, saveWhole } from "../../src/cli/bench/file.js";
import { newResults } from "../../src/cli/bench/results.js";
import { VERSION } from "../../src/version.js";
import { type FuzzReport, findings, isClean, markdown, table } from "./report.js";
import { runFuzz } from "./run.js";

const HELP = `npm run fuzz -- [--inputs N] [--seconds N] [--seed N] [--target NAME]... [--out FILE.json] [--json]
npm run fuzz -- --target NAME --replay BASE64

Gives damaged replies to everything that reads bytes of a peer. Ends with code 1 when one of them made it hang, throw what it must not throw,
or take more memory than its length allows. The same seed makes the same inputs.

  --inputs N       so many, over all targets; without --seconds as long as that takes
  --seconds N      so long, over all targets (default 30 without --inputs)
  --seed N         default 1
  --target NAME    only this one: resp3, resp2, parity, decoder, in-place, in-place-long, topology, redirection, handshake
  --replay BASE64  this one input
  --hang-ms N      one input that takes longer is a hang (default 2000)
  --out FILE.json  save the report there, and as Markdown beside it
  --json           print the report as JSON
  --help           this text
`;

const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			inputs: { type: "string" },
			seconds: { type: "string" },
			seed: { type: "string", default: "1" },
			target: { type: "string", multiple: true, default: [] },
			replay: { type: "string" },
			"hang-ms": { type: "string", default: "2000" },
			out: { type: "string" },
			json: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) {
		process.stdout.write(HELP);
		return;
	}
	if (values.replay !== undefined && values.target.length !== 1) throw new Error("--replay needs one --target");
	if (values.out !== undefined && !values.out.endsWith(".json")) throw new Error("--out must end in .json");
	const seed = whole("--seed", values.seed, 0);
	const hangMs = whole("--hang-ms", values["hang-ms"], 1);
	const inputs = values.inputs === undefined ? Number.POSITIVE_INFINITY : whole("--inputs", values.inputs, 1);
	const isOpen = values.inputs === undefined && values.replay === undefined;
	const limit = values.seconds ?? (isOpen ? "30" : undefined);
	const seconds = limit === undefined ? Number.POSITIVE_INFINITY : whole("--seconds", limit, 1);
	const began = performance.now();
	const targets = await runFuzz({
		seed,
		inputs,
		seconds,
		hangMs,
		only: values.target,
		replay: values.replay ?? null,
		module: new URL("./targets.js", import.meta.url).href,
		note,
	});
	const { date, machine } = newResults(VERSION, "", "", { rounds: 0, roundMs: 0 });
	const { server: _, ...here } = machine;
	const report: FuzzReport = {
		command: commandOf(values),
		slotwire: VERSION,
		date,
		machine: here,
		seed,
		inputs: targets.reduce((sum, target) => sum + target.inputs, 0),
		seconds: (performance.now() - began) / 1000,
		hangMs,
		targets,
	};
	process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : table(report));
	if (values.out !== undefined) {
		await saveJson(values.out, report);
		await saveWhole(values.out.replace(/json$/, "md"), markdown(report));
	}
	if (isClean(report)) return;
	note(findings(report));
	process.exitCode = 1;
}

function commandOf(values: { inputs?: string; seconds?: string; seed: string; target: string[]; replay?: string }): string {
	const parts = Object.entries(values).flatMap(([option, value]) =>
		["inputs", "seconds", "seed", "target", "replay"].includes(option) ? [value].flat().map((text) => `--${option} ${text}`) : [],
	);
	return `npm run fuzz -- ${parts.join(" ")}`;
}

function whole(option: string, text: string, least: number): number {
	const value = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
		throw new Error(`${option} must be a whole number, ${least} or more`);
	return value;
}

try {
	await main();
} catch (error) {
	note((error as Error).message);
	process.exitCode = 1;
}
