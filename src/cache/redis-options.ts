/** What a `RedisBackend` takes. Everything has a default; what is wrong is refused when it is made, by its name. */
import { Client } from "../client.js";
import { InvalidOptionError } from "../errors.js";
import { type ClientOptions, optionsFromEnv, resolveOptions } from "../options.js";
import { checkFlag, refuseRest } from "../util/options.js";
import { type Ttl, ttlMs } from "../util/ttl.js";
import type { ManyOptions } from "./backend.js";
import type { CacheError } from "./errors.js";
import { checkManyOptions } from "./many-options.js";

/** What failed, for a log. */
export interface BackendFailure {
	operation: string;
	/** Undefined for calls without one, and with `redactKeys`. */
	key: string | undefined;
	error: CacheError;
}

export interface RedisBackendOptions {
	/** The client to use. It stays its owner's: `disconnect()` leaves it open. */
	client?: Client;
	/**
	 * Without one: the options of a client that the backend opens when it is first needed, and closes. Default: the environment's, which are
	 * checked when the backend is made, and read when it connects.
	 */
	connection?: ClientOptions;
	/** A short form of `connection: { url }`. */
	url?: string;
	/** What every key begins with on the server. Default `"cache:"`. */
	keyPrefix?: string;
	/** For values stored without a time to live of their own; null: they have none. Default null. */
	defaultTtl?: Ttl | null;
	/** `"sidecar"` (default): metadata is stored at `<key>:meta`, and keys that end so are refused. False: there is none. */
	metadata?: "sidecar" | false;
	/** `"miss"`: what a server refuses counts as an error and is nothing found, nothing stored. Connection errors throw in any case. Default `"throw"`. */
	onError?: "throw" | "miss";
	/** Of `getMany` and `setMany` that do not say: keys in one command or pipeline. Default 256. */
	chunkSize?: number;
	/** The same as `chunkSize`. */
	batchSize?: number;
	/** The same of bytes written in one chunk. Default 1 MiB. */
	maxChunkBytes?: number;
	/** Told of each failure, whatever `onError` says. What it throws is ignored. */
	log?: (failure: BackendFailure) => void;
	/** Keys are left out of what `log` is told. */
	redactKeys?: boolean;
	/** `maxmemory` of the server, in bytes, and what it evicts then. They are set with `applyServerConfig` only, by whoever connects. */
	maxMemory?: number;
	evictionPolicy?: string;
	/** Sets them by CONFIG SET on every node when the backend connects; a server that refuses it is left as it is. */
	applyServerConfig?: boolean;
}

export interface RedisBackendSettings {
	readonly client: Client | null;
	readonly connection: ClientOptions;
	readonly keyPrefix: string;
	readonly defaultTtlMs: number | null;
	readonly metadata: boolean;
	readonly onError: "throw" | "miss";
	/** What calls for many keys do not say; null: nothing. */
	readonly many: ManyOptions | null;
	readonly log: ((failure: BackendFailure) => void) | null;
	readonly redactKeys: boolean;
	readonly serverConfig: Readonly<Record<string, string>>;
}

const EVICTION = /^(noeviction|(allkeys|volatile)-(lru|lfu|random)|volatile-ttl)$/;

/** Which variable says what, where there is no REDIS_URL. */
const VARIABLES: Readonly<Record<string, string>> = { url: "REDIS_HOST", database: "REDIS_DB", auth: "REDIS_PASSWORD" };

/** @throws INVALID_OPTION, naming the variable; UNSUPPORTED for Sentinel */
function checkEnvironment(env: Readonly<Record<string, string | undefined>>): void {
	try {
		resolveOptions(optionsFromEnv(env));
	} catch (error) {
		if (!(error instanceof InvalidOptionError) || error.field.startsWith("REDIS_")) throw error;
		const { field, message } = error;
		const variable = env.REDIS_URL ? "REDIS_URL" : (VARIABLES[field.split(".", 1)[0] as string] ?? field);
		throw new InvalidOptionError(variable, message.slice(field.length + 2));
	}
}

/** @throws INVALID_OPTION */
function resolveMany({ chunkSize, batchSize, maxChunkBytes }: RedisBackendOptions): ManyOptions | null {
	const many: ManyOptions = {
		...(chunkSize !== undefined && { chunkSize }),
		...(batchSize !== undefined && { batchSize }),
		...(maxChunkBytes !== undefined && { maxChunkBytes }),
	};
	checkManyOptions(many);
	if (chunkSize !== undefined && batchSize !== undefined)
		throw new InvalidOptionError("batchSize", "is the same as chunkSize: say one of them");
	return Object.keys(many).length === 0 ? null : many;
}

