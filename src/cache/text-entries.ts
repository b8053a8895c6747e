/**
 * Entries as text, for values that are JSON: a line, and the value behind it. People and other languages can read them, and a server's reply
 * becomes strings without a Buffer for each.
 *
 *     sw1v 1795323156170 12 [["tag","version"]]
 *     {"id":7}
 *
 *     sw1v            so that nothing else passes for an entry, and its version; `sw1n`: there is no such thing, and no value (negative caching)
 *     1795323156170   fresh until, milliseconds since 1970; `-`: always; 0: no more (purged)
 *     12              how long it took to make, milliseconds
 *     [[…]]           its tags with the versions they had; none: the line ends before it
 */
import { InvalidArgumentError } from "../errors.js";
import type { About, EntryFormat, Found } from "./entry-format.js";

const VALUE = "sw1v ";
const NONE = "sw1n ";
const BEGIN = VALUE.length;
const ALWAYS = 45;
const SPACE = 32;
const LINE_FEED = 10;
const ZERO = 48;
const NINE = 57;

export const textEntries: EntryFormat = {
	isText: true,

	encode(value) {
		let text: string | undefined;
		try {
			text = JSON.stringify(value);
		} catch (error) {
			// Messages of JSON.stringify name properties: they are the value's.
			throw new InvalidArgumentError(1, `the value cannot be written as JSON (${(error as Error)?.name ?? "unknown"})`);
		}
		if (text === undefined) throw new InvalidArgumentError(1, `a ${typeof value} cannot be written as JSON`);
		return text;
	},

	seal({ freshUntil, madeInMs, tags }, encoded) {
		const until = freshUntil === Number.POSITIVE_INFINITY ? "-" : Math.round(freshUntil);
		const head = `${encoded === null ? NONE : VALUE}${until} ${Math.round(madeInMs)}`;
		// JSON has no line feeds that nobody asked for.
		return `${head}${tags.length === 0 ? "" : ` ${JSON.stringify(tags)}`}\n${encoded ?? ""}`;
	},

	open(stored) {
		const text = typeof stored === "string" ? stored : stored.toString();
		const absent = text.startsWith(NONE);
		if (!absent && !text.startsWith(VALUE)) return null;
		try {
			return opened(text, absent);
		} catch {
			return null;
		}
	},

	purgedHead(stored) {
		if (textEntries.open(stored) === null) return null;
		const end = stored.indexOf(" ", BEGIN);
		// As long as before, so that it can take its place.
		return Buffer.from(`${stored.toString("latin1", 0, BEGIN)}${"0".repeat(end - BEGIN)}`);
	},
};

const NO_TAGS: Found["tags"] = [];

/**
 * There may be hundreds of them in a reply: no strings are made but those that are parsed, of which V8 takes slices as they are.
 *
 * @throws SyntaxError where what should be JSON is none
 */
function opened(text: string, absent: boolean): Found | null {
	let at = BEGIN;
	let sealedUntil = Number.POSITIVE_INFINITY;
	if (text.charCodeAt(at) === ALWAYS) at += 1;
	else {
		const end = digitsEnd(text, at);
		sealedUntil = numberAt(text, at, end);
		at = end;
	}
	if (text.charCodeAt(at) !== SPACE) return null;
	const end = digitsEnd(text, at + 1);
	const madeInMs = numberAt(text, at + 1, end);
	if (!(sealedUntil >= 0) || !(madeInMs >= 0)) return null;
	at = end;
	let tags = NO_TAGS;
	if (text.charCodeAt(at) === SPACE) {
		const stop = text.indexOf("\n", at);
		const read: unknown = JSON.parse(text.slice(at + 1, stop < 0 ? at : stop));
		if (!areTags(read)) return null;
		tags = read;
		at = stop;
	}
	if (text.charCodeAt(at) !== LINE_FEED) return null;
	if (absent && at + 1 < text.length) return null;
	const value: unknown = absent ? undefined : JSON.parse(text.slice(at + 1));
	return { freshUntil: sealedUntil, sealedUntil, madeInMs, tags, absent, value };
}

function digitsEnd(text: string, from: number): number {
	let at = from;
	// Behind the end there is NaN, which is no digit.
	for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(at)) at += 1;
	return at;
}

/** NaN where there are no digits. */
function numberAt(text: string, from: number, end: number): number {
	if (from === end) return Number.NaN;
	let number = 0;
	for (let at = from; at < end; at++) number = number * 10 + (text.charCodeAt(at) - ZERO);
	return number;
}

function areTags(tags: unknown): tags is About["tags"] {
	const isTag = (tag: unknown): boolean =>
		Array.isArray(tag) && tag.length === 2 && typeof tag[0] === "string" && typeof tag[1] === "string";
	return Array.isArray(tags) && tags.length > 0 && tags.every(isTag);
}
