/**
 * How a value gets from the store or its source to whoever asks for it.
 *
 *     look ──► fresh ──────────────────────────────────────► hit          (now and then: refresh behind it)
 *      │──► stale, within swr ──► given out, refresh behind it
 *      └──► nothing fresh ──► lease ──► granted ──► factory ──► stored, and whoever waits is woken
 *                               └──► another process has it ──► wait, look again
 */
import { randomUUID } from "node:crypto";
import type { Reporter, StaleReason } from "./cache-events.js";
import type { CacheSettings, Policy } from "./cache-options.js";
import type { EntryStore, Found, Look } from "./entry-store.js";
import { CacheOperationError } from "./errors.js";
import { FactoryCall, type FactoryContext } from "./factory-call.js";
import { Flight } from "./flight.js";
import type { Versions } from "./tags.js";

export type Factory<T> = (context: FactoryContext) => T | Promise<T>;

/** Looks again while it waits for another process, in case its word is lost: first soon, then less often. */
const LOOK_MS = 50;
const MAX_LOOK_MS = 1000;

export class Fetcher {
	readonly store: EntryStore;
	readonly #settings: CacheSettings;
	readonly #reporter: Reporter;
	/** What is being fetched, by key. */
	readonly #flights = new Map<string, Flight<unknown>>();
	/** Keys that are being made anew behind their readers. */
	readonly #refreshes = new Map<string, Flight<unknown>>();

	constructor(settings: CacheSettings, store: EntryStore, reporter: Reporter) {
		this.#settings = settings;
		this.store = store;
		this.#reporter = reporter;
	}

