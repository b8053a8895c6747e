/** What a process prints of the client, and what is left of it when it dies of one of its errors, shows no password and no value. */
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { certificates } from "../../fixtures/certificates.js";
import { packageRoot } from "../../fixtures/package-root.js";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { leaksOf } from "../support/leaks.js";

const PASSWORD = "s3kr3t-Pässwort?&%";
const VALUE = "a-value-of-yours";

/** The secrets come by standard input: a report shows the command line, the environment and the source around an error. */
const CHILD = `
import { createClient } from "./dist/index.js";
let input = "";
for await (const chunk of process.stdin) input += chunk;
const { end, plain, secure, password, value, ca, key, cert } = JSON.parse(input);
const auth = { password };
const soon = { timeouts: { startMs: 200, connectMs: 150, commandMs: 1000, closeMs: 100 }, retry: { baseMs: 1, maxMs: 20 } };
const client = await createClient({ url: plain, auth, ...soon });
const overTls = await createClient({ url: secure, auth, tls: { ca, key, cert }, ...soon });
await client.set("k", value);
console.log(client, client.stats(), JSON.stringify(client), String(client), client.pipeline().set("k", value), overTls);
console.table([client.stats()]);
console.dir(client, { depth: null, showHidden: true });
console.dir(overTls, { depth: null, showHidden: true });
const paused = (call) => client.command("CLIENT", "PAUSE", 200, "WRITE").then(call);
const calls = {
	"a refused call": () => client.command("LPUSH", "k", value),
	"a refused argument": () => client.command("SET", "k", value, undefined),
	"an echoed command": () => client.command("NOSUCH", value, password),
	"a refused option": () => client.set("k", value, { ex: 0 }),
	"a late call": () => paused(() => client.with({ timeoutMs: 30 }).set("k", value)),
	"a late batch": () => paused(() => client.setMany([["k", value]], { timeoutMs: 30 })),
	"a wrong password": () => createClient({ url: plain, auth: { password: password + "!" }, ...soon }),
	"a wrong password in a URL": () => createClient(plain.replace("//", "//:" + encodeURIComponent(password + "!") + "@")),
	"a URL that is none": () => createClient(plain.replace("//", "//:" + password + "@")),
	"a provider that fails": () => createClient({ url: plain, auth: () => Promise.reject(new Error(password)), ...soon }),
	"a certificate that nobody vouches for": () => createClient({ url: secure, auth, tls: { key, cert }, ...soon }),
	"a server of the other kind": () => createClient({ url: plain.replace("redis:", "redis-cluster:"), auth, ...soon }),
};
if (end in calls) {
	// Nothing else keeps the process from its end, and nobody catches it.
	calls[end]();
} else if (end === "everything, caught") {
	for (const [name, call] of Object.entries(calls)) {
		await call().then(() => { throw new Error(name + " succeeded"); }, (error) => {
			console.error(name, error);
			console.log("%o %O %j %s", error, error, { ...error }, error);
		});
	}
	client.destroy();
	overTls.destroy();
	await client.get("k").catch((error) => console.error(error));
	console.log("the end");
} else if (end === "an exception with values at hand") {
	process.nextTick(() => { throw Object.assign(new Error("on purpose"), { client, overTls }); });
}
`;

let server: ServerNode;
let secure: ServerNode;
let folder: string;
let input: Record<string, string>;
let secrets: string[];
beforeAll(async () => {
	const root = packageRoot();
	folder = await mkdtemp(join(tmpdir(), "slotwire-output-"));
	const tsc = [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--outDir", join(folder, "dist")];
	const [made, plain, tls] = await Promise.all([
		certificates(),
		startStandalone({ requirepass: PASSWORD }),
		startStandalone({ requirepass: PASSWORD, tls: "mutual" }),
		promisify(execFile)(process.execPath, tsc, { cwd: root }),
		symlink(join(root, "node_modules"), join(folder, "node_modules")),
		writeFile(join(folder, "package.json"), '{"type":"module"}'),
		writeFile(join(folder, "child.js"), CHILD),
	]);
	[server, secure] = [plain, tls];
	const { cert, key } = made.client;
	input = {
		plain: `redis://127.0.0.1:${server.port}`,
		secure: `rediss://127.0.0.1:${secure.port}`,
		...{ password: PASSWORD, value: VALUE, ca: made.ca, key, cert },
	};
	secrets = [PASSWORD, VALUE, key.split("\n")[2]!];
});
afterAll(async () => {
	await Promise.all([server?.stop(), secure?.stop(), rm(folder, { recursive: true, force: true })]);
});

interface Output {
	code: number | null;
	stdout: string;
	stderr: string;
	/** What Node wrote about the end, where it did. */
	reports: string;
}

let runs = 0;
async function run(end: string): Promise<Output> {
	const reports = join(folder, `reports-${++runs}`);
	await mkdir(reports);
	const { NODE_DEBUG: _, NODE_OPTIONS: __, ...env } = process.env;
	const child = spawn(
		process.execPath,
		["--report-uncaught-exception", `--report-directory=${reports}`, "--trace-warnings", join(folder, "child.js")],
		{ env, timeout: 25_000 },
	);
	const output: Output = { code: null, stdout: "", stderr: "", reports: "" };
	child.stdout.on("data", (chunk) => {
		output.stdout += chunk;
	});
	child.stderr.on("data", (chunk) => {
		output.stderr += chunk;
	});
	child.stdin.end(JSON.stringify({ ...input, end }));
	output.code = await new Promise((resolve) => child.once("close", resolve));
	for (const name of await readdir(reports)) output.reports += await readFile(join(reports, name), "utf8");
	return output;
}

test("B14 clients and every error, printed in every way", async () => {
	const output = await run("everything, caught");
	expect(output.stdout).toMatch(/the end\n$/);
	expect(output.code).toBe(0);
	// It was printed: a refusal, a timeout, a refused option.
	for (const word of ["WRONGTYPE", "TIMEOUT", "INVALID_OPTION", "WRONGPASS", "BATCH"]) expect(output.stdout).toContain(word);
	expect(leaksOf(output.stdout, secrets)).toEqual([]);
	expect(leaksOf(output.stderr, secrets)).toEqual([]);
});

describe("B14 a process that dies of", () => {
	test.each([
		["a refused call", "WRONGTYPE"],
		["a late batch", "BATCH"],
		["a wrong password", "WRONGPASS"],
		["a URL that is none", "INVALID_OPTION"],
		["a provider that fails", "credential provider failed"],
		["a certificate that nobody vouches for", "CERT"],
		["an exception with values at hand", "on purpose"],
	])("%s", async (end, word) => {
		const output = await run(end);
		expect(output.code).not.toBe(0);
		expect(output.stderr).toContain(word);
		expect(output.reports).toContain("javascriptStack");
		for (const text of [output.stdout, output.stderr, output.reports]) expect(leaksOf(text, secrets)).toEqual([]);
	});
});
