/** A decision as HTTP tells it. */
import type { LimitResult } from "./limit-result.js";

/**
 * `RateLimit-Limit`, `-Remaining`, `-Reset` and `-Policy` (draft-ietf-httpapi-ratelimit-headers-07), and `Retry-After` (RFC 9110) on a refusal.
 * HTTP counts in seconds: they are rounded up, so that whoever waits as told does not come too early. Nothing is known of a degraded decision,
 * so nothing is said.
 */
export function headersOf(result: LimitResult, limit: number, windowMs: number): Record<string, string> {
	if (result.degraded) return {};
	const burst = result.limit === limit ? "" : `;burst=${result.limit}`;
	const headers: Record<string, string> = {
		"RateLimit-Limit": String(result.limit),
		"RateLimit-Remaining": String(result.remaining),
		"RateLimit-Reset": String(seconds(result.resetMs)),
		"RateLimit-Policy": `${limit};w=${seconds(windowMs)}${burst}`,
	};
	if (!result.allowed) headers["Retry-After"] = String(seconds(result.retryAfterMs));
	return headers;
}

function seconds(ms: number): number {
	return Math.ceil(ms / 1000);
}
