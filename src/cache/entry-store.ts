/** Entries of a cache on its backend: sealed when they are written, judged when they are read. */
import { ClientError } from "../errors.js";
import { MAX_TTL_MS } from "../util/ttl.js";
import type { Bytes, TextReads } from "./backend.js";
import type { MissReason, Reporter } from "./cache-events.js";
import type { CacheSettings, Policy } from "./cache-options.js";
import type { About, Found, Stored } from "./entry-format.js";
import { resultsOf } from "./partial.js";
import { Tags, type Versions } from "./tags.js";

/** What a look at a key brought. */
export interface Look {
	readonly found: Found | null;
	/** Why there is nothing, or nothing fresh. */
	readonly reason: MissReason;
	/** Of the tags that the call names. */
	readonly versions: Versions;
}

/** What is to be written under a key. */
export interface Sealed {
	readonly bytes: Bytes;
	/** Null: for ever. */
	readonly ttlMs: number | null;
}

/** So much of an entry tells it from another one. */
const COMPARED = 1024;
/** Keys whose tags are remembered, so that their versions are read along with them. */
const REMEMBERED = 10_000;

const NONE: Versions = new Map();
const NOTHING_THERE: Look = { found: null, reason: "none", versions: NONE };

export class EntryStore {
	readonly tags: Tags;
	readonly #settings: CacheSettings;
	readonly #reporter: Reporter;
	/** Where entries are read: as text, if they are text and the backend can do that. */
	readonly #reads: TextReads | CacheSettings["backend"];
	/** What entries depended on when they were read last. */
	readonly #tagsOf = new Map<string, readonly string[]>();

	constructor(settings: CacheSettings, reporter: Reporter) {
		const { backend, format } = settings;
		this.#settings = settings;
		this.#reporter = reporter;
		this.#reads = (format.isText ? backend.text : undefined) ?? backend;
		this.tags = new Tags(backend, settings.prefix, settings.tagMs);
	}

	/** One flight, unless an entry has tags that nobody expected. */
	async read(key: string, policy: Policy): Promise<Look> {
		const tags = this.#expectedTags([key], policy);
		if (tags.length > 0) return ((await this.#readWith([key], tags, policy)) as [Look])[0];
		const stored = await this.#reads.get(key);
		if (stored === null) return NOTHING_THERE;
		const opened = this.#settings.format.open(stored);
		return this.#counted(this.#judge(key, opened, policy, isTagged(opened) ? await this.#complete([opened], NONE) : NONE));
	}

	/** What an entry that was read is worth, by the tags' versions of now: no flight when it has none. */
	async weigh(key: string, stored: Stored, policy: Policy): Promise<Look> {
		const opened = this.#settings.format.open(stored);
		return this.#judge(key, opened, policy, isTagged(opened) ? await this.#complete([opened], NONE) : NONE);
	}

	/** Of keys that their node alone did not answer for nothing is there, `unavailable`, unless the cache does not go on without its store. */
	async readMany(keys: readonly string[], policy: Policy): Promise<Look[]> {
		return await this.#readWith(keys, this.#expectedTags(keys, policy), policy, this.#settings.failOpen);
	}

	async #readWith(keys: readonly string[], tags: readonly string[], policy: Policy, partly = false): Promise<Look[]> {
		const names = tags.length === 0 ? keys : [...keys, ...tags.map((tag) => this.tags.keyOf(tag))];
		const stored = await this.#stored(names, partly);
		const { format } = this.#settings;
		const opened = keys.map((_, i) => {
			const entry = stored[i] ?? null;
			return entry === null || entry instanceof ClientError ? undefined : format.open(entry);
		});
		const known = tags.length === 0 ? NONE : this.tags.versions(tags, stored.slice(keys.length));
		const versions = opened.some(isTagged) ? await this.#complete(opened, known, partly) : known;
		return keys.map((key, i) => {
			const entry = opened[i];
			if (entry === undefined) return stored[i] instanceof ClientError ? unavailable(versions) : nothing(versions);
			return this.#counted(this.#judge(key, entry, policy, versions));
		});
	}

	/** @param partly an error in the place of each key that its node did not answer for, instead of one for all */
	async #stored(names: readonly string[], partly: boolean): Promise<readonly (Stored | ClientError | null)[]> {
		try {
			return await this.#reads.getMany(names);
		} catch (error) {
			const results = partly ? resultsOf<Stored | null>(error, names.length) : null;
			if (results === null) throw error;
			this.#reporter.storeFailed("read", error);
			return results;
		}
	}

	/** What an entry that was read is worth; one whose tags are not among the versions is an old one. */
	judge(key: string, stored: Stored, policy: Policy, versions: Versions): Look {
		return this.#judge(key, this.#settings.format.open(stored), policy, versions);
	}

