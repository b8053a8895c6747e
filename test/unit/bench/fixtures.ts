/** Results of a benchmark as a test says them: one figure a client, in rounds that are alike unless told otherwise. */
import type { Cell, Measured, Outcome, Results } from "../../../src/cli/bench/results.js";
import type { Round } from "../../../src/cli/bench/trial.js";
import { type Topology, type Workload, workloads } from "../../../src/cli/bench/workload.js";

export interface Figures {
	/** Requests in a second. */
	rate?: number;
	cpu?: number;
	p95?: number;
	peakRss?: number;
}

export function round({ rate = 100, cpu = 100, p95 = 100, peakRss = 100 }: Figures): Round {
	return { requests: rate, seconds: 1, p50: p95 / 2, p95, p99: p95 * 2, cpu, peakRss };
}

export function measured(...rounds: Figures[]): Measured {
	return { version: "1.2.3", rounds: rounds.map(round), commands: 1, hits: 1, flights: 1 };
}

export function cell(topology: Topology, name: string, outcomes: Record<string, Outcome>): Cell {
	return { workload: find(topology, name), outcomes };
}

export function find(topology: Topology, name: string): Workload {
	const found = workloads.find((workload) => workload.topology === topology && workload.name === name);
	if (found === undefined) throw new Error(`there is no workload ${topology} ${name}`);
	return found;
}

export function results(...cells: Cell[]): Results {
	const machine = { cpu: "a CPU", cores: 2, memoryGiB: 8, system: "linux", node: "v20.19.0", server: "Redis 7.0.15" };
	return { slotwire: "0.1.0", build: "0", rounds: 5, date: "2026-01-01", machine, roundMs: 500, cells };
}
