/** ACL users on a real cluster: each node keeps its own list, and each connection is one of its users. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClusterNode, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type BatchError, type Client, type ClientOptions, createClient } from "../../src/index.js";
import { keySlot } from "../../src/slot.js";
import { commandStats } from "../support/command-stats.js";
import { everythingOf, rejectionOf } from "../support/secrets.js";

const OWN = "on resetkeys resetchannels -@all +@read +@write +@connection +cluster|slots +readonly".split(" ");

let cluster: ServerCluster;
beforeAll(async () => {
	cluster = await startCluster({ replicas: 3, requirepass: "sekret" });
});
afterAll(() => cluster?.stop());

async function setUser(name: string, rules: readonly string[], nodes: readonly ClusterNode[] = cluster.nodes): Promise<void> {
	await Promise.all(nodes.map((node) => node.raw("ACL", "SETUSER", name, ...rules)));
}

function connect(username: string, password: string, more: ClientOptions = {}): Promise<Client> {
	return createClient({
		nodes: cluster.endpoints,
		auth: { username, password },
		retry: { baseMs: 1, maxMs: 60 },
		...more,
	});
}

const keys = Array.from({ length: 30 }, (_, index) => `app:${index}`);
/** The first of `keys` that a primary, by its number, serves. */
const keyOf = (primary: number) => keys.find((key) => Math.floor((keySlot(key) * 3) / 16_384) === primary)!;

