/** A silent node that the cluster has let go of before anybody suspected it. */
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { rejectionOf } from "../support/secrets.js";

/** Nodes of which the first one swallows what it is asked, and owns half of the slots, that of "bar" among them, until `fail` is called. */
async function startNodes(): Promise<{ silent: FakeNode; heir: FakeNode; fail(): void } & AsyncDisposable> {
	const [silent, heir] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	let failed = false;
	for (const node of [silent, heir]) {
		node.always(["CLUSTER", "SLOTS"], () =>
			failed ? slotsOf([heir, 0, 16_383]) : slotsOf([silent, 0, 8191], [heir, 8192, 16_383]),
		);
	}
	for (const name of ["GET", "MGET", "SET"]) silent.always([name], () => undefined);
	heir.always(["GET"], bulk("from the heir")).always(["SET"], "+OK\r\n");
	heir.always(["MGET"], ([, ...keys]) => `*${keys.length}\r\n${keys.map(() => bulk("from the heir")).join("")}`);
	return {
		silent,
		heir,
		fail: () => {
			failed = true;
			for (const name of ["HELLO", "CLUSTER", "PING"]) silent.always([name], () => undefined);
		},
		[Symbol.asyncDispose]: async () => {
			await Promise.all([silent[Symbol.asyncDispose](), heir[Symbol.asyncDispose]()]);
		},
	};
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C18 its reads are repeated at the new owner once it is suspected, and nobody of its slots waits longer", async () => {
		await using nodes = await startNodes();
		await using client = await createClient({
			nodes: [addressOf(nodes.silent), addressOf(nodes.heir)],
			protocol,
			cluster: { refreshMs: 50, minRefreshMs: 20 },
			timeouts: { suspectMs: 2000, commandMs: 20_000, closeMs: 15_000 },
		});
		const began = performance.now();
		const read = client.get("bar");
		const write = rejectionOf(client.set("bar", "v"));
		nodes.fail();
		await waitUntil("the new map", () => refreshes(nodes.heir) >= 3 || `${refreshes(nodes.heir)} refreshes`);
		const behind = client.get("bar");
		expect(await read).toBe("from the heir");
		expect(await behind).toBe("from the heir");
		expect(await write).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(performance.now() - began).toBeLessThan(8000);
	});

	test("C24 what it never answers ends with it: reads are repeated, a write is of unknown outcome, and no error says that the client was closed", async () => {
		await using nodes = await startNodes();
		await using client = await createClient({
			nodes: [addressOf(nodes.silent), addressOf(nodes.heir)],
			protocol,
			cluster: { refreshMs: 50, minRefreshMs: 20 },
			timeouts: { suspectMs: 0, commandMs: 20_000, closeMs: 200 },
		});
		const reads = Promise.all([client.get("bar"), client.mget(["bar", "{bar}2"]), client.pipeline().get("bar").exec()]);
		const write = rejectionOf(client.set("bar", "v"));
		nodes.fail();
		expect(await reads).toEqual(["from the heir", ["from the heir", "from the heir"], ["from the heir"]]);
		const error = await write;
		expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(error.message).toContain(addressOf(nodes.silent));
		expect(await client.get("bar")).toBe("from the heir");
	});
});
