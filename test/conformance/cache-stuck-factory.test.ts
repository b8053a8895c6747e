/** A factory that never ends is not in the way of its key for ever. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { Cache, MemoryBackend } from "../../src/cache/index.js";
import { CachePair } from "../support/cache-pair.js";
import { Gate } from "../support/gate.js";

const never = (): Promise<never> => new Promise(() => {});

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());

	test("S2.7 after ten times leaseTtl another one is called, in this process and in others, and what it makes is stored", async () => {
		const { cache, other } = pair.caches({ leaseTtl: 20 });
		await expect(cache.getOrSet("one", never, { hardTimeout: 1 })).rejects.toMatchObject({ code: "TIMEOUT" });
		await expect(cache.getOrSet("two", never, { hardTimeout: 1 })).rejects.toMatchObject({ code: "TIMEOUT" });
		// Neither of these is joined to one that is given up meanwhile: each begins anew as soon as it may.
		const again = (from: Cache, key: string) => async () => {
			const made = await from.getOrSet(key, () => "made", { hardTimeout: 50 }).catch(() => undefined);
			return made === "made" || "the first one is still waited for";
		};
		await waitUntil("the same process", again(cache, "one"));
		await waitUntil("another process", again(other, "two"));
		expect(await other.get("one")).toBe("made");
		expect(await cache.get("two")).toBe("made");
		await cache.close({ timeout: 1 });
	});

	test("S2.7 a refresh behind its readers that never ends is given up as well, and that is told", async () => {
		const { cache } = pair.caches({ leaseTtl: 20, swr: "1h" });
		const told: unknown[] = [];
		cache.on("error", ({ operation, error }) => told.push([operation, (error as { code?: string }).code]));
		await cache.set("k", "old", { ttl: 1 });
		await waitUntil("the value is old", async () => (await cache.get("k")) === undefined || "it is fresh");
		expect(await cache.getOrSet("k", never)).toBe("old");
		const again = async () => {
			await cache.getOrSet("k", () => "new");
			return (await cache.get("k")) === "new" || "the first one is still waited for";
		};
		await waitUntil("another refresh", again);
		expect(told).toContainEqual(["factory", "TIMEOUT"]);
		await cache.close({ timeout: 1 });
	});

	test("S2.7 who waited long for another process is none that is stuck: it prolongs its lease, and what it makes is stored", async () => {
		const { cache, other, backend } = pair.caches({ leaseTtl: 30 });
		// Somebody who never ends, and whose lease is not prolonged for ever.
		await backend.leases.acquire("k", "somebody", 30);
		const holding = setInterval(() => void backend.leases.renew("k", "somebody", 30), 5);
		const began = performance.now();
		const gate = new Gate();
		const begun = new Gate();
		const made = other.getOrSet("k", async () => {
			begun.open();
			await gate.opened;
			return "made";
		});
		await waitUntil("more than ten times leaseTtl", () => performance.now() - began > 330 || "not yet");
		clearInterval(holding);
		await begun.opened;
		const joins = other.getOrSet("k", () => "again");
		const third = cache.getOrSet("k", () => "a third one");
		await waitUntil("more than the lease", () => performance.now() - began > 600 || "not yet");
		gate.open();
		expect(await Promise.all([made, joins, third])).toEqual(["made", "made", "made"]);
		expect(await cache.get("k")).toBe("made");
	});
});

test("S2.7 the same where no leases are, by one key and by many", async () => {
	const cache = new Cache({ backend: new MemoryBackend(), leaseTtl: 5 });
	await expect(cache.getOrSetMany(["a", "b"], never, { hardTimeout: 1 })).rejects.toMatchObject({ code: "TIMEOUT" });
	const again = async () => {
		const made = await cache.getOrSetMany(["a", "b"], (keys) => keys, { hardTimeout: 50 }).catch(() => new Map());
		return made.size === 2 || "the first one is still waited for";
	};
	await waitUntil("another factory", again);
	expect(await cache.get("a")).toBe("a");
	await cache.close({ timeout: 1 });
});