	/** @param opened null: what is stored is no entry */
	#judge(key: string, opened: Found | null, policy: Policy, versions: Versions): Look {
		if (opened === null) return broken(versions);
		this.#remember(key, opened);
		const { value, absent, tags } = opened;
		if (!absent && policy.validate !== null && !isValid(value, policy.validate)) return broken(versions);
		const found = tags.every(([tag, version]) => versions.get(tag) === version) ? opened : { ...opened, freshUntil: 0 };
		return { found, reason: found.freshUntil === 0 ? "invalidated" : "expired", versions };
	}

	/** @throws what the serializer does, and INVALID_ARGUMENT for what is no bytes */
	encode(value: unknown): Bytes {
		return this.#settings.format.encode(value);
	}

	/**
	 * @param value undefined: there is no such thing
	 * @throws as {@link encode}
	 */
	seal(value: unknown, policy: Policy, tags: About["tags"], madeInMs: number): Sealed {
		return this.sealBytes(value === undefined ? null : this.encode(value), policy, tags, madeInMs);
	}

	/** @param value null: there is no such thing */
	sealBytes(value: Bytes | null, policy: Policy, tags: About["tags"], madeInMs: number): Sealed {
		const base = value === null ? policy.negativeMs : policy.ttlMs;
		const ttlMs = base === null ? null : Math.max(1, Math.round(base * (1 - policy.jitter * Math.random())));
		const freshUntil = ttlMs === null ? Number.POSITIVE_INFINITY : Date.now() + ttlMs;
		const bytes = this.#settings.format.seal({ freshUntil, madeInMs, tags }, value);
		return { bytes, ttlMs: ttlMs === null ? null : Math.min(MAX_TTL_MS, ttlMs + Math.max(policy.swrMs, policy.graceMs)) };
	}

	/** Makes an entry an old one, for as long as it lives. @returns whether there was one, and no newer one came in between */
	async purge(key: string): Promise<boolean> {
		const { backend, format } = this.#settings;
		const entry = await backend.getEntry(key);
		const head = entry === null ? null : format.purgedHead(entry.value);
		if (entry === null || head === null) return false;
		if (backend.replaceHead !== undefined) {
			// More than the head: entries that are fresh for ever all begin alike.
			const begin = entry.value.subarray(0, COMPARED);
			try {
				return await backend.replaceHead(key, begin, Buffer.concat([head, begin.subarray(head.length)]));
			} catch (error) {
				// The user may run no scripts.
				if ((error as Partial<ClientError>).code !== "NOPERM") throw error;
			}
		}
		const bytes = Buffer.concat([head, entry.value.subarray(head.length)]);
		return await backend.set(key, bytes, {
			ttl: entry.ttlMs === null ? null : Math.max(1, entry.ttlMs),
			xx: true,
			metadata: false,
		});
	}

	/** Once for each read, however often it is judged. */
	#counted(look: Look): Look {
		if (look.reason === "broken") this.#reporter.counts.broken += 1;
		return look;
	}

	/** Adds the versions of tags that some of the entries have and nobody expected: one more flight for all of them. */
	async #complete(entries: readonly (Found | null | undefined)[], versions: Versions, partly = false): Promise<Versions> {
		const unknown = new Set<string>();
		for (const entry of entries) {
			for (const [tag] of entry?.tags ?? []) if (!versions.has(tag)) unknown.add(tag);
		}
		if (unknown.size === 0) return versions;
		const read = await this.tags.read([...unknown]).catch((error) => {
			if (!partly) throw error;
			// What has none of them is as good as before.
			this.#reporter.storeFailed("tags", error);
			return NONE;
		});
		return new Map([...versions, ...read]);
	}

	#expectedTags(keys: readonly string[], { tags }: Policy): readonly string[] {
		if (this.#tagsOf.size === 0) return tags;
		let all: Set<string> | null = null;
		for (const key of keys) {
			for (const tag of this.#tagsOf.get(key) ?? []) {
				all ??= new Set(tags);
				all.add(tag);
			}
		}
		return all === null ? tags : [...all];
	}

	#remember(key: string, { tags }: Found): void {
		if (this.#tagsOf.size > 0) this.#tagsOf.delete(key);
		if (tags.length === 0) return;
		this.#tagsOf.set(
			key,
			tags.map(([tag]) => tag),
		);
		if (this.#tagsOf.size > REMEMBERED) this.#tagsOf.delete(this.#tagsOf.keys().next().value as string);
	}
}

function isTagged(entry: Found | null | undefined): boolean {
	return (entry?.tags.length ?? 0) > 0;
}

function isValid(value: unknown, validate: (value: unknown) => boolean): boolean {
	try {
		return validate(value);
	} catch {
		return false;
	}
}

function nothing(versions: Versions): Look {
	return versions === NONE ? NOTHING_THERE : { found: null, reason: "none", versions };
}

function unavailable(versions: Versions): Look {
	return { found: null, reason: "unavailable", versions };
}

function broken(versions: Versions): Look {
	return { found: null, reason: "broken", versions };
}
