/**
 * Tags: what depends on one is stored with the version that the tag had, and ends when the tag gets another one.
 *
 *     ~tag:<tag>   the version, 1 to 64 of A-Z a-z 0-9 - _; a tag without one has no valid entries
 *
 * Versions are read beside the entry, in the same flight. They are made up, never counted: a version that was evicted cannot come again.
 */
import { randomBytes } from "node:crypto";
import type { CacheBackend } from "./backend.js";
import type { Stored } from "./entry-format.js";

const TAG = "~tag:";
const VERSION = /^[\w-]{1,64}$/;

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
		return `${this.#prefix}${TAG}${tag}`;
	}

	async read(tags: readonly string[]): Promise<Versions> {
		if (tags.length === 0) return new Map();
		return this.versions(tags, await this.#backend.getMany(tags.map((tag) => this.keyOf(tag))));
	}

	versions(tags: readonly string[], values: readonly (Stored | Error | null)[]): Versions {
		return new Map(tags.map((tag, i) => [tag, versionOf(values[i] ?? null)]));
	}

	/**
	 * The versions of tags for an entry that is about to be made; tags without one get one. It has to be done before whatever the entry is made
	 * of is read: then an invalidation that comes meanwhile ends the entry.
	 */
	async fix(tags: readonly string[], known: Versions): Promise<[tag: string, version: string][]> {
		const read = await this.read(tags.filter((tag) => !known.has(tag)));
		return await Promise.all(
			tags.map(async (tag): Promise<[string, string]> => {
				const version = known.get(tag) ?? read.get(tag) ?? (await this.#begin(tag));
				return [tag, version];
			}),
		);
	}

	/** @returns whether all of them were */
	async invalidate(tags: readonly string[]): Promise<boolean> {
		const items = tags.map((tag) => ({ key: this.keyOf(tag), value: newVersion() }));
		return (await this.#backend.setMany(items, { ttl: this.#ttlMs, metadata: false })) === items.length;
	}

	async #begin(tag: string): Promise<string> {
		const version = newVersion();
		const key = this.keyOf(tag);
		for (let tries = 0; tries < 3; tries++) {
			if (await this.#backend.set(key, version, { nx: true, ttl: this.#ttlMs, metadata: false })) return version;
			const other = versionOf(await this.#backend.get(key));
			if (other !== null) return other;
		}
		// What stands there is no version, or it comes and goes. Of entries with other versions this ends some: nothing worse.
		await this.#backend.set(key, version, { ttl: this.#ttlMs, metadata: false });
		return version;
	}
}

/** Whether a key, without what is before all of a cache's keys, is a tag's. */
export function isTagKey(key: string): boolean {
	return key.startsWith(TAG);
}

/** Null for what is none: nothing there, or nothing of our making. */
function versionOf(stored: Stored | Error | null): string | null {
	const text = stored instanceof Error ? "" : (stored?.toString() ?? "");
	return VERSION.test(text) ? text : null;
}

function newVersion(): string {
	return randomBytes(9).toString("base64url");
}
