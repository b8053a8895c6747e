import { Bench } from "tinybench";

/** Cases that do the same work; the first is the reference the others are compared with. */
export interface Suite {
	name: string;
	cases: { name: string; run: () => void }[];
	/** Operations one `run` performs. */
	operations: number;
}

export interface Row {
	suite: string;
	case: string;
	"ops/s": string;
	"ns/op": string;
	/** How many times as fast as the reference. */
	ratio: string;
}

export async function measure({ name, cases, operations }: Suite): Promise<Row[]> {
	const bench = new Bench({ time: 300, warmupTime: 100 });
	for (const { name, run } of cases) bench.add(name, run);
	await bench.run();
	const nanoseconds = bench.tasks.map((task) => {
		const { result } = task;
		if (!("latency" in result))
			throw new Error(`${name}: ${task.name} did not run`, { cause: "error" in result ? result.error : undefined });
		// The median: a collection in the middle of a run is not the case's doing.
		return (result.latency.p50 * 1e6) / operations;
	});
	const reference = nanoseconds[0] as number;
	return cases.map((it, i) => {
		const ns = nanoseconds[i] as number;
		return {
			suite: name,
			case: it.name,
			"ops/s": Math.round(1e9 / ns).toLocaleString("en"),
			"ns/op": ns.toFixed(1),
			ratio: (reference / ns).toFixed(2),
		};
	});
}
