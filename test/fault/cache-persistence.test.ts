/** What a server keeps over its own restart is a hit afterwards: values, their time to live, and their tags. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone, waitUntil } from "../../fixtures/servers.js";
import { Cache, RedisBackend } from "../../src/cache/index.js";

describe.each([
	["an append-only file", ["--appendonly", "yes", "--appendfsync", "always"], undefined],
	["a snapshot", ["--save", ""], "SAVE"],
] as const)("a server with %s", (_what, args, save) => {
	let server: ServerNode;
	beforeAll(async () => {
		server = await startStandalone({ args });
	});
	afterAll(() => server?.stop());

	test("S1.17 S1.18 restarted: entries are hits still, what was invalidated is not, and the same backend goes on", async () => {
		await using backend = new RedisBackend({ url: server.url });
		await using cache = new Cache({ backend, ttl: "1h" });
		await cache.getOrSet("made", () => ({ n: 1 }));
		await cache.setMany(
			Array.from({ length: 200 }, (_, i) => [`k${i}`, i] as const),
			{ tags: ["x"] },
		);
		await cache.set("gone", 1, { tags: ["y"] });
		await cache.getOrSet("none", () => undefined, { negativeTtl: "1h" });
		await backend.set("described", "v", { metadata: { by: "me" }, ttl: "1h" });
		await cache.invalidateTags("y");
		if (save) await server.raw(save);
		await server.kill();
		await server.restart();
		await waitUntil("it answers", async () => (await cache.get("made")) !== undefined || "not yet");
		const never = (): never => expect.unreachable();
		expect(await cache.getOrSet("made", never)).toEqual({ n: 1 });
		expect(await cache.getOrSet("none", never)).toBeUndefined();
		expect((await cache.getMany(Array.from({ length: 200 }, (_, i) => `k${i}`))).size).toBe(200);
		expect(await cache.get("gone")).toBeUndefined();
		const entry = await backend.getEntry("described");
		expect(entry).toMatchObject({ metadata: { by: "me" } });
		expect(entry?.ttlMs).toBeGreaterThan(3_500_000);
		// Scripts are forgotten by a server that restarts, and subscriptions are gone: both begin again.
		expect(await cache.getOrSet("new", () => 2)).toBe(2);
		await cache.invalidateTags("x");
		expect(await cache.get("k1")).toBeUndefined();
	});
});
