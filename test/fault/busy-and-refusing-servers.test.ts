/** Servers that are well but will not do it now: -BUSY, -NOREPLICAS, -OOM, -MISCONF. No connection is replaced on that account. */
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ args: ["--busy-reply-threshold", "20"] });
});
afterAll(() => server?.stop());

const retry = { baseMs: 10, maxMs: 40 };
const patient = { baseMs: 400, maxMs: 400 };

/** Runs `during` while a script keeps the server busy; `kill` ends that. */
async function whileBusy(during: (kill: () => Promise<void>) => Promise<void>): Promise<void> {
	const looping = await server.connect();
	const killer = await server.connect();
	const asking = await server.connect();
	let ended = false;
	const kill = async (): Promise<void> => {
		if (ended) return;
		ended = true;
		await killer.command("SCRIPT", "KILL");
	};
	const loop = looping.command("EVAL", "while true do end", 0).catch(() => {});
	try {
		await waitUntil("BUSY", async () => {
			const answer = await asking.command("GET", "k").catch((error: Error) => error.message);
			return String(answer).startsWith("BUSY") || String(answer);
		});
		await during(kill);
	} finally {
		await kill();
		await loop;
		for (const connection of [looping, killer, asking]) await connection.close();
	}
}

describe.each([2, 3] as const)("RESP%i", (protocol) => {
	test("C33 BUSY: a few attempts, then the server's error; and its connection stays", async () => {
		await using client = await createClient({ url: server.url, protocol, retry });
		await server.raw("SET", "k", "v");
		await whileBusy(async () => {
			const calls = [client.set("k", "w"), client.get("other"), client.mget(["a", "b"])].map(rejectionOf);
			const [set, get, mget] = await Promise.all(calls);
			expect(set).toMatchObject({ code: "BUSY", maybeExecuted: false, message: expect.stringMatching(/^BUSY /) });
			expect(get).toMatchObject({ code: "BUSY", maybeExecuted: false });
			expect(mget).toMatchObject({ code: "BATCH", cause: expect.objectContaining({ code: "BUSY", maybeExecuted: false }) });
			// Five more of each.
			expect(client.stats().retries).toBeGreaterThanOrEqual(15);
			expect(client.stats().retries).toBeLessThanOrEqual(18);
		});
		expect(await client.get("k")).toBe("v");
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 1, redirections: 0 });
	});

	test("C33 BUSY that ends meanwhile: the commands get through", async () => {
		await using client = await createClient({ url: server.url, protocol, retry: patient });
		await whileBusy(async (kill) => {
			const calls = [client.set("k", protocol), client.get("k"), client.incr("k")];
			await waitUntil("all are refused", () => client.stats().retries >= 3 || "not yet");
			await kill();
			expect(await Promise.all(calls)).toEqual(["OK", String(protocol), protocol + 1]);
		});
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 1 });
	});

	test("C33 NOREPLICAS: a few attempts, then the server's error; when a replica may be missed again, they get through", async () => {
		await using client = await createClient({ url: server.url, protocol, retry });
		await using waiting = await createClient({ url: server.url, protocol, retry: patient });
		await server.raw("SET", "k", "v");
		await server.raw("CONFIG", "SET", "min-replicas-to-write", "1");
		try {
			expect(await rejectionOf(client.set("k", "w"))).toMatchObject({
				code: "NOREPLICAS",
				maybeExecuted: false,
				message: expect.stringMatching(/^NOREPLICAS /),
			});
			expect(client.stats().retries).toBeGreaterThanOrEqual(5);
			expect(client.stats().retries).toBeLessThanOrEqual(6);
			expect(await client.get("k")).toBe("v");
			const write = waiting.set("k", "x");
			await waitUntil("it is refused", () => waiting.stats().retries > 0 || "not yet");
			await server.raw("CONFIG", "SET", "min-replicas-to-write", "0");
			expect(await write).toBe("OK");
		} finally {
			await server.raw("CONFIG", "SET", "min-replicas-to-write", "0");
		}
		for (const each of [client, waiting]) expect(each.stats()).toMatchObject({ reconnects: 0, connections: 1 });
	});

	test("C33 OOM: the caller's at once, reads go on", async () => {
		await using client = await createClient({ url: server.url, protocol, retry });
		await client.set("k", "v");
		await server.raw("CONFIG", "SET", "maxmemory", "1mb");
		await server.raw("CONFIG", "SET", "maxmemory-policy", "noeviction");
		try {
			await server.raw("SETRANGE", "filler", 2 * 1024 * 1024, "x").catch(() => {});
			const error = await rejectionOf(client.set("k", "w"));
			expect(error).toMatchObject({ code: "OOM", maybeExecuted: false, message: expect.stringMatching(/^OOM /) });
			expect(await client.mget(["k", "none"])).toEqual(["v", null]);
		} finally {
			await server.raw("CONFIG", "SET", "maxmemory", "0");
			await server.raw("DEL", "filler");
		}
		expect(await client.set("k", "w")).toBe("OK");
		expect(client.stats()).toMatchObject({ retries: 0, reconnects: 0, connections: 1 });
	});

	test("C33 C30 N9 MISCONF: the caller's at once, reads go on, and a PING so answered is a sign of life", async (context) => {
		// In a container the directory is out of reach.
		if (server.dir === undefined) return context.skip();
		await using client = await createClient({ url: server.url, protocol, retry, pool: { pingMs: 20 } });
		await client.set("k", "v");
		// A snapshot cannot take the place of a directory.
		const snapshot = join(server.dir, "dump.rdb");
		await mkdir(snapshot);
		try {
			await server.raw("CONFIG", "SET", "save", "10000 1");
			await server.raw("BGSAVE");
			await waitUntil("the snapshot fails", async () => {
				const info = String(await server.raw("INFO", "persistence"));
				return info.includes("rdb_last_bgsave_status:err") || "not yet";
			});
			await server.raw("CONFIG", "RESETSTAT");
			const error = await rejectionOf(client.set("k", "w"));
			expect(error).toMatchObject({ code: "MISCONF", maybeExecuted: false, message: expect.stringMatching(/^MISCONF /) });
			expect(client.stats().retries).toBe(0);
			expect(await client.get("k")).toBe("v");
			await waitUntil("three PINGs", async () => {
				const stats = String(await server.raw("INFO", "commandstats"));
				return Number(/cmdstat_ping:.*rejected_calls=(\d+)/.exec(stats)?.[1] ?? 0) >= 3 || stats;
			});
			expect(await client.get("k")).toBe("v");
		} finally {
			await rmdir(snapshot);
			await server.raw("CONFIG", "SET", "save", "");
		}
		await waitUntil("writes again", () =>
			client.set("k", "w").then(
				() => true as const,
				(error) => error.message,
			),
		);
		expect(client.stats()).toMatchObject({ reconnects: 0, connections: 1, redirections: 0 });
	});
});
