/** Growth on real servers: slotwire alone under the benchmark's runner, a process for each point, the median of its last rounds. */
import { adapters } from "../../src/cli/bench/adapter.js";
import { runSides } from "../../src/cli/bench/cell.js";
import { isMeasured, summarize } from "../../src/cli/bench/results.js";
import type { Stage } from "../../src/cli/bench/stage.js";
import { type Shape, type Topology, workload } from "../../src/cli/bench/workload.js";
import type { Plan, Point } from "./series.js";

const ROUNDS = 5;
/** So many rounds before are left out: compiling takes a second, and up to nine tenths of the CPU time meanwhile. */
const WARM_ROUNDS = 5;
const ROUND_MS = 200;
/** Long enough for the most requests in flight to be answered several times. */
const CROWDED_ROUND_MS = 400;
const VALUE_BYTES = 512;
const KEYS = [1, 8, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

export function livePlans(stage: Stage): Plan[] {
	const slotwire = adapters.find(({ name }) => name === "slotwire")!;
	const measure = async (shape: Shape, roundMs = ROUND_MS) => {
		const subject = workload({ ...shape, rounds: WARM_ROUNDS + ROUNDS });
		const pace = { rounds: subject.rounds, roundMs, step: () => {} };
		const [outcome] = await runSides([{ entry: slotwire, workload: subject }], stage, pace);
		if (!isMeasured(outcome)) throw new Error(`${subject.topology} ${subject.name}: ${JSON.stringify(outcome)}`);
		const figures = summarize({ ...outcome, rounds: outcome.rounds.slice(WARM_ROUNDS) }, subject);
		return { ...figures, commands: outcome.commands, flights: outcome.flights ?? Number.NaN };
	};

	const batch = async (shape: Shape): Promise<Omit<Point, "x">> => {
		const { cpu, p50, rate, commands, flights } = await measure(shape);
		const more = { p50Ms: p50 / 1000, wallPerKey: 1e6 / rate / shape.keys, flights, commands };
		return { y: cpu / shape.keys, more };
	};

	const byKeys = (call: "mget" | "setMany", topology: Topology, where: string): Plan => ({
		name: `${call} of 512 B values, ${where}`,
		unit: "CPU µs per key",
		x: "keys per request",
		values: KEYS,
		measure: (keys) => batch({ call, topology, keys, valueBytes: VALUE_BYTES }),
		flat: { from: 1024, to: 8192 },
	});

	const byInFlight = (topology: Topology, where: string): Plan => ({
		name: `get of 512 B values, ${where}`,
		unit: "CPU µs per request",
		x: "requests in flight",
		values: [1, 10, 100, 1000, 10_000],
		flat: { from: 1000, to: 10_000 },
		async measure(inFlight) {
			const shape = { call: "get", topology, keys: 1, valueBytes: VALUE_BYTES, inFlight } as const;
			const { cpu, p50, rate } = await measure(shape, CROWDED_ROUND_MS);
			return { y: cpu, more: { p50Ms: p50 / 1000, requestsPerSecond: rate } };
		},
	});

	const standalone = "standalone server";
	const cluster = "3 primaries, untagged keys";
	return [
		byKeys("mget", "standalone", standalone),
		byKeys("setMany", "standalone", standalone),
		byInFlight("standalone", standalone),
		byKeys("mget", "cluster-3", cluster),
		byKeys("setMany", "cluster-3", cluster),
		byInFlight("cluster-3", cluster),
		{
			name: "mget of 512 untagged keys of 512 B",
			unit: "CPU µs per key",
			x: "primaries",
			values: [3, 6, 12],
			measure: (nodes) => batch({ call: "mget", topology: `cluster-${nodes}` as Topology, keys: 512, valueBytes: VALUE_BYTES }),
			flat: { from: 3, to: 12 },
		},
	];
}
