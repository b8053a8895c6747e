/** A batch that is aborted, or late, at any moment: answered items keep their results, and nothing that comes later reaches anybody. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type BatchError, type Client, ClientError, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
const chunks = { chunkSize: 2, maxInflight: 2 };

let node: FakeNode;
beforeEach(async () => {
	node = await FakeNode.start();
	node.always(["MGET"], ([, ...asked]) => `*${asked.length}\r\n${asked.map((key) => `$${key.length}\r\n${key}\r\n`).join("")}`);
	node.always(["SET"], "+OK\r\n");
	node.always(["GET"], ([, key]) => `$${key!.length}\r\n${key}\r\n`);
});
afterEach(() => node[Symbol.asyncDispose]());

/** From this key's command on nothing is answered until its gate opens. */
function hold(command: "MGET" | "SET", key: string): Gate {
	const gate = new Gate();
	if (command === "SET") node.expect(["SET", key, "v"]).after(gate.opened).reply("+OK\r\n");
	else {
		const at = keys.indexOf(key);
		const bodies = keys.slice(at, at + 2).map((asked) => `$${asked.length}\r\n${asked}\r\n`);
		node
			.expect(["MGET", ...keys.slice(at, at + 2)])
			.after(gate.opened)
			.reply(`*2\r\n${bodies.join("")}`);
	}
	return gate;
}

/** What stands for each item: its value, or its error's code and truth. */
function shown(results: readonly unknown[]): unknown[] {
	return results.map((result) =>
		result instanceof ClientError ? [result.code, "maybeExecuted" in result ? result.maybeExecuted : "absent"] : result,
	);
}

const received = () =>
	node.connections.flatMap(({ commands }) => commands).filter(([name]) => name === "MGET" || name === "SET").length;

type How = "abort" | "deadline";
/** How a batch is given up at a moment of the test's choosing, or of its deadline's. */
function givingUp(how: How) {
	const abort = new AbortController();
	const options = how === "abort" ? { signal: abort.signal } : { timeoutMs: 150 };
	return { options, now: () => (how === "abort" ? abort.abort() : undefined), code: how === "abort" ? "ABORTED" : "TIMEOUT" };
}

describe.each([
	["abort", 2],
	["abort", 3],
	["deadline", 3],
] as const)("%s, RESP%i", (how, protocol) => {
	test.each(["rejects", "partial"])("E17 mget: after two chunks were answered and two are in flight, %s", async (form) => {
		const gate = hold("MGET", "k4");
		await using client = await createClient({ url: node.url, protocol });
		const { options, now, code } = givingUp(how);
		const batch = settle(client, form, options);
		await waitUntil("four chunks are there", () => received() === 4 || `${received()}`);
		now();
		const sent = [code, true];
		const never = [code, "absent"];
		expect(shown(await batch)).toEqual(["k0", "k1", "k2", "k3", sent, sent, sent, sent, never, never, never, never]);
		// Late replies reach nobody, the connection lives, and the rest is never sent.
		const later = client.get("later");
		gate.open();
		expect(await later).toBe("later");
		expect(await client.mget(["x", "y"])).toEqual(["x", "y"]);
		expect(received()).toBe(5);
		expect(node.connections).toHaveLength(1);
		expect(client.stats().inFlight).toBe(0);
	});

	test("E17 setMany: within a chunk, each entry by itself", async () => {
		const gate = hold("SET", "k5");
		await using client = await createClient({ url: node.url, protocol });
		const { options, now, code } = givingUp(how);
		const before = client.stats().bytesRead;
		const entries = keys.map((key) => [key, "v"] as const);
		const batch = client.setMany(entries, { ...options, chunkSize: 4, maxInflight: 1, partial: true });
		await waitUntil("the second chunk is there", () => received() === 8 || `${received()}`);
		await waitUntil("five answers were read", () => client.stats().bytesRead === before + 5 * "+OK\r\n".length || "not yet");
		now();
		const sent = [code, true];
		expect(shown(await batch)).toEqual([...Array(5).fill("OK"), ...Array(3).fill(sent), ...Array(4).fill([code, "absent"])]);
		gate.open();
		expect(await client.get("later")).toBe("later");
		expect(received()).toBe(8);
	});
});

async function settle(client: Client, form: string, options: object): Promise<readonly unknown[]> {
	if (form === "partial") return await client.mget(keys, { ...chunks, ...options, partial: true });
	const error = (await rejectionOf(client.mget(keys, { ...chunks, ...options }))) as BatchError;
	expect(error.code).toBe("BATCH");
	return error.results;
}

test("E17 aborted before the call: nothing is sent", async () => {
	await using client = await createClient(node.url);
	const error = (await rejectionOf(client.mget(keys, { signal: AbortSignal.abort() }))) as BatchError;
	expect(error.code).toBe("BATCH");
	expect(shown(error.results)).toEqual(Array(12).fill(["ABORTED", "absent"]));
	const entries = keys.map((key) => [key, "v"] as const);
	const written = await client.setMany(entries, { signal: AbortSignal.abort(), partial: true });
	expect(shown(written)).toEqual(Array(12).fill(["ABORTED", "absent"]));
	expect(await client.get("later")).toBe("later");
	expect(received()).toBe(0);
});

test("E17 aborted within the tick of the call: nothing is sent", async () => {
	await using client = await createClient(node.url);
	const abort = new AbortController();
	const batch = client.setMany(
		keys.map((key) => [key, "v"] as const),
		{ signal: abort.signal, partial: true },
	);
	abort.abort();
	expect(shown(await batch)).toEqual(Array(12).fill(["ABORTED", "absent"]));
	expect(await client.get("later")).toBe("later");
	expect(received()).toBe(0);
});

test("E17 aborted at any moment of its life: every item has its own value or an error, and the neighbour its own reply", async () => {
	await using client = await createClient(node.url);
	const many = Array.from({ length: 400 }, (_, i) => `many${i}`);
	for (let turns = 0; turns < 40; turns++) {
		const abort = new AbortController();
		const batch = client.mget(many, { signal: abort.signal, chunkSize: 10, maxInflight: 1, partial: true });
		const neighbour = client.get(`neighbour${turns}`);
		for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
		abort.abort();
		const results = await batch;
		for (const [i, result] of results.entries()) {
			if (result instanceof ClientError) expect(result.code).toBe("ABORTED");
			else expect(result).toBe(many[i]);
		}
		expect(await neighbour).toBe(`neighbour${turns}`);
	}
	expect(node.connections).toHaveLength(1);
});
