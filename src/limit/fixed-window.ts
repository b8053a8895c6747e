/**
 * Counts in windows that begin with a key's first hit. On the wire: a string, the points that were taken, which expires when its window ends.
 *
 * Windows are not aligned to the clock: keys that were all refused do not come back in the same instant, and whoever is refused waits no
 * longer than a window from his own first hit.
 */
import { type Algorithm, verdictScript, WHOLE } from "./algorithm.js";

const script = verdictScript(`${WHOLE}
local points, take, limit, window = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3]), tonumber(ARGV[4])
local text = redis.call('GET', KEYS[1])
local used = whole(text) or 0
local left = redis.call('PTTL', KEYS[1])
-- A shorter window than before, a clock that was set back by a failover, or somebody's PERSIST: nobody waits longer than a window.
if used > 0 and (left < 0 or left > window) then
	redis.call('PEXPIRE', KEYS[1], window)
	left = window
end
local allowed = used + points <= limit
if take and allowed then
	if used == 0 then
		redis.call('SET', KEYS[1], points, 'PX', window)
		left = window
	else
		redis.call('INCRBY', KEYS[1], points)
	end
	used = used + points
end
return {allowed and 1 or 0, math.max(0, limit - used), allowed and 0 or math.max(1, left), used > 0 and math.max(1, left) or 0}`);

export function fixedWindow(limit: number, windowMs: number): Algorithm {
	return { tag: "fixed", capacity: limit, script, settings: [limit, windowMs] };
}
