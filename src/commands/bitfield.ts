/** The operations of BITFIELD. */
import { integerAt, listAt, refuse, wordOf } from "./words.js";

/** An integer of 1 to 64 bits with a sign, `"i5"`, or of 1 to 63 without, `"u8"`. */
export type BitfieldType = `i${number}` | `u${number}`;
/** In bits, or as `"#2"` in fields of the type's width. */
export type BitfieldOffset = number | `#${number}`;

export type BitfieldGet = readonly [operation: "get", type: BitfieldType, offset: BitfieldOffset];
export type BitfieldOperation =
	| BitfieldGet
	| readonly [operation: "set", type: BitfieldType, offset: BitfieldOffset, value: number | bigint]
	| readonly [operation: "incrby", type: BitfieldType, offset: BitfieldOffset, increment: number | bigint]
	| readonly [operation: "overflow", behaviour: "wrap" | "sat" | "fail"];

const lengths: Readonly<Record<string, number>> = { GET: 3, SET: 4, INCRBY: 4, OVERFLOW: 2 };
const operationNames = ["get", "set", "incrby", "overflow"];

/** @throws INVALID_ARGUMENT with the index of the word */
export function appendBitfield(words: unknown[], operations: unknown, readOnly: boolean): unknown[] {
	for (const item of listAt(operations, 2)) {
		const at = words.length;
		const operation = listAt(item, at);
		const name = wordOf(operation[0], at, readOnly ? ["get"] : operationNames);
		if (operation.length !== lengths[name]) refuse(at, `must be an operation, and this ${name} has a part too many or too few`);
		words.push(name);
		if (name === "OVERFLOW") {
			words.push(wordOf(operation[1], at + 1, ["wrap", "sat", "fail"]));
			continue;
		}
		words.push(typeAt(operation[1], at + 1), offsetAt(operation[2], at + 2));
		if (name !== "GET") words.push(integerAt(operation[3], at + 3, "a value"));
	}
	return words;
}

function typeAt(value: unknown, index: number): string {
	const [, sign, width] = typeof value === "string" ? (/^([iu])([1-9]\d?)$/.exec(value) ?? []) : [];
	if (width === undefined || Number(width) > (sign === "i" ? 64 : 63)) {
		refuse(index, "must be a type from i1 to i64, or u1 to u63");
	}
	return value as string;
}

function offsetAt(value: unknown, index: number): unknown {
	if (typeof value === "string" && /^#\d+$/.test(value)) return value;
	return integerAt(value, index, 'a number of bits, or "#" and a number of fields', 0);
}
