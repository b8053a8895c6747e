/**
 * What `npm run bench:profile` runs: slotwire and the floor under `--cpu-prof`, and where the time of a request went, step by step. It shows
 * what is lost against the floor, and why.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findRuntime } from "../fixtures/servers.js";
import { adapters } from "../src/cli/bench/adapter.js";
import { saveJson } from "../src/cli/bench/file.js";
import { Stage } from "../src/cli/bench/stage.js";
import { Subject } from "../src/cli/bench/subject.js";
import { type Workload, workloads } from "../src/cli/bench/workload.js";
import { type CpuProfile, type Step, timeBySteps } from "./profile/steps.js";

const help = `npm run bench:profile -- [--workload "TOPOLOGY NAME"]... [--ms N] [--out FILE]

  --workload   default: those of the standard run on one server without TLS, in Buffers, and the cluster of 3
  --ms N       length of what is profiled (default 2000)
  --out FILE   default bench/profile.json
`;

const { values } = parseArgs({
	options: {
		workload: { type: "string", multiple: true, default: [] },
		ms: { type: "string", default: "2000" },
		out: { type: "string", default: "bench/profile.json" },
		help: { type: "boolean", default: false },
	},
});

export interface ProfileRow {
	topology: string;
	workload: string;
	client: string;
	/** Microseconds of a request, by step. */
	steps: Record<Step, number>;
}

async function main(): Promise<void> {
	if (values.help) {
		process.stdout.write(help);
		return;
	}
	await using stage = new Stage(await findRuntime(), undefined);
	const rows: ProfileRow[] = [];
	for (const workload of workloads.filter(isWanted)) {
		for (const client of workload.topology === "standalone" ? ["slotwire", "floor"] : ["slotwire"]) {
			const row = { topology: workload.topology, workload: workload.name, client, steps: await profile(workload, client, stage) };
			rows.push(row);
			const figures = Object.entries(row.steps).map(([step, us]) => `${step} ${us.toFixed(2)}`);
			process.stdout.write(`${row.topology} ${row.workload} ${client}, us: ${figures.join(", ")}\n`);
			await saveJson(values.out, rows);
		}
	}
}

function isWanted({ topology, name, tls, replies, standard }: Workload): boolean {
	if (values.workload.length > 0) return values.workload.includes(`${topology} ${name}`);
	return standard && !tls && replies === "buffers" && topology !== "cluster-6" && !name.startsWith("loop");
}

async function profile(workload: Workload, client: string, stage: Stage): Promise<Record<Step, number>> {
	const entry = adapters.find(({ name }) => name === client)!;
	const folder = await mkdtemp(join(tmpdir(), "slotwire-profile-"));
	try {
		const target = await stage.prepare([workload]);
		const measured = { requests: 0, seconds: 0 };
		{
			await using subject = new Subject(entry, undefined, ["--cpu-prof", "--cpu-prof-interval", "200", "--cpu-prof-dir", folder]);
			await subject.start(client, target, workload);
			await subject.round(Number(values.ms) / 2);
			const { requests, seconds } = await subject.round(Number(values.ms));
			Object.assign(measured, { requests, seconds });
		}
		const [file] = await readdir(folder);
		return timeBySteps(JSON.parse(await readFile(join(folder, file!), "utf8")) as CpuProfile, measured);
	} finally {
		await rm(folder, { recursive: true });
	}
}

try {
	await main();
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	process.exitCode = 1;
}
