/** One node of a cluster stands still: its bounds are its own. */
import { expect, test } from "vitest";
import { nodeOfSlot, startCluster } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";

test.each([2, 3] as const)("C22 calls to one node are refused, those to the others are not (RESP%i)", async (protocol) => {
	await using cluster = await startCluster({ primaries: 3, nodeTimeoutMs: 20_000 });
	await using client = await createClient({ url: cluster.url, protocol, pool: { maxQueuedCommands: 20 } });
	const stopped = await nodeOfSlot(cluster, keySlot("{foo}"));
	const others = ["a", "b", "c", "d", "e", "f"].map((tag) => `{${tag}}`);
	const elsewhere: string[] = [];
	for (const tag of others) if ((await nodeOfSlot(cluster, keySlot(tag))) !== stopped) elsewhere.push(tag);
	expect(elsewhere.length).toBeGreaterThan(1);

	await stopped.pause();
	const outcomes = new Outcomes(Array.from({ length: 50 }, (_, i) => client.set(`{foo}${i}`, "v")));
	const error = await rejectionOf(client.get("{foo}"));
	expect(error).toMatchObject({ code: "OVERLOADED", message: expect.stringContaining(addressOf(stopped)) });
	expect(outcomes.errors).toHaveLength(30);
	for (let round = 0; round < 20; round++) {
		const calls = elsewhere.map((tag) => client.set(`${tag}${round}`, "v"));
		expect(new Set(await Promise.all(calls))).toEqual(new Set(["OK"]));
	}
	expect(await client.mget(elsewhere.map((tag) => `${tag}0`))).toEqual(elsewhere.map(() => "v"));
	expect(await rejectionOf(client.get("{foo}"))).toMatchObject({ code: "OVERLOADED" });
	await stopped.resume();
	await outcomes.all;
	expect(outcomes.values).toHaveLength(20);
	expect(await client.get("{foo}0")).toBe("v");
});
