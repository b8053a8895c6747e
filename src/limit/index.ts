/** `slotwire/limit`: rate limits that all processes share. */
export type { LimitCallOptions, RateLimiterOptions } from "./limit-options.js";
export type { LimitResult } from "./limit-result.js";
export { type LimiterStats, RateLimiter } from "./rate-limiter.js";
