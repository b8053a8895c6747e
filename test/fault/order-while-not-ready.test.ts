/** A server that refuses for a while: the commands of a key keep their order, the first alone asks whether it is ready, others go on. */
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";

const refusals = [
	"LOADING Redis is loading the dataset in memory",
	"CLUSTERDOWN The cluster is down",
	"TRYAGAIN Multiple keys request during rehashing of slot",
	"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
];
const retry = { baseMs: 10, maxMs: 10, maxAttempts: 1000 };

/** The numbers appended to a key, in the order in which the node was asked. */
function appended(node: FakeNode, key = "bar"): number[] {
	return node.commands.filter(([name, of]) => name === "APPEND" && of === key).map(([, , number]) => Number(number));
}

async function keepsOrder(node: FakeNode, client: Client, refusal: string): Promise<void> {
	let ready = false;
	node.always(["APPEND", "bar"], () => (ready ? ":1\r\n" : `-${refusal}\r\n`));
	node.always(["APPEND", "other"], ":2\r\n");
	const calls = [1, 2, 3, 4, 5].map((number) => client.command("APPEND", "bar", number));
	await waitUntil("a few more tries", () => appended(node).length >= 8 || `${appended(node)}`);
	calls.push(client.command("APPEND", "bar", 6), client.command("APPEND", "bar", 7));
	// Another key's commands go on meanwhile.
	expect(await client.command("APPEND", "other", 1)).toBe(2);
	ready = true;
	expect(await Promise.all(calls)).toEqual(Array(7).fill(1));
	const order = appended(node);
	expect(order.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
	expect(order.slice(-6)).toEqual([2, 3, 4, 5, 6, 7]);
	expect(order.slice(5, -6)).toEqual(Array(order.length - 11).fill(1));
	expect(client.stats()).toMatchObject({ reconnects: 0, inFlight: 0 });
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each(refusals)("C25 a cluster node that says %s", async (refusal) => {
		await using node = await startFakeClusterNode();
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([node, 0, 16_383]));
		await using client = await createClient({ nodes: [addressOf(node)], protocol, retry, cluster: { refreshMs: 0 } });
		await keepsOrder(node, client, refusal);
	});

	test.each([refusals[0]!, refusals[3]!])("C25 a standalone server that says %s", async (refusal) => {
		await using node = await FakeNode.start();
		await using client = await createClient({ url: node.url, protocol, retry });
		await keepsOrder(node, client, refusal);
	});

	test("C25 a batch and single commands of one key: later ones stay behind what was refused", async () => {
		await using node = await FakeNode.start();
		let refused = 0;
		node.always(["SET", "bar"], () => (++refused <= 4 ? "-LOADING Redis is loading the dataset in memory\r\n" : "+OK\r\n"));
		node.always(["SET", "other"], "+OK\r\n").always(["GET"], "$1\r\nv\r\n");
		await using client = await createClient({ url: node.url, protocol, retry });
		const batch = client.setMany([
			["bar", "1"],
			["other", "x"],
			["bar", "2"],
		]);
		const read = client.get("bar");
		expect(await batch).toEqual(["OK", "OK", "OK"]);
		await read;
		const words = node.commands.filter(([, key]) => key === "bar").map(([name, , value = ""]) => `${name} ${value}`.trim());
		// The read was answered at once: it stands where it was called, and the two writes follow in their order.
		expect(words.slice(0, 3)).toEqual(["SET 1", "SET 2", "GET"]);
		expect(words.slice(3).filter((word, i, all) => word !== all[i - 1])).toEqual(["SET 1", "SET 2"]);
	});
});

test("C25 the first command's caller gives up: the next one asks, and nothing is lost", async () => {
	await using node = await FakeNode.start();
	let ready = false;
	node.always(["APPEND", "bar"], () => (ready ? ":1\r\n" : "-LOADING Redis is loading the dataset in memory\r\n"));
	await using client = await createClient({ url: node.url, retry });
	const abort = new AbortController();
	const first = client.with({ signal: abort.signal }).command("APPEND", "bar", 1);
	const others = [2, 3].map((number) => client.command("APPEND", "bar", number));
	await waitUntil("it is tried again", () => appended(node).length >= 5 || "not yet");
	abort.abort();
	await expect(first).rejects.toMatchObject({ code: "ABORTED" });
	const before = appended(node).length;
	await waitUntil("the second asks", () => appended(node).slice(before).includes(2) || "not yet");
	ready = true;
	expect(await Promise.all(others)).toEqual([1, 1]);
	expect(appended(node).slice(-2)).toEqual([2, 3]);
});
