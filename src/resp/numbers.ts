/** The grammar of RESP numbers. All of them take the text between type byte and CRLF and return null where it is not in the grammar. */

const INTEGER = /^[+-]?\d+$/;
const DOUBLE = /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;
/** libc prints these before Redis 7.2, in any case and with a payload: `-nan`, `nan(0x8000000000000)`. */
const SPECIAL_DOUBLE = /^([+-])?(?:(inf)|nan(?:\([0-9a-z_]*\))?)$/i;
const BIG_NUMBER = /^[+-]?\d+$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A signed 64-bit integer: number when that is exact, bigint otherwise. `-0` is 0. */
export function parseInteger(text: string): number | bigint | null {
	if (!INTEGER.test(text)) return null;
	const number = Number(text) + 0;
	if (Number.isSafeInteger(number)) return number;
	// BigInt() takes no plus sign.
	const exact = BigInt(text.charCodeAt(0) === 43 ? text.slice(1) : text);
	return exact >= INT64_MIN && exact <= INT64_MAX ? exact : null;
}

const POWERS_OF_TEN = Array.from({ length: 11 }, (_, digits) => 10 ** digits);

/** The integer that is written as `high` (up to nine digits) with `lowDigits` (up to ten) more behind it; null beyond 64 bits. */
export function joinInteger(high: number, low: number, lowDigits: number): number | bigint | null {
	const scale = POWERS_OF_TEN[lowDigits] as number;
	const number = high * scale + low;
	if (number <= Number.MAX_SAFE_INTEGER) return number;
	const exact = BigInt(high) * BigInt(scale) + BigInt(low);
	return exact <= INT64_MAX ? exact : null;
}

export function parseDouble(text: string): number | null {
	if (DOUBLE.test(text)) return Number(text);
	const special = SPECIAL_DOUBLE.exec(text);
	if (special === null) return null;
	if (special[2] === undefined) return Number.NaN;
	return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Parsing costs more than linear time; the longest RSA modulus in use has 4933 digits. */
export const MAX_BIG_NUMBER_DIGITS = 10_000;

export function parseBigNumber(text: string): bigint | null {
	if (text.length > MAX_BIG_NUMBER_DIGITS || !BIG_NUMBER.test(text)) return null;
	return BigInt(text.charCodeAt(0) === 43 ? text.slice(1) : text);
}
