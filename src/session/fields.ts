/** Sessions as hashes: each top-level field is one JSON text, beside one field of the store's own. */
import { InvalidArgumentError } from "../errors.js";
import { isWellFormed } from "../util/text.js";

/** `[ttl in ms, created at, ends at or 0]`: the life of the session. It makes a hash a session, also one without data. */
export const LIFE = "$session";

const LIVES = /^\[\d+,\d+,\d+\]$/;

/** Fields with their texts; without one for those that are to be removed. */
export interface Fields {
	readonly set: [name: string, json: string][];
	readonly removed: string[];
}

/**
 * @param index of the argument, for the error
 * @throws INVALID_ARGUMENT naming the field; no error holds a value
 */
export function toFields(data: unknown, index: number): Fields {
	// What is a Map, a list or bytes has no fields that could be kept.
	if (typeof data !== "object" || data === null || Symbol.iterator in data) {
		throw new InvalidArgumentError(index, "the data must be an object with fields");
	}
	const fields: Fields = { set: [], removed: [] };
	for (const [name, value] of Object.entries(data)) {
		if (name === LIFE) throw new InvalidArgumentError(index, `the field ${LIFE} belongs to the store`);
		if (!isWellFormed(name))
			throw new InvalidArgumentError(index, "the name of a field holds half a character (a lone surrogate)");
		if (value === undefined) fields.removed.push(name);
		else fields.set.push([name, toJson(name, value, index)]);
	}
	return fields;
}

function toJson(name: string, value: unknown, index: number): string {
	let json: string | undefined;
	try {
		json = JSON.stringify(value);
	} catch {
		// Cycles and bigints; what `toJSON` throws may quote the value.
	}
	if (json === undefined) throw new InvalidArgumentError(index, `the field ${JSON.stringify(name)} is not JSON`);
	return json;
}

/**
 * What a hash holds. Without a prototype: `__proto__` is a field like any other.
 * @returns null when it is no session, or one that nobody can read: half of it is worse than none
 */
export function fromFields(fields: Iterable<readonly [name: string, json: string]>): Record<string, unknown> | null {
	const data: Record<string, unknown> = Object.create(null);
	let life = false;
	for (const [name, json] of fields) {
		if (name === LIFE) {
			life = LIVES.test(json);
			continue;
		}
		try {
			data[name] = JSON.parse(json);
		} catch {
			return null;
		}
	}
	return life ? data : null;
}
