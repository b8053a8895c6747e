/** A primary is replaced while it is scanned: its replica has other cursors, and gets a scan of its own. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	type ClusterNode,
	failOver,
	isPromoted,
	isWhole,
	nodeOfSlot,
	type ServerCluster,
	startCluster,
} from "../../fixtures/servers.js";
import { parseRaw } from "../../src/cli/servers/raw-connection.js";
import { createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { ClusterFront } from "../support/cluster-front.js";
import { collect } from "../support/collect.js";

const ARRAY = "*".charCodeAt(0);
const keys = Array.from({ length: 2000 }, (_, i) => `failover:${i}`);

let cluster: ServerCluster;
let front: ClusterFront;
let foreign: string[];
beforeAll(async () => {
	cluster = await startCluster({ primaries: 3, replicas: 3, nodeTimeoutMs: 1500 });
	front = await ClusterFront.start(cluster);
	foreign = strangers(front);
	await isWhole(cluster);
	await using client = await createClient(front.url);
	await client.setMany(keys.map((key) => [key, "v"] as const));
});
afterAll(async () => {
	await front?.close();
	await cluster?.stop();
});

/** Cursors that a node was sent, and did not give itself. */
function strangers(front: ClusterFront): string[] {
	const foreign: string[] = [];
	for (const proxy of front.proxies) {
		const given = new Set(["0"]);
		proxy.onConnection(({ toServer, toClient }) => {
			let said: Buffer = Buffer.alloc(0);
			toServer.tap((bytes) => {
				said = Buffer.concat([said, bytes]);
				// Replicas come by here as well, and speak another language once they are in step.
				while (said[0] === ARRAY) {
					const parsed = parseRaw(said);
					if (parsed === undefined) return;
					const [name, cursor] = parsed.reply as string[];
					if (name === "SCAN" && !given.has(cursor!)) foreign.push(cursor!);
					said = said.subarray(parsed.end);
				}
				said = Buffer.alloc(0);
			});
			let heard = "";
			toClient.tap((bytes) => {
				heard = heard.slice(-64) + bytes.toString("latin1");
				for (const [, cursor] of heard.matchAll(/\*2\r\n\$\d+\r\n(\d+)\r\n\*/g)) given.add(cursor!);
			});
		});
	}
	return foreign;
}

function replicaOf(node: ClusterNode): ClusterNode {
	const pair = node.replicaOf ?? cluster.replicas.find((replica) => replica.replicaOf === node);
	return pair!;
}

test("D50 D29 a failover in each shard while it is scanned, RESP2 and RESP3: no key is missed, no cursor reaches another node", async () => {
	for (const protocol of [2, 3] as const) {
		await using client = await createClient({ url: front.url, protocol, cluster: { refreshMs: 100, minRefreshMs: 50 } });
		await isWhole(cluster);
		// Redis 7.0: not the same node twice within four node timeouts. The replicas of the first round are the primaries of the second.
		const done = new Set<ClusterNode>();
		const found = new Set<string>();
		let pages = 0;
		for await (const page of client.scan({ count: 20 }).pages()) {
			for (const key of page) found.add(key);
			const from = await nodeOfSlot(cluster, keySlot(page[0]!));
			if (++pages % 3 === 0 && !done.has(from)) {
				done.add(from).add(replicaOf(from));
				await failOver(cluster, replicaOf(from));
			}
		}
		expect(done.size).toBe(6);
		expect(keys.filter((key) => !found.has(key))).toEqual([]);
	}
	expect(foreign).toEqual([]);
}, 60_000);

test("D50 D28 a primary crashes while it is scanned: the scan goes on at its replica, within the deadline of a call", async () => {
	await using client = await createClient({ url: front.url, timeouts: { commandMs: 20_000 }, cluster: { minRefreshMs: 50 } });
	const found = new Set<string>();
	await isWhole(cluster);
	let killed: ClusterNode | undefined;
	for await (const page of client.scan({ count: 20 }).pages()) {
		for (const key of page) found.add(key);
		if (killed !== undefined) continue;
		killed = await nodeOfSlot(cluster, keySlot(page[0]!));
		await killed.kill();
	}
	await isPromoted(cluster, replicaOf(killed!));
	expect(keys.filter((key) => !found.has(key))).toEqual([]);
	expect(foreign).toEqual([]);
	// And from then on as ever.
	expect(new Set(await collect(client.scan())).size).toBe(found.size);
}, 60_000);
