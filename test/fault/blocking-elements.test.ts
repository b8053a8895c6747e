/** Every element that is pushed goes to one consumer, stays on the server, or was on its way to a caller who gave up and was told so. */
import { expect, test } from "vitest";
import { startStandalone } from "../../fixtures/servers.js";
import { type ClientError, createClient } from "../../src/index.js";
import { Random } from "../support/random.js";

const PUSHES = 500;

test("C20 C34 500 elements, consumers who abort and whose connections are cut at random: none is lost unsaid, none comes twice (RESP2, RESP3)", async () => {
	await using server = await startStandalone();
	await using pusher = await createClient(server.url);
	for (const protocol of [2, 3] as const) {
		await using client = await createClient({ url: server.url, protocol });
		const random = new Random(20_240 + protocol);
		const popped: string[] = [];
		let unknown = 0;
		let givenUp = 0;
		let done = false;
		const consume = async (): Promise<void> => {
			while (!done) {
				const abort = new AbortController();
				const timer = random.below(2) === 0 ? setTimeout(() => abort.abort(), random.below(6)) : undefined;
				try {
					const got = await client.with({ signal: abort.signal }).blpop("elements", 0.05);
					if (got !== null) popped.push(got[1]);
				} catch (error) {
					const { code, maybeExecuted } = error as ClientError;
					expect(["ABORTED", "CONNECTION"]).toContain(code);
					givenUp += 1;
					if (maybeExecuted) unknown += 1;
				} finally {
					clearTimeout(timer);
				}
			}
		};
		const consumers = Array.from({ length: 8 }, consume);
		for (let i = 0; i < PUSHES; i++) {
			await pusher.command("RPUSH", "elements", i);
			// The same as a connection that is lost.
			if (i % 25 === 24) await pusher.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
		}
		done = true;
		await Promise.all(consumers);
		const left = (await pusher.command("LRANGE", "elements", 0, -1)) as string[];
		await pusher.command("DEL", "elements");
		const seen = [...popped, ...left];
		expect(new Set(seen).size).toBe(seen.length);
		expect(seen.length).toBeLessThanOrEqual(PUSHES);
		expect(seen.length + unknown).toBeGreaterThanOrEqual(PUSHES);
		expect(givenUp).toBeGreaterThan(10);
		expect(popped.length).toBeGreaterThan(PUSHES / 4);
		expect(client.stats().inFlight).toBe(0);
	}
}, 60_000);
