/**
 * There is no `error` event that somebody has to listen to. A process with no hook, no handler of its own and every failure that there is
 * ends when its work is done, and well.
 */
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { BuiltTools } from "../support/built-tools.js";
import { leaksOf } from "../support/leaks.js";

const PASSWORD = "s3kr3t-of-the-server";

/** Told by standard input what to do; says on standard output what its callers saw. */
const CHILD = `
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "./build/src/index.js";
let input = "";
for await (const chunk of process.stdin) input += chunk;
const { url, never, later, pid, password, hooks: withHooks } = JSON.parse(input);
const fail = () => { throw new Error("a hook's own"); };
const reject = async () => { throw new Error("a hook's own"); };
const hooks = { command: fail, batch: reject, connection: fail, redirection: fail, topology: reject, error: fail };
const options = { retry: { baseMs: 1, maxMs: 20 }, timeouts: { connectMs: 300, startMs: 600, closeMs: 100, commandMs: 400 }, ...(withHooks ? { hooks } : {}) };
const seen = [];
const see = (call) => call.then((value) => seen.push(JSON.stringify(value)), (error) => seen.push(error.code));

let provided = 0;
const auth = () => {
	provided += 1;
	if (provided % 2 === 0) throw new Error(password);
	return provided % 3 === 0 ? new Promise(() => {}) : { password, expiresInMs: 1 };
};
const client = await createClient({ url, ...options, auth });
await see(client.get("k"));
await see(client.mget(["k", "l"]));
// A renewal fails, with nobody to be told.
while (provided < 2) await sleep(20);
// The server says what is no RESP, to a client whose calls nobody waits for any more.
await see(createClient({ url: never, ...options }));
const disturbed = await createClient({ url: later, ...options });
await see(disturbed.get("k"));
// The server dies, and with it every connection; later calls fail one by one.
process.kill(pid, "SIGKILL");
await see(client.get("k"));
await see(client.mget(["k", "l"]));
await see(client.withConnection({}, (own) => own.get("k")));
await sleep(100);
disturbed.destroy();
await client.close();
await see(client.get("k"));
console.log(seen.join(" "));
`;

let tools: BuiltTools;
const listeners: Server[] = [];
const sockets = new Set<Socket>();
beforeAll(async () => {
	tools = await BuiltTools.build();
	await writeFile(join(tools.folder, "child.js"), CHILD);
});
afterAll(async () => {
	for (const socket of sockets) socket.destroy();
	await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))));
	await tools?.[Symbol.asyncDispose]();
});

/** Answers the first `good` commands as a server does, and everything after that with what is no reply. */
async function startGarbage(good: readonly string[]): Promise<number> {
	const listener = createServer((socket) => {
		let said = 0;
		sockets.add(socket);
		socket.on("data", () => socket.write(good[said++] ?? "\u0000no RESP at all\r\n"));
		socket.on("error", () => {});
	});
	listeners.push(listener);
	await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
	return (listener.address() as { port: number }).port;
}

const HELLO = "%2\r\n$5\r\nproto\r\n:3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n";

async function run(server: ServerNode, hooks: boolean): Promise<{ code: number | null; stdout: string; stderr: string }> {
	const [never, later] = await Promise.all([startGarbage([]), startGarbage([HELLO, "+OK\r\n+OK\r\n"])]);
	const child = spawn(process.execPath, [join(tools.folder, "child.js")], { timeout: 25_000 });
	const output = { code: null as number | null, stdout: "", stderr: "" };
	child.stdout.on("data", (chunk) => {
		output.stdout += chunk;
	});
	child.stderr.on("data", (chunk) => {
		output.stderr += chunk;
	});
	const [url, ...others] = [server.port, never, later].map((port) => `redis://127.0.0.1:${port}`);
	const input = { url, never: others[0], later: others[1], pid: server.pid, password: PASSWORD, hooks };
	child.stdin.end(JSON.stringify(input));
	output.code = await new Promise((resolve) => child.once("close", resolve));
	return output;
}

test.each([
	["with no hook", false],
	["with hooks that all throw or reject, the one for errors too", true],
])("C37 %s: a server that dies, a provider that throws, bytes that are no RESP; the process ends by itself, and silently", async (_how, hooks) => {
	await using server = await startStandalone({ requirepass: PASSWORD });
	const { code, stdout, stderr } = await run(server, hooks);
	expect(stderr).toBe("");
	expect(stdout).toMatch(
		/^null \[null,null\] CONNECTION PROTOCOL (AUTH|CONNECTION|TIMEOUT) BATCH (AUTH|CONNECTION|TIMEOUT) CLOSED\n$/,
	);
	expect(code).toBe(0);
	expect(leaksOf(stdout + stderr, [PASSWORD])).toEqual([]);
});
