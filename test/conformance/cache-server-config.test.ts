/** What a backend sets on the nodes of a cluster, when it is told to. */
import { expect, inject, test } from "vitest";
import { type RawTarget, raw } from "../../fixtures/servers.js";
import { RedisBackend } from "../../src/cache/index.js";
import { createClient } from "../../src/index.js";

test("C14 every primary is told, by whoever connects, once", async () => {
	await using client = await createClient(inject("clusterUrl"));
	const [host, port] = new URL(inject("clusterUrl").replace(/,.*/, "").replace("redis-cluster", "http")).host.split(":") as [
		string,
		string,
	];
	const slots = (await raw({ host, port: Number(port) }, "CLUSTER", "SLOTS")) as [number, number, [string, number]][];
	const primaries: RawTarget[] = slots.map(([, , [ip, at]]) => ({ host: ip, port: at }));
	const calls = (): Promise<number[]> =>
		Promise.all(
			primaries.map(async (target) => {
				const stats = String(await raw(target, "INFO", "commandstats"));
				return Number(/cmdstat_config\|set:calls=(\d+)/.exec(stats)?.[1] ?? 0);
			}),
		);
	expect(primaries).toHaveLength(3);
	// What they have already: the cluster is not this file's alone.
	const settings = { maxMemory: 0, evictionPolicy: "noeviction" };
	const before = await calls();
	await new RedisBackend({ client, ...settings }).connect();
	expect(await calls()).toEqual(before);
	await new RedisBackend({ client, ...settings, applyServerConfig: true }).connect();
	expect(await calls()).toEqual(before.map((count) => count + 2));
});
