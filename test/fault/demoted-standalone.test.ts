/** A standalone primary becomes a replica: its sockets stay open, and it refuses writes from then on. */
import dns from "node:dns";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ClientError, type ClientOptions, createClient } from "../../src/index.js";
import { Relay } from "../support/relay.js";
import { rejectionOf } from "../support/secrets.js";
import { Walker } from "../support/walker.js";

// A container does not reach another one by its address on this machine.
const here = inject("server").kind === "process";

const timeouts = { commandMs: 20_000 };
const retry = { baseMs: 10, maxMs: 200, maxAttempts: 1000 };

/** By default a primary waits 5 s for other replicas before its first copy. */
const args = ["--repl-diskless-sync-delay", "0"];

afterEach(() => {
	vi.restoreAllMocks();
});

async function isReplica(server: ServerNode): Promise<void> {
	await waitUntil("a replica with its copy", async () => {
		const state = String(await server.raw("INFO", "replication"));
		return state.includes("master_link_status:up") || state;
	});
}

/** The server's numbers of the connections that this client has to it. */
async function connectionsOf(server: ServerNode, name: string): Promise<string[]> {
	const lines = String(await server.raw("CLIENT", "LIST", "TYPE", "NORMAL")).split("\n");
	// The server turns its list round now and then.
	return lines
		.filter((line) => line.includes(` name=${name} `))
		.map((line) => line.split(" ")[0]!)
		.sort();
}

describe.runIf(here).each([2, 3] as const)("the name leads to the same server, RESP%i", (protocol) => {
	let server: ServerNode;
	let other: ServerNode;
	beforeEach(async () => {
		[server, other] = await Promise.all([startStandalone({ args }), startStandalone({ args })]);
	});
	afterEach(async () => {
		await Promise.all([server, other].map((each) => each.stop()));
	});

	const connect = (options: ClientOptions = {}): Promise<Client> =>
		createClient({ url: server.url, protocol, name: "demoted", pool: { shared: 2 }, retry, timeouts, ...options });

	async function demote(): Promise<void> {
		await server.raw("REPLICAOF", other.host, other.port);
		await isReplica(server);
	}

	/** Both shared connections and two leased ones, which are idle. */
	async function allConnections(client: Client): Promise<string[]> {
		await Promise.all([0, 1].map(() => client.withConnection({}, (own) => own.command("DEBUG", "SLEEP", "0.02"))));
		await waitUntil("four connections", () => client.stats().connections === 4 || `${client.stats().connections}`);
		return connectionsOf(server, "demoted");
	}

	test("C32 a write waits for the end of that state, and all connections are other ones by then", async () => {
		await using client = await connect();
		const before = await allConnections(client);
		await demote();
		expect(await connectionsOf(server, "demoted")).toEqual(before);
		const written = client.set("k", "v");
		await waitUntil("other connections", async () => {
			const now = await connectionsOf(server, "demoted");
			return !before.some((id) => now.includes(id)) || `${now}`;
		});
		await server.raw("REPLICAOF", "NO", "ONE");
		expect(await written).toBe("OK");
		expect(await server.raw("GET", "k")).toBe("v");
		expect(client.stats()).toMatchObject({ inFlight: 0 });
		expect(client.stats().retries).toBeGreaterThan(0);
	});

	test("C32 a write ends at its deadline with the server's word, and was not executed", async () => {
		await using client = await connect();
		await demote();
		const error = (await rejectionOf(client.with({ timeoutMs: 400 }).set("k", "v"))) as ClientError;
		expect(error).toMatchObject({ code: "TIMEOUT", maybeExecuted: false, message: expect.stringContaining("READONLY") });
		expect(error.cause).toMatchObject({ code: "READONLY" });
		const batch = await client.with({ timeoutMs: 400 }).setMany(
			[
				["a", "1"],
				["b", "2"],
			] as const,
			{ partial: true },
		);
		for (const result of batch) expect(result).toMatchObject({ code: "TIMEOUT", maybeExecuted: false });
		await server.raw("REPLICAOF", "NO", "ONE");
		expect(await client.mget(["k", "a", "b"])).toEqual([null, null, null]);
	});

	test("C32 after retry.maxAttempts a write ends with READONLY", async () => {
		await using client = await connect({ retry: { ...retry, maxAttempts: 3 } });
		await demote();
		expect(await rejectionOf(client.set("k", "v"))).toMatchObject({ code: "READONLY", maybeExecuted: false });
		expect(client.stats()).toMatchObject({ retries: 3, inFlight: 0 });
	});

	test.each([
		["a script", (client: Client) => client.command("EVAL", "return redis.call('SET', KEYS[1], 'v')", "1", "k")],
		["a leased connection", (client: Client) => client.withConnection({}, (own) => own.set("k", "v"))],
		[
			"a transaction on a leased connection",
			(client: Client) =>
				client.withConnection({}, async (own) => {
					await own.command("MULTI");
					try {
						await own.set("k", "v");
					} finally {
						await own.command("DISCARD");
					}
				}),
		],
	])("C32 the word to %s is its caller's, and all connections are replaced on its account", async (_what, write) => {
		await using client = await connect();
		const before = await allConnections(client);
		await demote();
		expect(await rejectionOf(write(client))).toMatchObject({ code: "READONLY" });
		await waitUntil("other connections", async () => {
			const now = await connectionsOf(server, "demoted");
			return (now.length >= 2 && !before.some((id) => now.includes(id))) || `${now}`;
		});
		// Nothing was sent again.
		expect(client.stats().retries).toBe(0);
		expect(await client.get("k")).toBeNull();
	});

	test("C32 many writes that wait open no storm of connections, and reads are answered meanwhile", async () => {
		await using relay = await Relay.start("127.0.0.1", () => server);
		await using client = await connect({ url: `redis://127.0.0.1:${relay.port}`, retry: { baseMs: 20, maxMs: 1000 } });
		await demote();
		const opened = relay.accepted.length;
		const began = performance.now();
		const writes = Promise.all(Array.from({ length: 200 }, (_, i) => client.set(`k${i}`, "v")));
		for (let reads = 0; performance.now() - began < 1500; reads++) expect(await client.get(`read:${reads}`)).toBeNull();
		// Pauses of 10, 20, 40 … ms on average, for each of two.
		expect(relay.accepted.length - opened).toBeGreaterThan(2);
		expect(relay.accepted.length - opened).toBeLessThan(60);
		await server.raw("REPLICAOF", "NO", "ONE");
		expect(new Set(await writes)).toEqual(new Set(["OK"]));
	});
});

