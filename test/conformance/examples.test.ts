/** The examples as a user runs them: compiled, importing the package by its name, each in a process that ends by itself. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "slotwire-examples-"));
	const options = { extends: join(root, "tsconfig.json"), include: ["src", "examples"].map((name) => join(root, name)) };
	const compilerOptions = { noEmit: false, rootDir: root, outDir: folder, typeRoots: [join(root, "node_modules/@types")] };
	await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...options, compilerOptions }));
	await run(join(root, "node_modules/.bin/tsc"), ["-p", join(folder, "tsconfig.json")], { cwd: root });
	// A package refers to itself by its name: through its own `exports`, which lead to what was built here.
	const { name, type, exports } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
	const here = JSON.parse(JSON.stringify(exports).replaceAll("./dist/", "./src/"));
	await writeFile(join(folder, "package.json"), JSON.stringify({ name, type, exports: here }));
	await symlink(join(root, "node_modules"), join(folder, "node_modules"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What an example prints on each topology; it must end by itself, say nothing on stderr, and leave no key behind. */
function stories(name: string): Promise<string[]> {
	return Promise.all([story(name, inject("standaloneUrl")), story(name, inject("clusterUrl"))]);
}

async function story(name: string, url: string): Promise<string> {
	const env = { ...process.env, REDIS_URL: url, FORCE_COLOR: "0" };
	const { stdout, stderr } = await run(process.execPath, [join(folder, `examples/${name}.js`)], { env, timeout: 60_000 });
	expect(stderr).toBe("");
	await using client = await createClient(url);
	const left: string[] = [];
	for await (const key of client.scan({ match: "example:*" })) left.push(key);
	expect(left).toEqual([]);
	return stdout;
}

test("S2.12 S2.4 sessions: a visitor's cart, login and logout", async () => {
	for (const told of await stories("sessions")) {
		expect(told).toContain("session: null\n");
		expect(told).toMatch(/cookie: [\w-]{8}\.… /);
		expect(told).toContain("session: { cart: [ 'teapot' ] } - it lives for 30 minutes");
		expect(told).toMatch(/session: \{(?=.*cart: \[ 'teapot' \])(?=.*language: 'de')(?=.*lastPage: '\/cups').*\}/);
		expect(told).toContain("by the old cookie: null\n");
		expect(told).toMatch(/by the new cookie: \{(?=.*userId: 7)(?!.*lastPage).*\}/);
		expect(told).toContain('HGET … cart: ["teapot"]\n');
		expect(told).toMatch(/destroyed: true\n {3}updated: false\n {3}session: null\n$/);
	}
});

test("S2.12 S2.5 rate limiting: three algorithms, an HTTP server's answers, ten processes", async () => {
	for (const told of await stories("rate-limiting")) {
		const marks = (when: string): string[] =>
			[...told.matchAll(new RegExp(`7 calls ${when}: +(\\S+)`, "g"))].map(([, mark]) => mark!);
		// Where the machine is slow a token flows back meanwhile.
		expect(marks("at once").map((mark, i) => (i < 2 ? mark : mark.slice(0, 5)))).toEqual(["✓✓✓✓✓··", "✓✓✓✓✓··", "✓✓✓✓✓"]);
		const [fixed, ...others] = marks("after that");
		expect(fixed).toBe("✓✓✓✓✓··");
		for (const other of others) expect(other).toMatch(/^✓[✓·]{6}$/);
		expect(others).toHaveLength(2);
		expect(told).toMatch(/GET \/ → 200 \{[^}]*'RateLimit-Remaining': '9'/);
		expect(told).toMatch(/GET \/report → 200 \{[^}]*'RateLimit-Policy': '60;w=60;burst=10'/);
		expect(told).toMatch(/GET \/report → 429 \{[^}]*'Retry-After': '\d'/);
		expect(told).toMatch(/let in: 50 of 200\n$/);
	}
});
