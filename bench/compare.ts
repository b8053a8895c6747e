/**
 * What `npm run bench:compare -- FOLDER…` runs: the slotwire of this checkout beside that of others, under the same workloads, round by round
 * in turn. It shows what a change is worth: every trick's figure in RESULTS.md comes from here.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findRuntime } from "../fixtures/servers.js";
import { median } from "../src/cli/bench/results.js";
import { Stage } from "../src/cli/bench/stage.js";
import { Subject } from "../src/cli/bench/subject.js";
import type { Round } from "../src/cli/bench/trial.js";
import { type Workload, workloads } from "../src/cli/bench/workload.js";

const help = `npm run bench:compare -- FOLDER... [--workload PART]... [--rounds N] [--round-ms N]

  FOLDER           another checkout of slotwire, built by npm run tools
  --workload PART  workloads with this part in "topology name"; by default the quick ones
  --rounds N       default 11
  --round-ms N     default 300
`;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		workload: { type: "string", multiple: true, default: [] },
		rounds: { type: "string", default: "11" },
		"round-ms": { type: "string", default: "300" },
		help: { type: "boolean", default: false },
	},
});

interface Side {
	folder: string;
	subject: Subject;
	rounds: Round[];
}

async function main(): Promise<void> {
	if (values.help || positionals.length === 0) {
		process.stdout.write(help);
		return;
	}
	await using stage = new Stage(await findRuntime(), undefined);
	const folders = [...positionals.map((folder) => resolve(folder)), process.cwd()];
	for (const workload of workloads.filter(isWanted)) {
		const sides = await compare(workload, folders, stage);
		process.stdout.write(`${workload.topology} ${workload.name}\n`);
		console.table(sides.map((side) => row(side, sides[0]!)));
		await stage.keepOnly([workload]);
	}
}

function isWanted({ topology, name, tls, quick }: Workload): boolean {
	if (tls) return false;
	return values.workload.length === 0 ? quick : values.workload.some((part) => `${topology} ${name}`.includes(part));
}

async function compare(workload: Workload, folders: readonly string[], stage: Stage): Promise<Side[]> {
	const target = await stage.prepare([workload]);
	const roundMs = Number(values["round-ms"]);
	const sides: Side[] = folders.map((folder) => ({
		folder,
		subject: new Subject({ runtime: "node" }, join(folder, "build/src/cli/bench/worker.js")),
		rounds: [],
	}));
	try {
		for (const { subject } of sides) {
			await subject.start("slotwire", target, workload);
			await subject.round(2 * roundMs);
		}
		for (let round = 0; round < Number(values.rounds); round++)
			for (let i = 0; i < sides.length; i++) {
				const { subject, rounds } = sides[(i + round) % sides.length]!;
				rounds.push(await subject.round(roundMs));
			}
	} finally {
		await Promise.all(sides.map(({ subject }) => subject[Symbol.asyncDispose]()));
	}
	return sides;
}

/** Ratios are medians of those within the rounds, to the first folder. */
function row({ folder, rounds }: Side, first: Side): Record<string, string> {
	const rate = ({ requests, seconds }: Round): number => requests / seconds;
	const ratio = (figure: (round: Round) => number): string =>
		median(rounds.map((round, i) => figure(round) / figure(first.rounds[i]!))).toFixed(3);
	return {
		folder,
		"requests/s": Math.round(median(rounds.map(rate))).toLocaleString("en"),
		"x first": ratio(rate),
		"CPU us": median(rounds.map(({ cpu }) => cpu)).toFixed(2),
		"CPU x first": ratio(({ cpu }) => cpu),
	};
}

try {
	await main();
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 1;
}
