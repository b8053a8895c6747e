/**
 * Leases on a server: `SET lease token NX PX ms`, ended by the script that fills the key and tells everybody in the same step.
 *
 *     acquire ──► granted ──► fill, or release ──► whoever waits is woken by a message, looks again, finds the value or asks for the lease
 *          └────► somebody else's ──► wait
 *
 * Messages are a convenience: at most once, and perhaps late. Whoever waits looks again by himself after a while, and a holder that died has
 * lost its lease by then.
 */
import type { Client } from "../client.js";
import { ClientError } from "../errors.js";
import type { Subscription } from "../pubsub/subscription.js";
import { defineScript } from "../script.js";
import type { Bytes, Leases } from "./backend.js";
import { leaseKey } from "./side-keys.js";

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

	/** @param client itself once it is there, so that what is called in one tick is sent in that order */
	constructor(client: () => Client | Promise<Client>, prefix: string) {
		this.#client = client;
		this.#prefix = prefix;
		this.#channel = `slotwire:filled:${prefix}`;
	}

	async acquire(key: string, token: string, ttlMs: number): Promise<{ granted: boolean; value: Buffer | null }> {
		const client = await this.#client();
		const lease = this.#leaseOf(key, client);
		const [granted, value] = await Promise.all([
			client.set(lease, token, { nx: true, px: ttlMs }),
			client.buffers.get(this.#prefix + key).catch(noneOfAnotherType),
		]);
		return { granted: granted !== null, value };
	}

	async fill(key: string, token: string, value: Bytes, ttlMs: number | null): Promise<boolean> {
		const client = await this.#client();
		const name = this.#prefix + key;
		const ttl = ttlMs === null ? "" : `${ttlMs}`;
		return await client.run(fill, [name, this.#leaseOf(key, client)], [token, value, ttl, this.#channel]);
	}

	async release(key: string, token: string): Promise<void> {
		const client = await this.#client();
		await client.run(release, [this.#prefix + key, this.#leaseOf(key, client)], [token, this.#channel]);
	}

	async cancel(keys: readonly string[]): Promise<void> {
		const opened = this.#client();
		const client = opened instanceof Promise ? await opened : opened;
		if (keys.length > 0) await client.unlink(keys.map((key) => this.#leaseOf(key, client)));
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

	/** Nobody waits any more, and nothing is subscribed to. */
	async end(): Promise<void> {
		this.#wake();
		const subscription = await this.#subscription;
		this.#subscription = null;
		this.#live = null;
		await subscription?.unsubscribe();
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
