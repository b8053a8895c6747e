/**
 * Many keys at once: one read of the store for all of them, one call of the factory for those that it does not have, one write of what that
 * made. Whoever asks for one of the keys meanwhile, alone or among others, shares it. Who makes them is agreed on within the process only.
 */
import { InvalidArgumentError } from "../errors.js";
import type { Reporter } from "./cache-events.js";
import type { CacheSettings, Policy } from "./cache-options.js";
import type { EntryStore, Look } from "./entry-store.js";
import { FactoryCall, type FactoryContext } from "./factory-call.js";
import { type Fetcher, isFresh, isWithin, within } from "./fetcher.js";
import type { Flight } from "./flight.js";

/** What a factory for many keys gives back: those that there are, by key, or one for each missing key in its place. */
export type ManyFactory<K extends string, T> = (missing: K[], context: FactoryContext) => Made<K, T> | Promise<Made<K, T>>;

type Made<K, T> = ReadonlyMap<K, T> | readonly (T | undefined)[];

/** A key that this call fetches, and whoever else waits for it. */
interface Part {
	readonly key: string;
	readonly flight: Flight<unknown>;
	look: Look | null;
	settle(value: unknown): void;
	fail(error: unknown): void;
}

export class ManyFetcher {
	readonly #settings: CacheSettings;
	readonly #store: EntryStore;
	readonly #fetcher: Fetcher;
	readonly #reporter: Reporter;

	constructor(settings: CacheSettings, store: EntryStore, fetcher: Fetcher, reporter: Reporter) {
		this.#settings = settings;
		this.#store = store;
		this.#fetcher = fetcher;
		this.#reporter = reporter;
	}

	/**
	 * @param keys each once
	 * @param factory by the keys of the store
	 * @returns values in the order of the keys; undefined: there is none
	 */
	fetch(keys: readonly string[], factory: ManyFactory<string, unknown>, policy: Policy): Promise<unknown[]> {
		const parts: Part[] = [];
		const results = keys.map((key) => {
			const running = policy.forceFresh ? undefined : this.#fetcher.running(key);
			if (running !== undefined) {
				this.#reporter.counts.joined += 1;
				return running.join(policy);
			}
			const part = this.#part(key);
			parts.push(part);
			return part.flight.join(policy);
		});
		if (parts.length > 0) void this.#run(parts, factory, policy);
		return Promise.all(results);
	}

	#part(key: string): Part {
		let settle!: (value: unknown) => void;
		let fail!: (error: unknown) => void;
		const result = new Promise<unknown>((resolve, reject) => {
			settle = resolve;
			fail = reject;
		});
		return { key, flight: this.#fetcher.begin(key, () => result), look: null, settle, fail };
	}

