/** Recipe N6c: SETSLOT NODE at the source first. Each of two real primaries says that the slot is the other's. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ClusterNode, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf, trailOf } from "../support/addresses.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

let cluster: ServerCluster;
let source: ClusterNode;
let target: ClusterNode;
beforeEach(async () => {
	cluster = await startCluster();
	source = await nodeOfSlot(cluster, SLOT);
	target = cluster.primaries.find((node) => node !== source)!;
	await source.raw("CLUSTER", "SETSLOT", SLOT, "NODE", target.id);
	await waitUntil("two nodes that disown the slot", async () => {
		const refusals = [await refusal(source), await refusal(target)];
		const wanted = [`MOVED ${SLOT} ${addressOf(target)}`, `MOVED ${SLOT} ${addressOf(source)}`];
		return refusals.join() === wanted.join() || refusals.join(", ");
	});
});
afterEach(() => cluster?.stop());

function refusal(node: ClusterNode): Promise<string> {
	return node.raw("GET", "bar").then(String, (error: Error) => error.message);
}

test("D16 N6c few redirections by the deadline, others work, and those who wait get through once it is mended", async () => {
	await using client = await createClient(cluster.url);
	const waiting = client.with({ timeoutMs: 20_000 }).set("bar", "v");
	// Awaited at the end; a test that fails before is about something else.
	waiting.catch(() => {});
	const started = performance.now();
	const error = await rejectionOf(client.with({ timeoutMs: 1000 }).get("bar"));
	// The default deadline is 5000.
	expect(performance.now() - started).toBeLessThan(4000);
	expect(error).toMatchObject({ code: "TIMEOUT", cause: expect.objectContaining({ code: "MOVED" }) });
	expect(error.message).toMatch(trailOf(2, source, target));
	expect(client.stats().redirections).toBeLessThanOrEqual(2 * 16);
	expect(client.stats()).toMatchObject({ connections: 3, reconnects: 0 });
	expect(await client.set("foo", "v")).toBe("OK");
	await target.raw("CLUSTER", "SETSLOT", SLOT, "NODE", target.id);
	expect(await waiting).toBe("OK");
	expect(await target.raw("GET", "bar")).toBe("v");
	expect(await client.get("bar")).toBe("v");
});
