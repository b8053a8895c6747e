/** The connection to an ASK's target ends between ASKING and the reply. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { rejectionOf } from "../support/secrets.js";

const SLOT = 5061; // of "bar"

let source: FakeNode;
let target: FakeNode;
beforeEach(async () => {
	[source, target] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
	for (const node of [source, target]) node.always(["CLUSTER", "SLOTS"], () => slotsOf([source, 0, 16_383]));
});
afterEach(async () => {
	for (const node of [source, target]) await node[Symbol.asyncDispose]();
});

const retry = { baseMs: 5, maxMs: 5 };
const redirect = () => `-ASK ${SLOT} ${addressOf(target)}\r\n`;

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C22 D19 again and again: nothing stays counted, and close() has nothing to wait for", async () => {
		const client = await createClient({
			nodes: [addressOf(source)],
			protocol,
			retry,
			cluster: { refreshMs: 0 },
			timeouts: { closeMs: 15_000 },
		});
		try {
			for (let i = 0; i < 5; i++) {
				source.expect(["SET", "bar", `${i}`]).reply(redirect());
				target.expect(["ASKING"]).close();
				target.always(["SET"], () => undefined);
				expect(await rejectionOf(client.set("bar", `${i}`))).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
			}
			expect(client.stats().inFlight).toBe(0);
			const began = performance.now();
			await client.close();
			expect(performance.now() - began).toBeLessThan(5000);
		} finally {
			client.destroy();
		}
	});

	test("C22 D19 a read is asked again, and is counted once", async () => {
		source.expect(["GET", "bar"]).reply(redirect());
		target.expect(["ASKING"]).reply("+OK\r\n").close();
		target.always(["GET"], () => undefined);
		source.expect(["GET", "bar"]).reply(bulk("v"));
		await using client = await createClient({ nodes: [addressOf(source)], protocol, cluster: { refreshMs: 0 } });
		expect(await client.get("bar")).toBe("v");
		expect(client.stats().inFlight).toBe(0);
	});

	test("D17 ASKING was answered with an error before it: the value is the owner's, not that error", async () => {
		source.expect(["GET", "bar"]).reply(redirect());
		target.expect(["ASKING"]).reply("-ERR not now\r\n").close();
		target.always(["GET"], () => undefined);
		source.expect(["GET", "bar"]).reply(bulk("v"));
		await using client = await createClient({ nodes: [addressOf(source)], protocol, cluster: { refreshMs: 0 } });
		expect(await client.get("bar")).toBe("v");
	});
});
