/** `slotwire bench`: every client side by side, under the same workloads. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { VERSION } from "../../version.js";
import type { ServerRuntime } from "../servers/runtime.js";
import { type AdapterEntry, adapters, bunBinary, locatePeer } from "./adapter.js";
import { runCell, stepsOf } from "./cell.js";
import { saveJson } from "./file.js";
import { buildOf, type Cell, newResults, type Results, readResults } from "./results.js";
import { type MakeCertificates, Stage } from "./stage.js";
import { cellTable } from "./table.js";
import { type Workload, workloads } from "./workload.js";

export const benchHelp = `slotwire bench [--quick] [--client NAME]... [--workload PART]... [--topology NAME]... [--json]

Measures slotwire, the floor (what node:net allows) and the other clients that are installed in this folder: a process for each, on real
servers, the clients in turn round by round. Without filters: the standard run, at most 40 minutes.

  --quick           a few workloads, short rounds: under two minutes
  --client NAME     only these, and slotwire: ${adapters.map(({ name }) => name).join(", ")}
  --workload PART   only workloads whose name has this part, also those that are not in the standard run; --list shows them
  --topology NAME   only standalone, cluster-3 or cluster-6
  --rounds N        at least so many measured rounds (default 7, with --quick 3)
  --round-ms N      length of a round (default 500, with --quick 150)
  --out FILE        save after each cell; a file that lacks some of the cells is gone on with
  --fresh           start the file anew in any case
  --json            print the results as JSON instead of tables
  --list            print the workloads and end
  --help            this text
`;

export interface BenchHost {
	findRuntime(): Promise<ServerRuntime>;
	/** Absent: workloads over TLS are left out. */
	makeCertificates?: MakeCertificates;
	/** To stdout: the result. */
	print(text: string): void;
	/** To people: what is going on. */
	note(text: string): void;
	/** Absent: a line for each cell. */
	progress?: Progress;
}

export interface Progress {
	start(steps: number): void;
	step(what: string): void;
	stop(): void;
}

/** What is measured as slotwire: every file of the build. */
const sources = fileURLToPath(new URL("../../", import.meta.url));
const QUICK = { rounds: 3, roundMs: 150 };
const STANDARD = { rounds: 7, roundMs: 500 };

/** Resolves with the results; undefined when there was nothing to measure, such as after --help. */
export async function runBench(args: string[], host: BenchHost): Promise<Results | undefined> {
	const { values } = parseArgs({
		args,
		options: {
			quick: { type: "boolean", default: false },
			client: { type: "string", multiple: true, default: [] },
			workload: { type: "string", multiple: true, default: [] },
			topology: { type: "string", multiple: true, default: [] },
			rounds: { type: "string" },
			"round-ms": { type: "string" },
			out: { type: "string" },
			fresh: { type: "boolean", default: false },
			json: { type: "boolean", default: false },
			list: { type: "boolean", default: false },
			help: { type: "boolean", default: false },
		},
	});
	if (values.help) {
		host.print(benchHelp);
		return undefined;
	}
	const selected = selectWorkloads(values, host);
	if (values.list) {
		host.print(selected.map(({ topology, name }) => `${topology} ${name}\n`).join(""));
		return undefined;
	}
	const plain = values.quick ? QUICK : STANDARD;
	const rounds = positive("--rounds", values.rounds) ?? plain.rounds;
	const roundMs = positive("--round-ms", values["round-ms"]) ?? plain.roundMs;
	const clients = selectClients(values.client, host);
	const runtime = await host.findRuntime();
	await using stage = new Stage(runtime, host.makeCertificates);
	const now = newResults(VERSION, await buildOf(sources), stage.servers, { rounds, roundMs });
	const results = values.out === undefined || values.fresh ? now : await goOn(values.out, now, selected, clients, host.note);
	const left = selected.filter((workload) => !results.cells.some(({ workload: known }) => isSame(known, workload)));
	const quickly = (workload: Workload): Workload => (values.quick ? { ...workload, rounds } : workload);
	host.progress?.start(left.reduce((steps, workload) => steps + stepsOf(quickly(workload), clients, rounds), 0));
	try {
		for (const [i, workload] of left.entries()) {
			const step = (what: string): void => host.progress?.step(`${workload.topology} ${workload.name}, ${what}`);
			if (host.progress === undefined) host.note(`${i + 1} of ${left.length}: ${workload.topology} ${workload.name}`);
			const cell = await runCell(quickly(workload), clients, stage, { rounds, roundMs, step });
			results.cells.push({ ...cell, workload });
			if (values.out !== undefined) await saveJson(values.out, results);
			if (!values.json) host.print(`${cellTable(cell)}\n`);
			await stage.keepOnly(left.slice(i + 1));
		}
	} finally {
		host.progress?.stop();
	}
	if (values.json) host.print(`${JSON.stringify(results, null, 2)}\n`);
	return results;
}

