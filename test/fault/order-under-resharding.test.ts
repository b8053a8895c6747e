/** Callers that never wait for an answer write to one key while its slot goes to another node and back. */
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());

describe.each([
	[2, 3],
	[3, 1],
] as const)("RESP%i, pool.shared %i", (protocol, shared) => {
	test("C25 D37 a list, a string and a counter have everything once, in the order of the calls", async () => {
		const tag = `{order${protocol}}`;
		const slot = keySlot(tag);
		const home = await nodeOfSlot(cluster, slot);
		const away = cluster.primaries.find((node) => node !== home)!;
		await using client = await createClient({
			url: cluster.url,
			protocol,
			pool: { shared },
			timeouts: { commandMs: 20_000 },
			retry: { maxAttempts: 1000 },
		});
		const counts: Promise<unknown>[] = [];
		const lengths: Promise<unknown>[] = [];
		const appended: Promise<unknown>[] = [];
		let done = false;
		const moves = (async () => {
			for (const target of [away, home]) await moveSlot(cluster, slot, target);
			done = true;
		})();
		let calls = 0;
		while (!done) {
			for (let i = 0; i < 10; i++, calls++) {
				lengths.push(client.command("RPUSH", `${tag}list`, calls));
				appended.push(client.command("APPEND", `${tag}text`, `${calls},`));
				counts.push(client.incr(`${tag}count`));
			}
			// Faster than it is answered, but not so fast that the moves starve.
			await Promise.race([counts[Math.max(0, counts.length - 200)], moves]);
			await turn();
		}
		await moves;
		const numbers = Array.from({ length: calls }, (_, i) => i);
		expect(await Promise.all(counts)).toEqual(numbers.map((i) => i + 1));
		expect(await Promise.all(lengths)).toEqual(numbers.map((i) => i + 1));
		await Promise.all(appended);
		expect(await client.command("LRANGE", `${tag}list`, 0, -1)).toEqual(numbers.map(String));
		expect(await client.get(`${tag}text`)).toBe(numbers.map((i) => `${i},`).join(""));
		expect(calls).toBeGreaterThan(200);
		// It did meet both moves.
		expect(client.stats().redirections).toBeGreaterThan(1);
		expect(client.stats()).toMatchObject({ reconnects: 0, inFlight: 0 });
	});
});
