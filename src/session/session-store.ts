/** Sessions that all processes share, each a hash whose fields are changed one by one. */
import type { Client } from "../client.js";
import { InvalidOptionError, ReplyError } from "../errors.js";
import { onArrival } from "./arrival.js";
import { fromFields, toFields } from "./fields.js";
import { CREATE, GET_AND_TOUCH, REGENERATE, REPLACE, TOUCH, UPDATE } from "./scripts.js";
import { keyOf, newId, renewedId } from "./session-id.js";
import {
	type CreateOptions,
	checkCreateOptions,
	checkGetOptions,
	checkStoreOptions,
	type GetOptions,
	type SessionSettings,
	type SessionStoreOptions,
} from "./session-options.js";

/** Figures of `get` since a store was made, of this process alone. */
export interface SessionStats {
	hits: number;
	/** Ids without a session; those that have not the shape of one among them. */
	misses: number;
	/** Misses too, and here because they should not happen: what stands at the key is no session, or a field of it is no JSON. */
	unreadable: number;
}

/** As a cookie brings it: of a visitor who has none yet, nothing. */
export type SessionId = string | null | undefined;

/** A change: fields with a value are set, those that are `undefined` are removed, all others stay as they are. */
export type SessionPatch<S extends object> = { [K in keyof S]?: S[K] | undefined };

/**
 * Sessions by ids that cannot be guessed.
 *
 *     const sessions = new SessionStore<{ userId: number; cart?: string[] }>(client, { ttl: "30m", rolling: true });
 *     const id = await sessions.create({ userId: 7 });
 *     await sessions.update(id, { cart: ["book"] });
 *     const newId = await sessions.regenerate(id);
 *
 * On the wire: a hash at `<prefix>{tag}:secret` with one JSON text a top-level field, and `$session`, `[ttl in ms, created at, ends at or 0]`
 * by the server's clock. Data comes back as JSON leaves it: a Date as text; the object that `get` gives has no prototype.
 *
 * An id that was never given out, whatever it is, has no session: null or false, and nothing is sent. What stands at a key and is no session
 * is none either, and stays as it is, but for `destroy`.
 */
export class SessionStore<S extends object = Record<string, unknown>> {
	readonly #client: Client;
	readonly #settings: SessionSettings;
	readonly #stats: SessionStats = { hits: 0, misses: 0, unreadable: 0 };

	/** @throws INVALID_OPTION with the field. Nothing is sent */
	constructor(client: Client, options: SessionStoreOptions) {
		if (typeof (client as Partial<Client> | null)?.run !== "function") throw new InvalidOptionError("client", "must be a client");
		this.#client = client;
		this.#settings = checkStoreOptions(options);
	}

