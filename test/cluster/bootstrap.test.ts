import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { RawConnection, type RawReply, startStandalone } from "../../fixtures/servers.js";
import { type ClientError, createClient } from "../../src/index.js";
import { bulk, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import { FakeNode } from "../support/fake-node.js";
import { TcpProxy } from "../support/proxy.js";

const primaries = inject("clusterUrl").replace("redis-cluster://", "").split(",");

async function raw(address: string, ...args: string[]): Promise<RawReply> {
	const { hostname: host, port } = new URL(`redis://${address}`);
	await using connection = await RawConnection.open({ host, port: Number(port) });
	return await connection.command(...args);
}

/** A port where nothing listens while the test runs. */
async function deadPort(): Promise<string> {
	const server: Server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return `127.0.0.1:${port}`;
}

async function expectWhole(client: Awaited<ReturnType<typeof createClient>>): Promise<void> {
	const keys = Array.from({ length: 60 }, (_, i) => `bootstrap:${i}`);
	expect(await client.mget(keys)).toEqual(keys.map(() => null));
	expect(client.stats().redirections).toBe(0);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each([0, 1, 2])("any primary is seed enough (%i)", async (index) => {
		await using client = await createClient({ nodes: [primaries[index]!], protocol });
		await expectWhole(client);
		expect(client.stats().connections).toBe(3);
	});

	test("a replica is seed enough", async () => {
		const [range] = (await raw(primaries[0]!, "CLUSTER", "SLOTS")) as [number, number, RawReply[], [string, number]][];
		const [host, port] = range![3];
		await using client = await createClient({ nodes: [{ host, port }], protocol });
		await expectWhole(client);
	});

	test("dead seeds among good ones are no hindrance and cost no time", async () => {
		const started = performance.now();
		await using client = await createClient({ nodes: [await deadPort(), primaries[1]!, await deadPort()], protocol });
		expect(performance.now() - started).toBeLessThan(5000);
		await expectWhole(client);
		expect(client.stats().connections).toBe(3);
	});

	test("a silent seed first is no hindrance and costs no time", async () => {
		await using proxy = await TcpProxy.start({ host: "127.0.0.1", port: Number(primaries[0]!.split(":")[1]) });
		proxy.onConnection(({ toClient }) => toClient.stall());
		const started = performance.now();
		await using client = await createClient({ nodes: [`127.0.0.1:${proxy.port}`, primaries[1]!], protocol });
		expect(performance.now() - started).toBeLessThan(5000);
		await expectWhole(client);
	});
});

test("only dead seeds: CONNECTION by startMs, with each seed and its cause", async () => {
	const seeds = [await deadPort(), await deadPort()];
	const started = performance.now();
	await expect(createClient({ nodes: seeds, timeouts: { startMs: 300 } })).rejects.toMatchObject({
		code: "CONNECTION",
		message: expect.stringMatching(new RegExp(seeds.map((seed) => `${seed}: [^;]*ECONNREFUSED`).join(".*; "))),
	});
	const took = performance.now() - started;
	expect(took).toBeGreaterThanOrEqual(290);
	expect(took).toBeLessThan(1900);
});

test("a seed that accepts and stays silent: CONNECTION by startMs all the same, and it is named", async () => {
	await using silent = await FakeNode.start();
	silent.always(["HELLO"], () => undefined);
	const dead = await deadPort();
	const address = `${silent.host}:${silent.port}`;
	const started = performance.now();
	await expect(createClient({ nodes: [address, dead], timeouts: { startMs: 300 } })).rejects.toMatchObject({
		code: "CONNECTION",
		message: expect.stringMatching(new RegExp(`${address}: .*${dead}: .*ECONNREFUSED`)),
	});
	expect(performance.now() - started).toBeLessThan(1900);
});

test("a seed whose CLUSTER SLOTS stays unanswered: CONNECTION by startMs", async () => {
	await using silent = await startFakeClusterNode();
	silent.always(["CLUSTER", "SLOTS"], () => undefined);
	const started = performance.now();
	await expect(createClient({ nodes: [`${silent.host}:${silent.port}`], timeouts: { startMs: 300 } })).rejects.toMatchObject({
		code: "CONNECTION",
		message: expect.stringContaining(`${silent.host}:${silent.port}`),
	});
	expect(performance.now() - started).toBeLessThan(1900);
});

describe("seeds that answer, but not with a topology", () => {
	let bad: FakeNode;
	let good: FakeNode;
	beforeEach(async () => {
		[bad, good] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
		good.always(["CLUSTER", "SLOTS"], slotsOf([good, 0, 16383])).always(["GET"], bulk("v"));
	});
	afterEach(() => Promise.all([bad.close(), good.close()]));

	test.each([
		["empty", "*0\r\n", /knows no slots/],
		["malformed", "*1\r\n:5\r\n", /malformed/],
		["loading", "-LOADING Redis is loading the dataset in memory\r\n", /LOADING/],
		["forbidden", "-NOPERM this user has no permissions to run the 'cluster|slots' command\r\n", /NOPERM/],
		["of nobody", "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$1\r\n?\r\n:7001\r\n$1\r\nx\r\n", /knows no slots/],
	])("D03 a view that is %s is not adopted: another seed's is; alone it is the cause of the error", async (_, reply, cause) => {
		bad.always(["CLUSTER", "SLOTS"], reply);
		const nodes = [bad, good].map(({ host, port }) => ({ host, port }));
		await using client = await createClient({ nodes });
		expect(await client.get("k")).toBe("v");
		await expect(createClient({ nodes: [nodes[0]!], timeouts: { startMs: 50 } })).rejects.toMatchObject({
			code: "CONNECTION",
			message: expect.stringMatching(cause),
		});
	});

	test("a topology that comes late within startMs is waited for", async () => {
		let asked = 0;
		bad.always(["CLUSTER", "SLOTS"], () => (++asked < 3 ? "*0\r\n" : slotsOf([bad, 0, 16383]))).always(["GET"], bulk("late"));
		await using client = await createClient({ nodes: [{ host: bad.host, port: bad.port }] });
		expect(await client.get("k")).toBe("late");
		expect(asked).toBe(3);
	});
});

test("a refused credential is told at once and names no secret", async () => {
	await using server = await startStandalone({ requirepass: "right", args: ["--cluster-enabled", "yes"] });
	const started = performance.now();
	const error: ClientError = await createClient({
		nodes: [{ host: server.host, port: server.port }],
		auth: { password: "hunter2" },
	}).then(
		() => Promise.reject(new Error("connected")),
		(reason) => reason,
	);
	expect(error).toMatchObject({ code: "AUTH" });
	expect(`${error.message} ${error.stack}`).not.toContain("hunter2");
	expect(performance.now() - started).toBeLessThan(5000);
});

test("a start that failed leaves no connection", async () => {
	await using node = await startFakeClusterNode();
	node.always(["CLUSTER", "SLOTS"], "*0\r\n");
	await expect(createClient({ nodes: [{ host: node.host, port: node.port }], timeouts: { startMs: 30 } })).rejects.toThrow();
	await new Promise<void>((resolve) => {
		const [connection] = node.connections;
		if (connection!.closed) resolve();
		else connection!.socket.once("close", () => resolve());
	});
	expect(node.connections).toHaveLength(1);
});
