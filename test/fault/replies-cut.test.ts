/** Every tenth reply is cut off: commands were executed, or not, and nobody says which. */
import { describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { cutReplies } from "../support/cut-replies.js";
import { type Ending, TcpProxy } from "../support/proxy.js";

const COUNT = 300;
const INTEGER = ":";
const BULK = "$";

const ways: Record<string, (calls: readonly (() => Promise<unknown>)[]) => Promise<unknown[]>> = {
	"one after another": async (calls) => {
		const results: unknown[] = [];
		for (const call of calls) results.push(await call().catch((error) => error));
		return results;
	},
	"all at once": (calls) => Promise.all(calls.map((call) => call().catch((error) => error))),
};

/** How the server learns of it: a reset may overtake commands, a FIN does not. */
const endings: readonly Ending[] = ["rst", "fin"];
const cases = endings.flatMap((ending) => Object.keys(ways).map((way) => [ending, way] as const));

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	async function through(
		ending: Ending,
		type: string,
		body: (client: Client, server: ServerNode) => Promise<void>,
	): Promise<void> {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		// Towards the client always by FIN: what was passed on before the cut arrives.
		cutReplies(proxy, 10, type, { client: "fin", server: ending });
		await using client = await createClient({
			url: proxy.url,
			protocol,
			retry: { baseMs: 1, maxMs: 20 },
			timeouts: { commandMs: 25_000 },
		});
		await body(client, server);
		const left = () => client.stats().inFlight;
		await waitUntil("rest", () => left() === 0 || `${left()} in flight`);
	}

	test.each(
		cases,
	)("C24 N10 INCR of one key, cut by %s, %s: acknowledged ≤ counter ≤ acknowledged + unknown", async (ending, way) => {
		await through(ending, INTEGER, async (client, server) => {
			const issue = ways[way] as (typeof ways)[string];
			const results = await issue(Array.from({ length: COUNT }, () => () => client.command("INCR", "n")));
			const acknowledged = results.filter((result) => typeof result === "number") as number[];
			const lost = results.filter((result) => typeof result !== "number");
			for (const error of lost) expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
			expect(lost.length).toBeGreaterThan(0);
			if (way === "one after another") expect(lost.length).toBe(COUNT / 10);
			// No two callers got the same reply, and none an earlier one.
			expect(acknowledged).toEqual([...new Set(acknowledged)].sort((a, b) => a - b));
			const counter = Number(await server.raw("GET", "n"));
			expect(counter).toBeGreaterThanOrEqual(acknowledged.length);
			expect(counter).toBeLessThanOrEqual(COUNT);
		});
	});

	test.each(cases)("C24 N10 INCR of a key each, cut by %s, %s: none runs twice", async (ending, way) => {
		await through(ending, INTEGER, async (client, server) => {
			const issue = ways[way] as (typeof ways)[string];
			const keys = Array.from({ length: COUNT }, (_, index) => `once:${index}`);
			const results = await issue(keys.map((key) => () => client.command("INCR", key)));
			const values = ((await server.raw("MGET", ...keys)) as (string | null)[]).map(Number);
			for (const [index, result] of results.entries()) {
				const what = `${keys[index]} ${result}`;
				if (typeof result === "number") expect([result, values[index]], what).toEqual([1, 1]);
				else {
					expect(result, what).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
					expect(values[index], what).toBeLessThanOrEqual(1);
				}
			}
		});
	});

	test.each(cases)("C24 N10 GET, cut by %s, %s: each is repeated until its value is here", async (ending, way) => {
		await through(ending, BULK, async (client, server) => {
			const issue = ways[way] as (typeof ways)[string];
			const keys = Array.from({ length: COUNT }, (_, index) => `value:${index}`);
			await server.raw("MSET", ...keys.flatMap((key) => [key, `of ${key}`]));
			const results = await issue(keys.map((key) => () => client.get(key)));
			const wrong = results.filter((result, index) => result !== `of ${keys[index]}`).map(String);
			expect({ wrong: wrong.length, first: wrong[0] }).toEqual({ wrong: 0, first: undefined });
			expect(client.stats().reconnects).toBeGreaterThanOrEqual(COUNT / 10);
		});
	});
});
