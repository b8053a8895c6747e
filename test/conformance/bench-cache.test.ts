/** The benchmark of caches as it is built and run: real servers, a process for each cache, one very short round. */
import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type CacheResults, verdictLines } from "../../bench/cache/verdict.js";
import { isMeasured, type Measured } from "../../src/cli/bench/results.js";
import { BuiltTools, ROOT } from "../support/built-tools.js";

const run = promisify(execFile);
const tiny = ["--rounds", "1", "--round-ms", "20", "--json"];
const everybody = [
	...["slotwire", "slotwire-process", "client"],
	...["cache-manager", "keyv", "cache-manager-installed", "keyv-installed", "bentocache"],
];
let tools: BuiltTools;

beforeAll(async () => {
	tools = await BuiltTools.build();
}, 120_000);
afterAll(() => tools[Symbol.asyncDispose]());

/** Peers are looked for in the repository, where they are installed; what is written to the temporary folder is written to ours. */
async function bench(...args: string[]): Promise<CacheResults> {
	const { stdout } = await run(process.execPath, [tools.file("bench/cache.js"), ...tiny, ...args], {
		cwd: ROOT,
		env: { ...process.env, TMPDIR: tools.tmp },
	});
	return JSON.parse(stdout) as CacheResults;
}

/** By cache, of the cell of this name, in which nobody failed. */
function outcomes({ cells }: CacheResults, name: string): Record<string, Measured> {
	const outcomes = cells.find(({ workload }) => workload.name === name)!.outcomes;
	expect(Object.values(outcomes).every(isMeasured), JSON.stringify(outcomes)).toBe(true);
	return outcomes as Record<string, Measured>;
}

// Whoever was started must be gone, however the run went.
afterEach(async () => {
	expect(await tools.processes()).toEqual([]);
	expect(await readdir(tools.tmp)).toEqual([]);
});

test("every cache has its rounds, alone and with many keys, found and not; a hit is one command and one flight", async () => {
	const file = join(tools.folder, "cache.json");
	const results = await bench(
		"--only",
		"standalone getOrSet-hit-512B-x16",
		"--only",
		"standalone getOrSetMany-miss-128-512B",
		"--out",
		file,
	);
	expect(results.cells.map(({ workload }) => workload.name)).toEqual(["getOrSet-hit-512B-x16", "getOrSetMany-miss-128-512B"]);
	for (const { workload } of results.cells) {
		const measured = outcomes(results, workload.name);
		expect(Object.keys(measured)).toEqual(everybody);
		for (const { rounds } of Object.values(measured)) {
			expect(rounds).toHaveLength(1);
			expect(rounds[0]!.requests).toBeGreaterThan(0);
		}
	}
	for (const hit of Object.values(outcomes(results, "getOrSet-hit-512B-x16"))) {
		expect(hit).toMatchObject({ commands: 1, hits: 1, flights: 1, calls: { get: 1 } });
	}
	const { slotwire } = outcomes(results, "getOrSetMany-miss-128-512B");
	expect(slotwire).toMatchObject({ flights: 2, calls: { mget: 1, set: 128 } });
	expect(JSON.parse(await readFile(file, "utf8"))).toEqual(results);
	expect(verdictLines(results)).toHaveLength(2);
}, 60_000);

test("on a cluster, who can is measured: a batch that is found is one flight to each of three nodes", async () => {
	const results = await bench("--only", "cluster-3 getOrSetMany-hit-128-512B");
	const measured = outcomes(results, "getOrSetMany-hit-128-512B");
	expect(Object.keys(measured)).toEqual(everybody);
	expect(measured.slotwire).toMatchObject({ hits: 128, flights: 3 });
}, 60_000);

test("a cache that does not do what it says is reported as failed, without a figure; the others go on", async () => {
	const adapter = (body: string): Promise<void> =>
		writeFile(
			tools.file("bench/cache/adapters/keyv.js"),
			`import * as real from "./client.js";
			export async function load() {
				const adapter = await real.load();
				return { ...adapter, connect: async (...args) => { const driver = await adapter.connect(...args); return { ...driver, ${body} }; } };
			}`,
		);
	const held =
		"getOrSet: async (key, make) => { const known = held.get(key) ?? await make(); held.set(key, known); return known; }";
	for (const [found, body, reason] of [
		[
			"hit",
			"getOrSet: async (key, make) => ({ ...(await driver.getOrSet(key, make)), id: 0 })",
			"it returned a wrong value at position 0",
		],
		["hit", "getOrSet: (key, make) => make()", "its factory made 8 values instead of 0"],
		["hit", `...(() => { const held = new Map(); return { ${held} }; })()`, "the server found 0 keys a request instead of 1"],
		["miss", "getOrSet: (key, make) => make()", "it stored 0 keys instead of 8"],
		[
			"miss",
			"getOrSet: async (key, make) => { await make(); return await driver.getOrSet(key, make); }",
			"its factory made 16 values instead of 8",
		],
	] as const) {
		await adapter(body);
		const { cells } = await bench("--only", `standalone getOrSet-${found}-2KiB-x16`, "--client", "keyv");
		const { slotwire, keyv } = cells[0]!.outcomes;
		expect(keyv).toEqual({ failed: reason });
		expect(slotwire).toMatchObject({ rounds: [{}] });
	}
}, 60_000);
