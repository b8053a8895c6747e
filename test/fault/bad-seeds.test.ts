/** Every kind of seed that is of no help, in front of one that is, and among its like alone. */
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { RawConnection, type RawReply, type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { addressOf } from "../support/addresses.js";
import { rejectionOf } from "../support/secrets.js";

const good = inject("clusterUrl").replace("redis-cluster://", "").split(",");
const keys = Array.from({ length: 60 }, (_, i) => `bad-seeds:${i}`);
const clusterMode = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"];

/** Where a seed of each kind is. */
const seeds = new Map<string, string>();
const servers: ServerNode[] = [];

async function start(args: string[]): Promise<ServerNode> {
	const server = await startStandalone({ args });
	servers.push(server);
	return server;
}

beforeAll(async () => {
	seeds.set("dead", await deadAddress());
	seeds.set("replica", await replicaAddress());

	const stopped = await start(clusterMode);
	await stopped.pause();
	seeds.set("stopped", addressOf(stopped));

	const loading = await start(clusterMode);
	// At half a millisecond for each, this load outlasts the file.
	await loading.raw("DEBUG", "POPULATE", 100_000);
	await loading.raw("SAVE");
	await loading.kill();
	await loading.restart({
		args: ["--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024"],
		until: "listening",
	});
	seeds.set("loading", addressOf(loading));

	seeds.set("standalone", addressOf(await start([])));

	const forbidding = await start(clusterMode);
	await forbidding.raw("ACL", "SETUSER", "default", "-cluster|slots");
	seeds.set("forbidding", addressOf(forbidding));

	seeds.set("empty", addressOf(await start(clusterMode)));
});
afterAll(async () => {
	await Promise.all(servers.map((server) => server.stop()));
});

async function deadAddress(): Promise<string> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return `127.0.0.1:${port}`;
}

async function replicaAddress(): Promise<string> {
	const { hostname: host, port } = new URL(`redis://${good[0]}`);
	await using connection = await RawConnection.open({ host, port: Number(port) });
	const ranges = (await connection.command("CLUSTER", "SLOTS")) as [number, number, RawReply[], [string, number]][];
	return `${ranges[0]![3][0]}:${ranges[0]![3][1]}`;
}

const kinds = ["dead", "stopped", "replica", "loading", "standalone", "forbidding", "empty"];

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test.each(kinds)("D10 a seed that is %s, then a good one: the client starts and works", async (kind) => {
		const started = performance.now();
		await using client = await createClient({ nodes: [seeds.get(kind)!, good[1]!], protocol });
		// Far from startMs and from the connect timeout of the bad one.
		expect(performance.now() - started).toBeLessThan(1900);
		expect(await client.mget(keys)).toEqual(keys.map(() => null));
		expectNoneTooMany(client);
	});
});

test("D10 bad seeds of every kind that may mend before the only good one", async () => {
	const bad = kinds.filter((kind) => kind !== "standalone");
	await using client = await createClient({ nodes: [...bad.map((kind) => seeds.get(kind)!), good[2]!] });
	expect(await client.mget(keys)).toEqual(keys.map(() => null));
	expectNoneTooMany(client);
});

/** The primaries' connections, and that of a replica that was a seed: it is a node of the cluster. */
function expectNoneTooMany(client: Client): void {
	expect(client.stats().redirections).toBe(0);
	expect(client.stats().connections).toBeLessThanOrEqual(4);
}

test("D10 only bad seeds: CONNECTION by startMs, with each seed and its cause", async () => {
	const bad = ["dead", "stopped", "loading", "forbidding", "empty"];
	const started = performance.now();
	const error = await rejectionOf(
		createClient({ nodes: bad.map((kind) => seeds.get(kind)!), timeouts: { startMs: 600 } }).then((client) => client.close()),
	);
	const took = performance.now() - started;
	expect(error).toMatchObject({ code: "CONNECTION" });
	expect(took).toBeGreaterThanOrEqual(590);
	// The connect timeout of the stopped one is 2000.
	expect(took).toBeLessThan(1900);
	const causes = { dead: "ECONNREFUSED", stopped: "", loading: "LOADING|no slots", forbidding: "NOPERM", empty: "no slots" };
	for (const [kind, cause] of Object.entries(causes)) {
		const address = seeds.get(kind)!.replaceAll(".", "\\.");
		expect(error.message, kind).toMatch(new RegExp(`${address}[^;]* [^;]*(?:${cause})`));
	}
});

test("D10 only standalone seeds: CLUSTER at once, and the way out", async () => {
	const started = performance.now();
	await expect(createClient({ nodes: [seeds.get("standalone")!] })).rejects.toMatchObject({
		code: "CLUSTER",
		message: expect.stringMatching(new RegExp(`${seeds.get("standalone")}.*standalone.*redis://`)),
	});
	expect(performance.now() - started).toBeLessThan(5000);
});
