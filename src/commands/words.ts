/** How options and lists become the words of a command. */
import { InvalidOptionError } from "../errors.js";
import type { Many } from "./surface.js";

/** Appends items that were given one by one or as lists. No spread: lists may be long. */
export function append(words: unknown[], items: Many<unknown>): unknown[] {
	for (const item of items) {
		if (Array.isArray(item)) for (const one of item) words.push(one);
		else words.push(item);
	}
	return words;
}

/**
 * The options of a command, or none.
 * @throws INVALID_OPTION for what is no object, or has a field that is not among `fields`
 */
export function checkFields<T extends object>(
	command: string,
	options: T | undefined,
	fields: readonly (keyof T & string)[],
): Partial<T> {
	if (options === undefined) return {};
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	for (const field of Object.keys(options)) {
		if (!fields.includes(field as never)) throw new InvalidOptionError(field, `is not an option of ${command}`);
	}
	return options;
}

/** @throws INVALID_OPTION when more than one of `fields` is set to something but false */
export function atMostOne<T extends object>(
	options: Partial<T>,
	fields: readonly (keyof T & string)[],
): (keyof T & string) | undefined {
	const [first, second] = fields.filter((field) => options[field] !== undefined && options[field] !== false);
	if (second !== undefined) throw new InvalidOptionError(second, `contradicts ${first}`);
	return first;
}

/** Whether a flag is set. @throws INVALID_OPTION */
export function checkFlag(value: unknown, field: string): boolean {
	if (value !== undefined && typeof value !== "boolean") throw new InvalidOptionError(field, "must be true or false");
	return value === true;
}

/** @throws INVALID_OPTION */
export function checkInteger(value: unknown, field: string, least = Number.MIN_SAFE_INTEGER): number {
	if (!Number.isSafeInteger(value) || (value as number) < least) {
		throw new InvalidOptionError(
			field,
			least === Number.MIN_SAFE_INTEGER ? "must be an integer" : `must be an integer from ${least}`,
		);
	}
	return value as number;
}
