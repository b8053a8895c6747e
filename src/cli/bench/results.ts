/** What the benchmark finds out, as it is saved: raw figures of every round. Everything said about them is computed from here. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { readIfThere } from "./file.js";
import type { Round } from "./trial.js";
import type { Workload } from "./workload.js";

/** One client in one cell. */
export interface Measured {
	version: string;
	rounds: Round[];
	/** For a request: commands as the server counted them, keys it found (reads), and writes to sockets where they can be counted. */
	commands: number;
	hits: number;
	flights: number | null;
	/** Calls of a request by command, those of scripts among them, where they were told apart. */
	calls?: Record<string, number>;
}

export type Outcome = Measured | { failed: string } | { unsupported: true };

/** @typeParam W the benchmark's own workloads, where it is not the one of the clients */
export interface Cell<W = Workload> {
	workload: W;
	/** By client. */
	outcomes: Record<string, Outcome>;
}

export interface Machine {
	cpu: string;
	cores: number;
	memoryGiB: number;
	system: string;
	node: string;
	server: string;
}

export interface Results<W = Workload> {
	slotwire: string;
	/** Of the code that was measured, see {@link buildOf}. */
	build: string;
	date: string;
	machine: Machine;
	rounds: number;
	roundMs: number;
	cells: Cell<W>[];
}

/** The files of a folder as a short hash: two builds that differ in anything have different ones. */
export async function buildOf(folder: string): Promise<string> {
	const hash = createHash("sha256");
	const files = (await readdir(folder, { recursive: true })).filter((name) => /\.[jt]s$/.test(name)).sort();
	for (const name of files) hash.update(name).update(await readFile(join(folder, name)));
	return hash.digest("hex").slice(0, 16);
}

export function newResults(slotwire: string, build: string, server: string, pace: { rounds: number; roundMs: number }): Results {
	const [cpu] = cpus();
	return {
		slotwire,
		build,
		date: new Date().toISOString().slice(0, 10),
		machine: {
			cpu: cpu?.model ?? "unknown",
			cores: cpus().length,
			memoryGiB: Math.round(totalmem() / 2 ** 30),
			system: `${process.platform} ${release()}`,
			node: process.version,
			server,
		},
		...pace,
		cells: [],
	};
}

/** The file's results; null when there is no such file. */
export async function readResults(file: string): Promise<Results | null> {
	try {
		const text = await readIfThere(file);
		return text === null ? null : (JSON.parse(text) as Results);
	} catch (error) {
		throw new Error(`${file} does not hold results of this benchmark`, { cause: error });
	}
}

export function isMeasured(outcome: Outcome | undefined): outcome is Measured {
	return outcome !== undefined && "rounds" in outcome;
}

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

export interface Summary {
	/** Requests, and bytes of values, a second. */
	rate: number;
	bytesRate: number;
	/** Microseconds. */
	p50: number;
	p95: number;
	p99: number;
	cpu: number;
	peakRss: number;
}

/** Medians over the rounds. */
export function summarize({ rounds }: Measured, { keys, valueBytes }: Pick<Workload, "keys" | "valueBytes">): Summary {
	const of = (figure: (round: Round) => number): number => median(rounds.map(figure));
	const rate = of(({ requests, seconds }) => requests / seconds);
	return {
		rate,
		bytesRate: rate * keys * valueBytes,
		p50: of(({ p50 }) => p50),
		p95: of(({ p95 }) => p95),
		p99: of(({ p99 }) => p99),
		cpu: of(({ cpu }) => cpu),
		peakRss: Math.max(...rounds.map(({ peakRss }) => peakRss)),
	};
}

/** How many times as fast `one` was as `other`: the median of the ratios within the rounds. */
export function ratioWithinRounds(one: Measured, other: Measured): number {
	const rate = ({ requests, seconds }: Round): number => requests / seconds;
	return median(one.rounds.map((round, i) => rate(round) / rate(other.rounds[i] as Round)));
}
