import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./built-tools.js";
import { blocksOf, programOf } from "./documented.js";

const run = promisify(execFile);

export interface Run {
	code: number;
	stdout: string;
	stderr: string;
}

/**
 * The examples, and a program of each document's code blocks, compiled as in a project that has the package: they import it by its name, and
 * get what was compiled beside them, in a folder of its own.
 */
export class BuiltTeaching implements AsyncDisposable {
	readonly #folder: string;

	private constructor(folder: string) {
		this.#folder = folder;
	}

	/** @param documents their paths in the repository */
	static async build(documents: readonly string[]): Promise<BuiltTeaching> {
		const folder = await mkdtemp(join(tmpdir(), "slotwire-teaching-"));
		for (const path of ["src", "examples", "test/support/shown.ts"]) {
			await cp(join(ROOT, path), join(folder, path), { recursive: true });
		}
		await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
		await mkdir(join(folder, "docs"));
		for (const document of documents) {
			await writeFile(join(folder, "docs", `${basename(document, ".md")}.ts`), programOf(await blocksOf(document)));
		}
		const { name, type, exports } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
		const here = JSON.parse(JSON.stringify(exports).replaceAll("./dist/", "./out/src/"));
		await writeFile(join(folder, "package.json"), JSON.stringify({ name, type, exports: here }));
		const compilerOptions = {
			noEmit: false,
			rootDir: ".",
			outDir: "out",
			// A block may end where its point is made.
			noUnusedLocals: false,
			paths: { slotwire: ["./src/index.ts"], "slotwire/*": ["./src/*/index.ts", "./src/*.ts"] },
		};
		const config = { extends: join(ROOT, "tsconfig.json"), compilerOptions, include: ["src", "examples", "docs"] };
		await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
		try {
			await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", "tsconfig.json"], { cwd: folder });
		} catch (error) {
			await rm(folder, { recursive: true, force: true });
			throw new Error(`what is taught does not compile:\n${(error as { stdout: string }).stdout}`);
		}
		return new BuiltTeaching(folder);
	}

	/**
	 * Runs one in a process of its own, which has to end by itself.
	 * @param path `"examples/basics"`, `"docs/concepts"`
	 */
	async run(path: string, url: string): Promise<Run> {
		const env = { ...process.env, REDIS_URL: url, FORCE_COLOR: "0" };
		const options = { env, timeout: 60_000, encoding: "utf8" } as const;
		try {
			return { code: 0, ...(await run(process.execPath, [join(this.#folder, "out", `${path}.js`)], options)) };
		} catch (error) {
			const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
			if (typeof code !== "number") throw error;
			return { code, stdout, stderr };
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.#folder, { recursive: true, force: true });
	}
}
