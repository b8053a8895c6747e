/** Clusters that lie about themselves: damaged CLUSTER SLOTS, MOVED and ASK. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, type ClientOptions, createClient } from "../../src/index.js";
import { readCorpus } from "../fuzz/corpus.js";
import { bulk, refreshes, slotsOf, startFakeClusterNode } from "../support/fake-cluster.js";
import type { FakeNode } from "../support/fake-node.js";
import { HostileAnswers, impatient, outcomeOf, patientAtFirst, recovers, tally } from "../support/hostile.js";

const { topologies, redirections } = readCorpus();
/** One of each node's slots. */
const KEYS = ["b", "c", "a"] as const;
let nodes: [FakeNode, FakeNode, FakeNode];
let slots: string;

beforeAll(async () => {
	nodes = await Promise.all([startFakeClusterNode(), startFakeClusterNode(), startFakeClusterNode()]);
	slots = slotsOf([nodes[0], 0, 5460], [nodes[1], 5461, 10922], [nodes[2], 10923, 16383]);
});
afterAll(() => Promise.all(nodes?.map((node) => node.close())));

function always(command: string[], answer: Parameters<FakeNode["always"]>[1]): void {
	for (const node of nodes) node.always(command, answer);
}

/** Each node's values are its own port: they tell who answered. */
function answerWithPorts(): void {
	for (const node of nodes) node.always(["GET"], bulk(String(node.port)));
}

/** Each slot is read from its owner again. */
async function findsOwners(clients: readonly Client[]): Promise<void> {
	const found = clients.flatMap((client) => nodes.map((node, i) => recovers(client, KEYS[i] as string, String(node.port))));
	await Promise.all(found);
}

/** Whatever address is named, one of ours is meant: nothing here looks further than this machine. */
function connect(protocol: 2 | 3, readFrom: "primary" | "replica", patience: ClientOptions): Promise<Client> {
	const natMap: NonNullable<ClientOptions["cluster"]>["natMap"] = ({ host, port }) => {
		const known = nodes.find((node) => node.host === host && node.port === port);
		return { host: nodes[0].host, port: (known ?? (nodes[port % 3] as FakeNode)).port };
	};
	const seeds = nodes.map(({ host, port }) => ({ host, port }));
	return createClient({ nodes: seeds, protocol, ...patience, cluster: { natMap, readFrom, refreshMs: 5, minRefreshMs: 1 } });
}

const connectAll = (protocol: 2 | 3): Promise<Client[]> =>
	Promise.all(
		(["primary", "primary", "replica", "replica"] as const).map((readFrom) => connect(protocol, readFrom, patientAtFirst)),
	);

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("D03 D09 damaged topologies: calls go on, and the first honest one is adopted", async () => {
		always(["READONLY"], "+OK\r\n");
		answerWithPorts();
		always(["CLUSTER", "SLOTS"], slots);
		const clients = await connectAll(protocol);
		const hostile = new HostileAnswers(topologies);
		always(["CLUSTER", "SLOTS"], hostile.answer);
		const before = refreshes(nodes[0]);
		const outcomes = await tally(clients, 40, async (client, at) => {
			await new Promise((resolve) => setImmediate(resolve));
			return client.get(`k${at}`);
		});
		expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(clients.length * 40);
		expect(outcomes.get("value")).toBeGreaterThan(0);
		expect(hostile.served).toBeGreaterThan(100);
		expect(refreshes(nodes[0])).toBeGreaterThan(before);
		always(["CLUSTER", "SLOTS"], slots);
		await findsOwners(clients);
		await Promise.all(clients.map((client) => client.close()));
	});

	test("D09 D10 a client that is told nothing else is not made, and says so in time", async () => {
		const hostile = new HostileAnswers(topologies);
		always(["CLUSTER", "SLOTS"], hostile.answer);
		const seen = new Set<string>();
		for (let round = 0; round < 3; round++) {
			const made = Array.from({ length: 10 }, () => connect(protocol, "primary", impatient).then((client) => client.close()));
			for (const outcome of await Promise.all(made.map(outcomeOf))) seen.add(outcome);
		}
		for (const outcome of seen) expect(["value", "CONNECTION", "CLUSTER"]).toContain(outcome);
		expect(hostile.served).toBeGreaterThan(30);
	});

	test("D12 D16 A25 damaged redirections: every call settles, and the slots are found again", async () => {
		always(["CLUSTER", "SLOTS"], slots);
		const clients = await connectAll(protocol);
		const hostile = new HostileAnswers(redirections, { percent: 30, reply: bulk("v") });
		always(["ASKING"], "+OK\r\n");
		always(["GET"], hostile.answer);
		always(["SET"], hostile.answer);
		const outcomes = await tally(clients, 60, (client, at) =>
			at % 3 === 0 ? client.command("SET", `k${at}`, "v") : client.get(`k${at}`),
		);
		expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(clients.length * 60);
		expect([...outcomes.keys()]).toEqual(expect.arrayContaining(["value", "PROTOCOL", "MOVED"]));
		expect(hostile.served).toBeGreaterThan(clients.length * 60);
		expect(clients.some((client) => client.stats().redirections > 0)).toBe(true);
		answerWithPorts();
		await findsOwners(clients);
		await Promise.all(clients.map((client) => client.close()));
	});
});
