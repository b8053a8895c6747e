import type { Argument } from "../resp/encode.js";
import { appendFlags, atMostOne, checkFields, refuse } from "./words.js";

/** Options of SET. At most one of `ex`, `px`, `exat`, `pxat`, `keepttl`; at most one of `nx`, `xx`. */
export interface SetOptions {
	/** Seconds to live. A fraction is sent as milliseconds, rounded up. */
	ex?: number;
	/** Milliseconds to live. */
	px?: number;
	/** Unix time in seconds. A time in the past is accepted by servers: the key is gone at once. */
	exat?: number;
	/** Unix time in milliseconds. */
	pxat?: number;
	/** Keep the time to live the key has (6.0). */
	keepttl?: boolean;
	/** Only when the key does not exist. */
	nx?: boolean;
	/** Only when the key exists. */
	xx?: boolean;
	/** Reply with the old value (6.2; together with `nx` 7.0). */
	get?: boolean;
}

/** Options under which SET answers `"OK"` or null. */
export type PlainSetOptions = SetOptions & { get?: false };

const numeric = ["ex", "px", "exat", "pxat"] as const;
const flags = ["keepttl", "nx", "xx", "get"] as const;
const known = [...numeric, ...flags];

/**
 * Appends what `options` mean to the arguments of a SET.
 * @throws INVALID_OPTION, naming the field
 */
export function appendSetOptions(args: Argument[], options: SetOptions | undefined): void {
	if (options === undefined) return;
	if (typeof options !== "object" || options === null) refuse("options", "must be an object");
	for (const field in options) {
		// Nearly every call has `ex` alone, which nothing can contradict.
		if (field === "ex") continue;
		appendAll(args, options);
		return;
	}
	if (options.ex !== undefined) appendExpiry(args, "ex", options.ex);
}

function appendAll(args: Argument[], options: SetOptions): void {
	checkFields<SetOptions>("SET", options, known);
	atMostOne<SetOptions>(options, [...numeric, "keepttl"]);
	atMostOne<SetOptions>(options, ["nx", "xx"]);
	for (const field of numeric) if (options[field] !== undefined) appendExpiry(args, field, options[field]);
	appendFlags<SetOptions>(args, options, flags);
}

/** @throws INVALID_OPTION */
export function appendExpiry(args: unknown[], field: (typeof numeric)[number], value: number): void {
	if (field === "ex" && typeof value === "number" && value > 0 && !Number.isInteger(value) && Number.isFinite(value)) {
		args.push("PX", String(checkTime(Math.ceil(value * 1000), field)));
	} else args.push(field.toUpperCase(), String(checkTime(value, field)));
}

/** An integer from 1; seconds no larger than a server can turn into milliseconds. */
function checkTime(value: number, field: string): number {
	if (!Number.isSafeInteger(value) || value < 1) {
		refuse(field, "must be an integer from 1, or for ex a fraction of a second above 0");
	}
	return value;
}
