/** The typed stream commands: the same replies in both protocols, on one server and on a cluster. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { rejectionOf } from "../support/secrets.js";

/** A record as replies have them: without a prototype. */
function fields<V>(record: Record<string, V>): Record<string, V> {
	return Object.assign(Object.create(null), record);
}

describe.each(["standalone", "cluster"] as const)("%s", (topology) => {
	const clients: Client[] = [];
	beforeAll(async () => {
		const url = inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl");
		clients.push(await createClient({ url, protocol: 2 }), await createClient({ url, protocol: 3 }));
	});
	afterAll(async () => {
		await Promise.all(clients.map((client) => client.close()));
	});

	/** Runs the same in RESP2 and RESP3, each with a stream of its own in the same slot, and expects the same. */
	async function both<T>(name: string, body: (client: Client, key: string) => Promise<T>): Promise<T> {
		const results = await Promise.all(
			clients.map(async (client, i) => {
				const key = `{streams:${topology}:${name}}:${i}`;
				await client.del(key);
				return await body(client, key);
			}),
		);
		expect(results[0]).toStrictEqual(results[1]);
		return results[0] as T;
	}

	test("A31 xadd, xlen, xrange, xrevrange, xdel, xtrim", async () => {
		const result = await both("entries", async (client, key) => {
			expect(await client.xadd(key, { a: 1 }, { nomkstream: true })).toBeNull();
			expect(await client.xadd(key, { a: 1 })).toMatch(/^\d+-0$/);
			expect(await client.xadd(key, { a: 1 }, { maxlen: 1 })).toMatch(/^\d+-\d+$/);
			expect(await client.xtrim(key, { maxlen: 0 })).toBe(1);
			await client.del(key);
			const pairs = [
				["f", "first"],
				["__proto__", "x"],
				["f", "last"],
			] as const;
			return [
				await client.xadd(key, { b: "2", a: "1" }, { id: "1-1" }),
				await client.xadd(key, new Map([["m", Buffer.from("map")]]), { id: 2 }),
				await client.xadd(key, pairs, { id: "3-3" }),
				await client.xadd(key, { n: 4n }, { id: "4", minid: "2", approximate: true, limit: 100 }),
				await client.xlen(key),
				await client.xrange(key),
				await client.xrange(key, "(1-1", 3, { count: 1 }),
				await client.xrevrange(key, "+", "-", { count: 2 }),
				await client.xdel(key, "1-1", ["2-0", "9-9"]),
				await client.xtrim(key, { minid: "4" }),
				await client.xrange(key),
				await client.xrange(`${key}:none`),
				await client.xsetid(key, "9-9", { entriesadded: 20, maxdeletedid: "8-0" }),
			];
		});
		expect(result).toStrictEqual([
			"1-1",
			"2-0",
			"3-3",
			"4-0",
			4,
			[
				{ id: "1-1", fields: fields({ b: "2", a: "1" }) },
				{ id: "2-0", fields: fields({ m: "map" }) },
				{ id: "3-3", fields: Object.assign(fields({ f: "last" }), fields(JSON.parse('{"__proto__":"x"}'))) },
				{ id: "4-0", fields: fields({ n: "4" }) },
			],
			[{ id: "2-0", fields: fields({ m: "map" }) }],
			[expect.objectContaining({ id: "4-0" }), expect.objectContaining({ id: "3-3" })],
			2,
			1,
			[{ id: "4-0", fields: fields({ n: "4" }) }],
			[],
			"OK",
		]);
	});

	test("A31 xread: several streams, by record, Map and pairs; null where there is nothing; blocking on a leased connection", async () => {
		const result = await both("read", async (client, key) => {
			const other = `${key}:other`;
			await client.del(other);
			await client.xadd(key, { a: "1" }, { id: "1-1" });
			await client.xadd(key, { a: "2" }, { id: "2-1" });
			await client.xadd(other, { b: "1" }, { id: "5-1" });
			const plain = (reads: { key: string; entries: unknown[] }[] | null) =>
				reads?.map(({ key: name, entries }) => [name === other ? "other" : "key", entries]) ?? null;
			return [
				plain(await client.xread({ [key]: "0", [other]: 0 })),
				plain(await client.xread(new Map([[key, "1-1"]]), { count: 5 })),
				plain(
					await client.xread([
						[other, "5-1"],
						[Buffer.from(key), "1"],
					]),
				),
				plain(await client.xread({ [key]: "$" })),
				plain(await client.withConnection({ key }, (own) => own.xread([[`${key}:none`, "$"]], { block: 1 }))),
				plain(
					await client.withConnection({ key }, async (own) => {
						const reply = own.xread([[key, "2-1"]], { block: 10_000 });
						await client.xadd(key, { late: "yes" }, { id: "3-1" });
						return await reply;
					}),
				),
			];
		});
		const entry = (id: string, record: Record<string, string>) => ({ id, fields: fields(record) });
		expect(result).toStrictEqual([
			[
				["key", [entry("1-1", { a: "1" }), entry("2-1", { a: "2" })]],
				["other", [entry("5-1", { b: "1" })]],
			],
			[["key", [entry("2-1", { a: "2" })]]],
			[["key", [entry("1-1", { a: "1" }), entry("2-1", { a: "2" })]]],
			null,
			null,
			[["key", [entry("3-1", { late: "yes" })]]],
		]);
	});

	test("A31 groups: create, read, pending, claim, acknowledge; unknown ids are harmless", async () => {
		const result = await both("groups", async (client, key) => {
			const entries = (reads: { entries: unknown[] }[] | null) => reads?.map((read) => read.entries) ?? null;
			const log: unknown[] = [
				await client.xgroupCreate(key, "g", "$", { mkstream: true }),
				await rejectionOf(client.xgroupCreate(key, "g")).then(({ code }) => code),
				await client.xgroupCreate(key, "h", "0", { entriesread: 0 }),
				await client.xgroupCreateconsumer(key, "g", "bob"),
				await client.xgroupCreateconsumer(key, "g", "bob"),
				await client.xpending(key, "g"),
				entries(await client.xreadgroup("g", "ann", { [key]: ">" })),
			];
			for (const id of ["1-1", "2-1", "3-1", "4-1"]) await client.xadd(key, { id }, { id });
			log.push(
				entries(await client.xreadgroup("g", "ann", [[key, ">"]], { count: 3 })),
				entries(await client.xreadgroup("g", "bob", [[key, ">"]], { noack: true })),
				await client.xdel(key, "2-1"),
				entries(await client.xreadgroup("g", "ann", [[key, "1-1"]])),
				entries(await client.xreadgroup("g", "bob", [[key, 0]])),
				await client.xpending(key, "g"),
				(await client.xpending(key, "g", { count: 10 })).map(({ idleMs, ...rest }) => [typeof idleMs, rest]),
				(await client.xpending(key, "g", { start: "(1-1", end: 3, count: 1, consumer: "ann", idle: 0 })).map(({ id }) => id),
				await client.xclaim(key, "g", "bob", 0, "1-1", { justid: true, idle: 5000 }),
				await client.xclaim(key, "g", "bob", 0, ["3-1", "1-1", "7-7"], { retrycount: 7, time: 1, lastid: "4-1" }),
				await client.xclaim(key, "g", "bob", 3_600_000_000_000, ["3-1"], { force: true }),
				await client.xautoclaim(key, "g", "ann", 10_000, "0-0", { count: 1, justid: true }),
				await client.xautoclaim(key, "g", "ann", 10_000),
				(await client.xpending(key, "g", { count: 10 })).map(({ id, consumer, deliveries }) => [id, consumer, deliveries]),
				await client.xack(key, "g", "1-1", ["3-1", "77-7"]),
				await client.xack(key, "g", "1-1"),
				await client.xack(key, "nobody", "1-1"),
				await client.xack(`${key}:none`, "g", "1-1"),
				await client.xgroupSetid(key, "g", "0", { entriesread: 1 }),
				await client.xgroupDelconsumer(key, "g", "ann"),
				await client.xgroupDestroy(key, "h"),
				await client.xgroupDestroy(key, "h"),
				await rejectionOf(client.xreadgroup("h", "ann", { [key]: ">" })).then(({ code }) => code),
			);
			return log;
		});
		const entry = (id: string) => ({ id, fields: fields({ id }) });
		const gone = { id: "2-1", fields: null };
		expect(result).toStrictEqual([
			"OK",
			"BUSYGROUP",
			"OK",
			1,
			0,
			{ count: 0, first: null, last: null, consumers: [] },
			null,
			[[entry("1-1"), entry("2-1"), entry("3-1")]],
			[[entry("4-1")]],
			1,
			[[gone, entry("3-1")]],
			[[]],
			{ count: 3, first: "1-1", last: "3-1", consumers: [{ name: "ann", count: 3 }] },
			[
				["number", { id: "1-1", consumer: "ann", deliveries: 1 }],
				// Those that were read a second time.
				["number", { id: "2-1", consumer: "ann", deliveries: 1 }],
				["number", { id: "3-1", consumer: "ann", deliveries: 2 }],
			],
			["2-1"],
			["1-1"],
			[entry("3-1"), entry("1-1")],
			[],
			{ cursor: "2-1", entries: ["1-1"], deleted: [] },
			{ cursor: "0-0", entries: [entry("3-1")], deleted: ["2-1"] },
			[
				["1-1", "ann", 7],
				["3-1", "ann", 8],
			],
			2,
			0,
			0,
			0,
			"OK",
			0,
			1,
			0,
			"NOGROUP",
		]);
	});

	test("A31 xautoclaim names what was deleted", async () => {
		const result = await both("deleted", async (client, key) => {
			for (const id of ["1-1", "2-1"]) await client.xadd(key, { id }, { id });
			await client.xgroupCreate(key, "g", "0");
			await client.xreadgroup("g", "ann", { [key]: ">" });
			await client.xdel(key, "1-1");
			return await client.xautoclaim(key, "g", "bob", 0);
		});
		expect(result).toStrictEqual({ cursor: "0-0", entries: [{ id: "2-1", fields: fields({ id: "2-1" }) }], deleted: ["1-1"] });
	});

	test("A31 xinfo: records with the server's names", async () => {
		const result = await both("info", async (client, key) => {
			await client.xadd(key, { a: "1" }, { id: "1-1" });
			await client.xgroupCreate(key, "g", "0");
			const empty = await client.xinfoConsumers(key, "g");
			await client.xreadgroup("g", "ann", { [key]: ">" });
			const stream = await client.xinfoStream(key);
			const full = await client.xinfoStream(key, { full: true, count: 0 });
			const [consumer] = (full.groups[0] as { consumers: Record<string, unknown>[] }).consumers;
			return {
				empty,
				stream: [stream.length, stream["last-generated-id"], stream["first-entry"], stream["last-entry"], stream.groups],
				full: [full.length, full.entries, full.groups[0]?.name, full.groups[0]?.["last-delivered-id"], consumer?.name],
				groups: (await client.xinfoGroups(key)).map((group) => [
					group.name,
					group.consumers,
					group.pending,
					group["last-delivered-id"],
				]),
				consumers: (await client.xinfoConsumers(key, "g")).map(({ name, pending, idle }) => [name, pending, typeof idle]),
				none: await rejectionOf(client.xinfoStream(`${key}:none`)).then(({ code }) => code),
			};
		});
		const entry = { id: "1-1", fields: fields({ a: "1" }) };
		expect(result).toStrictEqual({
			empty: [],
			stream: [1, "1-1", entry, entry, 1],
			full: [1, [entry], "g", "1-1", "ann"],
			groups: [["g", 1, 1, "1-1"]],
			consumers: [["ann", 1, "number"]],
			none: "ERR",
		});
	});

	test("A31 in the view of Buffers names, keys and values are Buffers, ids and field names are text", async () => {
		const result = await both("buffers", async (strings, key) => {
			const client = strings.buffers;
			const id = await client.xadd(key, { f: Buffer.from([255, 0]) }, { id: "1-1" });
			await client.xgroupCreate(key, "g", "0");
			const [read] = (await client.xreadgroup("g", "ann", { [key]: ">" })) ?? [];
			const [summary, [pending]] = [await client.xpending(key, "g"), await client.xpending(key, "g", { count: 1 })];
			const [group] = await client.xinfoGroups(key);
			return [
				id,
				Buffer.isBuffer(read?.key) && String(read.key) === key,
				read?.entries,
				summary,
				pending?.consumer,
				[group?.name, group?.["last-delivered-id"]],
				(await client.xinfoStream(key))["first-entry"],
				await client.xautoclaim(key, "g", "bob", 0, "0", { justid: true }),
			];
		});
		const entry = { id: "1-1", fields: fields({ f: Buffer.from([255, 0]) }) };
		expect(result).toStrictEqual([
			"1-1",
			true,
			[entry],
			{ count: 1, first: "1-1", last: "1-1", consumers: [{ name: Buffer.from("ann"), count: 1 }] },
			Buffer.from("ann"),
			[Buffer.from("g"), "1-1"],
			entry,
			{ cursor: "0-0", entries: ["1-1"], deleted: [] },
		]);
	});

	test("A31 in a pipeline", async () => {
		const result = await both("pipeline", (client, key) =>
			client
				.pipeline()
				.xadd(key, { a: 1 }, { id: "1-1" })
				.xgroupCreate(key, "g", "0")
				.xreadgroup("g", "ann", [[key, ">"]])
				.xack(key, "g", "1-1")
				.exec()
				.then(([id, created, reads, acked]) => [id, created, Array.isArray(reads) && reads[0]?.entries, acked]),
		);
		expect(result).toStrictEqual(["1-1", "OK", [{ id: "1-1", fields: fields({ a: "1" }) }], 1]);
	});

	test("A31 what is wrong is refused before a byte is sent, by its name", async () => {
		const [client] = clients as [Client];
		const wrong: [() => Promise<unknown>, object][] = [
			[() => client.xadd("k", {}), { code: "INVALID_ARGUMENT", index: 2 }],
			[() => client.xadd("k", "text" as never), { code: "INVALID_ARGUMENT", index: 2 }],
			[() => client.xadd("k", [["f"]] as never), { code: "INVALID_ARGUMENT", index: 2 }],
			[() => client.xadd("k", { f: undefined } as never), { code: "INVALID_ARGUMENT", index: 4 }],
			[() => client.xadd(5 as never, { f: 1 }), { code: "INVALID_ARGUMENT", index: 1 }],
			[() => client.xadd("k", { f: 1 }, { id: "" }), { code: "INVALID_OPTION", field: "id" }],
			[() => client.xadd("k", { f: 1 }, { maxlen: 5, minid: 1 }), { code: "INVALID_OPTION", field: "minid" }],
			[() => client.xadd("k", { f: 1 }, { maxlen: -1 }), { code: "INVALID_OPTION", field: "maxlen" }],
			[() => client.xadd("k", { f: 1 }, { approximate: true }), { code: "INVALID_OPTION", field: "approximate" }],
			[() => client.xadd("k", { f: 1 }, { maxlen: 5, limit: 5 }), { code: "INVALID_OPTION", field: "limit" }],
			[() => client.xadd("k", { f: 1 }, { trim: 5 } as never), { code: "INVALID_OPTION", field: "trim" }],
			[() => client.xtrim("k", {}), { code: "INVALID_OPTION", field: "options" }],
			[() => client.xrange("k", "-", "+", { count: 0 }), { code: "INVALID_OPTION", field: "count" }],
			[() => client.xread({}), { code: "INVALID_ARGUMENT", index: 1 }],
			[
				() =>
					client.xread([
						["k", 0],
						[Buffer.from("k"), 0],
					]),
				{ code: "INVALID_ARGUMENT", index: 1 },
			],
			[() => client.xread({ k: "0" }, { noack: true } as never), { code: "INVALID_OPTION", field: "noack" }],
			[() => client.xread({ k: "0" }, { block: -1 }), { code: "INVALID_OPTION", field: "block" }],
			[() => client.xread({ k: {} as never }), { code: "INVALID_ARGUMENT", index: 3 }],
			[() => client.xreadgroup("g", "c", [[7 as never, ">"]]), { code: "INVALID_ARGUMENT", index: 5 }],
			[() => client.xack("k", "g"), { code: "INVALID_ARGUMENT" }],
			[() => client.xdel("k", []), { code: "INVALID_ARGUMENT" }],
			[() => client.xclaim("k", "g", "c", -1, "1-1"), { code: "INVALID_ARGUMENT", index: 4 }],
			[() => client.xclaim("k", "g", "c", 0, [], { justid: true }), { code: "INVALID_ARGUMENT", index: 5 }],
			[() => client.xclaim("k", "g", "c", 0, "1", { idle: 1, time: 1 }), { code: "INVALID_OPTION", field: "time" }],
			[() => client.xautoclaim("k", "g", "c", 0.5), { code: "INVALID_ARGUMENT", index: 4 }],
			[() => client.xautoclaim("k", "g", "c", 0, "0", { count: 0 }), { code: "INVALID_OPTION", field: "count" }],
			[() => client.xpending("k", "g", {} as never), { code: "INVALID_OPTION", field: "count" }],
			[() => client.xgroupCreate("k", "g", "$", { mkstream: 1 } as never), { code: "INVALID_OPTION", field: "mkstream" }],
			[() => client.xinfoStream("k", { count: 5 } as never), { code: "INVALID_OPTION", field: "count" }],
		];
		if (topology === "cluster") wrong.push([() => client.xread({ a: 0, b: 0 }), { code: "CROSSSLOT" }]);
		const { bytesWritten } = client.stats();
		for (const [call, error] of wrong) expect(await rejectionOf(call()), String(call)).toMatchObject(error);
		expect(client.stats().bytesWritten).toBe(bytesWritten);
	});
});
