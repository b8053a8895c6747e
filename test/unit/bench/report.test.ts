import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { classify, timeBySteps } from "../../../bench/profile/steps.js";
import { oneLine } from "../../../bench/report/markdown.js";
import { renderReport, type Sources, writeReport } from "../../../bench/report/report.js";
import type { Results } from "../../../src/cli/bench/results.js";
import { cell, measured, results } from "./fixtures.js";

const run: Results = results(
	cell("standalone", "get-512B-x1", {
		slotwire: measured({ rate: 300, cpu: 2 }, { rate: 320, cpu: 2 }),
		floor: measured({ rate: 400, cpu: 1 }, { rate: 400, cpu: 1 }),
		ioredis: { failed: "it | ended\n  at /home/someone/repository/build/worker.js:1" },
		"node-redis": measured({ rate: 200 }, { rate: 200 }),
		bun: { unsupported: true },
	}),
);

function sources(more: Partial<Sources>): Sources {
	return { results: run, growth: null, cache: null, baseline: null, ab: null, notes: null, profile: null, ...more };
}

let folder: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), "slotwire-report-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("every outcome has its line: figures, a failure in one line without paths, a dash for what a client cannot do", () => {
	const { text } = renderReport(sources({}));
	expect(text).toMatch(/^\| slotwire \| 310 \|/m);
	expect(text).toMatch(/^\| ioredis \| failed: it \\\| ended at worker\.js:1 \|/m);
	expect(text).toMatch(/^\| bun \| – \|/m);
	expect(text).not.toContain("/home/someone");
});

test("one line: what looks like a path but is none stays", () => {
	expect(oneLine("300 MiB/s of 1/2/3 at file:///a/b/c.js:7")).toBe("300 MiB/s of 1/2/3 at c.js:7");
});

test("the same figures make the same charts, however many were drawn before", () => {
	const growth = {
		date: "2026-01-01",
		machine: run.machine,
		series: [{ name: "A b", unit: "µs", x: "keys", points: [{ x: 1, y: 2 }] }],
	};
	const first = renderReport(sources({ growth }));
	expect(first.charts.map(({ file }) => file)).toEqual(["requests.svg", "cpu.svg", "growth-a-b.svg"]);
	expect(renderReport(sources({ growth }))).toEqual(first);
	for (const { file } of first.charts) expect(first.text).toContain(`(charts/${file})`);
});

test("growth: a column for each further figure, empty where a point has none", () => {
	const points = [
		{ x: 1, y: 2 },
		{ x: 1000, y: 3, more: { p95: 7 } },
	];
	const { text } = renderReport(
		sources({ growth: { date: "d", machine: run.machine, series: [{ name: "A", unit: "µs", x: "keys", points }] } }),
	);
	expect(text).toContain("| keys | µs | p95 |\n| ---: | ---: | ---: |\n| 1 | 2 |  |\n| 1,000 | 3 | 7 |");
});

test("the sweep: p95 relative to the lowest of the same request, by chunk size and pool size", () => {
	const ab = [
		"variant,topology,tagged,value_bytes,keys_per_request,chunk_size,pool_size,p50,p95",
		"new,cluster-3,true,512,32,64,1,1,10",
		"new,cluster-3,true,512,32,128,1,1,20",
		"new,cluster-3,true,2048,32,64,1,1,300",
		"new,cluster-3,true,2048,32,128,1,1,100",
		"old,cluster-3,true,512,32,,,1,40",
	].join("\r\n");
	const { text } = renderReport(sources({ ab }));
	expect(text).toContain("| variant | topology | tagged | – × – | 64 × 1 | 128 × 1 |");
	// Medians of 1 and 3, of 2 and 1.
	expect(text).toContain("| new | cluster-3 | true |  | 2.00 | 1.50 |");
	expect(text).toContain("| old | cluster-3 | true | 4.00 |  |  |");
});

test("a file without the columns it needs is named", () => {
	expect(() => renderReport(sources({ baseline: "variant,p50\nnew,1\n" }))).toThrow(
		"bench/results_baseline.csv has no column p95, keys_per_request",
	);
});

