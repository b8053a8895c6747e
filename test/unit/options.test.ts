import { describe, expect, test } from "vitest";
import { Teller } from "../../src/channels.js";
import { ClientError, createClient, InvalidOptionError, optionsFromEnv } from "../../src/index.js";
import { type ClientOptions, parseEndpoint, resolveOptions } from "../../src/options.js";

function refusal(build: () => unknown): InvalidOptionError {
	try {
		build();
	} catch (error) {
		expect(error).toBeInstanceOf(InvalidOptionError);
		expect(error).toMatchObject({ code: "INVALID_OPTION" });
		return error as InvalidOptionError;
	}
	throw new Error("it was accepted");
}

describe("defaults", () => {
	test("are those of the documentation", () => {
		expect(resolveOptions({})).toEqual({
			mode: "standalone",
			seeds: [{ host: "127.0.0.1", port: 6379 }],
			name: undefined,
			database: 0,
			protocol: 3,
			socket: { keepAliveMs: 30_000, maxBulkBytes: 512 * 1024 * 1024 },
			tls: undefined,
			auth: undefined,
			pool: {
				shared: 1,
				minDedicated: 0,
				maxDedicated: 16,
				maxBlocked: 64,
				idleMs: 30_000,
				subscriber: "shared",
				pingMs: 10_000,
				maxQueuedCommands: 65_536,
				maxQueuedBytes: 32 * 1024 * 1024,
			},
			cluster: { refreshMs: 30_000, minRefreshMs: 1000, maxRedirections: 16, natMap: undefined, readFrom: "primary" },
			retry: { maxAttempts: 16, baseMs: 20, maxMs: 1000 },
			copy: false,
			teller: expect.any(Teller),
			timeouts: { connectMs: 2000, commandMs: 5000, suspectMs: 1500, closeMs: 5000, startMs: 10_000 },
		});
	});

	test("stand beside what was given; undefined counts as not given", () => {
		const { pool, timeouts } = resolveOptions({ pool: { shared: 3 }, timeouts: { commandMs: 0, connectMs: undefined as never } });
		expect(pool).toMatchObject({ shared: 3, maxDedicated: 16 });
		expect(timeouts).toMatchObject({ commandMs: 0, connectMs: 2000 });
	});
});

