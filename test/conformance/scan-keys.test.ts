/** scan(): every key of a server, or of all primaries of a cluster, once while nothing moves. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ServerCluster, type ServerNode, startCluster, startStandalone } from "../../fixtures/servers.js";
import { type Client, createClient } from "../../src/index.js";
import { collect as all } from "../support/collect.js";
import { rejectionOf } from "../support/secrets.js";

const COUNT = 2000;

let server: ServerNode;
let cluster: ServerCluster;
beforeAll(async () => {
	[server, cluster] = await Promise.all([startStandalone(), startCluster()]);
});
afterAll(async () => {
	await Promise.all([server?.stop(), cluster?.stop()]);
});

const url = (topology: string): string => (topology === "cluster" ? cluster.url : server.url);
const cases = (["standalone", "cluster"] as const).flatMap((topology) =>
	([2, 3] as const).map((protocol) => [topology, protocol] as const),
);

describe.each(["standalone", "cluster"] as const)("D50 scan on a %s, RESP2 and RESP3", (topology) => {
	const keys = Array.from({ length: COUNT }, (_, i) => `scan:${i}`).sort();
	const clients: Client[] = [];
	let two: Client;
	beforeAll(async () => {
		for (const protocol of [2, 3] as const) clients.push(await createClient({ url: url(topology), protocol }));
		two = clients[0]!;
		expect(await all(two.scan())).toEqual([]);
		await two.setMany(keys.map((key) => [key, "v"] as const));
	});
	afterAll(() => Promise.all(clients.map((client) => client.close())));

	test("every key once, one by one and by the page, in small pages and in large ones", async () => {
		for (const client of clients) {
			expect((await all(client.scan())).sort()).toEqual(keys);
			expect((await all(client.scan({ count: 100_000 }))).sort()).toEqual(keys);
			const pages = await all(client.scan({ count: 50 }).pages());
			expect(pages.flat().sort()).toEqual(keys);
			expect(pages.length).toBeGreaterThan(COUNT / 200);
			expect(Math.max(...pages.map((page) => page.length))).toBeLessThan(COUNT / 10);
			expect(pages.filter((page) => page.length === 0)).toEqual([]);
		}
	});

	test("match and type: pages without an item are passed over", async () => {
		await two.command("HSET", "a:hash", "f", "v");
		for (const client of clients) {
			expect((await all(client.scan({ match: "scan:77*" }))).sort()).toEqual(keys.filter((key) => key.startsWith("scan:77")));
			expect(await all(client.scan({ match: Buffer.from("scan:1999"), count: 10 }).pages())).toEqual([["scan:1999"]]);
			expect(await all(client.scan({ type: "hash" }))).toEqual(["a:hash"]);
			expect(await all(client.scan({ match: "scan:*", type: "hash" }))).toEqual([]);
		}
		await two.command("DEL", "a:hash");
	});

	test("it goes on from its cursor in another client: what was handed over to the end of a page does not come again", async () => {
		const seen: string[] = [];
		let cursor: string | undefined;
		let pages = 0;
		for (let finished = false; !finished; pages += 1) {
			await using client = await createClient({ url: url(topology), protocol: pages % 2 === 0 ? 2 : 3 });
			const scan = client.scan(cursor === undefined ? { match: "scan:*", count: 200 } : { cursor });
			expect(scan.cursor).toMatch(/^[\w-]+$/);
			for await (const page of scan.pages()) {
				seen.push(...page);
				break;
			}
			cursor = scan.cursor;
			if (pages > 50) throw new Error("it does not come to its end");
			const rest = client.scan({ cursor });
			finished = (await all(rest)).length === 0;
			expect(rest.finished).toBe(true);
			expect(await all(client.scan({ cursor: rest.cursor }))).toEqual([]);
		}
		expect(seen.sort()).toEqual(keys);
		expect(pages).toBeGreaterThan(5);
	});

	test("stopped within a page, all of that page is handed over again", async () => {
		for (const client of clients) {
			const scan = client.scan({ count: 100 });
			const first: string[] = [];
			for await (const key of scan) if (first.push(key) === 3) break;
			expect(scan.finished).toBe(false);
			const again = await all(client.scan({ cursor: scan.cursor }));
			expect(again.slice(0, 3)).toEqual(first);
			expect(again.sort()).toEqual(keys);
			// What was handed over whole does not come again.
			const second = client.scan({ count: 100 });
			const [page] = await all(second.pages());
			const third = client.scan({ count: 100 });
			let taken = 0;
			for await (const _ of third) if (++taken === page!.length) break;
			expect((await all(client.scan({ cursor: third.cursor }))).length).toBe(COUNT - taken);
		}
	});

	test("nothing is sent before the first step, nothing ahead, and nothing after a break", async () => {
		for (const client of clients) {
			const before = client.stats().commands;
			const scan = client.scan({ count: 10 });
			expect(scan.cursor).toBe(client.scan({ count: 10 }).cursor);
			expect(client.stats().commands).toBe(before);
			for await (const _ of scan.pages()) break;
			expect(client.stats().commands).toBe(before + 1);
			expect(client.stats().inFlight).toBe(0);
			const unused = client.scan();
			await unused.return();
			expect(await rejectionOf(all(unused))).toMatchObject({ code: "INVALID_ARGUMENT" });
			expect(client.stats().commands).toBe(before + 1);
		}
	});

	test("it is gone through once", async () => {
		const [client] = clients;
		const scan = client!.scan();
		expect(await all(scan)).toHaveLength(COUNT);
		expect(scan.finished).toBe(true);
		for (const again of [scan, scan.pages()]) {
			expect(await rejectionOf(all<unknown>(again))).toMatchObject({
				code: "INVALID_ARGUMENT",
				message: expect.stringMatching(/gone through once/),
			});
		}
	});

	test("an abort or a deadline ends it; its cursor says where to go on", async () => {
		for (const client of clients) {
			const abort = new AbortController();
			const scan = client.with({ signal: abort.signal }).scan({ count: 100 });
			const seen: string[] = [];
			const failed = await rejectionOf(
				(async () => {
					for await (const page of scan.pages()) {
						seen.push(...page);
						if (seen.length > COUNT / 2) abort.abort();
					}
				})(),
			);
			expect(failed).toMatchObject({ code: "ABORTED" });
			const rest = await all(client.scan({ cursor: scan.cursor }));
			expect([...seen, ...rest].sort()).toEqual(keys);
			expect(rest.length).toBeGreaterThan(0);
		}
	});

	test("close() ends it", async () => {
		const client = await createClient({ url: url(topology) });
		const scan = client.scan({ count: 100 });
		const closed = rejectionOf(
			(async () => {
				for await (const _ of scan.pages()) await client.close();
			})(),
		);
		expect(await closed).toMatchObject({ code: "CLOSED" });
		expect((await all(two.scan({ cursor: scan.cursor }))).length).toBeLessThan(COUNT);
	});

	test("command() says who scans", async () => {
		if (topology === "standalone") return;
		expect(await rejectionOf(two.command("SCAN", "0"))).toMatchObject({
			code: "UNSUPPORTED",
			message: expect.stringMatching(/client\.scan\(\)/),
		});
	});

	test("a leased connection scans its own node, and cursors of it are no cursors of the whole", async () => {
		const nodes = topology === "cluster" ? cluster.primaries : [server];
		const seen: string[] = [];
		for (const { host, port } of nodes) {
			await two.withConnection({ node: `${host}:${port}` }, async (connection) => {
				const scan = connection.scan({ count: 100 });
				for await (const key of scan) {
					seen.push(key);
					if (seen.length % 150 === 0) break;
				}
				const rest = connection.scan({ cursor: scan.cursor });
				// Begun again within the page.
				for await (const key of rest) if (!seen.includes(key)) seen.push(key);
				if (topology === "cluster") {
					expect(() => two.scan({ cursor: scan.cursor })).toThrow(expect.objectContaining({ field: "cursor" }));
					expect(() => connection.scan({ cursor: two.scan().cursor })).toThrow(expect.objectContaining({ field: "cursor" }));
				}
			});
		}
		expect(seen.sort()).toEqual(keys);
	});
});

test.each(cases)("A29 D50 binary keys come as they are, %s, RESP%i", async (topology, protocol) => {
	const odd = [
		Buffer.from([0xff, 0xfe]),
		Buffer.from("\r\n$-1\r\n"),
		Buffer.from([0]),
		Buffer.from("ü"),
		Buffer.from([0xc3, 0x28, 0x0d, 0x0a]),
	];
	await using client = await createClient({ url: url(topology), protocol });
	const keys = odd.map((bytes) => Buffer.concat([bytes, Buffer.from(":binary")]));
	await client.setMany(keys.map((key) => [key, "v"] as const));
	const hex = (list: readonly Buffer[]): string[] => list.map((key) => key.toString("hex")).sort();
	const scan = client.buffers.scan({ match: "*:binary", count: 100 });
	const found: Buffer[] = [];
	for await (const page of scan.pages()) {
		found.push(...page);
		break;
	}
	found.push(...(await all(client.buffers.scan({ cursor: scan.cursor }))));
	expect(hex(found)).toEqual(hex(keys));
	const [first] = keys;
	expect(hex(await all(client.buffers.scan({ match: Buffer.concat([first!.subarray(0, 1), Buffer.from("*")]) })))).toEqual(
		hex([first!]),
	);
	expect((await all(client.scan({ match: "*:binary" }))).sort()).toEqual(keys.map(String).sort());
	expect(await client.delMany(await all(client.buffers.scan({ match: "*:binary" })))).toBe(keys.length);
});

test.each(
	cases,
)("D50 the empty key is found, by the pattern that matches nothing else, %s, RESP%i", async (topology, protocol) => {
	await using client = await createClient({ url: url(topology), protocol });
	await client.set("", "empty");
	expect(await all(client.scan({ match: "" }))).toEqual([""]);
	await client.delMany([""]);
});
