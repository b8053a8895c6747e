/** Each node has its own bounds: a replica that is read from as much as a primary. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, gets, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";
import { slotsReply } from "../support/slots-reply.js";

const BOUND = 100;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	let primary: FakeNode;
	let replica: FakeNode;
	beforeEach(async () => {
		[primary, replica] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
		const nodes = [primary, replica].map(({ host, port }) => ({ host, port, id: `id-${port}` }));
		for (const node of [primary, replica]) {
			node.always(["CLUSTER", "SLOTS"], slotsReply([{ first: 0, last: 16_383, nodes }]));
			node.always(["GET"], bulk(node === primary ? "from the primary" : "from the replica"));
		}
	});
	afterEach(async () => {
		for (const node of [primary, replica]) await node[Symbol.asyncDispose]();
	});

	async function connect(): Promise<Client> {
		const client = await createClient({
			nodes: [addressOf(primary)],
			protocol,
			cluster: { readFrom: "replica", refreshMs: 0 },
			pool: { maxQueuedCommands: BOUND },
			timeouts: { suspectMs: 0, commandMs: 20_000, closeMs: 50 },
		});
		await waitUntil("the replica is read from", async () => {
			await client.get("bar");
			return gets(replica).length > 0 || "not yet";
		});
		return client;
	}

	test("C22 a mute replica holds no more than its bound", async () => {
		await using client = await connect();
		replica.always(["GET"], () => undefined);
		const singles = new Outcomes(Array.from({ length: 2500 }, () => client.get("bar")));
		const commands = new Outcomes(Array.from({ length: 2500 }, () => client.command("GET", "bar")));
		await waitUntil("the rest is refused", () => {
			const refused = singles.errors.length + commands.errors.length;
			return refused >= 5000 - BOUND || `${refused}`;
		});
		expect(new Set([...singles.codes, ...commands.codes])).toEqual(new Set(["OVERLOADED"]));
		expect(singles.errors.length + commands.errors.length).toBe(5000 - BOUND);
		expect(client.stats().inFlight).toBe(BOUND);
		client.destroy();
		await Promise.all([singles.all, commands.all]);
	});

	test("C22 while the primary is full, reads go to the replica, and the other way round", async () => {
		await using client = await connect();
		primary.always(["SET"], () => undefined);
		const writes = new Outcomes(Array.from({ length: 2 * BOUND }, () => client.set("bar", "v")));
		await waitUntil("the rest is refused", () => writes.errors.length === BOUND || `${writes.errors.length}`);
		expect(writes.codes).toEqual(new Set(["OVERLOADED"]));
		expect(await rejectionOf(client.set("bar", "v"))).toMatchObject({ code: "OVERLOADED" });
		expect(await rejectionOf(client.command("INCR", "bar"))).toMatchObject({ code: "OVERLOADED" });
		expect(await client.get("bar")).toBe("from the replica");
		expect(await client.command("GET", "bar")).toBe("from the replica");
		client.destroy();
		await writes.all;
	});

	test("C22 while a replica is full, writes go to the primary", async () => {
		await using client = await connect();
		primary.always(["SET"], "+OK\r\n").always(["INCR"], ":1\r\n");
		replica.always(["GET"], () => undefined);
		const reads = new Outcomes(Array.from({ length: 2 * BOUND }, () => client.get("bar")));
		await waitUntil("the rest is refused", () => reads.errors.length === BOUND || `${reads.errors.length}`);
		expect(await client.set("bar", "v")).toBe("OK");
		expect(await client.command("INCR", "bar")).toBe(1);
		client.destroy();
		await reads.all;
	});
});
