/** What the package's types cost those who import it: counted in type instantiations, which are the same on every machine. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const tsc = join(root, "node_modules/.bin/tsc");
let project: string;

beforeAll(async () => {
	project = await mkdtemp(join(tmpdir(), "slotwire-types-"));
	await writeFile(join(project, "package.json"), '{ "type": "module" }');
	await symlink(join(root, "node_modules"), join(project, "node_modules"));
	const dist = join(project, "dist");
	await run(tsc, ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", dist], { cwd: root });
}, 60_000);

afterAll(() => rm(project, { recursive: true, force: true }));

const calls = [
	'get("k")',
	'set("k", "v", { get: true })',
	'incr("n")',
	'mget(["k"])',
	'lcs("a", "b", { idx: true })',
	'configGet("save")',
	'sort("l", { store: "m" })',
	'bitfield("b", [["get", "u8", 0]])',
	'dump("k")',
	'expire("k", 5)',
];

test("a file that imports the client makes hardly any types", async () => {
	expect(await instantiations("import", 'const value: string | null = await client.get("k"); console.log(value);')).toBeLessThan(
		1000,
	);
}, 60_000);

test("each command in a pipeline's chain costs the same, however long it is", async () => {
	const fifty = await instantiations("fifty", chain(50));
	expect(fifty).toBeLessThan(15_000);
	expect(await instantiations("hundred", chain(100))).toBeLessThan(2.5 * fifty);
}, 60_000);

/** Fails to compile when the last command's reply is not known to the type. */
function chain(length: number): string {
	const commands = Array.from({ length }, (_, i) => `.${calls[i % calls.length]}`).join("\n\t");
	return `const replies = await client.pipeline()\n\t${commands}\n\t.exec();
const last: 0 | 1 | Error = replies[${length - 1}];
console.log(last);`;
}

async function instantiations(name: string, body: string): Promise<number> {
	const use = 'import { createClient } from "./dist/index.js";\nconst client = await createClient("redis://127.0.0.1");\n';
	await writeFile(join(project, `${name}.ts`), use + body);
	const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2023", "--types", "node"];
	const { stdout } = await run(tsc, [...options, "--extendedDiagnostics", `${name}.ts`], { cwd: project });
	const count = /^Instantiations:\s+(\d+)$/m.exec(stdout)?.[1];
	return Number(count);
}
