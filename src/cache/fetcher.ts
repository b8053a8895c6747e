/**
 * How a value gets from the store or its source to whoever asks for it.
 *
 *     look ──► fresh ──────────────────────────────────────► hit          (now and then: refresh behind it)
 *      │──► stale, within swr ──► given out, refresh behind it
 *      └──► nothing fresh ──► lease ──► granted ──► factory, which holds it ──► stored, and whoever waits is woken
 *                               └──► another process has it ──► wait, look again
 */
import { randomUUID } from "node:crypto";
import { ClientError, InvalidArgumentError } from "../errors.js";
import type { Reporter, StaleReason } from "./cache-events.js";
import type { CacheSettings, Policy } from "./cache-options.js";
import type { Found } from "./entry-format.js";
import type { EntryStore, Look, Sealed } from "./entry-store.js";
import { CacheTimeoutError, cacheError, isConnectionError } from "./errors.js";
import { FactoryCall, type FactoryContext } from "./factory-call.js";
import { type Filler, Unleased } from "./filler.js";
import { aborted, type Flight } from "./flight.js";
import type { FlightTable } from "./flight-table.js";
import { type Flights, type Refreshed, track } from "./flights.js";
import { foundBy, isEarly, isFresh, isSame, isStored, isWithin, within } from "./freshness.js";
import { HeldLease } from "./held-lease.js";
import type { Versions } from "./tags.js";

export type Factory<T> = (context: FactoryContext) => T | Promise<T>;

/** Looks again while it waits for another process, in case its word is lost: first soon, then less often. */
const LOOK_MS = 50;
const MAX_LOOK_MS = 1000;
/** A factory that has run for so many times `leaseTtl` is given up. */
const STUCK_LEASES = 10;

/** A value that is being made. */
interface Making {
	readonly key: string;
	readonly factory: Factory<unknown>;
	readonly policy: Policy;
	readonly flight: Flight<unknown>;
}

export class Fetcher {
	readonly store: EntryStore;
	readonly #settings: CacheSettings;
	readonly #reporter: Reporter;
	/** Shared with the other namespaces of the cache. */
	readonly flights: Flights;

	constructor(settings: CacheSettings, store: EntryStore, reporter: Reporter, flights: Flights) {
		this.#settings = settings;
		this.store = store;
		this.#reporter = reporter;
		this.flights = flights;
	}

	fetch(key: string, factory: Factory<unknown>, policy: Policy): Promise<unknown> {
		this.check(key, policy);
		return (this.joined(key, policy) ?? this.begin(key, policy, (flight) => this.#fetch(key, factory, policy, flight))).join(
			policy,
		);
	}

	/** @throws ABORTED, before anything begins; INVALID_ARGUMENT for a factory that asks for what it is about to make */
	check(key: string, { signal }: Policy): void {
		if (signal?.aborted) throw aborted(signal);
		if (this.flights.making.includes(key)) throw new InvalidArgumentError(0, "the key is the one that this factory is asked for");
	}

	/** What somebody else is fetching already, and is good for this caller too. */
	joined(key: string, { forceFresh }: Policy): Flight<unknown> | undefined {
		const flight = forceFresh ? undefined : this.#current(this.flights.fetches, key);
		if (flight !== undefined) this.#reporter.counts.joined += 1;
		return flight;
	}

	/** What is under way and good for whoever asks now. A factory that will hardly end is not in the way of another one for ever. */
	#current<T>(flights: FlightTable<T>, key: string): Flight<T> | undefined {
		const flight = flights.get(key);
		if (flight === undefined || flight.outdated || flight.abandoned) return undefined;
		if (!this.#isStuck(flight)) return flight;
		flight.outdated = true;
		const error = new CacheTimeoutError(
			"TIMEOUT",
			`a factory did not end within ${STUCK_LEASES} times leaseTtl, and is given up`,
		);
		this.#reporter.tell("error", { key, operation: "factory", error });
		return undefined;
	}

	#isStuck<T>({ since }: Flight<T>): boolean {
		return performance.now() - since > STUCK_LEASES * this.#settings.leaseMs;
	}

