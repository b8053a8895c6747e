/**
 * Many keys at once: one read of the store for all of them, one call of the factory for those that it does not have, one write of what that
 * made. Whoever asks for one of the keys meanwhile, alone or among others, shares it. Who makes them is agreed on within the process only.
 */
import { InvalidArgumentError } from "../errors.js";
import type { Item } from "./backend.js";
import type { Reporter } from "./cache-events.js";
import type { CacheSettings, Policy } from "./cache-options.js";
import type { EntryStore, Look } from "./entry-store.js";
import { type Dependent, FactoryCall, type FactoryContext } from "./factory-call.js";
import type { Fetcher } from "./fetcher.js";
import { aborted, Flight, isPatient } from "./flight.js";
import type { FlightTable, GroupFlight } from "./flight-table.js";
import { type Refreshed, track } from "./flights.js";
import { isFresh, isStored, isWithin, within } from "./freshness.js";
import { failuresIn } from "./partial.js";

/** What a factory for many keys gives back: those that there are, by key, or one for each missing key in its place. */
export type ManyFactory<K extends string, T> = (missing: K[], context: FactoryContext) => Made<K, T> | Promise<Made<K, T>>;

/** A Map of more than the keys that were asked for will do. */
type Made<K, T> = Pick<ReadonlyMap<K, T>, "get" | "has" | "size"> | readonly (T | undefined)[];

/** A key that this call fetches, and whoever else waits for it. */
interface Part {
	readonly key: string;
	readonly flight: Flight<unknown>;
	look: Look | null;
	settle(value: unknown): void;
	fail(error: unknown): void;
}

/** Part and flight in one, without a promise unless somebody else waits for it: a call has hundreds of them. */
class FetchPart extends Flight<unknown> implements Part, GroupFlight<unknown> {
	readonly key: string;
	look: Look | null = null;
	over = false;
	readonly #flights: FlightTable<unknown>;
	#value: unknown;
	#failed = false;

	/** @param flights where others find it, until it is settled */
	constructor(key: string, flights: FlightTable<unknown>, since: number) {
		super(undefined, since);
		this.key = key;
		this.#flights = flights;
	}

	get flight(): Flight<unknown> {
		return this;
	}

	/** @throws why there is none */
	get value(): unknown {
		if (this.#failed) throw this.#value;
		return this.#value;
	}

	override settle(value: unknown): void {
		this.#value = value;
		this.over = true;
		this.#flights.forget(this.key, this);
		super.settle(value);
	}

	override fail(error: unknown): void {
		this.#value = error;
		this.#failed = true;
		this.over = true;
		this.#flights.forget(this.key, this);
		super.fail(error);
	}
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
		for (const key of keys) this.#fetcher.check(key, policy);
		const { flights } = this.#fetcher;
		if (policy.forceFresh) flights.outdate(keys);
		const parts: FetchPart[] = [];
		const since = performance.now();
		const joined = keys.map((key) => {
			const flight = this.#fetcher.joined(key, policy);
			if (flight !== undefined) return flight;
			const part = new FetchPart(key, flights.fetches, since);
			part.dependsOn(policy.tags);
			parts.push(part);
			return part;
		});
		if (parts.length < keys.length || !isPatient(policy)) {
			const results = joined.map((flight) => flight.join(policy));
			if (parts.length > 0) void this.#runGroup(parts, factory, policy);
			return Promise.all(results);
		}
		for (const part of parts) part.hold();
		return this.#runGroup(parts, factory, policy).then(() => parts.map(({ value }) => value));
	}

