/** The package as a user gets it: packed, installed into an empty project, imported, required, type-checked and run. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { VERSION } from "../../src/version.js";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
let project: string;

beforeAll(async () => {
	project = await mkdtemp(join(tmpdir(), "slotwire-package-"));
	await run("npm", ["pack", "--pack-destination", project], { cwd: root });
	const [tarball] = (await readdir(project)).filter((name) => name.endsWith(".tgz"));
	await writeFile(join(project, "package.json"), '{ "private": true }');
	await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${tarball}`], { cwd: project });
}, 120_000);

afterAll(() => rm(project, { recursive: true, force: true }));

const names = {
	slotwire: "createClient",
	"slotwire/slot": "keySlot",
	"slotwire/resp": "encodeCommand",
	"slotwire/limit": "RateLimiter",
	"slotwire/session": "SessionStore",
};
const use = `
const client = await createClient(process.env.URL);
const results = [
	await client.set("package:k", "v", { ex: 60 }), await client.get("package:k"),
	(await client.buffers.get("package:k")).toString("hex"),
	keySlot("foo"), encodeCommand(["GET", "k"]).toString(),
	await new RateLimiter(client, { algorithm: "fixed-window", limit: 5, window: "1s" }).peek("package:k"),
	(await new SessionStore(client, { ttl: "1m" }).create({})).length,
];
await client.close();
console.log(JSON.stringify(results));
`;
const untouched = { allowed: true, remaining: 5, limit: 5, retryAfterMs: 0, resetMs: 0 };
const expected = ["OK", "v", "76", 12182, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", untouched, 33];

test("the installed package is imported", async () => {
	const imports = Object.entries(names).map(([path, name]) => `import { ${name} } from "${path}";`);
	expect(JSON.parse(await script("import.mjs", imports.join("\n") + use))).toEqual(expected);
});

test("the installed package is required", async () => {
	const requires = Object.entries(names).map(([path, name]) => `const { ${name} } = require("${path}");`);
	expect(JSON.parse(await script("require.cjs", `${requires.join("\n")} (async () => {${use}})();`))).toEqual(expected);
});

test("the installed package's types hold for a strict consumer", async () => {
	await symlink(join(root, "node_modules/@types"), join(project, "node_modules/@types"));
	await writeFile(
		join(project, "consumer.ts"),
		`import { type Client, type ClientError, createClient } from "slotwire";
		import { type LimitResult, RateLimiter } from "slotwire/limit";
		import { SessionStore } from "slotwire/session";
		export async function use(): Promise<void> {
			const client: Client = await createClient({ nodes: ["127.0.0.1:7000"], timeouts: { commandMs: 50 } });
			const text: string | null = await client.get("k");
			const bytes: Buffer | null = await client.buffers.get("k");
			const partial: (string | null | ClientError)[] = await client.mget(["a"], { partial: true });
			const whole: (string | null)[] = await client.mget(["a"]);
			const old: string | null = await client.set("k", "v", { get: true });
			console.log(text, bytes, partial, whole, old);
			// @ts-expect-error a Buffer client does not give strings
			const wrong: string | null = await client.buffers.get("k");
			console.log(wrong);
			const decision: LimitResult = await new RateLimiter(client, { algorithm: "token-bucket", limit: 5, window: "1m" }).consume("k");
			const sessions = new SessionStore<{ userId: number; name?: string }>(client, { ttl: "30m" });
			const userId: number | undefined = (await sessions.get(await sessions.create({ userId: 7 })))?.userId;
			await sessions.update("id", { name: undefined });
			// @ts-expect-error no field of this session
			await sessions.update("id", { user: 7 });
			console.log(decision, userId);
		}`,
	);
	const tsc = join(root, "node_modules/.bin/tsc");
	const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node"];
	await run(tsc, [...options, "consumer.ts"], { cwd: project });
});

test("the installed bin tells its version, and in one sentence what it needs", async () => {
	const bin = join(project, "node_modules/.bin/slotwire");
	expect((await run(bin, ["--version"])).stdout).toBe(`${VERSION}\n`);
	expect((await run(bin, ["demo", "--help"])).stdout).toMatch(/^slotwire demo/);
	await expect(run(bin, ["nonsense"])).rejects.toMatchObject({ code: 2 });
	// Node is started by its own path: a folder without programs is PATH enough.
	const withoutServers = { PATH: project };
	await expect(run(process.execPath, [bin, "demo"], { env: withoutServers })).rejects.toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/^slotwire: [^\n]*install redis-server or valkey-server[^\n]*\n$/),
	});
});

async function script(name: string, source: string): Promise<string> {
	await writeFile(join(project, name), source);
	const { stdout } = await run(process.execPath, [name], { cwd: project, env: { ...process.env, URL: inject("standaloneUrl") } });
	return stdout;
}
