/**
 * Patterns as servers understand them, for keys that are not on one.
 *
 * | pattern | matches |
 * |---|---|
 * | `*` | any bytes, none included |
 * | `?` | one byte |
 * | `[abc]`, `[a-z]`, `[z-a]` | one of these bytes; a range may be given from either end |
 * | `[^a-z]` | one byte that is none of them |
 * | `\x` | `x` itself, also between brackets |
 *
 * Nothing is an error: a bracket that is not closed ends with the pattern, and a backslash at the end is itself. Between brackets a hyphen
 * makes a range with whatever stands behind it, `]` included, so one that means itself is escaped. What stands for one byte stands for a part
 * of a character that has several.
 */

const STAR = 0x2a;
const ANY = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const NOT = 0x5e;
const ESCAPE = 0x5c;
const HYPHEN = 0x2d;

/** A byte, the bytes of a pair of brackets, or what `*` and `?` say. */
type Token = number | Uint8Array | typeof anyBytes | typeof anyByte;
const anyBytes = "*";
const anyByte = "?";

/** The pattern that means `text` itself. */
export function escapeGlob(text: string): string {
	return text.replace(/[*?[\]\\]/g, "\\$&");
}

/** Whether a whole text matches, in time of at most its length by that of the pattern. */
export function globMatcher(pattern: string): (text: string) => boolean {
	// Servers ask no key about it, and about the empty key it would be wrong.
	if (pattern === "*") return () => true;
	const tokens = parse(Buffer.from(pattern));
	return (text) => matches(tokens, Buffer.from(text));
}

/** Where a token fails, only the last star has to be given one byte more: what stands before it matches as well as it ever will. */
function matches(tokens: readonly Token[], text: Buffer): boolean {
	// The servers' loop is never entered.
	if (text.length === 0) return tokens.length === 0;
	let token = 0;
	let behindStar = -1;
	let taken = 0;
	for (let at = 0; at < text.length; ) {
		const next = tokens[token];
		if (next === anyBytes) {
			token += 1;
			if (token === tokens.length) return true;
			behindStar = token;
			taken = at;
		} else if (next !== undefined && isOneOf(next, text[at] as number)) {
			token += 1;
			at += 1;
		} else if (behindStar === -1) {
			return false;
		} else {
			taken += 1;
			at = taken;
			token = behindStar;
		}
	}
	return token === tokens.length || (token === tokens.length - 1 && tokens[token] === anyBytes);
}

function isOneOf(token: Token, byte: number): boolean {
	if (typeof token === "number") return token === byte;
	return token === anyByte || (token as Uint8Array)[byte] === 1;
}

function parse(pattern: Buffer): Token[] {
	const tokens: Token[] = [];
	for (let at = 0; at < pattern.length; at++) {
		const byte = pattern[at] as number;
		if (byte === STAR) {
			if (tokens.at(-1) !== anyBytes) tokens.push(anyBytes);
		} else if (byte === ANY) {
			tokens.push(anyByte);
		} else if (byte === OPEN) {
			const set = new Uint8Array(256);
			at = parseSet(pattern, at + 1, set);
			tokens.push(set);
		} else {
			if (byte === ESCAPE && at + 1 < pattern.length) at += 1;
			tokens.push(pattern[at] as number);
		}
	}
	return tokens;
}

/** @returns where the set ends: at its bracket, or at the end of the pattern */
function parseSet(pattern: Buffer, at: number, set: Uint8Array): number {
	const end = pattern.length;
	const negated = pattern[at] === NOT;
	if (negated) at += 1;
	for (; at < end && pattern[at] !== CLOSE; at++) {
		if (pattern[at] === ESCAPE && at + 1 < end) {
			at += 1;
			set[pattern[at] as number] = 1;
		} else if (pattern[at + 1] === HYPHEN && at + 2 < end) {
			addRange(set, pattern[at] as number, pattern[at + 2] as number);
			at += 2;
		} else {
			set[pattern[at] as number] = 1;
		}
	}
	if (negated) for (let byte = 0; byte < 256; byte++) set[byte] = 1 - (set[byte] as number);
	return at;
}

/** Compared with their sign, as servers do on x86: bytes beyond ASCII come before it. It matters to ranges from the one to the other alone. */
function addRange(set: Uint8Array, from: number, to: number): void {
	const [first, last] = [(from << 24) >> 24, (to << 24) >> 24].sort((a, b) => a - b) as [number, number];
	for (let byte = first; byte <= last; byte++) set[byte & 0xff] = 1;
}
