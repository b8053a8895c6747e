/** Every primary of a cluster has become a replica, and clients that were idle meanwhile do not know: nobody closed their sockets. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failOver, isWhole, type ServerCluster, startCluster, waitUntil } from "../../fixtures/servers.js";
import { type BatchError, type Client, createClient } from "../../src/index.js";
import { tagsOf } from "../support/load.js";
import { rejectionOf } from "../support/secrets.js";

const protocols = [2, 3] as const;
const uses = ["keyed", "keyless", "scripts", "leases"] as const;

let cluster: ServerCluster;
let tags: string[];
const clients = new Map<string, Client>();
beforeAll(async () => {
	cluster = await startCluster({ primaries: 3, replicas: 3 });
	tags = await tagsOf(cluster);
	for (const protocol of protocols) {
		for (const use of uses) {
			const name = `${use}:${protocol}`;
			// They ask for the topology when there is a cause, never by the clock.
			const rare = { refreshMs: 0, minRefreshMs: 50 };
			clients.set(name, await createClient({ url: cluster.url, protocol, name, cluster: rare }));
		}
	}
	await waitUntil("all connections", connected);
	for (const replica of cluster.replicas) await failOver(cluster, replica);
	await isWhole(cluster);
});
afterAll(async () => {
	for (const client of clients.values()) await client.close();
	await cluster?.stop();
});

/** Every client has a connection to every node that was a primary. */
async function connected(): Promise<true | string> {
	for (const node of cluster.primaries) {
		const list = String(await node.raw("CLIENT", "LIST", "TYPE", "NORMAL"));
		for (const name of clients.keys()) if (!list.includes(`name=${name} `)) return `${name} has none to ${node.port}`;
	}
	return true;
}

/** True once it resolves; as long as it rejects it must be with this code. */
async function accepted(call: Promise<unknown>, code: string): Promise<true | string> {
	try {
		await call;
		return true;
	} catch (error) {
		expect(error).toMatchObject({ code });
		return String(error);
	}
}

test("D27 the server closes no socket of a client when it becomes a replica", async () => {
	expect(await connected()).toBe(true);
});

describe.each(protocols)("RESP%i", (protocol) => {
	test("D27 keyed commands are sent on by MOVED, on the connections that there are, until the new map is here", async () => {
		const client = clients.get(`keyed:${protocol}`)!;
		const keys = tags.flatMap((tag) => [0, 1].map((i) => `{${tag}}:${protocol}:${i}`));
		expect(await Promise.all(keys.map((key) => client.set(key, `of ${key}`)))).toEqual(keys.map(() => "OK"));
		expect(await client.mget(keys)).toEqual(keys.map((key) => `of ${key}`));
		expect(client.stats().redirections).toBeGreaterThanOrEqual(tags.length);
		// A hundred slots at a time that nobody asked for yet: only the map knows them.
		let asked = 0;
		const known = async () => {
			const before = client.stats().redirections;
			await client.mget(Array.from({ length: 100 }, () => `any:${asked++}`));
			return client.stats().redirections === before || "redirected again";
		};
		await waitUntil("the new map", known, { timeoutMs: 5000 });
		expect(client.stats().reconnects).toBe(0);
	});

	test("D27 a write without keys is refused by READONLY: its caller learns of it, and a later one reaches the new primaries", async () => {
		const client = clients.get(`keyless:${protocol}`)!;
		const error = (await rejectionOf(client.command("FLUSHALL"))) as BatchError;
		expect(error).toMatchObject({ code: "BATCH" });
		const refused = expect.objectContaining({ code: "READONLY", maybeExecuted: false });
		expect(error.results).toEqual(cluster.primaries.map(() => refused));
		await waitUntil("the new primaries", () => accepted(client.command("FLUSHALL"), "BATCH"));
		expect(await client.command("FLUSHALL")).toBe("OK");
		// Nothing had a key: no redirection told of them.
		expect(client.stats()).toMatchObject({ redirections: 0, reconnects: 0 });
	});

	test("D27 a script without keys that writes is not run again, and a later one runs at a primary", async () => {
		const client = clients.get(`scripts:${protocol}`)!;
		const run = () => client.command("EVAL", "return redis.call('FLUSHDB')", "0");
		expect(await rejectionOf(run())).toMatchObject({ code: "READONLY", maybeExecuted: true });
		await waitUntil("a new primary", () => accepted(run(), "READONLY"));
		expect(await run()).toBe("OK");
		expect(client.stats()).toMatchObject({ redirections: 0, reconnects: 0, retries: 0 });
	});

	test("D27 the word to a leased connection is its caller's, and a later lease leads to the new primary", async () => {
		const client = clients.get(`leases:${protocol}`)!;
		const [tag] = tags;
		const key = `{${tag}}:leased`;
		const run = () => client.withConnection({ key }, (own) => own.set(key, "v"));
		expect(await rejectionOf(run())).toMatchObject({ code: "MOVED", maybeExecuted: false });
		await waitUntil("a new primary", () => accepted(run(), "MOVED"));
		expect(await run()).toBe("OK");
		expect(client.stats()).toMatchObject({ redirections: 0, reconnects: 0 });
	});
});
