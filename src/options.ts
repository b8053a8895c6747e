/** What `createClient` takes: types, the one table of defaults, URLs, environment. */
import { isIPv6 } from "node:net";
import { createSecureContext, type ConnectionOptions as TlsOptions } from "node:tls";
import { eventKinds, Teller } from "./channels.js";
import type { Endpoint } from "./endpoint.js";
import { ClientError, InvalidOptionError } from "./errors.js";
import type { Hooks } from "./events.js";

export interface Credentials {
	username?: string;
	password?: string;
}

/** What a provider gives. */
export interface ExpiringCredentials extends Credentials {
	/**
	 * Milliseconds for which they are good, from now on: of a token that the provider keeps, what is left of it. Live connections are given new
	 * ones by `AUTH` before that time is over. Without it they hold as long as their connection.
	 */
	expiresInMs?: number;
}

export interface ClientOptions {
	/** `redis://`, `rediss://`, `unix://`, `redis-cluster://`, `rediss-cluster://`; `valkey…` are aliases. Fields beside it win over the URL. */
	url?: string;
	/** Cluster seeds, `host:port` or objects. Makes the client a cluster client. */
	nodes?: readonly (string | Endpoint)[];
	/** Connection name, set by `HELLO … SETNAME`. */
	name?: string;
	/** Database selected on every connection; 0 on a cluster. */
	database?: number;
	/** 3 (default) with fallback to 2 where the server refuses, or 2 alone. */
	protocol?: 2 | 3;
	socket?: { keepAliveMs?: number; maxBulkBytes?: number };
	/** TLS options of Node but for addresses, or `true`. Given, or implied by a `rediss` URL. */
	tls?: boolean | Omit<TlsOptions, "host" | "port" | "path" | "socket">;
	/**
	 * Or a provider, asked anew for each connection, and once per node before what it gave expires. Of its errors nothing is passed on but a
	 * code such as ETIMEDOUT.
	 */
	auth?: Credentials | ((node: Endpoint) => ExpiringCredentials | Promise<ExpiringCredentials>);
	/** Told what happens to this client. Channels of `node:diagnostics_channel` tell of all clients: `slotwire:command` and so on. */
	hooks?: Hooks;
	pool?: Partial<PoolSettings>;
	cluster?: Partial<ClusterSettings>;
	retry?: Partial<RetrySettings>;
	/** Copies every Buffer at the call. Otherwise those of 16 KiB and more are borrowed until the promise settles. Default false. */
	copy?: boolean;
	timeouts?: Partial<Timeouts>;
}

export interface PoolSettings {
	/** Connections per node that all callers share; a slot always travels on the same one. */
	shared: number;
	/** Connections per node for `withConnection`: so many are kept open, */
	minDedicated: number;
	/** so many exist at most, */
	maxDedicated: number;
	/** and those beyond the minimum end when they were idle for so long. */
	idleMs: number;
	/** Blocking commands that one node may have at a time, each on a connection of its own beside the `maxDedicated`; more wait their turn. */
	maxBlocked: number;
	/**
	 * Where subscriptions live in RESP3: on a shared connection, or on one of their own, as in RESP2. A server counts a subscribed connection
	 * as a `pubsub` client, and ends it when what it owes exceeds `client-output-buffer-limit pubsub`, 32 MiB by default: beside larger
	 * replies subscriptions want a connection of their own.
	 */
	subscriber: "shared" | "dedicated";
	/** A connection that was quiet for so long is sent a PING. */
	pingMs: number;
	/** Commands that may be accepted for a node and not answered yet; beyond that calls are refused with OVERLOADED. */
	maxQueuedCommands: number;
	/** The same by bytes: those of their arguments, and 512 for each command. */
	maxQueuedBytes: number;
}

export interface ClusterSettings {
	refreshMs: number;
	minRefreshMs: number;
	maxRedirections: number;
	natMap?: Readonly<Record<string, string | Endpoint>> | ((node: Endpoint) => Endpoint);
	/** Where reads go: to primaries, or to replicas, which may lag behind; to the primary where no replica can answer. */
	readFrom: "primary" | "replica";
}

export interface RetrySettings {
	maxAttempts: number;
	baseMs: number;
	maxMs: number;
}

/** Milliseconds; 0 switches a deadline off. */
export interface Timeouts {
	connectMs: number;
	commandMs: number;
	suspectMs: number;
	closeMs: number;
	startMs: number;
}

