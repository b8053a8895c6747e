/**
 * Counts what was taken within the last window, at any moment. On the wire: a hash whose fields are times (Unix, ms) and whose values are the
 * points taken then; it expires when the last of them no longer counts.
 *
 * A log, bounded: up to a limit of 64 every hit keeps its own millisecond, which makes at most as many fields as the limit allows points.
 * Above it, hits are gathered in 64ths of the window, and each counts until the last of its 64th is a window old. So there is never more than
 * the limit in any window, wherever one puts it, and a hit counts at most 1/64 of a window too long. (Two weighted windows take less memory,
 * but let nearly twice the limit through when a full window ends in a burst.)
 */
import { type Algorithm, NOW, verdictScript, WHOLE } from "./algorithm.js";

const GRAINS = 64;

const script = verdictScript(`${WHOLE}
${NOW}
local points, take, limit = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
local window, grain = tonumber(ARGV[4]), tonumber(ARGV[5])
local stamp = now - now % grain + grain - 1
local log, live, old, used, ahead, here = redis.call('HGETALL', KEYS[1]), {}, {}, 0, 0, 0
for i = 1, #log, 2 do
	local at, taken = whole(log[i]), whole(log[i + 1])
	if at and taken then
		if at > stamp then
			ahead = ahead + taken
			old[#old + 1] = log[i]
		elseif at + window <= now then
			old[#old + 1] = log[i]
		else
			used = used + taken
			live[#live + 1] = {at, taken}
			if at == stamp then here = taken end
		end
	end
end
-- The clock was set back by a failover: what was taken in its future counts as taken now, or it would count until that future is over.
if ahead > 0 then
	used = used + ahead
	live[#live + 1] = {stamp, ahead}
end
local allowed = used + points <= limit
local taken = take and allowed and points or 0
if taken + ahead > 0 then
	for i = 1, #old do redis.call('HDEL', KEYS[1], old[i]) end
	redis.call('HSET', KEYS[1], string.format('%.0f', stamp), here + taken + ahead)
	redis.call('PEXPIRE', KEYS[1], stamp + window - now)
	live[#live + 1] = {stamp, taken}
	used = used + taken
end
table.sort(live, function(a, b) return a[1] < b[1] end)
local retry, excess = 0, used + points - limit
for i = 1, #live do
	if allowed or excess <= 0 then break end
	excess = excess - live[i][2]
	retry = live[i][1] + window - now
end
local reset = #live > 0 and live[#live][1] + window - now or 0
return {allowed and 1 or 0, math.max(0, limit - used), retry, reset}`);

export function slidingWindow(limit: number, windowMs: number): Algorithm {
	const grainMs = limit <= GRAINS ? 1 : Math.ceil(windowMs / GRAINS);
	return { tag: "sliding", capacity: limit, script, settings: [limit, windowMs, grainMs] };
}
