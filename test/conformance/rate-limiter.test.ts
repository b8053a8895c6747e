/** One body for the three algorithms, on every topology, in both protocols. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { RateLimiter, type RateLimiterOptions } from "../../src/limit/index.js";
import { ttlMs } from "../../src/util/ttl.js";
import { rejectionOf } from "../support/secrets.js";

const algorithms = [
	{ algorithm: "fixed-window", tag: "fixed" },
	{ algorithm: "sliding-window", tag: "sliding" },
	{ algorithm: "token-bucket", tag: "bucket" },
] as const;
const topologies = ["standalone", "cluster"] as const;
const WINDOW_MS = 600_000;

describe.each(topologies)("on a %s server", (topology) => {
	const clients: Client[] = [];
	beforeAll(async () => {
		const url = inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl");
		clients.push(...(await Promise.all([2, 3, 3, 3].map((protocol) => createClient({ url, protocol: protocol as 2 | 3 })))));
	});
	afterAll(() => Promise.all(clients.map((client) => client.close())));

	describe.each([2, 3] as const)("RESP%i", (protocol) => {
		describe.each(algorithms)("$algorithm", ({ algorithm, tag }) => {
			const prefix = `limit-${topology}-${protocol}`;
			const name = (key: string): string => `${prefix}:${tag}:${key}`;
			const client = (): Client => clients[protocol - 2]!;
			const limiter = (options: Partial<RateLimiterOptions> = {}): RateLimiter =>
				new RateLimiter(client(), { algorithm, limit: 10, window: WINDOW_MS, prefix, ...options });

			/** What the key keeps, as if so much time had passed since; of a negative time, as if the clock had been set back. */
			async function age(key: string, ms: number): Promise<void> {
				const now = await client().pttl(name(key));
				if (tag === "sliding") {
					const log = Object.entries(await client().hgetall(name(key))).map(([at, n]) => [Number(at) - ms, n] as const);
					await client().del(name(key));
					await client().hset(name(key), new Map(log.map(([at, n]) => [String(at), n])));
				}
				if (tag === "bucket") await client().hincrby(name(key), "at", -ms);
				await client().pexpire(name(key), now - ms);
			}

			test("S2.5 exactly the limit passes: each call is one script at one key, which expires by itself", async () => {
				const limits = limiter();
				await limits.reset("user:1");
				await limits.peek("user:1");
				const { flights, commands } = client().stats();
				for (let left = 9; left >= 0; left--) {
					const result = await limits.consume("user:1");
					expect(result).toEqual({ allowed: true, remaining: left, limit: 10, retryAfterMs: 0, resetMs: expect.any(Number) });
				}
				const refused = await limits.consume("user:1");
				expect(refused).toMatchObject({ allowed: false, remaining: 0, limit: 10 });
				const after = client().stats();
				expect([after.flights - flights, after.commands - commands]).toEqual([11, 11]);
				const wait = tag === "bucket" ? WINDOW_MS / 10 : WINDOW_MS;
				expect(refused.retryAfterMs).toBeGreaterThan(wait - 30_000);
				expect(refused.retryAfterMs).toBeLessThanOrEqual(wait);
				expect(refused.resetMs).toBeGreaterThan(WINDOW_MS - 30_000);
				expect(refused.resetMs).toBeLessThanOrEqual(WINDOW_MS);
				expect(limits.stats()).toEqual({ allowed: 10, refused: 1, degraded: 0, errors: 0 });
				const ttl = await client().pttl(name("user:1"));
				expect(ttl).toBeGreaterThan(WINDOW_MS - 30_000);
				expect(ttl).toBeLessThanOrEqual(WINDOW_MS);
				expect(await keysOf("user:1")).toEqual([name("user:1")]);
			});

			test("S2.5 points are taken all or none: a refused call takes nothing, and says when it would be served", async () => {
				const limits = limiter();
				await limits.reset("points");
				expect(await limits.consume("points", 4)).toMatchObject({ allowed: true, remaining: 6 });
				for (let i = 0; i < 3; i++) expect(await limits.consume("points", 7)).toMatchObject({ allowed: false, remaining: 6 });
				expect(await limits.consume("points", 6)).toMatchObject({ allowed: true, remaining: 0 });
				const { retryAfterMs } = await limits.consume("points", 3);
				await age("points", retryAfterMs - 30_000);
				expect(await limits.consume("points", 3)).toMatchObject({ allowed: false });
				await age("points", 30_000);
				expect(await limits.consume("points", 3)).toMatchObject({ allowed: true });
			});

			test("S2.5 after resetMs all of it is there again", async () => {
				const limits = limiter();
				await limits.reset("whole");
				const { resetMs } = await limits.consume("whole", 10);
				await age("whole", resetMs - 30_000);
				expect((await limits.peek("whole")).remaining).toBeLessThan(10);
				await age("whole", 30_000);
				expect(await limits.peek("whole", 10)).toEqual({ allowed: true, remaining: 10, limit: 10, retryAfterMs: 0, resetMs: 0 });
			});

			test("S2.5 all callers of all processes together get exactly the limit", async () => {
				const limit = 100;
				const limiters = clients.map((client) => new RateLimiter(client, { algorithm, limit, window: WINDOW_MS, prefix }));
				await limiters[0]!.reset("crowd");
				const results = await Promise.all(limiters.flatMap((one) => Array.from({ length: 75 }, () => one.consume("crowd"))));
				const allowed = results.filter((result) => result.allowed);
				expect(allowed.map(({ remaining }) => remaining).sort((a, b) => a - b)).toEqual(
					Array.from({ length: limit }, (_, i) => i),
				);
				expect(limiters.reduce((sum, one) => sum + one.stats().refused, 0)).toBe(300 - limit);
			});

			test("S2.5 peek takes nothing and makes no key; reset makes the key as good as new", async () => {
				const limits = limiter();
				await limits.reset("peek");
				const fresh = { allowed: true, remaining: 10, limit: 10, retryAfterMs: 0, resetMs: 0 };
				for (let i = 0; i < 3; i++) expect(await limits.peek("peek")).toEqual(fresh);
				expect(await client().exists(name("peek"))).toBe(0);
				await limits.consume("peek", 8);
				expect(await limits.peek("peek", 2)).toMatchObject({ allowed: true, remaining: 2, retryAfterMs: 0 });
				expect(await limits.peek("peek", 3)).toMatchObject({ allowed: false, remaining: 2 });
				expect((await limits.peek("peek", 3)).retryAfterMs).toBeGreaterThan(0);
				expect(await limits.reset("peek")).toBe(true);
				expect(await limits.reset("peek")).toBe(false);
				expect(await limits.peek("peek")).toEqual(fresh);
			});

			test("S2.5 keys of any text are apart from each other, and from other prefixes", async () => {
				const keys = ["a", "a:b", "{a}", "a}{b", "日本 😀", " ", "x".repeat(5000)];
				const limits = limiter({ limit: 1 });
				for (const key of keys) await limits.reset(key);
				for (const key of keys) expect(await limits.consume(key)).toMatchObject({ allowed: true, remaining: 0 });
				const other = limiter({ limit: 1, prefix: `${prefix}-other` });
				await other.reset("a");
				expect(await other.consume("a")).toMatchObject({ allowed: true });
			});

			test("S2.5 a short window ends by itself, and its key with it", async () => {
				const limits = limiter({ window: "200ms", limit: 2 });
				await limits.reset("short");
				await limits.consume("short", 2);
				await waitUntil("the end of the window", async () => (await client().exists(name("short"))) === 0 || "the key is there");
				expect(await limits.consume("short", 2)).toMatchObject({ allowed: true, remaining: 0 });
			});

			test("S2.5 a key that was made to last for ever expires again with the next points", async () => {
				const limits = limiter();
				await limits.reset("persisted");
				await limits.consume("persisted", 4);
				expect(await client().persist(name("persisted"))).toBe(1);
				expect(await limits.consume("persisted", 4)).toMatchObject({ allowed: true, remaining: 2 });
				expect(await client().pttl(name("persisted"))).toBeGreaterThan(WINDOW_MS - 30_000 - WINDOW_MS / 5);
			});

			test("S2.5 what was counted under another limit and window counts on, in whole numbers and for no longer than the new window", async () => {
				const shapes: Partial<RateLimiterOptions>[] = [
					{ limit: 1000, window: "7d" },
					{ limit: 3, window: "10s" },
					{ limit: 7, window: 777 },
					{ limit: 65, window: "1h" },
					{ limit: 100_000, window: "1d" },
					{ limit: 1, window: 1 },
					{ limit: 50, window: "30d" },
				];
				for (const before of shapes) {
					for (const now of shapes) {
						await limiter(before).reset("shape");
						await limiter(before).consume("shape", before.limit);
						const limits = limiter(now);
						const windowMs = ttlMs(now.window!, "window");
						const results = [await limits.consume("shape"), await limits.peek("shape", now.limit), await limits.consume("shape")];
						for (const { remaining, retryAfterMs, resetMs } of results) {
							for (const figure of [remaining, retryAfterMs, resetMs]) {
								expect(Number.isSafeInteger(figure) && figure >= 0, `${figure} of ${JSON.stringify({ before, now })}`).toBe(true);
							}
							expect(remaining).toBeLessThanOrEqual(now.limit!);
							// A 64th of a window of the limit before may be what the times of hits were rounded up to.
							expect(retryAfterMs).toBeLessThanOrEqual(windowMs + Math.ceil(windowMs / 64));
							expect(resetMs).toBeLessThanOrEqual(windowMs + Math.ceil(windowMs / 64));
						}
						expect(await client().pttl(name("shape"))).not.toBe(-1);
					}
				}
			});

			test("S2.5 five points that were taken are five under any other rule", async () => {
				const rules: [Partial<RateLimiterOptions>, remaining: number][] = [
					[{ limit: 20 }, 15],
					[{ limit: 4 }, 0],
					[{ window: 2 * WINDOW_MS }, 5],
					[{ window: WINDOW_MS / 7 }, 5],
					[{ limit: 1000, window: "1d" }, 995],
				];
				for (const [rule, remaining] of rules) {
					await limiter().reset("rule");
					await limiter().consume("rule", 5);
					expect((await limiter(rule).peek("rule")).remaining, JSON.stringify(rule)).toBe(remaining);
				}
			});

			test("S2.5 a clock that was set back by a failover locks nobody out for longer than a window", async () => {
				for (const look of ["consume", "peek"] as const) {
					const limits = limiter();
					await limits.reset("clock");
					await limits.consume("clock", 10);
					await age("clock", -86_400_000);
					const refused = await limits[look]("clock", 10);
					expect(refused).toMatchObject({ allowed: false, remaining: 0 });
					expect(refused.retryAfterMs).toBeLessThanOrEqual(WINDOW_MS);
					// It is not the answer alone: a window later it is over.
					await age("clock", WINDOW_MS);
					expect(await limits.consume("clock", 10)).toMatchObject({ allowed: true });
				}
			});

			test("S2.5 something else at the key: its type is the server's error, its text no state", async () => {
				const limits = limiter();
				await client().del(name("foreign"));
				await client().rpush(name("foreign"), "x");
				expect(await rejectionOf(limits.consume("foreign"))).toMatchObject({ code: "WRONGTYPE", name: "ReplyError" });
				expect(limits.stats()).toMatchObject({ errors: 1, allowed: 0 });
				for (const text of ["", "x", "-5", "1.5", "nan", "inf", "0x10", "99999999999999999999"]) {
					await client().del(name("foreign"));
					if (tag === "fixed") await client().set(name("foreign"), text);
					else if (tag === "sliding") await client().hset(name("foreign"), { [text]: 1, [Date.now()]: text });
					else await client().hset(name("foreign"), { debt: text, at: text, unit: text });
					expect(await limits.consume("foreign", 4), text).toMatchObject({ allowed: true, remaining: 6 });
					expect(await client().pttl(name("foreign")), text).toBeGreaterThan(0);
				}
			});

			/** The names of the keys of a limiter's key, of all algorithms. */
			async function keysOf(key: string): Promise<string[]> {
				const names: string[] = [];
				for await (const found of client().scan({ match: `${prefix}:${tag}:${key}*` })) names.push(found);
				return names;
			}
		});
	});
});
