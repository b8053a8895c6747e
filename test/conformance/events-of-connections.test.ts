/** What is told of connections, redirections and the topology: each kind of event from a real cause. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { moveSlot, type ServerCluster, startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type ConnectionEvent, createClient, type TopologyEvent } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { Heard } from "../support/heard.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const retry = { baseMs: 1, maxMs: 20 };

/** The states that each connection went through, in the order in which they began. */
function lives(events: readonly ConnectionEvent[]): string[][] {
	const byConnection = new Map<number, string[]>();
	for (const { connection, state } of events) {
		const states = byConnection.get(connection) ?? [];
		// Said again while it lasts.
		if (state !== "suspected" || states.at(-1) !== "suspected") states.push(state);
		byConnection.set(connection, states);
	}
	return [...byConnection.values()];
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("a connection's life: made, ready, lost with its cause, made again, closed with the client; leased ones too", async () => {
		await using server = await startStandalone();
		const heard = new Heard();
		const said: ConnectionEvent[] = [];
		const listener = (event: unknown): void => void said.push(event as ConnectionEvent);
		subscribe("slotwire:connection", listener);
		const client = await createClient({ url: server.url, protocol, retry, hooks: heard.hooks });
		await client.withConnection({}, (own) => own.get("k"));
		await server.raw("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
		await waitUntil("the loss", () => heard.count("lost") === 2 || "not yet");
		expect(await client.get("k")).toBeNull();
		await client.close();
		await waitUntil("the end", () => heard.count("closed") > 0 || "not yet");
		unsubscribe("slotwire:connection", listener);
		const node = `127.0.0.1:${server.port}`;
		expect(lives(heard.connections)).toEqual([
			["connecting", "ready", "lost"],
			["connecting", "ready", "lost"],
			["connecting", "ready", "closed"],
		]);
		expect(heard.connections.every((event) => event.node === node)).toBe(true);
		expect(heard.connections.filter(({ state }) => state === "lost").map(({ cause }) => cause)).toEqual(
			Array(2).fill(`${node}: the server closed the connection (connection lost)`),
		);
		expect(said).toEqual(heard.connections);
	});

	test("a silent connection is told while it is suspected; the probe that looks after it is one more", async () => {
		await using server = await startStandalone();
		await using proxy = await TcpProxy.start(server);
		const heard = new Heard();
		const timeouts = { suspectMs: 100, commandMs: 20_000, closeMs: 500 };
		await using client = await createClient({ url: proxy.url, protocol, timeouts, hooks: heard.hooks });
		proxy.connections[0]!.toClient.stall();
		expect(await client.get("k")).toBeNull();
		await waitUntil("the end of the probe", () => heard.count("closed") > 0 || "not yet");
		expect(lives(heard.connections)).toEqual([
			["connecting", "ready", "suspected", "lost"],
			["connecting", "ready", "closed"],
			["connecting", "ready"],
		]);
		const lost = heard.connections.find(({ state }) => state === "lost");
		expect(lost!.cause).toMatch(/: the connection was given up, it is silent while the server answers others$/);
		expect(heard.commands).toMatchObject([{ name: "GET", error: null, retries: 1 }]);
	});

	test("one that cannot be made says why, each time", async () => {
		const server = await startStandalone();
		const { url, port } = server;
		await server.stop();
		const heard = new Heard();
		const error = await rejectionOf(createClient({ url, protocol, retry, timeouts: { startMs: 200 }, hooks: heard.hooks }));
		expect(error.code).toBe("CONNECTION");
		expect(lives(heard.connections).slice(0, 2)).toEqual([
			["connecting", "lost"],
			["connecting", "lost"],
		]);
		expect(heard.connections[1]!.cause).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port}: .*ECONNREFUSED.* during connect$`));
	});
});

describe("a cluster", () => {
	let cluster: ServerCluster;
	beforeAll(async () => {
		cluster = await startCluster({ replicas: 3 });
	});
	afterAll(() => cluster?.stop());
	const addresses = (nodes: readonly { port: number }[]) => nodes.map(({ port }) => `127.0.0.1:${port}`);

	test.each([2, 3] as const)("RESP%i: its map, what MOVED says, and how many slots have moved", async (protocol) => {
		const heard = new Heard();
		await using client = await createClient({
			nodes: cluster.endpoints,
			protocol,
			hooks: heard.hooks,
			cluster: { refreshMs: 0, minRefreshMs: 1 },
		});
		await waitUntil("the first map", () => heard.topologies.length > 0 || "none");
		const [first] = heard.topologies;
		expect(first).toMatchObject({ kind: "adopted", slotsMoved: 0, client: expect.stringMatching(/^slotwire#\d+$/) });
		const seen = first as Extract<TopologyEvent, { kind: "adopted" }>;
		expect(seen.primaries.toSorted()).toEqual(addresses(cluster.primaries).toSorted());
		expect(seen.replicas.toSorted()).toEqual(addresses(cluster.replicas).toSorted());

		const key = `events:moved:${protocol}`;
		const slot = keySlot(key);
		const from = Math.floor((slot * 3) / 16_384);
		const target = cluster.primaries[(from + 1) % 3]!;
		await client.set(key, "v");
		await moveSlot(cluster, slot, target);
		try {
			expect(await client.get(key)).toBe("v");
			const [was, is] = [addresses(cluster.primaries)[from]!, addresses([target])[0]!];
			expect(heard.redirections).toMatchObject([{ kind: "MOVED", slot, from: was, to: is }]);
			expect(heard.commands.at(-1)).toMatchObject({ name: "GET", slot, node: is, redirections: 1, error: null });
			await waitUntil("the next map", () => heard.topologies.length > 1 || "none");
			expect(heard.topologies[1]).toMatchObject({ kind: "adopted", slotsMoved: 1 });
		} finally {
			await moveSlot(cluster, slot, cluster.primaries[from]!);
		}
	});

	test.each([2, 3] as const)("RESP%i: ASK is told with where it leads", async (protocol) => {
		const heard = new Heard();
		await using client = await createClient({ nodes: cluster.endpoints, protocol, hooks: heard.hooks });
		const key = `events:ask:${protocol}`;
		const slot = keySlot(key);
		const from = Math.floor((slot * 3) / 16_384);
		const [source, target] = [cluster.primaries[from]!, cluster.primaries[(from + 1) % 3]!];
		await target.raw("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id);
		await source.raw("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id);
		try {
			expect(await client.get(key)).toBeNull();
			const [asker, asked] = addresses([source, target]);
			expect(heard.redirections).toMatchObject([{ kind: "ASK", slot, from: asker, to: asked }]);
			expect(heard.commands).toMatchObject([{ name: "GET", slot, node: asked, redirections: 1, retries: 0 }]);
		} finally {
			for (const node of [source, target]) await node.raw("CLUSTER", "SETSLOT", slot, "STABLE");
		}
	});

	test("a refresh that nobody answers is told, with what each node said; the map that is there stays", async () => {
		await Promise.all(cluster.nodes.map((node) => node.raw("ACL", "SETUSER", "blind", "on", ">wonder", "~*", "+@all")));
		const heard = new Heard();
		await using client = await createClient({
			nodes: cluster.endpoints,
			auth: { username: "blind", password: "wonder" },
			hooks: heard.hooks,
			cluster: { refreshMs: 50, minRefreshMs: 20 },
		});
		await Promise.all(cluster.nodes.map((node) => node.raw("ACL", "SETUSER", "blind", "-cluster|slots")));
		await waitUntil("the failure", () => heard.topologies.some(({ kind }) => kind === "failed") || "none");
		const failed = heard.topologies.find((event) => event.kind === "failed")!;
		for (const address of addresses(cluster.primaries)) expect(failed.cause).toContain(`${address}: NOPERM `);
		expect(await client.mget(["a", "b", "c"])).toEqual([null, null, null]);
	});
});
