/** A lease runs on the server from when it was granted, whenever its holder hears of that. */
import { expect, test } from "vitest";
import { startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, type CacheEvents, RedisBackend } from "../../src/cache/index.js";
import { createClient } from "../../src/index.js";
import { TcpProxy } from "../support/proxy.js";

test("S2.7 a lease that was over before its holder heard of it: the value is given, and that it was not stored is told and counted", async () => {
	await using server = await startStandalone();
	await using proxy = await TcpProxy.start(server);
	await using client = await createClient(proxy.url);
	await using cache = new Cache({ backend: new RedisBackend({ client }), leaseTtl: 100 });
	const errors: CacheEvents["error"][] = [];
	cache.on("error", (event) => errors.push(event));
	const connection = await proxy.accepted(1);
	// Between the look and the lease.
	cache.on("miss", () => connection.toClient.stall());
	const made = cache.getOrSet("a", () => "made");
	await waitUntil(
		"the lease to be granted",
		async () => String(await server.raw("INFO", "commandstats")).includes("cmdstat_set:") || "no",
	);
	await waitUntil("its end", async () => (await server.raw("DBSIZE")) === 0 || "it is held");
	connection.toClient.resume();
	expect(await made).toBe("made");
	expect(errors).toEqual([{ key: "a", operation: "write", error: expect.objectContaining({ name: "CacheTimeoutError" }) }]);
	expect(cache.stats()).toMatchObject({ lostWrites: 1, sets: 0 });
	expect(await server.raw("EXISTS", "a")).toBe(0);
});
