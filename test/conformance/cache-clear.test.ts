/** What is being made of a cache's keys while it is cleared is older than that, whichever process makes it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cache, RedisBackend } from "../../src/cache/index.js";
import { leaseKey } from "../../src/cache/side-keys.js";
import { CachePair } from "../support/cache-pair.js";
import { Gate } from "../support/gate.js";
import { viewOf } from "../support/view-of.js";

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());

	/** Values that are being made until `gate` opens. */
	async function making(cache: Cache, keys: readonly string[], gate: Gate): Promise<Promise<string[]>[]> {
		const begun = keys.map(() => new Gate());
		const made = keys.map((key, i) =>
			cache.getOrSet(key, async () => {
				begun[i]?.open();
				await gate.opened;
				return key;
			}),
		);
		await Promise.all(begun.map(({ opened }) => opened));
		return [Promise.all(made)];
	}

	test("S2.9 S1.4 a value that another process makes while the cache is cleared is not stored, whatever its key is like", async () => {
		// Of each form that the name of a lease has, and so many that they are not all in one page.
		const some = ["plain", "{tag}:1", "{}", "brace}{", "{whole}", "*", "s:*:k"];
		const keys = [...some, ...Array.from({ length: 300 }, (_, i) => `${some[i % some.length]}${i}`)];
		const { cache, other, client, backend, keyPrefix } = pair.caches({ namespace: "n*" });
		const gate = new Gate();
		const [made] = await making(cache, keys, gate);
		await other.set("there", 1);
		expect(await other.clear()).toBe(1);
		const leases = keys.map((key) => leaseKey(`${keyPrefix}n*:${key}`, topology === "cluster"));
		expect(await client.existsMany(leases)).toBe(0);
		// Who asks from now on waits for nobody.
		expect(await other.getOrSet("plain", () => "after")).toBe("after");
		gate.open();
		expect(await made).toEqual(keys);
		expect(await backend.keys()).toEqual(["n*:plain"]);
		expect(await cache.get("plain")).toBe("after");
		expect(cache.stats()).toMatchObject({ lostWrites: 0, storeErrors: 0 });
	});

	test("S1.17 what is made of other namespaces, and under other prefixes, is stored", async () => {
		const { cache, other, keyPrefix } = pair.caches();
		const foreign = new RedisBackend({ client: pair.clients[0], keyPrefix: `x${keyPrefix}` });
		const gate = new Gate();
		const outside = [
			cache,
			cache.namespace("ab"),
			cache.namespace("A"),
			cache.namespace("x").namespace("a"),
			new Cache({ backend: foreign }),
		];
		const inside = [cache.namespace("a"), cache.namespace("a").namespace("b")];
		const keys = ["k", "{a:k}", "a"];
		const made = (await Promise.all([...outside, ...inside].map((one) => making(one, keys, gate)))).flat();
		await other.namespace("a").clear();
		gate.open();
		await Promise.all(made);
		const found = async (caches: Cache[]) => (await Promise.all(caches.map((one) => one.getMany(keys)))).map(({ size }) => size);
		expect(await found(outside)).toEqual(outside.map(() => keys.length));
		expect(await found(inside)).toEqual([0, 0]);
		await foreign.clear();
	});

	test("S2.9 what is filled in until the last lease was ended is deleted with the rest", async () => {
		const { cache, other, backend } = pair.caches();
		const gate = new Gate();
		const [made] = await making(cache, ["k"], gate);
		const late = viewOf(backend.leases, {
			cancelAll: async (prefix) => {
				gate.open();
				await made;
				expect(await other.get("k")).toBe("k");
				await backend.leases.cancelAll(prefix);
			},
		});
		await using clearing = new Cache({ backend: viewOf(backend, { leases: late }) });
		expect(await clearing.clear()).toBe(1);
		expect(await other.get("k")).toBeUndefined();
	});
});
