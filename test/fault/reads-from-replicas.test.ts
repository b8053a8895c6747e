/** `cluster: { readFrom: "replica" }`: reads go to replicas that can answer, everything else to primaries. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ClusterNode, nodeOfSlot, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient, defineScript } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { addressOf } from "../support/addresses.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { bulk, gets, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { Gate } from "../support/gate.js";
import { slotsReply } from "../support/slots-reply.js";

describe("a real cluster", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster({ primaries: 3, replicas: 3, nodeTimeoutMs: 15_000 });
	});
	afterAll(() => cluster?.stop());

	const keys = Array.from({ length: 60 }, (_, i) => `replica:${i}`);

	/** A client through taps; every node's connection is up. */
	async function connect(taps: ClusterTaps, protocol: 2 | 3): Promise<Client> {
		const client = await createClient({
			nodes: cluster.primaries.map((node) => addressOf(taps.proxy(node))),
			protocol,
			cluster: { readFrom: "replica", natMap: taps.natMap, refreshMs: 0 },
			timeouts: { connectMs: 500 },
		});
		await waitUntil("a connection to each node", () => client.stats().connections === 6 || `${client.stats().connections}`);
		// Connected is not yet ready: a read that meets a replica's handshake goes to the primary.
		await waitUntil("reads at each replica", async () => {
			await client.mget(keys);
			const asked = cluster.replicas.filter((node) =>
				taps
					.commands(node)
					.flat()
					.some(([name]) => name === "MGET"),
			);
			return asked.length === 3 || `${asked.length}`;
		});
		return client;
	}

	/** Names of the commands that a node got from users, without repetition. */
	function names(taps: ClusterTaps, node: ClusterNode): string[] {
		return [
			...new Set(
				taps
					.commands(node)
					.flat()
					.map(([name]) => name!),
			),
		].sort();
	}

	async function replicated(): Promise<void> {
		for (const primary of cluster.primaries) {
			const offset = (text: unknown, field: string) => new RegExp(`${field}:(\\d+)`).exec(String(text))?.[1];
			await waitUntil("the replica has it all", async () => {
				const [replica] = cluster.replicas.filter((node) => node.replicaOf === primary);
				const wanted = offset(await primary.raw("INFO", "replication"), "master_repl_offset");
				return offset(await replica!.raw("INFO", "replication"), "slave_repl_offset") === wanted || "not yet";
			});
		}
	}

	test.each([2, 3] as const)("C11 D40 reads reach the replicas, writes never do, RESP%i", async (protocol) => {
		await using taps = await ClusterTaps.start(cluster.nodes);
		await using client = await connect(taps, protocol);
		// READONLY is the first word of each connection to a replica, and no other's.
		for (const node of cluster.replicas) for (const commands of taps.commands(node)) expect(commands[0]).toEqual(["READONLY"]);
		for (const node of cluster.primaries) expect(names(taps, node)).not.toContain("READONLY");
		taps.clear();
		await client.setMany(keys.map((key) => [key, `${protocol} ${key}`]));
		await client.incr("replica:counter");
		await client.command("HSET", "replica:hash", "f", "v");
		await replicated();
		expect(await client.mget(keys)).toEqual(keys.map((key) => `${protocol} ${key}`));
		expect(await client.get(keys[0]!)).toBe(`${protocol} ${keys[0]}`);
		expect(await client.command("HGET", "replica:hash", "f")).toBe("v");
		expect(await client.ttl("replica:counter")).toBe(-1);
		expect(await client.existsMany(keys)).toBe(60);
		const pipelined = await client.pipeline().get(keys[1]!).incr("replica:counter").exec();
		expect(pipelined).toEqual([`${protocol} ${keys[1]}`, expect.any(Number)]);
		const target = Buffer.alloc(100);
		expect(target.toString("utf8", 0, (await client.getInto(keys[2]!, target))!)).toBe(`${protocol} ${keys[2]}`);
		for (const node of cluster.replicas)
			expect(names(taps, node)).not.toEqual(expect.arrayContaining([expect.stringMatching(/SET|INCR/)]));
		const atPrimaries = cluster.primaries.flatMap((node) => names(taps, node));
		for (const name of ["GET", "MGET", "EXISTS", "TTL", "HGET"]) expect(atPrimaries).not.toContain(name);
		const atReplicas = cluster.replicas.flatMap((node) => names(taps, node));
		for (const name of ["GET", "MGET", "EXISTS", "TTL", "HGET"]) expect(atReplicas).toContain(name);
		expect(client.stats()).toMatchObject({ redirections: 0, retries: 0, reconnects: 0 });
		await client.delMany([...keys, "replica:counter", "replica:hash"]);
	});

	test("C11 a replica that is gone: its primary answers", async () => {
		await using taps = await ClusterTaps.start(cluster.nodes);
		await using client = await connect(taps, 3);
		await client.setMany(keys.map((key) => [key, key]));
		await replicated();
		const primary = await nodeOfSlot(cluster, keySlot(keys[0]!));
		const replica = cluster.replicas.find((node) => node.replicaOf === primary)!;
		taps.clear();
		taps.proxy(replica).refuse();
		taps.proxy(replica).cut();
		const reads = [client.get(keys[0]!), client.mget(keys)] as const;
		expect(await Promise.all(reads)).toEqual([keys[0], keys]);
		await waitUntil("its primary is read from", async () => {
			expect(await client.mget(keys)).toEqual(keys);
			return (
				taps
					.commands(primary)
					.flat()
					.some(([name]) => name === "MGET") || "not yet"
			);
		});
		const others = cluster.primaries.filter((node) => node !== primary);
		for (const node of others) expect(names(taps, node)).not.toContain("MGET");
		await client.delMany(keys);
	});

	test("by default everything goes to primaries", async () => {
		await using taps = await ClusterTaps.start(cluster.nodes);
		await using client = await createClient({ url: taps.url, cluster: { natMap: taps.natMap, refreshMs: 0 } });
		await client.mget(keys);
		for (const node of cluster.replicas) expect(taps.commands(node).flat()).toEqual([]);
	});
});

