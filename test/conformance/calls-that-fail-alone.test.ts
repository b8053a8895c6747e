/** What is wrong with one call stays with that call. */
import { inspect } from "node:util";
import { expect, inject, test, vi } from "vitest";
import { createClient } from "../../src/index.js";
import { FakeNode } from "../support/fake-node.js";
import { slotsReply } from "../support/slots-reply.js";

/** Takes the memory away from a Buffer, as a transfer to a worker does. */
function detach(bytes: Uint8Array): void {
	structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
}

test("B10 a large value that is detached before it is written fails its own call, singly and in batches; a key is never borrowed", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const value = new Uint8Array(20_000).fill(97);
	const other = new Uint8Array(20_000).fill(98);
	const key = new Uint8Array(20_000).fill(99);
	const calls = [
		client.set("alone:a", "1"),
		client.set("alone:b", value),
		client.setMany(
			[
				["alone:c", other],
				["alone:d", "2"],
			],
			{ partial: true },
		),
		client.get(key),
		client.get("alone:a"),
	];
	for (const bytes of [value, other, key]) detach(bytes);
	const results = await Promise.allSettled<unknown>(calls);
	expect(results).toMatchObject([
		{ value: "OK" },
		{ reason: { code: "INVALID_ARGUMENT", index: 2 } },
		{ value: [{ code: "INVALID_ARGUMENT", index: 2 }, "OK"] },
		{ value: null },
		{ value: "1" },
	]);
	expect(client.stats().inFlight).toBe(0);
});

test("B14 a batch error that is printed shows no value of what worked", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	await client.set("alone:value", "VALUE-THAT-WORKED");
	await client.command("LPUSH", "alone:list", "x");
	const error = await client
		.setMany(
			[
				["alone:value", "next", { get: true }],
				["alone:list", "next", { get: true }],
			],
			{},
		)
		.catch((reason) => reason);
	expect(error).toMatchObject({ code: "BATCH" });
	expect(error.results[0]).toBe("VALUE-THAT-WORKED");
	expect(inspect(error, { depth: 9 })).not.toContain("VALUE-THAT-WORKED");
	expect(JSON.stringify(error)).not.toContain("VALUE-THAT-WORKED");
});

test.each([
	"FLUSHALL",
	"DBSIZE",
	"SCAN",
	"KEYS",
])("D53 %s in a pipeline on a cluster is refused, not sent to one node", async (name) => {
	await using client = await createClient(inject("clusterUrl"));
	const args = name === "SCAN" ? ["0"] : name === "KEYS" ? ["alone:*"] : [];
	expect(() => client.pipeline().command(name, ...args)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
	await using standalone = await createClient(inject("standaloneUrl"));
	if (name !== "FLUSHALL")
		expect(
			await standalone
				.pipeline()
				.command(name, ...args)
				.exec(),
		).toHaveLength(1);
});

test("many calls under one signal share one listener, and all of them end with it", async () => {
	const warn = vi.fn();
	process.on("warning", warn);
	await using node = await FakeNode.start();
	node.always(["GET"], () => undefined);
	const client = await createClient(node.url);
	const controller = new AbortController();
	const view = client.with({ signal: controller.signal });
	const calls = [...Array.from({ length: 40 }, (_, i) => view.get(`k${i}`)), view.mget(["a", "b"])];
	controller.abort();
	const codes = (await Promise.allSettled(calls)).map((result) => (result as PromiseRejectedResult).reason.code);
	expect(new Set(codes)).toEqual(new Set(["ABORTED", "BATCH"]));
	await new Promise(setImmediate);
	process.off("warning", warn);
	expect(warn).not.toHaveBeenCalled();
	client.destroy();
});

test("the deadline of a call covers what has to be asked first", async () => {
	await using node = await FakeNode.start();
	node.always(["COMMAND"], () => undefined);
	const client = await createClient(node.url);
	await expect(client.with({ timeoutMs: 60 }).command("NOSUCHCOMMAND")).rejects.toMatchObject({ code: "TIMEOUT" });
	const controller = new AbortController();
	const aborted = client.with({ signal: controller.signal }).command("NOSUCHCOMMAND");
	controller.abort();
	await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
	client.destroy();
});

test("a natMap that gives no address is an invalid option at the start, and harmless later", async () => {
	await using node = await FakeNode.start();
	node.always(["HELLO"], ([, version]) => (version === "3" ? "%2\r\n+proto\r\n:3\r\n+mode\r\n+cluster\r\n" : "-NOPROTO\r\n"));
	node.always(
		["CLUSTER", "SLOTS"],
		slotsReply([{ first: 0, last: 16383, nodes: [{ host: node.host, port: node.port, id: "a" }] }]),
	);
	const nodes = [{ host: node.host, port: node.port }];
	for (const natMap of [() => undefined as never, () => ({ host: "h", port: 99_999 }), () => "" as never]) {
		await expect(createClient({ nodes, cluster: { natMap } })).rejects.toMatchObject({
			code: "INVALID_OPTION",
			field: "cluster.natMap",
		});
	}
	let good = true;
	await using client = await createClient({
		nodes,
		retry: { maxAttempts: 2 },
		cluster: { natMap: (endpoint) => (good ? endpoint : (undefined as never)) },
	});
	good = false;
	node.always(["GET"], "-MOVED 12182 10.0.0.9:7000\r\n");
	await expect(client.get("foo")).rejects.toMatchObject({ code: "MOVED" });
	node.always(["GET"], "$1\r\nv\r\n");
	expect(await client.get("foo")).toBe("v");
});

test("TLS options that make no context are an invalid option", async () => {
	const options = { url: "rediss://127.0.0.1:1", tls: { cert: "x", key: "y" } };
	await expect(createClient(options)).rejects.toMatchObject({ code: "INVALID_OPTION", field: "tls" });
	await expect(createClient({ ...options, auth: () => ({}) })).rejects.toMatchObject({ code: "INVALID_OPTION", field: "tls" });
});

test("C01 a user name without a password is a credential", async () => {
	await using node = await FakeNode.start();
	await using client = await createClient(`redis://alice@${node.host}:${node.port}`);
	expect(node.connections[0]?.commands[0]).toEqual(["HELLO", "3", "AUTH", "alice", ""]);
	expect(client.stats().connections).toBe(1);
});

test("A24 after HELLO 2 on a lease, messages are no replies", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const replies = await client.withConnection({}, async (connection) => {
		await connection.command("HELLO", 2);
		await connection.command("SUBSCRIBE", "alone:channel");
		await client.command("PUBLISH", "alone:channel", "message text");
		return [await connection.command("PING"), await connection.command("PING", "again")];
	});
	expect(replies).toEqual([
		["pong", ""],
		["pong", "again"],
	]);
});
