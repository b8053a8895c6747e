/**
 * Tags: what depends on one is stored with the version that the tag had, and ends when the tag gets another one.
 *
 *     ~tag:<tag>   the version, any text; a tag without one has no valid entries
 *
 * Versions are read beside the entry, in the same flight. They are made up, never counted: a version that was evicted cannot come again.
 */
import { randomBytes } from "node:crypto";
import type { CacheBackend } from "./backend.js";

/** Versions of tags as they were read; null: it has none. */
export type Versions = ReadonlyMap<string, string | null>;

export class Tags {
	readonly #backend: CacheBackend;
	readonly #prefix: string;
	readonly #ttlMs: number;

	constructor(backend: CacheBackend, prefix: string, ttlMs: number) {
		this.#backend = backend;
		this.#prefix = prefix;
		this.#ttlMs = ttlMs;
	}

	keyOf(tag: string): string {
		return `${this.#prefix}~tag:${tag}`;
	}

	async read(tags: readonly string[]): Promise<Versions> {
		if (tags.length === 0) return new Map();
		return this.versions(tags, await this.#backend.getMany(tags.map((tag) => this.keyOf(tag))));
	}

	versions(tags: readonly string[], values: readonly (Buffer | null)[]): Versions {
		return new Map(tags.map((tag, i) => [tag, values[i]?.toString() ?? null]));
	}

	/**
	 * The versions of tags for an entry that is about to be made; tags without one get one. It has to be done before whatever the entry is made
	 * of is read: then an invalidation that comes meanwhile ends the entry.
	 */
	async fix(tags: readonly string[], known: Versions): Promise<[tag: string, version: string][]> {
		return await Promise.all(
			tags.map(async (tag): Promise<[string, string]> => {
				const version = known.get(tag) ?? (await this.#begin(tag));
				return [tag, version];
			}),
		);
	}

	async invalidate(tags: readonly string[]): Promise<void> {
		const items = tags.map((tag) => ({ key: this.keyOf(tag), value: newVersion() }));
		await this.#backend.setMany(items, { ttl: this.#ttlMs, metadata: false });
	}

	async #begin(tag: string): Promise<string> {
		const version = newVersion();
		const key = this.keyOf(tag);
		for (let tries = 0; tries < 3; tries++) {
			if (await this.#backend.set(key, version, { nx: true, ttl: this.#ttlMs, metadata: false })) return version;
			const other = await this.#backend.get(key);
			if (other !== null) return other.toString();
		}
		// It comes and goes: an entry with this version is good for nothing, and nothing worse.
		return version;
	}
}

function newVersion(): string {
	return randomBytes(9).toString("base64url");
}
