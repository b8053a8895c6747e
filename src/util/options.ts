/** Objects of options: what is not known is refused, by its name. */
import { InvalidOptionError } from "../errors.js";

/**
 * Options that have to be given.
 * @param owner whose they are, for people: `SET`, `with()`
 * @param name of the whole, for people
 * @throws INVALID_OPTION for what is no object, or has a field that is not among `fields`
 */
export function checkObject<T extends object>(
	owner: string,
	given: T,
	fields: readonly (keyof T & string)[],
	name = "options",
): T {
	if (typeof given !== "object" || given === null || Array.isArray(given))
		throw new InvalidOptionError(name, "must be an object");
	for (const field of Object.keys(given)) if (!fields.includes(field as never)) throw unknownOption(field, owner, fields);
	return given;
}

/** The same for options that may be left out. @throws INVALID_OPTION */
export function checkFields<T extends object>(
	owner: string,
	options: T | undefined,
	fields: readonly (keyof T & string)[],
): Partial<T> {
	return options === undefined ? {} : checkObject(owner, options, fields);
}

/** For who takes options apart: what nobody took is refused. @throws INVALID_OPTION for the first of them */
export function refuseRest(owner: string, rest: object): void {
	for (const field of Object.keys(rest)) throw new InvalidOptionError(field, `is not an option of ${owner}`);
}

/** Other clients write the same option in other letters (`EX`, `NOMKSTREAM`, `block`): then it says which one is meant. */
function unknownOption(given: string, owner: string, fields: readonly string[]): InvalidOptionError {
	const bare = (field: string): string => field.toLowerCase().replace(/[-_ ]|ms$/g, "");
	const meant = fields.find((field) => bare(field) === bare(given));
	return new InvalidOptionError(given, `is not an option of ${owner}${meant === undefined ? "" : `; is it ${meant}?`}`);
}

/** Whether a flag is set. @throws INVALID_OPTION */
export function checkFlag(value: unknown, field: string): boolean {
	if (value !== undefined && typeof value !== "boolean") throw new InvalidOptionError(field, "must be true or false");
	return value === true;
}

/** @throws INVALID_OPTION */
export function checkInteger(value: unknown, field: string, least = Number.MIN_SAFE_INTEGER): number {
	if (!Number.isSafeInteger(value) || (value as number) < least) {
		const from = least === Number.MIN_SAFE_INTEGER ? "" : ` from ${least}`;
		throw new InvalidOptionError(field, `must be an integer${from}`);
	}
	return value as number;
}
