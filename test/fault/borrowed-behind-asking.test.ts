/** A borrowed value that is taken away while its command waits behind its ASKING. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

let source: FakeNode;
let target: FakeNode;
beforeEach(async () => {
	[source, target] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	source.always(["SET", "bar"], `-ASK ${SLOT} ${addressOf(target)}\r\n`).always(["GET"], bulk("v"));
	target.always(["ASKING"], "+OK\r\n").always(["SET"], "+OK\r\n");
});
afterEach(async () => {
	for (const node of [source, target]) await node[Symbol.asyncDispose]();
});

const asked = (node: FakeNode) =>
	node.commands.filter(([name]) => !/^(CLUSTER|HELLO|CLIENT)$/.test(name!)).map(([name, key]) => `${name} ${key ?? ""}`);

test.each([
	2, 3,
] as const)("B10 D17 it waits for a connection: an error for it alone, no ASKING is left, RESP%i", async (protocol) => {
	source.always(["CLUSTER", "SLOTS"], () => slotsOf([source, 0, 16_383]));
	const gate = new Gate();
	target
		.expect((args) => args[0] === (protocol === 3 ? "HELLO" : "CLIENT"))
		.after(gate.opened)
		.reply(protocol === 3 ? "%2\r\n$5\r\nproto\r\n:3\r\n$4\r\nmode\r\n$7\r\ncluster\r\n" : "+OK\r\n");
	await using client = await createClient({ nodes: [addressOf(source)], protocol, cluster: { refreshMs: 0 } });
	const value = new Uint8Array(32 * 1024).fill(97);
	const taken = rejectionOf(client.set("bar", value));
	await waitUntil("it is sent on", () => client.stats().redirections === 1 || "not yet");
	await target.accepted(1);
	structuredClone(value.buffer, { transfer: [value.buffer] });
	const behind = client.set("bar", new Uint8Array(32 * 1024).fill(98));
	gate.open();
	expect(await taken).toMatchObject({ code: "INVALID_ARGUMENT" });
	expect(await behind).toBe("OK");
	expect(await client.get("foo")).toBe("v");
	expect(asked(target)).toEqual(["ASKING ", "SET bar"]);
	expect(target.connections).toHaveLength(1);
	expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
});

test("B10 D17 it waits for a peer that does not read: an error for it alone, the connection stays", async () => {
	for (const node of [source, target]) {
		node.always(["CLUSTER", "SLOTS"], () => slotsOf([source, 0, 8191], [target, 8192, 16_383]));
	}
	target.always(["GET"], bulk("v"));
	await using client = await createClient({ nodes: [addressOf(source)], cluster: { refreshMs: 0 } });
	// In the upper half.
	expect(await client.get("foo")).toBe("v");
	for (const { socket } of target.connections) socket.pause();
	const before = client.stats().bytesWritten;
	const first = client.set("foo", Buffer.alloc(15 * 1024 * 1024, "a"));
	await waitUntil("it is written", () => client.stats().bytesWritten - before > 15 * 1024 * 1024 || "not yet");
	const value = new Uint8Array(32 * 1024).fill(97);
	const taken = rejectionOf(client.set("bar", value));
	await waitUntil("it is sent on", () => client.stats().redirections === 1 || "not yet");
	structuredClone(value.buffer, { transfer: [value.buffer] });
	for (const { socket } of target.connections) socket.resume();
	expect(await taken).toMatchObject({ code: "INVALID_ARGUMENT" });
	expect(await first).toBe("OK");
	expect(await client.get("foo")).toBe("v");
	expect(asked(target)).toEqual(["GET foo", "SET foo", "GET foo"]);
	expect(client.stats()).toMatchObject({ inFlight: 0, reconnects: 0 });
});
