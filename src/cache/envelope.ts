/**
 * Entries as bytes, for values that are no JSON: what is known of a value stands before it. Numbers are big-endian.
 *
 *     0   2   C5 57         so that nothing else passes for an entry
 *     2   1   1             the version of what follows; any other is no entry
 *     3   1   flags         1: there is no such thing, and no value (negative caching); 2: tags follow
 *     4   8   double        fresh until, milliseconds since 1970; Infinity: always; 0: no more (purged)
 *     12  4   uint32        how long it took to make, milliseconds
 *     16  1   uint8         with flag 2: how many tags, and for each
 *         2+n uint16, utf8  its name
 *         1+n uint8, utf8   its version at the time
 *     …       value
 */
import { InvalidArgumentError } from "../errors.js";
import type { Bytes } from "./backend.js";
import type { About, EntryFormat, Found, Stored } from "./entry-format.js";
import type { Serializer } from "./serializer.js";

export interface Envelope extends About {
	/** There is no such thing: the value is empty. */
	readonly absent: boolean;
	readonly value: Buffer;
}

const MAGIC = 0xc557;
const VERSION = 1;
const HEAD = 16;
const ABSENT = 1;
const TAGGED = 2;
const UNTAGGED = { list: [], end: HEAD };
export const MAX_TAGS = 255;

export function seal({ absent, freshUntil, madeInMs, tags }: Omit<Envelope, "value">, value: Bytes): Buffer {
	const head = HEAD + (tags.length === 0 ? 0 : tagsLength(tags));
	const length = absent ? 0 : typeof value === "string" ? Buffer.byteLength(value) : value.length;
	const bytes = Buffer.allocUnsafe(head + length);
	bytes.writeUInt16BE(MAGIC, 0);
	bytes[2] = VERSION;
	bytes[3] = (absent ? ABSENT : 0) | (tags.length === 0 ? 0 : TAGGED);
	bytes.writeDoubleBE(freshUntil, 4);
	bytes.writeUInt32BE(Math.min(0xffff_ffff, Math.max(0, Math.round(madeInMs))), 12);
	if (tags.length > 0) writeTags(bytes, tags);
	if (absent) return bytes;
	if (typeof value === "string") bytes.write(value, head);
	else bytes.set(value, head);
	return bytes;
}

/** Null for what is no entry: of foreign make, of another version, cut short. */
export function open(bytes: Buffer): Envelope | null {
	if (bytes.length < HEAD || bytes.readUInt16BE(0) !== MAGIC || bytes[2] !== VERSION) return null;
	const flags = bytes[3] as number;
	if ((flags & ~(ABSENT | TAGGED)) !== 0) return null;
	const freshUntil = bytes.readDoubleBE(4);
	const tags = (flags & TAGGED) === 0 ? UNTAGGED : readTags(bytes);
	if (tags === null || !(freshUntil >= 0)) return null;
	return {
		absent: (flags & ABSENT) !== 0,
		freshUntil,
		madeInMs: bytes.readUInt32BE(12),
		tags: tags.list,
		value: bytes.subarray(tags.end),
	};
}

/** With values as a serializer writes them. */
export class Envelopes implements EntryFormat {
	readonly isText = false;
	readonly #serializer: Serializer;

	constructor(serializer: Serializer) {
		this.#serializer = serializer;
	}

	encode(value: unknown): Bytes {
		const bytes: unknown = this.#serializer.encode(value);
		if (typeof bytes === "string" || bytes instanceof Uint8Array) return bytes;
		throw new InvalidArgumentError(1, "encode() of the serializer must give a string, a Buffer or a Uint8Array");
	}

	seal(about: About, encoded: Bytes | null): Buffer {
		return seal({ ...about, absent: encoded === null }, encoded ?? "");
	}

	open(stored: Stored): Found | null {
		const envelope = open(asBuffer(stored));
		if (envelope === null) return null;
		const { absent, freshUntil, value } = envelope;
		try {
			return { ...envelope, sealedUntil: freshUntil, value: absent ? undefined : this.#serializer.decode(value) };
		} catch {
			return null;
		}
	}

	purgedHead(stored: Buffer): Buffer | null {
		if (open(stored) === null) return null;
		const head = Buffer.from(stored.subarray(0, HEAD));
		head.writeDoubleBE(0, 4);
		return head;
	}
}

function asBuffer(stored: Stored): Buffer {
	return typeof stored === "string" ? Buffer.from(stored) : stored;
}

function tagsLength(tags: Envelope["tags"]): number {
	return tags.reduce((length, [tag, version]) => length + 3 + Buffer.byteLength(tag) + Buffer.byteLength(version), 1);
}

function writeTags(bytes: Buffer, tags: Envelope["tags"]): void {
	let at = bytes.writeUInt8(tags.length, HEAD);
	for (const [tag, version] of tags) {
		at = bytes.writeUInt16BE(Buffer.byteLength(tag), at);
		at += bytes.write(tag, at);
		at = bytes.writeUInt8(Buffer.byteLength(version), at);
		at += bytes.write(version, at);
	}
}

function readTags(bytes: Buffer): { list: [string, string][]; end: number } | null {
	let at = HEAD;
	/** A length of so many bytes, then the text; null: it would be past the end. */
	const text = (width: 1 | 2): string | null => {
		if (at + width > bytes.length) return null;
		const begin = at + width;
		at = begin + bytes.readUIntBE(at, width);
		return at > bytes.length ? null : bytes.toString("utf8", begin, at);
	};
	if (at >= bytes.length) return null;
	const count = bytes[at++] as number;
	const list: [string, string][] = [];
	for (let i = 0; i < count; i++) {
		const tag = text(2);
		const version = tag === null ? null : text(1);
		if (tag === null || version === null) return null;
		list.push([tag, version]);
	}
	return { list, end: at };
}
