/**
 * Microbenchmarks: `node --expose-gc build/bench/micro/main.js [filter] [--json FILE]`, where the filter is a part of a suite's name.
 * They show where time goes, and whether the decoder keeps what is promised of it; nothing is asserted.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { decodeSuites } from "./decode.js";
import { encodeSuites } from "./encode.js";
import { planSuites } from "./plan.js";
import { queueSuites } from "./queue.js";
import { sliceSuites } from "./slice.js";
import { slotSuites } from "./slot.js";
import { measure, type Row, type Suite } from "./suite.js";
import { formatVerdicts, type Verdict, verdictOf } from "./verdict.js";

/** Made one after the other: what a suite decodes need not lie in memory while others run. A new subject adds its suites here. */
const suites: (() => Suite)[] = [
	...encodeSuites.map((suite) => () => suite),
	...sliceSuites,
	...slotSuites,
	...planSuites,
	...queueSuites,
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "string" } } });
const [filter = ""] = positionals;
const rows: Row[] = [];
const verdicts: Verdict[] = [];

async function run(suite: Suite): Promise<Row[]> {
	if (!suite.name.includes(filter)) return [];
	globalThis.gc?.();
	const measured = await measure(suite);
	rows.push(...measured);
	return measured;
}

for (const make of suites) await run(make());
for (const make of decodeSuites) {
	const suite = make();
	const measured = await run(suite);
	if (measured.length > 0) verdicts.push(verdictOf(suite, measured));
}
console.table(rows.map((row) => ({ ...row, nsPerOp: row.nsPerOp.toFixed(1), ratio: row.ratio.toFixed(2) })));
if (verdicts.length > 0) console.log(formatVerdicts(verdicts));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, "\t")}\n`);