/** Options with every default filled in. */
export interface Settings {
	readonly mode: "standalone" | "cluster";
	/** Where to connect first; one for a standalone server. A unix socket has its path as host and port 0. */
	readonly seeds: readonly Endpoint[];
	readonly name: string | undefined;
	readonly database: number;
	readonly protocol: 2 | 3;
	readonly socket: { readonly keepAliveMs: number; readonly maxBulkBytes: number };
	readonly tls: TlsOptions | undefined;
	readonly auth: ClientOptions["auth"];
	/** Tells hooks and channels what happens. */
	readonly teller: Teller;
	readonly pool: PoolSettings;
	readonly cluster: ClusterSettings;
	readonly retry: RetrySettings;
	readonly copy: boolean;
	readonly timeouts: Timeouts;
}

const MiB = 1024 * 1024;
/** Timers of Node that are set for longer fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const defaults = {
	socket: { keepAliveMs: 30_000, maxBulkBytes: 512 * MiB },
	pool: {
		shared: 1,
		minDedicated: 0,
		maxDedicated: 16,
		maxBlocked: 64,
		idleMs: 30_000,
		subscriber: "shared",
		pingMs: 10_000,
		maxQueuedCommands: 65_536,
		maxQueuedBytes: 32 * MiB,
	},
	cluster: { refreshMs: 30_000, minRefreshMs: 1000, maxRedirections: 16, natMap: undefined, readFrom: "primary" },
	retry: { maxAttempts: 16, baseMs: 20, maxMs: 1000 },
	timeouts: { connectMs: 2000, commandMs: 5000, suspectMs: 1500, closeMs: 5000, startMs: 10_000 },
} as const;

/** Fields of these groups that may be 0: there it means never, none or unlimited. */
const mayBeZero = new Set([
	"socket.keepAliveMs",
	"pool.minDedicated",
	"pool.maxDedicated",
	"pool.maxBlocked",
	"pool.idleMs",
	"pool.pingMs",
	"cluster.refreshMs",
	"cluster.minRefreshMs",
	"cluster.maxRedirections",
	"retry.maxAttempts",
	"retry.baseMs",
	"retry.maxMs",
	"timeouts.connectMs",
	"timeouts.commandMs",
	"timeouts.suspectMs",
	"timeouts.closeMs",
	"timeouts.startMs",
]);

const topLevel = new Set([
	...Object.keys(defaults),
	"url",
	"nodes",
	"name",
	"database",
	"protocol",
	"tls",
	"auth",
	"copy",
	"hooks",
]);

/**
 * Checks what the caller gave and fills in the defaults.
 * @throws INVALID_OPTION with the field's path; UNSUPPORTED for Sentinel
 */
export function resolveOptions(input: string | ClientOptions): Settings {
	if (typeof input !== "string" && (typeof input !== "object" || input === null || Array.isArray(input))) {
		throw new InvalidOptionError("options", "must be a URL or an object");
	}
	const options: ClientOptions = typeof input === "string" ? { url: input } : input;
	for (const field of Object.keys(options)) {
		if (!topLevel.has(field)) throw new InvalidOptionError(field, "is not an option");
	}
	const fromUrl = options.url === undefined ? undefined : parseUrl(options.url);
	const mode = options.nodes !== undefined ? "cluster" : (fromUrl?.mode ?? "standalone");
	const seeds =
		options.nodes !== undefined ? seedsOf(options.nodes, "nodes") : (fromUrl?.seeds ?? [{ host: "127.0.0.1", port: 6379 }]);
	const database = options.database ?? fromUrl?.database ?? 0;
	if (!Number.isSafeInteger(database) || database < 0) throw new InvalidOptionError("database", "must be an integer from 0");
	if (database !== 0 && mode === "cluster") throw new InvalidOptionError("database", "a cluster has only database 0");
	const protocol = options.protocol ?? fromUrl?.protocol ?? 3;
	if (protocol !== 2 && protocol !== 3) throw new InvalidOptionError("protocol", "must be 2 or 3");
	const { copy = false } = options;
	if (typeof copy !== "boolean") throw new InvalidOptionError("copy", "must be true or false");
	const name = nameOf(options.name ?? fromUrl?.name);
	return {
		mode,
		seeds,
		name,
		database,
		protocol,
		socket: group("socket", options.socket),
		tls: tlsOf(options.tls, fromUrl?.tls ?? false),
		auth: authOf(options.auth) ?? fromUrl?.auth,
		teller: new Teller(hooksOf(options.hooks), name),
		pool: poolOf(options.pool),
		cluster: clusterOf(options.cluster),
		retry: group("retry", options.retry),
		copy,
		timeouts: group("timeouts", options.timeouts),
	};
}

