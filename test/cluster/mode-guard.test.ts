import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";

const standalone = new URL(inject("standaloneUrl"));
const clusterNode = inject("clusterUrl").replace(/^redis-cluster:\/\/([^,]+).*/, "$1");

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D54 a cluster client on a standalone server says so at once", async () => {
		const started = performance.now();
		await expect(createClient({ url: `redis-cluster://${standalone.host}`, protocol })).rejects.toMatchObject({
			code: "CLUSTER",
			message: `${standalone.host} is a standalone server: use a redis:// URL`,
		});
		expect(performance.now() - started).toBeLessThan(5000);
	});

	test("D54 a standalone client on a cluster node says so at once", async () => {
		const started = performance.now();
		await expect(createClient({ url: `redis://${clusterNode}`, protocol })).rejects.toMatchObject({
			code: "CLUSTER",
			message: `${clusterNode} is a cluster node: use a redis-cluster:// URL`,
		});
		expect(performance.now() - started).toBeLessThan(5000);
	});
});

describe("servers that know no HELLO and so do not tell their mode", () => {
	let single: ServerNode;
	let cluster: ServerCluster;
	beforeAll(async () => {
		const args = ["--rename-command", "HELLO", ""];
		[single, cluster] = await Promise.all([startStandalone({ args }), startCluster({ args })]);
	});
	afterAll(() => Promise.all([single?.stop(), cluster?.stop()]));

	test("D54 a cluster client hears from CLUSTER SLOTS that the server is a standalone one", async () => {
		await expect(createClient(single.url.replace("redis:", "redis-cluster:"))).rejects.toMatchObject({
			code: "CLUSTER",
			message: `${single.host}:${single.port} is a standalone server: use a redis:// URL`,
		});
	});

	test("D54 a standalone client hears from MOVED that the server is a cluster node", async () => {
		const [first, second] = cluster.primaries;
		await using client = await createClient(first!.url);
		// Slot 12182 is the last primary's.
		await expect(client.get("foo")).rejects.toMatchObject({
			code: "CLUSTER",
			message: expect.stringMatching(/is a cluster node: use a redis-cluster:\/\/ URL$/),
		});
		expect(second!.port).not.toBe(first!.port);
	});

	test("C02 a cluster client works in RESP2 where HELLO is unknown", async () => {
		await using client = await createClient(cluster.url);
		expect(await client.set("foo", "v")).toBe("OK");
		expect(await client.mget(["foo", "bar", "{foo}x"])).toEqual(["v", null, null]);
	});
});
