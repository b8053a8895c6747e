/** The report on a run of the benchmark: reads what is in `bench/`, writes `RESULTS.md` and `charts/*.svg` beside it. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readIfThere } from "../../src/cli/bench/file.js";
import { type Results, readResults } from "../../src/cli/bench/results.js";
import type { CacheResults } from "../cache/verdict.js";
import type { Growth } from "../growth/series.js";
import type { ProfileRow } from "../profile.js";
import { clusterChart } from "./charts/cluster.js";
import type { Chart } from "./charts/render.js";
import { requestCharts } from "./charts/requests.js";
import { cacheSection } from "./sections/cache.js";
import { cellsSection } from "./sections/cells.js";
import { abSection, baselineSection } from "./sections/csv.js";
import { growthSection } from "./sections/growth.js";
import { headerSection } from "./sections/header.js";
import { profileSection } from "./sections/profile.js";
import { targetsSection } from "./sections/targets.js";

const FOLDER = "bench";

/** What a report is made of. Null: there is no such file. */
export interface Sources {
	results: Results;
	growth: Growth | null;
	cache: CacheResults | null;
	baseline: string | null;
	ab: string | null;
	notes: string | null;
	profile: readonly ProfileRow[] | null;
}

export async function writeReport(folder = FOLDER): Promise<void> {
	const { text, charts } = renderReport(await readSources(folder));
	const chartFolder = join(folder, "charts");
	// A chart of an earlier run may have no successor.
	await rm(chartFolder, { recursive: true, force: true });
	await mkdir(chartFolder, { recursive: true });
	for (const { file, svg } of charts) await writeFile(join(chartFolder, file), svg);
	await writeFile(join(folder, "RESULTS.md"), text);
}

/** Writes the report when these arguments made the benchmark save into the file that it is about. */
export async function reportAfterRun(args: readonly string[]): Promise<void> {
	const saved = args.map((arg) => resolve(arg.replace(/^--out=/, "")));
	if (saved.includes(resolve(FOLDER, "results.json"))) await writeReport();
}

export function renderReport({ results, growth, cache, baseline, ab, notes, profile }: Sources): {
	text: string;
	charts: Chart[];
} {
	const measured = [...requestCharts(results), clusterChart(results)].filter((chart) => chart !== null);
	const grown = growth === null ? null : growthSection(growth);
	const sections = [
		headerSection(results),
		targetsSection(results),
		chartsSection(measured),
		grown?.text,
		cache === null ? null : cacheSection(cache),
		notes,
		profile === null ? null : profileSection(profile),
		baseline === null ? null : baselineSection(baseline),
		ab === null ? null : abSection(ab),
		cellsSection(results),
	];
	const text = sections.filter((section) => section !== null && section !== undefined).map((section) => section.trim());
	return { text: `${text.join("\n\n")}\n`, charts: [...measured, ...(grown?.charts ?? [])] };
}

const captions: Record<string, string> = {
	"requests.svg": "Requests a second on one server, in units of the best other Node client. Marks are the other clients.",
	"requests-cluster.svg": "The same on clusters.",
	"cpu.svg": "CPU of a request on one server, in units of the floor.",
	"cluster-p95.svg": "p95 of reading 128 keys on a cluster of 3 primaries, by the way they are read.",
};

function chartsSection(charts: readonly Chart[]): string | null {
	if (charts.length === 0) return null;
	const parts = charts.map(({ file }) => `${captions[file]}\n\n![${captions[file]}](charts/${file})`);
	return `## At a glance\n\n${parts.join("\n\n")}`;
}

async function readSources(folder: string): Promise<Sources> {
	const file = join(folder, "results.json");
	const results = await readResults(file);
	if (results === null || !Array.isArray(results.cells) || results.cells.length === 0)
		throw new Error(`${file} holds no cells: npm run bench -- --out ${file} measures them`);
	const growth = await readIfThere(join(folder, "growth.json"));
	const cache = await readIfThere(join(folder, "cache.json"));
	const profile = await readIfThere(join(folder, "profile.json"));
	return {
		results,
		growth: growth === null ? null : (JSON.parse(growth) as Growth),
		cache: cache === null ? null : (JSON.parse(cache) as CacheResults),
		profile: profile === null ? null : (JSON.parse(profile) as ProfileRow[]),
		baseline: await readIfThere(join(folder, "results_baseline.csv")),
		ab: await readIfThere(join(folder, "results_ab.csv")),
		notes: await readIfThere(join(folder, "report", "notes.md")),
	};
}