	async #runGroup(parts: readonly FetchPart[], factory: ManyFactory<string, unknown>, policy: Policy): Promise<void> {
		const { fetches } = this.#fetcher.flights;
		fetches.beginGroup(parts);
		try {
			await this.#run(parts, factory, policy);
		} finally {
			fetches.endGroup(parts);
		}
	}

	/** Settles every part. */
	async #run(parts: readonly Part[], factory: ManyFactory<string, unknown>, policy: Policy): Promise<void> {
		let missing = parts;
		try {
			missing = await this.#missing(parts, factory, policy);
			if (missing.length > 0) await this.#make(missing, factory, policy);
		} catch (error) {
			this.#failed(missing, error, policy);
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
			if (error instanceof InvalidArgumentError) throw error;
			this.#fetcher.failed("read", error);
			for (const { key } of parts) this.#reporter.miss(key, "unavailable");
			return [...parts];
		}
		const due: [key: string, look: Look][] = [];
		const now = Date.now();
		const missing = parts.filter((part, i) => {
			const look = looks[i] as Look;
			part.look = look;
			const { key, flight } = part;
			const { found } = look;
			if (found !== null && !policy.forceFresh && (isFresh(found, now) || isWithin(found, policy.swrMs))) {
				if (this.#fetcher.isDue(key, found, policy, now)) due.push([key, look]);
				part.settle(this.#fetcher.given(key, found, now));
				return false;
			}
			this.#reporter.miss(key, policy.forceFresh ? "forced" : look.reason);
			const old = within(found, policy.graceMs);
			if (old !== null) flight.offer(() => this.#fetcher.old(key, old, "slow"));
			return true;
		});
		if (due.length > 0) void this.#refresh(due, factory, policy);
		return missing;
	}

	/** Makes anew what its readers still have, all of it at once; nobody hears of a failure but `error`. */
	async #refresh(due: readonly [string, Look][], factory: ManyFactory<string, unknown>, policy: Policy): Promise<void> {
		const parts = due.map(([key, look]): Part => {
			const { settle, result } = outcome();
			const flight = track(this.#fetcher.flights.refreshes, key, async (self) => {
				self.dependsOn(policy.tags);
				return (await result) as Refreshed;
			});
			return { key, flight, look, settle: (value) => settle({ value }), fail: () => settle(null) };
		});
		this.#reporter.counts.refreshes += parts.length;
		try {
			await this.#make(parts, factory, policy);
			for (const { key } of parts) this.#reporter.tell("refresh", { key });
		} catch (error) {
			for (const part of parts) part.fail(error);
			this.#reporter.tell("error", { operation: "refresh", error });
		}
	}

	async #make(missing: readonly Part[], factory: ManyFactory<string, unknown>, policy: Policy): Promise<void> {
		const versions = missing[0]?.look?.versions;
		const fixed = versions === undefined ? null : policy.tags.length === 0 ? [] : await this.#fetcher.fixed(policy, versions);
		const call = new FactoryCall(policy, new AllGone(missing), undefined, fixed ?? [], (more, known) =>
			this.#store.tags.fix(more, known),
		);
		const began = performance.now();
		const keys = missing.map(({ key }) => key);
		if (missing.every(({ flight }) => flight.abandoned)) throw aborted(null);
		const made = await this.#fetcher.called(keys, async (context) => ordered(keys, await factory(keys, context)), call);
		if (fixed === null) this.#reporter.counts.lostWrites += missing.length;
		else if (!call.skipped) {
			const madeInMs = performance.now() - began;
			const ended = this.#cancel(keys, call.policy);
			await Promise.all([ended, this.#put(missing, made, call, madeInMs), this.#remove(missing, made, call)]);
		}
		for (const [i, part] of missing.entries()) part.settle(made[i]);
	}

	/** One pipeline. What cannot be written as bytes is not stored, and its neighbours are. */
	async #put(parts: readonly Part[], made: readonly unknown[], call: FactoryCall, madeInMs: number): Promise<void> {
		const items: Item[] = [];
		try {
			const tags = call.isTagged ? await call.tags() : [];
			parts.forEach(({ key, flight, look }, i) => {
				// Its node would be waited for once more.
				if (look?.reason === "unavailable") {
					this.#reporter.counts.lostWrites += 1;
					return;
				}
				if (flight.outdated || (made[i] === undefined && call.policy.negativeMs === 0)) return;
				const sealed = this.#fetcher.sealed(key, made[i], call, tags, madeInMs);
				if (sealed !== null) items.push({ key, value: sealed.bytes, ttl: sealed.ttlMs });
			});
			if (items.length === 0) return;
			const stored = await this.#settings.backend.setMany(items, { metadata: false });
			this.#reporter.counts.sets += stored;
			this.#reporter.counts.lostWrites += items.length - stored;
			if (stored === items.length) for (const { key } of items) this.#reporter.tell("set", { key });
		} catch (error) {
			// None yet where it is not even known what they depend on.
			const lost = items.length === 0 ? parts.length : failuresIn([error], items.length);
			this.#reporter.counts.sets += Math.max(0, items.length - lost);
			this.#reporter.counts.lostWrites += lost;
			this.#fetcher.failed("write", error);
		}
	}

	/** What is asked for anew is newer than what another process is making of it. */
	async #cancel(keys: readonly string[], { forceFresh }: Policy): Promise<void> {
		const { backend, crossProcess } = this.#settings;
		if (!crossProcess || !forceFresh) return;
		await backend.leases?.cancel(keys).catch((error) => this.#reporter.storeFailed("cancel", error));
	}

	/** What the source has no more: nobody is to get the old value. */
	async #remove(parts: readonly Part[], made: readonly unknown[], call: FactoryCall): Promise<void> {
		if (call.policy.negativeMs > 0) return;
		const gone: string[] = [];
		parts.forEach(({ key, flight, look }, i) => {
			if (made[i] === undefined && !flight.outdated && !flight.abandoned && look !== null && isStored(look)) gone.push(key);
		});
		if (gone.length === 0) return;
		try {
			this.#reporter.counts.deletes += await this.#settings.backend.deleteMany(gone);
			for (const key of gone) this.#reporter.tell("delete", { key });
		} catch (error) {
			this.#reporter.counts.lostWrites += failuresIn([error], gone.length);
			this.#fetcher.failed("delete", error);
		}
	}

	/** An old value stands in for one that cannot be made. */
	#failed(parts: readonly Part[], error: unknown, policy: Policy): void {
		let heard = false;
		for (const part of parts) {
			const old = within(part.look?.found ?? null, policy.graceMs);
			if (old === null) {
				heard = true;
				part.fail(error);
			} else part.settle(this.#fetcher.old(part.key, old, "factory-failed"));
		}
		if (!heard) this.#reporter.tell("error", { operation: "factory", error });
	}
}

