/** The deadline of a transaction covers all that comes before it: the wait for a connection, the pauses, what a server has to be asked. */
import { expect, inject, test } from "vitest";
import { type ClientError, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const server = (): { host: string; port: number } => {
	const { hostname, port } = new URL(inject("standaloneUrl"));
	return { host: hostname, port: Number(port) };
};

/** The error, and after how many milliseconds it came. */
async function timed(call: () => Promise<unknown>): Promise<{ error: ClientError; ms: number }> {
	const started = performance.now();
	const error = (await rejectionOf(call())) as ClientError;
	return { error, ms: performance.now() - started };
}

test("C19 watch: the wait for a connection leaves WATCH what is left of the time", async () => {
	await using proxy = await TcpProxy.start(server());
	await using client = await createClient({ url: proxy.url, pool: { maxDedicated: 1 }, timeouts: { suspectMs: 60_000 } });
	const taken = new Gate();
	const free = new Gate();
	const holder = client.withConnection({}, async (connection) => {
		await connection.ping();
		taken.open();
		await free.opened;
	});
	await taken.opened;
	const late = timed(() => client.with({ timeoutMs: 2000 }).watch("late:k", (own) => own.multi().set("late:k", "1")));
	setTimeout(() => {
		for (const { toClient } of proxy.connections) toClient.stall();
		free.open();
	}, 1700);
	const { error, ms } = await late;
	expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringMatching(/^WATCH/) });
	expect(ms).toBeLessThan(3000);
	for (const { toClient } of proxy.connections) toClient.resume();
	await holder;
});

test("C19 watch: a pause is no longer than the time that is left, and nothing was executed", async () => {
	await using client = await createClient({ url: inject("standaloneUrl"), retry: { baseMs: 60_000, maxMs: 60_000 } });
	const { error, ms } = await timed(() =>
		client.with({ timeoutMs: 300 }).watch("late:pause", async (own) => {
			await client.incr("late:pause");
			return own.multi().set("late:pause", "never");
		}),
	);
	expect(error).toMatchObject({ code: "TIMEOUT", maybeExecuted: false, cause: { code: "WATCH" } });
	expect(ms).toBeGreaterThanOrEqual(299);
	expect(ms).toBeLessThan(1300);
});

test.each([
	"multi",
	"pipeline",
] as const)("C19 %s: what the server is asked about a new command is part of the time", async (kind) => {
	await using node = await FakeNode.start();
	const info = "*1\r\n*7\r\n$7\r\nfoo.bar\r\n:-1\r\n*1\r\n+write\r\n:1\r\n:1\r\n:1\r\n*0\r\n";
	const asked = node.expect(["COMMAND", "INFO", "FOO.BAR"]);
	for (const word of ["MULTI", "FOO.BAR", "EXEC"]) node.always([word], () => undefined);
	await using client = await createClient({ url: node.url, timeouts: { suspectMs: 60_000 } });
	const view = client.with({ timeoutMs: 1500 });
	const calls = kind === "multi" ? view.multi().command("FOO.BAR", "k") : view.pipeline().command("FOO.BAR", "k");
	const late = timed(async () => {
		const [reply] = (await calls.exec()) as unknown[];
		throw reply;
	});
	const { connection } = await asked.met;
	setTimeout(() => void connection.write(info), 1200);
	const { error, ms } = await late;
	expect(error.code).toBe("TIMEOUT");
	expect(ms).toBeLessThan(2400);
	expect(connection.commands.at(-1)).not.toContain("COMMAND");
	client.destroy();
});