	/** Nothing is on its way. */
	async idle(): Promise<void> {
		while (this.#flights.size + this.#refreshes.size > 0) {
			await Promise.allSettled([...this.#flights.values(), ...this.#refreshes.values()].map(({ work }) => work));
		}
	}

	/** What is being made of these keys is out of date: it goes to those who asked, and is not stored. */
	outdate(keys: readonly string[]): void {
		for (const key of keys) {
			for (const flights of [this.#flights, this.#refreshes]) {
				const flight = flights.get(key);
				if (flight !== undefined) flight.outdated = true;
			}
		}
	}

	outdateAll(): void {
		this.outdate([...this.#flights.keys(), ...this.#refreshes.keys()]);
	}

	fetch(key: string, factory: Factory<unknown>, policy: Policy): Promise<unknown> {
		const running = this.#flights.get(key);
		if (running !== undefined && !running.outdated && !policy.forceFresh) {
			this.#reporter.counts.joined += 1;
			return running.join(policy);
		}
		return this.begin(key, (flight) => this.#fetch(key, factory, policy, flight)).join(policy);
	}

	/** Somebody who fetches several keys at once does so for this one. */
	running(key: string): Flight<unknown> | undefined {
		const flight = this.#flights.get(key);
		return flight?.outdated ? undefined : flight;
	}

	begin(key: string, work: (flight: Flight<unknown>) => Promise<unknown>): Flight<unknown> {
		return track(this.#flights, key, work);
	}

	/** Makes a value anew that its readers still have; nobody hears of a failure but `error`. */
	refresh(key: string, factory: Factory<unknown>, policy: Policy, old: Found): void {
		if (this.#refreshes.has(key) || this.#flights.has(key)) return;
		track(this.#refreshes, key, async (flight) => {
			try {
				const { token } = await this.#lease(key);
				// Null: somebody else does.
				if (token === null) return;
				this.#reporter.counts.refreshes += 1;
				const look: Look = { found: old, reason: "expired", versions: await this.store.tags.read(policy.tags) };
				await this.#make(key, factory, policy, flight, look, token);
				this.#reporter.tell("refresh", { key });
			} catch (error) {
				this.#reporter.tell("error", { key, operation: "refresh", error });
			}
		});
	}

	// ── one key ──

	async #fetch(key: string, factory: Factory<unknown>, policy: Policy, flight: Flight<unknown>): Promise<unknown> {
		const look = await this.#look(key, policy);
		// The store does not answer.
		if (look === null) return await this.#make(key, factory, policy, flight, NOWHERE, null);
		const { found } = look;
		if (found !== null && !policy.forceFresh && (isFresh(found) || isWithin(found, policy.swrMs))) {
			return this.given(key, found, factory, policy);
		}
		this.#reporter.miss(key, policy.forceFresh ? "forced" : look.reason);
		const old = within(found, policy.graceMs);
		if (old !== null) flight.offer(() => this.#old(key, old, "slow"));
		try {
			return await this.#agreed(key, factory, policy, flight, look);
		} catch (error) {
			if (old === null) throw error;
			this.#reporter.tell("error", { key, operation: "factory", error });
			return this.#old(key, old, "factory-failed");
		}
	}

	/** A value that was found and is good enough, perhaps to be made anew behind its readers. */
	given(key: string, found: Found, factory: Factory<unknown>, policy: Policy): unknown {
		const fresh = isFresh(found);
		if (!fresh || isDue(found, policy)) this.refresh(key, factory, policy, found);
		if (!fresh) return this.#old(key, found, "revalidating");
		this.#reporter.hit(key, found.absent);
		return found.value;
	}

	/** Null: the store does not answer. */
	async #look(key: string, policy: Policy): Promise<Look | null> {
		try {
			return await this.store.read(key, policy);
		} catch (error) {
			this.failed("read", error, key);
			this.#reporter.miss(key, "unavailable");
			return null;
		}
	}

	/** By this process, or by another one that was given the lease before. */
	async #agreed(key: string, factory: Factory<unknown>, policy: Policy, flight: Flight<unknown>, look: Look): Promise<unknown> {
		for (let pause = LOOK_MS; ; pause = Math.min(MAX_LOOK_MS, pause * 2)) {
			const { token, value } = policy.forceFresh ? FREE : await this.#lease(key);
			const { found } = value === null ? NOWHERE : this.store.judge(key, value, policy, look.versions);
			if (found !== null && isFresh(found)) {
				if (token !== null) await this.#release(key, token);
				return found.value;
			}
			if (token !== null) return await this.#make(key, factory, policy, flight, look, token);
			const old = within(look.found, policy.graceMs);
			if (old !== null) return this.#old(key, old, "in-progress");
			await this.#settings.backend.leases?.wait(key, pause, flight.signal);
			flight.signal.throwIfAborted();
		}
	}

	/** @returns `token`: "" where there is nothing to agree on, null when another process has the lease; `value`: what is stored by now */
	async #lease(key: string): Promise<{ token: string | null; value: Buffer | null }> {
		const { crossProcess, leaseMs, backend } = this.#settings;
		if (!crossProcess || backend.leases === undefined) return FREE;
		const token = randomUUID();
		try {
			const { granted, value } = await backend.leases.acquire(key, token, leaseMs);
			return { token: granted ? token : null, value };
		} catch (error) {
			this.failed("lease", error, key);
			return FREE;
		}
	}

	async #release(key: string, token: string): Promise<void> {
		if (token === "") return;
		// It ends by itself.
		await this.#settings.backend.leases?.release(key, token).catch((error) => this.#reporter.storeFailed("release", error, key));
	}

	/** Calls the factory, and stores what it makes. `token` null: nothing can be stored. */
	async #make(
		key: string,
		factory: Factory<unknown>,
		policy: Policy,
		flight: Flight<unknown>,
		look: Look,
		token: string | null,
	): Promise<unknown> {
		const { tags } = this.store;
		let stored = false;
		try {
			const fixed = token === null || policy.tags.length === 0 ? [] : await this.#fixed(key, policy, look.versions);
			const call = new FactoryCall(policy, flight, look.found?.value, fixed ?? [], (more, known) => tags.fix(more, known));
			const began = performance.now();
			const value = await this.called(factory, call);
			const worth = value !== undefined || call.policy.negativeMs > 0;
			if (token === null || fixed === null) this.#reporter.counts.lostWrites += 1;
			else if (worth && !call.skipped && !flight.outdated) {
				stored = await this.#put(key, value, call, token, performance.now() - began);
			}
			return value;
		} finally {
			if (!stored && token !== null) await this.#release(key, token);
		}
	}

	/** Null: the store does not say, so that nothing that depends on them can be stored. */
	async #fixed(key: string, policy: Policy, known: Versions): Promise<[string, string][] | null> {
		try {
			return await this.store.tags.fix(policy.tags, known);
		} catch (error) {
			this.failed("tags", error, key);
			return null;
		}
	}

	/** @throws what the factory does */
	async called<T>(factory: (context: FactoryContext) => T | Promise<T>, call: FactoryCall): Promise<T> {
		this.#reporter.counts.factoryCalls += 1;
		try {
			return await factory(call);
		} catch (error) {
			this.#reporter.counts.factoryErrors += 1;
			throw error;
		}
	}

	/** @returns whether the lease is over with it */
	async #put(key: string, value: unknown, call: FactoryCall, token: string, madeInMs: number): Promise<boolean> {
		const { backend, crossProcess } = this.#settings;
		const { leases } = backend;
		try {
			const { bytes, ttlMs } = this.store.seal(value, call.policy, await call.tags(), madeInMs);
			if (token !== "" && leases !== undefined) {
				// What came in between is newer.
				if (!(await leases.fill(key, token, bytes, ttlMs))) return true;
			} else {
				const [done] = await Promise.all([
					backend.set(key, bytes, { ttl: ttlMs, metadata: false }),
					crossProcess ? leases?.cancel([key]) : undefined,
				]);
				if (!done) throw new CacheOperationError("OVERLOADED", "the store has no room for the value");
			}
			this.#reporter.counts.sets += 1;
			this.#reporter.tell("set", { key });
			return true;
		} catch (error) {
			this.#reporter.counts.lostWrites += 1;
			this.failed("write", error, key);
			return false;
		}
	}