	/**
	 * Begins a session. One script: `HSET`, `PEXPIRE`
	 * @param data fields that are `undefined` are left out; `{}` is a session too
	 * @returns its id: `tag.secret`, 144 random bits beside the tag
	 * @throws INVALID_ARGUMENT (1) for what is not JSON, INVALID_OPTION, TIMEOUT, CONNECTION, and what the server says
	 */
	async create(data: S, options?: CreateOptions): Promise<string> {
		const { set } = toFields(data, 1);
		const ttlMs = checkCreateOptions(options, this.#settings.ttlMs);
		const id = newId();
		await this.#client.run(CREATE, [keyOf(this.#settings.prefix, id) as string], [ttlMs, this.#settings.maxTtlMs, ...set.flat()]);
		return id;
	}

	/**
	 * What a session holds. `HGETALL`; touched as well: one script
	 * @returns null when there is none. One that nobody can read is none either, and counted in `stats().unreadable`
	 * @throws INVALID_OPTION, TIMEOUT, CONNECTION, and what the server says
	 */
	async get(id: SessionId, options?: GetOptions): Promise<S | null> {
		const touch = checkGetOptions(options, this.#settings.rolling);
		const key = keyOf(this.#settings.prefix, id);
		if (key === null) return this.#miss();
		const fields = touch ? pairs(await this.#client.run(GET_AND_TOUCH, [key])) : await this.#fields(key);
		if (fields?.length === 0) return this.#miss();
		const data = fields && fromFields(fields);
		if (data === null) return this.#unreadable();
		this.#stats.hits++;
		return data as S;
	}

	/**
	 * Changes some fields, whatever others do to other fields meanwhile. One script: `HSET`, `HDEL`
	 * @returns false when there is no such session: none comes into being
	 * @throws INVALID_ARGUMENT (2) for what is not JSON; TIMEOUT, CONNECTION, and what the server says
	 */
	async update(id: SessionId, patch: SessionPatch<S>): Promise<boolean> {
		const { set, removed } = toFields(patch, 2);
		return await this.#change(id, (key) => this.#client.run(UPDATE, [key], [this.#touch, set.length, ...set.flat(), ...removed]));
	}

	/**
	 * Puts other data in the place of all that a session holds. One script: `HSET`, `HDEL`
	 * @returns as {@link update}
	 * @throws as {@link update}
	 */
	async replace(id: SessionId, data: S): Promise<boolean> {
		const { set } = toFields(data, 2);
		return await this.#change(id, (key) => this.#client.run(REPLACE, [key], [this.#touch, ...set.flat()]));
	}

	/**
	 * Begins a session's time anew, no further than `maxTtl` from its creation. One script: `PEXPIRE`
	 * @returns false when there is no such session
	 * @throws TIMEOUT, CONNECTION, and what the server says
	 */
	async touch(id: SessionId): Promise<boolean> {
		return await this.#change(id, (key) => this.#client.run(TOUCH, [key]));
	}

	/**
	 * Gives a session another id: when somebody logs in, or gets other rights. At no moment are both good, or neither; the old one is dead at
	 * once, and the time that is left stays what it was. One script: `RENAME`; asked again, for up to 5 s, while its slot moves
	 * @returns the new id; null when there is no such session
	 * @throws TIMEOUT, CONNECTION, and what the server says; with `maybeExecuted` the old id may be dead, and nobody knows the new one
	 */
	async regenerate(id: SessionId): Promise<string | null> {
		const { prefix } = this.#settings;
		const renewed = keyOf(prefix, id) === null ? null : renewedId(id as string);
		const done = await this.#change(id, (key) =>
			onArrival(() => this.#client.run(REGENERATE, [key, keyOf(prefix, renewed) as string], [this.#touch])),
		);
		return done ? renewed : null;
	}

	/**
	 * Ends a session. `DEL`
	 * @returns false when there was none
	 * @throws TIMEOUT, CONNECTION, and what the server says
	 */
	async destroy(id: SessionId): Promise<boolean> {
		return await this.#change(id, async (key) => (await this.#client.del(key)) > 0);
	}

	/**
	 * The time that a session has left. `PTTL`
	 * @returns milliseconds; null when there is no such session
	 * @throws TIMEOUT, CONNECTION, and what the server says
	 */
	async ttl(id: SessionId): Promise<number | null> {
		const key = keyOf(this.#settings.prefix, id);
		if (key === null) return null;
		const ms = await this.#client.pttl(key);
		return ms >= 0 ? ms : null;
	}

	stats(): SessionStats {
		return { ...this.#stats };
	}

	get #touch(): 0 | 1 {
		return this.#settings.rolling ? 1 : 0;
	}

	async #change(id: SessionId, change: (key: string) => Promise<boolean>): Promise<boolean> {
		const key = keyOf(this.#settings.prefix, id);
		return key === null ? false : await change(key);
	}

	/** @returns null for a key of another type */
	async #fields(key: string): Promise<[string, string][] | null> {
		try {
			return Object.entries(await this.#client.hgetall(key));
		} catch (error) {
			if (error instanceof ReplyError && error.code === "WRONGTYPE") return null;
			throw error;
		}
	}

	#miss(): null {
		this.#stats.misses++;
		return null;
	}

	#unreadable(): null {
		this.#stats.unreadable++;
		return this.#miss();
	}
}

/** A flat list of names and texts, or none. */
function pairs(list: readonly string[] | null): [string, string][] | null {
	if (list === null) return null;
	return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i] as string, list[2 * i + 1] as string]);
}
