/** What a value that was found is worth to whom. */
import type { Policy } from "./cache-options.js";
import type { Found } from "./entry-format.js";
import type { Look } from "./entry-store.js";

/** Whether it is the entry that was found before: those that are fresh for ever differ in their tags' versions only. */
export function isSame(now: Found, found: Found): boolean {
	return now.sealedUntil === found.sealedUntil && now.madeInMs === found.madeInMs && `${now.tags}` === `${found.tags}`;
}

/** The look, with what was found since. */
export function foundBy(look: Look, newer: Found | null): Look {
	return newer === null ? look : { ...look, found: newer };
}

/** Whether there is a value, whatever it is worth. */
export function isStored({ found, reason }: Look): boolean {
	return found !== null || reason === "broken";
}

/** @param now read once by those who ask for many */
export function isFresh({ freshUntil }: Found, now = Date.now()): boolean {
	return now < freshUntil;
}

/** Whether it has been old for no longer than that; what was invalidated never is. */
export function isWithin({ freshUntil }: Found, ms: number): boolean {
	return freshUntil > 0 && Date.now() < freshUntil + ms;
}

/** The value if it may stand in for one that cannot be made now: what was invalidated may, as long as it is there. */
export function within(found: Found | null, graceMs: number): Found | null {
	if (found === null || graceMs === 0) return null;
	return found.freshUntil === 0 || isWithin(found, graceMs) ? found : null;
}

/** Whether this reader is the one that makes it anew before its time: XFetch, `now - Δ·β·ln(rand) ≥ expiry`; rand is never 0. */
export function isEarly({ freshUntil, madeInMs }: Found, { beta }: Policy): boolean {
	return beta > 0 && Date.now() - madeInMs * beta * Math.log(1 - Math.random()) >= freshUntil;
}
