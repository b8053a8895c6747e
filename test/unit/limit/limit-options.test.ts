/** What limiters refuse before anything is sent, and what they tell by HTTP. */
import { expect, test } from "vitest";
import type { Client } from "../../../src/index.js";
import { RateLimiter, type RateLimiterOptions } from "../../../src/limit/index.js";
import { rejectionOf } from "../../support/secrets.js";

/** A client that must not be asked. */
const never = {
	run: () => Promise.reject(new Error("something was sent")),
	with: () => never,
} as unknown as Client;
const good: RateLimiterOptions = { algorithm: "token-bucket", limit: 10, window: "1m" };

test.each<[field: string, options: unknown]>([
	["options", null],
	["options", "fixed-window"],
	["algorithm", { ...good, algorithm: "leaky-bucket" }],
	["algorithm", { limit: 10, window: 5 }],
	["limit", { ...good, limit: 0 }],
	["limit", { ...good, limit: 1.5 }],
	["limit", { ...good, limit: "10" }],
	["limit", { ...good, limit: Number.NaN }],
	["limit", { ...good, limit: Number.POSITIVE_INFINITY }],
	["limit", { ...good, limit: 1e13 }],
	["limit", { algorithm: "fixed-window", window: 5 }],
	["window", { ...good, window: 0 }],
	["window", { ...good, window: "1 minute" }],
	["window", { algorithm: "fixed-window", limit: 10 }],
	["burst", { ...good, burst: 0 }],
	["burst", { ...good, burst: 2.5 }],
	["burst", { ...good, algorithm: "fixed-window", burst: 5 }],
	["burst", { ...good, algorithm: "sliding-window", burst: 5 }],
	["window", { ...good, limit: 1e9, window: "365d" }],
	["prefix", { ...good, prefix: 5 }],
	["prefix", { ...good, prefix: "a\ud800" }],
	["failOpen", { ...good, failOpen: "yes" }],
	["timeoutMs", { ...good, timeoutMs: 0 }],
	["timeoutMs", { ...good, timeoutMs: "1s" }],
	["points", { ...good, points: 5 }],
])("S2.5 an option is refused by its field: %s of %j", (field, options) => {
	expect(() => new RateLimiter(never, options as RateLimiterOptions)).toThrow(
		expect.objectContaining({ code: "INVALID_OPTION", field }),
	);
});

test("S2.5 a limiter is made of a client", () => {
	for (const client of [undefined, null, {}, "redis://localhost"]) {
		expect(() => new RateLimiter(client as never, good)).toThrow(
			expect.objectContaining({ code: "INVALID_OPTION", field: "client" }),
		);
	}
});

test("S2.5 keys and points that are none are refused by their index, and no limiter that fails open lets them in", async () => {
	const refused: [key: unknown, points: unknown, index: number][] = [
		["", 1, 1],
		[undefined, 1, 1],
		[7, 1, 1],
		[Buffer.from("k"), 1, 1],
		["k\udc00", 1, 1],
		["k", 0, 2],
		["k", -1, 2],
		["k", 0.5, 2],
		["k", "1", 2],
		["k", null, 2],
		["k", Number.NaN, 2],
		["k", Number.POSITIVE_INFINITY, 2],
		["k", 2 ** 53, 2],
	];
	for (const [algorithm, most] of [
		["fixed-window", 10],
		["sliding-window", 10],
		["token-bucket", 25],
	] as const) {
		const limiter = new RateLimiter(never, { ...good, algorithm, failOpen: true, ...(most === 25 ? { burst: 25 } : {}) });
		for (const [key, points, index] of [...refused, ["k", most + 1, 2] as const]) {
			for (const call of ["consume", "peek"] as const) {
				expect(await rejectionOf(limiter[call](key as string, points as number))).toMatchObject({
					code: "INVALID_ARGUMENT",
					index,
				});
			}
		}
		expect(await rejectionOf(limiter.reset("" as string))).toMatchObject({ code: "INVALID_ARGUMENT", index: 1 });
		expect(await rejectionOf(limiter.consume("k", 1, { signal: true, wait: 5 } as never))).toMatchObject({
			code: "INVALID_OPTION",
			field: "wait",
		});
		expect(limiter.stats()).toEqual({ allowed: 0, refused: 0, degraded: 0, errors: 0 });
	}
});

test("S2.5 headers: seconds are rounded up, Retry-After only of a refusal, nothing of a degraded decision", () => {
	const result = { allowed: true, remaining: 7, limit: 10, retryAfterMs: 0, resetMs: 1001 };
	const limiter = new RateLimiter(never, { ...good, window: "1.5s" });
	const headers = {
		"RateLimit-Limit": "10",
		"RateLimit-Remaining": "7",
		"RateLimit-Reset": "2",
		"RateLimit-Policy": "10;w=2",
	};
	expect(limiter.headers(result)).toEqual(headers);
	expect(limiter.headers({ ...result, allowed: false, retryAfterMs: 1 })).toEqual({ ...headers, "Retry-After": "1" });
	expect(limiter.headers({ ...result, degraded: true })).toEqual({});
	const bursts = new RateLimiter(never, { ...good, burst: 25 });
	expect(bursts.headers({ ...result, limit: 25 })).toMatchObject({
		"RateLimit-Limit": "25",
		"RateLimit-Policy": "10;w=60;burst=25",
	});
});
