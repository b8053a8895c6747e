/**
 * A bucket of `burst` tokens into which `limit` flow back in each window, evenly. On the wire: a hash with what is missing in the bucket
 * (`debt`), when that was so (`at`, Unix ms), and how much of `debt` is one token (`unit`); it expires when the bucket is full.
 *
 * The debt is counted in a fraction of a token that makes everything a whole number: one token is `window` of them, and a millisecond pays
 * back `limit`. Nothing is rounded, so nothing drifts, however often the bucket is asked.
 */
import { InvalidOptionError } from "../errors.js";
import { type Algorithm, NOW, verdictScript, WHOLE } from "./algorithm.js";

const script = verdictScript(`${WHOLE}
${NOW}
local points, take, limit = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
local window, burst = tonumber(ARGV[4]), tonumber(ARGV[5])
local state = redis.call('HMGET', KEYS[1], 'debt', 'at', 'unit')
local debt, at, unit = whole(state[1]), whole(state[2]), whole(state[3])
if not (debt and at and unit) or unit == 0 then
	debt, at, unit = 0, now, window
end
-- The window was another one: what is missing is still as many tokens.
if unit ~= window then debt = math.ceil(debt / unit * window) end
debt = math.min(debt, burst * window)
-- The clock was set back by a failover: the bucket fills from now on, and does not wait for what was the future.
local ahead = at > now
if ahead then at = now end
debt = math.max(0, debt - (now - at) * limit)
local excess = debt + points * window - burst * window
local allowed = excess <= 0
if take and allowed then debt = debt + points * window end
local reset = math.ceil(debt / limit)
if debt > 0 and (ahead or take and allowed) then
	redis.call('HSET', KEYS[1], 'debt', string.format('%.0f', debt), 'at', string.format('%.0f', now), 'unit', window)
	redis.call('PEXPIRE', KEYS[1], reset)
end
return {allowed and 1 or 0, math.floor((burst * window - debt) / window), allowed and 0 or math.ceil(excess / limit), reset}`);

/** Twice a full debt is the largest number that a script meets; Lua's are exact up to 2^53. */
const MAX_DEBT = 2 ** 52;

export function tokenBucket(limit: number, windowMs: number, burst: number): Algorithm {
	if (burst * windowMs > MAX_DEBT) {
		throw new InvalidOptionError("window", "times burst is more than can be counted exactly: 2^52, in milliseconds");
	}
	return { tag: "bucket", capacity: burst, script, settings: [limit, windowMs, burst] };
}
