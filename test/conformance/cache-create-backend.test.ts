/** S3.7: the same code with a server and without one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerNode, startStandalone } from "../../fixtures/servers.js";
import { type CacheBackend, createRedisBackend, MemoryBackend, RedisBackend } from "../../src/cache/index.js";
import { rejectionOf } from "../support/secrets.js";

let server: ServerNode;
beforeAll(async () => {
	server = await startStandalone();
});
afterAll(() => server?.stop());

const nowhere = { url: "redis://127.0.0.1:1", timeouts: { startMs: 200 } };

async function use(backend: CacheBackend): Promise<string | undefined> {
	await backend.set("k", "v", { ttl: "1m", metadata: { by: "test" } });
	const entry = await backend.getEntry("k");
	await backend.clear();
	return `${entry?.value} ${JSON.stringify(entry?.metadata)}`;
}

describe.each([
	["true", "url", RedisBackend],
	["1", "environment", RedisBackend],
	["", "url", RedisBackend],
	["", "environment", MemoryBackend],
	["false", "url", MemoryBackend],
	["0", "environment", MemoryBackend],
] as const)("S3.7 USE_REDIS=%j, led to the server by its %s", (wanted, by, kind) => {
	test(`${kind.name} serves, and application code is the same`, async () => {
		const told: unknown[] = [];
		const env = { USE_REDIS: wanted, ...(by === "environment" ? { REDIS_URL: server.url } : {}) };
		await using backend = await createRedisBackend({
			...(by === "url" ? { url: server.url } : {}),
			env,
			onFallback: (error) => told.push(error),
		});
		expect(backend).toBeInstanceOf(kind);
		expect(backend.isConnected).toBe(true);
		expect(await use(backend)).toBe('v {"by":"test"}');
		expect(told).toEqual(kind === MemoryBackend ? [undefined] : []);
	});
});

test("S3.7 with nobody there: memory by default, the fallback that is given, or the error", async () => {
	const told: unknown[] = [];
	const onFallback = (error: unknown): void => void told.push(error);
	await using memory = await createRedisBackend({ connection: nowhere, onFallback, env: {} });
	expect(memory).toBeInstanceOf(MemoryBackend);
	expect(told).toMatchObject([{ name: "CacheConnectionError", code: "CONNECTION" }]);
	expect(await use(memory)).toBe('v {"by":"test"}');
	const own = new MemoryBackend({ maxEntries: 1 });
	expect(await createRedisBackend({ connection: nowhere, fallback: own, env: {} })).toBe(own);
	const error = await rejectionOf(createRedisBackend({ connection: nowhere, fallback: false, env: {} }));
	expect(error).toMatchObject({ name: "CacheConnectionError", code: "CONNECTION" });
});

test("S3.7 what is refused on the server is refused by what serves instead", async () => {
	for (const env of [{ USE_REDIS: "false" }, { USE_REDIS: "true" }]) {
		await using backend = await createRedisBackend({ url: server.url, env });
		expect(await rejectionOf(backend.set("k:meta", "v"))).toMatchObject({ code: "INVALID_ARGUMENT", index: 0 });
		expect(await rejectionOf(backend.clear({ flushDb: true }))).toMatchObject({ code: "INVALID_OPTION", field: "flushDb" });
	}
});

test.each([
	[{ env: { USE_REDIS: "maybe" } }, "USE_REDIS"],
	[{ keyPrefix: 5 as never }, "keyPrefix"],
	[{ onFallback: true as never }, "onFallback"],
	[{ fallback: false, env: { USE_REDIS: "no" } } as const, "fallback"],
	[{ nonsense: 1 } as never, "nonsense"],
])("bad options %j reject, and name the field", async (options, field) => {
	expect(await rejectionOf(createRedisBackend(options))).toMatchObject({ code: "INVALID_OPTION", field });
});