	begin(key: string, { forceFresh, tags }: Policy, work: (flight: Flight<unknown>) => Promise<unknown>): Flight<unknown> {
		// What is being made already is older.
		if (forceFresh) this.flights.outdate([key]);
		return track(this.flights.fetches, key, (flight) => {
			flight.dependsOn(tags);
			return work(flight);
		});
	}

	/** Makes a value anew that its readers still have; nobody hears of a failure but `error`. */
	#refresh(key: string, factory: Factory<unknown>, policy: Policy, look: Look): void {
		track(this.flights.refreshes, key, async (flight) => {
			flight.dependsOn(policy.tags);
			try {
				const { filler, value } = await this.#lease(key, flight);
				const newer = value === null ? null : await this.#since(key, value, policy, look);
				if (newer !== null && isFresh(newer)) {
					await filler?.release();
					return { value: newer.value };
				}
				// Null: somebody else is at it.
				if (filler === null) return null;
				this.#reporter.counts.refreshes += 1;
				const made = await this.#make({ key, factory, policy, flight }, foundBy(look, newer), filler);
				this.#reporter.tell("refresh", { key });
				return { value: made };
			} catch (error) {
				this.#reporter.tell("error", { key, operation: "refresh", error });
				return null;
			}
		});
	}

	// ── one key ──

	async #fetch(key: string, factory: Factory<unknown>, policy: Policy, flight: Flight<unknown>): Promise<unknown> {
		const look = await this.#look(key, policy);
		// The store does not answer.
		if (look === null) return await this.#make({ key, factory, policy, flight }, NOWHERE, null);
		const { found } = look;
		if (found !== null && !policy.forceFresh && (isFresh(found) || isWithin(found, policy.swrMs))) {
			if (this.isDue(key, found, policy)) this.#refresh(key, factory, policy, look);
			return this.given(key, found);
		}
		this.#reporter.miss(key, policy.forceFresh ? "forced" : look.reason);
		const old = within(found, policy.graceMs);
		if (old !== null) flight.offer(() => this.old(key, old, "slow"));
		try {
			const refresh = this.#refreshing(key, policy);
			// Where that is given up, so is this.
			if (refresh !== null) flight.since = refresh.since;
			const refreshed = refresh === null ? null : await refresh.work;
			return refreshed === null ? await this.#agreed({ key, factory, policy, flight }, look) : refreshed.value;
		} catch (error) {
			if (old === null) throw error;
			this.#reporter.tell("error", { key, operation: "factory", error });
			return this.old(key, old, "factory-failed");
		}
	}

	/** A value that was found and is good enough. */
	given(key: string, found: Found, now?: number): unknown {
		if (!isFresh(found, now)) return this.old(key, found, "revalidating");
		this.#reporter.hit(key, found.absent);
		return found.value;
	}

	/** Whether a value that is given out is to be made anew behind its readers, and nobody here is at it yet. */
	isDue(key: string, found: Found, policy: Policy, now?: number): boolean {
		return (!isFresh(found, now) || isEarly(found, policy)) && this.#current(this.flights.refreshes, key) === undefined;
	}

	/** What is being made behind readers who still had the old value. */
	#refreshing(key: string, { forceFresh }: Policy): Flight<Refreshed> | null {
		return (forceFresh ? undefined : this.#current(this.flights.refreshes, key)) ?? null;
	}

	/** Null: the store does not answer. */
	async #look(key: string, policy: Policy): Promise<Look | null> {
		try {
			return await this.store.read(key, policy);
		} catch (error) {
			// The key is none for this store: the caller's mistake.
			if (error instanceof InvalidArgumentError) throw error;
			this.failed("read", error, key);
			this.#reporter.miss(key, "unavailable");
			return null;
		}
	}

	/** By this process, or by another one that was given the lease before. */
	async #agreed(making: Making, look: Look): Promise<unknown> {
		const { key, policy, flight } = making;
		const { crossProcess, backend } = this.#settings;
		if (!crossProcess || backend.leases === undefined || policy.forceFresh) {
			return await this.#make(making, look, new Unleased(this.#settings, key));
		}
		for (let pause = LOOK_MS; ; pause = Math.min(MAX_LOOK_MS, pause * 2)) {
			const since = backend.leases.moment;
			const { filler, value } = await this.#lease(key, flight);
			const newer = value === null ? null : await this.#since(key, value, policy, look);
			if (newer !== null && isFresh(newer)) {
				await filler?.release();
				return newer.value;
			}
			if (filler !== null) return await this.#make(making, foundBy(look, newer), filler);
			const old = within(look.found, policy.graceMs);
			if (old !== null) return this.old(key, old, "in-progress");
			await backend.leases.wait(key, since, pause, flight.signal);
			flight.signal.throwIfAborted();
			// Somebody else's factory was waited for.
			flight.since = performance.now();
		}
	}

	/** What was stored since the look, null when nothing was: an entry may have tags that had no version then. Never rejects. */
	async #since(key: string, value: Buffer, policy: Policy, { found, versions }: Look): Promise<Found | null> {
		const now = this.store.judge(key, value, policy, versions).found;
		if (now === null || (found !== null && isSame(now, found))) return null;
		if (isFresh(now) || Date.now() >= now.sealedUntil) return now;
		try {
			return (await this.store.weigh(key, value, policy)).found;
		} catch (error) {
			this.#reporter.storeFailed("tags", error, key);
			return null;
		}
	}

	/** @returns `filler`: null when another process has the lease; `value`: what is stored by now */
	async #lease(key: string, flight: Flight<unknown>): Promise<{ filler: Filler | null; value: Buffer | null }> {
		const { crossProcess, leaseMs, backend } = this.#settings;
		const { leases } = backend;
		if (!crossProcess || leases === undefined) return { filler: new Unleased(this.#settings, key), value: null };
		const token = randomUUID();
		const asked = performance.now();
		try {
			const { granted, value } = await leases.acquire(key, token, leaseMs);
			flight.since = performance.now();
			const holder = {
				wanted: () => !flight.abandoned && !flight.outdated && !this.flights.left && !this.#isStuck(flight),
				failed: (operation: string, error: unknown) => this.#reporter.storeFailed(operation, error, key),
			};
			return { filler: granted ? new HeldLease(leases, { key, token, asked, ms: leaseMs }, holder) : null, value };
		} catch (error) {
			this.failed("lease", error, key);
			return { filler: new Unleased(this.#settings, key), value: null };
		}
	}

	/** Calls the factory, and stores what it makes. @param filler null: nothing can be stored */
	async #make(making: Making, look: Look, filler: Filler | null): Promise<unknown> {
		const { key, factory, policy, flight } = making;
		const { tags } = this.store;
		flight.since = performance.now();
		let settled = false;
		try {
			if (flight.abandoned) throw aborted(null);
			const fixed = filler === null || policy.tags.length === 0 ? [] : await this.fixed(policy, look.versions, key);
			const call = new FactoryCall(policy, flight, look.found?.value, fixed ?? [], (more, known) => tags.fix(more, known));
			const began = performance.now();
			const value = await this.called([key], factory, call);
			const worth = value !== undefined || call.policy.negativeMs > 0;
			if (filler === null || fixed === null) this.#reporter.counts.lostWrites += 1;
			else if (call.skipped) return value;
			else if (worth) settled = await this.#put(making, value, call, filler, performance.now() - began);
			else if (isStored(look)) settled = await this.#remove(making, filler);
			return value;
		} finally {
			filler?.end();
			if (!settled) await filler?.release();
		}
	}

	/** Null: the store does not say, so that nothing that depends on them can be stored. */
	async fixed(policy: Policy, known: Versions, key?: string): Promise<[string, string][] | null> {
		try {
			return await this.store.tags.fix(policy.tags, known);
		} catch (error) {
			this.failed("tags", error, key);
			return null;
		}
	}

	/** @throws what the factory does */
	async called<T>(keys: readonly string[], factory: (context: FactoryContext) => T | Promise<T>, call: FactoryCall): Promise<T> {
		this.#reporter.counts.factoryCalls += 1;
		try {
			return await this.#noted(keys, () => factory(call));
		} catch (error) {
			this.#reporter.counts.factoryErrors += 1;
			throw error;
		}
	}

	/** A factory that would wait for itself is noticed before it first awaits something; later on nobody can tell who asks. */
	#noted<T>(keys: readonly string[], work: () => T): T {
		const { making } = this.flights;
		this.flights.making = making.length === 0 ? keys : [...making, ...keys];
		try {
			return work();
		} finally {
			this.flights.making = making;
		}
	}

	/** @returns whether the lease is over with it, or best left to end by itself */
	async #put({ key, flight }: Making, value: unknown, call: FactoryCall, filler: Filler, madeInMs: number): Promise<boolean> {
		try {
			const tags = call.isTagged ? await call.tags() : [];
			if (flight.outdated) return false;
			const sealed = this.sealed(key, value, call, tags, madeInMs);
			if (sealed === null) return false;
			if (!(await filler.fill(sealed.bytes, sealed.ttlMs))) return this.#lost(key, filler);
			this.#reporter.counts.sets += 1;
			this.#reporter.tell("set", { key });
			return true;
		} catch (error) {
			return this.#unstored("write", key, error);
		}
	}

	/** The source has none any more: nobody is to get the old value. @returns as {@link #put} */
	async #remove({ key, flight }: Making, filler: Filler): Promise<boolean> {
		// A factory that was told to stop has said nothing.
		if (flight.outdated || flight.abandoned) return false;
		try {
			const there = await filler.remove();
			if (there === null) return this.#lost(key, filler);
			this.#reporter.counts.deletes += Number(there);
			this.#reporter.tell("delete", { key });
			return true;
		} catch (error) {
			return this.#unstored("delete", key, error);
		}
	}

	/** What came in between is newer, unless the time was up. */
	#lost(key: string, { ranOut }: Filler): true {
		const { leaseMs } = this.#settings;
		if (ranOut)
			this.#unwritten(key, new CacheTimeoutError("TIMEOUT", `the lease was over (leaseTtl: ${leaseMs} ms) and not prolonged`));
		return true;
	}

	#unstored(operation: string, key: string, error: unknown): boolean {
		this.#reporter.counts.lostWrites += 1;
		this.failed(operation, error, key);
		return isConnectionError(cacheError(error));
	}

	/** Null for a value that cannot be written as bytes: its callers have it, and `error` tells of it. */
	sealed(key: string, value: unknown, call: FactoryCall, tags: [string, string][], madeInMs: number): Sealed | null {
		try {
			return this.store.seal(value, call.policy, tags, madeInMs);
		} catch (error) {
			this.#unwritten(key, error);
			return null;
		}
	}

	#unwritten(key: string, error: unknown): void {
		this.#reporter.counts.lostWrites += 1;
		this.#reporter.tell("error", { key, operation: "write", error });
	}

	/** @throws the error, unless the cache goes on without its store */
	failed(operation: string, error: unknown, key?: string): void {
		const typed = error instanceof ClientError ? cacheError(error) : error;
		this.#reporter.storeFailed(operation, typed, key);
		if (!this.#settings.failOpen) throw typed;
	}

	old(key: string, { value }: Found, reason: StaleReason): unknown {
		this.#reporter.stale(key, reason);
		return value;
	}
}

const NOWHERE: Look = { found: null, reason: "unavailable", versions: new Map() };
