/** Half a minute of chaos, and each defect that it is there to find. `npm run chaos` runs as long as is wanted. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { BuiltTools, ROOT } from "../support/built-tools.js";
import type { Run } from "./run.js";

const run = promisify(execFile);
/** A run that hangs is ended before its test is, for nobody else would. */
const LIMIT_MS = 120_000;

let tools: BuiltTools;
beforeAll(async () => {
	tools = await BuiltTools.build();
}, 120_000);
afterAll(() => tools[Symbol.asyncDispose]());
afterEach(async () => {
	expect(await tools.processes()).toEqual([]);
});

async function chaos(...args: string[]): Promise<{ code: number; result: Run & { failures: string[] }; notes: string }> {
	const command = [tools.file("test/chaos/main.js"), "--json", ...args];
	const ended = run(process.execPath, command, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024, timeout: LIMIT_MS - 10_000 });
	const { code = 0, stdout, stderr } = await ended.catch((error) => error);
	if (stdout === "") throw new Error(`chaos ended with code ${code}: ${stderr}`);
	return { code, result: JSON.parse(stdout), notes: stderr };
}

test(
	"C24 D28 D37 half a minute of faults: every reply right, every write accounted for, everybody back in time",
	async () => {
		// A seed whose first faults are telling ones.
		const { code, result, notes } = await chaos("--minutes", "0.5", "--seed", "1705");
		expect(result.failures, notes).toEqual([]);
		expect(code).toBe(0);
		const done = result.faults.map(({ fault }) => fault);
		for (const fault of ["cut inside a reply", "slots moved there and back", "replies lost", "primary killed"])
			expect(done).toContain(fault);
		expect(result.samples.reduce((sum, { items }) => sum + items, 0)).toBeGreaterThan(5000);
	},
	LIMIT_MS,
);

test.each([
	["desync", "connections reset", /the reply is for|was acknowledged/],
	["double-send", "replies lost", /though only \d+ were asked for|is outside of/],
	["lost-settle", "connections reset", /did not settle within/],
])(
	"a client that is broken by %s turns the run red",
	async (how, fault, words) => {
		const { code, result } = await chaos("--minutes", "0.15", "--sabotage", how, "--only", fault);
		expect(code).toBe(1);
		expect(result.failures).toContainEqual(expect.stringMatching(words));
	},
	LIMIT_MS,
);
