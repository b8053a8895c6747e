/** hscan(), sscan(), zscan(): every element of a key, small ones in one piece and large ones page by page. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";
import { collect } from "../support/collect.js";
import { rejectionOf } from "../support/secrets.js";

const cases = (["standalone", "cluster"] as const).flatMap((topology) =>
	([2, 3] as const).map((protocol) => ({ topology, protocol })),
);

describe.each(cases)("D50 the elements of a key, $topology, RESP$protocol", ({ topology, protocol }) => {
	const prefix = `elements:${topology}:${protocol}:`;
	const key = (name: string): string => `${prefix}${name}`;
	// More than 128 entries, or a long one, and a server keeps them in a hash table.
	const large = Array.from({ length: 1000 }, (_, i) => `m${i}`);
	const small = ["a", "b", "c"];
	const text = key("text");
	let client: Client;
	beforeAll(async () => {
		client = await createClient({ url: inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"), protocol });
		await client.set(text, "v");
		for (const [name, members] of Object.entries({ large, small })) {
			await client.command("HSET", key(`hash:${name}`), ...members.flatMap((member) => [member, `value of ${member}`]));
			await client.command("SADD", key(`set:${name}`), ...members);
			await client.command("ZADD", key(`zset:${name}`), ...members.flatMap((member, i) => [i / 4, member]));
		}
	});
	afterAll(async () => {
		const keys = ["hash", "set", "zset"].flatMap((type) => ["large", "small", "odd"].map((size) => key(`${type}:${size}`)));
		await client.delMany([...keys, text]);
		await client.close();
	});

	test.each([
		["small", small],
		["large", large],
	])("every element of %s ones, with its value or its score", async (name, members) => {
		const encoding = await client.command("OBJECT", "ENCODING", key(`hash:${name}`));
		expect(encoding === "hashtable").toBe(name === "large");
		const values = members.map((member) => [member, `value of ${member}`]);
		expect((await collect(client.hscan(key(`hash:${name}`)))).sort()).toEqual(values.sort());
		expect((await collect(client.sscan(key(`set:${name}`), { count: 7 }))).sort()).toEqual([...members].sort());
		const scores = members.map((member, i) => [member, i / 4]);
		expect((await collect(client.zscan(key(`zset:${name}`), { count: 300 }))).sort()).toEqual(scores.sort());
		const pages = await collect(client.hscan(key(`hash:${name}`), { count: 50 }).pages());
		expect(pages.flat().sort()).toEqual(values.sort());
		expect(pages.length > 5).toBe(name === "large");
	});

	test("match, and a cursor to go on from in another client", async () => {
		const matching = large.filter((member) => member.endsWith("7")).sort();
		expect((await collect(client.sscan(key("set:large"), { match: "*7" }))).sort()).toEqual(matching);
		const scan = client.zscan(key("zset:large"), { match: "*7", count: 100 });
		const found: [string, number][] = [];
		for await (const page of scan.pages()) {
			found.push(...page);
			break;
		}
		await using other = await createClient(inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl"));
		const rest = await collect(other.zscan(key("zset:large"), { cursor: scan.cursor }));
		expect([...found, ...rest].map(([member]) => member).sort()).toEqual(matching);
		expect(() => other.zscan(key("zset:small"), { cursor: scan.cursor })).toThrow(expect.objectContaining({ field: "cursor" }));
		expect(() => other.sscan(key("zset:large"), { cursor: scan.cursor })).toThrow(expect.objectContaining({ field: "cursor" }));
	});

	test("scores are numbers, infinite ones too", async () => {
		const scores = {
			"-inf": -Infinity,
			"+inf": Infinity,
			"0": 0,
			"-1.5e-7": -1.5e-7,
			"3": 3,
			"1.7976931348623157e308": Number.MAX_VALUE,
		};
		await client.command("ZADD", key("zset:odd"), ...Object.keys(scores).flatMap((score) => [score, `m ${score}`]));
		const found = await collect(client.zscan(key("zset:odd")));
		expect(Object.fromEntries(found)).toEqual(
			Object.fromEntries(Object.entries(scores).map(([name, value]) => [`m ${name}`, value])),
		);
		const buffers = await collect(client.buffers.zscan(key("zset:odd"), { match: "m +inf" }));
		expect(buffers).toEqual([[Buffer.from("m +inf"), Infinity]]);
	});

	test("A29 bytes come as they are", async () => {
		const odd = [Buffer.from([0xff, 0xfe]), Buffer.from("\r\n"), Buffer.from([0, 0x0d]), Buffer.from("")];
		const hex = (list: Buffer[]): string[] => list.map((bytes) => bytes.toString("hex")).sort();
		await client.command("SADD", key("set:odd"), ...odd);
		await client.command("HSET", key("hash:odd"), ...odd.flatMap((field) => [field, Buffer.concat([field, field])]));
		expect(hex(await collect(client.buffers.sscan(key("set:odd"))))).toEqual(hex(odd));
		const fields = await collect(client.buffers.hscan(Buffer.from(key("hash:odd"))));
		expect(hex(fields.map(([field]) => field))).toEqual(hex(odd));
		for (const [field, value] of fields) expect(value).toEqual(Buffer.concat([field, field]));
	});

	test("nothing of a missing key; WRONGTYPE of another type", async () => {
		for (const type of ["hscan", "sscan", "zscan"] as const) {
			const missing = client[type](key("nope"));
			expect(await collect<unknown>(missing)).toEqual([]);
			expect(missing.finished).toBe(true);
			expect(await rejectionOf(collect<unknown>(client[type](text)))).toMatchObject({ code: "WRONGTYPE", maybeExecuted: false });
		}
	});

	test("on a leased connection, and by a view with a deadline of its own", async () => {
		await client.withConnection({ key: key("set:large") }, async (connection) => {
			expect((await collect(connection.sscan(key("set:large")))).sort()).toEqual([...large].sort());
			await connection.command("MULTI");
			expect(await rejectionOf(collect(connection.sscan(key("set:large"))))).toMatchObject({ code: "PROTOCOL" });
		});
		expect(await collect(client.with({ timeoutMs: 4000 }).sscan(key("set:small")))).toHaveLength(3);
		const aborted = client.with({ signal: AbortSignal.abort() }).sscan(key("set:small"));
		expect(await rejectionOf(collect(aborted))).toMatchObject({ code: "ABORTED" });
	});

	test("novalues: fields alone, where the server has it", async () => {
		const fields = await collect(client.hscan(key("hash:small"), { novalues: true })).catch((error) => error);
		if (Number.parseFloat(inject("server").version) >= 7.4) expect(fields.sort()).toEqual(small);
		else expect(fields).toMatchObject({ code: "ERR" });
	});
});