	/** @throws the error, unless the cache goes on without its store */
	failed(operation: string, error: unknown, key?: string): void {
		this.#reporter.storeFailed(operation, error, key);
		if (!this.#settings.failOpen) throw error;
	}

	#old(key: string, { value }: Found, reason: StaleReason): unknown {
		this.#reporter.stale(key, reason);
		return value;
	}
}

const FREE = { token: "", value: null };
const NOWHERE: Look = { found: null, reason: "unavailable", versions: new Map() };

export function isFresh({ freshUntil }: Found): boolean {
	return Date.now() < freshUntil;
}

/** Whether it has been old for no longer than that; what was invalidated never is. */
export function isWithin({ freshUntil }: Found, ms: number): boolean {
	return freshUntil > 0 && Date.now() < freshUntil + ms;
}

/** The value if it may stand in for one that cannot be made now: what was invalidated may, as long as it is there. */
export function within(found: Found | null, graceMs: number): Found | null {
	if (found === null || graceMs === 0) return null;
	return found.freshUntil === 0 || isWithin(found, graceMs) ? found : null;
}

/** Whether this reader is the one that makes it anew before its time: XFetch, `now - Δ·β·ln(rand) ≥ expiry`. */
function isDue({ freshUntil, madeInMs }: Found, { beta }: Policy): boolean {
	return beta > 0 && Date.now() - madeInMs * beta * Math.log(Math.random()) >= freshUntil;
}

/** Begins something for a key; it is forgotten when it is over. */
function track<T>(flights: Map<string, Flight<T>>, key: string, work: (flight: Flight<T>) => Promise<T>): Flight<T> {
	const flight: Flight<T> = new Flight(async (self) => {
		try {
			return await work(self);
		} finally {
			// Another one may have begun in its place.
			if (flights.get(key) === self) flights.delete(key);
		}
	});
	flights.set(key, flight);
	return flight;
}
