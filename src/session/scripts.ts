/**
 * What happens to a session happens in one step. `KEYS[1]` is the session; no script makes one that is not there, but `CREATE`.
 * A hash without the store's own field is none: 0, and it stays as it is.
 */
import { defineScript } from "../script.js";
import { LIFE } from "./fields.js";

const NOW = `
local function now()
	local time = redis.call('TIME')
	return time[1] * 1000 + math.floor(time[2] / 1000)
end`;

/**
 * `life()` is `ttl, ends` of a live session. `touch()` begins its time anew, no further than its end; false when that has come: then the
 * session is over.
 */
const SESSION = `${NOW}
local function life()
	local text = redis.pcall('HGET', KEYS[1], '${LIFE}')
	-- A table is the error of a key of another type.
	if type(text) ~= 'string' then return nil end
	local ttl, ends = string.match(text, '^%[(%d+),%d+,(%d+)%]$')
	return tonumber(ttl), tonumber(ends)
end
local function touch(ttl, ends)
	if ends > 0 then ttl = math.min(ttl, ends - now()) end
	if ttl <= 0 then
		redis.call('DEL', KEYS[1])
		return false
	end
	redis.call('PEXPIRE', KEYS[1], ttl)
	return true
end
local ttl, ends = life()
`;
const LIVE = `${SESSION}
if not ttl then return 0 end`;

const done = (reply: unknown): boolean => reply === 1;

/** `ttl`, the longest life or 0, then names and texts. */
export const CREATE = defineScript({
	keys: 1,
	lua: `${NOW}
local ttl, longest, created = tonumber(ARGV[1]), tonumber(ARGV[2]), now()
local ends = longest > 0 and created + longest or 0
redis.call('HSET', KEYS[1], '${LIFE}', string.format('[%.0f,%.0f,%.0f]', ttl, created, ends))
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], longest > 0 and math.min(ttl, longest) or ttl)
return 1`,
	reply: done,
});

/** All fields, touched; what is no session is handed over as it is, 0 where that is no hash. */
export const GET_AND_TOUCH = defineScript({
	keys: 1,
	lua: `${SESSION}
if ttl and not touch(ttl, ends) then return {} end
local fields = redis.pcall('HGETALL', KEYS[1])
return fields.err and 0 or fields`,
	reply: (reply) => (Array.isArray(reply) ? (reply as string[]) : null),
});

export const TOUCH = defineScript({
	keys: 1,
	lua: `${LIVE}
return touch(ttl, ends) and 1 or 0`,
	reply: done,
});

/** 1 to touch, the number of fields to set, names and texts, then names to remove. */
export const UPDATE = defineScript({
	keys: 1,
	lua: `${LIVE}
if ARGV[1] == '1' and not touch(ttl, ends) then return 0 end
local removed = 3 + 2 * ARGV[2]
for i = 3, removed - 1, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = removed, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
return 1`,
	reply: done,
});

/** 1 to touch, names and texts. What is new is written before what is old goes: an error on the way loses nothing. */
export const REPLACE = defineScript({
	keys: 1,
	lua: `${LIVE}
if ARGV[1] == '1' and not touch(ttl, ends) then return 0 end
local kept = {['${LIFE}'] = true}
for i = 2, #ARGV, 2 do
	kept[ARGV[i]] = true
	redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
	if not kept[name] then redis.call('HDEL', KEYS[1], name) end
end
return 1`,
	reply: done,
});

/** `KEYS[2]` takes its place; 1 to touch it as well. */
export const REGENERATE = defineScript({
	keys: 2,
	lua: `${LIVE}
if ARGV[1] == '1' and not touch(ttl, ends) then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return 1`,
	reply: done,
});
