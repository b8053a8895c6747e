/** A cluster over mutual TLS whose nodes announce host names: each is asked for, and checked, by the name that the topology gave it. */
import dns from "node:dns";
import type { LookupFunction } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Certificates, certificates } from "../../fixtures/certificates.js";
import {
	type ClusterNode,
	moveSlot,
	nodeOfSlot,
	type RawConnection,
	type RawReply,
	type ServerCluster,
	startCluster,
	waitUntil,
} from "../../fixtures/servers.js";
import { type ClientOptions, createClient, type Endpoint } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { present } from "../support/presented-certificate.js";
import { TcpProxy } from "../support/proxy.js";
import { rejectionOf } from "../support/secrets.js";

const DOMAIN = "nodes.slotwire.example";
/** In every certificate, beside the node's own name. */
const SHARED = "cluster.slotwire.example";

let cluster: ServerCluster;
let made: Certificates;
const proxies = new Map<number, TcpProxy>();
/** The names that clients asked for in their first record, by the port that they meant. */
const asked = new Map<number, string[]>();
const controls = new Map<ClusterNode, RawConnection>();

const nameOf = (node: ClusterNode) => `n${cluster.nodes.indexOf(node)}.${DOMAIN}`;
/** The server behind the proxies is at this address, which is in every certificate: who checks addresses finds nothing wrong. */
const certificateFor = (name: string) => made.issue({ names: [name, SHARED, "127.0.0.1"] });

async function presentTo(node: ClusterNode, name: string): Promise<void> {
	await present(node, controls.get(node)!, await certificateFor(name));
}

// The certificates have to lie where the servers can read them.
const local = inject("server").kind === "process";

beforeAll(async () => {
	if (!local) return;
	[made, cluster] = await Promise.all([certificates(), startCluster({ replicas: 1, tls: "mutual" })]);
	for (const node of cluster.nodes) {
		controls.set(node, await node.connect());
		await presentTo(node, nameOf(node));
		await node.raw("CONFIG", "SET", "cluster-announce-hostname", nameOf(node), "cluster-preferred-endpoint-type", "hostname");
		const proxy = await TcpProxy.start(node);
		const names: string[] = [];
		asked.set(node.port, names);
		proxy.onConnection(({ toServer }) => {
			let first = true;
			toServer.tap((bytes) => {
				if (first) names.push(...(/[\w.]*slotwire\.example/.exec(bytes.toString("latin1")) ?? ["none"]));
				first = false;
			});
		});
		proxies.set(node.port, proxy);
	}
	await waitUntil("names known to every node", async () => {
		for (const node of cluster.nodes) {
			const text = JSON.stringify(await node.raw("CLUSTER", "SLOTS"));
			if (!cluster.nodes.every((other) => text.includes(`"${nameOf(other)}",${other.port}`))) return text;
		}
		return true;
	});
});
afterAll(async () => {
	for (const control of controls.values()) control.close();
	await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
	await cluster?.stop();
});

const lookup: LookupFunction = (name, options, callback) => {
	if (!name.endsWith(".slotwire.example")) dns.lookup(name, options, callback);
	else if (options.all) callback(null, [{ address: "127.0.0.1", family: 4 }]);
	else callback(null, "127.0.0.1", 4);
};

function options({ tls, ...more }: ClientOptions = {}): ClientOptions {
	const seed = cluster.primaries[0]!;
	return {
		nodes: [{ host: nameOf(seed), port: seed.port }],
		tls: { ca: made.ca, ...made.client, lookup, ...(tls as object) },
		retry: { baseMs: 5, maxMs: 200 },
		...more,
		cluster: {
			// Names stay what they are, so that it is they that are looked up and checked.
			natMap: ({ host, port }: Endpoint) => ({ host, port: proxies.get(port)!.port }),
			...more.cluster,
		},
	};
}

/** The seed is not translated by natMap. */
function connect(more: ClientOptions = {}) {
	const seed = cluster.primaries[0]!;
	return createClient({ ...options(more), nodes: [{ host: nameOf(seed), port: proxies.get(seed.port)!.port }] });
}

