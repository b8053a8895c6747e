/** What a limiter decides. */
import type { ClientError } from "../errors.js";

export interface LimitResult {
	/** Whether the points were taken; of `peek`, whether they would be. */
	allowed: boolean;
	/** Points that are left now. */
	remaining: number;
	/** The most that can be left: `limit`, or `burst` of a token bucket. */
	limit: number;
	/** 0 when allowed; else milliseconds until as many points are there again, when nobody takes any meanwhile. */
	retryAfterMs: number;
	/** Milliseconds until all points are there again, when nobody takes any. */
	resetMs: number;
	/** Redis could not be asked and the limiter is `failOpen`: the other fields are those of a key nobody used. */
	degraded?: true;
	/** Why, of a degraded decision. */
	error?: ClientError;
}
