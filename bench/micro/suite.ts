import { Bench } from "tinybench";
import { median } from "../../src/cli/bench/results.js";

/** Cases that do the same work; the first is the reference the others are compared with. */
export interface Suite {
	name: string;
	cases: Case[];
	/** Operations one `run` performs. */
	operations: number;
}

export interface Case {
	name: string;
	run: () => void;
}

/** As it is saved. */
export interface Row {
	suite: string;
	case: string;
	nsPerOp: number;
	/** How many times as fast as the reference: the median of the rounds' ratios. */
	ratio: number;
}

const WARM_UP = { time: 0, iterations: 1, warmupTime: 30, warmupIterations: 8 };
/** Short: what slows the machine for a moment then falls on every case of a round, and on few rounds. */
const ROUND = { time: 12, iterations: 3, warmup: false };
const ROUNDS = 7;

/** The cases in turn, round by round. */
export async function measure(suite: Suite): Promise<Row[]> {
	await times(suite, WARM_UP);
	const rounds: number[][] = [];
	for (let round = 0; round < ROUNDS; round++) rounds.push(await times(suite, ROUND));
	return suite.cases.map((it, i) => ({
		suite: suite.name,
		case: it.name,
		nsPerOp: median(rounds.map((round) => round[i] as number)),
		ratio: median(rounds.map((round) => (round[0] as number) / (round[i] as number))),
	}));
}

/** Nanoseconds of one operation, by case. */
async function times({ name, cases, operations }: Suite, options: object): Promise<number[]> {
	const bench = new Bench(options);
	for (const { name, run } of cases) bench.add(name, run);
	await bench.run();
	return bench.tasks.map((task) => {
		const { result } = task;
		if (!("latency" in result))
			throw new Error(`${name}: ${task.name} did not run`, { cause: "error" in result ? result.error : undefined });
		// The median: a collection in the middle of a run is not the case's doing.
		return (result.latency.p50 * 1e6) / operations;
	});
}