test("without cells there is nothing to report, and the error says how to get some", async () => {
	const file = join(folder, "results.json");
	await expect(writeReport(folder)).rejects.toThrow(`${file} holds no cells: npm run bench -- --out ${file} measures them`);
	await writeFile(file, "");
	await expect(writeReport(folder)).rejects.toThrow("does not hold results of this benchmark");
	await writeFile(file, "{}");
	await expect(writeReport(folder)).rejects.toThrow("holds no cells");
	expect(await readdir(folder)).toEqual(["results.json"]);
});

test("a report leaves no chart of an earlier one", async () => {
	await writeFile(join(folder, "results.json"), JSON.stringify(run));
	const growth = join(folder, "growth.json");
	await writeFile(
		growth,
		JSON.stringify({ date: "d", machine: run.machine, series: [{ name: "A", unit: "µs", x: "keys", points: [{ x: 1, y: 2 }] }] }),
	);
	await writeReport(folder);
	expect(await readdir(join(folder, "charts"))).toEqual(["cpu.svg", "growth-a.svg", "requests.svg"]);
	await rm(growth);
	await writeReport(folder);
	expect(await readdir(join(folder, "charts"))).toEqual(["cpu.svg", "requests.svg"]);
	expect(await readFile(join(folder, "RESULTS.md"), "utf8")).toMatch(/^# Results of the benchmark\n/);
});

const columns = "variant,client,topology,tagged,value_bytes,keys_per_request,chunk_size,pool_size,p95";

test("the baseline's p95 stands in the unit of its file, milliseconds, by keys", () => {
	const baseline = `${columns}\nloop,ioredis,standalone,false,512,32,,,10.718\nloop,ioredis,standalone,false,512,64,,,21.5\n`;
	const { text } = renderReport(sources({ baseline }));
	expect(text).toContain("p95 of a request in milliseconds");
	expect(text).toMatch(/^\| ioredis \| loop \| standalone \| false \| 512 \| 10\.7 \| 21\.5 \|$/m);
});

test("chunk and pool sizes are compared by the requests that were measured with all of them", () => {
	const lines = [
		"B,slotwire,standalone,false,2048,128,64,1,0.8",
		"B,slotwire,standalone,false,2048,128,256,1,2.4",
		"B,slotwire,standalone,false,512,128,256,1,0.5",
	];
	const { text } = renderReport(sources({ ab: `${columns}\n${lines.join("\n")}\n` }));
	expect(text).toMatch(/\| 1\.00 \| 3\.00 \|$/m);
});

test("a profile's functions belong to the steps of the hot path", () => {
	const src = "file:///x/build/src";
	expect(classify("(idle) ")).toBe("waiting");
	expect(classify("(garbage collector) ")).toBe("gc");
	expect(classify(`#frames ${src}/resp/decode.js`)).toBe("decode");
	expect(classify(`#short ${src}/resp/encode.js`)).toBe("encode");
	expect(classify("writeBuffer ")).toBe("flush");
	expect(classify(`#finish ${src}/single-request.js`)).toBe("settle");
	expect(classify(`dispatch ${src}/pool.js`)).toBe("dispatch");
	expect(classify(`loop ${src}/cli/bench/worker.js`)).toBe("benchmark");
	expect(classify("nextTick node:internal/process/task_queues")).toBe("node");
});

test("a profile's time is shared out over the requests, and none of it is lost", () => {
	const frame = (functionName: string, url = "") => ({ functionName, url });
	const nodes = [
		{ id: 1, callFrame: frame("(idle)") },
		{ id: 2, callFrame: frame("reply", "file:///x/build/src/connection/connection.js") },
	];
	const times = timeBySteps({ nodes, samples: [1, 2, 2, 1], timeDeltas: [900, 20, 30, 50] }, { requests: 10, seconds: 100e-6 });
	expect(times).toMatchObject({ waiting: 5, settle: 5, decode: 0 });
});
