/**
 * Credentials that expire: live connections are given new ones in time. Each node's users are its own, and a user that is deleted takes its
 * connections along: a connection that outlives the user it was made with has become another.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { type Client, type ClientOptions, createClient, type Endpoint } from "../../src/index.js";
import { Heard } from "../support/heard.js";
import { leaksOf } from "../support/leaks.js";

/** Renewals come once a second then, which is the least. */
const LIFE_MS = 1300;
/** One shared, and one that is leased now and then. */
const PER_NODE = 2;

let server: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[server, cluster] = await Promise.all([startStandalone(), startCluster()]);
});
afterAll(() => Promise.all([server?.stop(), cluster?.stop()]));

/** Gives each asker a user of its own, for one node, known to nobody else. */
class Issuer {
	readonly asked = new Map<string, string[]>();
	readonly #name: string;
	readonly #nodes: readonly ServerNode[];

	constructor(name: string, nodes: readonly ServerNode[]) {
		this.#name = name;
		this.#nodes = nodes;
		for (const node of nodes) this.asked.set(addressOf(node), []);
	}

	get secrets(): string[] {
		return [...this.asked.values()].flat().map((user) => `secret-of-${user}`);
	}

	auth = async (at: Endpoint) => {
		const users = this.asked.get(addressOf(at))!;
		const username = `${this.#name}-${users.length}`;
		users.push(username);
		const password = `secret-of-${username}`;
		await this.node(at).raw("ACL", "SETUSER", username, "on", `>${password}`, "~*", "+@all");
		return { username, password, expiresInMs: LIFE_MS };
	};

	node(at: Endpoint): ServerNode {
		return this.#nodes.find((node) => node.port === at.port)!;
	}
}

const addressOf = ({ port }: { port: number }) => `127.0.0.1:${port}`;

/** Goes on with every kind of call until it is stopped; rejects with what any of them rejects with. */
class Traffic {
	rounds = 0;
	readonly end: Promise<void>;
	#going = true;

	constructor(client: Client, name: string, leases = true) {
		this.end = this.#run(client, name, leases);
		this.end.catch(() => {});
	}

	stop(): Promise<void> {
		this.#going = false;
		return this.end;
	}

	async #run(client: Client, name: string, leases: boolean): Promise<void> {
		const keys = Array.from({ length: 12 }, (_, index) => `${name}:${index}`);
		await client.setMany(keys.map((key) => [key, "v"]));
		while (this.#going) {
			this.rounds += 1;
			const [values, counts, pipelined, leased] = await Promise.all([
				client.mget(keys),
				Promise.all(keys.map((key) => client.incr(`${key}:n`))),
				client.pipeline().get(keys[0]!).get(keys[1]!).exec(),
				leases ? client.withConnection({ key: keys[2]! }, (own) => own.get(keys[2]!)) : "v",
			]);
			expect([values, counts, pipelined]).toEqual([keys.map(() => "v"), keys.map(() => this.rounds), ["v", "v"]]);
			expect(leased).toBe("v");
		}
	}
}

async function usersAt(node: ServerNode, client: string): Promise<string[]> {
	const list = String(await node.raw("CLIENT", "LIST"));
	return list
		.split("\n")
		.filter((line) => line.includes(` name=${client} `))
		.map((line) => / user=(\S*)/.exec(line)![1]!);
}

/** After each renewal the users of before are deleted, and all their connections with them. */
async function renewTwice(node: ServerNode, name: string, issuer: Issuer, heard: Heard): Promise<void> {
	const address = addressOf(node);
	const users = issuer.asked.get(address)!;
	const renewed = () => heard.count("reauthenticated", address);
	for (let round = 1; round <= 2; round++) {
		await waitUntil(`renewal ${round} of ${name}`, () => renewed() >= PER_NODE * round || `${renewed()} renewed`);
		const newest = users.length - 1;
		await waitUntil("the newest user on every connection", async () => {
			const seen = await usersAt(node, name);
			return seen.every((user) => Number(user.split("-")[1]) >= newest) || seen.join();
		});
		for (const old of users.slice(0, newest)) await node.raw("ACL", "DELUSER", old);
	}
	// Every connection asked for itself when it was made.
	const renewals = users.length - heard.count("connecting", address);
	expect(renewals).toBeGreaterThanOrEqual(2);
	expect(renewed()).toBeGreaterThanOrEqual(PER_NODE * (renewals - 1));
	expect(renewed()).toBeLessThanOrEqual(PER_NODE * renewals);
}

