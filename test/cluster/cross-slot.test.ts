import { expect, inject, test } from "vitest";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";

const prefix = "cross-slot";

/** Two keys of different slots that one node serves: neighbours, far from the borders of the three primaries. */
function neighbours(): [string, string] {
	const found = new Map<number, string>();
	for (let i = 0; ; i++) {
		const key = `${prefix}:${i}`;
		const slot = keySlot(key);
		if (slot < 100 || slot > 5000) continue;
		const neighbour = found.get(slot + 1) ?? found.get(slot - 1);
		if (neighbour !== undefined) return [key, neighbour];
		found.set(slot, key);
	}
}

test.each([2, 3] as const)("D26 keys of two slots in one command are refused unsent, RESP%i", async (protocol) => {
	await using client = await createClient({ url: inject("clusterUrl"), protocol });
	const [a, b] = neighbours();
	const before = client.stats();
	for (const command of [
		["MGET", a, b],
		["MSET", a, "1", b, "2"],
		["DEL", a, b],
		["RENAME", a, b],
		["SINTERSTORE", a, b, a],
		["EVAL", "return 1", "2", a, b],
		["XREAD", "STREAMS", a, b, "0", "0"],
	] as [string, ...string[]][]) {
		await expect(client.command(...command)).rejects.toMatchObject({ code: "CROSSSLOT" });
	}
	expect(client.stats()).toEqual(before);
});

test.each([2, 3] as const)("D26 two slots of one node: two commands in one flight, RESP%i", async (protocol) => {
	await using client = await createClient({ url: inject("clusterUrl"), protocol });
	const [a, b] = neighbours();
	await client.setMany([
		[a, "1", { ex: 60 }],
		[b, "2", { ex: 60 }],
	]);
	const before = client.stats();
	expect(await client.mget([a, b])).toEqual(["1", "2"]);
	const after = client.stats();
	expect(after.commands - before.commands).toBe(2);
	expect(after.flights - before.flights).toBe(1);
	expect(await client.delMany([a, b])).toBe(2);
});

test("D26 the server's own CROSSSLOT is not retried", async () => {
	await using node = await startFakeClusterNode();
	node.always(["CLUSTER", "SLOTS"], slotsOf([node, 0, 16383]));
	node.expect(["GET", "a"]).reply("-CROSSSLOT Keys in request don't hash to the same slot\r\n");
	await using client = await createClient(`redis-cluster://${node.host}:${node.port}`);
	await expect(client.get("a")).rejects.toMatchObject({ code: "CROSSSLOT" });
	expect(client.stats()).toMatchObject({ commands: 1, retries: 0, redirections: 0 });
});
