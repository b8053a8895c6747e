/** A slow network is behind with everything: callers in a hurry are gone, but replies go on to end, and a patient one's is among them. */
import { expect, test } from "vitest";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";

test.each([
	2, 3,
] as const)("C18 a connection that is late with every reply is kept as long as replies end, RESP%i", async (protocol) => {
	await using node = await FakeNode.start();
	let owed = 0;
	node.always(["GET"], () => {
		owed += 1;
		return "";
	});
	node.always(["SET"], () => {
		owed += 1;
		return "";
	});
	await using client = await createClient({ url: node.url, protocol, timeouts: { commandMs: 300, suspectMs: 200 } });
	const hasty = Promise.allSettled(Array.from({ length: 40 }, (_, i) => client.get(`k${i}`)));
	const patient = client.with({ timeoutMs: 60_000 }).set("k", "v");
	// All are overdue for commandMs long before the last of these.
	const slow = setInterval(() => {
		if (owed === 0) return;
		owed -= 1;
		void node.connections[0]!.write("+OK\r\n");
	}, 30);
	try {
		expect(await patient).toBe("OK");
	} finally {
		clearInterval(slow);
	}
	expect(await hasty).toContainEqual(expect.objectContaining({ reason: expect.objectContaining({ code: "TIMEOUT" }) }));
	expect(node.connections).toHaveLength(1);
});
