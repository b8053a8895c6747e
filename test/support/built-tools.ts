import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const ROOT = resolve(import.meta.dirname, "../..");

/**
 * The tools as JavaScript, for tests of what starts processes of its own: those are files beside the one that starts them. Built outside
 * of the repository, where no other build is; `tmp` in the folder is there for what the tools leave behind.
 */
export class BuiltTools implements AsyncDisposable {
	readonly folder: string;

	private constructor(folder: string) {
		this.folder = folder;
	}

	static async build(): Promise<BuiltTools> {
		const folder = await mkdtemp(join(tmpdir(), "slotwire-tools-"));
		await mkdir(join(folder, "tmp"));
		for (const shared of ["node_modules", "fixtures"]) await symlink(join(ROOT, shared), join(folder, shared));
		await writeFile(join(folder, "package.json"), '{ "type": "module" }');
		await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", "tsconfig.tools.json", "--outDir", join(folder, "build")], {
			cwd: ROOT,
		});
		return new BuiltTools(folder);
	}

	/** The path of a built file: `file("bench/main.js")`. */
	file(name: string): string {
		return join(this.folder, "build", name);
	}

	get tmp(): string {
		return join(this.folder, "tmp");
	}

	/** Command lines with the folder in them: of processes that the tools started and of their servers. */
	async processes(): Promise<string[]> {
		const { stdout } = await run("ps", ["-eo", "args"]);
		return stdout.split("\n").filter((line) => line.includes(this.folder));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.folder, { recursive: true, force: true });
	}
}
