/** Entries of a cache on its backend: sealed when they are written, judged when they are read. */
import { InvalidArgumentError } from "../errors.js";
import { MAX_TTL_MS } from "../util/ttl.js";
import type { Bytes } from "./backend.js";
import type { MissReason, Reporter } from "./cache-events.js";
import type { CacheSettings, Policy } from "./cache-options.js";
import { type Envelope, type Head, isTagged, open, openHead, seal } from "./envelope.js";
import { decodeFrom } from "./serializer.js";
import { Tags, type Versions } from "./tags.js";

/** A value that was read; perhaps an old one. */
export interface Found {
	/** Undefined when it says that there is no such thing. */
	readonly value: unknown;
	readonly absent: boolean;
	/** 0: purged, or one of its tags was invalidated. */
	readonly freshUntil: number;
	/** The same, whatever became of its tags: what it was stored with. */
	readonly sealedUntil: number;
	readonly madeInMs: number;
}

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
	readonly bytes: Buffer;
	/** Null: for ever. */
	readonly ttlMs: number | null;
}

/** Keys whose tags are remembered, so that their versions are read along with them. */
const REMEMBERED = 10_000;

const NONE: Versions = new Map();
const NOTHING_THERE: Look = { found: null, reason: "none", versions: NONE };

export class EntryStore {
	readonly tags: Tags;
	readonly #settings: CacheSettings;
	readonly #reporter: Reporter;
	/** What entries depended on when they were read last. */
	readonly #tagsOf = new Map<string, readonly string[]>();

	constructor(settings: CacheSettings, reporter: Reporter) {
		this.#settings = settings;
		this.#reporter = reporter;
		this.tags = new Tags(settings.backend, settings.prefix, settings.tagMs);
	}

	/** One flight, unless an entry has tags that nobody expected. */
	async read(key: string, policy: Policy): Promise<Look> {
		const tags = this.#expectedTags([key], policy);
		if (tags.length > 0) return ((await this.#readWith([key], tags, policy)) as [Look])[0];
		const bytes = await this.#settings.backend.get(key);
		return this.#counted(bytes === null ? NOTHING_THERE : await this.weigh(key, bytes, policy));
	}

	/** What bytes that were read are worth, by the tags' versions of now: no flight when they have none. */
	async weigh(key: string, bytes: Buffer, policy: Policy): Promise<Look> {
		return this.judge(key, bytes, policy, isTagged(bytes) ? await this.#complete([bytes], NONE) : NONE);
	}

	async readMany(keys: readonly string[], policy: Policy): Promise<Look[]> {
		return await this.#readWith(keys, this.#expectedTags(keys, policy), policy);
	}

	async #readWith(keys: readonly string[], tags: readonly string[], policy: Policy): Promise<Look[]> {
		const { backend } = this.#settings;
		const values = await backend.getMany(tags.length === 0 ? keys : [...keys, ...tags.map((tag) => this.tags.keyOf(tag))]);
		const versions =
			tags.length === 0
				? await this.#complete(values, NONE)
				: await this.#complete(values.slice(0, keys.length), this.tags.versions(tags, values.slice(keys.length)));
		return keys.map((key, i) => this.#counted(this.judge(key, values[i] ?? null, policy, versions)));
	}

	/** What bytes that were read are worth; an entry whose tags are not among the versions is an old one. */
	judge(key: string, bytes: Buffer | null, policy: Policy, versions: Versions): Look {
		if (bytes === null) return { found: null, reason: "none", versions };
		const head = openHead(bytes);
		if (head === null) return broken(versions);
		this.#remember(key, head);
		const { absent, madeInMs } = head;
		let value: unknown;
		try {
			value = absent ? undefined : decodeFrom(this.#settings.serializer, bytes, head.valueAt);
			if (!absent && policy.validate !== null && !policy.validate(value)) return broken(versions);
		} catch {
			return broken(versions);
		}
		const valid = head.tags.every(([tag, version]) => versions.get(tag) === version);
		const sealedUntil = head.freshUntil;
		const freshUntil = valid ? sealedUntil : 0;
		const found = { value, absent, freshUntil, sealedUntil, madeInMs };
		return { found, reason: freshUntil === 0 ? "invalidated" : "expired", versions };
	}

	/** @throws what the serializer does, and INVALID_ARGUMENT for what is no bytes */
	encode(value: unknown): Bytes {
		const bytes: unknown = this.#settings.serializer.encode(value);
		if (typeof bytes === "string" || bytes instanceof Uint8Array) return bytes;
		throw new InvalidArgumentError(1, "encode() of the serializer must give a string, a Buffer or a Uint8Array");
	}

	/**
	 * @param value undefined: there is no such thing
	 * @throws as {@link encode}
	 */
	seal(value: unknown, policy: Policy, tags: Envelope["tags"], madeInMs: number): Sealed {
		return this.sealBytes(value === undefined ? null : this.encode(value), policy, tags, madeInMs);
	}

	/** @param value null: there is no such thing */
	sealBytes(value: Bytes | null, policy: Policy, tags: Envelope["tags"], madeInMs: number): Sealed {
		const absent = value === null;
		const base = absent ? policy.negativeMs : policy.ttlMs;
		const ttlMs = base === null ? null : Math.max(1, Math.round(base * (1 - policy.jitter * Math.random())));
		const freshUntil = ttlMs === null ? Number.POSITIVE_INFINITY : Date.now() + ttlMs;
		const bytes = seal({ absent, freshUntil, madeInMs, tags }, value ?? "");
		return { bytes, ttlMs: ttlMs === null ? null : Math.min(MAX_TTL_MS, ttlMs + Math.max(policy.swrMs, policy.graceMs)) };
	}

	/** Makes an entry an old one, for as long as it lives. @returns whether there was one */
	async purge(key: string): Promise<boolean> {
		const { backend } = this.#settings;
		const entry = await backend.getEntry(key);
		const envelope = entry === null ? null : open(entry.value);
		if (entry === null || envelope === null) return false;
		const bytes = seal({ ...envelope, freshUntil: 0 }, envelope.value);
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
	async #complete(values: readonly (Buffer | null)[], versions: Versions): Promise<Versions> {
		const unknown = new Set<string>();
		for (const bytes of values) {
			if (bytes === null || !isTagged(bytes)) continue;
			for (const [tag] of open(bytes)?.tags ?? []) if (!versions.has(tag)) unknown.add(tag);
		}
		return unknown.size === 0 ? versions : new Map([...versions, ...(await this.tags.read([...unknown]))]);
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

	#remember(key: string, { tags }: Head): void {
		if (this.#tagsOf.size > 0) this.#tagsOf.delete(key);
		if (tags.length === 0) return;
		this.#tagsOf.set(
			key,
			tags.map(([tag]) => tag),
		);
		if (this.#tagsOf.size > REMEMBERED) this.#tagsOf.delete(this.#tagsOf.keys().next().value as string);
	}
}

function broken(versions: Versions): Look {
	return { found: null, reason: "broken", versions };
}
