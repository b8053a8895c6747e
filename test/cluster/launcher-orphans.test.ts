import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { packageRoot } from "../../fixtures/package-root.js";
import { findRuntime, waitUntil } from "../../fixtures/servers.js";
import type { LocalRuntime } from "../../src/cli/servers/local-runtime.js";

const PARENT = `
import { LocalRuntime } from "./local-runtime.js";
const [path, env, end] = process.argv.slice(2);
const runtime = await LocalRuntime.create(path, JSON.parse(env));
const [running, paused] = await Promise.all([runtime.startStandalone(), runtime.startStandalone()]);
await paused.pause();
console.log(JSON.stringify([running, paused].map(({ pid, dir }) => ({ pid, dir }))));
if (end === "exception") throw new Error("on purpose");
if (end === "exit") process.exit(0);
if (end !== "nothing left to do") setInterval(() => {}, 1000);
`;

const local = inject("server").kind === "process";
const reason = local ? "" : " (skipped: containers are the Docker engine's to end)";

describe.runIf(local)(`servers and their directories do not outlive a parent that ends by${reason}`, () => {
	let compiled: string;
	beforeAll(async () => {
		const root = packageRoot();
		compiled = await mkdtemp(join(tmpdir(), "slotwire-orphans-"));
		const options =
			"--ignoreConfig --module nodenext --target es2023 --lib es2023,esnext.disposable --types node --skipLibCheck".split(" ");
		const folder = join(root, "src/cli/servers");
		const files = ["--rootDir", folder, "--outDir", compiled, join(folder, "local-runtime.ts")];
		await promisify(execFile)(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...options, ...files], {
			cwd: root,
		});
		await writeFile(join(compiled, "package.json"), '{"type":"module"}');
		await writeFile(join(compiled, "parent.js"), PARENT);
	});
	afterAll(() => rm(compiled, { recursive: true, force: true }));

	test.each(["SIGKILL", "SIGINT", "SIGTERM", "SIGHUP", "exception", "exit", "nothing left to do"])("%s", async (end) => {
		const runtime = (await findRuntime()) as LocalRuntime;
		const { path, env } = runtime.binary;
		const parent = spawn(process.execPath, [join(compiled, "parent.js"), path, JSON.stringify(env), end], {
			stdio: ["ignore", "pipe", "ignore"],
		});
		const ended = new Promise((resolve) => parent.once("close", resolve));
		const line = await new Promise<string>((resolve) => parent.stdout.once("data", (chunk) => resolve(String(chunk))));
		const servers = JSON.parse(line) as { pid: number; dir: string }[];
		expect(servers).toHaveLength(2);
		if (end.startsWith("SIG")) parent.kill(end as NodeJS.Signals);
		await ended;
		await waitUntil("the end of the servers", async () => {
			for (const { pid, dir } of servers) {
				if (await isAlive(pid)) return `process ${pid} still runs`;
				if (existsSync(dir)) return `${dir} is still there`;
			}
			return true;
		});
	});
});

/** A process that has ended but was not yet collected by its new parent is not alive. */
async function isAlive(pid: number): Promise<boolean> {
	try {
		process.kill(pid, 0);
	} catch {
		return false;
	}
	const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") S");
	return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}
