/** The bound on how many commands wait, however small they are. */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Outcomes } from "../support/outcomes.js";

const BOUND = 100;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C22 so many commands are accepted and no more, the first ones, and again as many once they were answered", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, pool: { maxQueuedCommands: BOUND } });
		for (let round = 0; round < 2; round++) {
			await server.pause();
			const first = new Outcomes(Array.from({ length: BOUND }, (_, i) => client.command("PING", `${round}:${i}`)));
			const rest = new Outcomes(Array.from({ length: BOUND }, (_, i) => client.command("PING", `${round}:rest:${i}`)));
			await rest.all;
			expect(rest.errors).toHaveLength(BOUND);
			expect(rest.codes).toEqual(new Set(["OVERLOADED"]));
			expect(first.errors).toEqual([]);
			await server.resume();
			await first.all;
			expect(first.values).toEqual(Array.from({ length: BOUND }, (_, i) => `${round}:${i}`));
		}
		expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
	});
});

test("C22 commands that wait for a connection count: a server that is gone leaves room for no more", async () => {
	await using server = await startStandalone();
	await using client = await createClient({
		url: server.url,
		pool: { maxQueuedCommands: BOUND },
		timeouts: { commandMs: 20_000 },
		retry: { maxMs: 50 },
	});
	await server.kill();
	const outcomes = new Outcomes(Array.from({ length: 3 * BOUND }, (_, i) => client.get(`gone:${i}`)));
	await turn();
	expect(outcomes.errors).toHaveLength(2 * BOUND);
	expect(outcomes.codes).toEqual(new Set(["OVERLOADED"]));
	await server.restart();
	await outcomes.all;
	expect(outcomes.values).toHaveLength(BOUND);
	expect(outcomes.errors).toHaveLength(2 * BOUND);
});

test("C22 commands that a loading server refused, and those behind them, count", async () => {
	await using node = await FakeNode.start();
	let loading = true;
	node.always(["GET"], () => (loading ? "-LOADING Redis is loading the dataset in memory\r\n" : "$1\r\nv\r\n"));
	await using client = await createClient({
		url: node.url,
		pool: { maxQueuedCommands: 10 },
		retry: { maxAttempts: 1000, maxMs: 20 },
	});
	const held = new Outcomes([client.get("k")]);
	for (; client.stats().retries === 0; await turn());
	const behind = new Outcomes(Array.from({ length: 20 }, () => client.get("k")));
	for (; behind.errors.length < 11; await turn());
	expect(behind.codes).toEqual(new Set(["OVERLOADED"]));
	loading = false;
	await Promise.all([held.all, behind.all]);
	expect([...held.values, ...behind.values]).toEqual(Array.from({ length: 10 }, () => "v"));
	expect(client.stats().inFlight).toBe(0);
});
