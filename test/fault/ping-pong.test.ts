/** Two nodes that each say the slot is the other's: two hops at once, then pauses that grow, up to the deadline or the most hops. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { addressOf, trailOf } from "../support/addresses.js";
import { bulk, gets, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"
/** A pause of this base is over before a test's deadline once in a million runs. */
const ENDLESS = 2_000_000_000;

let a: FakeNode;
let b: FakeNode;
let answered: number;
/** Redirections before a node serves the slot. */
let hops: number;
beforeEach(async () => {
	[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	answered = 0;
	hops = Number.POSITIVE_INFINITY;
	for (const [node, other] of [
		[a, b],
		[b, a],
	] as const) {
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 8191], [b, 8192, 16_383]));
		node.always(["GET"], () => (answered++ < hops ? `-MOVED ${SLOT} ${addressOf(other)}\r\n` : bulk("v")));
		node.always(["GET", "foo"], bulk("foo"));
	}
});
afterEach(async () => {
	for (const node of [a, b]) await node[Symbol.asyncDispose]();
});

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	const connect = (more: object = {}) =>
		createClient({
			nodes: [addressOf(a)],
			protocol,
			...more,
			cluster: { refreshMs: 0, ...(more as { cluster?: object }).cluster },
		});

	test("D16 four hops, then the slot is served", async () => {
		hops = 4;
		await using client = await connect();
		expect(await client.get("bar")).toBe("v");
		expect(client.stats().redirections).toBe(4);
		expect(gets(a).length + gets(b).length).toBe(5);
	});

	test("D16 the first two hops are made at once", async () => {
		hops = 2;
		await using client = await connect({ retry: { baseMs: ENDLESS, maxMs: ENDLESS } });
		expect(await client.with({ timeoutMs: 3000 }).get("bar")).toBe("v");
	});

	test("D16 before the third there is a pause", async () => {
		hops = 3;
		await using client = await connect({ retry: { baseMs: ENDLESS, maxMs: ENDLESS } });
		const error = await rejectionOf(client.with({ timeoutMs: 500 }).get("bar"));
		expect(error).toMatchObject({ code: "TIMEOUT", cause: expect.objectContaining({ code: "MOVED" }) });
		expect(error.message).toMatch(trailOf(2, a, b));
		expect(answered).toBeLessThanOrEqual(3);
		expect(await client.get("foo")).toBe("foo");
	});

	test("D16 D43 for ever: few redirections until the deadline, and the error has their trail", async () => {
		// Only the pauses bound the redirections.
		await using client = await connect({ cluster: { maxRedirections: 1000 }, retry: { maxAttempts: 1000 } });
		const started = performance.now();
		const error = await rejectionOf(client.with({ timeoutMs: 1500 }).get("bar"));
		const took = performance.now() - started;
		expect(took).toBeGreaterThanOrEqual(1490);
		// The default deadline is 5000.
		expect(took).toBeLessThan(4000);
		expect(error).toMatchObject({
			code: "TIMEOUT",
			cause: expect.objectContaining({ code: "MOVED", message: expect.stringMatching(/^MOVED 5061 127\.0\.0\.1:\d+$/) }),
		});
		expect(error.message).toMatch(trailOf(3, a, b));
		expect(client.stats().redirections).toBeGreaterThanOrEqual(3);
		expect(client.stats().redirections).toBeLessThanOrEqual(16);
		expect([a.connections.length, b.connections.length]).toEqual([1, 1]);
	});

	test("D16 D43 for ever: CLUSTER once sixteen hops are used up, with their trail", async () => {
		await using client = await connect({ retry: { baseMs: 1, maxMs: 2 } });
		const error = await rejectionOf(client.get("bar"));
		expect(error).toMatchObject({ code: "CLUSTER", cause: expect.objectContaining({ code: "MOVED" }) });
		expect(error.message).toMatch(trailOf(16, a, b));
		expect(client.stats().redirections).toBe(16);
		expect(answered).toBe(17);
	});

	test("D16 a hundred callers: each has its own trail, the rest works, and no node is flooded", async () => {
		await using client = await connect({ cluster: { maxRedirections: 1000 }, retry: { maxAttempts: 1000 } });
		const reads = Array.from({ length: 100 }, (_, i) => rejectionOf(client.with({ timeoutMs: 1000 }).get(`{bar}${i}`)));
		expect(await client.get("foo")).toBe("foo");
		const errors = await Promise.all(reads);
		for (const error of errors) {
			expect(error.code).toBe("TIMEOUT");
			expect(error.message).toMatch(trailOf(2, a, b));
		}
		expect(answered).toBeLessThanOrEqual(100 * 16);
	});
});
