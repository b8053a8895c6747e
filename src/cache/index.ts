/** slotwire/cache: a cache on the client, and the stores that it may stand on. */

export type { Ttl } from "../util/ttl.js";
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
	TextReads,
} from "./backend.js";
export { Cache, type CacheEntry } from "./cache.js";
export type { CacheEvents, CacheStats, MissReason, StaleReason } from "./cache-events.js";
export type { CacheOptions, Fetching, GetOrSetOptions, Lifetime, StoreOptions } from "./cache-options.js";
export { type CreateBackendOptions, createRedisBackend } from "./create-redis-backend.js";
export { CacheBatchError, CacheConnectionError, CacheError, CacheOperationError, CacheTimeoutError } from "./errors.js";
export type { FactoryContext } from "./factory-call.js";
export type { ManyFactory } from "./fetch-many.js";
export type { Factory } from "./fetcher.js";
export { MemoryBackend, type MemoryBackendOptions } from "./memory-backend.js";
export { RedisBackend } from "./redis-backend.js";
export { type BackendFailure, type RedisBackendOptions, redisOptionsFromEnv } from "./redis-options.js";
export type { Serializer } from "./serializer.js";
export type { BackendStats, ServerStats } from "./stats.js";
export { type FirstLevelStats, TieredBackend, type TieredBackendOptions } from "./tiered-backend.js";
export type { WriteBehind, WriteBehindOptions } from "./write-behind.js";
