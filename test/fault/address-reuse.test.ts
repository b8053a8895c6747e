/** A node's address comes into other hands: whoever answers there now is not asked for data. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isPromoted, isWhole, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { freePort } from "../../src/cli/servers/free-port.js";
import { type Client, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";

const KEY = "{bar}reused";
const SLOT = keySlot(KEY);

describe("a real cluster, one of whose primaries is stopped", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster({ primaries: 3, replicas: 1, nodeTimeoutMs: 1500, requirepass: "sekret" });
	});
	afterAll(() => cluster?.stop());

	const connect = (protocol: 2 | 3): Promise<Client> =>
		createClient({
			url: cluster.url,
			protocol,
			cluster: { refreshMs: 200, minRefreshMs: 50 },
			timeouts: { commandMs: 25_000 },
			retry: { maxAttempts: 1000, maxMs: 200 },
		});

	/** Reads until `end`; what was read, without repetition. */
	async function readUntil(client: Client, end: () => boolean): Promise<Set<string | null>> {
		const values = new Set<string | null>();
		while (!end()) values.add(await client.get(KEY));
		return values;
	}

	test.each([
		["a standalone server", ["--cluster-enabled", "no"]],
		["a standalone server that knows no HELLO", ["--cluster-enabled", "no", "--rename-command", "HELLO", ""]],
		// With a bus of its own: nodes that meet another one on the bus of a known one let nobody take that one's place.
		["a node of another cluster", ["--cluster-config-file", "another.conf", "--cluster-port"]],
	])("D34 %s at its address: no read gives null, no write goes there", async (_what, args) => {
		const owner = await nodeOfSlot(cluster, SLOT);
		const replica = cluster.nodes.find((node) => node !== owner && (node.replicaOf ?? owner.replicaOf) !== undefined)!;
		await using two = await connect(2);
		await using three = await connect(3);
		await two.set(KEY, "v");
		await waitUntil(
			"a copy",
			async () => String(await replica.raw("INFO", "keyspace")).includes("keys=") || "nothing was copied",
		);
		// It would copy the stranger's data, and the shard's would be gone for everybody.
		await replica.raw("CONFIG", "SET", "masterauth", "not-the-strangers");
		await owner.kill();
		// Without the dump that a replica keeps of its primary's data.
		const another = args.includes("--cluster-port");
		await owner.restart({ args: [...args, ...(another ? [String(await freePort())] : []), "--dbfilename", "none.rdb"] });
		if (another) {
			await owner.raw("CLUSTER", "ADDSLOTSRANGE", 0, 16_383);
			// It serves: a client of its own would be given nulls.
			await waitUntil("the other cluster", async () => (await owner.raw("GET", KEY).catch((error) => error.message)) ?? true);
		} else expect(await owner.raw("GET", KEY)).toBeNull();
		await owner.raw("CONFIG", "RESETSTAT");

		let promoted = false;
		const reads = [two, three].map((client) => readUntil(client, () => promoted));
		const writes = [two, three].map((client, i) => client.set(`${KEY}${i}`, "written"));
		await isPromoted(cluster, replica);
		promoted = true;
		for (const values of await Promise.all(reads)) expect([...values]).toEqual(["v"]);
		expect(await Promise.all(writes)).toEqual(["OK", "OK"]);
		expect(await replica.raw("MGET", `${KEY}0`, `${KEY}1`)).toEqual(["written", "written"]);
		expect(await two.get(KEY)).toBe("v");
		expect(String(await owner.raw("INFO", "commandstats"))).not.toMatch(/cmdstat_([gs]et|mget|cluster\|slots)\b/);

		await replica.raw("CONFIG", "SET", "masterauth", "sekret");
		await owner.kill();
		await owner.restart();
		await isWhole(cluster);
		for (const client of [two, three]) expect(await client.get(KEY)).toBe("v");
	});
});

describe.each([2, 3] as const)("fake nodes, RESP%i", (protocol) => {
	test("D34 who says another id is asked nothing, and its callers have the answer once the topology has another owner", async () => {
		await using seed = await startFakeClusterNode();
		await using stranger = await startFakeClusterNode();
		let moved = false;
		seed.always(["CLUSTER", "SLOTS"], () =>
			moved ? slotsOf([seed, 0, 16_383]) : slotsOf([stranger, 0, 8191], [seed, 8192, 16_383]),
		);
		seed.always(["GET"], bulk("v"));
		stranger.always(["CLUSTER", "MYID"], bulk("somebody")).always(["GET"], "$-1\r\n");
		await using client = await createClient({
			nodes: [addressOf(seed)],
			protocol,
			cluster: { refreshMs: 0, minRefreshMs: 10 },
			retry: { baseMs: 5, maxMs: 20 },
		});
		const read = client.get("bar");
		await stranger.accepted(3);
		moved = true;
		expect(await read).toBe("v");
		expect(stranger.commands).toEqual([]);
	});

	test("D34 who says the id that the topology has, and who will not say, is that node", async () => {
		await using seed = await startFakeClusterNode();
		await using open = await startFakeClusterNode();
		await using discreet = await startFakeClusterNode();
		seed.always(["CLUSTER", "SLOTS"], slotsOf([open, 0, 8191], [discreet, 8192, 16_383]));
		open.always(["CLUSTER", "MYID"], bulk(`id-${open.port}`)).always(["GET"], bulk("v"));
		discreet.always(["CLUSTER", "MYID"], "-NOPERM no\r\n").always(["GET"], bulk("v"));
		await using client = await createClient({ nodes: [addressOf(seed)], protocol, cluster: { refreshMs: 0 } });
		expect(await Promise.all([client.get("bar"), client.get("foo")])).toEqual(["v", "v"]);
		expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
		expect(open.connections[0]!.commands).toContainEqual(["CLUSTER", "MYID"]);
	});

	test("D34 several nodes behind one address: any of them answers there", async () => {
		await using gate = await startFakeClusterNode();
		const hidden = [1, 2].map((port) => ({ host: "10.0.0.1", port }));
		gate.always(["CLUSTER", "SLOTS"], slotsOf([hidden[0]!, 0, 8191], [hidden[1]!, 8192, 16_383]));
		gate.always(["CLUSTER", "MYID"], bulk("id-2")).always(["GET"], bulk("v"));
		await using client = await createClient({
			nodes: [addressOf(gate)],
			protocol,
			cluster: { refreshMs: 0, natMap: () => gate },
		});
		expect(await Promise.all([client.get("bar"), client.get("foo")])).toEqual(["v", "v"]);
		gate.connections[0]!.reset();
		await gate.accepted(2);
		expect(await client.get("bar")).toBe("v");
	});
});
