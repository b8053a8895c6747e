/**
 * What a cache costs: flights, which are writes to a node and the replies to it, and commands. The table below is the promise, and what the
 * client counts is held against it.
 *
 * Flights to several nodes of a cluster are under way at the same time: there a batch of keys in any slots takes as long as its slowest node.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { Cache } from "../../src/cache/index.js";
import { keySlot } from "../../src/slot.js";
import { type ServerStore, serverStores } from "../support/cache-stores.js";

const keys = Array.from({ length: 128 }, (_, i) => `k${i}`);
const half = keys.filter((_, i) => i % 2 === 0);
const pairs = keys.map((key) => [key, key] as const);
const HOUR = 3_600_000;

interface Scene {
	/** Leases agree on who makes a value; `local` agrees within the process only. */
	cache: Cache;
	local: Cache;
	/** A tag whose version is on another node of the cluster than `key`'s value; nobody has ever invalidated or used `newTag`. */
	key: string;
	tag: string;
	newTag: string;
}

type Step = (scene: Scene) => Promise<unknown>;

/**
 * What is called, and how many flights and commands that is on one server, and how many flights on a cluster of three primaries.
 * `before`, which is not counted, is what there has to be first.
 */
type Row = [operation: string, cost: { flights: number; commands: number; cluster: number }, call: Step, before?: Step];

const none = async (): Promise<void> => {};
const filled: Step = ({ cache, key }) => cache.set(key, 1);
const tagged: Step = ({ cache, key, tag }) => cache.set(key, 1, { tags: [tag] });
const full: Step = ({ cache }) => cache.setMany(pairs);
const never = () => expect.unreachable();
const make = (missing: string[]) => missing;

// biome-ignore format: a table
const table: Row[] = [
	["get, has: hit or miss", { flights: 1, commands: 1, cluster: 1 }, ({ cache, key }) => cache.get(key)],
	["get, the entry has tags that this process has met there", { flights: 1, commands: 1, cluster: 2 }, ({ cache, key }) => cache.get(key), async (scene) => { await tagged(scene); await scene.cache.get(scene.key); }],
	["get, the entry has tags that nobody expected", { flights: 2, commands: 2, cluster: 2 }, ({ cache, key }) => cache.get(key), tagged],
	["getMany of 128", { flights: 1, commands: 1, cluster: 3 }, ({ cache }) => cache.getMany(keys), full],

	["getOrSet, hit", { flights: 1, commands: 1, cluster: 1 }, ({ cache, key }) => cache.getOrSet(key, never), filled],
	["getOrSet, 1000 callers at once, hit", { flights: 1, commands: 1, cluster: 1 }, ({ cache, key }) => Promise.all(Array.from({ length: 1000 }, () => cache.getOrSet(key, never))), filled],
	["getOrSet, miss: the look, the lease, the script that fills", { flights: 3, commands: 4, cluster: 3 }, ({ cache, key }) => cache.getOrSet(key, () => 1)],
	["getOrSet, 1000 callers at once, miss", { flights: 3, commands: 4, cluster: 3 }, ({ cache, key }) => Promise.all(Array.from({ length: 1000 }, () => cache.getOrSet(key, () => 1)))],
	['getOrSet, miss, singleFlight: "process"', { flights: 2, commands: 2, cluster: 2 }, ({ local, key }) => local.getOrSet(key, () => 1)],
	["getOrSet, miss, with a tag", { flights: 3, commands: 4, cluster: 4 }, ({ cache, key, tag }) => cache.getOrSet(key, () => 1, { tags: [tag] }), ({ cache, tag }) => cache.invalidateTags(tag)],
	["getOrSet, miss, with a tag that has no version yet", { flights: 4, commands: 5, cluster: 5 }, ({ cache, key, newTag }) => cache.getOrSet(key, () => 1, { tags: [newTag] })],
	["getOrSet, miss, and there is no such thing", { flights: 3, commands: 4, cluster: 3 }, ({ cache, key }) => cache.getOrSet(key, () => undefined)],
	["getOrSet, old value within grace, and there is no such thing any more", { flights: 3, commands: 4, cluster: 3 }, async ({ cache, key }) => { await cache.getOrSet(key, () => undefined, { grace: HOUR }); expect(cache.stats().deletes).toBe(1); }, async ({ cache, key }) => { await cache.set(key, 1, { ttl: 1, grace: HOUR }); await waitUntil("it is old", async () => (await cache.get(key)) === undefined || "fresh"); }],
	["getOrSet, forceFresh", { flights: 2, commands: 3, cluster: 2 }, ({ cache, key }) => cache.getOrSet(key, () => 1, { forceFresh: true })],
	["getOrSet, old value within swr, and what is done behind it", { flights: 3, commands: 4, cluster: 3 }, async ({ cache, key }) => { await cache.getOrSet(key, () => 2, { swr: HOUR }); await refreshed(cache); }, async ({ cache, key }) => { await cache.set(key, 1, { ttl: 1, swr: HOUR }); await waitUntil("it is old", async () => (await cache.get(key)) === undefined || "fresh"); }],

	["getOrSetMany of 128, all there", { flights: 1, commands: 1, cluster: 3 }, ({ cache }) => cache.getOrSetMany(keys, never), full],
	["getOrSetMany of 128, none there", { flights: 2, commands: 129, cluster: 6 }, ({ cache }) => cache.getOrSetMany(keys, make)],
	["getOrSetMany of 128, half of them there", { flights: 2, commands: 65, cluster: 6 }, ({ cache }) => cache.getOrSetMany(keys, make), ({ cache }) => cache.setMany(half.map((key) => [key, 1] as const))],
	["getOrSetMany of 128, forceFresh, half of them are not there any more", { flights: 2, commands: 68, cluster: 6 }, ({ cache }) => cache.getOrSetMany(keys, (missing) => missing.map((key) => (half.includes(key) ? key : undefined)), { forceFresh: true }), full],
	["getOrSetMany of 128 with a tag, all there", { flights: 1, commands: 1, cluster: 3 }, ({ cache, tag }) => cache.getOrSetMany(keys, never, { tags: [tag] }), ({ cache, tag }) => cache.setMany(pairs, { tags: [tag] })],

	["set", { flights: 1, commands: 2, cluster: 1 }, ({ cache, key }) => cache.set(key, 1)],
	['set, singleFlight: "process"', { flights: 1, commands: 1, cluster: 1 }, ({ local, key }) => local.set(key, 1)],
	["set with a tag", { flights: 2, commands: 3, cluster: 2 }, ({ cache, key, tag }) => cache.set(key, 1, { tags: [tag] }), ({ cache, tag }) => cache.invalidateTags(tag)],
	["setMany of 128", { flights: 1, commands: 129, cluster: 3 }, ({ cache }) => cache.setMany(pairs)],
	["delete", { flights: 1, commands: 3, cluster: 1 }, ({ cache, key }) => cache.delete(key), filled],
	["deleteMany of 128", { flights: 1, commands: 3, cluster: 3 }, ({ cache }) => cache.deleteMany(keys), full],
	["expire", { flights: 2, commands: 5, cluster: 2 }, ({ cache, key }) => cache.expire(key), filled],
	["invalidateTags, one", { flights: 1, commands: 1, cluster: 1 }, ({ cache, tag }) => cache.invalidateTags(tag)],
	["invalidateTags, 128", { flights: 1, commands: 128, cluster: 3 }, ({ cache }) => cache.invalidateTags(...keys)],
];

