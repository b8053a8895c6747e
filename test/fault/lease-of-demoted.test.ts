/** A node that becomes a replica is still there: whoever has a connection to it keeps it, and then the node is left. */
import { expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { bulk, refreshes, startFakeClusterNode } from "../support/fake-cluster.js";
import { slotsReply } from "../support/slots-reply.js";

test("D27 C38 a leased connection outlives the demotion of its node by more than closeMs, and the node is left behind it", async () => {
	await using one = await startFakeClusterNode();
	await using two = await startFakeClusterNode();
	let demoted = false;
	const [first, second] = [one, two].map(({ host, port }) => ({ host, port, id: `id-${port}` }));
	for (const node of [one, two]) {
		node.always(["CLUSTER", "SLOTS"], () =>
			slotsReply([{ first: 0, last: 16_383, nodes: demoted ? [second!, first!] : [first!, second!] }]),
		);
		node.always(["INFO"], bulk("here"));
	}
	await using client = await createClient({
		nodes: [addressOf(one)],
		cluster: { refreshMs: 20, minRefreshMs: 10 },
		timeouts: { closeMs: 100 },
	});
	await client.withConnection({ node: addressOf(one) }, async (own) => {
		expect(await own.command("INFO")).toBe("here");
		demoted = true;
		await two.accepted(1);
		const asked = () => refreshes(one) + refreshes(two);
		const [before, began] = [asked(), performance.now()];
		const late = () => asked() > before + 3 && performance.now() - began > 300;
		await waitUntil("closeMs three times, and other refreshes", () => late() || `${asked() - before}`);
		expect(await own.command("INFO")).toBe("here");
	});
	await waitUntil("the end of its connections", () => one.connections.every(({ closed }) => closed) || "open");
	expect(client.stats().connections).toBe(1);
});
