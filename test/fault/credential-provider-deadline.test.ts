/** A provider of credentials that never answers: nothing waits for it longer than for a connection. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type ClientOptions, createClient } from "../../src/index.js";
import { activeResources, leftBehind } from "../support/leak-check.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ requirepass: "sekret" });
});
afterAll(() => server.stop());

const retry = { baseMs: 1, maxMs: 5 };
const never = () => new Promise<never>(() => {});
const options = (more: ClientOptions): ClientOptions => ({ url: `redis://127.0.0.1:${server.port}`, retry, ...more });

test.each([
	["redis", /^no connection within 600 ms: 127\.0\.0\.1:\d+: the credential provider did not answer within 100 ms$/],
	[
		"redis-cluster",
		/^no seed gave the cluster's topology within 600 ms: 127\.0\.0\.1:\d+: the credential provider did not answer within 100 ms$/,
	],
])("C12 C04 %s://: it is asked again every connectMs, and createClient rejects by startMs", async (scheme, message) => {
	let asked = 0;
	const auth = () => {
		asked += 1;
		return never();
	};
	const url = `${scheme}://127.0.0.1:${server.port}`;
	const error = await rejectionOf(createClient(options({ url, auth, timeouts: { connectMs: 100, startMs: 600 } })));
	expect(error).toMatchObject({ code: "CONNECTION", message: expect.stringMatching(message) });
	expect(asked).toBeGreaterThanOrEqual(2);
});

test("C12 C04 a lease is refused by connectMs, and one answer late is not used", async () => {
	let answer: () => Promise<{ password: string }> = async () => ({ password: "sekret" });
	await using client = await createClient(options({ auth: () => answer(), timeouts: { connectMs: 200 } }));
	let late: (credentials: { password: string }) => void = () => {};
	answer = () =>
		new Promise((resolve) => {
			late = resolve;
		});
	const error = await rejectionOf(client.withConnection({}, async () => {}));
	expect(error).toMatchObject({
		code: "TIMEOUT",
		message: expect.stringMatching(/^127\.0\.0\.1:\d+: the credential provider did not answer within 200 ms$/),
	});
	late({ password: "sekret" });
	expect(await client.command("PING")).toBe("PONG");
	expect(client.stats().connections).toBe(1);
});

test("C12 C04 a client that has to reconnect asks again, and what waited succeeds with the first answer", async () => {
	const answers = [{ password: "sekret" }, null, null, { password: "sekret" }];
	let asked = 0;
	const auth = () => {
		const answer = answers[asked++] ?? null;
		return answer === null ? never() : Promise.resolve(answer);
	};
	await using client = await createClient(options({ auth, timeouts: { connectMs: 100, commandMs: 20_000 } }));
	await server.raw("CLIENT", "KILL", "TYPE", "normal");
	await waitUntil("the loss", () => client.stats().connections === 0 || "it is connected");
	expect(await client.command("INCR", "provider:n")).toBe(1);
	expect(asked).toBe(4);
});

test("C12 C37 a client destroyed while its provider is silent leaves no timer", async () => {
	const before = activeResources();
	let asked: () => void = () => {};
	const wasAsked = new Promise<void>((resolve) => {
		asked = resolve;
	});
	let answer: () => Promise<{ password: string }> = async () => ({ password: "sekret" });
	const client = await createClient(options({ auth: () => answer(), timeouts: { connectMs: 20_000 } }));
	answer = () => {
		asked();
		return never();
	};
	const lease = rejectionOf(client.withConnection({}, async () => {}));
	await wasAsked;
	client.destroy();
	expect((await lease).code).toBe("CLOSED");
	await waitUntil("nothing left", () => {
		const rest = leftBehind(before, activeResources());
		return rest === "" || rest;
	});
});