const keys = Array.from({ length: 40 }, (_, index) => `tls-hostnames:${index}`);

async function keysBy(): Promise<Map<ClusterNode, string[]>> {
	const slots = (await cluster.primaries[0]!.raw("CLUSTER", "SLOTS")) as [number, number, [string, number], ...RawReply[]][];
	const map = new Map<ClusterNode, string[]>();
	for (const key of keys) {
		const slot = keySlot(key);
		const port = slots.find(([first, last]) => slot >= first && slot <= last)![2][1];
		const node = cluster.nodes.find((each) => each.port === port)!;
		map.set(node, [...(map.get(node) ?? []), key]);
	}
	return map;
}

function forget(): void {
	for (const names of asked.values()) names.length = 0;
}

describe.runIf(local)("nodes that announce names", () => {
	test("C28 D06 each is asked for by its own name, and serves strings, batches and leases, in RESP2 and RESP3", async () => {
		forget();
		const clients = await Promise.all(([2, 3] as const).map((protocol) => connect({ protocol })));
		try {
			for (const [index, client] of clients.entries()) {
				const values = keys.map((key) => `${key}=${index}`);
				expect(await client.setMany(keys.map((key, at) => [key, values[at]!]))).toEqual(keys.map(() => "OK"));
				expect(await client.mget(keys)).toEqual(values);
				for (const [, [key]] of await keysBy()) {
					const target = Buffer.alloc(64);
					expect(await client.getInto(key!, target)).toBe(`${key}=${index}`.length);
					expect(await client.withConnection({ key: key! }, (own) => own.get(key!))).toBe(`${key}=${index}`);
				}
				expect(client.stats()).toMatchObject({ redirections: 0, reconnects: 0 });
			}
			for (const node of cluster.primaries) {
				// A shared and a leased connection of each client.
				expect(asked.get(node.port)).toEqual(Array(4).fill(nameOf(node)));
			}
		} finally {
			for (const client of clients) client.destroy();
		}
	});

	test("C28 D06 a node with another node's certificate is refused by name, the others serve on, and the right one heals it", async () => {
		const wrong = cluster.primaries[2]!;
		const others = [...(await keysBy())].filter(([node]) => node !== wrong).flatMap(([, own]) => own);
		const [lost] = (await keysBy()).get(wrong)!;
		// It vouches for the address that is dialled, and for a name of the same cluster.
		await presentTo(wrong, nameOf(cluster.primaries[1]!));
		const clients = await Promise.all(
			([2, 3] as const).map((protocol) => connect({ protocol, timeouts: { commandMs: 25_000, closeMs: 100 } })),
		);
		const dialled = () => proxies.get(wrong.port)!.connections.length;
		try {
			const before = dialled();
			const began = performance.now();
			for (const client of clients) {
				expect(await client.setMany(others.map((key) => [key, "v"]))).toEqual(others.map(() => "OK"));
				const error = await rejectionOf(client.with({ timeoutMs: 400 }).get(lost!));
				expect(error.code).toBe("TIMEOUT");
				const words = new RegExp(`${nameOf(wrong)}:\\d+: ERR_TLS_CERT_ALTNAME_INVALID.*${nameOf(cluster.primaries[1]!)}`);
				expect(error.message).toMatch(words);
				const batch = await rejectionOf(client.mget(keys, { timeoutMs: 400 }));
				expect(batch.code).toBe("BATCH");
				const { results } = batch as unknown as { results: unknown[] };
				expect(keys.filter((_, at) => results[at] instanceof Error)).toEqual(keys.filter((key) => !others.includes(key)));
				const lease = await rejectionOf(client.withConnection({ key: lost! }, async () => {}));
				expect(lease.code).toBe("CONNECTION");
				expect(lease.message).toMatch(words);
				expect(await client.mget(others)).toEqual(others.map(() => "v"));
			}
			// Two clients and a lease each; more means that they spin.
			expect(dialled() - before).toBeLessThanOrEqual(2 * (3 + Math.ceil((performance.now() - began) / 200)));
			const waiting = clients.map((client) => client.command("SET", lost!, "healed", "GET"));
			await presentTo(wrong, nameOf(wrong));
			expect(await Promise.all(waiting)).toContain("healed");
		} finally {
			for (const client of clients) client.destroy();
		}
	});

	test("C28 tls.servername is asked of, and checked for, every node instead of its own name", async () => {
		const wrong = cluster.primaries[2]!;
		await presentTo(wrong, "stranger.slotwire.example");
		try {
			forget();
			await using client = await connect({ tls: { servername: SHARED } });
			expect(await client.setMany(keys.map((key) => [key, "v"]))).toEqual(keys.map(() => "OK"));
			expect(new Set([...asked.values()].flat())).toEqual(new Set([SHARED]));
			const refused = await rejectionOf(connect({ tls: { servername: nameOf(wrong) }, timeouts: { startMs: 300 } }));
			expect(refused.code).toBe("CONNECTION");
			// The seed has its own name and the shared one, but not this.
			expect(refused.message).toMatch(new RegExp(`ERR_TLS_CERT_ALTNAME_INVALID.*${nameOf(wrong)}`));
		} finally {
			await presentTo(wrong, nameOf(wrong));
		}
	});

	test("C28 MOVED by a slot that moved: the new owner is checked by its name before it is told anything", async () => {
		const slot = keySlot(keys[0]!);
		const source = await nodeOfSlot(cluster, slot);
		const target = cluster.primaries.find((node) => node !== source)!;
		// Nothing but a MOVED can tell of the new owner.
		const silent = { cluster: { refreshMs: 0, minRefreshMs: 60_000 } };
		await using client = await connect({ ...silent, timeouts: { commandMs: 25_000, closeMs: 100 } });
		await client.mget(keys);
		await presentTo(target, "stranger.slotwire.example");
		try {
			await controls.get(target)!.command("CLIENT", "KILL", "TYPE", "normal");
			// The tool that moves slots knows the servers by address.
			await moveSlot(cluster, slot, target);
			const error = await rejectionOf(client.with({ timeoutMs: 600 }).get(keys[0]!));
			expect(error.message).toMatch(new RegExp(`${nameOf(target)}:\\d+: ERR_TLS_CERT_ALTNAME_INVALID.*stranger`));
		} finally {
			await presentTo(target, nameOf(target));
		}
		expect(await client.set(keys[0]!, "moved")).toBe("OK");
		expect(await target.raw("GET", keys[0]!)).toBe("moved");
	});

	test("C28 MOVED to a node learned later, a replica that took over: it is checked by its name too", async () => {
		const replica = cluster.replicas[0]!;
		const primary = replica.replicaOf!;
		const [key] = (await keysBy()).get(primary)!;
		// Nothing but a MOVED can tell of the new node.
		const silent = { cluster: { refreshMs: 0, minRefreshMs: 60_000 } };
		await using client = await connect({ ...silent, timeouts: { commandMs: 25_000, closeMs: 100 } });
		expect(await client.set(key!, "before")).toBe("OK");
		await presentTo(replica, "stranger.slotwire.example");
		forget();
		await replica.raw("CLUSTER", "FAILOVER");
		await waitUntil("the failover", async () => {
			const answer = await primary.raw("GET", key!).catch((error: Error) => error.message);
			return String(answer).includes(nameOf(replica)) || String(answer);
		});
		const error = await rejectionOf(client.with({ timeoutMs: 500 }).set(key!, "after"));
		expect(error.code).toBe("TIMEOUT");
		expect(error.message).toMatch(new RegExp(`${nameOf(replica)}:\\d+: ERR_TLS_CERT_ALTNAME_INVALID.*stranger`));
		expect(await replica.raw("GET", key!)).toBe("before");
		const waiting = client.set(key!, "after");
		await presentTo(replica, nameOf(replica));
		expect(await waiting).toBe("OK");
		expect(await replica.raw("GET", key!)).toBe("after");
		expect(new Set(asked.get(replica.port))).toEqual(new Set([nameOf(replica)]));
	});
});
