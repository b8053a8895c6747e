/** The benchmark as it is built and run: real servers, a process for each client, one very short round. */
import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { isMeasured, type Measured, type Results } from "../../src/cli/bench/results.js";
import { BuiltTools, ROOT } from "../support/built-tools.js";

const run = promisify(execFile);
const tiny = ["--topology", "standalone", "--rounds", "1", "--round-ms", "20", "--json"];
let tools: BuiltTools;

beforeAll(async () => {
	tools = await BuiltTools.build();
}, 120_000);
afterAll(() => tools[Symbol.asyncDispose]());

/** Clients are looked for in the repository, where they are installed; what is written to the temporary folder is written to ours. */
async function bench(...args: string[]): Promise<{ results: Results; notes: string }> {
	const { stdout, stderr } = await run(process.execPath, [tools.file("bench/main.js"), ...tiny, ...args], {
		cwd: ROOT,
		env: { ...process.env, TMPDIR: tools.tmp },
	});
	return { results: JSON.parse(stdout) as Results, notes: stderr };
}

/** Of the first cell, in which nobody failed. */
function outcomes({ cells }: Results): Record<string, Measured> {
	expect(Object.values(cells[0]!.outcomes).every(isMeasured), JSON.stringify(cells[0]!.outcomes)).toBe(true);
	return cells[0]!.outcomes as Record<string, Measured>;
}

// Whoever was started must be gone, however the run went.
afterEach(async () => {
	expect(await tools.processes()).toEqual([]);
	expect(await readdir(tools.tmp)).toEqual([]);
});

test("every client has its rounds; a GET is one command, one flight and one hit", async () => {
	const { results } = await bench("--workload", "get-512B-x1", "--client", "floor");
	const measured = outcomes(results);
	expect(Object.keys(measured)).toEqual(["slotwire", "floor"]);
	for (const { rounds, commands, flights, hits } of Object.values(measured)) {
		expect({ commands, flights, hits }).toEqual({ commands: 1, flights: 1, hits: 1 });
		expect(rounds).toHaveLength(results.cells[0]!.workload.rounds);
		for (const { requests, seconds, p50, p95, p99, cpu, peakRss } of rounds) {
			expect(requests).toBeGreaterThan(0);
			expect(seconds).toBeGreaterThanOrEqual(0.02);
			expect(p50).toBeGreaterThan(0);
			expect(p95).toBeGreaterThanOrEqual(p50);
			expect(p99).toBeGreaterThanOrEqual(p95);
			expect(cpu).toBeGreaterThan(0);
			expect(peakRss).toBeGreaterThan(2 ** 20);
		}
	}
});

test("a run goes on where the last one ended: what the file has is neither measured again nor changed", async () => {
	const file = join(tools.folder, "results.json");
	const run = (workload: string) => bench("--client", "floor", "--workload", workload, "--out", file, "--quick");
	await run("get-64B-x16");
	const [first] = (JSON.parse(await readFile(file, "utf8")) as Results).cells;
	expect(first!.outcomes.floor).toMatchObject({ rounds: [{}] });
	const { results, notes } = await run("x16");
	expect(notes).toContain(`2 cells are in ${file} already`);
	const names = ["get-64B-x16", "get-64B-x16-strings", "get-512B-x16", "get-512B-x16-strings"];
	expect(results.cells.map(({ workload }) => workload.name)).toEqual(names);
	expect(results.cells[0]).toEqual(first);
	expect(JSON.parse(await readFile(file, "utf8"))).toEqual(results);
});

test("a client that returns wrong values, ends or gives up is reported as failed, without a figure; the others go on", async () => {
	const adapter = (body: string): Promise<void> =>
		writeFile(
			tools.file("src/cli/bench/adapters/iovalkey.js"),
			`import * as real from "./slotwire.js";
			export async function load() {
				const adapter = await real.load();
				return { ...adapter, connect: async (...args) => { const driver = await adapter.connect(...args); return { ...driver, ${body} }; } };
			}`,
		);
	for (const [body, reason] of [
		[
			"get: async (key) => Buffer.from((await driver.get(key)).map((byte) => byte ^ 1))",
			/^it returned a wrong value at position 0$/,
		],
		["get: async (key) => { const value = await driver.get(key); value[511] ^= 1; return value; }", /^it returned a wrong value/],
		["get: async (key) => String(await driver.get(key))", /^it returned text where bytes were asked for$/],
		["get: async () => process.exit(3)", /^it ended \(3\)/],
		["get: async () => { throw new Error('it gave up'); }", /^it gave up$/],
	] as const) {
		await adapter(body);
		const { results } = await bench("--workload", "get-512B-x256", "--client", "iovalkey", "--quick");
		const { slotwire, iovalkey } = results.cells[0]!.outcomes;
		expect(iovalkey).toEqual({ failed: expect.stringMatching(reason) });
		expect(slotwire).toMatchObject({ commands: 1, hits: 1, rounds: [{}] });
	}
}, 60_000);

test("a client that writes nothing is reported as failed, also after one that wrote the same", async () => {
	await writeFile(
		tools.file("src/cli/bench/adapters/iovalkey.js"),
		`export async function load() {
			return { version: "1.0.0", connect: async () => ({ setMany: async () => {}, close: async () => {} }) };
		}`,
	);
	const { results } = await bench("--workload", "setMany-128-512B", "--client", "iovalkey", "--quick");
	const { slotwire, iovalkey } = results.cells[0]!.outcomes;
	expect(slotwire).toMatchObject({ commands: 128, flights: 1 });
	expect(iovalkey).toEqual({ failed: "a wrong value stored at position 0" });
});

test("a client that answers without asking the server is reported as failed", async () => {
	await writeFile(
		tools.file("src/cli/bench/adapters/iovalkey.js"),
		`export async function load() {
			return { version: "1.0.0", connect: async (target, workload, requests) => {
				const values = new Map(requests.map(({ keys, values }) => [keys[0], values[0]]));
				return { get: async (key) => values.get(key), close: async () => {} };
			} };
		}`,
	);
	const { results } = await bench("--workload", "get-512B-x256", "--client", "iovalkey", "--quick");
	expect(results.cells[0]!.outcomes.iovalkey).toEqual({ failed: "the server found 0 keys instead of 8" });
});
