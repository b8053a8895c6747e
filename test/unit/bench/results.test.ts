import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveJson } from "../../../src/cli/bench/file.js";
import {
	buildOf,
	isMeasured,
	type Measured,
	median,
	newResults,
	ratioWithinRounds,
	readResults,
	summarize,
} from "../../../src/cli/bench/results.js";
import type { Round } from "../../../src/cli/bench/trial.js";
import { workloads } from "../../../src/cli/bench/workload.js";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "slotwire-bench-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function round(figures: Partial<Round>): Round {
	return { requests: 1, seconds: 1, p50: 0, p95: 0, p99: 0, cpu: 0, peakRss: 0, ...figures };
}

function measured(rounds: Partial<Round>[]): Measured {
	return { version: "1.0.0", rounds: rounds.map(round), commands: 1, hits: 1, flights: 1 };
}

test("the median is the middle value, or lies between the two in the middle, in whatever order they come", () => {
	expect(median([5])).toBe(5);
	expect(median([9, 1, 5])).toBe(5);
	expect(median([10, 2, 4, 8])).toBe(6);
	// Compared as numbers, not as text.
	expect(median([100, 9, 20])).toBe(20);
});

test("the median leaves the values in their order", () => {
	const values = [3, 1, 2];
	median(values);
	expect(values).toEqual([3, 1, 2]);
});

test("a summary is the median of each figure over the rounds, and the highest memory", () => {
	const workload = workloads.find(({ name, topology }) => name === "mget-128-2KiB" && topology === "standalone")!;
	const rounds = [
		{ requests: 100, seconds: 1, p50: 1, p95: 30, p99: 100, cpu: 7, peakRss: 10 },
		{ requests: 100, seconds: 0.5, p50: 3, p95: 10, p99: 300, cpu: 9, peakRss: 30 },
		{ requests: 100, seconds: 2, p50: 2, p95: 20, p99: 200, cpu: 8, peakRss: 20 },
	];
	expect(summarize(measured(rounds), workload)).toEqual({
		rate: 100,
		bytesRate: 100 * 128 * 2048,
		p50: 2,
		p95: 20,
		p99: 200,
		cpu: 8,
		peakRss: 30,
	});
});

test("a ratio compares clients within each round, so that a slow moment of the machine does not count for one of them", () => {
	const ours = measured([{ requests: 200 }, { requests: 20 }, { requests: 200 }, { requests: 300 }, { requests: 30 }]);
	const theirs = measured([{ requests: 100 }, { requests: 10 }, { requests: 100 }, { requests: 100 }, { requests: 100 }]);
	expect(ratioWithinRounds(ours, theirs)).toBe(2);
});

test("what failed or was not supported is not measured", () => {
	expect(isMeasured(measured([]))).toBe(true);
	expect([undefined, { failed: "why" }, { unsupported: true } as const].some(isMeasured)).toBe(false);
});

test("results are read as they were saved, and nothing else is left in the folder", async () => {
	const file = join(folder, "results.json");
	expect(await readResults(file)).toBe(null);
	const results = newResults("0.1.0", await buildOf(folder), "Redis 7.0.0", { rounds: 5, roundMs: 500 });
	results.cells.push({ workload: workloads[0]!, outcomes: { slotwire: measured([{}]), bun: { unsupported: true } } });
	await saveJson(file, results);
	expect(await readResults(file)).toEqual(results);
	expect(await readdir(folder)).toEqual(["results.json"]);
});

test("a file that is no JSON is not taken for results", async () => {
	const file = join(folder, "notes.txt");
	await writeFile(file, "remember the milk");
	await expect(readResults(file)).rejects.toThrow(`${file} does not hold results of this benchmark`);
});

test("builds differ by whatever a file of theirs says or is called", async () => {
	const file = join(folder, "a.js");
	await writeFile(file, "one");
	const one = await buildOf(folder);
	expect(await buildOf(folder)).toBe(one);
	await writeFile(file, "two");
	const two = await buildOf(folder);
	await rename(file, join(folder, "b.js"));
	expect(new Set([one, two, await buildOf(folder)]).size).toBe(3);
});