describe.runIf(here && process.platform === "linux")(
	"the name leads to the new primary soon after (127.0.0.2 and 127.0.0.3, on Linux)",
	() => {
		test("C32 FAILOVER under load, RESP2 and RESP3: no error, no wrong reply, nothing lost, and nobody is left behind", async () => {
			const [first, second] = await Promise.all([startStandalone({ args }), startStandalone({ args })]);
			await using _first = first;
			await using _second = second;
			await second.raw("REPLICAOF", first.host, first.port);
			await isReplica(second);
			await using toFirst = await Relay.start("127.0.0.2", () => first);
			await using toSecond = await Relay.start("127.0.0.3", () => second, toFirst.port);
			let address = toFirst.host;
			vi.spyOn(dns, "lookup").mockImplementation(((
				_name: string,
				options: { all?: boolean },
				callback: (...args: unknown[]) => void,
			) => {
				setImmediate(() => (options.all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4)));
			}) as never);
			const connect = (protocol: 2 | 3) =>
				createClient({ url: `redis://primary.example:${toFirst.port}`, protocol, pool: { shared: 2 }, retry, timeouts });
			await using resp2 = await connect(2);
			await using resp3 = await connect(3);
			const clients = [resp2, resp3];
			const walkers = clients.flatMap((client, c) => ["a", "b", "c", "d"].map((tag) => new Walker(client, `${c}`, tag)));
			const goOn = async (): Promise<void> => {
				const before = walkers.map(({ rounds }) => rounds);
				await waitUntil("a running load", () => walkers.every(({ rounds }, i) => rounds > before[i]! + 5) || "it stands still");
			};
			try {
				for (const client of clients) await client.withConnection({}, (own) => own.get("x"));
				await goOn();
				// Its link is up before the primary counts it as online.
				await waitUntil("a replica to fail over to", async () => {
					const state = String(await first.raw("INFO", "replication"));
					return state.includes("state=online") || state;
				});
				await first.raw("FAILOVER", "TO", second.host, second.port);
				await waitUntil("the new primary", async () => String(await second.raw("ROLE")).startsWith("master") || "not yet");
				// The old one answers all this time: nothing but its word tells of the change.
				await waitUntil("a refused write", () => clients.every((client) => client.stats().retries > 0) || "none");
				address = toSecond.host;
				await goOn();
				await waitUntil("the end of the old connections", () => toFirst.accepted.every(({ destroyed }) => destroyed) || "open");
			} finally {
				await Promise.all(walkers.map((walker) => walker.stop()));
			}
			for (const walker of walkers) await walker.look();
			expect(walkers.flatMap(({ errors }) => errors)).toEqual([]);
			expect(walkers.flatMap(({ foreign }) => foreign)).toEqual([]);
			expect(walkers.flatMap(({ lost }) => lost)).toEqual([]);
			for (const client of clients) expect(client.stats()).toMatchObject({ connections: 2, inFlight: 0 });
		});
	},
);
