/** Who makes a value keeps its lease for as long as that takes, and no longer than somebody wants the value. */
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { Cache, RedisBackend, TieredBackend } from "../../src/cache/index.js";
import { leaseKey } from "../../src/cache/side-keys.js";
import { createClient } from "../../src/index.js";
import { CachePair } from "../support/cache-pair.js";
import { Gate } from "../support/gate.js";

const HOUR = 3_600_000;

/** A factory that stands still. */
class Held<T> {
	readonly #begun = new Gate();
	readonly #gate = new Gate();
	readonly #value: T;
	calls = 0;

	constructor(value: T) {
		this.#value = value;
	}

	readonly factory = async (): Promise<T> => {
		this.calls += 1;
		this.#begun.open();
		await this.#gate.opened;
		return this.#value;
	};

	get begun(): Promise<void> {
		return this.#begun.opened;
	}

	end(): void {
		this.#gate.open();
	}
}

/** How `renew` was answered, in order. */
function renewals({ leases }: RedisBackend): (boolean | unknown)[] {
	const answers: unknown[] = [];
	const renew = leases.renew.bind(leases);
	leases.renew = async (...args) => {
		try {
			const held = await renew(...args);
			answers.push(held);
			return held;
		} catch (error) {
			answers.push(error);
			throw error;
		}
	};
	return answers;
}

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	let pair: CachePair;
	beforeAll(async () => {
		pair = await CachePair.start(topology);
	});
	afterAll(() => pair?.[Symbol.asyncDispose]());
	const leaseOf = (name: string): string => leaseKey(name, topology === "cluster");

	test.concurrent("S2.7 a factory that takes longer than leaseTtl is the only one, of a fetch, of a refresh, and below two levels", async () => {
		const leaseTtl = 1000;
		const { cache, other, client, keyPrefix } = pair.caches({ leaseTtl });
		const levels = new TieredBackend({ backend: new RedisBackend({ client, keyPrefix }) });
		await using tiered = new Cache({ backend: levels, leaseTtl });
		const keys = ["plain", "behind", "a}{b", "tiered"] as const;
		await cache.set("behind", "old", { ttl: 1, swr: HOUR });
		await waitUntil("the value is old", async () => (await cache.get("behind")) === undefined || "it is fresh");

		const began = performance.now();
		const held = new Map(keys.map((key) => [key, new Held(`made: ${key}`)]));
		const factoryOf = (key: (typeof keys)[number]) => (held.get(key) as Held<string>).factory;
		const askOf = (one: Cache) =>
			Promise.all(keys.map((key) => one.getOrSet(key, factoryOf(key), key === "behind" ? { swr: HOUR } : {})));
		const first = Promise.all([
			...(["plain", "a}{b"] as const).map((key) => cache.getOrSet(key, factoryOf(key))),
			tiered.getOrSet("tiered", factoryOf("tiered")),
			cache.getOrSet("behind", factoryOf("behind"), { swr: HOUR }),
		]);
		await Promise.all([...held.values()].map(({ begun }) => begun));
		const second = askOf(other);
		await waitUntil("the leases would be over", () => performance.now() - began > 2.5 * leaseTtl || "not yet");
		for (const each of held.values()) each.end();

		expect(await first).toEqual(["made: plain", "made: a}{b", "made: tiered", "old"]);
		expect(await second).toEqual(["made: plain", "old", "made: a}{b", "made: tiered"]);
		await waitUntil("the refresh is stored", async () => (await other.get("behind")) === "made: behind" || "not yet");
		expect([...held.values()].map(({ calls }) => calls)).toEqual([1, 1, 1, 1]);
		expect((await other.getMany([...keys])).size).toBe(4);
		for (const each of [cache, other, tiered]) expect(each.stats()).toMatchObject({ lostWrites: 0, storeErrors: 0 });
		expect(await client.existsMany(keys.map((key) => leaseOf(keyPrefix + key)))).toBe(0);
		await levels.disconnect();
	});

	test.concurrent("S2.7 a holder whose client is gone is replaced after leaseTtl, and what it makes is not stored", async () => {
		const { other, keyPrefix } = pair.caches();
		const client = await createClient(inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"));
		const backend = new RedisBackend({ client, keyPrefix });
		const answers = renewals(backend);
		await using cache = new Cache({ backend, leaseTtl: 900 });
		const failed = new Set<string>();
		cache.on("error", ({ operation }) => failed.add(operation));
		const held = new Held("first");
		const made = cache.getOrSet("k", held.factory);
		await held.begun;
		await waitUntil("it was prolonged", () => answers.includes(true) || "not yet");
		client.destroy();
		expect(await other.getOrSet("k", () => "second")).toBe("second");
		// A store that does not answer is nothing worse than that.
		await waitUntil("it could not be prolonged", () => failed.has("renew") || "not yet");
		held.end();
		expect(await made).toBe("first");
		expect(await other.get("k")).toBe("second");
		expect(cache.stats()).toMatchObject({ lostWrites: 1 });
	});

	test.concurrent("S2.9 a lease that somebody else ended, and has by now, is not prolonged, and that is no loss", async () => {
		const { cache, other, backend } = pair.caches({ leaseTtl: 900 });
		const answers = renewals(backend);
		const held = new Held("older");
		const made = cache.getOrSet("k", held.factory);
		await held.begun;
		await waitUntil("it was prolonged", () => answers.includes(true) || "not yet");
		await other.delete("k");
		const theirs = new Held("newer");
		const newer = other.getOrSet("k", theirs.factory);
		await theirs.begun;
		await waitUntil("it is known to be lost", () => answers.includes(false) || "not yet");
		// Of another one, which goes on, three more turns.
		const further = answers.length;
		const going = new Held("goes on");
		const third = cache.getOrSet("other", going.factory);
		await waitUntil("three more turns", () => answers.length >= further + 3 || "not yet");
		expect(answers.slice(further)).not.toContain(false);
		for (const each of [going, held, theirs]) each.end();
		expect(await Promise.all([made, third, newer])).toEqual(["older", "goes on", "newer"]);
		expect(await other.get("k")).toBe("newer");
		expect(cache.stats()).toMatchObject({ lostWrites: 0, storeErrors: 0 });
	});

	test.each<[what: string, end: (cache: Cache, abort: AbortController) => unknown]>([
		["all callers gave up", (_, abort) => abort.abort()],
		["a tag was invalidated", (cache) => cache.invalidateTags("tag")],
		["the cache was closed", (cache) => cache.close({ timeout: 1 })],
	])("S2.7 what nobody waits for any more is not prolonged: %s", async (_, end) => {
		const { cache, other } = pair.caches({ leaseTtl: 300 });
		const held = new Held("unwanted");
		const abort = new AbortController();
		const made = cache.getOrSet("k", held.factory, { signal: abort.signal, tags: ["tag"] }).catch(() => "given up");
		await held.begun;
		await end(cache, abort);
		expect(await other.getOrSet("k", () => "wanted")).toBe("wanted");
		held.end();
		expect(["given up", "unwanted"]).toContain(await made);
		await waitUntil("the factory is over", async () => (await other.get("k")) === "wanted" || "it was overwritten");
	});
});

