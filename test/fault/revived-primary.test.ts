/** A primary that stood still is woken after its replica took over: what it was sent before, it may execute now. */
import { expect, test } from "vitest";
import { type ClusterNode, isPromoted, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { ClusterTaps } from "../support/cluster-taps.js";
import { tagsOf } from "../support/load.js";
import { rejectionOf } from "../support/secrets.js";
import { Walker } from "../support/walker.js";

test("D32 N3 nothing is said to it any more, and nobody hears what it says, RESP2 and RESP3", async () => {
	await using cluster = await startCluster({
		primaries: 3,
		replicas: 3,
		nodeTimeoutMs: 1500,
		args: ["--cluster-require-full-coverage", "no"],
	});
	await using taps = await ClusterTaps.start(cluster.nodes);
	const connect = (protocol: 2 | 3): Promise<Client> =>
		createClient({
			url: taps.url,
			protocol,
			timeouts: { commandMs: 25_000, suspectMs: 300 },
			pool: { shared: 2 },
			cluster: { natMap: taps.natMap, minRefreshMs: 50 },
		});
	await using resp2 = await connect(2);
	await using resp3 = await connect(3);
	const clients = [resp2, resp3];
	const [tag] = await tagsOf(cluster);
	const [revived] = cluster.primaries as [ClusterNode, ...ClusterNode[]];
	const replica = cluster.replicas.find(({ replicaOf }) => replicaOf === revived)!;
	const keys = clients.map((_, i) => `{${tag}}:${i}`);
	const each = <T>(use: (client: Client, key: string) => Promise<T>) =>
		Promise.all(clients.map((client, i) => use(client, keys[i]!)));
	await each((client, key) => client.set(key, "first"));
	// The connections that leases left are as much at the old primary as the shared ones.
	await each((client, key) => client.withConnection({ key }, (own) => own.get(key)));

	await revived.pause();
	const late = each((client, key) => rejectionOf(client.set(key, "late")));
	const givenUp = each((client, key) => rejectionOf(client.with({ timeoutMs: 100 }).set(key, "given up")));
	const reads = each((client, key) => client.get(key));
	const counts = each((client, key) => rejectionOf(client.incr(`${key}:n`)));
	for (const error of await givenUp) expect(error).toMatchObject({ code: "TIMEOUT", maybeExecuted: true });
	await isPromoted(cluster, replica);
	// Of unknown outcome, and settled before the old primary can say anything.
	for (const error of [...(await late), ...(await counts)])
		expect(error).toMatchObject({ code: "CONNECTION", maybeExecuted: true });
	expect(await reads).toEqual(["first", "first"]);
	expect(await each((client, key) => client.set(key, "second"))).toEqual(["OK", "OK"]);
	// Ended by the clients: the other half of each is the server's, which cannot answer.
	const open = () => taps.proxy(revived).connections.filter(({ client }) => !client.readableEnded && !client.destroyed).length;
	await waitUntil("the end of its connections", () => open() === 0 || `${open()} are open`);
	taps.clear();

	const walkers = clients.flatMap((client) => [0, 1, 2].map(() => new Walker(client, "revived", tag!)));
	try {
		const goesOn = async (): Promise<void> => {
			const rounds = walkers.map((walker) => walker.rounds);
			await waitUntil("a running load", () => walkers.every((walker, i) => walker.rounds > rounds[i]! + 5) || "it stands still");
		};
		await goesOn();
		await revived.resume();
		await goesOn();
		await waitUntil("its new role", async () => {
			const role = String(await revived.raw("INFO", "replication"));
			return (role.includes("role:slave") && role.includes("master_link_status:up")) || role;
		});
		await goesOn();
	} finally {
		await Promise.all(walkers.map((walker) => walker.stop()));
	}
	// Other nodes' views name it as a replica again; nothing but the client's own questions may go there.
	expect(taps.commands(revived).flat()).toEqual([]);
	expect(taps.commands(replica).flat().length).toBeGreaterThan(100);
	expect(await each((client, key) => client.get(key))).toEqual(["second", "second"]);
	expect(await each((client, key) => client.get(`${key}:n`))).toEqual([null, null]);
	for (const { errors, foreign, lost } of walkers) expect([errors, foreign, lost]).toEqual([[], [], []]);
	for (const client of clients) expect(client.stats().inFlight).toBe(0);
});
