/**
 * Leases on a server: `SET lease token NX PX ms`, prolonged by PEXPIRE while the holder is at work, ended by the script that fills the key and
 * tells everybody in the same step.
 *
 *     acquire ──► granted ──► renew … ──► fill, remove or release ──► whoever waits is woken by a message, looks again, finds the value or asks
 *          └────► somebody else's ──► wait                            for the lease
 *
 * Messages are a convenience: at most once, and perhaps late. Whoever waits looks again by himself after a while, and a holder that died has
 * lost its lease by then.
 */
import type { Client } from "../client.js";
import { ClientError, ReplyError } from "../errors.js";
import type { Subscription } from "../pubsub/subscription.js";
import { defineScript } from "../script.js";
import type { Bytes, Leases } from "./backend.js";
import { isLeaseUnder, leaseKey, leasesPattern } from "./side-keys.js";

/** KEYS: key, lease. ARGV: token, value, milliseconds or "", channel. A message that may not be sent is none. */
const fill = defineScript({
	keys: 2,
	lua: `
local held = redis.call('GET', KEYS[2]) == ARGV[1]
if held then
	redis.call('DEL', KEYS[2])
	if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
	else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
end
redis.pcall('PUBLISH', ARGV[4], KEYS[1])
return held and 1 or 0`,
	reply: Boolean,
});

/** KEYS: key, lease. ARGV: token, channel. 1: there was a value, 0: there was none, nil: the lease was lost. */
const remove = defineScript({
	keys: 2,
	lua: `
local there = false
if redis.call('GET', KEYS[2]) == ARGV[1] then
	redis.call('DEL', KEYS[2])
	there = redis.call('UNLINK', KEYS[1])
end
redis.pcall('PUBLISH', ARGV[2], KEYS[1])
return there`,
	reply: (there) => (there === null ? null : there === 1),
});

