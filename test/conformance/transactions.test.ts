/** MULTI … EXEC by `client.multi()` on every topology, in both protocols and reply types. */
import { describe, expect, inject, test } from "vitest";
import { type Client, createClient } from "../../src/index.js";

const cases = (["standalone", "cluster"] as const).flatMap((topology) =>
	([2, 3] as const).flatMap((protocol) => (["strings", "buffers"] as const).map((replies) => ({ topology, protocol, replies }))),
);

describe.each(cases)("on a $topology under RESP$protocol, $replies", ({ topology, protocol, replies }) => {
	const tag = `{tx-${topology}-${protocol}-${replies}}`;
	const bulk = (text: string): unknown => (replies === "strings" ? text : Buffer.from(text));

	async function withClient(use: (client: Client, key: (name: string) => string) => Promise<void>): Promise<void> {
		const url = inject(topology === "cluster" ? "clusterUrl" : "standaloneUrl");
		await using client = await createClient({ url, protocol });
		const view = (replies === "strings" ? client : client.buffers) as Client;
		const names = ["a", "n", "h", "z", "none", "lock"].map((name) => `${tag}${name}`);
		await client.delMany(names);
		await use(view, (name) => `${tag}${name}`);
	}

	test("A23 the replies come in the order of the calls, each as its method's", () =>
		withClient(async (client, key) => {
			const before = client.stats().flights;
			const results = await client
				.multi()
				.set(key("a"), "1")
				.get(key("a"))
				.incr(key("n"))
				.get(key("none"))
				.command("HSET", key("h"), "f", "v", "__proto__", "w")
				.command("ZADD", key("z"), "1.5", "m")
				.ttl(key("a"))
				.del(key("a"), key("n"))
				.exec();
			expect(results).toEqual(["OK", bulk("1"), 1, null, 2, 1, -1, 2]);
			expect(client.stats().flights).toBe(before + 1);
		}));

	test("A23 a command that fails is an error in its place, and the others were executed", () =>
		withClient(async (client, key) => {
			await client.set(key("a"), "text");
			const [failed, set, list] = await client.multi().incr(key("a")).set(key("n"), "5").command("LPUSH", key("a"), "x").exec();
			expect(failed).toMatchObject({ code: "ERR", maybeExecuted: false });
			expect(set).toBe("OK");
			expect(list).toMatchObject({ code: "WRONGTYPE" });
			expect(await client.get(key("n"))).toEqual(bulk("5"));
		}));

	test("a command that is refused when it is queued: nothing is executed, and its error is the cause", () =>
		withClient(async (client, key) => {
			const refused = client.multi().set(key("a"), "1").command("SET", key("n")).set(key("lock"), "1").exec();
			await expect(refused).rejects.toMatchObject({
				code: "EXECABORT",
				maybeExecuted: false,
				message: expect.stringMatching(/command 1 \(SET\)/),
				cause: { code: "ERR" },
			});
			expect(await client.command("EXISTS", key("a"), key("lock"))).toBe(0);
			expect(await client.multi().set(key("a"), "2").exec()).toEqual(["OK"]);
		}));

	test("an empty transaction sends nothing and gives no replies", () =>
		withClient(async (client) => {
			const { commands } = client.stats();
			expect(await client.multi().exec()).toEqual([]);
			expect(client.stats().commands).toBe(commands);
		}));

	test("many transactions and single commands share a connection, and each gets its own replies", () =>
		withClient(async (client, key) => {
			const calls = Array.from({ length: 300 }, (_, i) =>
				i % 3 === 0 ? client.get(key("none")) : client.multi().set(key("a"), String(i)).get(key("a")).incr(key("n")).exec(),
			);
			const results = await Promise.all(calls);
			for (const [i, result] of results.entries()) {
				if (i % 3 === 0) expect(result).toBeNull();
				else expect((result as unknown[]).slice(0, 2)).toEqual(["OK", bulk(String(i))]);
			}
			expect(await client.get(key("n"))).toEqual(bulk("200"));
			expect(client.stats().connections).toBe(topology === "cluster" ? 3 : 1);
		}));

	test("large values are sent and read, and a Buffer may be changed after the call", () =>
		withClient(async (client, key) => {
			const value = Buffer.alloc(300_000, "x");
			const transaction = client.multi().set(key("a"), value).get(key("a"));
			value.fill("y");
			const [set, read] = await transaction.exec();
			expect(set).toBe("OK");
			expect(Buffer.from(read as never)).toEqual(Buffer.alloc(300_000, "x"));
		}));

	test("watch: nothing changed, so it is executed; a key that changed has it read and executed again", () =>
		withClient(async (client, key) => {
			await client.set(key("n"), "5");
			let tries = 0;
			const results = await client.watch(key("n"), async (connection) => {
				const read = Number(String(await connection.get(key("n"))));
				tries += 1;
				if (tries < 3) await client.set(key("n"), String(read + 100));
				return connection
					.multi()
					.set(key("n"), String(read * 2))
					.get(key("n"));
			});
			expect(tries).toBe(3);
			expect(results).toEqual(["OK", bulk("410")]);
		}));

	test("watch: 50 counters at once lose no increment", () =>
		withClient(async (client, key) => {
			await client.set(key("n"), "0");
			const view = client.with({ timeoutMs: 30_000 });
			await Promise.all(
				Array.from({ length: 50 }, () =>
					view.watch(
						[key("n"), key("none")],
						async (connection) => connection.multi().set(key("n"), String(Number(String(await connection.get(key("n")))) + 1)),
						{ maxAttempts: 1000 },
					),
				),
			);
			expect(await client.get(key("n"))).toEqual(bulk("50"));
		}));

	test("watch: null leaves everything as it was, and the connection serves the next", () =>
		withClient(async (client, key) => {
			expect(await client.watch(key("a"), async () => null)).toBeNull();
			await client.set(key("a"), "changed");
			const results = await client.watch(key("n"), (connection) => connection.multi().get(key("a")));
			expect(results).toEqual([bulk("changed")]);
		}));

	test("watch: a key that changes in every try ends it with WATCH, and nothing was executed", () =>
		withClient(async (client, key) => {
			let tries = 0;
			const refused = client.watch(
				key("n"),
				async (connection) => {
					await client.incr(key("n"));
					tries += 1;
					return connection.multi().set(key("a"), "1");
				},
				{ maxAttempts: 3 },
			);
			await expect(refused).rejects.toMatchObject({ code: "WATCH", maybeExecuted: false });
			expect(tries).toBe(3);
			expect(await client.get(key("a"))).toBeNull();
		}));

	test("A07 a dirty watch on a leased connection is a WATCH error, not an empty list", () =>
		withClient(async (client, key) => {
			await client.withConnection({ key: key("a") }, async (connection) => {
				await connection.command("WATCH", key("a"));
				await client.set(key("a"), "other");
				await expect(connection.multi().get(key("a")).exec()).rejects.toMatchObject({ code: "WATCH", maybeExecuted: false });
				expect(await connection.multi().get(key("a")).exec()).toEqual([bulk("other")]);
			});
		}));
});

