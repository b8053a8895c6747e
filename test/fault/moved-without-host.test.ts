/** Servers told not to name their endpoints leave it to the client to know the host; it is the one it is talking to. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { moveSlot, nodeOfSlot, type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { bulk, gets, startFakeClusterNode } from "../support/fake-cluster.js";
import { Relay } from "../support/relay.js";
import { slotsReply } from "../support/slots-reply.js";

const SLOT = 5061; // of "bar"
const OTHER_HOST = "127.0.0.2";

// Only Linux has all of 127.0.0.0/8 without being told, and a container does not listen there.
const reachable = process.platform === "linux" && inject("server").kind === "process";

describe.runIf(reachable)("a cluster that names no hosts, reached at another address than it knows of itself", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster({
			args: ["--bind", "127.0.0.1", OTHER_HOST, "--cluster-preferred-endpoint-type", "unknown-endpoint"],
		});
	});
	afterAll(() => cluster?.stop());

	/** The server-side addresses of the connections that the client named so holds. */
	async function reachedAt(name: string): Promise<string[]> {
		const addresses: string[] = [];
		for (const node of cluster.primaries) {
			const list = String(await node.raw("CLIENT", "LIST", "TYPE", "NORMAL"));
			for (const line of list.split("\n")) {
				if (line.includes(` name=${name} `)) addresses.push(/ laddr=(\S+)/.exec(line)![1]!);
			}
		}
		return addresses.sort();
	}

	test.each([2, 3] as const)("D13 MOVED n :port means the host of the connection that replied, RESP%i", async (protocol) => {
		const name = `moved-without-host-${protocol}`;
		const source = await nodeOfSlot(cluster, SLOT);
		const target = cluster.primaries.find((node) => node !== source)!;
		const url = `redis-cluster://${OTHER_HOST}:${source.port}`;
		await using client = await createClient({ url, protocol, name });
		await client.command("DBSIZE");
		const expected = cluster.primaries.map(({ port }) => `${OTHER_HOST}:${port}`).sort();
		expect(await reachedAt(name)).toEqual(expected);
		await moveSlot(cluster, SLOT, target);
		try {
			await expect(source.raw("GET", "bar")).rejects.toThrow(new RegExp(`^MOVED ${SLOT} :${target.port}$`));
			expect(await client.get("bar")).toBeNull();
			expect(client.stats()).toMatchObject({ redirections: 1, connections: 3, reconnects: 0 });
			expect(await reachedAt(name)).toEqual(expected);
		} finally {
			await moveSlot(cluster, SLOT, source);
		}
	});
});

describe.runIf(process.platform === "linux")("a node that no topology tells of", () => {
	test.each([
		2, 3,
	] as const)("D13 MOVED n :port leads to it on the host that replied and on no other, RESP%i", async (protocol) => {
		await using a = await startFakeClusterNode();
		await using b = await startFakeClusterNode();
		// On the other host there is nobody at this port.
		await using toA = await Relay.start(OTHER_HOST, () => a);
		await using toB = await Relay.start(OTHER_HOST, () => b);
		const view = slotsReply([{ first: 0, last: 16_383, nodes: [{ host: null, port: toA.port, id: "a" }] }]);
		a.always(["CLUSTER", "SLOTS"], view).always(["GET"], `-MOVED ${SLOT} :${toB.port}\r\n`);
		b.always(["CLUSTER", "SLOTS"], "-ERR not now\r\n").always(["GET"], bulk("from b"));
		const url = `redis-cluster://${OTHER_HOST}:${toA.port}`;
		await using client = await createClient({ url, protocol, cluster: { refreshMs: 0 } });
		expect(await client.get("bar")).toBe("from b");
		expect(await client.get("bar")).toBe("from b");
		expect(gets(a)).toEqual(["bar"]);
		expect(client.stats()).toMatchObject({ redirections: 1, connections: 2 });
	});
});
