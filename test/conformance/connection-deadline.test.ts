/** The one clock against real servers: not early, not much late, and never for a reply that is already here. */
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server.stop());

function block(ms: number): void {
	const until = performance.now() + ms;
	while (performance.now() < until);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: server.url, protocol });
	});
	afterAll(() => client.close());

	test("C21 a stall of this process longer than the deadline fails no command whose reply has arrived meanwhile", async () => {
		await client.set("k", "v");
		const calls = Array.from({ length: 20 }, () => client.with({ timeoutMs: 100 }).get("k"));
		const batch = client.mget(["k", "none"], { timeoutMs: 100 });
		// Written by now; the replies wait in the kernel while nothing here runs.
		await turn();
		block(400);
		expect(new Set(await Promise.all(calls))).toEqual(new Set(["v"]));
		expect(await batch).toEqual(["v", null]);
	});

	test("C19 a late reply is nobody's: commands behind a timeout get their own", async () => {
		await client.set("late", "late");
		await server.pause();
		const late = Array.from({ length: 5 }, () => rejectionOf(client.with({ timeoutMs: 60 }).get("late")));
		const began = performance.now();
		const errors = await Promise.all(late);
		const took = performance.now() - began;
		expect(took).toBeGreaterThanOrEqual(60);
		const behind = ["a", "b", "c"].map((text) => client.command("PING", text));
		await server.resume();
		expect(await Promise.all(behind)).toEqual(["a", "b", "c"]);
		for (const error of errors) expect(error).toMatchObject({ code: "TIMEOUT", maybeExecuted: true });
		expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
	});
});

test("B10 small values are what they were at the call, though they are sent while the server stands still", async () => {
	await using client = await createClient(server.url);
	await server.pause();
	const value = Buffer.from("original");
	const calls = [client.set("b10", value), client.setMany([["b10:many", value]])];
	value.fill("x");
	await server.resume();
	await Promise.all(calls);
	expect(await client.mget(["b10", "b10:many"])).toEqual(["original", "original"]);
});
