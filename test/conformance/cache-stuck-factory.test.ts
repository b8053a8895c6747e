/** A factory that never ends is not in the way of its key for ever. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { Cache, MemoryBackend } from "../../src/cache/index.js";
import { CachePair } from "../support/cache-pair.js";

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