/** Resolves when the value that was set before has been made anew. */
async function refreshed(cache: Cache): Promise<void> {
	await waitUntil("the new value is stored", () => cache.stats().sets === 2 || "not yet");
}

describe.each(serverStores)("S3.8 flights and commands, %s", (_, open) => {
	let store: ServerStore;
	let scenes = 0;
	beforeAll(async () => {
		store = await open();
		const { cache } = sceneOf();
		// Connections are open, and the servers know the scripts.
		await Promise.all(keys.map((key) => cache.getOrSet(key, () => (half.includes(key) ? 1 : undefined))));
		await Promise.all(half.map((key) => cache.expire(key)));
		await Promise.all(half.map((key) => cache.getOrSet(key, () => undefined)));
	});
	afterAll(() => store?.[Symbol.asyncDispose]());

	/** Which third of the slots: which of the three primaries. */
	const third = (key: string): number => Math.floor((keySlot(store.name(key)) * 3) / 16_384);

	function sceneOf(): Scene {
		const namespace = `s${++scenes}`;
		const key = "key";
		const tagOf = (name: string): string => {
			for (let i = 0; ; i++) {
				if (third(`${namespace}:~tag:${name}${i}`) !== third(`${namespace}:${key}`)) return `${name}${i}`;
			}
		};
		const { backend } = store;
		const cache = new Cache({ backend, namespace });
		return {
			cache,
			local: new Cache({ backend, namespace, singleFlight: "process" }),
			key,
			tag: tagOf("tag"),
			newTag: tagOf("new"),
		};
	}

	test.each(table)("%s", async (__, { flights, commands, cluster }, call, before = none) => {
		const scene = sceneOf();
		await before(scene);
		const { client } = store;
		const start = client.stats();
		await call(scene);
		const end = client.stats();
		const cost = { flights: end.flights - start.flights, commands: end.commands - start.commands };
		// An MGET or UNLINK of keys in many slots is a command for each slot, there.
		if (client.mode === "cluster") expect(cost).toMatchObject({ flights: cluster });
		else expect(cost).toEqual({ flights, commands });
	});
});
