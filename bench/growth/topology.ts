/** Growth with the number of nodes, up to far more than can be started: each number in processes of its own. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PlanFigures } from "./plan-worker.js";
import type { Plan } from "./series.js";
import type { StartFigures } from "./start-worker.js";
import type { TopologyFigures } from "./topology-worker.js";

const PRIMARIES = [3, 10, 100, 1000];
/** More are planned in windows. */
const PLANNED_KEYS = [128, 512, 1024, 2048];
const execute = promisify(execFile);

async function run<T>(file: string, ...args: readonly number[]): Promise<T> {
	const path = fileURLToPath(new URL(file, import.meta.url));
	const { stdout } = await execute(process.execPath, ["--expose-gc", path, ...args.map(String)]);
	return JSON.parse(stdout) as T;
}

/** Several series are made of what one process prints. */
function once<T>(measure: (primaries: number) => Promise<T>): (primaries: number) => Promise<T> {
	const results = new Map<number, Promise<T>>();
	return (primaries) => {
		const result = results.get(primaries) ?? measure(primaries);
		results.set(primaries, result);
		return result;
	};
}

export function topologyPlans(): Plan[] {
	const pure = once((primaries) => run<TopologyFigures>("./topology-worker.js", primaries));
	const started = once((primaries) => run<StartFigures>("./start-worker.js", primaries));
	const planned = (primaries: number, keys: number): Promise<PlanFigures> => run("./plan-worker.js", primaries, keys);
	const primaries = { x: "primaries", values: PRIMARIES };
	return [
		{
			...primaries,
			name: "CLUSTER SLOTS read and mapped, a replica for each primary",
			unit: "CPU µs",
			async measure(nodes) {
				const { decode, parse, assign, fragmented, replyBytes } = await pure(nodes);
				return { y: decode + parse + assign, more: { decode, parse, assign, everySlotARange: fragmented, replyBytes } };
			},
		},
		{
			...primaries,
			name: "shards and slot map in memory",
			unit: "bytes",
			async measure(nodes) {
				const { shardBytes, mapBytes } = await pure(nodes);
				return { y: shardBytes + mapBytes, more: { shards: shardBytes, map: mapBytes } };
			},
		},
		...PLANNED_KEYS.map(
			(keys): Plan => ({
				...primaries,
				name: `plan of an mget of ${keys} untagged keys`,
				unit: "CPU ns per key",
				flat: { from: 3, to: 1000 },
				async measure(nodes) {
					const { perKey, chunks } = await planned(nodes, keys);
					return { y: perKey, more: { chunks } };
				},
			}),
		),
		{
			...primaries,
			name: "createClient from one seed, fake nodes",
			unit: "ms",
			async measure(nodes) {
				const { cpuPerKey: _, flights: __, startMs, ...more } = await started(nodes);
				return { y: startMs, more: { ...more } };
			},
		},
		{
			...primaries,
			name: "mget of 8192 untagged keys of 512 B, fake nodes",
			unit: "CPU µs per key",
			async measure(nodes) {
				const { cpuPerKey, flights } = await started(nodes);
				return { y: cpuPerKey, more: { flights } };
			},
		},
	];
}