	/** Settles every part. */
	async #run(parts: readonly Part[], factory: ManyFactory<string, unknown>, policy: Policy): Promise<void> {
		try {
			const missing = await this.#missing(parts, factory, policy);
			if (missing.length > 0) await this.#make(missing, factory, policy);
		} catch (error) {
			for (const part of parts) this.#failed(part, error, policy);
		}
	}

	/** Settles those that the store has; the others are to be made. */
	async #missing(parts: readonly Part[], factory: ManyFactory<string, unknown>, policy: Policy): Promise<Part[]> {
		let looks: Look[];
		try {
			looks = await this.#store.readMany(
				parts.map(({ key }) => key),
				policy,
			);
		} catch (error) {
			this.#fetcher.failed("read", error);
			for (const { key } of parts) this.#reporter.miss(key, "unavailable");
			return [...parts];
		}
		return parts.filter((part, i) => {
			const look = looks[i] as Look;
			part.look = look;
			const { found } = look;
			if (found !== null && !policy.forceFresh && (isFresh(found) || isWithin(found, policy.swrMs))) {
				part.settle(this.#fetcher.given(part.key, found, oneOf(factory, part.key), policy));
				return false;
			}
			this.#reporter.miss(part.key, policy.forceFresh ? "forced" : look.reason);
			return true;
		});
	}

	async #make(missing: readonly Part[], factory: ManyFactory<string, unknown>, policy: Policy): Promise<void> {
		const versions = missing[0]?.look?.versions;
		const fixed = versions === undefined ? null : await this.#fixed(policy, versions);
		const call = new FactoryCall(policy, new AllGone(missing), undefined, fixed ?? [], (more, known) =>
			this.#store.tags.fix(more, known),
		);
		const began = performance.now();
		const keys = missing.map(({ key }) => key);
		const made = await this.#fetcher.called(async (context) => ordered(keys, await factory(keys, context)), call);
		if (fixed === null) this.#reporter.counts.lostWrites += missing.length;
		else if (!call.skipped) await this.#put(missing, made, call, performance.now() - began);
		for (const [i, part] of missing.entries()) part.settle(made[i]);
	}

	async #fixed(policy: Policy, known: Look["versions"]): Promise<[string, string][] | null> {
		if (policy.tags.length === 0) return [];
		try {
			return await this.#store.tags.fix(policy.tags, known);
		} catch (error) {
			this.#fetcher.failed("tags", error);
			return null;
		}
	}

	/** One pipeline. What cannot be written as bytes is not stored, and its neighbours are. */
	async #put(parts: readonly Part[], made: readonly unknown[], call: FactoryCall, madeInMs: number): Promise<void> {
		const items: { key: string; value: Buffer; ttl: number | null }[] = [];
		try {
			const tags = await call.tags();
			parts.forEach(({ key, flight }, i) => {
				if (flight.outdated || (made[i] === undefined && call.policy.negativeMs === 0)) return;
				try {
					const { bytes, ttlMs } = this.#store.seal(made[i], call.policy, tags, madeInMs);
					items.push({ key, value: bytes, ttl: ttlMs });
				} catch (error) {
					this.#reporter.counts.lostWrites += 1;
					this.#reporter.tell("error", { key, operation: "write", error });
				}
			});
			if (items.length === 0) return;
			await this.#settings.backend.setMany(items, { metadata: false });
			this.#reporter.counts.sets += items.length;
			for (const { key } of items) this.#reporter.tell("set", { key });
		} catch (error) {
			this.#reporter.counts.lostWrites += items.length;
			this.#fetcher.failed("write", error);
		}
	}

	/** An old value stands in for one that cannot be made. */
	#failed(part: Part, error: unknown, policy: Policy): void {
		const old = within(part.look?.found ?? null, policy.graceMs);
		if (old === null) part.fail(error);
		else {
			this.#reporter.stale(part.key, "factory-failed");
			part.settle(old.value);
		}
	}
}

/** Its signal aborts when nobody waits for any of the keys any more. */
class AllGone {
	readonly #parts: readonly Part[];

	constructor(parts: readonly Part[]) {
		this.#parts = parts;
	}

	get signal(): AbortSignal {
		const controller = new AbortController();
		let left = this.#parts.length;
		const gone = (): void => {
			left -= 1;
			if (left === 0) controller.abort();
		};
		for (const { flight } of this.#parts) {
			if (flight.signal.aborted) gone();
			else flight.signal.addEventListener("abort", gone, { once: true });
		}
		return controller.signal;
	}
}

/** One key's value of a factory for many. */
function oneOf(factory: ManyFactory<string, unknown>, key: string) {
	return async (context: FactoryContext): Promise<unknown> => ordered([key], await factory([key], context))[0];
}

/** @throws INVALID_ARGUMENT for what is neither a map nor a list of the right length */
function ordered(keys: readonly string[], made: Made<string, unknown>): unknown[] {
	if (made instanceof Map) return keys.map((key) => made.get(key));
	if (Array.isArray(made) && made.length === keys.length) return made;
	throw new InvalidArgumentError(1, "the factory must give a Map, or a list with a value for each key that it was asked for");
}
