/** A user that may run no scripts: a cache does in two steps what it does in one otherwise. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { Cache, RedisBackend } from "../../src/cache/index.js";
import { leaseKey } from "../../src/cache/side-keys.js";
import { createClient } from "../../src/index.js";
import { Gate } from "../support/gate.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone({ users: { mute: "on >secret ~* resetchannels +@all -eval -evalsha -publish" } });
});
afterAll(() => server?.stop());

const HOUR = 3_600_000;

test("S2.7 values are stored, leases end, and whoever waits gets the value", async () => {
	const url = server.url.replace("redis://", "redis://mute:secret@");
	await using client = await createClient({ url });
	const pair = ["one", "other"].map(() => new Cache({ backend: new RedisBackend({ client }), leaseTtl: HOUR }));
	const [one, other] = pair as [Cache, Cache];
	const gate = new Gate();
	const begun = new Gate();
	const made = one.getOrSet("k", async () => {
		begun.open();
		await gate.opened;
		return 1;
	});
	await begun.opened;
	const waits = other.getOrSet("k", () => 2);
	gate.open();
	expect(await Promise.all([made, waits])).toEqual([1, 1]);
	expect(await one.getOrSet("k", () => 3)).toBe(1);
	expect(await one.getOrSet("none", () => undefined)).toBeUndefined();
	await expect(one.getOrSet("fails", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
	// Not one of the leases is left to stand in the way of the next one.
	expect([await one.getOrSet("none", () => 4), await other.getOrSet("fails", () => 5)]).toEqual([4, 5]);
	expect([await one.expire("k"), await one.get("k")]).toEqual([true, undefined]);
	expect(one.stats()).toMatchObject({ lostWrites: 0, storeErrors: 0 });
	for (const cache of pair) await cache.close();
});

test("S2.7 without a script too only whoever has the lease fills, gives it back or ends the value", async () => {
	const url = server.url.replace("redis://", "redis://mute:secret@");
	await using client = await createClient({ url });
	const { leases } = new RedisBackend({ client });
	await leases.acquire("a", "mine", HOUR);
	await client.set("cache:a", "theirs");
	expect(await leases.renew("a", "not mine", 1)).toBe(false);
	expect(await leases.fill("a", "not mine", "x", null)).toBe(false);
	expect(await leases.remove("a", "not mine")).toBeNull();
	await leases.release("a", "not mine");
	expect([await client.get("cache:a"), await client.get(leaseKey("cache:a", false))]).toEqual(["theirs", "mine"]);
	expect(await leases.renew("a", "mine", 2 * HOUR)).toBe(true);
	expect(await client.pttl(leaseKey("cache:a", false))).toBeGreaterThan(HOUR);
	expect(await leases.remove("a", "mine")).toBe(true);
	expect(await client.exists("cache:a")).toBe(0);
	await leases.end();
});
