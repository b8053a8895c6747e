/** The shared store where there is one, and this process's memory where there is none: application code is the same. */
import { InvalidOptionError } from "../errors.js";
import type { CacheBackend } from "./backend.js";
import { cacheError } from "./errors.js";
import { MemoryBackend } from "./memory-backend.js";
import { RedisBackend } from "./redis-backend.js";
import { type RedisBackendOptions, redisOptionsFromEnv } from "./redis-options.js";

export interface CreateBackendOptions extends RedisBackendOptions {
	/** What serves instead. Default: a new `MemoryBackend`; false: none, the call rejects. */
	fallback?: CacheBackend | false;
	/** Told why the fallback serves; undefined: `USE_REDIS` says so. */
	onFallback?: (error?: unknown) => void;
	/** Default: `process.env`. */
	env?: Readonly<Record<string, string | undefined>>;
}

const YES = /^(true|1|yes|on)$/i;
const NO = /^(false|0|no|off)$/i;

/**
 * A connected backend: a {@link RedisBackend}, or the fallback when the server cannot be reached.
 *
 * | `USE_REDIS` | options lead somewhere (`client`, `connection`, `url`) | neither |
 * |---|---|---|
 * | `true`, `1`, `yes`, `on` | the server, else the fallback | that of the environment, else the fallback |
 * | unset | the server, else the fallback | the fallback |
 * | `false`, `0`, `no`, `off` | the fallback | the fallback |
 * @throws INVALID_OPTION; with `fallback: false` why there is no server
 */
export async function createRedisBackend(options: CreateBackendOptions = {}): Promise<CacheBackend> {
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	const { fallback, onFallback, env = process.env, ...redis } = options;
	if (onFallback !== undefined && typeof onFallback !== "function")
		throw new InvalidOptionError("onFallback", "must be a function");
	if (fallback !== undefined && fallback !== false && typeof fallback?.connect !== "function")
		throw new InvalidOptionError("fallback", "must be a backend, or false");
	if (typeof env !== "object" || env === null) throw new InvalidOptionError("env", "must be an object");
	const wanted = env.USE_REDIS ?? "";
	if (wanted !== "" && !YES.test(wanted) && !NO.test(wanted)) throw new InvalidOptionError("USE_REDIS", "must be true or false");
	const named = redis.client !== undefined || redis.connection !== undefined || redis.url !== undefined;
	const backend = new RedisBackend(redisOptionsFromEnv(env, redis));
	const use = wanted === "" ? named || fallback === false : YES.test(wanted);
	if (!use) return await instead(undefined);
	try {
		await backend.connect();
		return backend;
	} catch (error) {
		await backend.disconnect();
		if (fallback === false) throw error;
		return await instead(error);
	}

	async function instead(error: unknown): Promise<CacheBackend> {
		if (fallback === false) throw cacheError(error ?? new InvalidOptionError("fallback", "there is none, and USE_REDIS is off"));
		const { keyPrefix = "cache:", defaultTtl = null, metadata = "sidecar" } = redis;
		const alike = { keyPrefix, defaultTtl, metadata };
		const other = fallback ?? new MemoryBackend(alike);
		await other.connect();
		onFallback?.(error);
		return other;
	}
}