test("S2.7 S3.1 what was disconnected is not opened again to prolong a lease", async () => {
	await using client = await createClient(inject("standaloneUrl"));
	const keyPrefix = "let-go:";
	await using backend = new RedisBackend({ connection: { url: inject("standaloneUrl"), name: "let-go" }, keyPrefix });
	const answers = renewals(backend);
	await using cache = new Cache({ backend, leaseTtl: 300 });
	const held = new Held("made");
	const made = cache.getOrSet("k", held.factory);
	await held.begun;
	await backend.disconnect();
	await waitUntil("the lease is over", async () => (await client.exists(leaseKey(`${keyPrefix}k`, false))) === 0 || "it is held");
	await waitUntil("it gave up", () => answers.includes(false) || "not yet");
	expect(String(await client.command("CLIENT", "LIST"))).not.toContain("name=let-go");
	held.end();
	expect(await made).toBe("made");
	expect(await client.exists(`${keyPrefix}k`)).toBe(0);
});

test("S2.7 one timer for each value that is made by a lease, and none is left however that ends", async () => {
	await using pair = await CachePair.start("standalone");
	// Nobody else sets a timer of a third of that.
	const { cache, other } = pair.caches({ leaseTtl: 900_003 });
	const set = vi.spyOn(globalThis, "setTimeout");
	const cleared = vi.spyOn(globalThis, "clearTimeout");
	try {
		const timers = () => set.mock.results.flatMap(({ value }, i) => (set.mock.calls[i]?.[1] === 300_001 ? [value] : []));
		const cyclic: { self?: unknown } = {};
		cyclic.self = cyclic;
		const ways: Record<string, () => Promise<unknown>> = {
			value: () => cache.getOrSet("value", () => 1),
			"value, later": () => cache.getOrSet("later", async () => await other.has("x")),
			none: () => cache.getOrSet("none", () => undefined),
			unwritable: () => cache.getOrSet("cyclic", () => cyclic),
			skipped: () => cache.getOrSet("skipped", (context) => context.skip()),
			thrown: () => cache.getOrSet("thrown", () => Promise.reject(new Error("no"))).catch(() => {}),
			deleted: () => cache.getOrSet("deleted", async () => await cache.delete("deleted")),
			"deleted elsewhere": () => cache.getOrSet("elsewhere", async () => await other.delete("elsewhere")),
			tags: () => cache.getOrSet("tags", async (context) => await context.setTags(["u"]), { tags: ["t"] }),
		};
		for (const [i, way] of Object.values(ways).entries()) {
			await way();
			expect(timers().length).toBe(i + 1);
		}
		await cache.close();
		const gone = new Set(cleared.mock.calls.map(([timer]) => timer));
		expect(timers().map((timer) => [gone.has(timer), (timer as NodeJS.Timeout).hasRef()])).toEqual(
			Object.keys(ways).map(() => [true, false]),
		);
		// Without a lease there is nothing to hold.
		const [made, { cache: local }] = [timers().length, pair.caches({ leaseTtl: 900_003, singleFlight: "process" })];
		await local.getOrSet("k", () => 1);
		await other.getOrSet("k", () => 1, { forceFresh: true });
		expect(timers().length).toBe(made);
	} finally {
		set.mockRestore();
		cleared.mockRestore();
	}
});
