/** Recipe N7: half a slot has moved, and a replica of the half that is left says of the other's keys that there are none. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
	beginMigration,
	type ClusterNode,
	finishMigration,
	migrateKeys,
	nodeOfSlot,
	type ServerCluster,
	seenBy,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";

const SLOT = 5061; // of "{bar}…"
const [GONE, LEFT] = ["{bar}1", "{bar}2"] as const;

let cluster: ServerCluster;
let source: ClusterNode;
let target: ClusterNode;
let replica: ClusterNode;
/** The replica's own word for the key that moved: null on Redis, an ASK on Valkey 8 and later. */
let word: unknown;
beforeAll(async () => {
	cluster = await startCluster({ primaries: 3, replicas: 3 });
});
afterAll(() => cluster?.stop());

async function askReplica(key: string): Promise<unknown> {
	await using connection = await replica.connect();
	await connection.command("READONLY");
	return await connection.command("GET", key).catch((error: Error) => error.message);
}

beforeEach(async () => {
	source = await nodeOfSlot(cluster, SLOT);
	replica = (await seenBy(cluster, source)).find(({ primary }) => primary === source)!.node;
	target = cluster.primaries.find((node) => node !== source)!;
	await source.raw("MSET", GONE, "v", LEFT, "v");
	await waitUntil("a copy", async () => ((await askReplica(GONE)) === "v" && (await askReplica(LEFT)) === "v") || "not yet");
	await beginMigration(source, target, SLOT);
	await migrateKeys(source, target, [GONE]);
	await waitUntil("the replica to lose it", async () => {
		word = await askReplica(GONE);
		return word !== "v" || "it still has it";
	});
});
afterEach(() => finishMigration(cluster, source, target, SLOT));

/** With a connection to every node that it reads from. */
async function connect(protocol: 2 | 3, readFrom: "primary" | "replica"): Promise<Client> {
	const client = await createClient({ url: cluster.url, protocol, cluster: { readFrom, refreshMs: 0 } });
	const connections = readFrom === "replica" ? 6 : 3;
	await waitUntil("its connections", () => client.stats().connections === connections || `${client.stats().connections}`);
	if (readFrom === "replica") {
		// Until the handshake is over, the primary is read from.
		await replica.raw("CONFIG", "RESETSTAT");
		await waitUntil("reads at the replica", async () => {
			await client.get(LEFT);
			return String(await replica.raw("INFO", "commandstats")).includes("cmdstat_get:") || "not yet";
		});
	}
	return client;
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D41 N7 a client that reads from primaries has the value all the time", async () => {
		await using client = await connect(protocol, "primary");
		expect(await client.get(GONE)).toBe("v");
		expect(await client.mget([GONE, LEFT, "{bar}no"])).toEqual(["v", "v", null]);
		await finishMigration(cluster, source, target, SLOT);
		expect(await client.mget([GONE, LEFT])).toEqual(["v", "v"]);
	});

	test("D41 N7 one that reads from replicas may be told that it is missing, as the README says, while the slot moves and no longer", async () => {
		await using client = await connect(protocol, "replica");
		// No error in either case, and what the replica has is there.
		const expected = word === null ? null : "v";
		if (word !== null) expect(word).toMatch(/^ASK /);
		expect(await client.get(GONE)).toBe(expected);
		expect(await client.get(LEFT)).toBe("v");
		expect(await client.mget([GONE, LEFT, "{bar}no"])).toEqual([expected, "v", null]);
		await finishMigration(cluster, source, target, SLOT);
		expect(await client.get(GONE)).toBe("v");
		expect(await client.mget([GONE, LEFT, "{bar}no"])).toEqual(["v", "v", null]);
	});
});
