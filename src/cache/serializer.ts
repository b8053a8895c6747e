/** Values as bytes, and back. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import type { Bytes } from "./backend.js";

/** What it throws at `decode` makes an entry count as none; at `encode` it is the caller's error. */
export interface Serializer {
	encode(value: unknown): Bytes;
	decode(bytes: Buffer): unknown;
}

/** As JSON: what it cannot say (functions, symbols, `undefined`, bigints, cycles) is refused; dates become strings, `NaN` becomes null. */
const json: Serializer = {
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
	decode: (bytes) => JSON.parse(bytes.toString()),
};

/** As they are. What is read is the caller's own. */
const bytes: Serializer = {
	encode(value) {
		if (!(value instanceof Uint8Array)) throw new InvalidArgumentError(1, "the value must be a Buffer or a Uint8Array");
		return value;
	},
	decode: (read) => read,
};

/** What follows from there on. @throws what the serializer does */
export function decodeFrom(serializer: Serializer, read: Buffer, begin: number): unknown {
	// Without a view, as there may be hundreds of values.
	return serializer === json ? JSON.parse(read.toString("utf8", begin)) : serializer.decode(read.subarray(begin));
}

/** @throws INVALID_OPTION */
export function resolveSerializer(serializer: unknown): Serializer {
	if (serializer === undefined || serializer === "json") return json;
	if (serializer === "bytes") return bytes;
	const { encode, decode } = (serializer ?? {}) as Partial<Serializer>;
	if (typeof encode === "function" && typeof decode === "function") return serializer as Serializer;
	throw new InvalidOptionError("serializer", 'must be "json", "bytes", or have encode() and decode()');
}