test("C36 C04 live connections of every kind become another user before the old one goes: no call fails, none is lost, and a provider is asked once per node each time", async () => {
	const rigs = await Promise.all(
		(["standalone", "cluster"] as const).flatMap((topology) =>
			([2, 3] as const).map(async (protocol) => {
				const nodes = topology === "cluster" ? cluster.primaries : [server];
				const name = `${topology}${protocol}`;
				const issuer = new Issuer(name, nodes);
				const heard = new Heard();
				const where: ClientOptions = topology === "cluster" ? { nodes: cluster.endpoints } : { url: server.url };
				const pool = { minDedicated: 1, maxDedicated: 1 };
				const client = await createClient({ ...where, name, protocol, pool, auth: issuer.auth, hooks: heard.hooks });
				const traffic = new Traffic(client, name);
				return { name, nodes, issuer, heard, client, traffic };
			}),
		),
	);
	try {
		await Promise.all(
			rigs.map(async ({ name, nodes, issuer, heard, client, traffic }) => {
				await waitUntil("all connections", () => {
					const { connections } = client.stats();
					return connections === PER_NODE * nodes.length || `${connections}`;
				});
				const first = heard.connections.filter(({ state }) => state === "ready").map(({ connection }) => connection);
				await Promise.all(nodes.map((node) => renewTwice(node, name, issuer, heard)));
				const before = traffic.rounds;
				await waitUntil("traffic after that", () => traffic.rounds > before + 3 || "it stands still");
				await traffic.stop();
				expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
				// One per connection at the start; from then on none was made or lost.
				expect(heard.connections.filter(({ state }) => state === "ready").map(({ connection }) => connection)).toEqual(first);
				expect([heard.count("lost"), heard.count("retired"), heard.errors]).toEqual([0, 0, []]);
				expect(heard.commands.filter(({ name: command }) => command === "AUTH")).toEqual([]);
				expect(leaksOf(heard.sample, issuer.secrets)).toEqual([]);
				expect(leaksOf(client, issuer.secrets)).toEqual([]);
			}),
		);
	} finally {
		for (const { client } of rigs) client.destroy();
		await Promise.allSettled(rigs.map(({ traffic }) => traffic.stop()));
	}
});

test("C36 C04 a provider that fails or hangs at a renewal is asked again, no more than once a second, and calls notice nothing; nor when the time is over", async () => {
	await server.raw("ACL", "SETUSER", "patient", "on", ">wonder-patient", "~*", "+@all");
	const good = { username: "patient", password: "wonder-patient", expiresInMs: LIFE_MS };
	await Promise.all(
		([2, 3] as const).map(async (protocol) => {
			const asked: number[] = [];
			const answers = [
				() => good,
				() => Promise.reject(new Error("the vault said wonder-patient")),
				() => new Promise<never>(() => {}),
			];
			const auth = () => {
				asked.push(performance.now());
				return (answers[asked.length - 1] ?? (() => good))();
			};
			const heard = new Heard();
			await using client = await createClient({
				url: server.url,
				protocol,
				auth,
				hooks: heard.hooks,
				timeouts: { connectMs: 150 },
			});
			const traffic = new Traffic(client, `patient${protocol}`, false);
			await waitUntil("the renewal in the end", () => heard.count("reauthenticated") > 0 || heard.failures.join(), {
				timeoutMs: 15_000,
			});
			await traffic.stop();
			expect(heard.failures).toEqual(["credentials: AUTH", "credentials: TIMEOUT"]);
			const [, ...renewals] = asked;
			expect(renewals.length).toBeGreaterThanOrEqual(3);
			for (const [at, time] of renewals.entries()) if (at > 0) expect(time - renewals[at - 1]!).toBeGreaterThan(990);
			expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
			expect(leaksOf(heard.sample, ["wonder-patient"])).toEqual([]);
		}),
	);
});

test("C04 C37 a provider of what does not expire is not asked again; one whose client is gone is not either", async () => {
	await server.raw("ACL", "SETUSER", "lasting", "on", ">wonder", "~*", "+@all");
	let asked = 0;
	const credentials = (more: object) => () => {
		asked += 1;
		return { username: "lasting", password: "wonder", ...more };
	};
	const lasting = await createClient({ url: server.url, auth: credentials({}) });
	const gone = await createClient({ url: server.url, auth: credentials({ expiresInMs: 1 }) });
	// Longer than any timer of Node can be set for.
	const years = await createClient({ url: server.url, auth: credentials({ expiresInMs: 2 ** 40 }) });
	const heard = new Heard();
	const other = await createClient({ url: server.url, auth: credentials({ expiresInMs: LIFE_MS }), hooks: heard.hooks });
	gone.destroy();
	expect(asked).toBe(4);
	await waitUntil("the renewal of the one that needs it", () => heard.count("reauthenticated") === 1 || "not yet");
	expect(asked).toBe(5);
	for (const client of [lasting, years]) {
		expect(await client.get("lasting:none")).toBeNull();
		client.destroy();
	}
	other.destroy();
});

test.each([0, -1, "60", Number.NaN])("C04 an expiresInMs of %j is refused at once", async (expiresInMs) => {
	const auth = () => ({ expiresInMs: expiresInMs as number });
	await expect(createClient({ url: server.url, auth })).rejects.toMatchObject({
		code: "AUTH",
		message: `${addressOf(server)}: the credential provider gave an expiresInMs that is no positive number`,
	});
});
