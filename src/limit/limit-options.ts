/** What a limiter is made of, and what its calls take, checked. */
import type { ViewOptions } from "../client.js";
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import { checkFlag, refuseRest } from "../util/options.js";
import { isWellFormed } from "../util/text.js";
import { type Ttl, ttlMs } from "../util/ttl.js";
import type { Algorithm } from "./algorithm.js";
import { fixedWindow } from "./fixed-window.js";
import { slidingWindow } from "./sliding-window.js";
import { tokenBucket } from "./token-bucket.js";

export interface RateLimiterOptions {
	/**
	 * - `"fixed-window"`: `limit` points in a window that begins with the first hit; the cheapest, but twice the limit can pass around the end of one
	 * - `"sliding-window"`: never more than `limit` points in any window
	 * - `"token-bucket"`: bursts of `burst`, and `limit` points a window in the long run
	 */
	algorithm: "fixed-window" | "sliding-window" | "token-bucket";
	/** Points a window. */
	limit: number;
	window: Ttl;
	/** The capacity of a token bucket; default `limit`. */
	burst?: number;
	/** Keys are `<prefix>:<fixed|sliding|bucket>:<key>`; default `"limit"`. Limiters of one algorithm and prefix count together. */
	prefix?: string;
	/** Lets callers in, with `degraded: true`, when Redis cannot be asked; default false: the error is thrown. */
	failOpen?: boolean;
	/** Milliseconds a decision may take; default what the client allows. */
	timeoutMs?: number;
}

export interface LimitCallOptions {
	/** Gives up the call; never counted as an outage. */
	signal?: AbortSignal;
	/** Milliseconds this decision may take. */
	timeoutMs?: number;
}

export interface LimiterSettings {
	readonly algorithm: Algorithm;
	readonly limit: number;
	readonly windowMs: number;
	readonly prefix: string;
	readonly failOpen: boolean;
	readonly timeoutMs: number | undefined;
}

/** A thousand times less than what scripts can count exactly. */
const MAX_LIMIT = 1e12;

/** @throws INVALID_OPTION with the field */
export function checkLimiterOptions(options: unknown): LimiterSettings {
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	const {
		algorithm,
		limit,
		window,
		burst,
		prefix = "limit",
		failOpen = false,
		timeoutMs,
		...rest
	} = options as RateLimiterOptions;
	refuseRest("a RateLimiter", rest);
	const points = pointsOf(limit, "limit");
	const windowMs = ttlMs(window, "window");
	if (typeof prefix !== "string") throw new InvalidOptionError("prefix", "must be text");
	if (!isWellFormed(prefix)) throw new InvalidOptionError("prefix", "holds half a character (a lone surrogate)");
	checkFlag(failOpen, "failOpen");
	if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && timeoutMs > 0)) {
		throw new InvalidOptionError("timeoutMs", "must be an integer from 1");
	}
	if (burst !== undefined && algorithm !== "token-bucket") throw new InvalidOptionError("burst", "is an option of token buckets");
	const common = { limit: points, windowMs, prefix, failOpen, timeoutMs };
	switch (algorithm) {
		case "fixed-window":
			return { ...common, algorithm: fixedWindow(points, windowMs) };
		case "sliding-window":
			return { ...common, algorithm: slidingWindow(points, windowMs) };
		case "token-bucket":
			return { ...common, algorithm: tokenBucket(points, windowMs, burst === undefined ? points : pointsOf(burst, "burst")) };
		default:
			throw new InvalidOptionError("algorithm", 'must be "fixed-window", "sliding-window" or "token-bucket"');
	}
}

function pointsOf(value: unknown, field: string): number {
	if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > MAX_LIMIT) {
		throw new InvalidOptionError(field, `must be a whole number from 1 to ${MAX_LIMIT}`);
	}
	return value as number;
}

/** @throws INVALID_ARGUMENT */
export function checkLimitedKey(key: unknown): string {
	if (typeof key !== "string" || key === "") throw new InvalidArgumentError(1, "the key must be text, and not empty");
	if (!isWellFormed(key)) throw new InvalidArgumentError(1, "the key holds half a character (a lone surrogate)");
	return key;
}

/** @throws INVALID_ARGUMENT */
export function checkPoints(points: unknown, capacity: number): number {
	if (!Number.isSafeInteger(points) || (points as number) < 1) {
		throw new InvalidArgumentError(2, "the points must be a whole number from 1");
	}
	if ((points as number) > capacity) throw new InvalidArgumentError(2, `at most ${capacity} points are ever there at once`);
	return points as number;
}

/** @throws INVALID_OPTION */
export function checkCallOptions(options: unknown): ViewOptions | null {
	if (options === undefined) return null;
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	const { signal, timeoutMs, ...rest } = options as LimitCallOptions;
	refuseRest("this call", rest);
	return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
