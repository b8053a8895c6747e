/** The commands that the repository is worked with. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { exampleNames, inTurn } from "../../fixtures/example-names.js";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");

test("S2.12 clean removes what the repository made, and nothing else", async () => {
	const folder = await mkdtemp(join(tmpdir(), "slotwire-clean-"));
	try {
		const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
		const { clean } = scripts;
		await writeFile(join(folder, "package.json"), JSON.stringify({ scripts: { clean } }));
		const made = ["build", "dist", "coverage", "node_modules/.cache/slotwire", "node_modules/.vite"];
		const others = ["src", "docs", "node_modules/.bin", "node_modules/.cache/other"];
		for (const path of [...made, ...others]) {
			await mkdir(join(folder, path, "inner"), { recursive: true });
			await writeFile(join(folder, path, "inner/file"), "");
		}
		// The second time there is nothing to remove.
		for (let i = 0; i < 2; i++) {
			await run("npm", ["run", "--silent", "clean"], { cwd: folder });
			const left = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith("file"));
			expect(left.sort()).toEqual(others.map((path) => `${path}/inner/file`).sort());
		}
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
});

test("S2.12 the examples that run in turn are those of their table, and the exercises can be named too", async () => {
	const names = await exampleNames(join(root, "examples"));
	const readme = await readFile(join(root, "examples/README.md"), "utf8");
	const [table = "", exercises = ""] = readme.split("## Exercises");
	const told = (text: string): string[] => [...text.matchAll(/^\| \[[^\]]+\]\((\S+)\.ts\)/gm)].map(([, name]) => name!);
	expect(inTurn(names)).toEqual(told(table).sort());
	expect(inTurn(names).length).toBeGreaterThanOrEqual(4);
	expect(names).toEqual(expect.arrayContaining(told(exercises)));
	expect(told(exercises).length).toBeGreaterThanOrEqual(3);
	for (const exercise of told(exercises)) expect(names).toContain(exercise.replace("exercises/", "exercises/solutions/"));
});
