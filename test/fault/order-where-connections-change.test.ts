/** Order of a slot's commands where one connection takes over from another, and where the rest of a batch waits its turn. */
import { describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { type FakeConnection, FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";

const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";
const retry = { baseMs: 5, maxMs: 5 };

const sets = (node: FakeNode) => node.commands.filter(([name]) => name === "SET").map(([, key, value]) => `${key} ${value}`);

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([2, 3])("C25 chunks of one key, the second one refused: nothing is run late, maxInflight %i", async (maxInflight) => {
		await using node = await FakeNode.start();
		let held = "";
		let refused = false;
		let value = "";
		node.always(["SET"], ([, , given]) => {
			if (given === "1" && !refused) {
				refused = true;
				return `${held}${LOADING}`;
			}
			value = given!;
			// Two answers in one piece, where both were asked.
			if (given === "0") {
				held = "+OK\r\n";
				return undefined;
			}
			return "+OK\r\n";
		});
		await using client = await createClient({ url: node.url, protocol, retry });
		const entries = ["0", "1", "2"].map((each) => ["k", each] as const);
		const results = await client.setMany(entries, { chunkSize: 1, maxInflight, partial: true });
		expect(sets(node).join()).not.toBe("k 0,k 1,k 2,k 1");
		expect(sets(node).slice(0, 2)).toEqual(["k 0", "k 1"]);
		expect(value).toBe("2");
		expect([results[0], results[2]]).toEqual(["OK", "OK"]);
		// Either it was run in its place, or it has its error.
		const inPlace = sets(node).join() === "k 0,k 1,k 1,k 2";
		expect(results[1]).toEqual(inPlace ? "OK" : expect.objectContaining({ code: "LOADING", maybeExecuted: false }));
	});

	test("C25 a new map while some were never written: they are, at the new owner, whatever became of those before", async () => {
		await using a = await startFakeClusterNode();
		await using b = await startFakeClusterNode();
		await using witness = await startFakeClusterNode();
		let moved = false;
		for (const node of [a, b, witness]) {
			node.always(["CLUSTER", "SLOTS"], () =>
				moved ? slotsOf([a, 0, 10], [b, 11, 8191], [witness, 8192, 16_383]) : slotsOf([a, 0, 8191], [witness, 8192, 16_383]),
			);
			node.always(["GET"], bulk(node === b ? "from b" : "v"));
		}
		const gate = new Gate();
		a.expect((args) => args[0] === "SET")
			.after(gate.opened)
			.reply("+OK\r\n");
		b.always(["SET"], "+OK\r\n");
		// Two connections per node: what asks for the map does not wait behind the slot's commands. So small a bound lets one entry out at a time.
		await using client = await createClient({
			nodes: [addressOf(witness)],
			protocol,
			pool: { shared: 2, maxQueuedBytes: 1000 },
			cluster: { refreshMs: 50, minRefreshMs: 10 },
			timeouts: { commandMs: 20_000 },
		});
		const first = "0".repeat(2000);
		const entries = [first, "1", "2"].map((each) => ["bar", each] as const);
		const results = client.setMany(entries, { chunkSize: 1, maxInflight: 3, partial: true });
		await waitUntil(
			"the first is in flight",
			() => a.connections.some(({ commands }) => commands.some(([name]) => name === "SET")) || "not yet",
		);
		moved = true;
		await waitUntil("the new owner is known", () => b.connections.length > 0 || "not yet");
		gate.open();
		expect(await results).toEqual(["OK", "OK", "OK"]);
		expect(sets(a)).toEqual([`bar ${first}`]);
		expect(sets(b)).toEqual(["bar 1", "bar 2"]);
	});

	test("C25 READONLY renews the connection: what the old one owes of other keys is not overtaken", async () => {
		await using node = await FakeNode.start();
		const gate = new Gate();
		node.expect(["SET", "a", "1"]).reply("-READONLY You can't write against a read only replica.\r\n");
		node.expect(["SET", "b", "1"]).after(gate.opened).reply("-READONLY You can't write against a read only replica.\r\n");
		let b: string | undefined;
		node.always(["SET"], ([, key, value]) => {
			if (key === "b") b = value;
			return "+OK\r\n";
		});
		await using client = await createClient({ url: node.url, protocol, retry });
		const [firstA, firstB] = [client.set("a", "1"), client.set("b", "1")];
		expect(await firstA).toBe("OK");
		const second = client.set("b", "2");
		// The new connection is in use, and what is behind on the old one is not passed by on it.
		expect(await client.set("a", "2")).toBe("OK");
		expect(b).toBeUndefined();
		gate.open();
		expect(await Promise.all([firstB, second])).toEqual(["OK", "OK"]);
		expect(b).toBe("2");
		expect(node.connections).toHaveLength(2);
	});

	test("C25 C32 READONLY renews the other connections as well: what they owe is not overtaken either", async () => {
		await using node = await FakeNode.start();
		const stored = new Map<string, string>();
		let refused = false;
		let held: FakeConnection | undefined;
		node.always(["SET"], ([, key, value], connection) => {
			if (key === "a" && !refused) {
				refused = true;
				return "-READONLY You can't write against a read only replica.\r\n";
			}
			if (value === "held") {
				held = connection;
				return undefined;
			}
			stored.set(key!, value!);
			return "+OK\r\n";
		});
		// The slots of b and foo are even, that of a is odd.
		await using client = await createClient({ url: node.url, protocol, retry, pool: { shared: 2 } });
		const first = client.set("b", "held");
		await waitUntil("it is in flight", () => held !== undefined || "not yet");
		expect(await client.set("a", "1")).toBe("OK");
		const second = client.set("b", "2");
		expect(await client.set("foo", "1")).toBe("OK");
		expect(node.connections).toHaveLength(4);
		expect(stored.get("b")).toBeUndefined();
		await held!.write("+OK\r\n");
		expect(await Promise.all([first, second])).toEqual(["OK", "OK"]);
		expect(stored.get("b")).toBe("2");
	});

	test("C25 C32 a refused write that is executed meanwhile on a connection to be replaced overtakes none of those behind it", async () => {
		await using node = await FakeNode.start();
		const READONLY = "-READONLY You can't write against a read only replica.\r\n";
		const seen = new Set<string>();
		let held: FakeConnection | undefined;
		node.always(["SET"], ([, key], connection) => {
			if (!seen.has(key!)) {
				seen.add(key!);
				return READONLY;
			}
			if (key !== "{b}1") return "+OK\r\n";
			held = connection;
			return undefined;
		});
		// The slot of b is even, that of a is odd.
		await using client = await createClient({ url: node.url, protocol, retry, pool: { shared: 2 } });
		const writes = ["{b}1", "{b}2"].map((key) => client.set(key, "v"));
		await waitUntil("the first is in flight again", () => held !== undefined || "not yet");
		expect(await client.set("a", "v")).toBe("OK");
		await held!.write("+OK\r\n");
		expect(await Promise.all(writes)).toEqual(["OK", "OK"]);
		expect(sets(node).filter((set) => set.startsWith("{b}"))).toEqual(["{b}1 v", "{b}2 v", "{b}1 v", "{b}2 v"]);
	});
});
