/**
 * Microbenchmarks: `node --expose-gc build/bench/micro/main.js [filter]`, where the filter is a part of a suite's name.
 * They show where time goes; nothing is asserted.
 */
import { decodeSuites } from "./decode.js";
import { encodeSuites } from "./encode.js";
import { measure, type Row } from "./suite.js";

/** A new subject adds its suites here. */
const suites = [...encodeSuites, ...decodeSuites];

const filter = process.argv[2] ?? "";
const rows: Row[] = [];
for (const suite of suites) {
	if (!suite.name.includes(filter)) continue;
	globalThis.gc?.();
	rows.push(...(await measure(suite)));
}
console.table(rows);
