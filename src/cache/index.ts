/** slotwire/cache: a cache on the client, and the stores that it may stand on. */
export type {
	Bytes,
	CacheBackend,
	ClearQuery,
	Entry,
	EntryOptions,
	Health,
	Item,
	KeyQuery,
	Leases,
	ManyOptions,
	Metadata,
	ScanQuery,
	SetManyOptions,
} from "./backend.js";
export { CacheBatchError, CacheConnectionError, CacheError, CacheOperationError, CacheTimeoutError } from "./errors.js";
export { RedisBackend } from "./redis-backend.js";
export { type BackendFailure, type RedisBackendOptions, redisOptionsFromEnv } from "./redis-options.js";
export type { BackendStats, ServerStats } from "./stats.js";