describe("refused before a byte is sent", () => {
	test("on a cluster, keys of another slot: CROSSSLOT, and the transaction stays as it was", async () => {
		await using client = await createClient(inject("clusterUrl"));
		const { commands } = client.stats();
		const transaction = client.multi().set("{a}1", "v");
		expect(() => transaction.get("{b}1")).toThrow(expect.objectContaining({ code: "CROSSSLOT" }));
		expect(() => transaction.command("MGET", "{a}1", "{b}1")).toThrow(expect.objectContaining({ code: "CROSSSLOT" }));
		expect(() => transaction.command("DBSIZE")).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
		expect(transaction.length).toBe(1);
		await client.withConnection({ key: "{a}1" }, async (connection) => {
			const own = connection.multi().set("{a}1", "v");
			expect(() => own.get("{b}1")).toThrow(expect.objectContaining({ code: "CROSSSLOT" }));
		});
		await expect(client.watch(["{a}1", "{b}1"], () => null)).rejects.toMatchObject({ code: "CROSSSLOT" });
		expect(client.stats().commands).toBe(commands);
		expect(await transaction.del("{a}1").exec()).toEqual(["OK", 1]);
	});

	test("on one server, keys of any slots", async () => {
		await using client = await createClient(inject("standaloneUrl"));
		expect(await client.multi().set("tx:{a}", "1").set("tx:{b}", "2").del("tx:{a}", "tx:{b}").exec()).toEqual(["OK", "OK", 2]);
	});

	test.each<[string, object, (client: Client) => unknown]>([
		["a number for a key", { code: "INVALID_ARGUMENT", index: 1 }, (client) => client.multi().get(5 as never)],
		["no value", { code: "INVALID_ARGUMENT", index: 2 }, (client) => client.multi().set("k", undefined as never)],
		["too few arguments", { code: "INVALID_ARGUMENT", index: 1 }, (client) => client.multi().del()],
		[
			"contradictory options",
			{ code: "INVALID_OPTION", field: "px" },
			(client) => client.multi().set("k", "v", { ex: 1, px: 1 }),
		],
		["MULTI in MULTI", { code: "UNSUPPORTED" }, (client) => client.multi().command("MULTI")],
		["EXEC", { code: "UNSUPPORTED" }, (client) => client.multi().command("EXEC")],
		["WATCH", { code: "UNSUPPORTED" }, (client) => client.multi().command("WATCH", "k")],
		["what blocks", { code: "UNSUPPORTED" }, (client) => client.multi().command("BLPOP", "k", 0)],
	])("%s", async (_, expected, call) => {
		await using client = await createClient(inject("standaloneUrl"));
		expect(() => call(client)).toThrow(expect.objectContaining(expected));
		await client.withConnection({}, async (connection) => {
			expect(() => call(connection)).toThrow(expect.objectContaining(expected));
		});
		expect(client.stats().commands).toBe(0);
	});

	test("a transaction is executed once", async () => {
		await using client = await createClient(inject("standaloneUrl"));
		const transaction = client.multi().get("tx:once");
		await transaction.exec();
		await expect(transaction.exec()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
		expect(() => transaction.get("k")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
	});

	test.each<[string, object, (client: Client) => Promise<unknown>]>([
		["no keys", { code: "INVALID_ARGUMENT" }, (client) => client.watch([], () => null)],
		["no function", { code: "INVALID_ARGUMENT" }, (client) => client.watch("k", 5 as never)],
		[
			"tries below 1",
			{ code: "INVALID_OPTION", field: "maxAttempts" },
			(client) => client.watch("k", () => null, { maxAttempts: 0 }),
		],
		[
			"an unknown option",
			{ code: "INVALID_OPTION", field: "tries" },
			(client) => client.watch("k", () => null, { tries: 1 } as never),
		],
	])("watch with %s", async (_, expected, call) => {
		await using client = await createClient(inject("standaloneUrl"));
		await expect(call(client)).rejects.toMatchObject(expected);
		expect(client.stats().commands).toBe(0);
	});

	test("watch: a transaction of the client's own, whose connection watches nothing", async () => {
		await using client = await createClient(inject("standaloneUrl"));
		await expect(client.watch("tx:foreign", () => client.multi().set("tx:foreign", "1"))).rejects.toMatchObject({
			code: "INVALID_ARGUMENT",
		});
		expect(await client.get("tx:foreign")).toBeNull();
	});

	test("a transaction inside of one that was begun by hand", async () => {
		await using client = await createClient(inject("standaloneUrl"));
		await client.withConnection({}, async (connection) => {
			await connection.command("MULTI");
			await connection.command("SET", "tx:by-hand", "1");
			await expect(connection.multi().get("k").exec()).rejects.toMatchObject({ code: "UNSUPPORTED" });
			expect(await connection.command("EXEC")).toEqual(["OK"]);
			expect(await connection.multi().del("tx:by-hand").exec()).toEqual([1]);
		});
	});

	test("a new command is asked about, and queued in its place", async () => {
		await using client = await createClient(inject("standaloneUrl"));
		const refused = client.multi().set("tx:unknown", "1").command("NO.SUCH", "k").exec();
		await expect(refused).rejects.toMatchObject({ code: "EXECABORT", cause: { code: "ERR" } });
	});
});