/** `REDIS_URL`, or `REDIS_HOST`, `REDIS_PORT`, `REDIS_USERNAME`, `REDIS_PASSWORD`, `REDIS_DB`, `REDIS_SSL`, `REDIS_MODE` (standalone, cluster). */
export function optionsFromEnv(env: Readonly<Record<string, string | undefined>> = process.env): ClientOptions {
	if (env.REDIS_URL) return { url: env.REDIS_URL };
	const node: Endpoint = { host: env.REDIS_HOST || "127.0.0.1", port: portOf(env.REDIS_PORT || "6379", "REDIS_PORT") };
	const mode = env.REDIS_MODE || "standalone";
	if (mode === "sentinel") throw sentinel();
	if (mode !== "standalone" && mode !== "cluster") throw new InvalidOptionError("REDIS_MODE", "must be standalone or cluster");
	const tls = /^(true|1|yes)$/i.test(env.REDIS_SSL ?? "");
	const address = `${node.host.includes(":") ? `[${node.host}]` : node.host}:${node.port}`;
	const options: ClientOptions = { url: `${tls ? "rediss" : "redis"}${mode === "cluster" ? "-cluster" : ""}://${address}` };
	if (env.REDIS_DB) {
		if (!/^\d+$/.test(env.REDIS_DB)) throw new InvalidOptionError("REDIS_DB", "must be an integer from 0");
		options.database = Number(env.REDIS_DB);
	}
	if (env.REDIS_PASSWORD) {
		options.auth = { password: env.REDIS_PASSWORD, ...(env.REDIS_USERNAME ? { username: env.REDIS_USERNAME } : {}) };
	}
	return options;
}

type FromUrl = Pick<Settings, "mode" | "seeds"> & {
	database?: number;
	protocol?: 2 | 3;
	name?: string;
	tls: boolean;
	auth?: Credentials;
};

