/** Half a minute of the fuzzer as it is built and run, and the proof that it can fail. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuiltTools } from "../support/built-tools.js";
import { type FuzzReport, findings, isClean } from "./report.js";
import type { FuzzOptions, TargetReport } from "./run.js";

const run = promisify(execFile);
let tools: BuiltTools;

beforeAll(async () => {
	tools = await BuiltTools.build();
}, 120_000);
afterAll(() => tools[Symbol.asyncDispose]());

const built = (file: string): string => tools.file(`test/fuzz/${file}`);

async function fuzz(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	try {
		return { code: 0, ...(await run(process.execPath, [built("main.js"), ...args], { cwd: tools.folder })) };
	} catch (error) {
		return error as { code: number; stdout: string; stderr: string };
	}
}

test("A06 A08 A09 half a minute of damaged replies: nothing hangs, nothing throws what it must not, no memory without its bytes", async () => {
	const { code, stdout, stderr } = await fuzz(
		"--seconds",
		"30",
		"--hang-ms",
		"10000",
		"--seed",
		String(Date.now() % 1_000_000),
		"--json",
	);
	const report = JSON.parse(stdout) as FuzzReport;
	expect(findings(report), `seed ${report.seed}`).toBe("");
	expect(code, stderr).toBe(0);
	expect(report.targets.map(({ name }) => name)).toEqual(
		expect.arrayContaining([
			"resp3",
			"resp2",
			"parity",
			"decoder",
			"in-place",
			"in-place-long",
			"topology",
			"redirection",
			"handshake",
		]),
	);
	for (const { name, inputs, outcomes } of report.targets) {
		expect(
			Object.values(outcomes).reduce((sum, count) => sum + count, 0),
			name,
		).toBe(inputs);
		expect(outcomes.accepted, name).toBeGreaterThan(0);
		expect(outcomes.PROTOCOL, name).toBeGreaterThan(0);
	}
});

describe("the fuzzer can fail", () => {
	async function reportOf(name: string): Promise<FuzzReport> {
		const { runFuzz } = (await import(built("run.js"))) as { runFuzz(options: FuzzOptions): Promise<TargetReport[]> };
		const targets = await runFuzz({
			seed: 1,
			inputs: 2000,
			seconds: 20,
			hangMs: 500,
			only: [name],
			replay: null,
			module: new URL(`file://${built("failing-targets.js")}`).href,
			note: () => {},
		});
		const machine = { cpu: "", cores: 1, memoryGiB: 1, system: "", node: "" };
		return { command: "", slotwire: "", date: "", machine, seed: 1, inputs: 0, seconds: 0, hangMs: 500, targets };
	}

	test.each([
		["throws", "crash", /not what was promised/],
		["hangs", "hang", /more than 500 ms/],
		["allocates", "broken", /the largest piece of memory/],
		["allocates-often", "broken", /memory beside the largest piece/],
		["fills-the-heap", "broken", /memory in the heap/],
		["ends", "died", /ended with code 3/],
	])("a target that %s is reported, with the input that shows it", async (name, kind, message) => {
		const report = await reportOf(name);
		const { failure } = report.targets[0] as TargetReport;
		expect(failure).toMatchObject({ kind, message: expect.stringMatching(message) });
		expect(Buffer.from(failure?.input ?? "", "base64").includes("*")).toBe(true);
		expect(findings(report)).toContain(`npm run fuzz -- --target ${name} --replay ${failure?.input}`);
		expect(isClean(report)).toBe(false);
	});

	test("the input of a crash is made as small as it goes", async () => {
		const { failure } = (await reportOf("throws")).targets[0] as TargetReport;
		expect(Buffer.from(failure?.input ?? "", "base64").toString()).toBe("*");
	});

	test("one that does nothing wrong is not reported", async () => {
		const report = await reportOf("never");
		expect(report.targets[0]).toMatchObject({ inputs: 2000, outcomes: { accepted: 2000 }, failure: null });
		expect(isClean(report)).toBe(true);
	});
});

describe("the command", () => {
	test("the same seed makes the same inputs, another one others", async () => {
		const figures = async (seed: string) => {
			const { stdout } = await fuzz("--inputs", "3000", "--seed", seed, "--target", "resp3", "--json");
			const [{ inputs, bytes, outcomes }] = (JSON.parse(stdout) as FuzzReport).targets as [TargetReport];
			return { inputs, bytes, outcomes };
		};
		const first = await figures("5");
		expect(first.inputs).toBe(3000);
		expect(await figures("5")).toEqual(first);
		expect(await figures("6")).not.toEqual(first);
	});

	test("one input is replayed, and the report saved as JSON and Markdown", async () => {
		const out = join(tools.folder, "report.json");
		const { code, stdout } = await fuzz(
			"--target",
			"parity",
			"--replay",
			Buffer.from("*1\r\n$2\r\nhi\r\n").toString("base64"),
			"--out",
			out,
		);
		expect(code).toBe(0);
		expect(stdout).toMatch(/\| parity \| 1 \| 1 \| none \|/);
		expect(JSON.parse(await readFile(out, "utf8"))).toMatchObject({ targets: [{ name: "parity", inputs: 1, failure: null }] });
		expect(await readFile(out.replace("json", "md"), "utf8")).toContain("0 hangs");
	});

	test.each([
		[["--nonsense"], /nonsense/],
		[["--target", "nobody", "--inputs", "1"], /nobody is no target/],
		[["--inputs", "1e3"], /--inputs must be a whole number/],
		[["--replay", "Kg=="], /--replay needs one --target/],
	])("%j is refused", async (args, message) => {
		const { code, stderr } = await fuzz(...args);
		expect(code).toBe(1);
		expect(stderr).toMatch(message);
	});
});
