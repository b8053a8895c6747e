import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RedisBackend, type RedisBackendOptions, redisOptionsFromEnv } from "../../../src/cache/index.js";
import { resolveRedisOptions } from "../../../src/cache/redis-options.js";
import { everythingOf } from "../../support/secrets.js";

describe("options of a RedisBackend", () => {
	test.each<[string, unknown[]]>([
		["client", [{}, null, "redis://"]],
		["connection", [null, 5, "redis://127.0.0.1", true]],
		["url", ["", 5, "http://127.0.0.1", "redis://a,b"]],
		["keyPrefix", [null, 5, {}]],
		["defaultTtl", [0, -1, "soon", {}]],
		["metadata", ["inline", true, null]],
		["onError", ["ignore", null, true]],
		["log", ["console", {}, null]],
		["redactKeys", ["no", 1, null]],
		["maxMemory", [-1, 1.5, "100mb", null]],
		["evictionPolicy", ["lru", "allkeys", 1, "allkeys-lru; FLUSHALL"]],
		["applyServerConfig", ["yes", 1]],
		["poolSize", [1]],
	])("S3.1 bad values of %s are refused by that name, when it is made", (field, values) => {
		for (const value of values) {
			expect(() => new RedisBackend({ [field]: value })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
		}
		if (field !== "poolSize") expect(() => new RedisBackend({ [field]: undefined })).not.toThrow();
	});

	test("S3.1 what is wrong with a connection is refused when it is made", () => {
		const bad: [RedisBackendOptions, string][] = [
			[{ connection: { database: -1 } }, "database"],
			[{ connection: { nodes: [] } }, "nodes"],
			[{ connection: { timeouts: { commandMs: -1 } } }, "timeouts.commandMs"],
			[{ connection: {}, url: "redis://127.0.0.1" }, "url"],
		];
		for (const [options, field] of bad) {
			expect(() => new RedisBackend(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION", field }));
		}
	});

	test("C14 the server's configuration is touched when it is asked for, and not before", () => {
		const wanted = { maxMemory: 104_857_600, evictionPolicy: "allkeys-lru" };
		expect(resolveRedisOptions(wanted).serverConfig).toEqual({});
		expect(resolveRedisOptions({ ...wanted, applyServerConfig: true }).serverConfig).toEqual({
			maxmemory: "104857600",
			"maxmemory-policy": "allkeys-lru",
		});
		expect(resolveRedisOptions({ applyServerConfig: true }).serverConfig).toEqual({});
	});
});

describe("options of the environment", () => {
	test("C15 S1.3 the URL wins over host and port, and what is given over both", () => {
		const env = { REDIS_URL: "redis://url:1", REDIS_HOST: "host", REDIS_PORT: "2", REDIS_KEY_PREFIX: "env:" };
		expect(redisOptionsFromEnv(env)).toEqual({ connection: { url: "redis://url:1" }, keyPrefix: "env:" });
		expect(redisOptionsFromEnv({ ...env, REDIS_URL: "" })).toEqual({ connection: { url: "redis://host:2" }, keyPrefix: "env:" });
		expect(redisOptionsFromEnv(env, { url: "redis://mine:3", keyPrefix: "mine:" })).toEqual({
			url: "redis://mine:3",
			keyPrefix: "mine:",
		});
		const connection = { url: "redis://mine:3" };
		expect(redisOptionsFromEnv(env, { connection, metadata: false })).toEqual({ connection, keyPrefix: "env:", metadata: false });
	});

	test("C15 a field that is undefined says nothing", () => {
		const env = { REDIS_HOST: "host", REDIS_KEY_PREFIX: "env:" };
		const nothing = { client: undefined, connection: undefined, url: undefined, keyPrefix: undefined } as never;
		expect(redisOptionsFromEnv(env, nothing)).toEqual({ connection: { url: "redis://host:6379" }, keyPrefix: "env:" });
	});

	test("S1.3 every part of it", () => {
		const env = { REDIS_HOST: "h", REDIS_PORT: "7", REDIS_DB: "3", REDIS_PASSWORD: "p", REDIS_USERNAME: "u", REDIS_SSL: "Yes" };
		expect(redisOptionsFromEnv(env)).toEqual({
			connection: { url: "rediss://h:7", database: 3, auth: { username: "u", password: "p" } },
		});
		expect(redisOptionsFromEnv({})).toEqual({ connection: { url: "redis://127.0.0.1:6379" } });
		expect(redisOptionsFromEnv({ REDIS_KEY_PREFIX: "" })).toMatchObject({ keyPrefix: "" });
		expect(() => redisOptionsFromEnv({ REDIS_PORT: "x" })).toThrow(expect.objectContaining({ field: "REDIS_PORT" }));
		expect(() => redisOptionsFromEnv({ REDIS_DB: "-1" })).toThrow(expect.objectContaining({ field: "REDIS_DB" }));
	});

	test.each<[variable: string, env: Record<string, string>]>([
		["REDIS_URL", { REDIS_URL: "http://:hunter2@host" }],
		["REDIS_URL", { REDIS_URL: "redis://host/hunter2", REDIS_HOST: "host" }],
		["REDIS_HOST", { REDIS_HOST: "ho st", REDIS_PASSWORD: "hunter2" }],
		["REDIS_PORT", { REDIS_PORT: "hunter2" }],
		["REDIS_DB", { REDIS_DB: "hunter2" }],
		["REDIS_DB", { REDIS_DB: "1", REDIS_MODE: "cluster" }],
		["REDIS_MODE", { REDIS_MODE: "hunter2" }],
	])("S1.3 a bad %s is found when a backend without options is made, and not quoted: %o", (variable, env) => {
		for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
		for (const options of [undefined, {}, { keyPrefix: "k:" }, { connection: {} }]) {
			let error: unknown;
			try {
				new RedisBackend(options);
			} catch (thrown) {
				error = thrown;
			}
			expect(error).toMatchObject({ code: "INVALID_OPTION", field: variable });
			expect((error as Error).message.startsWith(`${variable}: `)).toBe(true);
			expect(everythingOf(error)).not.toContain("hunter2");
		}
		// Who says where to go does not ask it.
		expect(() => new RedisBackend({ url: "redis://host" })).not.toThrow();
	});

	test("S1.3 the environment of the process, when nothing else is said", () => {
		vi.stubEnv("REDIS_URL", "redis://of-the-process:1");
		expect(redisOptionsFromEnv()).toMatchObject({ connection: { url: "redis://of-the-process:1" } });
		vi.unstubAllEnvs();
	});
});

describe("config", () => {
	test.each([
		["redis://user:hunter2@host:1/3", "redis://***@host:1/3"],
		["redis://:hunter2@host", "redis://***@host"],
		["redis://hunter2@host", "redis://***@host"],
		["redis://:hunter%402@host", "redis://***@host"],
		["rediss-cluster://u:hunter2@a:1,b:2", "rediss-cluster://***@a:1,b:2"],
		["unix://u:hunter2@/tmp/redis.sock?database=1", "unix://***@/tmp/redis.sock"],
		["redis://host:1?protocol=2", "redis://host:1"],
	])("S3.1 %s is shown as %s", (url, shown) => {
		for (const options of [{ url }, { connection: { url } }]) {
			const { config } = new RedisBackend({ ...options, keyPrefix: "p:", defaultTtl: "1m" });
			expect(config).toEqual({ url: shown, keyPrefix: "p:", defaultTtlMs: 60_000, metadata: "sidecar", onError: "throw" });
		}
	});

	test("S3.1 neither the config nor the backend shows a password beside the URL, or one of the environment", () => {
		vi.stubEnv("REDIS_PASSWORD", "hunter2");
		for (const options of [{ connection: { auth: { password: "hunter2" } } }, redisOptionsFromEnv(), {}]) {
			const backend = new RedisBackend(options);
			expect(JSON.stringify(backend.config)).not.toContain("hunter2");
			expect(everythingOf(backend)).not.toContain("hunter2");
		}
	});

	test.each([
		"redis://a:hunter2@b@host",
		"redis://:hunt/hunter2@host",
		"redis://:x?hunter2@host",
		"redis://host?password=hunter2",
	])("S3.1 what refuses %s does not quote it", (url) => {
		let error: unknown;
		try {
			new RedisBackend({ url });
		} catch (thrown) {
			error = thrown;
		}
		expect(error).toMatchObject({ code: "INVALID_OPTION" });
		expect(everythingOf(error)).not.toContain("hunter2");
	});
});

beforeEach(() => {
	for (const name of Object.keys(process.env)) if (name.startsWith("REDIS_")) vi.stubEnv(name, undefined);
});
afterEach(() => {
	vi.unstubAllEnvs();
});

describe("S4.4 how calls for many keys are cut", () => {
	test.each([
		[{}, null],
		[{ chunkSize: 64 }, { chunkSize: 64 }],
		[
			{ batchSize: 64, maxChunkBytes: 1024 },
			{ batchSize: 64, maxChunkBytes: 1024 },
		],
	])("%o", (options, many) => {
		expect(resolveRedisOptions({ url: "redis://host", ...options }).many).toEqual(many);
	});

	test.each([
		["chunkSize", { chunkSize: 0 }],
		["batchSize", { batchSize: 1.5 }],
		["maxChunkBytes", { maxChunkBytes: "1" }],
		["batchSize", { chunkSize: 64, batchSize: 64 }],
	])("%s is refused: %o", (field, options) => {
		expect(() => resolveRedisOptions({ url: "redis://host", ...options } as never)).toThrow(
			expect.objectContaining({ code: "INVALID_OPTION", field }),
		);
	});
});
