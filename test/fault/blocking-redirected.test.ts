/** Nodes that send a command that blocks to and fro, or nowhere: it was never executed, and that is said. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf, trailOf } from "../support/addresses.js";
import { slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeConnection, FakeNode } from "../support/fake-node.js";
import { Heard } from "../support/heard.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"
const popped = "*2\r\n$3\r\nbar\r\n$1\r\nv\r\n";

let a: FakeNode;
let b: FakeNode;
beforeEach(async () => {
	[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	for (const node of [a, b]) {
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 8191], [b, 8192, 16_383]));
		node.always(["ASKING"], "+OK\r\n");
	}
});
afterEach(async () => {
	for (const node of [a, b]) await node[Symbol.asyncDispose]();
});

function asked(node: FakeNode): string[] {
	return node.commands.filter(([name]) => /^(BLPOP|ASKING)$/.test(name!)).map(([name]) => name!);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const connect = (cluster: object = {}, more: object = {}) =>
		createClient({ nodes: [addressOf(a)], protocol, retry: { maxMs: 5 }, ...more, cluster: { refreshMs: 0, ...cluster } });

	test("D16 D47 each names the other: as many redirections as are allowed, and their trail", async () => {
		a.always(["BLPOP"], () => `-MOVED ${SLOT} ${addressOf(b)}\r\n`);
		b.always(["BLPOP"], () => `-MOVED ${SLOT} ${addressOf(a)}\r\n`);
		const heard = new Heard();
		await using client = await connect({ maxRedirections: 5 }, { hooks: heard.hooks });
		const error = await rejectionOf(client.blpop("bar", 0));
		expect(error).toMatchObject({ code: "CLUSTER", maybeExecuted: false, cause: { code: "MOVED" } });
		expect(error.message).toMatch(trailOf(6, a, b));
		expect(asked(a).length + asked(b).length).toBe(6);
		expect(client.stats()).toMatchObject({ redirections: 5, inFlight: 0 });
		const ways = [addressOf(a), addressOf(b), addressOf(a), addressOf(b), addressOf(a), addressOf(b)];
		const told = ways.slice(1).map((to, i) => ({ kind: "MOVED", slot: SLOT, from: ways[i], to }));
		expect(heard.redirections).toMatchObject(told);
		const call = { name: "BLPOP", slot: SLOT, error: "CLUSTER", maybeExecuted: false, retries: 0, redirections: 6 };
		expect(heard.commands).toMatchObject([call]);
	});

	test("D17 D47 each asks the other: the second time it begins again at the owner, and the deadline of the search ends it", async () => {
		a.always(["BLPOP"], () => `-ASK ${SLOT} ${addressOf(b)}\r\n`);
		b.always(["BLPOP"], () => `-ASK ${SLOT} ${addressOf(a)}\r\n`);
		await using client = await connect({ maxRedirections: 1_000_000 });
		const error = await rejectionOf(client.with({ timeoutMs: 200 }).blpop("bar", 0));
		expect(error).toMatchObject({ code: "TIMEOUT", maybeExecuted: false, cause: { code: "ASK" } });
		expect(error.message).toMatch(trailOf(2, a, b));
		expect(asked(a)).not.toContain("ASKING");
		const pairs = asked(b);
		expect(pairs).toEqual(pairs.map((_, i) => (i % 2 === 0 ? "ASKING" : "BLPOP")));
	});

	test("D17 the node that ASK names is gone: the owner is asked again, and that is no circle", async () => {
		let asks = 4;
		// Nobody listens there.
		a.always(["BLPOP"], () => (asks-- > 0 ? `-ASK ${SLOT} 127.0.0.1:1\r\n` : popped));
		await using client = await connect({ maxRedirections: 2 });
		expect(await client.blpop("bar", 0)).toEqual(["bar", "v"]);
		expect(asked(a)).toEqual(Array(5).fill("BLPOP"));
	});

	test.each([
		"TRYAGAIN wait",
		"CLUSTERDOWN The cluster is down",
		"LOADING data",
		"MASTERDOWN Link",
		`MOVED ${SLOT} :0`,
	])("C34 -%s: nothing was popped, and it is asked again", async (word) => {
		let refusals = 3;
		a.always(["BLPOP"], () => (refusals-- > 0 ? `-${word}\r\n` : popped));
		await using client = await connect();
		expect(await client.blpop("bar", 0)).toEqual(["bar", "v"]);
		expect(asked(a)).toHaveLength(4);
	});

	test("D47 D17 where ASK led, it cannot be answered yet: that is no circle, however often", async () => {
		let refusals = 10;
		a.always(["BLPOP"], () => `-ASK ${SLOT} ${addressOf(b)}\r\n`);
		b.always(["BLPOP"], () => (refusals-- > 0 ? "-TRYAGAIN wait\r\n" : popped));
		await using client = await connect({ maxRedirections: 3 });
		expect(await client.blpop(["bar", "{bar}2"], 0)).toEqual(["bar", "v"]);
		expect(asked(a)).toHaveLength(11);
	});

	describe("D15 MOVED to the node itself, which is reached by another address than it says", () => {
		const said = "10.0.0.1:7000";
		/** The socket that said so; nobody else does. */
		let stale: FakeConnection | null;
		const heard = new Heard();
		const behind = () => connect({ natMap: { [said]: addressOf(a) } }, { hooks: heard.hooks });
		beforeEach(() => {
			stale = null;
			heard.redirections.length = 0;
			for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], slotsOf([{ host: "10.0.0.1", port: 7000 }, 0, 16_383]));
			const answer = (reply: string) => (_: readonly string[], connection: FakeConnection) => {
				stale ??= connection;
				return connection === stale ? `-MOVED ${SLOT} ${said}\r\n` : reply;
			};
			a.always(["BLPOP"], answer(popped)).always(["GET"], answer("$1\r\nv\r\n"));
		});

		test("a command that blocks goes there on another connection", async () => {
			await using client = await behind();
			expect(await client.blpop("bar", 0)).toEqual(["bar", "v"]);
			expect(asked(a)).toHaveLength(2);
			expect(heard.redirections).toMatchObject([{ kind: "MOVED", from: addressOf(a), to: addressOf(a) }]);
			await waitUntil("the end of the first socket", () => stale?.closed || "still open");
		});

		test("so does the next caller who wants a connection of his own", async () => {
			await using client = await behind();
			const read = () => client.withConnection({ key: "bar" }, (own) => own.get("bar"));
			expect(await rejectionOf(read())).toMatchObject({ code: "MOVED" });
			expect(await read()).toBe("v");
		});
	});

	test("C34 a reply that BLPOP cannot have: PROTOCOL for this call alone", async () => {
		a.always(["BLPOP"], ":7\r\n");
		await using client = await connect();
		expect(await rejectionOf(client.blpop("bar", 1))).toMatchObject({ code: "PROTOCOL", maybeExecuted: true });
	});
});