/** Its signal aborts when nobody waits for any of the keys any more. */
class AllGone implements Dependent {
	readonly #flights: readonly Flight<unknown>[];
	#signal: AbortSignal | null = null;

	constructor(parts: readonly Part[]) {
		this.#flights = parts.map(({ flight }) => flight);
	}

	dependsOn(tags: readonly string[]): void {
		for (const flight of this.#flights) flight.dependsOn(tags);
	}

	get signal(): AbortSignal {
		this.#signal ??= this.#all();
		return this.#signal;
	}

	#all(): AbortSignal {
		const controller = new AbortController();
		let left = this.#flights.length;
		const gone = (): void => {
			left -= 1;
			if (left === 0) controller.abort();
		};
		for (const { signal } of this.#flights) {
			if (signal.aborted) gone();
			else signal.addEventListener("abort", gone, { once: true });
		}
		return controller.signal;
	}
}

function outcome() {
	let settle!: (value: unknown) => void;
	let fail!: (error: unknown) => void;
	const result = new Promise<unknown>((resolve, reject) => {
		settle = resolve;
		fail = reject;
	});
	return { settle, fail, result };
}

/** Maps are lists by now. @throws INVALID_ARGUMENT for what is neither, or a list of another length */
function ordered(keys: readonly string[], made: Made<string, unknown>): unknown[] {
	if (Array.isArray(made) && made.length === keys.length) return made;
	throw new InvalidArgumentError(1, "the factory must give a Map, or a list with a value for each key that it was asked for");
}
