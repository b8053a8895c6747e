/** What a flood costs the process, measured in one of its own that runs the compiled client. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const CALLS = 300_000;

let built: string;
let server: ServerNode;
beforeAll(async () => {
	const cache = join(root, "node_modules/.cache");
	await mkdir(cache, { recursive: true });
	built = await mkdtemp(join(cache, "overload-"));
	await writeFile(join(built, "package.json"), '{ "type": "module" }');
	await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--outDir", built], {
		cwd: root,
	});
	server = await startStandalone();
});
afterAll(async () => {
	await server?.stop();
	await rm(built, { recursive: true, force: true });
});

/** The server stands still meanwhile; every caller handles its own promise, as real ones do. */
const flood = `
const { createClient } = await import(process.env.CLIENT);
const client = await createClient(process.env.URL);
const value = "v".repeat(1024);
for (let i = 0; i < 2000; i++) await client.set("warm", value);
process.kill(Number(process.env.SERVER), "SIGSTOP");
const before = process.memoryUsage.rss();
let refused = 0, failed = 0, done = 0, peak = before;
const ok = () => { done += 1; };
const not = (error) => {
	if (error.code === "OVERLOADED") refused += 1;
	else failed += 1;
};
const calls = [];
for (let i = 0; i < ${CALLS}; i++) {
	calls.push(client.set("k" + i, value).then(ok, not));
	if (i % 1000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
}
peak = Math.max(peak, process.memoryUsage.rss());
await new Promise((resolve) => setImmediate(resolve));
peak = Math.max(peak, process.memoryUsage.rss());
const refusedAtOnce = refused;
process.kill(Number(process.env.SERVER), "SIGCONT");
await Promise.all(calls);
const again = await client.set("again", value);
await client.close();
console.log(JSON.stringify({ refusedAtOnce, refused, failed, done, again, grownMiB: (peak - before) / 2 ** 20 }));
`;

test("C22 300,000 SETs of 1 KiB at once cost less than 100 MB while the server stands still", async () => {
	if (server.pid === undefined) throw new Error("This test stops the server's process from another one.");
	const { stdout } = await run(process.execPath, ["--input-type=module", "-e", flood], {
		env: { ...process.env, CLIENT: join(built, "index.js"), URL: server.url, SERVER: String(server.pid) },
		timeout: 25_000,
	});
	const { refusedAtOnce, refused, failed, done, again, grownMiB } = JSON.parse(stdout);
	expect({ failed, again, sum: done + refused }).toEqual({ failed: 0, again: "OK", sum: CALLS });
	expect(refusedAtOnce).toBe(refused);
	expect(refused).toBeGreaterThan(CALLS / 2);
	expect(grownMiB).toBeLessThan(100);
});