interface Selection {
	quick: boolean;
	workload: string[];
	topology: string[];
}

function selectWorkloads({ quick, workload, topology }: Selection, { makeCertificates }: BenchHost): Workload[] {
	const named = workload.length > 0;
	const found = workloads.filter(
		(it) =>
			(named ? workload.some((part) => it.name.includes(part)) : quick ? it.quick : it.standard) &&
			(topology.length === 0 || topology.includes(it.topology)) &&
			(!it.tls || makeCertificates !== undefined),
	);
	if (found.length === 0) throw new Error("no workload here is named so; slotwire bench --list shows them");
	return found;
}

/** Those that are asked for, or all; slotwire always. Who is not installed is left out, and said so. */
function selectClients(names: readonly string[], { note }: BenchHost): AdapterEntry[] {
	const unknown = names.find((name) => !adapters.some((entry) => entry.name === name));
	if (unknown !== undefined) throw new Error(`${unknown} is no client of this benchmark; slotwire bench --help names them`);
	const wanted = adapters.filter(({ name }) => names.length === 0 || name === "slotwire" || names.includes(name));
	const missing = wanted.filter((entry) => !isInstalled(entry));
	if (missing.length > 0) note(`not installed here, left out: ${missing.map(({ name }) => name).join(", ")}`);
	return wanted.filter(isInstalled);
}

export function isInstalled({ peer, runtime }: AdapterEntry): boolean {
	return peer === null || (runtime === "bun" ? bunBinary() : locatePeer(peer)) !== null;
}

/**
 * The results to add to. Those of a file that was made in the same way, by the same build, keep their cells; of the cells asked for, those
 * that the same clients have already, unless that is all of them: then they are measured anew.
 */
async function goOn(
	file: string,
	now: Results,
	selected: readonly Workload[],
	clients: readonly AdapterEntry[],
	note: (text: string) => void,
): Promise<Results> {
	const known = await readResults(file);
	if (known === null) return now;
	const setting = ({ cells: _, date: __, ...rest }: Results): string => JSON.stringify(rest);
	if (setting(known) !== setting(now)) {
		note(`${file} was made in another way, or by another build: it is begun anew`);
		return now;
	}
	const names = clients
		.map(({ name }) => name)
		.sort()
		.join();
	const isAsked = ({ workload }: Cell): boolean => selected.some((other) => isSame(workload, other));
	const isWhole = ({ outcomes }: Cell): boolean => Object.keys(outcomes).sort().join() === names;
	const kept = known.cells.filter((cell) => isAsked(cell) && isWhole(cell));
	if (kept.length > 0 && kept.length < selected.length) note(`${kept.length} cells are in ${file} already`);
	const others = known.cells.filter((cell) => !isAsked(cell));
	return { ...known, cells: kept.length < selected.length ? [...others, ...kept] : others };
}

function isSame(one: Workload, other: Workload): boolean {
	return one.name === other.name && one.topology === other.topology;
}

function positive(option: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} must be an integer from 1`);
	return value;
}
