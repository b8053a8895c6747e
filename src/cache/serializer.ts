/** Values as bytes, and back; JSON, the default, has a format of its own. */
import { InvalidArgumentError, InvalidOptionError } from "../errors.js";
import type { Bytes } from "./backend.js";

/** What it throws at `decode` makes an entry count as none; at `encode` it is the caller's error. */
export interface Serializer {
	encode(value: unknown): Bytes;
	decode(bytes: Buffer): unknown;
}

/** As they are. What is read is the caller's own. */
const bytes: Serializer = {
	encode(value) {
		if (!(value instanceof Uint8Array)) throw new InvalidArgumentError(1, "the value must be a Buffer or a Uint8Array");
		return value;
	},
	decode: (read) => read,
};

/** @throws INVALID_OPTION */
export function resolveSerializer(serializer: unknown): Serializer {
	if (serializer === "bytes") return bytes;
	const { encode, decode } = (serializer ?? {}) as Partial<Serializer>;
	if (typeof encode === "function" && typeof decode === "function") return serializer as Serializer;
	throw new InvalidOptionError("serializer", 'must be "json", "bytes", or have encode() and decode()');
}
