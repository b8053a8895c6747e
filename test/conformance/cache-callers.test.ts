/** Callers of one process that ask for the same: what they share, and what becomes of one who gives up. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { Cache, type CacheBackend, type CacheOptions, type GetOrSetOptions } from "../../src/cache/index.js";
import { leaseKey } from "../../src/cache/side-keys.js";
import { type OpenStore, type ServerStore, serverStores, stores } from "../support/cache-stores.js";
import { Gate } from "../support/gate.js";
import { Outcomes } from "../support/outcomes.js";
import { rejectionOf } from "../support/secrets.js";
import { viewOf } from "../support/view-of.js";

const HOUR = 3_600_000;

describe.each(stores)("%s", (_, open) => {
	let store: OpenStore;
	beforeAll(async () => {
		store = await open();
		// Connections, scripts and the subscription are there before anything is counted.
		await Promise.all(Array.from({ length: 64 }, (__, i) => cacheWith().getOrSet(`warm:${i}`, () => 1)));
	});
	afterAll(() => store?.[Symbol.asyncDispose]());

	const cacheWith = (options: Partial<CacheOptions> = {}): Cache => new Cache({ backend: store.backend, ...options });
	const isLeased = async (key: string): Promise<boolean> => {
		const { client } = store;
		return client !== null && (await client.exists(leaseKey(store.name(key), client.mode === "cluster"))) > 0;
	};
	const commands = (): number => store.client?.stats().commands ?? 0;
	/** A value that is old already. */
	const old = async (cache: Cache, key: string, value: unknown, lifetime: { swr?: number; grace?: number }): Promise<void> => {
		await cache.set(key, value, { ttl: 1, ...lifetime });
		await waitUntil("the value is old", async () => (await cache.get(key)) === undefined || "it is fresh");
	};

	describe.each([{ singleFlight: "cluster" }, { singleFlight: "process" }] as const)("$singleFlight", ({ singleFlight }) => {
		const named = (key: string): string => `${singleFlight}:${key}`;
		const cacheOf = (options: Partial<CacheOptions> = {}): Cache => cacheWith({ singleFlight, ...options });

		test("S2.7 1000 callers share one read, one factory and one write; when it is there, one read", async () => {
			await using cache = cacheOf();
			const key = named("shared");
			let calls = 0;
			const ask = () => cache.getOrSet(key, async () => ({ calls: ++calls }));
			const before = commands();
			const values = await Promise.all(Array.from({ length: 1000 }, ask));
			const made = commands();
			await Promise.all(Array.from({ length: 1000 }, ask));
			const found = commands();
			expect(new Set(values)).toEqual(new Set([{ calls: 1 }]));
			// With leases: GET, then SET NX and GET, then a script. Without: GET, then SET.
			if (store.client !== null) expect([made - before, found - made]).toEqual([singleFlight === "cluster" ? 4 : 2, 1]);
			expect(cache.stats()).toMatchObject({ factoryCalls: 1, joined: 1998, misses: 1, hits: 1, sets: 1 });
		});

		test("S2.7 namespaces of one name share what they ask for, and leave nothing behind", async () => {
			await using cache = cacheOf();
			let calls = 0;
			const values = await Promise.all(
				Array.from({ length: 50 }, () => cache.namespace(named("ns")).getOrSet("k", async () => ++calls)),
			);
			expect(new Set(values)).toEqual(new Set([1]));
		});

		test.each([
			[
				"throws",
				() => {
					throw new Error("no such row");
				},
			],
			["rejects", () => Promise.reject(new Error("no such row"))],
		])("S2.8 a factory that %s rejects all who wait, and the next caller tries again", async (how, factory) => {
			const cache = cacheOf();
			const key = named(how);
			const failed = new Outcomes(Array.from({ length: 100 }, () => cache.getOrSet(key, factory)));
			await failed.all;
			expect(failed.errors.map(({ message }) => message)).toEqual(Array(100).fill("no such row"));
			expect(cache.stats()).toMatchObject({ factoryCalls: 1, factoryErrors: 1, sets: 0, storeErrors: 0 });
			expect(await isLeased(key)).toBe(false);
			expect(await cache.getOrSet(key, () => "there")).toBe("there");
			// Nothing that failed is waited for.
			await cache.close();
		});

		test("S2.2 forceFresh joins nobody, and what was begun before it is not stored over it", async () => {
			await using cache = cacheOf();
			const key = named("forced");
			const [begun, slow] = [new Gate(), new Gate()];
			const first = cache.getOrSet(key, async () => {
				begun.open();
				await slow.opened;
				return "older";
			});
			await begun.opened;
			expect(await cache.getOrSet(key, () => "newer", { forceFresh: true })).toBe("newer");
			slow.open();
			expect(await first).toBe("older");
			expect(await cache.get(key)).toBe("newer");
		});

		test.each(["delete", "clear"] as const)("S2.9 who asks after %s gets what was made after it", async (method) => {
			await using cache = cacheOf().namespace(`${singleFlight}-${method}`);
			const [begun, slow] = [new Gate(), new Gate()];
			const before = cache.getOrSet("k", async () => {
				begun.open();
				await slow.opened;
				return "before";
			});
			await begun.opened;
			if (method === "delete") await cache.delete("k");
			else await cache.clear();
			expect(await cache.getOrSet("k", () => "after")).toBe("after");
			slow.open();
			expect(await before).toBe("before");
			expect(await cache.get("k")).toBe("after");
		});

		test("S2.9 a deletion while the tags of a new value are read is not overtaken by it", async () => {
			const { backend } = store;
			const [asked, slow] = [new Gate(), new Gate()];
			const own = viewOf(backend, {
				set: async (...args) => {
					if (args[0].startsWith("~tag:")) {
						asked.open();
						await slow.opened;
					}
					return await backend.set(...args);
				},
			});
			await using cache = new Cache({ backend: own, singleFlight });
			const key = named("tagged");
			const made = cache.getOrSet(key, (context) => {
				context.setTags([named("never-seen")]);
				return "before";
			});
			await asked.opened;
			await cache.delete(key);
			slow.open();
			expect(await made).toBe("before");
			expect(await cache.get(key)).toBeUndefined();
		});

		test("S2.7 readers of an old value within swr have it, and it is made anew once behind them", async () => {
			await using cache = cacheOf();
			const key = named("swr");
			await old(cache, key, "old", { swr: HOUR });
			const slow = new Gate();
			let calls = 0;
			const factory = async () => {
				calls += 1;
				await slow.opened;
				return "new";
			};
			const readers = () => Promise.all(Array.from({ length: 20 }, () => cache.getOrSet(key, factory, { swr: HOUR })));
			expect(new Set([...(await readers()), ...(await readers())])).toEqual(new Set(["old"]));
			await waitUntil("it is being made", () => calls === 1 || "not yet");
			// Who will not have the old one waits for the new one, instead of another factory.
			const strict = cache.getOrSet(key, factory);
			await cache.has(key);
			slow.open();
			expect(await strict).toBe("new");
			await waitUntil("it is stored", async () => (await cache.get(key)) === "new" || "not yet");
			expect(calls).toBe(1);
			expect(cache.stats()).toMatchObject({ refreshes: 1, factoryCalls: 1 });
		});

		test("S2.8 a value that cannot be made anew stays what it is, is told of, and is tried again", async () => {
			await using cache = cacheOf();
			const key = named("swr-fails");
			await old(cache, key, "old", { swr: HOUR });
			const told: string[] = [];
			cache.on("error", ({ operation }) => told.push(operation));
			const options = { swr: HOUR };
			expect(await cache.getOrSet(key, () => Promise.reject(new Error("down")), options)).toBe("old");
			await waitUntil("the failure was told", () => told.length === 1 || "not yet");
			expect(told).toEqual(["refresh"]);
			await waitUntil("nobody has the lease", async () => !(await isLeased(key)) || "it is held");
			expect(await cache.getOrSet(key, () => "new", options)).toBe("old");
			await waitUntil("it is stored", async () => (await cache.get(key)) === "new" || "not yet");
		});

		test("S2.7 a reader makes a value anew before its time (XFetch), and has it meanwhile", async () => {
			await using cache = cacheOf();
			const key = named("early");
			await cache.getOrSet(key, () => new Promise((resolve) => setTimeout(resolve, 5, "first")), { ttl: HOUR });
			expect(await cache.getOrSet(key, () => "second", { earlyRefresh: { beta: 1e12 } })).toBe("first");
			await waitUntil("it is stored", async () => (await cache.get(key)) === "second" || "not yet");
			expect(cache.stats()).toMatchObject({ refreshes: 1, stale: 0 });
		});

		test("S2.8 a value that cannot be written goes to its callers, and is told of", async () => {
			await using cache = cacheOf();
			const key = named("unwritable");
			const told: string[] = [];
			cache.on("error", ({ operation }) => told.push(operation));
			const cyclic: { self?: unknown } = {};
			cyclic.self = cyclic;
			expect(await cache.getOrSet(key, () => cyclic)).toBe(cyclic);
			expect(told).toEqual(["write"]);
			expect(cache.stats()).toMatchObject({ lostWrites: 1, storeErrors: 0, sets: 0 });
			expect(await isLeased(key)).toBe(false);
		});

		test("S2.8 what is under the key and not of a cache's making is a miss, counted once, and written over", async () => {
			await using cache = cacheOf({ failOpen: false });
			const [foreign, list] = [named("foreign"), named("list")];
			await store.backend.set(foreign, "{}", { metadata: false });
			await store.client?.lpush(store.name(list), "element");
			expect(await cache.getOrSet(foreign, () => "made")).toBe("made");
			expect(await cache.getOrSet(list, () => "made")).toBe("made");
			expect(await cache.get(foreign)).toBe("made");
			expect(await cache.get(list)).toBe("made");
			expect(cache.stats()).toMatchObject({ broken: 1, storeErrors: 0, factoryCalls: 2, sets: 2 });
		});

		// ── who gives up ──

		const ofSlow = (cache: Cache, key: string) => {
			const [begun, slow] = [new Gate(), new Gate()];
			const signals: AbortSignal[] = [];
			const ask = (options?: GetOrSetOptions<string>) =>
				cache.getOrSet(
					key,
					async ({ signal }) => {
						signals.push(signal);
						begun.open();
						await Promise.race([slow.opened, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
						signal.throwIfAborted();
						return "made";
					},
					options,
				);
			return { ask, begun, slow, signals };
		};

		test("S2.7 who aborts leaves the others to it; when the last one does, the factory is told, and the next caller begins anew", async () => {
			await using cache = cacheOf();
			const key = named("aborted");
			const [one, two] = [new AbortController(), new AbortController()];
			const { ask, begun, slow, signals } = ofSlow(cache, key);
			const calls = [ask({ signal: one.signal }), ask({ signal: two.signal })].map(rejectionOf);
			await begun.opened;
			one.abort(new Error("enough"));
			expect(await calls[0]).toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
			expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
			two.abort();
			const next = ask();
			expect(await calls[1]).toMatchObject({ code: "ABORTED" });
			expect(signals[0]?.aborted).toBe(true);
			slow.open();
			expect(await next).toBe("made");
			expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
			expect(cache.stats()).toMatchObject({ factoryCalls: 2, sets: 1 });
		});

		test("S2.7 what a factory makes in the end although all have given up is not stored: what the next caller had made is newer", async () => {
			await using cache = cacheOf();
			const key = named("given-up");
			for (const ask of [
				(factory: () => unknown, options?: GetOrSetOptions) => cache.getOrSet(key, factory, options),
				(factory: () => unknown, options?: GetOrSetOptions) =>
					cache.getOrSetMany([key], async () => [await factory()], options).then((found) => found.get(key)),
			]) {
				const [begun, slow, over, controller] = [new Gate(), new Gate(), new Gate(), new AbortController()];
				const deaf = async () => {
					begun.open();
					await slow.opened;
					setImmediate(() => over.open());
					return "older";
				};
				const call = rejectionOf(ask(deaf, { signal: controller.signal }));
				await begun.opened;
				controller.abort();
				expect(await call).toMatchObject({ code: "ABORTED" });
				const next = ask(() => "newer");
				// Without a lease nobody waits for the other factory.
				if (store.backend.leases === undefined || singleFlight === "process") expect(await next).toBe("newer");
				slow.open();
				await over.opened;
				expect(await next).toBe("newer");
				// Whatever was written is so before this is read.
				expect(await cache.get(key)).toBe("newer");
				await cache.delete(key);
			}
			expect(cache.stats()).toMatchObject({ factoryCalls: 4, sets: 2 });
		});

		test("S2.7 a call that was aborted before sends nothing", async () => {
			await using cache = cacheOf();
			const before = commands();
			const signal = AbortSignal.abort();
			const factory = () => expect.unreachable();
			expect(await rejectionOf(cache.getOrSet(named("never"), factory, { signal }))).toMatchObject({ code: "ABORTED" });
			expect(await rejectionOf(cache.getOrSetMany([named("never")], factory, { signal }))).toMatchObject({ code: "ABORTED" });
			// What was sent would be answered before this.
			await cache.get(named("never"));
			if (store.client !== null) expect(commands() - before).toBe(1);
			expect(cache.stats()).toMatchObject({ misses: 1, factoryCalls: 0 });
		});

		test("S2.7 after hardTimeout a caller is given up with TIMEOUT, and what is made is stored all the same", async () => {
			await using cache = cacheOf();
			const key = named("hard");
			const { ask, slow, signals } = ofSlow(cache, key);
			const patient = ask();
			expect(await rejectionOf(ask({ hardTimeout: 30 }))).toMatchObject({ name: "CacheTimeoutError", code: "TIMEOUT" });
			expect(await rejectionOf(ask({ hardTimeout: 1 }))).toMatchObject({ code: "TIMEOUT" });
			slow.open();
			expect(await patient).toBe("made");
			const alone = ofSlow(cache, `${key}:alone`);
			expect(await rejectionOf(alone.ask({ hardTimeout: 30 }))).toMatchObject({ code: "TIMEOUT" });
			alone.slow.open();
			await waitUntil("it is stored", async () => (await cache.get(`${key}:alone`)) === "made" || "not yet");
			expect(signals[0]?.aborted).toBe(false);
		});

		test("S2.7 after timeout a caller takes the old value, and waits where there is none", async () => {
			await using cache = cacheOf({ grace: HOUR });
			const key = named("soft");
			await old(cache, key, "old", { grace: HOUR });
			const { ask, slow } = ofSlow(cache, key);
			expect(await Promise.all([ask({ timeout: 20 }), ask({ timeout: 1 })])).toEqual(["old", "old"]);
			const without = ofSlow(cache, `${key}:none`);
			const waits = without.ask({ timeout: 1 });
			await without.begun.opened;
			slow.open();
			without.slow.open();
			expect(await waits).toBe("made");
			await waitUntil("it is stored", async () => (await cache.get(key)) === "made" || "not yet");
			expect(cache.stats()).toMatchObject({ stale: 2, factoryCalls: 2 });
		});

		// ── a factory that asks the cache ──

		test("S2.7 a factory may ask for other keys; one that asks for its own is refused, or given up", async () => {
			await using cache = cacheOf();
			const key = named("nested");
			const inner = () => cache.getOrSet(`${key}:inner`, async () => 1);
			expect(await cache.getOrSet(key, async () => (await inner()) + 1)).toBe(2);

			const refused = { code: "INVALID_ARGUMENT", index: 0 };
			const self = `${key}:self`;
			const again = (): Promise<number> => cache.getOrSet(self, again);
			expect(await rejectionOf(again())).toMatchObject(refused);
			const many = (): Promise<Map<string, number>> => cache.getOrSetMany(["other", self], many);
			expect(await rejectionOf(many())).toMatchObject(refused);
			const mixed = () => cache.getOrSet(self, () => cache.getOrSetMany([self], () => [1]));
			expect(await rejectionOf(mixed())).toMatchObject(refused);
			// Once it has awaited something, nobody can tell that it is the factory who asks.
			const later = (): Promise<number> =>
				cache.getOrSet(
					self,
					async () => {
						await cache.has(self);
						return await later();
					},
					{ hardTimeout: 50 },
				);
			expect(await rejectionOf(later())).toMatchObject({ code: "TIMEOUT" });
			await waitUntil("the factory gave up too", () => cache.stats().factoryErrors === 4 || "not yet");
			// Until its lease is given back, who asks shares its failure.
			const asked = () => cache.getOrSet(self, () => 3).catch(({ code }) => code);
			await waitUntil("it can be made", async () => {
				const given = await asked();
				return given === 3 || `${given}`;
			});
		});
	});
});

test.each(serverStores)("S2.7 an old value that another process has just made anew is not made again (%s)", async (_, open) => {
	await using store: ServerStore = await open();
	const { backend, client } = store;
	const leases = backend.leases as NonNullable<CacheBackend["leases"]>;
	await using mine = new Cache({ backend });
	await mine.set("k", "old", { ttl: 1, swr: HOUR });
	await waitUntil("the value is old", async () => (await mine.get("k")) === undefined || "it is fresh");
	const [asking, asked] = [new Gate(), new Gate()];
	const late = viewOf(leases, {
		acquire: async (...args) => {
			asking.open();
			await asked.opened;
			return await leases.acquire(...args);
		},
	});
	await using slow = new Cache({ backend: viewOf(backend, { leases: late }) });
	expect(await slow.getOrSet("k", () => expect.unreachable(), { swr: HOUR })).toBe("old");
	await asking.opened;
	expect(await mine.getOrSet("k", () => "new")).toBe("new");
	asked.open();
	await slow.close();
	expect(slow.stats()).toMatchObject({ factoryCalls: 0, refreshes: 0, storeErrors: 0 });
	expect(await client.exists(leaseKey(store.name("k"), client.mode === "cluster"))).toBe(0);
});