describe("URLs", () => {
	const standalone = { mode: "standalone", tls: undefined, database: 0, protocol: 3, auth: undefined };
	test.each<[string, object]>([
		["redis://h", { ...standalone, seeds: [{ host: "h", port: 6379 }] }],
		["redis://", { ...standalone, seeds: [{ host: "127.0.0.1", port: 6379 }] }],
		["valkey://h:7", { ...standalone, seeds: [{ host: "h", port: 7 }] }],
		["REDIS://h:7", { ...standalone, seeds: [{ host: "h", port: 7 }] }],
		["rediss://h", { tls: {} }],
		["valkeys://h", { tls: {} }],
		["redis://[::1]:7001", { seeds: [{ host: "::1", port: 7001 }] }],
		["redis://[::1]", { seeds: [{ host: "::1", port: 6379 }] }],
		["redis://h/3", { database: 3 }],
		["redis://h/", { database: 0 }],
		["redis://h?db=4", { database: 4 }],
		["redis://h?protocol=2&name=app", { protocol: 2, name: "app" }],
		["redis://:secret@h", { auth: { password: "secret" } }],
		["redis://user@h", { auth: { username: "user" } }],
		["redis://user:p%40ss%3A%25%3F%2F@h", { auth: { username: "user", password: "p@ss:%?/" } }],
		["redis://user:a:b@h", { auth: { username: "user", password: "a:b" } }],
		["unix:///run/redis.sock", { mode: "standalone", seeds: [{ host: "/run/redis.sock", port: 0 }] }],
		["unix:///run/my%20redis.sock?db=2", { seeds: [{ host: "/run/my redis.sock", port: 0 }], database: 2 }],
		["unix://:secret@/run/redis.sock", { auth: { password: "secret" } }],
		[
			"redis-cluster://a:1,b,[::1]:3",
			{
				mode: "cluster",
				seeds: [
					{ host: "a", port: 1 },
					{ host: "b", port: 6379 },
					{ host: "::1", port: 3 },
				],
			},
		],
		["rediss-cluster://a:1/0", { mode: "cluster", tls: {}, database: 0 }],
		["valkeys-cluster://a:1", { mode: "cluster", tls: {} }],
	])("%s is understood", (url, expected) => {
		expect(resolveOptions(url)).toMatchObject(expected);
		expect(resolveOptions({ url })).toMatchObject(expected);
	});

	test.each([
		"",
		"localhost:6379",
		"http://h",
		"redis:/h",
		"redis//h",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:x",
		"redis://h:",
		"redis://h:6379:1",
		"redis://:6379",
		"redis://a,b",
		"redis://h h",
		"redis-cluster://a,,b",
		"redis://[::1",
		"redis://h/x",
		"redis://h/1/2",
		"redis://h/-1",
		"redis://h#fragment",
		"redis://h?protocol=4",
		"redis://h?protocol=",
		"redis://h?db=x",
		"redis://h?timeout=5",
		"redis://%zz@h",
		"unix://host/path",
		"unix://",
		"unix-cluster:///path",
		"redis-ring://h",
	])("%j is refused as a bad url", (url) => {
		expect(refusal(() => resolveOptions(url)).field).toBe("url");
	});

	test.each(["redis://h/99999999999999999999", "redis-cluster://h/1"])("%s has no such database", (url) => {
		expect(refusal(() => resolveOptions(url)).field).toBe("database");
	});

	test.each([
		"redis-sentinel://h/mymaster",
		"rediss-sentinel://h:26379,i:26379",
		"valkey-sentinel://user:secret@h",
	])("%s is UNSUPPORTED, not a bad option", async (url) => {
		await expect(createClient(url)).rejects.toMatchObject({ code: "UNSUPPORTED" });
		await expect(createClient({ url })).rejects.not.toBeInstanceOf(InvalidOptionError);
	});

	test.each([
		"redis://user:hunter2@h:port",
		"redis://user:hunter2@h:99999",
		"redis://:hun?ter2@h",
		"redis://user:1?hunter2@h",
		"redis://user:1?hunter2=x@h",
		"http://user:hunter2@h",
		"redis://user:hunter2%@h",
		"redis://user:hunter2@a,b",
		"redis://user:hunter2@h/db",
		"rediss-sentinel://user:hunter2@h",
	])("the refusal of %s shows nothing of the password", (url) => {
		try {
			resolveOptions(url);
		} catch (error) {
			expect(error).toBeInstanceOf(ClientError);
			expect(`${error} ${(error as Error).stack} ${JSON.stringify(error)}`).not.toMatch(/hunter2|ter2/);
			return;
		}
		throw new Error("it was accepted");
	});
});

describe("an option that cannot be is refused by its path", () => {
	test.each<[string, unknown]>([
		["options", 5],
		["options", null],
		["options", undefined],
		["options", []],
		["url", { url: 5 }],
		["host", { host: "h" }],
		["password", { url: "redis://h", password: "p" }],
		["nodes", { nodes: [] }],
		["nodes", { nodes: "a:1" }],
		["nodes", { nodes: [{ host: "a", port: 0 }] }],
		["nodes", { nodes: [{ host: "a" }] }],
		["nodes", { nodes: [{ port: 1 }] }],
		["nodes", { nodes: [null] }],
		["nodes", { nodes: ["a:1:x", "a:x"] }],
		["database", { database: -1 }],
		["database", { database: 1.5 }],
		["database", { database: "1" }],
		["database", { database: 1, nodes: ["a:1"] }],
		["protocol", { protocol: 4 }],
		["protocol", { protocol: "3" }],
		["name", { name: "two words" }],
		["name", { name: "" }],
		["name", { name: "naïve" }],
		["name", { name: 5 }],
		["tls", { tls: "yes" }],
		["tls", { tls: null }],
		["auth", { auth: "secret" }],
		["auth", { auth: null }],
		["auth.user", { auth: { user: "u" } }],
		["auth.password", { auth: { password: 5 } }],
		["pool", { pool: 3 }],
		["pool.size", { pool: { size: 3 } }],
		["pool.shared", { pool: { shared: 0 } }],
		["pool.shared", { pool: { shared: 1.5 } }],
		["pool.shared", { pool: { shared: "3" } }],
		["pool.shared", { pool: { shared: null } }],
		["pool.subscriber", { pool: { subscriber: "own" } }],
		["pool.subscriber", { pool: { subscriber: null } }],
		["pool.toString", { pool: { toString: 1 } }],
		["pool.maxQueuedBytes", { pool: { maxQueuedBytes: Number.POSITIVE_INFINITY } }],
		["socket.noDelay", { socket: { noDelay: true } }],
		["cluster", { cluster: 5 }],
		["cluster.nodes", { cluster: { nodes: [] } }],
		["cluster.readFrom", { cluster: { readFrom: "nearest" } }],
		["copy", { copy: 1 }],
		["auth.expiresInMs", { auth: { password: "p", expiresInMs: 5 } }],
		["hooks", { hooks: 5 }],
		["hooks", { hooks: null }],
		["hooks.commands", { hooks: { commands: () => {} } }],
		["hooks.toString", { hooks: { toString: () => {} } }],
		["hooks.command", { hooks: { command: true } }],
		["cluster.natMap", { cluster: { natMap: "a" } }],
		["cluster.refreshMs", { cluster: { refreshMs: -1 } }],
		["retry.maxAttempts", { retry: { maxAttempts: Number.NaN } }],
		["timeouts.command", { timeouts: { command: 5 } }],
		["timeouts.commandMs", { timeouts: { commandMs: "5s" } }],
		["timeouts.startMs", { timeouts: { startMs: 2 ** 31 } }],
		["unknown", { unknown: undefined }],
	])("%s", async (path, options) => {
		const error = refusal(() => resolveOptions(options as ClientOptions));
		expect(error.field).toBe(path);
		expect(error.message.startsWith(`${path}: `)).toBe(true);
		await expect(createClient(options as ClientOptions)).rejects.toMatchObject({ code: "INVALID_OPTION", field: path });
	});
});

