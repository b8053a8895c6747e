/** Sessions on every topology, in both protocols. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { waitUntil } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { SessionStore, type SessionStoreOptions } from "../../src/session/index.js";
import { keySlot } from "../../src/slot.js";
import { rejectionOf } from "../support/secrets.js";

const topologies = ["standalone", "cluster"] as const;
const HOUR = 3_600_000;

/** The key of an id, by what the store documents. */
const keyOf = (id: string, prefix = "sess:"): string =>
	id.replace(/^(.*)\.(.*)$/, (_, tag, secret) => `${prefix}{${tag}}:${secret}`);

interface Visit {
	userId?: number | undefined;
	name?: string;
	cart?: string[] | undefined;
	[other: string]: unknown;
}

describe.each(topologies)("on a %s server", (topology) => {
	describe.each([2, 3] as const)("RESP%i", (protocol) => {
		let client: Client;
		beforeAll(async () => {
			client = await createClient({ url: inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"), protocol });
		});
		afterAll(() => client?.close());
		const store = (options: Partial<SessionStoreOptions> = {}): SessionStore<Visit> =>
			new SessionStore<Visit>(client, { ttl: "1h", ...options });

		/** Less than its whole time is left from now on. */
		const age = (id: string, leftMs: number): Promise<unknown> => client.pexpire(keyOf(id), leftMs);
		const left = (id: string): Promise<number> => client.pttl(keyOf(id));

		test("S2.4 create, get, update a field, touch, destroy, with a TTL", async () => {
			const sessions = store();
			const id = await sessions.create({ userId: 7, name: "Ada", cart: ["a", "b"] });
			expect(id).toMatch(/^[\w-]{8}\.[\w-]{24}$/);
			expect(await sessions.get(id)).toEqual({ userId: 7, name: "Ada", cart: ["a", "b"] });
			expect(await sessions.update(id, { cart: ["c"] })).toBe(true);
			expect(await sessions.update(id, { name: undefined as never })).toBe(true);
			expect(await sessions.get(id)).toEqual({ userId: 7, cart: ["c"] });
			expect(await sessions.replace(id, { name: "Eve", cart: undefined })).toBe(true);
			expect(await sessions.get(id)).toEqual({ name: "Eve" });
			await age(id, 60_000);
			expect(await sessions.ttl(id)).toBeLessThanOrEqual(60_000);
			expect(await sessions.touch(id)).toBe(true);
			expect(await sessions.ttl(id)).toBeGreaterThan(HOUR - 30_000);
			expect(await sessions.ttl(id)).toBeLessThanOrEqual(HOUR);
			expect(await sessions.destroy(id)).toBe(true);
			expect(await sessions.destroy(id)).toBe(false);
			expect([await sessions.get(id), await sessions.ttl(id)]).toEqual([null, null]);
			expect(sessions.stats()).toEqual({ hits: 3, misses: 1, unreadable: 0 });
		});

		test("S2.4 a hash: one JSON text a field, so that others can read one field without the rest", async () => {
			const id = await store().create({
				userId: 7,
				name: 'é "日本" 😀',
				nothing: null,
				nested: { a: [1, { b: 2 }] },
				"": 0,
				10: "ten",
			});
			const { $session, ...fields } = await client.hgetall(keyOf(id));
			expect({ ...fields }).toEqual({
				userId: "7",
				name: JSON.stringify('é "日本" 😀'),
				nothing: "null",
				nested: '{"a":[1,{"b":2}]}',
				"": "0",
				10: '"ten"',
			});
			expect($session).toMatch(/^\[3600000,\d{13},0\]$/);
			expect(Math.abs(Number(JSON.parse($session!)[1]) - Number((await client.time())[0]) * 1000)).toBeLessThan(30_000);
			expect(await client.hget(keyOf(id), "userId")).toBe("7");
			expect(await store().get(id)).toEqual({
				userId: 7,
				name: 'é "日本" 😀',
				nothing: null,
				nested: { a: [1, { b: 2 }] },
				"": 0,
				10: "ten",
			});
		});

		test("S2.4 a session without data is one: it can be updated, and emptied again", async () => {
			const sessions = store();
			const id = await sessions.create({});
			expect(await sessions.get(id)).toEqual({});
			expect(await sessions.update(id, { userId: 1 })).toBe(true);
			expect(await sessions.replace(id, {})).toBe(true);
			expect(await sessions.update(id, {})).toBe(true);
			expect(await sessions.get(id)).toEqual({});
			expect(await left(id)).toBeGreaterThan(HOUR - 30_000);
		});

		test("S2.4 what is not rolling keeps its time; what is, and what is asked to, begins it anew in the same flight", async () => {
			const [still, rolling] = [store(), store({ rolling: true })];
			const id = await still.create({ userId: 1 }, { ttl: "20m" });
			const calls: [what: string, call: (sessions: SessionStore<Visit>) => Promise<unknown>][] = [
				["get", (sessions) => sessions.get(id)],
				["update", (sessions) => sessions.update(id, { name: "x" })],
				["replace", (sessions) => sessions.replace(id, { userId: 2 })],
			];
			for (const [what, call] of calls) {
				await age(id, 60_000);
				await call(still);
				expect(await left(id), what).toBeLessThanOrEqual(60_000);
				await call(rolling);
				const { flights } = client.stats();
				await call(rolling);
				expect(client.stats().flights - flights, what).toBe(1);
				// Its own time, which it was created with, and not the store's.
				expect(await left(id), what).toBeGreaterThan(1_200_000 - 30_000);
				expect(await left(id), what).toBeLessThanOrEqual(1_200_000);
			}
			await age(id, 60_000);
			expect(await rolling.get(id, { touch: false })).toEqual({ userId: 2 });
			expect(await left(id)).toBeLessThanOrEqual(60_000);
			expect(await still.get(id, { touch: true })).toEqual({ userId: 2 });
			expect(await left(id)).toBeGreaterThan(60_000);
		});

		test("S2.4 maxTtl ends a session however often it is touched", async () => {
			const sessions = store({ maxTtl: "2h", rolling: true });
			const long = await sessions.create({ userId: 1 }, { ttl: "3h" });
			expect(await left(long)).toBeLessThanOrEqual(2 * HOUR);
			const id = await sessions.create({ userId: 1 });
			const [ttl, created, ends] = JSON.parse((await client.hget(keyOf(id), "$session"))!);
			expect([ttl, ends - created]).toEqual([HOUR, 2 * HOUR]);
			// As if it had been created a while ago.
			const move = (ms: number): Promise<unknown> =>
				client.hset(keyOf(id), { $session: JSON.stringify([ttl, created - ms, ends - ms]) });
			await move(1.5 * HOUR);
			expect(await sessions.touch(id)).toBe(true);
			expect(await left(id)).toBeLessThanOrEqual(HOUR / 2);
			await move(2 * HOUR);
			expect(await sessions.get(id)).toBeNull();
			expect(await client.exists(keyOf(id))).toBe(0);
		});

		test("S2.4 its time over, a session is gone, and nothing brings it back", async () => {
			const sessions = store({ rolling: true });
			const id = await sessions.create({ userId: 1 }, { ttl: "100ms" });
			await waitUntil("the end of the session", async () => (await client.exists(keyOf(id))) === 0 || "it is there");
			expect(await sessions.update(id, { userId: 2 })).toBe(false);
			expect(await sessions.replace(id, { userId: 2 })).toBe(false);
			expect(await sessions.touch(id)).toBe(false);
			expect(await sessions.regenerate(id)).toBeNull();
			expect(await sessions.get(id)).toBeNull();
			expect(await sessions.get(id, { touch: false })).toBeNull();
			expect(await client.exists(keyOf(id))).toBe(0);
			expect(sessions.stats()).toEqual({ hits: 0, misses: 2, unreadable: 0 });
		});

		test("S2.4 updates of several fields at once lose none of each other", async () => {
			const sessions = store();
			const id = await sessions.create({ gone: true });
			const updates = Array.from({ length: 100 }, (_, i) => sessions.update(id, { [`field${i % 50}`]: i, gone: undefined }));
			expect(await Promise.all(updates)).toEqual(Array(100).fill(true));
			expect(await sessions.get(id)).toEqual(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`field${i}`, i + 50])));
		});

		test("S2.4 regenerate: the old id is dead, the new one in the same slot and with the time that was left", async () => {
			const sessions = store();
			const id = await sessions.create({ userId: 7 });
			await age(id, 60_000);
			const renewed = (await sessions.regenerate(id))!;
			expect(renewed).not.toBe(id);
			expect(renewed.split(".")[0]).toBe(id.split(".")[0]);
			expect(keySlot(keyOf(renewed))).toBe(keySlot(keyOf(id)));
			expect([await sessions.get(id), await sessions.get(renewed)]).toEqual([null, { userId: 7 }]);
			expect(await left(renewed)).toBeLessThanOrEqual(60_000);
			expect(await sessions.update(id, { userId: 8 })).toBe(false);
			expect(await sessions.regenerate(id)).toBeNull();
			expect(await sessions.get(renewed)).toEqual({ userId: 7 });
			const rolling = store({ rolling: true });
			expect(await left((await rolling.regenerate(renewed))!)).toBeGreaterThan(60_000);
		});

		test("S2.4 regenerate: whoever looks at any moment finds one id good, and of several that ask one gets the new one", async () => {
			const sessions = store();
			let id = await sessions.create({ userId: 7 });
			for (let round = 0; round < 20; round++) {
				const before = id;
				const renewals = Array.from({ length: 5 }, () => sessions.regenerate(before));
				const ids = (await Promise.all(renewals)).filter((one) => one !== null);
				expect(ids).toHaveLength(1);
				id = ids[0]!;
				const exist = await client.exists(keyOf(before), keyOf(id));
				expect(exist).toBe(1);
			}
			expect(await sessions.get(id)).toEqual({ userId: 7 });
		});

		test("S2.4 ids that were never given out have no session, whatever they are, and nothing is sent", async () => {
			const sessions = store();
			const id = await sessions.create({ userId: 7 });
			const { bytesWritten } = client.stats();
			const [tag, secret] = id.split(".") as [string, string];
			const hostile: unknown[] = [
				undefined,
				null,
				"",
				7,
				{},
				[id],
				Buffer.from(id),
				{ toString: () => id },
				tag,
				`${tag}.`,
				`.${secret}`,
				`${tag}:${secret}`,
				`${id}.`,
				`${id}\n`,
				` ${id}`,
				`${id}:meta`,
				`{x}${id}`,
				`${tag}.${secret.slice(1)}}`,
				`${tag}.${secret.slice(1)}é`,
				`${tag}.${secret.slice(1)}\0`,
				`*${id.slice(1)}`,
				id.repeat(100_000),
			];
			for (const bad of hostile as string[]) {
				expect(await sessions.get(bad)).toBeNull();
				expect(await sessions.ttl(bad)).toBeNull();
				expect(await sessions.regenerate(bad)).toBeNull();
				expect(await sessions.update(bad, { userId: 1 })).toBe(false);
				expect(await sessions.replace(bad, { userId: 1 })).toBe(false);
				expect(await sessions.touch(bad)).toBe(false);
				expect(await sessions.destroy(bad)).toBe(false);
			}
			expect(client.stats().bytesWritten).toBe(bytesWritten);
			expect(sessions.stats()).toEqual({ hits: 0, misses: hostile.length, unreadable: 0 });
			expect(await sessions.get(id)).toEqual({ userId: 7 });
		});

		test("S2.4 __proto__ and its like are fields like any other, on the way in and out", async () => {
			const sessions = store({ rolling: true });
			const text = '{"__proto__":{"admin":true},"constructor":1,"toString":2,"nested":{"__proto__":{"admin":true}}}';
			const id = await sessions.create(JSON.parse(text));
			for (const touch of [true, false]) {
				const data = (await sessions.get(id, { touch }))!;
				expect(Object.getPrototypeOf(data)).toBeNull();
				expect(JSON.parse(JSON.stringify(data))).toEqual(JSON.parse(text));
				expect(data.admin).toBeUndefined();
				expect(Object.keys(data).sort()).toEqual(["__proto__", "constructor", "nested", "toString"]);
			}
			expect(({} as { admin?: boolean }).admin).toBeUndefined();
			expect(await sessions.update(id, JSON.parse('{"__proto__":5}'))).toBe(true);
			expect(Object.getOwnPropertyDescriptor(await sessions.get(id), "__proto__")?.value).toBe(5);
		});

		test("S2.4 what cannot be read is a counted miss, and what is no session stays as it is", async () => {
			const sessions = store({ rolling: true });
			const id = await sessions.create({ userId: 7 });
			const key = keyOf(id);
			const unreadable: [what: string, put: () => Promise<unknown>, session: boolean][] = [
				["a field that is no JSON", () => client.hset(key, { userId: "{broken" }), true],
				["a text", () => client.set(key, "x", { ex: 60 }), false],
				["a hash of somebody else", () => client.hset(key, { userId: "7" }), false],
				["a life that is none", () => client.hset(key, { $session: '["x",1,0]', userId: "7" }), false],
			];
			for (const [what, put, session] of unreadable) {
				if (!session) await client.del(key);
				await put();
				const there = await client.dump(key);
				const before = sessions.stats();
				expect(await sessions.get(id), what).toBeNull();
				expect(await sessions.get(id, { touch: false }), what).toBeNull();
				expect(sessions.stats().unreadable - before.unreadable, what).toBe(2);
				expect(sessions.stats().misses - before.misses, what).toBe(2);
				if (session) continue;
				expect(await sessions.update(id, { userId: 1 }), what).toBe(false);
				expect(await sessions.replace(id, { userId: 1 }), what).toBe(false);
				expect(await sessions.touch(id), what).toBe(false);
				expect(await sessions.regenerate(id), what).toBeNull();
				expect(await client.dump(key), what).toEqual(there);
			}
			expect(await sessions.destroy(id)).toBe(true);
		});

		test("S2.4 what is no data is refused by its argument before a byte is sent, and no error holds a value", async () => {
			const sessions = store();
			const id = await sessions.create({});
			const { bytesWritten } = client.stats();
			const cycle: Record<string, unknown> = { secret: "hunter2" };
			cycle.self = cycle;
			const throws = {
				toJSON(): never {
					throw new Error("hunter2");
				},
			};
			const refused: [data: unknown, message: RegExp][] = [
				[null, /object/],
				["hunter2", /object/],
				[["hunter2"], /object/],
				[new Map([["secret", "hunter2"]]), /object/],
				[Buffer.from("hunter2"), /object/],
				[{ a: cycle }, /"a" is not JSON/],
				[{ b: 5n }, /"b" is not JSON/],
				[{ c: () => {} }, /"c" is not JSON/],
				[{ d: throws }, /"d" is not JSON/],
				[{ $session: [1, 2, 3] }, /\$session/],
				[{ "\ud800": 1 }, /half a character/],
			];
			for (const [data, message] of refused) {
				const errors = await Promise.all(
					[sessions.create(data as Visit), sessions.update(id, data as Visit), sessions.replace(id, data as Visit)].map(
						rejectionOf,
					),
				);
				expect(errors.map((error) => (error as { index?: number }).index)).toEqual([1, 2, 2]);
				for (const error of errors) {
					expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(message) });
					expect(JSON.stringify([error.message, error.cause])).not.toContain("hunter2");
				}
			}
			expect(await rejectionOf(sessions.create({}, { ttl: "soon" as never }))).toMatchObject({
				code: "INVALID_OPTION",
				field: "ttl",
			});
			expect(await rejectionOf(sessions.create({}, { ex: 5 } as never))).toMatchObject({ code: "INVALID_OPTION", field: "ex" });
			expect(await rejectionOf(sessions.get(id, { touch: 1 as never }))).toMatchObject({
				code: "INVALID_OPTION",
				field: "touch",
			});
			expect(client.stats().bytesWritten).toBe(bytesWritten);
		});

		test("S2.4 prefixes keep stores apart, those with braces too", async () => {
			const ids = new Map<string, string>();
			for (const prefix of ["sess:", "", "app{1}:", "{", "a}b{", "日本:"]) {
				const sessions = store({ prefix });
				const id = await sessions.create({ name: prefix });
				expect(await client.exists(keyOf(id, prefix))).toBe(1);
				const renewed = (await sessions.regenerate(id))!;
				ids.set(prefix, renewed);
				expect(await sessions.get(renewed)).toEqual({ name: prefix });
			}
			for (const [prefix, id] of ids) if (prefix !== "sess:") expect(await store().get(id)).toBeNull();
		});
	});
});

test("S2.4 ids do not come twice, and their keys spread over the slots", async () => {
	await using client = await createClient(inject("clusterUrl"));
	const sessions = new SessionStore(client, { ttl: "1m" });
	const ids = await Promise.all(Array.from({ length: 1000 }, () => sessions.create({})));
	expect(new Set(ids.map((id) => id.split(".")[1])).size).toBe(1000);
	expect(new Set(ids.map((id) => keySlot(keyOf(id)))).size).toBeGreaterThan(900);
});
