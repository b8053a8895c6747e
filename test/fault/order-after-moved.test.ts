/** Commands of a slot that moves while they are in flight reach the new owner in the order of the calls. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";

const KEY = "bar";
/** An even slot: with two connections, not that of `KEY`. */
const OTHER_SLOT_OF_A = "b";
const OTHER_SLOT_OF_B = "foo";

let a: FakeNode;
let b: FakeNode;
beforeEach(async () => {
	[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	const moved = `-MOVED 5061 ${addressOf(b)}\r\n`;
	for (const name of ["APPEND", "SET", "GET", "MGET"]) a.always([name], moved);
	b.always(["APPEND"], ":1\r\n").always(["SET"], "+OK\r\n").always(["GET"], "$1\r\nv\r\n");
	b.always(["MGET"], "*2\r\n$-1\r\n$-1\r\n");
	for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 8191], [b, 8192, 16_383]));
});
afterEach(async () => {
	for (const node of [a, b]) await node[Symbol.asyncDispose]();
});

/** What a node was asked about the key, in words. */
function asked(node: FakeNode): string[] {
	return node.commands.filter(([name, key]) => name !== "CLUSTER" && key === KEY).map((args) => args.join(" "));
}

/** Commands of users that have arrived at a node, answered or not. */
function arrived(node: FakeNode): number {
	return node.connections.flatMap(({ commands }) => commands).filter(([name]) => !/^(HELLO|CLIENT|CLUSTER)$/.test(name!)).length;
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([1, 3])("C25 MOVED in the middle of a pipeline while new commands are issued, pool.shared %i", async (shared) => {
		const first = new Gate();
		const second = new Gate();
		a.expect(["APPEND", KEY, "1"])
			.after(first.opened)
			.reply(`-MOVED 5061 ${addressOf(b)}\r\n`);
		a.expect(["SET", KEY, "2"])
			.after(second.opened)
			.reply(`-MOVED 5061 ${addressOf(b)}\r\n`);
		await using client = await createClient({ nodes: [addressOf(a)], protocol, pool: { shared }, cluster: { refreshMs: 0 } });
		const calls: Promise<unknown>[] = [client.command("APPEND", KEY, "1"), client.set(KEY, "2"), client.get(KEY)];
		await waitUntil("three in flight", () => arrived(a) === 3 || "not yet");
		calls.push(client.command("APPEND", KEY, "4"), client.mget([KEY, "{bar}2"]));
		await waitUntil("five in flight", () => arrived(a) === 5 || "not yet");
		first.open();
		await waitUntil("the first is refused", () => client.stats().redirections === 1 || "not yet");
		calls.push(client.set(KEY, "6"), client.command("APPEND", KEY, "7"));
		// These two went nowhere: b is up, and has had nothing of that slot.
		expect(await client.get(OTHER_SLOT_OF_B)).toBe("v");
		expect(asked(b)).toEqual([]);
		expect(arrived(a)).toBe(5);
		second.open();
		await Promise.all(calls);
		expect(asked(a)).toEqual(["APPEND bar 1", "SET bar 2", "GET bar", "APPEND bar 4", "MGET bar {bar}2"]);
		expect(asked(b)).toEqual([...asked(a), "SET bar 6", "APPEND bar 7"]);
	});

	test("C25 a second move while the first is being followed", async () => {
		await using c = await startFakeClusterNode();
		c.always(["CLUSTER", "SLOTS"], () => slotsOf([c, 0, 8191], [b, 8192, 16_383])).always(["APPEND"], ":1\r\n");
		b.always(["APPEND"], `-MOVED 5061 ${addressOf(c)}\r\n`);
		await using client = await createClient({ nodes: [addressOf(a)], protocol, cluster: { refreshMs: 0 } });
		const calls = Array.from({ length: 20 }, (_, i) => client.command("APPEND", KEY, `${i}`));
		await waitUntil("they come back", () => client.stats().redirections > 0 || "not yet");
		for (let i = 20; i < 40; i++) calls.push(client.command("APPEND", KEY, `${i}`));
		await Promise.all(calls);
		expect(asked(c)).toEqual(Array.from({ length: 40 }, (_, i) => `APPEND bar ${i}`));
	});

	test("C25 a new map while commands of the slot are in flight: the new ones wait for the answers of the old owner", async () => {
		const gate = new Gate();
		a.expect(["APPEND", KEY, "1"]).after(gate.opened).reply(":1\r\n");
		a.always(["GET"], "$1\r\nv\r\n");
		let moved = false;
		for (const node of [a, b]) {
			node.always(["CLUSTER", "SLOTS"], () => (moved ? slotsOf([b, 0, 16_383]) : slotsOf([a, 0, 8191], [b, 8192, 16_383])));
		}
		await using client = await createClient({
			nodes: [addressOf(b)],
			protocol,
			// Two connections per node: what asks for the map does not wait behind the slot's commands.
			pool: { shared: 2 },
			cluster: { refreshMs: 50, minRefreshMs: 10 },
		});
		const first = client.command("APPEND", KEY, "1");
		await waitUntil("it is in flight", () => arrived(a) === 1 || "not yet");
		moved = true;
		// Another key of what was a's: once it is answered by b, the client has the new map.
		await waitUntil("the new map", async () => {
			await client.get(OTHER_SLOT_OF_A);
			return b.commands.some(([, key]) => key === OTHER_SLOT_OF_A) || "still the old one";
		});
		const second = client.command("APPEND", KEY, "2");
		await client.get(OTHER_SLOT_OF_B);
		expect(asked(b)).toEqual([]);
		gate.open();
		expect(await Promise.all([first, second])).toEqual([1, 1]);
		expect(asked(a)).toEqual(["APPEND bar 1"]);
		expect(asked(b)).toEqual(["APPEND bar 2"]);
	});
});
