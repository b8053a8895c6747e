/** How long entries live, as they are written. */
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CacheBackend } from "../../../src/cache/backend.js";
import { Reporter } from "../../../src/cache/cache-events.js";
import { type CacheOptions, resolveCacheOptions } from "../../../src/cache/cache-options.js";
import { EntryStore } from "../../../src/cache/entry-store.js";

const never = (): never => {
	throw new Error("nothing is asked");
};
const backend = { get: never, getMany: never, set: never, setMany: never, delete: never } as unknown as CacheBackend;
const NOW = 1_700_000_000_000;

/** Fresh for how long, and when the server forgets it. */
function sealed(options: Omit<CacheOptions, "backend">, ...[value]: unknown[]): { fresh: number; ttl: number | null } {
	const settings = resolveCacheOptions({ backend, ...options });
	const { bytes, ttlMs } = new EntryStore(settings, new Reporter()).seal(value, settings.policy, [], 0);
	return { fresh: (settings.format.open(bytes as string)?.freshUntil ?? Number.NaN) - Date.now(), ttl: ttlMs };
}

afterEach(() => {
	vi.useRealTimers();
	vi.restoreAllMocks();
});

describe("what is written with an entry", () => {
	test.each([
		[{}, 3_600_000, 3_600_000],
		[{ ttl: "5m" }, 300_000, 300_000],
		[{ ttl: 1 }, 1, 1],
		[{ ttl: "1m", swr: "10s" }, 60_000, 70_000],
		[{ ttl: "1m", grace: "1h" }, 60_000, 3_660_000],
		[{ ttl: "1m", swr: "2h", grace: "1h" }, 60_000, 7_260_000],
		[{ ttl: null }, Number.POSITIVE_INFINITY, null],
		[{ ttl: null, swr: "1m", grace: "1m", ttlJitter: 1 }, Number.POSITIVE_INFINITY, null],
		[{ ttl: "36500d", grace: "36500d" }, 3_153_600_000_000, 3_153_600_000_000],
	] as const)("S2.10 %o: fresh for %d ms, kept for %d ms", (options, fresh, ttl) => {
		vi.useFakeTimers({ now: NOW });
		expect(sealed(options, "v")).toEqual({ fresh, ttl });
	});

	test("S2.2 that there is no such thing has a time of its own", () => {
		vi.useFakeTimers({ now: NOW });
		expect(sealed({ ttl: "1h", negativeTtl: "5s", grace: "1m" }, undefined)).toEqual({ fresh: 5000, ttl: 65_000 });
		expect(sealed({ ttl: null, negativeTtl: "5s" }, undefined)).toEqual({ fresh: 5000, ttl: 5000 });
	});

	test("S2.10 jitter takes off up to its part, evenly, and adds nothing", () => {
		vi.useFakeTimers({ now: NOW });
		const ttls = Array.from({ length: 4000 }, () => sealed({ ttl: 100_000, ttlJitter: 0.2 }, "v"));
		const fresh = ttls.map((seal) => seal.fresh);
		expect(Math.max(...fresh)).toBeLessThanOrEqual(100_000);
		expect(Math.min(...fresh)).toBeGreaterThanOrEqual(80_000);
		// Each tenth of the range has its share, 400: that one has fewer than 250 or more than 550 is one in 10¹³.
		const tenths = new Array<number>(10).fill(0);
		for (const ms of fresh) tenths[Math.min(9, Math.floor((100_000 - ms) / 2000))]! += 1;
		for (const count of tenths) expect(count).toSatisfy((n: number) => n > 250 && n < 550);
		for (const { fresh: ms, ttl } of ttls) expect(ttl).toBe(ms);
	});

	test.each([
		[0, 1000],
		[0.999_999, 1],
	])("S2.10 jitter of all of it at random %d: %d ms, at least one", (random, ms) => {
		vi.useFakeTimers({ now: NOW });
		vi.spyOn(Math, "random").mockReturnValue(random);
		expect(sealed({ ttl: 1000, ttlJitter: 1 }, "v")).toEqual({ fresh: ms, ttl: ms });
	});
});
