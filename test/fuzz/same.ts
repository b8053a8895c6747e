/** Whether two decoders told the same; as strict as it can be, and fast. */
import { ClientError } from "../../src/errors.js";
import type { Decoded } from "../support/frames.js";

export function sameEvents(a: Decoded["events"], b: Decoded["events"]): boolean {
	return a.length === b.length && beginsWith(a, b);
}

/** Whether `a` begins with all of `b`. */
export function beginsWith(a: Decoded["events"], b: Decoded["events"]): boolean {
	return b.every((event, i) => same(event, a[i]));
}

function same(a: unknown, b: unknown): boolean {
	if (Object.is(a, b)) return true;
	if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
	if (Buffer.isBuffer(a)) return Buffer.isBuffer(b) && a.equals(b);
	if (Array.isArray(a)) return Array.isArray(b) && sameItems(a, b);
	if (a instanceof Map) return b instanceof Map && a.size === b.size && sameItems([...a].flat(), [...b].flat());
	if (a instanceof ClientError) return b instanceof ClientError && a.constructor === b.constructor && a.message === b.message;
	// An event: one kind, one value.
	const [[kind, value]] = Object.entries(a) as [[string, unknown]];
	return kind in b && same(value, (b as Record<string, unknown>)[kind]);
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false;
	return true;
}
