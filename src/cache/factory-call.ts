/** One call of a factory: what it may say about the value that it makes. */
import type { Ttl } from "../util/ttl.js";
import { CALL_FIELDS, type Policy, resolvePolicy } from "./cache-options.js";
import type { Versions } from "./tags.js";

export interface FactoryContext {
	/** The value lives so long, whatever the call said. */
	setTtl(ttl: Ttl | null): void;
	/**
	 * The value depends on these too. To be called, and best awaited, before what it is made of is read: an invalidation by another process that
	 * comes before their versions are read is not noticed. Resolves then, and never rejects.
	 * @throws INVALID_OPTION
	 */
	setTags(tags: readonly string[]): Promise<void>;
	/** The value is given to the callers, and not stored. */
	skip(): void;
	/** The old value, if there is one. */
	readonly stale: unknown;
	/** Aborts when the last caller has given up by a signal of its own. */
	readonly signal: AbortSignal;
}

/** What is being made. */
export interface Dependent {
	readonly signal: AbortSignal;
	dependsOn(tags: readonly string[]): void;
}

/** Gives tags their versions. */
export type FixTags = (tags: readonly string[], known: Versions) => Promise<[tag: string, version: string][]>;

export class FactoryCall implements FactoryContext {
	policy: Policy;
	skipped = false;
	readonly stale: unknown;
	readonly #flight: Dependent;
	readonly #fix: FixTags;
	readonly #tags: Promise<[tag: string, version: string][]>[];

	/** @param tags those that the call names, with their versions */
	constructor(policy: Policy, flight: Dependent, stale: unknown, tags: [string, string][], fix: FixTags) {
		this.policy = policy;
		this.#flight = flight;
		this.stale = stale;
		this.#tags = tags.length === 0 ? [] : [Promise.resolve(tags)];
		this.#fix = fix;
	}

	get signal(): AbortSignal {
		return this.#flight.signal;
	}

	setTtl(ttl: Ttl | null): void {
		this.policy = resolvePolicy(this.policy, { ttl }, CALL_FIELDS);
	}

	setTags(tags: readonly string[]): Promise<void> {
		const { tags: checked } = resolvePolicy(this.policy, { tags }, CALL_FIELDS);
		this.#flight.dependsOn(checked);
		const fixing = this.#fix(checked, new Map());
		this.#tags.push(fixing);
		// Whoever stores the value hears of a failure.
		return fixing.then(ignore, ignore);
	}

	skip(): void {
		this.skipped = true;
	}

	get isTagged(): boolean {
		return this.#tags.length > 0;
	}

	/** All tags with their versions. @throws what reading them does */
	async tags(): Promise<[tag: string, version: string][]> {
		return [...new Map((await Promise.all(this.#tags)).flat())];
	}
}

function ignore(): void {}
