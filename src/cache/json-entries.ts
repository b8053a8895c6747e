/**
 * Entries as text, for values that are JSON anyway: one parse brings the value and what is known of it, other languages and people can read
 * it, and a server's reply becomes a string without a Buffer in between.
 *
 *     ["sw1",1795323156170,12,0,{"id":7}]
 *       │     │             │ │  └ the value; absent: there is no such thing (negative caching)
 *       │     │             │ └ its tags with the versions they had, [["tag","version"],…]; 0: none
 *       │     │             └ how long it took to make, milliseconds
 *       │     └ fresh until, milliseconds since 1970; null: always; 0: no more (purged)
 *       └ so that nothing else passes for an entry, and which version of it this is
 */
import { InvalidArgumentError } from "../errors.js";
import type { About, EntryFormat, Found, Stored } from "./entry-format.js";

const MARK = "sw1";
const HEAD = 4;

export const jsonEntries: EntryFormat = {
	isText: true,

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

	seal({ freshUntil, madeInMs, tags }, encoded) {
		const until = freshUntil === Number.POSITIVE_INFINITY ? null : freshUntil;
		const head = `["${MARK}",${until},${Math.round(madeInMs)},${tags.length === 0 ? 0 : JSON.stringify(tags)}`;
		return encoded === null ? `${head}]` : `${head},${encoded}]`;
	},

	open(stored) {
		const entry = parsed(stored);
		if (entry === null) return null;
		const [, until, madeInMs, tags] = entry;
		const sealedUntil = until === null ? Number.POSITIVE_INFINITY : until;
		if (typeof sealedUntil !== "number" || !(sealedUntil >= 0) || typeof madeInMs !== "number") return null;
		if (tags !== 0 && !areTags(tags)) return null;
		return {
			freshUntil: sealedUntil,
			sealedUntil,
			madeInMs,
			tags: tags === 0 ? NO_TAGS : tags,
			absent: entry.length === HEAD,
			value: entry[HEAD],
		};
	},

	purged(stored) {
		const opened = jsonEntries.open(stored);
		if (opened === null) return null;
		return jsonEntries.seal({ ...opened, freshUntil: 0 }, opened.absent ? null : jsonEntries.encode(opened.value));
	},
};

const NO_TAGS: Found["tags"] = [];

/** Null for what is no entry: no JSON, cut short, of foreign make. */
function parsed(stored: Stored): unknown[] | null {
	try {
		const entry: unknown = JSON.parse(typeof stored === "string" ? stored : stored.toString());
		if (!Array.isArray(entry) || entry[0] !== MARK) return null;
		return entry.length === HEAD || entry.length === HEAD + 1 ? entry : null;
	} catch {
		return null;
	}
}

function areTags(tags: unknown): tags is About["tags"] {
	const isTag = (tag: unknown): boolean =>
		Array.isArray(tag) && tag.length === 2 && typeof tag[0] === "string" && typeof tag[1] === "string";
	return Array.isArray(tags) && tags.every(isTag);
}
