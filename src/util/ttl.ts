/** How long something lives, as the upper layers take it: milliseconds, or a number with its unit. */
import { InvalidOptionError } from "../errors.js";

/** Milliseconds, or such as `"500ms"`, `"30s"`, `"5m"`, `"1.5h"`, `"7d"`. More than nothing. */
export type Ttl = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const TEXT = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)$/;
/** Servers add the time of day in milliseconds to it, within 64 bits; here the sum is a date as well. */
export const MAX_TTL_MS = 100 * 365 * 86_400_000;

/**
 * Whole milliseconds, a part of one counted as one.
 * @throws INVALID_OPTION with `field`
 */
export function ttlMs(ttl: unknown, field: string): number {
	const match = typeof ttl === "string" ? TEXT.exec(ttl) : null;
	const ms = match === null ? ttl : Number(match[1]) * (UNITS[match[2] as string] as number);
	if (typeof ms !== "number" || !(ms > 0)) {
		throw new InvalidOptionError(field, 'must be milliseconds above 0, or a number and its unit such as "30s" (ms, s, m, h, d)');
	}
	if (ms > MAX_TTL_MS) throw new InvalidOptionError(field, "must not be more than a hundred years");
	// What a decimal fraction leaves of binary dust is no millisecond.
	return Math.max(1, Math.ceil(ms - 1e-6));
}

/** The same for what is waited for in this process: of timers that are set for longer Node makes one millisecond. */
export function timerMs(ttl: unknown, field: string): number {
	return Math.min(2 ** 31 - 1, ttlMs(ttl, field));
}

/** A time to live as an option of SET: EX where it is whole seconds, else PX. */
export function expiryOf(ms: number): { ex: number } | { px: number } {
	return ms % 1000 === 0 ? { ex: ms / 1000 } : { px: ms };
}
