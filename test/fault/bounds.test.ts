/** What ends a command that never gets through: the most hops, or the deadline; and what its error has to say. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { addressOf, trailOf } from "../support/addresses.js";
import { bulk, gets, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

let a: FakeNode;
let b: FakeNode;
beforeEach(async () => {
	[a, b] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	for (const node of [a, b]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([a, 0, 8191], [b, 8192, 16_383]));
	b.always(["GET"], bulk("from b"));
});
afterEach(async () => {
	for (const node of [a, b]) await node[Symbol.asyncDispose]();
});

function connect(more: { maxRedirections?: number; minRefreshMs?: number; protocol?: 2 | 3 } = {}): Promise<Client> {
	const { maxRedirections = 16, minRefreshMs = 20, protocol = 3 } = more;
	return createClient({ nodes: [addressOf(a)], protocol, cluster: { refreshMs: 0, minRefreshMs, maxRedirections } });
}

function pingPong(): void {
	a.always(["GET", "bar"], `-MOVED ${SLOT} ${addressOf(b)}\r\n`);
	b.always(["GET", "bar"], `-MOVED ${SLOT} ${addressOf(a)}\r\n`);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([0, 1, 3])("D43 maxRedirections %i: so many hops and no more", async (maxRedirections) => {
		pingPong();
		await using client = await connect({ maxRedirections, protocol });
		const error = await rejectionOf(client.get("bar"));
		expect(error).toMatchObject({ code: "CLUSTER", cause: expect.objectContaining({ code: "MOVED" }) });
		expect(error.message).toMatch(trailOf(maxRedirections + 1, a, b));
		expect(gets(a).length + gets(b).length).toBe(maxRedirections + 1);
		expect(client.stats().redirections).toBe(maxRedirections);
		expect(await client.get("foo")).toBe("from b");
	});

	test.each([
		"TRYAGAIN Multiple keys request during rehashing of slot",
		"LOADING Redis is loading the dataset in memory",
		"CLUSTERDOWN The cluster is down",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
	])("D43 the deadline's error has the last server error and its node: %s", async (message) => {
		a.always(["GET", "bar"], `-${message}\r\n`);
		// Neither primary serves it, so that asking the other one is no way out.
		b.always(["GET", "bar"], `-MOVED ${SLOT} ${addressOf(a)}\r\n`);
		await using client = await connect({ protocol });
		const error = await rejectionOf(client.with({ timeoutMs: 400 }).get("bar"));
		expect(error).toMatchObject({ code: "TIMEOUT", cause: expect.objectContaining({ code: message.split(" ")[0], message }) });
		expect(error.message).toContain(addressOf(a));
		expect(gets(a).length).toBeGreaterThan(1);
		expect(gets(a).length).toBeLessThanOrEqual(16);
	});
});

test("D43 redirected, then refused: the last error, who gave it, and the trail to it", async () => {
	a.always(["GET", "bar"], `-MOVED ${SLOT} ${addressOf(b)}\r\n`);
	b.always(["GET", "bar"], "-LOADING Redis is loading the dataset in memory\r\n");
	// No refresh leads back to the node that sent it on.
	await using client = await connect({ minRefreshMs: 60_000 });
	const error = await rejectionOf(client.with({ timeoutMs: 400 }).get("bar"));
	expect(error).toMatchObject({ code: "TIMEOUT", cause: expect.objectContaining({ code: "LOADING" }) });
	for (const node of [a, b]) expect(error.message).toContain(addressOf(node));
});

test("D43 maxAttempts 0: redirections are followed all the same, a refusal is the answer", async () => {
	a.always(["GET", "bar"], `-MOVED ${SLOT} ${addressOf(b)}\r\n`);
	b.always(["GET", "bar"], bulk("from b"));
	b.always(["INCR"], "-LOADING Redis is loading the dataset in memory\r\n");
	await using client = await createClient({ nodes: [addressOf(a)], retry: { maxAttempts: 0 } });
	expect(await client.get("bar")).toBe("from b");
	expect(await rejectionOf(client.incr("bar"))).toMatchObject({ code: "LOADING", maybeExecuted: false });
});

test("D43 a command that was only refused is certain not to have been executed", async () => {
	a.always(["INCR"], "-LOADING Redis is loading the dataset in memory\r\n");
	// The pause is still under way at the deadline: nothing is in flight then, which would be another thing.
	await using client = await createClient({ nodes: [addressOf(a)], retry: { baseMs: 2 ** 30, maxMs: 2 ** 30 } });
	const error = await rejectionOf(client.with({ timeoutMs: 400 }).incr("bar"));
	expect(error).toMatchObject({ code: "TIMEOUT", cause: expect.objectContaining({ code: "LOADING" }) });
	expect((error as { maybeExecuted?: boolean }).maybeExecuted).not.toBe(true);
});

test("D43 a batch and a pipeline say the same of each item that did not get through, and have the rest", async () => {
	pingPong();
	a.always(["MGET", "bar"], `-MOVED ${SLOT} ${addressOf(b)}\r\n`);
	b.always(["MGET", "bar"], `-MOVED ${SLOT} ${addressOf(a)}\r\n`);
	b.always(["MGET", "foo"], `*1\r\n${bulk("from b")}`);
	await using client = await connect({ maxRedirections: 1000 });
	const impatient = client.with({ timeoutMs: 400 });
	for (const results of [
		await impatient.mget(["foo", "bar"], { partial: true }),
		await impatient.pipeline().get("foo").get("bar").exec(),
	]) {
		const [foo, bar] = results as [string, Error & { code: string; cause?: { code?: string } }];
		expect(foo).toBe("from b");
		expect(bar.code).toBe("TIMEOUT");
		expect(bar.cause?.code).toBe("MOVED");
		expect(bar.message).toMatch(trailOf(2, a, b));
	}
});
