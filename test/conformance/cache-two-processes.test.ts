/** First levels in two processes: what one writes the other drops, and all of it when it cannot hear. */
import { afterAll, beforeAll, describe, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type CacheProcess, CacheProcesses } from "../support/cache-process.js";

let built: CacheProcesses;
let server: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[built, server, cluster] = await Promise.all([CacheProcesses.build(), startStandalone(), startCluster({ primaries: 3 })]);
}, 60_000);
afterAll(async () => {
	await built?.[Symbol.asyncDispose]();
	await Promise.all([server?.stop(), cluster?.stop()]);
});

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	const nodes = (): readonly ServerNode[] => (topology === "cluster" ? cluster.nodes : [server]);
	let writer: CacheProcess;
	let reader: CacheProcess;
	beforeAll(async () => {
		const url = topology === "cluster" ? cluster.url : server.url;
		const setup = { url, keyPrefix: "two:", cache: {}, levels: true };
		[writer, reader] = await Promise.all([built.start({ ...setup, protocol: 3 }), built.start({ ...setup, protocol: 2 })]);
	});

	/** Reads it until the first level answers. */
	const kept = (key: string): Promise<void> =>
		waitUntil("the first level to have it", async () => {
			const { hits } = await reader.firstLevel();
			await reader.call("get", key);
			return (await reader.firstLevel()).hits > hits || "it has not";
		});
	const sees = (key: string, value: string): Promise<void> =>
		waitUntil(`the reader to see ${value}`, async () => (await reader.call("get", key)) === value || "something else");

	test("S2.9 S3.3 a value that one process keeps is dropped when the other writes, deletes or invalidates it", async () => {
		await writer.call("set", "k", "1");
		await kept("k");
		await writer.call("set", "k", "2");
		await sees("k", "2");
		await kept("k");
		await writer.call("delete", "k");
		await waitUntil("the end of it", async () => (await reader.call("get", "k")) === undefined || "it is there");
		await writer.call("set", "tagged", "1", { tags: ["t"] });
		await waitUntil("the value", async () => (await reader.call("get", "tagged")) === "1" || "nothing");
		await writer.call("invalidateTags", "t");
		await waitUntil("the end of it", async () => (await reader.call("get", "tagged")) === undefined || "it is there");
	});

	test("C40 with its subscription killed a process drops all that it keeps, and hears again", async () => {
		await writer.call("set", "a", "1");
		await writer.call("set", "b", "1");
		await kept("a");
		await kept("b");
		const { dropped } = await reader.firstLevel();
		for (const node of nodes()) await node.raw("CLIENT", "KILL", "TYPE", "pubsub");
		await waitUntil("the drop", async () => (await reader.firstLevel()).dropped > dropped || "nothing was dropped");
		await writer.call("set", "a", "2");
		await sees("a", "2");
		await waitUntil("the subscription", async () => (await reader.firstLevel()).live || "it is lost");
		await kept("a");
		await writer.call("set", "a", "3");
		await sees("a", "3");
	});
});
