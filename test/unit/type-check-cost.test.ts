/** What the package's types cost those who import it: counted in type instantiations, which are the same on every machine. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Commands } from "../../src/commands/commands.js";

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

/** Some of every group; of those with the most overloads and the deepest types, all. The last gives 0 or 1. */
const calls = [
	'get("k")',
	'set("k", "v", { get: true })',
	'mget(["k"])',
	'lcs("a", "b", { idx: true })',
	'sort("l", { store: "m" })',
	'bitfield("b", [["get", "u8", 0]])',
	'pfcount("p", ["q"])',
	'hgetall("h")',
	'hrandfield("h", 2, { withvalues: true })',
	'lmpop(["l"], "left")',
	'spop("s", 1)',
	'zadd("z", [["a", 1]], { incr: true })',
	'zrange("z", 0, -1, { withscores: true })',
	'zrank("z", "a", { withscore: true })',
	'zunion(["z"], { weights: [2], withscores: true })',
	'zmpop("z", "min")',
	'geosearch("g", "m", { radius: 1, unit: "m" }, { withdist: true, withcoord: true })',
	'configGet("save")',
	"slowlogGet(3)",
	'xadd("x", { a: 1 })',
	'xrange("x", "-", "+", { count: 1 })',
	'xread({ x: "0" }, { count: 1 })',
	'eval("return 1", ["k"], [1])',
	'publish("c", "m")',
	'expire("k", 5)',
];

test("the chains that are measured have commands of every group", () => {
	const named = calls.map((call) => call.split("(")[0]);
	for (let group = Commands.prototype; group !== Object.prototype; group = Object.getPrototypeOf(group)) {
		const methods = Object.getOwnPropertyNames(group).filter((name) => !/^(constructor|send.*)$/.test(name));
		if (methods.length > 0) expect(methods).toContain(named.find((name) => methods.includes(name as string)));
	}
});

test("a file that imports the client makes hardly any types", async () => {
	const get = 'const value: string | null = await client.get("k"); console.log(value);';
	expect(await instantiations("import", get)).toBeLessThan(200);
}, 60_000);

test.each(["pipeline", "multi"] as const)("each command in the chain of a %s costs the same, however long it is", async (how) => {
	const fifty = await instantiations(`${how}-50`, chain(how, 50));
	expect(fifty).toBeLessThan(10_000);
	expect(await instantiations(`${how}-100`, chain(how, 100))).toBeLessThan(2.2 * fifty);
}, 60_000);

/** Fails to compile when the last command's reply is not known to the type. */
function chain(how: "pipeline" | "multi", length: number): string {
	const commands = Array.from({ length }, (_, i) => `.${calls[i % calls.length]}`).join("\n\t");
	return `const replies = await client.${how}()\n\t${commands}\n\t.exec();
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
