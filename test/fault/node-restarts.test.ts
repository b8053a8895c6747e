/** A node of a cluster is away for less than the node timeout, and comes back as itself: nobody takes over. */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { isWhole, type RawReply, raw, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { freePort } from "../../src/cli/servers/free-port.js";
import { type Client, createClient } from "../../src/index.js";
import { Load, tagsOf } from "../support/load.js";

// The ports of a container are given out when it is made.
const here = inject("server").kind === "process";

let cluster: ServerCluster;
beforeAll(async () => {
	// What was acknowledged is on disk.
	const args = ["--appendonly", "yes", "--appendfsync", "always", "--cluster-require-full-coverage", "no"];
	cluster = await startCluster({ primaries: 3, nodeTimeoutMs: 15_000, args });
});
afterAll(() => cluster?.stop());

const connect = (protocol: 2 | 3): Promise<Client> =>
	createClient({ url: cluster.url, protocol, timeouts: { commandMs: 20_000 }, cluster: { refreshMs: 0 } });

/** What a load may show after a node was killed whose data were kept. */
function expectTruth(load: Load, clients: readonly Client[], restarted: number): void {
	for (const error of load.errors) expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	expect(load.readErrors).toEqual([]);
	for (const [shard, walkers] of load.shards.entries()) {
		if (shard !== restarted) expect(walkers.flatMap(({ errors }) => errors)).toEqual([]);
	}
	expect(load.foreign).toEqual([]);
	expect(load.lost).toEqual([]);
	for (const client of clients) expect(client.stats()).toMatchObject({ connections: 3, inFlight: 0 });
}

test("D35 a node that was restarted in its place is connected to again, RESP2 and RESP3", async () => {
	await using resp2 = await connect(2);
	await using resp3 = await connect(3);
	await using load = await Load.start(cluster, { resp2, resp3 });
	const node = cluster.primaries[0]!;
	await node.kill();
	await node.restart();
	await isWhole(cluster);
	await load.goesOn();
	await load.stop();
	await load.look();
	expectTruth(load, [resp2, resp3], 0);
	for (const client of [resp2, resp3]) expect(client.stats()).toMatchObject({ redirections: 0 });
});

test.runIf(here)(
	"D35 a node that comes back at another address is found there by its id, RESP2 and RESP3, under load and idle",
	async () => {
		await using resp2 = await connect(2);
		await using resp3 = await connect(3);
		await using idle = await connect(3);
		const tags = await tagsOf(cluster);
		await idle.setMany(tags.map((tag) => [`{${tag}}:idle`, tag]));
		await using load = await Load.start(cluster, { resp2, resp3 });
		const node = cluster.primaries[2]!;
		const others = cluster.primaries.filter((other) => other !== node);
		const port = await freePort({ withBus: true });
		await node.kill();
		await node.restart({ args: ["--port", String(port)] });
		expect(await raw({ host: node.host, port }, "CLUSTER", "MYID")).toBe(node.id);
		await waitUntil("its new address in the others' views", async () => {
			for (const other of others) {
				const slots = (await other.raw("CLUSTER", "SLOTS")) as [number, number, RawReply[]][];
				if (!slots.some(([, , [, at, id]]) => at === port && id === node.id)) return `${other.port} does not know it`;
			}
			return true;
		});
		await load.goesOn();
		await load.stop();
		await load.look();
		expect(await idle.mget(tags.map((tag) => `{${tag}}:idle`))).toEqual(tags);
		await waitUntil(
			"the end of attempts at the old address",
			() => idle.stats().connections === 3 || `${idle.stats().connections}`,
		);
		expectTruth(load, [resp2, resp3, idle], 2);
	},
);