/** @throws INVALID_OPTION */
export function resolveRedisOptions(options: RedisBackendOptions = {}): RedisBackendSettings {
	if (typeof options !== "object" || options === null) throw new InvalidOptionError("options", "must be an object");
	const {
		client,
		connection,
		url,
		keyPrefix = "cache:",
		defaultTtl = null,
		metadata = "sidecar",
		onError = "throw",
		chunkSize: _chunkSize,
		batchSize: _batchSize,
		maxChunkBytes: _maxChunkBytes,
		log,
		redactKeys = false,
		maxMemory,
		evictionPolicy,
		applyServerConfig = false,
		...rest
	} = options;
	refuseRest("RedisBackend", rest);
	const given = Object.entries({ client, connection, url }).filter(([, value]) => value !== undefined);
	if (given.length > 1) throw new InvalidOptionError((given[1] as [string, unknown])[0], `contradicts ${given[0]?.[0]}`);
	if (client !== undefined && !(client instanceof Client)) {
		throw new InvalidOptionError("client", "must be a client, as createClient() gives it");
	}
	if (connection !== undefined && (typeof connection !== "object" || connection === null)) {
		throw new InvalidOptionError("connection", "must be an object, as createClient() takes it");
	}
	// What is wrong with it is found now, and not by the first call.
	if (connection !== undefined || url !== undefined) resolveOptions(connection ?? { url: url as string });
	if (client === undefined && url === undefined && Object.keys(connection ?? {}).length === 0) checkEnvironment(process.env);
	if (typeof keyPrefix !== "string") throw new InvalidOptionError("keyPrefix", "must be a string");
	if (metadata !== "sidecar" && metadata !== false) throw new InvalidOptionError("metadata", 'must be "sidecar" or false');
	if (onError !== "throw" && onError !== "miss") throw new InvalidOptionError("onError", 'must be "throw" or "miss"');
	const many = resolveMany(options);
	if (log !== undefined && typeof log !== "function") throw new InvalidOptionError("log", "must be a function");
	checkFlag(redactKeys, "redactKeys");
	checkFlag(applyServerConfig, "applyServerConfig");
	if (maxMemory !== undefined && !(Number.isSafeInteger(maxMemory) && maxMemory >= 0)) {
		throw new InvalidOptionError("maxMemory", "must be a number of bytes");
	}
	if (evictionPolicy !== undefined && !EVICTION.test(evictionPolicy)) {
		throw new InvalidOptionError("evictionPolicy", "must be one of the server's maxmemory-policy");
	}
	const serverConfig: Record<string, string> = {};
	if (applyServerConfig && maxMemory !== undefined) serverConfig.maxmemory = `${maxMemory}`;
	if (applyServerConfig && evictionPolicy !== undefined) serverConfig["maxmemory-policy"] = evictionPolicy;
	return {
		client: client ?? null,
		connection: connection ?? (url === undefined ? {} : { url }),
		keyPrefix,
		defaultTtlMs: defaultTtl === null ? null : ttlMs(defaultTtl, "defaultTtl"),
		metadata: metadata !== false,
		onError,
		many,
		log: log ?? null,
		redactKeys,
		serverConfig,
	};
}

/**
 * The options of the environment: `REDIS_URL`, or `REDIS_HOST`, `REDIS_PORT`, `REDIS_USERNAME`, `REDIS_PASSWORD`, `REDIS_DB`, `REDIS_SSL`,
 * `REDIS_MODE`, as the client's `optionsFromEnv`, and `REDIS_KEY_PREFIX`. What is given in `options` wins over them.
 * @throws INVALID_OPTION
 */
export function redisOptionsFromEnv(
	env: Readonly<Record<string, string | undefined>> = process.env,
	options: RedisBackendOptions = {},
): RedisBackendOptions {
	const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
	const own = ["client", "connection", "url"].some((field) => field in given);
	return {
		...(own ? {} : { connection: optionsFromEnv(env) }),
		...(env.REDIS_KEY_PREFIX === undefined ? {} : { keyPrefix: env.REDIS_KEY_PREFIX }),
		...given,
	};
}

/** For logs: without user, password and parameters, also where the URL is none. */
export function maskUrl(url: string): string {
	return url.replace(/^([a-z-]*:\/\/)?.*@/is, "$1***@").replace(/[?#].*$/s, "");
}
