import { expect, test } from "vitest";
import { type CacheResults, judgeCell, verdictColumns, verdictLines } from "../../../bench/cache/verdict.js";
import { cacheWorkloads, keysOf, placeOf, sourceValue } from "../../../bench/cache/workload.js";
import { cacheSection } from "../../../bench/report/sections/cache.js";
import type { Cell, Outcome } from "../../../src/cli/bench/results.js";
import { measured, results } from "./fixtures.js";

function cell(name: string, outcomes: Record<string, Outcome>): Cell<(typeof cacheWorkloads)[number]> {
	return { workload: cacheWorkloads.find((workload) => workload.name === name)!, outcomes };
}

function ofCells(...cells: CacheResults["cells"]): CacheResults {
	return { ...results(), cells };
}

test("keys are equally long and tell their place; a value is as many bytes of JSON as its workload says", () => {
	for (const workload of cacheWorkloads) {
		for (const request of [0, 7, 255, 123_456]) {
			const keys = keysOf(request, workload);
			expect(new Set(keys).size).toBe(workload.keys);
			expect(new Set(keys.map(({ length }) => length)).size).toBe(1);
			expect(keys.map(placeOf)).toEqual(keys.map((_, place) => place));
			for (const place of [0, workload.keys - 1]) {
				expect(Buffer.byteLength(JSON.stringify(sourceValue(request, place, workload)))).toBe(workload.valueBytes);
			}
		}
	}
});

test("the peer with the most requests a second is the one to beat, in the median of the ratios within the rounds", () => {
	const slotwire = measured({ rate: 100 }, { rate: 300 }, { rate: 199 });
	const outcomes = {
		slotwire,
		client: measured({ rate: 900 }),
		keyv: measured({ rate: 100 }, { rate: 100 }, { rate: 100 }),
		bentocache: measured({ rate: 50 }, { rate: 50 }, { rate: 50 }),
		"keyv-installed": measured({ rate: 20 }),
		"cache-manager": { failed: "it gave up" },
	};
	const many = cell("getOrSetMany-hit-128-512B", outcomes);
	expect(judgeCell(many)).toMatchObject({
		bound: 2,
		peer: "keyv",
		ratios: { slotwire: 1.99 },
		installed: 3.98,
		failed: ["cache-manager"],
	});
	const lines = verdictLines(ofCells(many, cell("getOrSet-hit-512B-x1", outcomes)));
	expect(lines).toEqual([
		["getOrSetMany-hit-128-512B", "standalone", "≥ 2 x", "1.99 x", "–", "keyv", "not reached (failed: cache-manager)", "3.98 x"],
		["getOrSet-hit-512B-x1", "standalone", "≥ 1 x", "1.99 x", "–", "keyv", "reached (failed: cache-manager)", "3.98 x"],
	]);
	expect(verdictColumns).toHaveLength(lines[0]!.length);
});

test("what is not quite reached does not look as if it were, and nothing is judged without a peer", () => {
	const close = cell("getOrSet-miss-512B-x1", { slotwire: measured({ rate: 999 }), keyv: measured({ rate: 1000 }) });
	expect(verdictLines(ofCells(close))[0]).toEqual([
		"getOrSet-miss-512B-x1",
		"standalone",
		"≥ 1 x",
		"0.99 x",
		"–",
		"keyv",
		"not reached",
		"–",
	]);
	const alone = cell("getOrSet-miss-512B-x1", { slotwire: measured({ rate: 1 }), client: measured({ rate: 1 }) });
	expect(verdictLines(ofCells(alone))[0]!.slice(3)).toEqual(["–", "–", "–", "not measured", "–"]);
});

test("the report has every cell with every cache's figures, versions and commands", () => {
	const text = cacheSection(
		ofCells(
			cell("getOrSetMany-miss-128-2KiB", {
				slotwire: { ...measured({ rate: 4321 }), calls: { mget: 1, set: 128 } },
				keyv: { ...measured({ rate: 1234 }), version: "5.6.0, @keyv/redis 5.1.6" },
				bentocache: { failed: "it gave up" },
			}),
		),
	);
	expect(text).toContain("**getOrSetMany, 128 keys, miss, 2 KiB, 1 in flight; one server**");
	expect(text).toContain("| slotwire | 4,321 |");
	expect(text).toContain("| keyv | 1,234 | 3.50 x |");
	expect(text).toContain("| bentocache | failed: it gave up |");
	expect(text).toContain("slotwire: 1 MGET, 128 SET");
	expect(text).toContain("keyv 5.6.0, @keyv/redis 5.1.6");
});
