/** What a batch says when some of its items fail (E07), and when a server answers out of step (E06). */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type ServerCluster, startCluster } from "../../fixtures/servers.js";
import { BatchError, type Client, type ClientError, createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";

const topologies = ["standaloneUrl", "clusterUrl"] as const;

async function failing(batch: Promise<unknown>): Promise<BatchError> {
	const error = await batch.then(
		() => new Error("it should have failed"),
		(reason) => reason,
	);
	expect(error).toBeInstanceOf(BatchError);
	return error;
}

describe.each(topologies)("on %s", (topology) => {
	test.each([
		2, 3,
	] as const)("E07 entries that fail have their error in entry order, all others their answer (RESP%i)", async (protocol) => {
		await using client = await createClient({ url: inject(topology), protocol });
		const prefix = `failures:${topology}:${protocol}:`;
		const entries = Array.from({ length: 60 }, (_, index) => [`${prefix}${index}`, `value ${index}`, { get: true }] as const);
		await client.delMany(entries.map(([key]) => key));
		const wrong = [0, 7, 8, 31, 59];
		for (const index of wrong) await client.command("HSET", `${prefix}${index}`, "f", "v");
		await client.set(`${prefix}5`, "old");

		const expected = entries.map((_, index) =>
			wrong.includes(index) ? expect.objectContaining({ code: "WRONGTYPE", maybeExecuted: false }) : index === 5 ? "old" : null,
		);
		const error = await failing(client.setMany(entries, { chunkSize: 4 }));
		expect(error).toMatchObject({ code: "BATCH", message: "5 of 60 items failed, the first with WRONGTYPE" });
		expect(error.cause).toBe(error.results[0]);
		expect(error.results).toEqual(expected);

		// Without GET nothing is wrong with a hash: it is overwritten.
		for (const index of wrong) await client.command("DEL", `${prefix}${index}`);
		for (const index of wrong) await client.command("HSET", `${prefix}${index}`, "f", "v");
		const partial = await client.setMany(entries, { partial: true, chunkSize: 4 });
		expect(partial.map((result) => (result as ClientError | null)?.code)).toEqual(
			entries.map((_, index) => (wrong.includes(index) ? "WRONGTYPE" : undefined)),
		);
		expect(await client.mget(entries.map(([key]) => key))).toEqual(
			entries.map((_, index) => (wrong.includes(index) ? null : `value ${index}`)),
		);
	});

	test("E07 an error names no key and no value", async () => {
		await using client = await createClient(inject(topology));
		const key = `failures:${topology}:secret-key`;
		await client.command("DEL", key);
		await client.command("HSET", key, "f", "v");
		const error = await failing(client.setMany([[key, "secret-value", { get: true }]]));
		expect(`${error} ${error.stack} ${error.cause}`).not.toContain("secret");
	});
});

describe("a user who may touch only some of the keys", () => {
	let cluster: ServerCluster;
	let client: Client;
	beforeAll(async () => {
		cluster = await startCluster({ primaries: 3, users: { alice: "on >wonderland ~ok:* +@all" } });
		client = await createClient(cluster.url.replace("://", "://alice:wonderland@"));
	});
	afterAll(async () => {
		await client?.close();
		await cluster?.stop();
	});
	const keys = ["ok:1", "no:1", "ok:2", "no:2", "ok:3", "ok:missing"];
	const noperm = expect.objectContaining({ code: "NOPERM", maybeExecuted: false });

	test("E07 mget: a refused key is an error, never null, and partial gives the same without rejecting", async () => {
		await client.setMany([
			["ok:1", "1"],
			["ok:2", "2"],
			["ok:3", "3"],
		]);
		const expected = ["1", noperm, "2", noperm, "3", null];
		expect((await failing(client.mget(keys))).results).toEqual(expected);
		expect(await client.mget(keys, { partial: true })).toEqual(expected);
	});

	test("E07 delMany and existsMany: the sum that is known, and the keys it leaves out", async () => {
		await client.setMany([
			["ok:1", "1"],
			["ok:2", "2"],
			["ok:3", "3"],
		]);
		const existing = await failing(client.existsMany(keys));
		expect(existing.total).toBe(3);
		expect(existing.results).toEqual([true, noperm, true, noperm, true, true]);
		const deleted = await failing(client.delMany(keys));
		expect(deleted.total).toBe(3);
		expect(deleted.results).toEqual([true, noperm, true, noperm, true, true]);
		expect(await client.existsMany(["ok:1", "ok:2", "ok:3"])).toBe(0);
	});

	test("E07 counts have no partial result: the option is refused", async () => {
		const partial = { partial: true } as object;
		await expect(client.delMany(keys, partial)).rejects.toMatchObject({ code: "INVALID_OPTION", field: "partial" });
		await expect(client.existsMany(keys, partial)).rejects.toMatchObject({ code: "INVALID_OPTION", field: "partial" });
	});
});

describe("a reply of the wrong shape to an MGET of three keys", () => {
	test.each([
		["two elements", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"],
		["four elements", "*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n"],
		["none", "*0\r\n"],
		["null", "*-1\r\n"],
		["one string", "$1\r\na\r\n"],
		["a number", ":3\r\n"],
		["OK", "+OK\r\n"],
	])("E06 %s: the connection is destroyed and nobody gets a wrong value", async (_, bytes) => {
		for (const protocol of [2, 3] as const) {
			await using node = await FakeNode.start();
			node.expect(["GET", "before"]).reply("$3\r\nyes\r\n");
			// What follows is written at once, so that the client finds it right behind the bad reply.
			const following = "$5\r\nwrong\r\n$5\r\nwrong\r\n";
			node.expect(["MGET", "a", "b", "c"]).reply(bytes + following);
			node.always(["GET"], "$5\r\nright\r\n").always(["INCR"], ":1\r\n");
			await using client = await createClient({ url: node.url, protocol });
			const calls = [client.get("before"), client.mget(["a", "b", "c"]), client.get("after"), client.incr("n")] as const;
			const [before, values, after, incremented] = await Promise.allSettled(calls);
			expect(before).toEqual({ status: "fulfilled", value: "yes" });
			expect(values).toMatchObject({ status: "rejected", reason: { code: "BATCH" } });
			const { results } = (values as PromiseRejectedResult).reason as BatchError;
			expect(results).toHaveLength(3);
			for (const result of results) expect(result).toMatchObject({ code: "PROTOCOL", maybeExecuted: true });
			// Either it was sent again on a good connection, or its fate is unknown: never the bytes that lay behind.
			if (after.status === "fulfilled") expect(after.value).toBe("right");
			else expect(after.reason).toMatchObject({ code: "PROTOCOL", maybeExecuted: true });
			expect(incremented).toMatchObject({ status: "rejected", reason: { code: "PROTOCOL", maybeExecuted: true } });
			expect(await client.get("later")).toBe("right");
			expect(node.connections).toHaveLength(2);
		}
	});

	test("E06 an error in place of the array is the answer of its keys, and the connection stays", async () => {
		await using node = await FakeNode.start();
		node.expect(["MGET", "a", "b", "c"]).reply("-OOM no\r\n");
		node.expect(["MGET", "a"]).reply("*1\r\n$1\r\nv\r\n");
		await using client = await createClient(node.url);
		const { results } = await failing(client.mget(["a", "b", "c"]));
		expect(results.map((result) => (result as ClientError).code)).toEqual(["OOM", "OOM", "OOM"]);
		expect(await client.mget(["a"])).toEqual(["v"]);
		expect(node.connections).toHaveLength(1);
	});
});
