/** What the three algorithms have in common: a script that decides, and what it is told. */
import { defineScript, type TypedScript } from "../script.js";

/** What a script answers: whether the points are there, how many are left, and the two waits in milliseconds. */
export interface Verdict {
	allowed: boolean;
	remaining: number;
	retryAfterMs: number;
	resetMs: number;
}

export interface Algorithm {
	/** Stands in the names of keys. Algorithms keep different things: no two may meet at one key. */
	readonly tag: string;
	/** The most that one call can ask for. */
	readonly capacity: number;
	readonly script: TypedScript<Verdict>;
	/** Behind the points, and 1 to take them or 0 to look. */
	readonly settings: readonly number[];
}

/**
 * A script of one key. `ARGV`: the points, 1 to take them or 0 to look, then the algorithm's settings, all whole numbers; it answers
 * `{allowed 0 or 1, remaining, retryAfterMs, resetMs}`.
 */
export function verdictScript(lua: string): TypedScript<Verdict> {
	return defineScript({
		keys: 1,
		lua,
		reply(reply) {
			const [allowed, remaining, retryAfterMs, resetMs] = reply as number[];
			return { allowed: allowed === 1, remaining, retryAfterMs, resetMs } as Verdict;
		},
	});
}

/**
 * Whole numbers as these scripts write them. What `tonumber` takes beside them (`nan`, `inf`, `0x1`, fractions) came from elsewhere, and is no
 * state of ours.
 */
export const WHOLE = `
local function whole(text)
	return text and #text < 17 and string.match(text, '^%d+$') and tonumber(text) or nil
end`;

/** The server's time of day. Every process that counts at a key asks the same clock. */
export const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;