/** KEYS: lease. ARGV: token, milliseconds. */
const renew = defineScript({
	keys: 1,
	lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`,
	reply: Boolean,
});

/** KEYS: key, lease. ARGV: token, channel. */
const release = defineScript({
	keys: 2,
	lua: `
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.pcall('PUBLISH', ARGV[2], KEYS[1])
return 0`,
});

/** Who waits for a key. */
type Waiter = () => void;

/** Keys whose last message is known. */
const REMEMBERED = 1000;
/** Keys that are looked at in one step of a SCAN. */
const PAGE = 512;

export class ServerLeases implements Leases {
	readonly #client: () => Client | Promise<Client>;
	readonly #prefix: string;
	readonly #channel: string;
	readonly #waiters = new Map<string, Set<Waiter>>();
	/** Counts messages, and what stands for any number of them. */
	#moment = 0;
	/** When each key was told of last; for all others it may have been at `#forgotten`. */
	readonly #heard = new Map<string, number>();
	#forgotten = 0;
	#subscription: Promise<Subscription | null> | null = null;
	/** The same, once it is confirmed. */
	#live: Subscription | null = null;
	/** By which leases were acquired, and are ended; null once it was let go: it is not opened again for what nobody may want any more. */
	#holding: Client | null = null;

	/** @param client itself once it is there, so that what is called in one tick is sent in that order */
	constructor(client: () => Client | Promise<Client>, prefix: string) {
		this.#client = client;
		this.#prefix = prefix;
		this.#channel = `slotwire:filled:${prefix}`;
	}

	async acquire(key: string, token: string, ttlMs: number): Promise<{ granted: boolean; value: Buffer | null }> {
		const client = await this.#client();
		this.#holding = client;
		const lease = this.#leaseOf(key, client);
		const [granted, value] = await Promise.all([
			client.set(lease, token, { nx: true, px: ttlMs }),
			client.buffers.get(this.#prefix + key).catch(noneOfAnotherType),
		]);
		return { granted: granted !== null, value };
	}

	async fill(key: string, token: string, value: Bytes, ttlMs: number | null): Promise<boolean> {
		const client = this.#holding;
		if (client === null) return false;
		const [name, lease] = this.#names(key, client);
		const ttl = ttlMs === null ? "" : `${ttlMs}`;
		return await this.#step(client, [name, lease], token, {
			script: () => client.run(fill, [name, lease], [token, value, ttl, this.#channel]),
			async plainly() {
				await Promise.all([client.set(name, value, ttlMs === null ? {} : { px: ttlMs }), client.unlink([lease])]);
				return true;
			},
			lost: false,
		});
	}

	async remove(key: string, token: string): Promise<boolean | null> {
		const client = this.#holding;
		if (client === null) return null;
		const [name, lease] = this.#names(key, client);
		return await this.#step(client, [name, lease], token, {
			script: () => client.run(remove, [name, lease], [token, this.#channel]),
			plainly: async () => (await Promise.all([client.unlink([name]), client.unlink([lease])]))[0] > 0,
			lost: null,
		});
	}

	async renew(key: string, token: string, ttlMs: number): Promise<boolean> {
		const client = this.#holding;
		if (client === null) return false;
		const [name, lease] = this.#names(key, client);
		return await this.#step(client, [name, lease], token, {
			script: () => client.run(renew, [lease], [token, ttlMs]),
			plainly: async () => (await client.pexpire(lease, ttlMs)) > 0,
			lost: false,
		});
	}

	async release(key: string, token: string): Promise<void> {
		const client = this.#holding;
		if (client === null) return;
		const [name, lease] = this.#names(key, client);
		await this.#step<unknown>(client, [name, lease], token, {
			script: () => client.run(release, [name, lease], [token, this.#channel]),
			plainly: () => client.unlink([lease]),
			lost: null,
		});
	}

	/** In one step by a script; where the user may run none in two, between which the lease may end: that is better than one that stays. */
	async #step<T>(
		client: Client,
		[name, lease]: readonly [string, string],
		token: string,
		{ script, plainly, lost }: { script: () => Promise<T>; plainly: () => Promise<T>; lost: T },
	): Promise<T> {
		try {
			return await script();
		} catch (error) {
			if (!isRefusal(error)) throw error;
		}
		if (String(await client.get(lease)) !== token) return lost;
		const done = await plainly();
		await client.publish(this.#channel, name).catch(ignore);
		return done;
	}

	async cancel(keys: readonly string[]): Promise<void> {
		const opened = this.#client();
		const client = opened instanceof Promise ? await opened : opened;
		if (keys.length > 0) await client.unlink(keys.map((key) => this.#leaseOf(key, client)));
	}

	/** Goes through all keys of the database, by SCAN. */
	async cancelAll(prefix: string): Promise<void> {
		const client = await this.#client();
		const cluster = client.mode === "cluster";
		const begin = this.#prefix + prefix;
		for await (const page of client.scan({ match: leasesPattern(begin, cluster), count: PAGE }).pages()) {
			const leases = page.filter((name) => isLeaseUnder(name, begin, cluster));
			if (leases.length > 0) await client.unlink(leases);
		}
	}

	get moment(): number {
		return this.#moment;
	}

	async wait(key: string, since: number, ms: number, signal?: AbortSignal): Promise<void> {
		if (this.#live?.ended) this.#subscription = null;
		this.#subscription ??= this.#subscribe();
		const name = this.#prefix + key;
		// The word that it was filled came before the one that somebody else is at it.
		if (Math.max(this.#heard.get(name) ?? 0, this.#forgotten) > since) return;
		await new Promise<void>((resolve) => {
			const done = (): void => {
				clearTimeout(timer);
				signal?.removeEventListener("abort", done);
				const waiters = this.#waiters.get(name);
				waiters?.delete(done);
				if (waiters?.size === 0) this.#waiters.delete(name);
				resolve();
			};
			const timer = setTimeout(done, ms);
			const waiters = this.#waiters.get(name);
			if (waiters === undefined) this.#waiters.set(name, new Set([done]));
			else waiters.add(done);
			signal?.addEventListener("abort", done, { once: true });
			if (signal?.aborted) done();
		});
	}

	/** Nobody waits any more, nothing is subscribed to, and leases that are held last as long as they do. */
	async end(): Promise<void> {
		this.#holding = null;
		this.#wake();
		const subscription = await this.#subscription;
		this.#subscription = null;
		this.#live = null;
		await subscription?.unsubscribe();
	}

	#names(key: string, client: Client): [name: string, lease: string] {
		return [this.#prefix + key, this.#leaseOf(key, client)];
	}

	#leaseOf(key: string, { mode }: Client): string {
		return leaseKey(this.#prefix + key, mode === "cluster");
	}

	/** Null where it is refused: those who wait look again by themselves, and the next one tries once more. */
	async #subscribe(): Promise<Subscription | null> {
		try {
			const client = await this.#client();
			this.#live = await client.subscribe(this.#channel, {
				listener: ({ message }) => this.#wake(message),
				// What was filled meanwhile nobody told.
				onGap: () => this.#wake(),
			});
			// Nor what was filled before.
			this.#wake();
			return this.#live;
		} catch {
			this.#subscription = null;
			return null;
		}
	}

	#remember(name: string): void {
		this.#heard.delete(name);
		this.#heard.set(name, this.#moment);
		if (this.#heard.size <= REMEMBERED) return;
		const [oldest, moment] = this.#heard.entries().next().value as [string, number];
		this.#heard.delete(oldest);
		this.#forgotten = Math.max(this.#forgotten, moment);
	}

	#wake(name?: string): void {
		this.#moment += 1;
		if (name === undefined) this.#forgotten = this.#moment;
		else this.#remember(name);
		const woken = name === undefined ? [...this.#waiters.values()].flatMap((waiters) => [...waiters]) : this.#waiters.get(name);
		for (const waiter of [...(woken ?? [])]) waiter();
	}
}

/** A key of another type is nobody's value. */
function noneOfAnotherType(error: unknown): null {
	if (error instanceof ClientError && error.code === "WRONGTYPE") return null;
	throw error;
}

/** The user may not, or the server cannot, run scripts. */
function isRefusal(error: unknown): boolean {
	return error instanceof ReplyError && (error.code === "NOPERM" || /^ERR unknown command/.test(error.message));
}

function ignore(): void {}
