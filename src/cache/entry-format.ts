/** What a cache stores under a key: the value, and what it has to know about it. */
import type { Bytes } from "./backend.js";
import { Envelopes } from "./envelope.js";
import { resolveSerializer } from "./serializer.js";
import { textEntries } from "./text-entries.js";

/** What is known of a value beside the value. */
export interface About {
	/** Milliseconds since 1970; Infinity: always; 0: no more. */
	readonly freshUntil: number;
	readonly madeInMs: number;
	/** The versions its tags had. */
	readonly tags: readonly (readonly [tag: string, version: string])[];
}

/** A value that was read; perhaps an old one. */
export interface Found extends About {
	/** 0: purged, or one of its tags was invalidated, as whoever compares them finds out. */
	readonly freshUntil: number;
	/** The same as it was written. */
	readonly sealedUntil: number;
	/** There is no such thing: no value. */
	readonly absent: boolean;
	readonly value: unknown;
}

/** As a backend gives it back. */
export type Stored = Buffer | string;

export interface EntryFormat {
	/** Entries are best read as text, where the backend can do that. */
	readonly isText: boolean;
	/** @throws what the serializer does, and INVALID_ARGUMENT for what cannot be written */
	encode(value: unknown): Bytes;
	/** @param encoded null: there is no such thing */
	seal(about: About, encoded: Bytes | null): Bytes;
	/** Null for what is no entry: of foreign make, of another version, cut short, or with a value that cannot be decoded. */
	open(stored: Stored): Found | null;
	/** What an entry begins with once it is an old one: as many bytes as it begins with now. Null for what is no entry. */
	purgedHead(stored: Buffer): Buffer | null;
}

/** @throws INVALID_OPTION */
export function resolveFormat(serializer: unknown): EntryFormat {
	if (serializer === undefined || serializer === "json") return textEntries;
	return new Envelopes(resolveSerializer(serializer));
}
