/** The client is being closed while its bounds are reached: there is no sense in trying again later. */
import { describe, expect, test } from "vitest";
import { startCluster, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";

const BOUND = 20;
const options = { pool: { maxQueuedCommands: BOUND }, timeouts: { suspectMs: 0, commandMs: 20_000, closeMs: 20_000 } };

async function closeWhileFull(client: Client, resume: () => Promise<unknown>): Promise<void> {
	const accepted = new Outcomes(Array.from({ length: BOUND }, () => client.get("{full}k")));
	const refused = rejectionOf(client.get("{full}k"));
	const closed = client.close();
	const calls = [
		client.get("{full}k"),
		client.set("{full}k", "v"),
		client.incr("{full}n"),
		client.command("GET", "{full}k"),
		client.command("PING"),
	].map(rejectionOf);
	const codes = Promise.all(calls.map(async (call) => (await call).code));
	await Promise.all([refused, codes]);
	await resume();
	await closed;
	await accepted.all;
	expect(await refused).toMatchObject({ code: "OVERLOADED" });
	expect(await codes).toEqual(calls.map(() => "CLOSED"));
	expect(accepted.errors).toEqual([]);
	expect(await rejectionOf(client.get("{full}k"))).toMatchObject({ code: "CLOSED" });
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C37 C22 calls say CLOSED, not OVERLOADED; what was accepted is answered", async () => {
		await using server = await startStandalone();
		await using client = await createClient({ url: server.url, protocol, ...options });
		await server.pause();
		await closeWhileFull(client, () => server.resume());
	});
});

test("C37 C22 the same in a cluster", async () => {
	await using cluster = await startCluster();
	await using client = await createClient({ url: cluster.url, ...options });
	await Promise.all(cluster.primaries.map((node) => node.pause()));
	await closeWhileFull(client, () => Promise.all(cluster.primaries.map((node) => node.resume())));
});
