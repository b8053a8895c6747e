/** Recipe N4: a node takes a slot without its keys, and the old owner drops them without a word to anybody. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClusterNode, nodeOfSlot, type ServerCluster, startCluster, viewsAgree, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { ClusterTaps } from "../support/cluster-taps.js";

const SLOT = 5061; // of "{bar}…"

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster();
});
afterAll(() => cluster?.stop());

/** The next primary declares itself the slot's owner; resolves when all believe it. */
async function takeOver(): Promise<{ before: ClusterNode; now: ClusterNode }> {
	const before = await nodeOfSlot(cluster, SLOT);
	const now = cluster.primaries[(cluster.primaries.indexOf(before) + 1) % 3]!;
	await now.raw("CLUSTER", "SETSLOT", SLOT, "IMPORTING", before.id);
	await now.raw("CLUSTER", "SETSLOT", SLOT, "NODE", now.id);
	await viewsAgree(cluster);
	expect(await nodeOfSlot(cluster, SLOT)).toBe(now);
	expect(await before.raw("CLUSTER", "COUNTKEYSINSLOT", SLOT)).toBe(0);
	return { before, now };
}

async function connect(taps: ClusterTaps, protocol: 2 | 3, refreshMs: number): Promise<Client> {
	const client = await createClient({ url: taps.url, protocol, cluster: { natMap: taps.natMap, refreshMs, minRefreshMs: 50 } });
	await client.setMany([
		["{bar}1", "v"],
		["{bar}2", "v"],
		["elsewhere", "v"],
	]);
	return client;
}

const keyed = (taps: ClusterTaps, node: ClusterNode) => taps.commands(node).flat();

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D44 N4 a client that asks nothing meanwhile has followed by its next refresh: no MOVED is ever seen", async () => {
		await using taps = await ClusterTaps.start(cluster.primaries);
		await using client = await connect(taps, protocol, 100);
		taps.clear();
		const { before, now } = await takeOver();
		const asked = taps.refreshes();
		// One may have been answered before the takeover, and each may ask several nodes.
		await waitUntil("later refreshes", () => taps.refreshes() > asked + 8 || "not yet");
		await now.raw("SET", "{bar}nope", "x");
		// The keys are gone, and that is the truth by now.
		expect(await client.mget(["{bar}1", "elsewhere", "{bar}nope"])).toEqual([null, "v", "x"]);
		expect(await client.set("{bar}1", "new")).toBe("OK");
		expect(await client.get("{bar}1")).toBe("new");
		expect(await now.raw("GET", "{bar}1")).toBe("new");
		expect(keyed(taps, before).filter((command) => command.some((word) => word.startsWith("{bar}")))).toEqual([]);
		expect(client.stats()).toMatchObject({ redirections: 0, retries: 0, reconnects: 0 });
	});

	test("D11 N4 a client that does not refresh follows the first MOVED", async () => {
		await using taps = await ClusterTaps.start(cluster.primaries);
		await using client = await connect(taps, protocol, 0);
		taps.clear();
		const { before, now } = await takeOver();
		await now.raw("SET", "{bar}nope", "x");
		expect(await client.get("{bar}nope")).toBe("x");
		expect(await client.mget(["{bar}1", "elsewhere", "{bar}nope"])).toEqual([null, "v", "x"]);
		expect(await client.set("{bar}1", "new")).toBe("OK");
		expect(await now.raw("GET", "{bar}1")).toBe("new");
		expect(keyed(taps, before).filter((command) => command.some((word) => word.startsWith("{bar}")))).toHaveLength(1);
		expect(client.stats()).toMatchObject({ redirections: 1, reconnects: 0 });
	});

	test("D11 N4 callers that go on meanwhile have no error, and the new owner's values from then on", async () => {
		await using taps = await ClusterTaps.start(cluster.primaries);
		await using client = await connect(taps, protocol, 100);
		let taken = false;
		let rounds = 0;
		const callers = Array.from({ length: 4 }, async (_, caller) => {
			while (!taken) {
				const value = `${caller} ${rounds++}`;
				const [written, , values] = await Promise.all([
					client.set(`{bar}${caller}`, value),
					client.get("{bar}1"),
					client.mget([`{bar}${caller}`, "elsewhere"]),
				]);
				expect(written).toBe("OK");
				// Null if the slot was taken between the two.
				expect([value, null]).toContain(values[0]);
				expect(values[1]).toBe("v");
			}
		});
		const { now } = await takeOver();
		const before = rounds;
		const all = Promise.all(callers);
		await Promise.race([all, waitUntil("rounds that began behind it", () => rounds > before + 8 || "not yet")]);
		taken = true;
		await all;
		for (let caller = 0; caller < 4; caller++) {
			await client.set(`{bar}${caller}`, "last");
			expect(await now.raw("GET", `{bar}${caller}`)).toBe("last");
		}
		expect(client.stats().reconnects).toBe(0);
	});
});
