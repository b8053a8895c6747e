/** What is stored at a metadata key: the metadata as JSON, in UTF-8. */
import { InvalidOptionError } from "../errors.js";
import type { Metadata } from "./backend.js";

/** @throws INVALID_OPTION */
export function encodeMetadata(metadata: unknown): string {
	if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
		throw new InvalidOptionError("metadata", "must be an object");
	}
	let text: string | undefined;
	try {
		text = JSON.stringify(metadata);
	} catch (cause) {
		throw new InvalidOptionError("metadata", `cannot be written as JSON: ${(cause as Error).name}`);
	}
	if (text === undefined) throw new InvalidOptionError("metadata", "cannot be written as JSON");
	return text;
}

/** Null for what is none: of foreign make, or cut short. */
export function decodeMetadata(bytes: Buffer | null): Metadata | null {
	if (bytes === null) return null;
	try {
		const metadata: unknown = JSON.parse(bytes.toString());
		return typeof metadata === "object" && metadata !== null && !Array.isArray(metadata) ? (metadata as Metadata) : null;
	} catch {
		return null;
	}
}