async function sumOf(what: RegExp): Promise<number> {
	const texts = await Promise.all(cluster.nodes.map((node) => node.raw("INFO", "commandstats")));
	return texts.reduce((sum: number, text) => sum + Number(what.exec(String(text))?.[1] ?? 0), 0);
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C36 what a user may not do is told once, typed and not sent again; others of the call, and other users, are served", async () => {
		await setUser("limited", [...OWN, "~app:*", ">wonder"]);
		await using limited = await connect("limited", "wonder", { protocol });
		await using other = await connect("default", "sekret", { protocol });
		const refused = () => sumOf(/cmdstat_set:.*rejected_calls=(\d+)/);
		const before = await refused();

		const foreign = await rejectionOf(limited.set("foreign:k", "a value"));
		expect(foreign).toMatchObject({ code: "NOPERM", maybeExecuted: false });
		const command = await rejectionOf(limited.command("CONFIG", "GET", "requirepass"));
		expect(command).toMatchObject({ code: "NOPERM", maybeExecuted: false });
		expect(await refused()).toBe(before + 1);

		const entries = [...keys, "foreign:1", "foreign:2"].map((key) => [key, `v ${key}`] as const);
		const batch = (await rejectionOf(limited.setMany(entries))) as BatchError;
		expect(batch.code).toBe("BATCH");
		const codes = batch.results.map((result) => (result as { code?: string }).code ?? result);
		expect(codes).toEqual([...keys.map(() => "OK"), "NOPERM", "NOPERM"]);
		expect(await refused()).toBe(before + 3);
		expect(everythingOf([foreign, command])).not.toMatch(/a value|wonder/);

		expect(await limited.mget(keys)).toEqual(keys.map((key) => `v ${key}`));
		const lease = limited.withConnection({ key: keys[0]! }, async (own) => {
			await expect(own.set("{app:0}", "v")).rejects.toMatchObject({ code: "NOPERM" });
			return await own.get(keys[0]!);
		});
		expect(await lease).toBe(`v ${keys[0]}`);
		expect(limited.stats()).toMatchObject({ retries: 0, reconnects: 0, redirections: 0 });
		expect(await other.set("foreign:k", "mine")).toBe("OK");
		expect(other.stats()).toMatchObject({ retries: 0, reconnects: 0 });
	});

	test("D10 a user that may not see the topology is told so by startMs, for each seed", async () => {
		await setUser("blind", ["on", ">wonder", "~*", "+@all", "-cluster"]);
		const error = await rejectionOf(connect("blind", "wonder", { protocol, timeouts: { startMs: 400 } }));
		expect(error.code).toBe("CONNECTION");
		for (const { port } of cluster.primaries) expect(error.message).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}: NOPERM `));
		expect(everythingOf(error)).not.toContain("wonder");
	});
});

test("C04 C36 a user that one node forgot, or knows by another password, is refused there; the others serve on, and it is healed there", async () => {
	await setUser("leaver", [...OWN, "~app:*", ">wonder"]);
	const clients = await Promise.all(([2, 3] as const).map((protocol) => connect("leaver", "wonder", { protocol })));
	await using other = await connect("default", "sekret");
	const node = cluster.primaries[1]!;
	try {
		for (const client of clients) await client.setMany(keys.map((key) => [key, "v"]));
		await other.mget(keys);
		const served = keys.filter((key) => keySlot(key) < 5461 || keySlot(key) > 10_922);
		for (const away of [
			() => node.raw("ACL", "DELUSER", "leaver"),
			// Who is connected stays so: SETUSER ends no connection.
			() => node.raw("ACL", "SETUSER", "leaver", "resetpass", ">other").then(() => node.raw("CLIENT", "KILL", "USER", "leaver")),
		]) {
			await away();
			for (const client of clients) {
				// A connection that ends with a command on it says so; every later one is the refusal.
				await waitUntil("the refusal", async () => {
					const error = await rejectionOf(client.set(keyOf(1), "v")).catch(() => null);
					return error?.code === "AUTH" || `${error?.code}`;
				});
				const error = await rejectionOf(client.get(keyOf(1)));
				expect(error).toMatchObject({
					code: "AUTH",
					message: `127.0.0.1:${node.port} refused the credentials (WRONGPASS)`,
				});
				const lease = await rejectionOf(client.withConnection({ key: keyOf(1) }, async () => {}));
				expect(lease.code).toBe("AUTH");
				expect(everythingOf([error, lease])).not.toContain("wonder");
				expect(await client.mget(served)).toEqual(served.map(() => "v"));
				const batch = (await rejectionOf(client.mget(keys))) as BatchError;
				const codes = batch.results.map((result) => (result as { code?: string }).code ?? result);
				expect(codes).toEqual(keys.map((key) => (served.includes(key) ? "v" : "AUTH")));
			}
			await setUser("leaver", [...OWN, "~app:*", "resetpass", ">wonder"], [node]);
			for (const client of clients) {
				await waitUntil("the return", () =>
					client.get(keyOf(1)).then(
						(value) => value === "v" || `${value}`,
						(error) => error.code,
					),
				);
				expect(await client.mget(keys)).toEqual(keys.map(() => "v"));
			}
		}
		// Its seeds are asked in any order, and one that refuses is one seed less.
		await node.raw("ACL", "SETUSER", "leaver", "resetpass", ">other");
		await using late = await connect("leaver", "wonder");
		expect(await late.get(keyOf(0))).toBe("v");
		expect((await rejectionOf(late.get(keyOf(1)))).code).toBe("AUTH");
		expect(other.stats()).toMatchObject({ reconnects: 0, retries: 0 });
	} finally {
		for (const client of clients) client.destroy();
	}
});

test("C36 rights that are taken and given back hold at once, on the same connections; a user switched off keeps those, and gets no new one", async () => {
	await setUser("changing", [...OWN, "~app:*", ">wonder"]);
	const clients = await Promise.all(([2, 3] as const).map((protocol) => connect("changing", "wonder", { protocol })));
	try {
		for (const client of clients) {
			await client.setMany(keys.map((key) => [key, "v"]));
			await setUser("changing", ["-set"]);
			for (const part of [0, 1, 2]) {
				await expect(client.set(keyOf(part), "w")).rejects.toMatchObject({ code: "NOPERM", maybeExecuted: false });
			}
			await setUser("changing", ["+set", "off"]);
			expect(await client.set(keyOf(0), "w")).toBe("OK");
			const lease = await rejectionOf(client.withConnection({ key: keyOf(0) }, async () => {}));
			expect(lease).toMatchObject({ code: "AUTH", message: expect.stringMatching(/ refused the credentials \(WRONGPASS\)$/) });
			await setUser("changing", ["on"]);
			expect(await client.withConnection({ key: keyOf(0) }, (own) => own.get(keyOf(0)))).toBe("w");
			expect(client.stats()).toMatchObject({ reconnects: 0, retries: 0 });
		}
	} finally {
		for (const client of clients) client.destroy();
	}
});

test("C36 C04 passwords that rotate under load cost no call: the new one added, given out, the old one taken away, connections ended", async () => {
	await setUser("rotating", [...OWN, "~app:*", "+incr", ">pw0"]);
	let current = "pw0";
	let asked = 0;
	const auth = async () => {
		asked += 1;
		return { username: "rotating", password: current };
	};
	const clients = await Promise.all(
		([2, 3] as const).map((protocol) => connect("", "", { auth, protocol, timeouts: { commandMs: 20_000 } })),
	);
	await clients[0]!.setMany(keys.map((key) => [key, "v"]));
	let going = true;
	let reads = 0;
	/** One after the other, so that it goes on across every connection; values read are counted. */
	const reader = async (client: Client) => {
		while (going) {
			await Promise.all([client.get(keyOf(0)), client.get(keyOf(1)), client.get(keyOf(2))]);
			expect(await client.mget(keys)).toEqual(keys.map(() => "v"));
			reads += 1;
		}
	};
	const load = clients.map(reader);
	// Whoever awaits them sees the failure; until then it is not unhandled.
	for (const run of load) run.catch(() => {});
	try {
		for (let round = 1; round <= 4; round++) {
			const next = `pw${round}`;
			await setUser("rotating", [`>${next}`]);
			const old = current;
			current = next;
			await setUser("rotating", [`<${old}`]);
			const reconnected = clients.map((client) => client.stats().reconnects);
			await Promise.all(cluster.nodes.map((node) => node.raw("CLIENT", "KILL", "USER", "rotating")));
			await waitUntil("new connections", () => {
				return clients.every((client, at) => client.stats().reconnects >= reconnected[at]! + 3) || "not all";
			});
			const before = reads;
			await waitUntil("reads after the rotation", () => reads > before + 4 || `${reads - before}`);
		}
	} finally {
		going = false;
		const ends = await Promise.allSettled(load);
		for (const client of clients) client.destroy();
		expect(ends.map((end) => (end.status === "rejected" ? end.reason : "no error"))).toEqual(["no error", "no error"]);
	}
	// Each connection asks anew: three primaries, two clients, at the start and after each rotation.
	expect(asked).toBeGreaterThanOrEqual(2 * 3 * 5);
	expect(asked).toBeLessThan(200);
});

test("C11 C04 replicas are read with the user's own password; one that refuses it is replaced by its primary", async () => {
	await setUser("reader", [...OWN, "~app:*", ">wonder"]);
	const clients = await Promise.all(
		([2, 3] as const).map((protocol) => connect("reader", "wonder", { protocol, cluster: { readFrom: "replica" } })),
	);
	const replica = cluster.replicas.find((node) => node.replicaOf === cluster.primaries[0])!;
	const reads = async (node: ClusterNode) => (await commandStats(node, "get")).calls;
	const key = keyOf(0);
	try {
		await clients[0]!.set(key, "v");
		await waitUntil(
			"the copy",
			async () => (await replica.raw("DBSIZE")) === (await cluster.primaries[0]!.raw("DBSIZE")) || "not yet",
		);
		for (const client of clients) {
			await waitUntil("a read from the replica", async () => {
				const before = await reads(replica);
				expect(await client.get(key)).toBe("v");
				return (await reads(replica)) === before + 1 || "the primary answered";
			});
		}
		await setUser("reader", ["resetpass", ">other"], [replica]);
		await replica.raw("CLIENT", "KILL", "USER", "reader");
		const before = await reads(cluster.primaries[0]!);
		for (const client of clients) {
			for (let at = 0; at < 5; at++) expect(await client.get(key)).toBe("v");
		}
		expect(await reads(cluster.primaries[0]!)).toBeGreaterThanOrEqual(before + 8);
	} finally {
		for (const client of clients) client.destroy();
	}
});