test("fields beside a URL win over it", () => {
	const url = "redis://user:one@h/1?protocol=2&name=a";
	const options = { url, database: 0, protocol: 3, name: "b", auth: { password: "two" }, tls: true } as const;
	expect(resolveOptions(options)).toMatchObject({ database: 0, protocol: 3, name: "b", auth: { password: "two" }, tls: {} });
	expect(resolveOptions({ url: "redis://h", nodes: [{ host: "a", port: 1 }] })).toMatchObject({
		mode: "cluster",
		seeds: [{ host: "a", port: 1 }],
	});
});

test("what was given is copied: changing it later changes nothing", () => {
	const auth = { password: "one" };
	const pool = { shared: 2 };
	const settings = resolveOptions({ auth, pool });
	auth.password = "two";
	pool.shared = 5;
	expect(settings).toMatchObject({ auth: { password: "one" }, pool: { shared: 2 } });
});

test.each<[string, object]>([
	["h", { host: "h", port: 6379 }],
	["h:1", { host: "h", port: 1 }],
	["::1", { host: "::1", port: 6379 }],
	["[::1]:1", { host: "::1", port: 1 }],
	["[fe80::1%eth0]:1", { host: "fe80::1%eth0", port: 1 }],
])("the address %s is understood", (text, endpoint) => {
	expect(parseEndpoint(text, "nodes")).toEqual(endpoint);
});

describe("the environment", () => {
	test.each<[Record<string, string>, object]>([
		[{}, { mode: "standalone", seeds: [{ host: "127.0.0.1", port: 6379 }] }],
		[
			{ REDIS_URL: "redis://u:1/2", REDIS_HOST: "h" },
			{ seeds: [{ host: "u", port: 1 }], database: 2 },
		],
		[
			{ REDIS_HOST: "h", REDIS_PORT: "7", REDIS_DB: "3", REDIS_USERNAME: "u", REDIS_PASSWORD: "p@:/?" },
			{ seeds: [{ host: "h", port: 7 }], database: 3, auth: { username: "u", password: "p@:/?" } },
		],
		[
			{ REDIS_HOST: "::1", REDIS_MODE: "cluster", REDIS_SSL: "true" },
			{ mode: "cluster", seeds: [{ host: "::1", port: 6379 }], tls: {} },
		],
	])("%j", (env, expected) => {
		expect(resolveOptions(optionsFromEnv(env))).toMatchObject(expected);
	});

	test("what it cannot mean is refused by the variable's name", () => {
		expect(refusal(() => optionsFromEnv({ REDIS_PORT: "x" })).field).toBe("REDIS_PORT");
		expect(refusal(() => optionsFromEnv({ REDIS_MODE: "ring" })).field).toBe("REDIS_MODE");
		expect(refusal(() => optionsFromEnv({ REDIS_DB: "one" })).field).toBe("REDIS_DB");
		expect(() => optionsFromEnv({ REDIS_MODE: "sentinel" })).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
	});
});

test("options are given as one object: a second argument would be lost", async () => {
	const call = createClient as (...args: unknown[]) => Promise<unknown>;
	await expect(call("redis://127.0.0.1:1", { protocol: 2 })).rejects.toMatchObject({ code: "INVALID_OPTION", field: "options" });
});