const shape = /^(redis|rediss|valkey|valkeys|unix)(-cluster|-sentinel)?:\/\/(?:([^@/?]*)@)?([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i;

/** `scheme://[user[:password]@]host[:port][,host[:port]…][/database][?protocol=2&name=…]`; `unix://[user:password@]/path[?database=…]`. */
export function parseUrl(url: string): FromUrl {
	const match = typeof url === "string" ? shape.exec(url) : null;
	if (match === null) {
		throw new InvalidOptionError(
			"url",
			"must look like redis://[user:password@]host[:port][/database], redis-cluster://… or unix:///path",
		);
	}
	const [, scheme = "", suffix = "", credentials, hosts = "", path = "", query = ""] = match;
	const unix = scheme.toLowerCase() === "unix";
	if (unix && (suffix !== "" || hosts !== "" || path === ""))
		throw new InvalidOptionError("url", "a unix URL is unix:///path/of/the/socket");
	if (suffix.toLowerCase() === "-sentinel") throw sentinel();
	const cluster = suffix !== "";
	const result: FromUrl = {
		mode: cluster ? "cluster" : "standalone",
		seeds: unix ? [{ host: decode(path), port: 0 }] : seedsOf(hosts === "" ? ["127.0.0.1"] : hosts.split(","), "url"),
		tls: /^(rediss|valkeys)$/i.test(scheme),
		...queryOf(query),
	};
	if (!cluster && result.seeds.length > 1) throw new InvalidOptionError("url", "several hosts need a redis-cluster:// URL");
	if (!unix && path.length > 1) {
		if (!/^\/\d+$/.test(path)) throw new InvalidOptionError("url", "the path must be a database number");
		result.database = Number(path.slice(1));
	}
	if (credentials !== undefined) result.auth = credentialsOf(credentials);
	return result;
}

function sentinel(): ClientError {
	return new ClientError("UNSUPPORTED", "Sentinel is not supported yet");
}

function queryOf(query: string): Partial<FromUrl> {
	const result: Partial<FromUrl> = {};
	for (const [field, value] of new URLSearchParams(query)) {
		if (field === "protocol" && (value === "2" || value === "3")) result.protocol = value === "2" ? 2 : 3;
		else if ((field === "database" || field === "db") && /^\d+$/.test(value)) result.database = Number(value);
		else if (field === "name") result.name = value;
		// With an @ this is no query: a password has a ? that was not escaped, and may not be shown.
		else if (query.includes("@")) throw new InvalidOptionError("url", "a ? in a user or password must be written %3F");
		else throw new InvalidOptionError("url", `?${field} is not known or has no legal value`);
	}
	return result;
}

function credentialsOf(text: string): Credentials {
	const colon = text.indexOf(":");
	const username = decode(colon === -1 ? text : text.slice(0, colon));
	const password = colon === -1 ? "" : decode(text.slice(colon + 1));
	return { ...(username === "" ? {} : { username }), ...(password === "" ? {} : { password }) };
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		throw new InvalidOptionError("url", "a % that is not part of an escape must be written %25");
	}
}

/** `host`, `host:port`, `[::1]:port`, `::1`. */
export function parseEndpoint(text: string, field: string): Endpoint {
	const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
	if (bracketed !== null) return { host: hostOf(bracketed[1] as string, field), port: portOf(bracketed[2] ?? "6379", field) };
	const colon = text.lastIndexOf(":");
	if (colon === -1 || isIPv6(text)) return { host: hostOf(text, field), port: 6379 };
	return { host: hostOf(text.slice(0, colon), field), port: portOf(text.slice(colon + 1), field) };
}

function hostOf(text: string, field: string): string {
	if (text === "" || /[\s/?#@[\]]/.test(text) || (text.includes(":") && !isIPv6(text)))
		throw new InvalidOptionError(field, "has an empty or malformed host");
	return text;
}

function portOf(text: string, field: string): number {
	const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
	if (port < 1 || port > 65_535) throw new InvalidOptionError(field, "a port is an integer from 1 to 65535");
	return port;
}

function seedsOf(nodes: readonly (string | Endpoint)[], field: "nodes" | "url"): Endpoint[] {
	if (!Array.isArray(nodes) || nodes.length === 0) throw new InvalidOptionError(field, "must name at least one node");
	return nodes.map((node) => checkEndpoint(node, field));
}

/**
 * An address as callers give it: `host:port` or an object.
 * @throws INVALID_OPTION
 */
export function checkEndpoint(node: unknown, field: string): Endpoint {
	if (typeof node === "string") return parseEndpoint(node, field);
	const { host, port } = Object(node) as { host?: unknown; port?: unknown };
	if (typeof host !== "string") throw new InvalidOptionError(field, "must name a host and a port");
	return { host: hostOf(host, field), port: portOf(String(port), field) };
}

function nameOf(name: string | undefined): string | undefined {
	if (name === undefined) return undefined;
	if (typeof name !== "string" || !/^[!-~]+$/.test(name))
		throw new InvalidOptionError("name", "must be printable ASCII without spaces");
	return name;
}

/** Fields that `tls.connect` refuses only when its socket is on its way, which it then leaves behind. */
const tlsKinds: Readonly<Record<string, string>> = {
	servername: "string",
	checkServerIdentity: "function",
	lookup: "function",
	pskCallback: "function",
	timeout: "number",
	minDHSize: "number",
	highWaterMark: "number",
	localPort: "number",
	autoSelectFamilyAttemptTimeout: "number",
	enableTrace: "boolean",
};

function tlsOf(tls: ClientOptions["tls"], implied: boolean): TlsOptions | undefined {
	if (tls === undefined) return implied ? {} : undefined;
	if (typeof tls === "boolean") return tls || implied ? {} : undefined;
	if (typeof tls !== "object" || tls === null) throw new InvalidOptionError("tls", "must be true or TLS options");
	// Node takes `undefined` for an answer where it has a default, and fails on it.
	const given = Object.entries(tls).filter(([, value]) => value !== undefined);
	for (const [field, value] of given) {
		const kind = tlsKinds[field];
		if (kind !== undefined && typeof value !== kind) throw new InvalidOptionError(`tls.${field}`, `must be a ${kind}`);
		if (field === "session" && !Buffer.isBuffer(value)) throw new InvalidOptionError("tls.session", "must be a Buffer");
		if (field === "secureContext" && Object(value).context === undefined) {
			throw new InvalidOptionError("tls.secureContext", "must come from tls.createSecureContext");
		}
		if (/^(host|port|path|socket)$/.test(field)) {
			throw new InvalidOptionError(`tls.${field}`, "addresses belong to url or nodes, the name to be checked to tls.servername");
		}
	}
	try {
		// Made once for all connections; bad certificates and keys are found here.
		return { ...Object.fromEntries(given), secureContext: tls.secureContext ?? createSecureContext(tls) };
	} catch (error) {
		throw new InvalidOptionError(
			"tls",
			`these options make no TLS context (${(error as NodeJS.ErrnoException).code ?? "invalid"})`,
		);
	}
}

function authOf(auth: ClientOptions["auth"]): ClientOptions["auth"] {
	if (auth === undefined || typeof auth === "function") return auth;
	if (typeof auth !== "object" || auth === null) throw new InvalidOptionError("auth", "must be an object or a function");
	for (const [field, value] of Object.entries(auth)) {
		if (field !== "username" && field !== "password") throw new InvalidOptionError(`auth.${field}`, "is not an option");
		if (value !== undefined && typeof value !== "string") throw new InvalidOptionError(`auth.${field}`, "must be a string");
	}
	return { ...auth };
}

function hooksOf(hooks: Hooks | undefined): Hooks | undefined {
	if (hooks === undefined) return undefined;
	if (typeof hooks !== "object" || hooks === null) throw new InvalidOptionError("hooks", "must be an object");
	for (const [kind, hook] of Object.entries(hooks)) {
		if (!(eventKinds as readonly string[]).includes(kind))
			throw new InvalidOptionError(`hooks.${kind}`, "is not a kind of event");
		if (hook !== undefined && typeof hook !== "function") throw new InvalidOptionError(`hooks.${kind}`, "must be a function");
	}
	return { ...hooks };
}

/** Fills a group of numbers from its defaults, refusing what is not a field of it or not a number it can be. */
function group<Name extends "socket" | "retry" | "timeouts">(name: Name, given: object | undefined): Settings[Name] {
	return { ...defaults[name], ...numbers(name, given) } as unknown as Settings[Name];
}

function poolOf(given: ClientOptions["pool"]): PoolSettings {
	if (given !== undefined && (typeof given !== "object" || given === null))
		throw new InvalidOptionError("pool", "must be an object");
	const { subscriber = defaults.pool.subscriber, ...rest } = given ?? {};
	if (subscriber !== "shared" && subscriber !== "dedicated") {
		throw new InvalidOptionError("pool.subscriber", "must be shared or dedicated");
	}
	return { ...defaults.pool, ...numbers("pool", rest), subscriber };
}

function clusterOf(given: ClientOptions["cluster"]): ClusterSettings {
	if (given !== undefined && (typeof given !== "object" || given === null)) {
		throw new InvalidOptionError("cluster", "must be an object");
	}
	const { natMap, readFrom = "primary", ...rest } = given ?? {};
	if (readFrom !== "primary" && readFrom !== "replica") {
		throw new InvalidOptionError("cluster.readFrom", "must be primary or replica");
	}
	if (natMap !== undefined && typeof natMap !== "function" && (typeof natMap !== "object" || natMap === null)) {
		throw new InvalidOptionError("cluster.natMap", "must be an object or a function");
	}
	return {
		...defaults.cluster,
		...numbers("cluster", rest),
		readFrom,
		...(natMap === undefined ? {} : { natMap }),
	} as ClusterSettings;
}

function numbers(name: keyof typeof defaults, given: object | undefined): Record<string, number> {
	if (given === undefined) return {};
	if (typeof given !== "object" || given === null) throw new InvalidOptionError(name, "must be an object");
	const result: Record<string, number> = {};
	for (const [field, value] of Object.entries(given)) {
		const path = `${name}.${field}`;
		if (!Object.hasOwn(defaults[name], field)) throw new InvalidOptionError(path, "is not an option");
		if (value === undefined) continue;
		const least = mayBeZero.has(path) ? 0 : 1;
		if (!Number.isSafeInteger(value) || value < least) throw new InvalidOptionError(path, `must be an integer from ${least}`);
		if (field.endsWith("Ms") && value > MAX_TIMER_MS) throw new InvalidOptionError(path, `must be at most ${MAX_TIMER_MS}`);
		result[field] = value;
	}
	return result;
}
