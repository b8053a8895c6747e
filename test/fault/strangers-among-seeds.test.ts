/** Who answers at an address of the topology, and could not be asked for its identity when it was connected to. */
import { describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";

const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D34 a seed that is not the node that the topology has there is asked for no data", async () => {
		await using seed = await startFakeClusterNode();
		await using stranger = await startFakeClusterNode();
		let moved = false;
		seed.always(["CLUSTER", "SLOTS"], () =>
			moved ? slotsOf([seed, 0, 16_383]) : slotsOf([stranger, 0, 8191], [seed, 8192, 16_383]),
		);
		seed.always(["GET"], bulk("v"));
		stranger.always(["CLUSTER", "SLOTS"], "-CLUSTERDOWN no\r\n").always(["GET"], "$-1\r\n");
		stranger.always(["CLUSTER", "MYID"], (_, { index }) => {
			moved = index > 0;
			return bulk("somebody");
		});
		await using client = await createClient({
			nodes: [addressOf(stranger), addressOf(seed)],
			protocol,
			cluster: { refreshMs: 0, minRefreshMs: 10 },
			retry: { baseMs: 5, maxMs: 20 },
		});
		expect(await client.get("bar")).toBe("v");
		expect(stranger.commands.filter(([name]) => name === "GET")).toEqual([]);
	});

	test("D34 a stranger that loads its data first is a stranger", async () => {
		await using seed = await startFakeClusterNode();
		await using stranger = await startFakeClusterNode();
		let loading = true;
		let moved = false;
		seed.always(["CLUSTER", "SLOTS"], () =>
			moved ? slotsOf([seed, 0, 16_383]) : slotsOf([stranger, 0, 8191], [seed, 8192, 16_383]),
		);
		seed.always(["GET"], bulk("v"));
		stranger.always(["CLUSTER", "MYID"], () => {
			if (loading) return LOADING;
			moved = true;
			return bulk("somebody");
		});
		stranger.always(["GET"], () => {
			const was = loading;
			loading = false;
			return was ? LOADING : "$-1\r\n";
		});
		await using client = await createClient({
			nodes: [addressOf(seed)],
			protocol,
			cluster: { refreshMs: 0, minRefreshMs: 10 },
			retry: { baseMs: 5, maxMs: 20 },
		});
		const read = client.get("bar");
		await stranger.accepted(1);
		setTimeout(() => {
			loading = false;
		}, 100);
		expect(await read).toBe("v");
	});
});