describe.each([2, 3] as const)("fake nodes, RESP%i", (protocol) => {
	let primary: FakeNode;
	let replica: FakeNode;
	beforeEach(async () => {
		[primary, replica] = await Promise.all([startFakeClusterNode(), startFakeClusterNode()]);
		const nodes = [primary, replica].map(({ host, port }) => ({ host, port, id: `id-${port}` }));
		for (const node of [primary, replica]) node.always(["CLUSTER", "SLOTS"], slotsReply([{ first: 0, last: 16_383, nodes }]));
		primary.always(["GET"], bulk("from the primary")).always(["SET"], "+OK\r\n").always(["INCR"], ":1\r\n");
		primary.always(["MGET"], ([, ...keys]) => `*${keys.length}\r\n${bulk("from the primary").repeat(keys.length)}`);
		replica.always(["GET"], bulk("from the replica"));
		replica.always(["MGET"], ([, ...keys]) => `*${keys.length}\r\n${bulk("from the replica").repeat(keys.length)}`);
	});
	afterEach(async () => {
		for (const node of [primary, replica]) await node[Symbol.asyncDispose]();
	});

	async function connect(retry = { baseMs: 5, maxMs: 5 }): Promise<Client> {
		const nodes = [addressOf(primary)];
		const client = await createClient({ nodes, protocol, retry, cluster: { readFrom: "replica", refreshMs: 0 } });
		await waitUntil("the replica is read from", async () => {
			await client.get("{warm}up");
			return gets(replica).length > 0 || "not yet";
		});
		primary.commands.length = 0;
		replica.commands.length = 0;
		return client;
	}

	const writes = (node: FakeNode) => node.commands.filter(([name]) => name === "SET" || name === "INCR");

	test("C11 READONLY that is refused does no harm", async () => {
		replica.always(["READONLY"], "-ERR This instance has cluster support disabled\r\n");
		await using client = await connect();
		expect(await client.get("bar")).toBe("from the replica");
		expect(replica.connections.every(({ commands }) => commands.some(([name]) => name === "READONLY"))).toBe(true);
		expect(primary.connections.some(({ commands }) => commands.some(([name]) => name === "READONLY"))).toBe(false);
	});

	test.each([
		"LOADING Redis is loading the dataset in memory",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"CLUSTERDOWN The cluster is down",
		"TRYAGAIN Multiple keys request during rehashing of slot",
	])("C11 D25 D40 a replica that says %s: its primary answers at once", async (message) => {
		// A pause would outlast the deadline.
		await using client = await connect({ baseMs: 600_000, maxMs: 600_000 });
		replica.always(["GET"], `-${message}\r\n`).always(["MGET"], `-${message}\r\n`);
		expect(await client.get("bar")).toBe("from the primary");
		expect(await client.mget(["bar", "{bar}2", "foo"])).toEqual(Array(3).fill("from the primary"));
		expect(await client.pipeline().get("bar").get("foo").exec()).toEqual(Array(2).fill("from the primary"));
		expect(await client.set("bar", "v")).toBe("OK");
		expect(writes(replica)).toEqual([]);
		expect(client.stats().reconnects).toBe(0);
	});

	test("H11 C11 a replica that is loading: its primary answers read-only scripts, and what that says is the answer", async () => {
		await using client = await connect({ baseMs: 600_000, maxMs: 600_000 });
		const script = defineScript({ keys: 1, lua: "return redis.call('GET', KEYS[1])", readOnly: true });
		for (const name of ["EVALSHA_RO", "EVAL_RO", "FCALL_RO"]) {
			replica.always([name], "-LOADING Redis is loading the dataset in memory\r\n");
			primary.always([name], bulk("from the primary"));
		}
		const calls = [client.run(script, ["bar"]), client.evalRo("return 1", ["bar"]), client.fcallRo("f", ["bar"])];
		expect(await Promise.all(calls)).toEqual(Array(3).fill("from the primary"));
		expect(await client.pipeline().run(script, ["bar"]).evalRo("return 1", ["bar"]).exec()).toEqual(
			Array(2).fill("from the primary"),
		);
		for (const name of ["EVALSHA_RO", "EVAL_RO", "FCALL_RO"]) primary.always([name], "-LOADING says the script\r\n");
		const said = await Promise.allSettled([client.run(script, ["bar"]), client.fcallRo("f", ["bar"])]);
		expect(said).toMatchObject(Array(2).fill({ reason: { code: "LOADING", maybeExecuted: true } }));
	});

	test("C11 a replica that closes while it owes replies: its primary gives them", async () => {
		await using client = await connect();
		replica.expect(["GET", "bar"]).close();
		// What it has been sent behind that is never answered.
		replica.always(["GET", "foo"], () => undefined).always(["MGET"], () => undefined);
		const reads = Promise.all([client.get("bar"), client.get("foo"), client.mget(["bar", "{bar}2"])]);
		expect(await reads).toEqual(["from the primary", "from the primary", Array(2).fill("from the primary")]);
	});

	test("C11 D40 MOVED from a replica: the node it names answers, and owns the slot; the replica never gets a write", async () => {
		await using owner = await startFakeClusterNode();
		owner.always(["CLUSTER", "SLOTS"], () => slotsReply([{ first: 0, last: 16_383, nodes: [{ ...addressed(primary) }] }]));
		owner.always(["GET"], bulk("from the owner")).always(["SET"], "+OK\r\n");
		await using client = await connect();
		replica.always(["GET", "bar"], `-MOVED 5061 ${addressOf(owner)}\r\n`);
		expect(await client.get("bar")).toBe("from the owner");
		expect(await client.set("{bar}2", "v")).toBe("OK");
		for (const node of [replica]) expect(writes(node)).toEqual([]);
	});

	test("C11 D40 MOVED from a replica to its primary, or to itself: the slot stays with the primary", async () => {
		await using client = await connect();
		for (const target of [primary, replica]) {
			replica.always(["GET", "bar"], `-MOVED 5061 ${addressOf(target)}\r\n`);
			expect(await client.get("bar")).toBe("from the primary");
			expect(await client.set("bar", "v")).toBe("OK");
			expect(await client.incr("bar")).toBe(1);
		}
		expect(writes(replica)).toEqual([]);
		expect(writes(primary)).toHaveLength(4);
	});

	test("C11 a read that waits behind a refused write of its slot is answered by the primary, in its place", async () => {
		await using client = await connect();
		const gate = new Gate();
		primary.expect(["SET", "bar", "1"]).reply("-LOADING wait\r\n");
		primary.expect(["SET", "bar", "1"]).after(gate.opened).reply("+OK\r\n");
		const write = client.set("bar", "1");
		await waitUntil("it is refused", () => client.stats().retries === 1 || "not yet");
		const read = client.get("bar");
		gate.open();
		expect(await Promise.all([write, read])).toEqual(["OK", "from the primary"]);
		expect(primary.commands.map(([name]) => name)).toEqual(["SET", "SET", "GET"]);
	});
});

function addressed({ host, port }: FakeNode) {
	return { host, port, id: `id-${port}` };
}
