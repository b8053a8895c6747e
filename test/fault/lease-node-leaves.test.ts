/** A connection is leased at a node that leaves the cluster. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { rejectionOf } from "../support/secrets.js";

let leaving: FakeNode;
let staying: FakeNode;
let gone: boolean;
beforeEach(async () => {
	[leaving, staying] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	gone = false;
	for (const node of [leaving, staying]) {
		node.always(["CLUSTER", "SLOTS"], () =>
			gone ? slotsOf([staying, 0, 16_383]) : slotsOf([leaving, 0, 8191], [staying, 8192, 16_383]),
		);
	}
	leaving.always(["GET"], bulk("from the one that leaves")).always(["BLPOP"], () => undefined);
	staying.always(["GET"], bulk("from the one that stays"));
});
afterEach(async () => {
	for (const node of [leaving, staying]) await node[Symbol.asyncDispose]();
});

/** Resolves once the client has let go of the node: its shared connection is sent nothing any more. */
async function leave(client: Client): Promise<void> {
	gone = true;
	await waitUntil("the new map", async () => (await client.get("bar")) === "from the one that stays" || "still the old one");
}

const blocked = () => leaving.connections.find(({ commands }) => commands.some(([name]) => name === "BLPOP"));

function connect(protocol: 2 | 3, closeMs: number): Promise<Client> {
	return createClient({
		nodes: [addressOf(staying)],
		protocol,
		cluster: { refreshMs: 30, minRefreshMs: 10 },
		timeouts: { closeMs, commandMs: 20_000 },
	});
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D33 a command that blocks is answered, while closeMs lasts", async () => {
		await using client = await connect(protocol, 15_000);
		const reply = await client.withConnection({ key: "bar" }, async (own) => {
			const popped = own.command("BLPOP", "bar", 0);
			await waitUntil("it blocks", () => blocked() !== undefined || "not yet");
			await leave(client);
			await blocked()!.write(`*2\r\n${bulk("bar")}${bulk("v")}`);
			return popped;
		});
		expect(reply).toEqual(["bar", "v"]);
		await waitUntil("the end of its connections", () => leaving.connections.every(({ closed }) => closed) || "open");
	});

	test("D33 between two commands it is as much in use", async () => {
		await using client = await connect(protocol, 15_000);
		await client.withConnection({ key: "bar" }, async (own) => {
			await own.get("bar");
			await leave(client);
			const before = refreshes(staying);
			await waitUntil("more refreshes", () => refreshes(staying) >= before + 5 || `${refreshes(staying) - before}`);
			expect(await own.get("bar")).toBe("from the one that leaves");
		});
		await waitUntil("the end of its connections", () => leaving.connections.every(({ closed }) => closed) || "open");
	});

	test("D33 after closeMs it ends, and the error does not say that the client was closed", async () => {
		await using client = await connect(protocol, 300);
		const error = await client.withConnection({ key: "bar" }, async (own) => {
			const popped = rejectionOf(own.command("BLPOP", "bar", 0));
			await waitUntil("it blocks", () => blocked() !== undefined || "not yet");
			await leave(client);
			return popped;
		});
		expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
		expect(error.message).toContain(addressOf(leaving));
		expect(error.message).not.toContain("the client is closed");
		expect(await client.get("bar")).toBe("from the one that stays");
	});
});
