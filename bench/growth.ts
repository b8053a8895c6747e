/**
 * What `npm run bench:growth` runs: what a key, or a request, costs slotwire as there are more of them, or more nodes. Flat is good; a cliff
 * is said. The figures go to `growth.json`, saved after each series.
 */
import { parseArgs } from "node:util";
import { findRuntime } from "../fixtures/servers.js";
import { saveJson } from "../src/cli/bench/file.js";
import { newResults } from "../src/cli/bench/results.js";
import { Stage } from "../src/cli/bench/stage.js";
import { VERSION } from "../src/version.js";
import { livePlans } from "./growth/live.js";
import { type Growth, measurePlan, type Series, verdict } from "./growth/series.js";
import { topologyPlans } from "./growth/topology.js";

const { values: options } = parseArgs({
	options: {
		/** Part of a series' name. */
		only: { type: "string", default: "" },
		out: { type: "string", default: "bench/growth.json" },
		help: { type: "boolean", default: false },
	},
});

const note = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
	if (options.help) {
		process.stdout.write("npm run bench:growth -- [--only PART of a series' name] [--out FILE]\n");
		return;
	}
	await using stage = new Stage(await findRuntime(), undefined);
	const { date, machine } = newResults(VERSION, "", stage.servers, { rounds: 0, roundMs: 0 });
	const plans = [...livePlans(stage), ...topologyPlans()].filter(({ name }) => name.includes(options.only));
	const series: Series[] = [];
	const verdicts: string[] = [];
	for (const plan of plans) {
		const measured = await measurePlan(plan, (value) => note(`${plan.name}: ${value} ${plan.x}`));
		series.push(measured);
		const text = verdict(plan, measured);
		if (text !== null) verdicts.push(text);
		await saveJson(options.out, { date, machine, series } satisfies Growth);
	}
	process.stdout.write(verdicts.map((text) => `${text}\n`).join(""));
}

try {
	await main();
} catch (error) {
	note((error as Error).message);
	process.exitCode = 1;
}
