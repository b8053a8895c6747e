/** How a backend on a server cuts calls for many keys, and whose errors are whose. */
import { expect, inject, test } from "vitest";
import { RedisBackend, type RedisBackendOptions } from "../../src/cache/index.js";
import { createClient } from "../../src/index.js";

const keys = Array.from({ length: 25 }, (_, i) => `k${i}`);

test.each<[RedisBackendOptions, call: object | undefined, commands: number]>([
	[{}, undefined, 1],
	[{ chunkSize: 10 }, undefined, 3],
	[{ batchSize: 5 }, { timeoutMs: 10_000 }, 5],
	[{ chunkSize: 10 }, { chunkSize: 25 }, 1],
	[{ chunkSize: 10 }, { chunkSize: undefined }, 3],
	[{ chunkSize: 10 }, { batchSize: 5 }, 5],
	[{ batchSize: 10 }, { chunkSize: 5 }, 5],
])("S4.4 a backend with %o, a call with %o: MGET %d times", async (options, call, commands) => {
	await using client = await createClient(inject("standaloneUrl"));
	const backend = new RedisBackend({ client, keyPrefix: "backend-calls:", ...options });
	const before = client.stats().commands;
	expect(await backend.getMany(keys, call)).toEqual(keys.map(() => null));
	expect(client.stats().commands - before).toBe(commands);
	const items = keys.map((key) => ({ key, value: key }));
	expect(await backend.setMany(items, { ...call, ttl: 60_000 })).toBe(keys.length);
	expect((await backend.getWithTtl(keys, call)).map((found) => String(found?.value))).toEqual(keys);
	expect(await backend.clear()).toBe(keys.length);
});

test.each([
	"throw",
	"miss",
] as const)("S1.8 what a caller's own list throws is the caller's, with onError: %o", async (onError) => {
	await using client = await createClient(inject("standaloneUrl"));
	const backend = new RedisBackend({ client, keyPrefix: "backend-calls:", onError });
	const items = function* () {
		yield { key: "a", value: "b" };
		throw new RangeError("mine");
	};
	await expect(backend.setMany(items())).rejects.toThrow(RangeError);
	expect(backend.stats()).toMatchObject({ errors: 0, sets: 0 });
});
